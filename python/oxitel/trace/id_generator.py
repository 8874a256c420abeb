"""Trace and span ids: the interface, and the generator that draws all bits at random."""

from __future__ import annotations

import abc

from oxitel.official_name import official
from oxitel.own_methods import done_natively


@official("opentelemetry.sdk.trace.id_generator")
class IdGenerator(abc.ABC):
    """Makes the ids of new spans. Official name: `opentelemetry.sdk.trace.id_generator`."""

    @abc.abstractmethod
    def generate_span_id(self) -> int:
        """A new span id: 64 bits, not zero."""

    @abc.abstractmethod
    def generate_trace_id(self) -> int:
        """A new trace id: 128 bits, not zero.

        The low 56 bits should be evenly random, since ratio samplers decide by them; a generator
        that promises so returns True from `is_trace_id_random`.
        """

    def is_trace_id_random(self) -> bool:
        """Whether the low 56 bits of a trace id are random (W3C Trace Context 2, random flag)."""
        return False


@official("opentelemetry.sdk.trace.id_generator")
@done_natively("generate_span_id", "generate_trace_id", "is_trace_id_random")
class RandomIdGenerator(IdGenerator):
    """The default. Draws from the global `random`, so `random.seed` makes the ids repeat."""

    def generate_span_id(self) -> int:
        from random import getrandbits

        span_id = 0
        while span_id == 0:
            span_id = getrandbits(64)
        return span_id

    def generate_trace_id(self) -> int:
        from random import getrandbits

        trace_id = 0
        while trace_id == 0:
            trace_id = getrandbits(128)
        return trace_id

    def is_trace_id_random(self) -> bool:
        return True
