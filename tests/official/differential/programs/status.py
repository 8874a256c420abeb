"""Status: the order of transitions, descriptions, wrong arguments."""

# ruff: noqa: B023  (`attempt` calls its lambda at once)

from declare import Run, program


@program()
def transitions(run: Run) -> None:
    from opentelemetry.trace import StatusCode

    tracer = run.tracer()
    codes = list(StatusCode)
    for first in codes:
        for second in codes:
            span = tracer.start_span(f"{first.name} then {second.name}")
            span.set_status(first, "first" if first is StatusCode.ERROR else None)
            span.set_status(second, "second" if second is StatusCode.ERROR else None)
            run.observe(f"{first.name} {second.name}", span.status)
            span.end()


@program()
def descriptions(run: Run) -> None:
    from opentelemetry.trace import Status, StatusCode

    tracer = run.tracer()
    for name, arguments in (
        ("ok with text", (StatusCode.OK, "fine")),
        ("unset with text", (StatusCode.UNSET, "unset")),
        ("error without text", (StatusCode.ERROR,)),
        ("error with empty text", (StatusCode.ERROR, "")),
        ("status object", (Status(StatusCode.ERROR, "object"),)),
        ("status object and text", (Status(StatusCode.ERROR, "object"), "argument")),
        ("status object without text", (Status(StatusCode.ERROR), "argument")),
        ("ok object", (Status(StatusCode.OK),)),
        ("default object", (Status(),)),
    ):
        span = tracer.start_span(name)
        run.attempt(name, lambda: span.set_status(*arguments))
        run.observe("status", span.status)
        span.end()


@program()
def wrong_arguments(run: Run) -> None:
    from opentelemetry.trace import Status, StatusCode

    tracer = run.tracer()
    span = tracer.start_span("wrong")
    run.attempt("text", lambda: span.set_status("ERROR"))
    run.attempt("number", lambda: span.set_status(2))
    run.attempt("none", lambda: span.set_status(None))
    run.attempt("description is a number", lambda: span.set_status(StatusCode.ERROR, 5))
    run.attempt("object with description", lambda: Status(StatusCode.OK, "text").description)
    run.attempt("object with number", lambda: Status(StatusCode.ERROR, 5).description)
    run.observe("status", span.status)
    span.end()


@program()
def after_the_end(run: Run) -> None:
    from opentelemetry.trace import StatusCode

    span = run.tracer().start_span("ended")
    span.end()
    span.set_status(StatusCode.ERROR, "late")
    run.observe("status", span.status)


@program()
def exceptions_and_statuses_given_before(run: Run) -> None:
    from opentelemetry.trace import StatusCode

    tracer = run.tracer()
    for code in StatusCode:
        try:
            with tracer.start_as_current_span(f"before {code.name}") as span:
                span.set_status(code, "mine" if code is StatusCode.ERROR else None)
                raise ValueError("later")
        except ValueError:
            run.observe(code.name, span.status)
