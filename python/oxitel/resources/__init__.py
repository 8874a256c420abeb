"""The resource: what is known about the entity that makes the telemetry."""
