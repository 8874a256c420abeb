"""Classes of others derived from ReadableSpan, and objects that stand for a tracer."""

from typing import Any

from declare import Run, program


@program()
def readable_spans(run: Run) -> None:
    import json

    from opentelemetry.sdk.trace import ReadableSpan

    class Own(ReadableSpan):
        """Hands its content over later."""

        def __init__(self, number: int) -> None:
            super().__init__(name=f"own {number}", attributes={"number": number}, start_time=5)
            self.number = number

    class Wrapping(ReadableSpan):
        """Answers from the span inside."""

        def __init__(self, inside: Any, *, extra: int) -> None:
            self.inside = inside

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inside, name)

    class Same(ReadableSpan):
        pass

    provider = run.provider()
    live = provider.get_tracer("t").start_span("live", attributes={"a": 1})
    live.add_event("event")
    for span in (
        Own(5),
        Wrapping(live, extra=1),
        Same("same", attributes={"b": 2}),
        Wrapping(Own(6), extra=2),
    ):
        for name in ("name", "kind", "attributes", "links", "status", "end_time"):
            run.attempt(name, lambda: getattr(span, name))
        run.observe("is one", isinstance(span, ReadableSpan))
        run.observe("private", span._name)
    run.observe("events", len(Wrapping(live, extra=1).events))
    run.observe("context", Wrapping(live, extra=1).context)
    run.observe("json", json.loads(Own(7).to_json())["attributes"])
    own = Own(8)
    own._name = "renamed"
    run.observe("renamed", own.name)
    live.end()


@program()
def proxies_of_tracers(run: Run) -> None:
    from opentelemetry.sdk.trace import Tracer
    from opentelemetry.trace import SpanKind

    class Proxy:
        def __init__(self, wrapped: Any) -> None:
            self.__wrapped__ = wrapped

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__wrapped__, name)

    tracer = run.tracer()
    for standing in (tracer, Proxy(tracer), Proxy(Proxy(tracer))):
        start = type(tracer).start_span
        with start(standing, "by position", None, SpanKind.CLIENT) as span:
            span.set_attribute("a", 1)
        start(standing, name="by name", attributes={"b": 2}, start_time=5).end(6)
        Tracer.start_span(standing, "by the class").end()
