"""Reading a compression as the official gRPC exporters do, for code that imports it from there."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING

from oxitel.official_name import official

if TYPE_CHECKING:
    from grpc import Compression


@official("opentelemetry.exporter.otlp.proto.grpc.exporter")
class InvalidCompressionValueException(Exception):
    """A variable holds no compression that the official gRPC exporters know."""

    def __init__(self, environ_key: str, environ_value: str) -> None:
        super().__init__(f'Invalid value "{environ_value}" for compression envvar {environ_key}')


@official("opentelemetry.exporter.otlp.proto.grpc.exporter")
def environ_to_compression(environ_key: str) -> Compression | None:
    """`grpc.Compression.Gzip` if the variable holds gzip, None if it is not set.

    Raises InvalidCompressionValueException for anything else. Our own exporters do not use it:
    they take more compressions and never raise for a variable.
    """
    value = environ.get(environ_key)
    if value is None:
        return None
    value = value.lower().strip()
    if value != "gzip":
        raise InvalidCompressionValueException(environ_key, value)
    from grpc import Compression

    return Compression.Gzip
