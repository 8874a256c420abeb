"""The pytest plugin: the fixture `telemetry`, with what a test's program has recorded."""
