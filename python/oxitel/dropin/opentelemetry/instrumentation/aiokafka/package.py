"""Official path of the versions that oxitel.instrumentation.aiokafka knows."""

from oxitel.instrumentation.aiokafka import _instruments as _instruments
