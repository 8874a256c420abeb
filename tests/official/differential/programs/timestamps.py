"""Explicit times of starts, ends and events."""

from declare import Run, program

SECOND = 10**9
BASE = 1_600_000_000 * SECOND


@program()
def given_by_the_program(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("given", start_time=BASE)
    span.add_event("event", timestamp=BASE + 5)
    span.end(end_time=BASE + 7)
    run.observe("times", [span.start_time, span.end_time])
    tracer.start_span("only start", start_time=BASE).end()
    tracer.start_span("only end").end(BASE)
    with tracer.start_as_current_span("current", start_time=BASE + 1) as current:
        pass
    run.observe("current", current.start_time)


@program()
def unusual_but_whole(run: Run) -> None:
    tracer = run.tracer()
    backwards = tracer.start_span("backwards", start_time=BASE)
    backwards.end(BASE - 5)
    tracer.start_span("zero", start_time=0).end(0)
    tracer.start_span("one", start_time=1).end(1)
    tracer.start_span("last", start_time=2**63).end(2**64 - 1)


@program()
def negative(run: Run) -> None:
    tracer = run.tracer()
    run.attempt("negative", lambda: tracer.start_span("negative", start_time=-1).end())
    tracer.start_span("whole").end()


@program()
def too_large(run: Run) -> None:
    tracer = run.tracer()
    run.attempt("large", lambda: tracer.start_span("large", start_time=2**64).end())
    tracer.start_span("whole").end()


@program()
def fractions_and_texts(run: Run) -> None:
    tracer = run.tracer()
    run.attempt("float", lambda: tracer.start_span("float", start_time=1.5e18).end())
    tracer.start_span("whole").end()


@program()
def a_text_as_time(run: Run) -> None:
    tracer = run.tracer()
    run.attempt("text", lambda: tracer.start_span("text", start_time="now").end())
    tracer.start_span("whole").end()


@program()
def the_order_of_real_times(run: Run) -> None:
    tracer = run.tracer()
    with tracer.start_as_current_span("outer") as outer:
        outer.add_event("first")
        with tracer.start_as_current_span("inner") as inner:
            inner.add_event("second")
        outer.add_event("third")
        try:
            raise ValueError("fourth")
        except ValueError as error:
            outer.record_exception(error)
    run.observe("outer", [outer.start_time, outer.end_time])
    run.observe("inner", [inner.start_time, inner.end_time])
