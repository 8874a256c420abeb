"""Official path of oxitel.export.encode."""

from oxitel.export.encode import encode_logs as encode_logs

__all__ = ["encode_logs"]
