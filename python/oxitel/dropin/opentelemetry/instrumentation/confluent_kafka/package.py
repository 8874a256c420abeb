"""Official path of the versions that oxitel.instrumentation.confluent_kafka knows."""

from oxitel.instrumentation.confluent_kafka import _instruments as _instruments
