"""Official path of oxitel.trace.id_generator."""

from oxitel.trace.id_generator import (
    IdGenerator as IdGenerator,
    RandomIdGenerator as RandomIdGenerator,
)
