"""Official path of the HTTP exporters' compressions."""

from oxitel.export.http import CommonCompression as Compression

__all__ = ["Compression"]
