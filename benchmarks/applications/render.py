"""Writes docs/applications.md and the README's table of applications from the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from catalog import APPLICATIONS, Application
from environments import distribution

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE.parent / "results" / "applications.json"
PAGE = ROOT / "docs" / "applications.md"
README = ROOT / "README.md"
ADDRESS = "https://github.com/oxitel/oxitel/blob/main/docs/applications.md"
TABLE, SIZE = "applications", "installed"
_OFFICIAL, _OURS, _NOTHING = "official", "oxitel", "nothing"

_HEAD = """\
<!-- Written by benchmarks/applications/render.py; change that, or run `make applications`. -->

# Applications from PyPI

Each runs as it is: without telemetry, under `opentelemetry-instrument` with every instrumentation
that `opentelemetry-bootstrap` names, and under `oxitel run`, with contrib's instrumentations only
where Oxitel has none. All export over gRPC to a receiver on the same machine. The three take turns;
figures are medians of the rounds. `make applications` repeats it,
`make applications APPLICATIONS="httpbin celery"` for some.
"""

_ARRIVES = """\
Spans, metric points and log records; how many lines the program prints that it does not print
without telemetry; and how it ends: at SIGTERM where it serves, by itself where it does not.
"""

_COSTS = """\
CPU of all its processes, start-up included; the memory at its highest; the time until it answers.
The last column is what Oxitel adds to the CPU, as a share of what the official packages add.
"""

_BUSY = """\
The machine was busy with other work while these ran, so that seconds say little by themselves:
compare the rows of an application, which were measured in turns.
"""


def pages(results: dict[str, Any]) -> None:
    """Write both."""
    PAGE.write_text(page(results), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    for name, part in ((TABLE, readme_table(results)), (SIZE, size_line(results))):
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(opening)
        _, _, after = rest.partition(closing)
        text = f"{before}{opening}\n\n{part}\n{closing}{after}"
    README.write_text(text, encoding="utf-8")


def size_line(results: dict[str, Any]) -> str:
    """What is installed, in words."""
    found = results["installed"]

    def told(side: str) -> str:
        return f"{found[side]['packages']} packages, {found[side]['mib']:.0f} MiB"

    return (
        f"- **Little to install**: {told('oxitel')}, exporters and instrumentations included. The"
        f" official SDK and its OTLP\n  exporter are {told('official')}; with the same"
        f" instrumentations {told('official with instrumentations')}.\n"
    )


def page(results: dict[str, Any]) -> str:
    measured = [one for one in APPLICATIONS if "sides" in results.get(one.name, {})]
    parts = [_HEAD]
    if any(is_busy(results[one.name]) for one in measured):
        parts.append(_BUSY)
    parts += [
        "## What arrives\n",
        _ARRIVES,
        table(
            ("application", "", "spans", "metric points", "log records", "lines", "end"),
            [row for one in measured for row in arrival_rows(one, results[one.name]["sides"])],
        ),
        "## What it costs\n",
        _COSTS,
        table(
            ("application", "", "CPU", "memory", "start-up", "added CPU"),
            [row for one in measured for row in cost_rows(one, results[one.name]["sides"])],
        ),
    ]
    missing = [one.name for one in APPLICATIONS if one not in measured]
    if missing:
        parts.append(f"In the catalogue and not measured here: {', '.join(missing)}.\n")
    noise = list(noise_of(measured, results))
    if noise:
        parts += ["## What is printed\n", "\n".join(noise) + "\n"]
    parts += ["## Versions\n", "\n".join(version_lines(measured, results)) + "\n"]
    return "\n".join(parts)


def readme_table(results: dict[str, Any]) -> str:
    """What telemetry adds to an application's CPU, and how many records arrive."""
    rows = []
    for one in APPLICATIONS:
        sides = results.get(one.name, {}).get("sides", {})
        if len(sides) != 3 or any("problem" in side for side in sides.values()):
            continue
        official, ours = sides[_OFFICIAL], sides[_OURS]
        rows.append(
            (
                f"{one.name}: {one.what}",
                added(sides, _OFFICIAL),
                added(sides, _OURS),
                total(official),
                total(ours),
            )
        )
    text = (
        "CPU is what telemetry adds to all processes of the application, start-up included, as it"
        " is measured in\nturns; records are the spans, metric points and log records that arrive."
        f" [docs/applications.md]({ADDRESS})\nhas memory, start-up, what is printed, and the"
        " applications' versions.\n"
    )
    if any(is_busy(result) for result in results.values() if "machine" in result):
        text += (
            "The machine was busy meanwhile: compare the columns, not the figures by themselves.\n"
        )
    return (
        text
        + "\n"
        + table(
            ("application", "official: CPU", "Oxitel: CPU", "official: records", "Oxitel: records"),
            rows,
            right=4,
        )
    )


def added(sides: dict[str, Any], side: str) -> str:
    plain, cpu = sides[_NOTHING]["cpu_seconds"], sides[side]["cpu_seconds"]
    # Nothing saves work: below zero is how much rounds differ.
    return "none seen" if cpu < plain else f"{100 * (cpu - plain) / plain:+.0f} %"


def total(side: dict[str, Any]) -> str:
    return f"{sum(side['records'].values()):,}"


def is_busy(result: dict[str, Any]) -> bool:
    return bool(result["machine"]["load_average"] > result["machine"]["cores"])


def arrival_rows(one: Application, sides: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for side in (_OFFICIAL, _OURS):
        found = sides[side]
        label = f"{one.name}: {one.what}" if side == _OFFICIAL else ""
        if "problem" in found:
            rows.append((label, called(side), found["problem"], "", "", "", ""))
            continue
        records = found["records"]
        rows.append(
            (
                label,
                called(side),
                *(f"{records[signal]:,}" for signal in ("traces", "metrics", "logs")),
                str(found["added_lines"]),
                end_of(found),
            )
        )
    return rows


def end_of(found: dict[str, Any]) -> str:
    statuses = ", ".join(str(status) for status in found["exit_statuses"])
    return (
        f"{statuses} after {found['end_seconds']:.1f} s" if "start_seconds" in found else statuses
    )


def cost_rows(one: Application, sides: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for side in (_NOTHING, _OFFICIAL, _OURS):
        found = sides[side]
        label = one.name if side == _NOTHING else ""
        if "problem" in found:
            rows.append((label, called(side), found["problem"], "", "", ""))
            continue
        start = (
            f"{found['start_seconds']:.1f} s" if "start_seconds" in found and one.requests else ""
        )
        share = share_of(sides) if side == _OURS else ""
        rows.append(
            (
                label,
                called(side),
                f"{found['cpu_seconds']:.2f} s",
                f"{found['memory_mib']:.0f} MiB",
                start,
                share,
            )
        )
    return rows


def share_of(sides: dict[str, Any]) -> str:
    if any("problem" in side for side in sides.values()):
        return ""
    plain = sides[_NOTHING]["cpu_seconds"]
    official, ours = (sides[side]["cpu_seconds"] - plain for side in (_OFFICIAL, _OURS))
    return f"{100 * ours / official:.0f} %" if official > 0.05 * plain else "—"


def noise_of(measured: list[Application], results: dict[str, Any]) -> list[str]:
    lines = []
    for one in measured:
        for side in (_OFFICIAL, _OURS):
            for text in results[one.name]["sides"][side].get("added_examples", ()):
                shown = text.replace("`", "'")
                lines.append(f"- {one.name}, {called(side)}: `{shown}`")
    return lines


def version_lines(measured: list[Application], results: dict[str, Any]) -> list[str]:
    lines = []
    for one in measured:
        result = results[one.name]
        about, versions = result["machine"], result["versions"]
        names = [distribution(requirement) for requirement in one.requirements]
        programs = ", ".join(f"{name} {versions[name]}" for name in names)
        lines.append(
            f"- {one.name}: {programs}; CPython {versions['python']}; opentelemetry-sdk"
            f" {versions['official']}; {result['rounds']} rounds, {result['date']}, {about['cpu']},"
            f" {about['cores']} cores, load {about['load_average']}"
        )
    return lines


def called(side: str) -> str:
    return {_NOTHING: "nothing", _OFFICIAL: "official", _OURS: "Oxitel"}[side]


def table(head: tuple[str, ...], rows: list[tuple[str, ...]], right: int = 0) -> str:
    marks = ["---:" if index >= len(head) - right else "---" for index in range(len(head))]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(marks)} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    pages(json.loads(RESULTS.read_text(encoding="utf-8")))
