"""How finished telemetry leaves the process, as far as Python sees it."""
