"""Arguments of other types than the signatures say, as programs pass them."""

from declare import Run, program


class Wordy:
    """Has a truth value and a text of its own."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "wordy"


@program()
def options_that_are_no_booleans(run: Run) -> None:
    tracer = run.tracer()
    for option in (1, 0, None, "", "yes", [], Wordy()):
        for name in ("record_exception", "set_status_on_exception"):
            try:
                with tracer.start_span(f"{name} {option}", **{name: option}):
                    raise ValueError("mine")
            except ValueError as error:
                run.observe("raised", str(error))
            try:
                with tracer.start_as_current_span(f"current {name} {option}", **{name: option}):
                    raise ValueError("mine")
            except ValueError as error:
                run.observe("raised", str(error))
        with tracer.start_as_current_span(f"end {option}", end_on_exit=option) as span:
            pass
        run.observe("is recording", span.is_recording())
        if span.is_recording():
            span.end()


@program()
def escaped_is_written_as_text(run: Run) -> None:
    span = run.tracer().start_span("span")
    for escaped in (True, False, 1, 0, None, "yes", Wordy()):
        span.record_exception(ValueError("mine"), escaped=escaped)
    span.record_exception(ValueError("mine"), None, None, 1)
    for event in span.events:
        run.observe("escaped", event.attributes["exception.escaped"])
    span.end()


@program()
def attributes_of_exceptions(run: Run) -> None:
    span = run.tracer().start_span("span")
    for attributes in (
        [("a", 1), ("exception.type", "Mine")],
        (pair for pair in (("b", 2),)),
        [],
        (),
        {},
        {"c": 3},
    ):
        run.attempt("record", lambda: span.record_exception(ValueError("mine"), attributes))
    run.attempt("number", lambda: span.record_exception(ValueError("mine"), 5))
    for event in span.events:
        run.observe("event", {k: v for k, v in event.attributes.items() if "stack" not in k})
    span.end()


@program()
def of_spans_that_are_not_recorded(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    span = run.tracer(sampler=ALWAYS_OFF).start_span("span", record_exception=None)
    run.attempt("record", lambda: span.record_exception(ValueError(), [("a", 1)], escaped=None))
