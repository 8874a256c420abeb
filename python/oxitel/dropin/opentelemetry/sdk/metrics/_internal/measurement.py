"""Official path of oxitel.metrics.measurement."""

from oxitel.metrics.measurement import Measurement as Measurement
