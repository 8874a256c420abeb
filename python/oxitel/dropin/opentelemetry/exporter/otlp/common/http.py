"""Official path of the HTTP exporters' compressions."""

from oxitel.export.http import CommonCompression as Compression
from oxitel.incidental import incidental

__all__ = ["Compression"]

__getattr__, __dir__ = incidental(__name__, loggers=("_logger",))
