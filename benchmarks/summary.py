"""From raw samples to figures, and from figures of the same run to ratios and a verdict."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from catalog import CASES, OFFICIAL, OFFICIAL_HTTP, OXITEL, Case, Target

Sample = dict[str, Any]

# Beyond this lateness with no export at all, the longest stall says nothing of the export.
QUIET_MILLIS = 0.5


def net(name: str, empty: str) -> Callable[[Sample, int], float]:
    """A time per turn of the loop, less the same loop without telemetry."""

    def per_turn(sample: Sample, count: int) -> float:
        nanos: int = sample[name] - sample[empty]
        return nanos / count / 1000

    return per_turn


def plain(name: str, unit: float) -> Callable[[Sample, int], float]:
    def in_unit(sample: Sample, _count: int) -> float:
        return int(sample[name]) / unit

    return in_unit


def spans_per_second(sample: Sample, count: int) -> float:
    nanos: int = sample["cpu_nanos"] - sample["empty_cpu_nanos"]
    return 1e9 * count / nanos


def memory(sample: Sample, count: int) -> float:
    resident: float = statistics.fmean(sample["resident_bytes"]) - sample["resident_before_bytes"]
    return resident / 2**20


@dataclass(frozen=True)
class Figure:
    title: str
    unit: str
    of: Callable[[Sample, int], float]
    more_is_better: bool = False


FIGURES: dict[str, Figure] = {
    "cpu": Figure("CPU, export included", "µs", net("cpu_nanos", "empty_cpu_nanos")),
    "thread": Figure(
        "of it in the thread that makes spans", "µs", net("thread_nanos", "empty_cpu_nanos")
    ),
    "spans_per_second": Figure(
        "spans created and exported", "per core-second", spans_per_second, more_is_better=True
    ),
    "making_wall": Figure(
        "wall time of making, 8 threads", "µs", lambda s, n: s["making_wall_nanos"] / n / 1000
    ),
    "one_thread_making_wall": Figure(
        "wall time of making, 1 thread",
        "µs",
        lambda s, n: s["one_thread_making_wall_nanos"] / n / 1000,
    ),
    "cpu_share": Figure(
        "CPU of one core for 10,000 spans", "%", lambda s, n: 100 * s["cpu_nanos"] / (n * 1e5)
    ),
    "resident": Figure("memory over `import opentelemetry.trace`", "MiB", memory),
    "json": Figure("time of a record", "µs", lambda s, n: s["json_nanos"] / n / 1000),
    "json_by_hand": Figure(
        "by a formatter written by hand", "µs", lambda s, n: s["json_by_hand_nanos"] / n / 1000
    ),
    "batch_record": Figure(
        "record, batch processor", "µs", lambda s, n: s["batch_record_nanos"] / n / 1000
    ),
    "simple_record": Figure(
        "record, simple processor", "µs", lambda s, n: s["simple_record_nanos"] / n / 1000
    ),
    "handled_record": Figure(
        "record of `logging`", "µs", lambda s, n: s["handled_record_nanos"] / n / 1000
    ),
    "read_attribute": Figure(
        "attribute, set and read", "µs", lambda s, n: s["read_attribute_nanos"] / n / 1000
    ),
    "read_event": Figure(
        "event, added and read", "µs", lambda s, n: s["read_event_nanos"] / n / 1000
    ),
    "startup_wall": Figure("time", "ms", plain("wall_nanos", 1e6)),
    "startup_cpu": Figure("CPU", "ms", plain("cpu_nanos", 1e6)),
    "startup_resident": Figure("memory (RSS)", "MiB", plain("resident_bytes", 2**20)),
    "startup_proportional": Figure("memory (PSS)", "MiB", plain("proportional_bytes", 2**20)),
    "delivered_wall": Figure(
        "time until a first span is delivered", "ms", plain("delivered_wall_nanos", 1e6)
    ),
    "delivered_cpu": Figure(
        "CPU until a first span is delivered", "ms", plain("delivered_cpu_nanos", 1e6)
    ),
    "delivered_resident": Figure(
        "memory (RSS) with a first span delivered", "MiB", plain("delivered_resident_bytes", 2**20)
    ),
    "longest": Figure("longest stall", "ms", plain("longest_nanos", 1e6)),
    "late_p99": Figure("99th percentile of lateness", "ms", plain("p99_nanos", 1e6)),
    "quiet_longest": Figure(
        "longest stall with no export at all", "ms", plain("quiet_longest_nanos", 1e6)
    ),
}


def values(entry: dict[str, Any], run: str, figure: str) -> list[float]:
    """One value a sample, in the order measured; empty where the run did not take part."""
    of = FIGURES[figure].of
    return [
        of(sample, result["count"])
        for result in entry["runs"].get(run, [])
        for sample in result["samples"]
    ]


def extremes(figure: str, found: list[float]) -> tuple[float, float]:
    """The best and the worst value."""
    low, high = min(found), max(found)
    return (high, low) if FIGURES[figure].more_is_better else (low, high)


def median(entry: dict[str, Any], run: str, figure: str) -> float | None:
    found = values(entry, run, figure)
    return statistics.median(found) if found else None


def ratio(entry: dict[str, Any], figure: str, slow: str, fast: str) -> float | None:
    """How many times better `fast`'s median is than `slow`'s; None where one is missing."""
    above, below = median(entry, slow, figure), median(entry, fast, figure)
    if FIGURES[figure].more_is_better:
        above, below = below, above
    return above / below if above is not None and below is not None and below > 0 else None


def same_transport(run: str) -> str:
    """The official run that another run is held against: the one over the same protocol."""
    return OFFICIAL_HTTP if run.endswith("/http") else OFFICIAL


def reached(entry: dict[str, Any], target: Target) -> float | None:
    if target.over is not None:
        own, other = median(entry, OXITEL, target.measure), median(entry, OXITEL, target.over)
        return own / other if own is not None and other else None
    if target.at_most is not None:
        return ratio(entry, target.measure, OXITEL, target.against)
    return ratio(entry, target.measure, target.against, OXITEL)


def is_met(target: Target, got: float) -> bool:
    if target.at_most is not None:
        return got <= target.at_most
    return got >= (target.at_least or 0)


def wanted(target: Target) -> str:
    if target.at_most is not None:
        return f"at most {target.at_most:g}×"
    return f"at least {target.at_least:g}×"


def show(number: float | None) -> str:
    """Two or three digits, which is all that such a measurement carries."""
    if number is None:
        return "—"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def lines(case: Case, entry: dict[str, Any], judged: bool) -> Iterator[str]:
    """What the terminal shows of a case: every figure of every run, then the verdict."""
    for figure in case.figures:
        for run in entry["runs"]:
            found = values(entry, run, figure)
            if found:
                title, unit = FIGURES[figure].title, FIGURES[figure].unit
                middle, best, worst = statistics.median(found), *extremes(figure, found)
                yield (
                    f"{title:42} {run:15} median {show(middle):>7}"
                    f" best {show(best):>7} worst {show(worst):>7} {unit}"
                )
    floor = median(entry, OXITEL, "quiet_longest") if "quiet_longest" in case.figures else None
    if judged and floor is not None and floor > QUIET_MILLIS:
        yield f"not a quiet machine: it wakes a sleeping thread {show(floor)} ms late by itself"
    for target in case.targets if judged else ():
        got = reached(entry, target)
        if got is not None:
            word = "pass" if is_met(target, got) else "FAIL"
            yield f"{word}: {target.title} {show(got)}×, wanted {wanted(target)}"


def verdicts(results: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for case in CASES:
        entry = results["cases"].get(case.name)
        for target in case.targets if entry else ():
            got = reached(entry, target)
            if got is not None:
                text = f"{case.name}: {target.title} {show(got)}×, wanted {wanted(target)}"
                yield text, is_met(target, got)
