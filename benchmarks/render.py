"""Renders docs/benchmarks.md and the README's table from the newest full results.

python benchmarks/render.py            writes both
python benchmarks/render.py --check    says whether they are what would be written
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog import CASES, FASTOTEL, NOOP, OFFICIAL, OFFICIAL_HTTP, OXITEL, OXITEL_HTTP, Case
from summary import (
    FIGURES,
    extremes,
    is_met,
    median,
    ratio,
    reached,
    same_transport,
    show,
    values,
    wanted,
)

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(<!-- benchmarks -->\n).*?(<!-- /benchmarks -->)", re.DOTALL)
SMALLER = {
    "cpu": "less CPU",
    "spans_per_second": "more spans",
    "cpu_share": "less CPU",
    "json": "less CPU",
    "batch_record": "less CPU",
    "resident": "less memory",
    "startup_wall": "faster",
    "startup_cpu": "less CPU",
    "startup_resident": "less memory",
    "longest": "shorter",
}
README_FIGURES = {
    "specification": ("spans_per_second",),
    "steady": ("cpu_share", "resident"),
    "json_log": ("json",),
    "in_python": ("batch_record",),
    "startup": ("startup_wall", "startup_resident"),
    "stall": ("longest",),
    "switch_on": ("startup_cpu",),
}


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    aligned = ["---", *["---:" for _ in header[1:]]]
    return ["| " + " | ".join(row) + " |" for row in (header, aligned, *rows)]


def machine_line(results: dict[str, Any]) -> str:
    machine, versions = results["machine"], results["versions"]
    ours = versions.get("oxitel", {})
    parts = [
        f"{machine['cpu']}, {machine['cores']} cores",
        f"{machine['system']} {machine['kernel']}",
        f"CPython {ours.get('python', versions['official']['python'])}",
        f"opentelemetry-sdk {versions['official']['opentelemetry-sdk']}",
    ]
    if "oxitel" in ours:
        parts.append(f"oxitel {ours['oxitel']}")
    if "fastotel" in versions:
        parts.append(f"fastotel {versions['fastotel']['fastotel']}")
    return f"{results['date']}: " + "; ".join(parts) + "."


def times(number: float | None, word: str = "") -> str:
    return "—" if number is None else f"{show(number)}× {word}".rstrip()


def readme_table(results: dict[str, Any]) -> str:
    """The README's rows: how many times less Oxitel takes than the official packages."""
    rows = []
    for case in CASES:
        entry = results["cases"].get(case.name)
        if entry is None:
            continue
        for figure in README_FIGURES.get(case.name, ("cpu",)):
            word = SMALLER[figure]
            rows.append(
                [
                    case.title,
                    times(ratio(entry, figure, OFFICIAL, OXITEL), word),
                    times(ratio(entry, figure, OFFICIAL_HTTP, FASTOTEL), word),
                ]
            )
    header = ["Against the official packages", "Oxitel", "fastotel"]
    return "\n".join(table(header, rows))


def readme_part(results: dict[str, Any]) -> str:
    return (
        "\n"
        + readme_table(results)
        + "\n\nMedians, each row from one run; CPU of the whole process, export included. "
        + machine_line(results)
        + " What each row does, every figure and how to run it: [docs/benchmarks.md]"
        + "(https://github.com/oxitel/oxitel/blob/main/docs/benchmarks.md).\n\n"
    )


def verdict_rows(results: dict[str, Any]) -> Iterator[list[str]]:
    for case in CASES:
        entry = results["cases"].get(case.name)
        for target in case.targets if entry else ():
            got = reached(entry, target)
            if got is not None:
                word = "yes" if is_met(target, got) else "**no**"
                yield [f"{case.title}: {target.title}", wanted(target), times(got), word]


def case_part(case: Case, entry: dict[str, Any]) -> list[str]:
    """One case: what its program says of itself, and each figure of each run."""
    program = ROOT / "benchmarks" / "cases" / case.program
    text = program.read_text().split('"""')[1].strip()
    rows = []
    for figure in case.figures:
        for run in entry["runs"]:
            found = values(entry, run, figure)
            if not found:
                continue
            against = "" if run == NOOP else times(ratio(entry, figure, same_transport(run), run))
            if run in (OFFICIAL, OFFICIAL_HTTP):
                against = ""
            middle = median(entry, run, figure)
            rows.append(
                [
                    f"{FIGURES[figure].title}, {FIGURES[figure].unit}",
                    label(run),
                    show(middle),
                    *map(show, extremes(figure, found)),
                    str(len(found)),
                    against,
                ]
            )
    header = ["figure", "run", "median", "best", "worst", "samples", "better than official"]
    return [
        f"### {case.title[0].upper()}{case.title[1:]}",
        "",
        text,
        "",
        f"Program: `benchmarks/cases/{case.program}`, {entry['rounds']} rounds.",
        "",
        *table(header, rows),
        "",
    ]


LABELS = {
    OFFICIAL: "official, gRPC",
    OXITEL: "Oxitel, gRPC",
    NOOP: "the API without an SDK",
    OFFICIAL_HTTP: "official, HTTP",
    OXITEL_HTTP: "Oxitel, HTTP",
    FASTOTEL: "fastotel, HTTP",
}


def label(run: str) -> str:
    return LABELS[run]


INTRODUCTION = """\
# Benchmarks

<!-- Rendered by benchmarks/render.py from benchmarks/results/; edit there. -->

{machine}

`make bench` runs them all, with Oxitel built as its wheels for Linux are
([decision 0016](decisions/0016-wheels-are-optimised-for-what-they-do-most.md));
`python benchmarks/run.py --help` says how to run some.

- One program a case, used unchanged with Oxitel and with the official packages, each in an
  environment of its own. fastotel replaces the batch processor and the OTLP/HTTP exporter on top of
  the official SDK, so it is held against the official packages over HTTP.
- The program is pinned to one core and the receiver, a separate process, to another. The
  implementations take turns, every round in fresh processes, and each round begins with another.
- CPU is that of the whole process, all threads, user and system, from the first turn until
  `force_flush` has returned, less the same loop without telemetry, per turn of the loop. The two
  run in slices, by turns, so that both are measured while the machine is equally fast.
- Programs warm up with the same work first. The queue is large enough for everything. After each
  round the receiver decodes what it stored with the official protobuf classes: a round counts
  only if every span, data point and log record arrived, once, and counters have the right amount.
- Verdicts use ratios of medians of the same run. Absolute figures are those of one machine.
"""


def page(results: dict[str, Any]) -> str:
    lines = [INTRODUCTION.format(machine=machine_line(results)), "## What is wanted", ""]
    lines += table(["", "wanted", "reached", "met"], list(verdict_rows(results)))
    lines += ["", "## Every case", ""]
    for case in CASES:
        if case.name in results["cases"]:
            lines += case_part(case, results["cases"][case.name])
    lines += ["## Versions", ""]
    names = list(results["versions"])
    packages = sorted({package for name in names for package in results["versions"][name]})
    rows = [
        [package, *[results["versions"][name].get(package, "—") for name in names]]
        for package in packages
    ]
    lines += table(["", *names], rows)
    return "\n".join(lines) + "\n"


def newest() -> dict[str, Any] | None:
    paths = sorted(RESULTS.glob("*-all.json"))
    if not paths:
        return None
    results: dict[str, Any] = json.loads(paths[-1].read_text())
    return results


def rendered(results: dict[str, Any], root: Path = ROOT) -> dict[Path, str]:
    """The files that depend on the results, as they should be."""
    files = {root / "docs" / "benchmarks.md": page(results)}
    readme = root / "README.md"
    text = readme.read_text()
    if not MARKED.search(text):
        raise SystemExit("README.md has no <!-- benchmarks --> … <!-- /benchmarks --> to fill")
    part = readme_part(results)
    files[readme] = MARKED.sub(lambda match: match[1] + part + match[2], text)
    return files


def write(results: dict[str, Any]) -> None:
    for path, text in rendered(results).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT, help="where README.md and docs/ are")
    options = parser.parse_args()
    results = newest()
    if results is None:
        print("no results of a full run yet")
        return 0
    stale = 0
    for path, text in rendered(results, options.root).items():
        if path.exists() and path.read_text() == text:
            continue
        stale += 1
        if options.check:
            print(f"{path.relative_to(options.root)} is not what the newest results render to")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
