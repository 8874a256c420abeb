"""A message's headers as a carrier: lists of (str, bytes) pairs, or dicts, as Kafka clients have.

The user's own object is never changed: it may be used for the next message too.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagate import get_global_textmap
from opentelemetry.propagators.textmap import Getter, Setter


class HeadersGetter(Getter[Any]):
    """Reads headers. Of several with one name the last counts, as Kafka's own clients say: a
    producer that appended its context to headers it forwards put it there."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        if isinstance(carrier, dict):
            found = carrier.get(key)
        else:
            found = None
            for entry in carrier or ():
                if entry[0] == key and entry[1] is not None:
                    found = entry[1]
        if found is None:
            return None
        # What a stranger sent must not raise into the consumer.
        return [found if isinstance(found, str) else bytes(found).decode("utf-8", "replace")]

    def keys(self, carrier: Any) -> list[str]:
        return [entry if isinstance(carrier, dict) else entry[0] for entry in carrier or ()]


class HeadersSetter(Setter[Any]):
    """Writes headers: a name that is there already gets the new value."""

    def set(self, carrier: Any, key: str, value: str) -> None:
        if carrier is None or key is None:
            return
        encoded = value.encode() if isinstance(value, str) else value
        if isinstance(carrier, dict):
            carrier[key] = encoded
            return
        carrier[:] = [entry for entry in carrier if not _is_named(entry, (key,))]
        carrier.append((key, encoded))


_getter = HeadersGetter()
_setter = HeadersSetter()


def with_context(headers: Any, context: Context) -> Any:
    """The headers plus `context`, as a new object of the same kind; a list for None and ().

    What another context left there (`traceparent` of a message that is passed on) is replaced.
    Anything else than a list, a tuple or a dict is returned as it is: the client says what is
    wrong with it.
    """
    carrier: Any
    propagator = get_global_textmap()
    if headers is None or headers == ():
        carrier = []
    elif isinstance(headers, dict):
        carrier = {k: v for k, v in headers.items() if k not in propagator.fields}
    elif isinstance(headers, (list, tuple)):
        fields = propagator.fields if headers else ()
        carrier = [entry for entry in headers if not _is_named(entry, fields)]
    else:
        return headers
    propagator.inject(carrier, context, _setter)
    return tuple(carrier) if headers and isinstance(headers, tuple) else carrier


def _is_named(entry: Any, names: Any) -> bool:
    return (
        isinstance(entry, (tuple, list))
        and bool(entry)
        and isinstance(entry[0], str)
        and entry[0] in names
    )


def context_of(headers: Any, base: Context) -> Context:
    """`base` plus what the producer put into the headers."""
    if not headers:
        return base
    return get_global_textmap().extract(headers, base, _getter)
