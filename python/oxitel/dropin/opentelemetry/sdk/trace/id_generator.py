"""Official path of oxitel.trace.id_generator."""

from oxitel.incidental import incidental
from oxitel.trace.id_generator import (
    IdGenerator as IdGenerator,
    RandomIdGenerator as RandomIdGenerator,
)

__getattr__, __dir__ = incidental(__name__, modules={"trace": "opentelemetry.trace"})
