"""Official path of the versions that oxitel.instrumentation.kafka knows."""

from oxitel.instrumentation.kafka import _instruments as _instruments
