"""OTLP messages, for exporters of others that put their requests together themselves."""
