"""Two versions: Oxitel's own, and that of the official packages whose surface it has."""

__version__ = "0.1.0"

OFFICIAL_VERSION = "1.45.1"
"""What `opentelemetry.sdk.version` says: libraries decide by it what they may import."""

OFFICIAL_CONTRIB_VERSION = "0.66b1"
"""The same for the instrumentations."""
