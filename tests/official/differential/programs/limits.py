"""Limits of every kind, by argument and by variable."""

# ruff: noqa: B023  (`attempt` calls its lambda at once)

from declare import Run, program


def fill(run: Run, **provider_arguments: object) -> None:
    """One span that goes over every limit, with what it then holds."""
    from opentelemetry.trace import Link, SpanContext

    contexts = [SpanContext(0xABCD00 + i, 0xEF00 + i, True) for i in range(6)]
    links = [Link(context, {f"l{i}": "link value" for i in range(5)}) for context in contexts]
    tracer = run.tracer(**provider_arguments)
    span = tracer.start_span(
        "full", attributes={f"start{i}": "start value" for i in range(5)}, links=links
    )
    for index in range(6):
        span.set_attribute(f"set{index}", ["first value", "second value", b"bytes value", 12345678])
    span.set_attribute("map", {"a": "nested value", "b": ["deeper value"]})
    for index in range(6):
        span.add_event(f"event{index}", {f"e{i}": "event value" for i in range(5)})
    span.add_link(contexts[0], {f"added{i}": "added value" for i in range(5)})
    run.observe("attributes", span.attributes)
    run.observe("events", span.events)
    run.observe("links", span.links)
    dropped = [span.dropped_attributes, span.dropped_events, span.dropped_links]
    run.observe("dropped", dropped)
    span.end()


@program()
def none_reached(run: Run) -> None:
    fill(run)


@program()
def attributes_of_all_kinds(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_attributes=3))


@program()
def span_attributes(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_span_attributes=2))


@program()
def event_attributes(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_event_attributes=2))


@program()
def link_attributes(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_link_attributes=2))


@program()
def events(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_events=2))


@program()
def links(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_links=2))


@program()
def value_lengths(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_attribute_length=4))


@program()
def span_value_lengths(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_attribute_length=7, max_span_attribute_length=3))


@program()
def value_length_counts_characters(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    span = run.tracer(span_limits=SpanLimits(max_attribute_length=3)).start_span("unicode")
    for text in ("äöüß", "日本語文字", "🦀🦀🦀🦀", "e\u0301e\u0301", "ab"):
        span.set_attribute(text, text)
    span.end()


@program()
def zero(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(
        run,
        span_limits=SpanLimits(max_attributes=0, max_events=0, max_links=0, max_attribute_length=0),
    )


@program()
def zero_attributes_in_events_and_links(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_event_attributes=0, max_link_attributes=0))


@program()
def unset(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    unset = SpanLimits.UNSET
    limits = SpanLimits(
        max_attributes=unset, max_events=unset, max_links=unset, max_span_attributes=unset
    )
    run.observe("limits", repr(limits))
    span = run.tracer(span_limits=limits).start_span("many")
    for index in range(200):
        span.set_attribute(f"a{index}", index)
        span.add_event(f"e{index}")
    span.end()


@program()
def the_defaults_hold_128(run: Run) -> None:
    from opentelemetry.trace import Link, SpanContext

    links = [Link(SpanContext(1 + i, 1 + i, True)) for i in range(140)]
    span = run.tracer().start_span("many", links=links)
    for index in range(140):
        span.set_attribute(f"a{index}", index)
        span.add_event(f"e{index}", {f"x{i}": i for i in range(140)} if index == 139 else None)
    span.end()


@program()
def wrong_arguments(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    for name in (
        "max_attributes",
        "max_events",
        "max_links",
        "max_span_attributes",
        "max_event_attributes",
        "max_link_attributes",
        "max_attribute_length",
        "max_span_attribute_length",
    ):
        run.attempt(f"{name} -2", lambda: SpanLimits(**{name: -2}))
        run.attempt(f"{name} text", lambda: SpanLimits(**{name: "5"}))
        run.attempt(f"{name} float", lambda: SpanLimits(**{name: 1.5}))
        run.attempt(f"{name} 7", lambda: repr(SpanLimits(**{name: 7})))


@program()
def eviction_order(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    span = run.tracer(span_limits=SpanLimits(max_attributes=3)).start_span("order")
    for key in "abcabda":
        span.set_attribute(key, key.upper())
        run.observe(f"after {key}", list(span.attributes))
    span.set_attributes({"a": 1, "x": 2, "y": 3})
    run.observe("at last", list(span.attributes))
    run.observe("dropped", span.dropped_attributes)
    span.end()


@program()
def a_sampler_may_fill_the_span(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

    class Filling(Sampler):
        def should_sample(self, *arguments: object, **named: object) -> SamplingResult:
            given = {f"sampler{i}": "sampler value" for i in range(4)}
            return SamplingResult(Decision.RECORD_AND_SAMPLE, given)

        def get_description(self) -> str:
            return "Filling"

    fill(run, sampler=Filling(), span_limits=SpanLimits(max_attributes=3, max_attribute_length=5))


@program(
    variants={
        "count": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "3"},
        "count and span count": {
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "3",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2",
        },
        "count is empty": {"OTEL_ATTRIBUTE_COUNT_LIMIT": ""},
        "count is zero": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "0"},
        "length": {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"},
        "length is zero": {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0"},
        "length is empty": {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ""},
        "span length": {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"},
        "length and span length": {
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4",
        },
        "span count": {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2"},
        "event attribute count": {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "2"},
        "link attribute count": {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "2"},
        "events": {"OTEL_SPAN_EVENT_COUNT_LIMIT": "2"},
        "links": {"OTEL_SPAN_LINK_COUNT_LIMIT": "2"},
        "spaces": {"OTEL_SPAN_EVENT_COUNT_LIMIT": " 2 "},
    }
)
def by_variable(run: Run) -> None:
    fill(run)


@program(env={"OTEL_ATTRIBUTE_COUNT_LIMIT": "4", "OTEL_SPAN_EVENT_COUNT_LIMIT": "4"})
def an_argument_wins_over_a_variable(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    fill(run, span_limits=SpanLimits(max_attributes=2, max_events=1))


@program(
    variants={
        "attribute count is none": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "none"},
        "attribute count is text": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "many"},
        "attribute count is negative": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "-5"},
        "attribute count is a fraction": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "2.5"},
        "span attribute count is text": {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
        "event attribute count is text": {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "x"},
        "link attribute count is text": {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "x"},
        "length is text": {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "long"},
        "length is negative": {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "-1"},
        "span length is text": {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "long"},
        "events is text": {"OTEL_SPAN_EVENT_COUNT_LIMIT": "x"},
        "links is negative": {"OTEL_SPAN_LINK_COUNT_LIMIT": "-2"},
    }
)
def wrong_variables(run: Run) -> None:
    def make() -> None:
        fill(run)

    run.attempt("provider", make)
