"""Writes docs/vendors.md from the results: `python benchmarks/vendors/render.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from catalog import FRAMEWORKS, NOTHING, OXITEL, VENDORS

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "vendors.json"
PAGE = HERE.parent.parent / "docs" / "vendors.md"

_HEAD = """\
<!-- Written by benchmarks/vendors/render.py; change that, or run benchmarks/vendors/run.py. -->

# What a request costs with each vendor's package

The same Flask and FastAPI application, answering the same request (`GET /orders/{number}`, a few
bytes of JSON), under telemetry of each of these. Each is switched on as its documentation says,
with its own instrumentation of the framework
([`setups.py`](../benchmarks/vendors/setups.py)), and sends to an intake on this machine that
answers as that vendor's does.

- CPU is that of the whole process, all threads, from the first request until everything is sent,
  less that of the application alone; per request. The application is called in-process, as a
  server calls it, so that no server's own work is in it.
- All take turns, in fresh processes, each in an environment of its own, and beside each runs the
  application alone: the two answer slices of their requests by turns, so that what is subtracted
  was measured while the machine was equally fast. Every request is recorded, and a round counts
  only if the intake has received each of them.
- They do not record the same: the columns say how many spans (or transactions, with the spans
  inside them) and bytes leave for a request, compressed where the vendor does so by itself, and
  whether metrics leave, too.
"""

_BUSY = """\
The machine was busy with other work meanwhile: compare the rows, not the figures by themselves.
"""


def page(results: dict[str, Any]) -> str:
    about = results["machine"]
    parts = [_HEAD]
    if about["load_average"] > about["cores"]:
        parts.append(_BUSY)
    parts += [table(results), "## What is switched on, and its version\n"]
    rows = [
        (vendor.title, vendor.sends, versions(results["versions"][vendor.name]))
        for vendor in VENDORS
        if vendor.name in results["vendors"]
    ]
    parts.append(lines(("", "switched on", "versions"), rows))
    rounds = min(
        found["rounds"]
        for frameworks in results["vendors"].values()
        for found in frameworks.values()
        if "rounds" in found
    )
    parts.append(
        f"Medians of {rounds} round{'s' * (rounds > 1)}, each of two times {results['count']:,}"
        f" requests after as many before it is measured. {results['date']}: {about['cpu']},"
        f" {about['cores']} cores, load {about['load_average']}; {about['system']}"
        f" {about['kernel']}; CPython {results['python']}.\n"
    )
    parts.append("`python benchmarks/vendors/run.py --wheel WHEEL` repeats it.\n")
    return "\n".join(parts)


def table(results: dict[str, Any]) -> str:
    """A part for each framework, in one table."""
    rows = []
    for framework, title in FRAMEWORKS.items():
        plain = results["vendors"][NOTHING][framework]
        ours = added(results, OXITEL, framework)
        for vendor in VENDORS:
            found = results["vendors"].get(vendor.name, {}).get(framework)
            if found is None:
                continue
            label = f"{title}, {vendor.title}"
            if "problem" in found:
                rows.append((label, found["problem"], "", "", "", ""))
            elif vendor.name == NOTHING:
                rows.append((label, f"({plain['plain_micros']:.0f} µs in all)", "", "", "", ""))
            else:
                cost = added(results, vendor.name, framework)
                times = f"{cost / ours:.1f}×" if cost and ours and vendor.name != OXITEL else ""
                rows.append(
                    (
                        label,
                        f"+{cost:.0f} µs" if cost is not None else "",
                        times,
                        f"{found['spans_a_request']:g}",
                        f"{found['bytes_a_request']:,}",
                        "yes" if found["has_metrics"] else "no",
                    )
                )
    head = ("", "CPU of a request", "of Oxitel's", "spans", "bytes", "metrics")
    return lines(head, rows, right=4)


def added(results: dict[str, Any], vendor: str, framework: str) -> float | None:
    """Microseconds of a request over those without telemetry."""
    found: dict[str, float] = results["vendors"].get(vendor, {}).get(framework, {})
    return found.get("added_micros")


def problems(results: dict[str, Any]) -> list[str]:
    return [
        f"{name}, {framework}: {found['problem']}"
        for name, frameworks in results["vendors"].items()
        for framework, found in frameworks.items()
        if "problem" in found
    ]


def versions(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def lines(head: tuple[str, ...], rows: list[tuple[str, ...]], right: int = 0) -> str:
    marks = ["---", *("---:" if column <= right else "---" for column in range(1, len(head)))]
    shown = [head, tuple(marks), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in shown) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")
