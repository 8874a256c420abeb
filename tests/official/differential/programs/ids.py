"""Id generators and the ids themselves."""

from declare import Run, program


@program()
def by_default(run: Run) -> None:
    from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

    generator = RandomIdGenerator()
    traces = {generator.generate_trace_id() for _ in range(200)}
    spans = {generator.generate_span_id() for _ in range(200)}
    run.observe("unique", [len(traces), len(spans)])
    run.observe(
        "ranges", [0 not in traces, max(traces) < 2**128, 0 not in spans, max(spans) < 2**64]
    )
    run.observe("wide", [max(traces) >= 2**120, max(spans) >= 2**56])
    run.observe("random", generator.is_trace_id_random())
    run.observe("kind", isinstance(generator, IdGenerator))
    run.attempt("abstract", lambda: IdGenerator())


@program()
def written_by_a_user(run: Run) -> None:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Counting(IdGenerator):
        def __init__(self) -> None:
            self.last = 0

        def generate_trace_id(self) -> int:
            self.last += 1
            return self.last << 64

        def generate_span_id(self) -> int:
            self.last += 1
            return self.last

    for is_random in (None, True, False):
        generator = Counting()
        if is_random is not None:
            generator.is_trace_id_random = lambda: is_random  # noqa: B023
        run.observe("random", generator.is_trace_id_random())
        tracer = run.tracer(id_generator=generator)
        with tracer.start_as_current_span("outer") as outer:
            run.observe("outer", outer.get_span_context())
            with tracer.start_as_current_span("inner") as inner:
                run.observe("inner", inner.get_span_context())


@program()
def derived_from_the_random_one(run: Run) -> None:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Fixed(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return 0x1234567890ABCDEF

    tracer = run.tracer(id_generator=Fixed())
    span = tracer.start_span("span")
    run.observe("trace", span.get_span_context().trace_id)
    span.end()


def broken(trace_id: object, span_id: object) -> object:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Broken(IdGenerator):
        def generate_trace_id(self) -> object:
            if isinstance(trace_id, Exception):
                raise trace_id
            return trace_id

        def generate_span_id(self) -> object:
            return span_id

    return Broken()


@program()
def ids_out_of_range(run: Run) -> None:
    for name, trace_id, span_id in (
        ("zero trace", 0, 5),
        ("zero span", 5, 0),
        ("large trace", 2**128, 5),
        ("large span", 5, 2**64),
        ("negative", -1, 5),
    ):
        tracer = run.tracer(id_generator=broken(trace_id, span_id))

        def work() -> object:
            with tracer.start_as_current_span(name) as span:  # noqa: B023
                return span.get_span_context().is_valid

        run.attempt(name, work)


@program()
def a_generator_that_raises(run: Run) -> None:
    tracer = run.tracer(id_generator=broken(RuntimeError("no ids"), 5))

    def work() -> str:
        with tracer.start_as_current_span("span"):
            return "worked"

    run.attempt("work", work)


@program()
def the_random_module_can_be_seeded(run: Run) -> None:
    import random

    tracer = run.tracer()
    random.seed(5)
    first = tracer.start_span("first").get_span_context()
    random.seed(5)
    second = tracer.start_span("second").get_span_context()
    run.observe("repeats", first.trace_id == second.trace_id)


@program()
def flags_of_the_trace(run: Run) -> None:
    tracer = run.tracer()
    with tracer.start_as_current_span("root") as root:
        run.observe("root", int(root.get_span_context().trace_flags))
        with tracer.start_as_current_span("child") as child:
            run.observe("child", int(child.get_span_context().trace_flags))
