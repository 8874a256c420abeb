"""All samplers: built in, chosen by variable, written by users, failing."""

# ruff: noqa: B023  (`attempt` calls its lambda at once)

from declare import Run, program
from programs.tracestate import remote


def tree(run: Run, tracer: object) -> None:
    """Roots and children of every kind of parent, with what each says about itself."""
    from opentelemetry import trace

    def note(name: str, span: object) -> None:
        context = span.get_span_context()
        run.observe(name, [span.is_recording(), int(context.trace_flags), context.is_valid])

    with tracer.start_as_current_span("root") as root:
        note("root", root)
        with tracer.start_as_current_span("child") as child:
            note("child", child)
            run.observe(
                "same trace", child.get_span_context().trace_id == root.get_span_context().trace_id
            )
    for name, flags, is_remote in (
        ("remote sampled", 1, True),
        ("remote not sampled", 0, True),
        ("remote random", 3, True),
        ("local sampled", 1, False),
        ("local not sampled", 0, False),
    ):
        context = remote(None, flags, is_remote)
        with tracer.start_as_current_span(name, context=context) as span:
            note(name, span)
            with tracer.start_as_current_span(f"below {name}") as below:
                note(f"below {name}", below)
    invalid = trace.set_span_in_context(trace.INVALID_SPAN)
    tracer.start_span("invalid parent", context=invalid).end()


@program()
def by_default(run: Run) -> None:
    provider = run.provider()
    run.observe("sampler", provider.sampler.get_description())
    tree(run, provider.get_tracer("t"))


@program()
def always_on(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    tree(run, run.tracer(sampler=ALWAYS_ON))


@program()
def always_off(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    tree(run, run.tracer(sampler=ALWAYS_OFF))


@program()
def default_off(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import DEFAULT_OFF

    tree(run, run.tracer(sampler=DEFAULT_OFF))


@program()
def static_record_only(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Decision, StaticSampler

    sampler = StaticSampler(Decision.RECORD_ONLY)
    run.observe("description", sampler.get_description())
    tree(run, run.tracer(sampler=sampler))


@program()
def always_record(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, AlwaysRecordSampler, ParentBased

    sampler = AlwaysRecordSampler(ParentBased(ALWAYS_OFF))
    run.observe("description", sampler.get_description())
    tree(run, run.tracer(sampler=sampler))


class Counting:
    """An id generator whose trace ids go through the range in eight steps."""

    def __init__(self) -> None:
        self.number = 0

    def generate_trace_id(self) -> int:
        self.number += 1
        return ((self.number * 0x1F) << 56) % 2**64 + (self.number << 64)

    def generate_span_id(self) -> int:
        self.number += 1
        return self.number

    def is_trace_id_random(self) -> bool:
        return True


@program()
def ratio(run: Run) -> None:
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    class Generator(Counting, IdGenerator):
        pass

    for rate in (0.0, 0.25, 0.5, 0.75, 1.0, 0.1, 1 / 3):
        sampler = TraceIdRatioBased(rate)
        run.observe("sampler", [sampler.get_description(), sampler.rate, sampler.bound])
        tracer = run.tracer(sampler=sampler, id_generator=Generator())
        for index in range(12):
            with tracer.start_as_current_span(f"root {index}") as span:
                run.observe("recording", span.is_recording())
    for trace_id in (0, 1, 2**63 - 1, 2**63, 2**64 - 1, 2**127, (1 << 64) | 5):
        result = TraceIdRatioBased(0.5).should_sample(None, trace_id, "name")
        run.observe(f"{trace_id:x}", result.decision)


@program()
def parent_based_ratio(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    for rate in (0.0, 1.0):
        sampler = ParentBasedTraceIdRatio(rate)
        run.observe("description", sampler.get_description())
        tree(run, run.tracer(sampler=sampler))


@program()
def wrong_ratios(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio, TraceIdRatioBased

    for rate in (-0.1, 1.1, float("nan"), "0.5", None):
        run.attempt(f"ratio {rate}", lambda: TraceIdRatioBased(rate).get_description())
        run.attempt(f"parent {rate}", lambda: ParentBasedTraceIdRatio(rate).get_description())


@program()
def parent_based_with_all_roles(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

    sampler = ParentBased(
        ALWAYS_OFF,
        remote_parent_sampled=ALWAYS_OFF,
        remote_parent_not_sampled=ALWAYS_ON,
        local_parent_sampled=ALWAYS_OFF,
        local_parent_not_sampled=ALWAYS_ON,
    )
    run.observe("description", sampler.get_description())
    tree(run, run.tracer(sampler=sampler))


@program()
def written_by_a_user(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
    from opentelemetry.trace import Link, SpanContext, SpanKind

    class Choosing(Sampler):
        def should_sample(self, *arguments, **named):
            context, trace_id, name, kind, attributes, links = arguments[:6]
            run.observe("count", [len(arguments), list(named)])
            run.observe("given", [context is None, name, kind, attributes, list(links)])
            run.observe("types", [type(trace_id), type(attributes), type(links)])
            decisions = {
                "drop": Decision.DROP,
                "record": Decision.RECORD_ONLY,
                "sample": Decision.RECORD_AND_SAMPLE,
            }
            return SamplingResult(decisions[name], {"chosen": name})

        def get_description(self) -> str:
            return "Choosing"

    tracer = run.tracer(sampler=Choosing())
    link = Link(SpanContext(0xAAAA, 0xBBBB, True), {"l": 1})
    for name in ("drop", "record", "sample"):
        span = tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes={"given": 1, "list": ["a"]}, links=[link]
        )
        run.observe("recording", span.is_recording())
        run.observe("flags", int(span.get_span_context().trace_flags))
        if span.is_recording():
            run.observe("attributes", span.attributes)
        span.end()
    with tracer.start_as_current_span("sample"):
        tracer.start_span("record").end()


@program()
def below_parent_based(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
    from opentelemetry.trace import TraceState

    class Noting(Sampler):
        def should_sample(self, *arguments, **named):
            run.observe("noted", [len(arguments), sorted(named), arguments[2:]])
            return SamplingResult(
                Decision.RECORD_AND_SAMPLE, {"noted": True}, TraceState([("noting", "1")])
            )

        def get_description(self) -> str:
            return "Noting"

    sampler = ParentBased(Noting(), remote_parent_sampled=Noting())
    run.observe("description", sampler.get_description())
    tree(run, run.tracer(sampler=sampler))


@program()
def a_sampler_that_raises(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Sampler

    class Broken(Sampler):
        def should_sample(self, *arguments, **named):
            raise RuntimeError("broken sampler")

        def get_description(self) -> str:
            return "Broken"

    tracer = run.tracer(sampler=Broken())

    def work() -> str:
        with tracer.start_as_current_span("span"):
            return "worked"

    run.attempt("work", work)


@program()
def a_sampler_that_returns_nonsense(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Sampler

    class Nonsense(Sampler):
        def should_sample(self, *arguments, **named):
            return None

        def get_description(self) -> str:
            return "Nonsense"

    tracer = run.tracer(sampler=Nonsense())

    def work() -> str:
        with tracer.start_as_current_span("span"):
            return "worked"

    run.attempt("work", work)


@program()
def results_and_enumerations(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Decision, SamplingResult

    result = SamplingResult(Decision.RECORD_ONLY, {"a": 1})
    run.observe(
        "decisions", [(d.name, d.value, d.is_recording(), d.is_sampled()) for d in Decision]
    )
    run.observe("attributes", result.attributes)
    run.observe("state", result.trace_state)
    run.observe("repr", repr(result))
    run.attempt("immutable", lambda: result.attributes.update({"b": 2}))


@program(
    variants={
        "always_on": {"OTEL_TRACES_SAMPLER": "always_on"},
        "always_off": {"OTEL_TRACES_SAMPLER": "always_off"},
        "parentbased_always_on": {"OTEL_TRACES_SAMPLER": "parentbased_always_on"},
        "parentbased_always_off": {"OTEL_TRACES_SAMPLER": "parentbased_always_off"},
        "traceidratio": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.0"},
        "traceidratio 0": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
        "traceidratio without": {"OTEL_TRACES_SAMPLER": "traceidratio"},
        "parentbased_traceidratio": {
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0",
        },
        "capitals": {"OTEL_TRACES_SAMPLER": "ALWAYS_OFF"},
        "spaces": {"OTEL_TRACES_SAMPLER": " always_off "},
        "empty": {"OTEL_TRACES_SAMPLER": ""},
        "unknown": {"OTEL_TRACES_SAMPLER": "sometimes"},
        "wrong ratio": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"},
        "ratio too large": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
        "ratio empty": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ""},
        "wrong parentbased ratio": {
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "half",
        },
        "argument without sampler": {"OTEL_TRACES_SAMPLER_ARG": "0.5"},
    }
)
def by_variable(run: Run) -> None:
    def make() -> None:
        provider = run.provider()
        run.observe("sampler", provider.sampler.get_description())
        tree(run, provider.get_tracer("t"))

    run.attempt("provider", make)


@program(env={"OTEL_TRACES_SAMPLER": "always_off"})
def an_argument_wins_over_the_variable(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    tree(run, run.tracer(sampler=ALWAYS_ON))
