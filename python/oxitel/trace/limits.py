"""SpanLimits: how much a span, an event or a link may hold."""

from __future__ import annotations

from oxitel.official_name import official
from oxitel.variables import sdk
from oxitel.variables.limit import UNSET, argument_or_variable

_COUNT_LIMIT = 128

# Under these names other packages import the defaults.
_DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT = _COUNT_LIMIT
_DEFAULT_OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT = _COUNT_LIMIT
_DEFAULT_OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT = _COUNT_LIMIT
_DEFAULT_OTEL_LINK_ATTRIBUTE_COUNT_LIMIT = _COUNT_LIMIT
_DEFAULT_OTEL_SPAN_EVENT_COUNT_LIMIT = _COUNT_LIMIT
_DEFAULT_OTEL_SPAN_LINK_COUNT_LIMIT = _COUNT_LIMIT


@official("opentelemetry.sdk.trace")
class SpanLimits:
    """The limits of a provider's spans; it holds them and enforces nothing.

    Each argument is a non-negative integer, None (take the variable of the same meaning, else the
    default) or `SpanLimits.UNSET` (no limit). A limit for one kind of thing wins over the general
    one, wherever they were given. ValueError for a negative argument; an unusable variable is
    named in a message and counts as unset. Specification: "Attribute limits", "Span limits".
    """

    UNSET = UNSET

    def __init__(
        self,
        max_attributes: int | None = None,
        max_events: int | None = None,
        max_links: int | None = None,
        max_span_attributes: int | None = None,
        max_event_attributes: int | None = None,
        max_link_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_span_attribute_length: int | None = None,
    ) -> None:
        limit = argument_or_variable
        self.max_events = limit(max_events, sdk.SPAN_EVENT_COUNT_LIMIT, _COUNT_LIMIT)
        self.max_links = limit(max_links, sdk.SPAN_LINK_COUNT_LIMIT, _COUNT_LIMIT)

        general = limit(max_attributes, sdk.ATTRIBUTE_COUNT_LIMIT, None)
        self.max_attributes = count = _COUNT_LIMIT if general is None else general
        self.max_span_attributes = limit(max_span_attributes, sdk.SPAN_ATTRIBUTE_COUNT_LIMIT, count)
        self.max_event_attributes = limit(
            max_event_attributes, sdk.EVENT_ATTRIBUTE_COUNT_LIMIT, count
        )
        self.max_link_attributes = limit(max_link_attributes, sdk.LINK_ATTRIBUTE_COUNT_LIMIT, count)

        self.max_attribute_length = limit(
            max_attribute_length, sdk.ATTRIBUTE_VALUE_LENGTH_LIMIT, None
        )
        self.max_span_attribute_length = limit(
            max_span_attribute_length,
            sdk.SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT,
            self.max_attribute_length,
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(max_span_attributes={self.max_span_attributes},"
            f" max_events_attributes={self.max_event_attributes},"
            f" max_link_attributes={self.max_link_attributes},"
            f" max_attributes={self.max_attributes}, max_events={self.max_events},"
            f" max_links={self.max_links}, max_attribute_length={self.max_attribute_length})"
        )


_UnsetLimits = SpanLimits(
    max_attributes=SpanLimits.UNSET,
    max_events=SpanLimits.UNSET,
    max_links=SpanLimits.UNSET,
    max_span_attributes=SpanLimits.UNSET,
    max_event_attributes=SpanLimits.UNSET,
    max_link_attributes=SpanLimits.UNSET,
    max_attribute_length=SpanLimits.UNSET,
    max_span_attribute_length=SpanLimits.UNSET,
)

SPAN_ATTRIBUTE_COUNT_LIMIT = argument_or_variable(
    None, sdk.SPAN_ATTRIBUTE_COUNT_LIMIT, _COUNT_LIMIT
)
