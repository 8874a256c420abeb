"""Composable samplers with thresholds in the trace state (private, and imported all the same)."""

from typing import Any

from declare import Run, program


def context_with(member: str | None, sampled: bool = True) -> Any:
    from opentelemetry import trace
    from opentelemetry.trace.span import TraceState

    state = TraceState([("ot", member), ("other", "1")]) if member is not None else TraceState()
    flags = trace.TraceFlags(int(sampled))
    parent = trace.SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 5, True, flags, state)
    return trace.set_span_in_context(trace.NonRecordingSpan(parent)), state


@program(log_level="ERROR")
def decisions(run: Run) -> None:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import _sampling_experimental as sampling
    from opentelemetry.sdk.trace._sampling_experimental import _rule_based as rules
    from opentelemetry.trace import SpanKind

    some = sampling.composable_traceid_ratio_based(0.25)
    samplers = {
        "on": sampling.composable_always_on(),
        "off": sampling.composable_always_off(),
        "quarter": some,
        "third": sampling.composable_traceid_ratio_based(1 / 3),
        "none": sampling.composable_traceid_ratio_based(0.0),
        "all": sampling.composable_traceid_ratio_based(1.0),
        "parent": sampling.composable_parent_threshold(some),
        "rules": sampling.composable_rule_based(
            [
                (rules.AttributeValuesPredicate("kind", ["a", "5"]), some),
                (rules.AttributePatternsPredicate("path", ["/a*"], ["*z"]), some),
                (rules.AttributePredicate("exactly", 5), some),
                (
                    rules.AllPredicate(
                        [
                            rules.SpanKindPredicate([SpanKind.SERVER]),
                            rules.ParentPredicate(["none"]),
                        ]
                    ),
                    sampling.composable_always_on(),
                ),
                (rules.ParentPredicate(["remote"]), sampling.composable_always_on()),
            ]
        ),
        "always": sampling.composable_rule_based([(rules.AlwaysMatchPredicate(), some)]),
    }
    members = (
        None, "", "th:0", "th:c", "th:8;rv:12345678901234", "rv:ffffffffffffff;x:y", "th:zz",
        "th:123456789012345", "rv:12", "a:b;th:4;c:d", "x:" + "y" * 300, "x:" + "y" * 240 + ";z:1",
    )  # fmt: skip
    attributes: tuple[dict[str, Any] | None, ...] = (
        None, {"kind": "a"}, {"kind": 5}, {"kind": ("x", "a")}, {"path": "/abc"},
        {"path": "/abcz"}, {"exactly": 5}, {"exactly": "5"},
    )  # fmt: skip
    for name, delegate in samplers.items():
        sampler = sampling.composite_sampler(delegate)
        run.observe(name, sampler.get_description())
        for trace_id in (0x5, 0x0AF7651916CD43DD8448EB211C80319C, (1 << 128) - 1):
            for member in members:
                for sampled in (True, False):
                    context, state = context_with(member, sampled)
                    result = sampler.should_sample(context, trace_id, "n", trace_state=state)
                    run.observe(f"{name} {trace_id} {member}", described(result))
            for given in attributes if name in ("rules", "always") else (None,):
                for kind in (SpanKind.SERVER, SpanKind.CLIENT):
                    result = sampler.should_sample(Context(), trace_id, "n", kind, given)
                    run.observe(f"{name} {given} {kind}", described(result))
    for ratio in (-0.1, 1.1):
        run.attempt(str(ratio), lambda: sampling.composable_traceid_ratio_based(ratio))


def described(result: Any) -> list[Any]:
    state = result.trace_state
    return [result.decision, dict(result.attributes), state.to_header() if state else state is None]


@program()
def exported(run: Run) -> None:
    from opentelemetry.sdk.trace import _sampling_experimental as sampling
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Counting(IdGenerator):
        last = 0

        def generate_span_id(self) -> int:
            self.last += 1
            return self.last

        def generate_trace_id(self) -> int:
            self.last += 1
            return self.last << 50 | self.last

    root = sampling.composable_traceid_ratio_based(0.9)
    sampler = sampling.composite_sampler(sampling.composable_parent_threshold(root))
    tracer = run.tracer(sampler=sampler, id_generator=Counting())
    for number in range(20):
        with tracer.start_as_current_span(f"outer {number}"):
            with tracer.start_as_current_span("inner"):
                pass
