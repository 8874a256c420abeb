"""Official path of oxitel.export.encode."""

from oxitel.export.encode import encode_spans

__all__ = ["encode_spans"]
