"""Official path of what the gRPC exporters have in common."""

from oxitel.duplicate_filter import DuplicateFilter as DuplicateFilter
from oxitel.export.grpc_compression import (
    InvalidCompressionValueException as InvalidCompressionValueException,
    environ_to_compression as environ_to_compression,
)
