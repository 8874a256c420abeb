"""Jaeger's headers under their official path; see `oxitel.propagation.jaeger`."""

from oxitel.propagation.jaeger import JaegerPropagator as JaegerPropagator
