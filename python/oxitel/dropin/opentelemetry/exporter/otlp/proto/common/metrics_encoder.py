"""Official path of oxitel.export.encode."""

from oxitel.export.encode import encode_metrics

__all__ = ["encode_metrics"]
