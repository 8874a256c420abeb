"""What the demo made, what of it arrived, and whether anything is missing."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a client may be answered: taken, invalid, not in stock.
EXPECTED = {201: "taken", 400: "invalid", 409: "out of stock"}
Metrics = list[dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One kind of telemetry. `made` is counted by who asked for it, not by what exports it."""

    name: str
    made: int
    sent: int | None
    """By the exporters' own account; None where they give none."""
    received: int
    remark: str

    @property
    def lost(self) -> int:
        return self.made - self.received


def rows(
    answers: Mapping[str, int], totals: dict[str, Any], metrics: Metrics, tallies: Path
) -> list[Row]:
    """Spans, log records and requests that were counted. `answers` are what the clients got."""
    services = totals["services"]
    traces, logs = totals["traces"], totals["logs"]

    def origins(what: str) -> str:
        named = ", ".join(f"{counts[what]:,} {name}" for name, counts in services.items())
        return named or "nobody"

    workers = values(metrics, "orders", "http.server.requests")
    points = f"{totals['metrics']['records']:,} data points"
    return [
        Row(
            "spans",
            sum(read_tallies(tallies, "spans")),
            exported(metrics, "otel.sdk.exporter.span.exported"),
            # A span that came twice is received once.
            traces["records"] - totals["duplicate_spans"],
            f"{origins('spans')}; in {traces['requests']:,} exports",
        ),
        Row(
            "log records",
            sum(read_tallies(tallies, "logs")),
            exported(metrics, "otel.sdk.exporter.log.exported"),
            logs["records"],
            f"{origins('log_records')}; in {logs['requests']:,} exports",
        ),
        Row(
            "requests",
            sum(answers.values()),
            None,
            sum(workers.values()),
            f"counters of {len(workers)} worker{'s'[: len(workers) != 1]};"
            f" {points} in {totals['metrics']['requests']:,} exports",
        ),
    ]


def values(metrics: Metrics, service: str, name: str) -> dict[str, int]:
    """What the series of a counter come to, by process."""
    found: dict[str, int] = {}
    for metric in metrics:
        if (metric["service"], metric["name"]) == (service, name):
            for series in metric["series"]:
                process = str(series["instance"])
                found[process] = found.get(process, 0) + int(series["value"])
    return found


def exported(metrics: Metrics, name: str) -> int | None:
    """What all exporters say they delivered, without what failed; None if none says anything."""
    series = [one for metric in metrics if metric["name"] == name for one in metric["series"]]
    if not series:
        return None
    failed = {"error.type"}
    delivered = [one for one in series if not failed & {it["key"] for it in one["attributes"]}]
    return sum(int(one["value"]) for one in delivered)


def read_tallies(folder: Path, kind: str) -> list[int]:
    """The counts of this kind, one of each process; `tally.py` writes them."""
    paths = sorted(folder.glob(f"*.{kind}"))
    return [int(struct.unpack("<Q", path.read_bytes())[0]) for path in paths]


def table(rows: list[Row], answers: Mapping[str, int]) -> str:
    """For a terminal; every line ends with a line feed."""
    ordered = sorted(answers.items(), key=lambda item: -item[1])
    answered = ", ".join(f"{count:,} {name}" for name, count in ordered)
    lines = [
        f"  {sum(answers.values()):,} requests: {answered or 'none'}",
        "",
        f"  {'':<12}{'made':>9}{'sent':>9}{'received':>10}{'lost':>7}",
    ]
    for row in rows:
        sent = "—" if row.sent is None else f"{row.sent:,}"
        lines.append(
            f"  {row.name:<12}{row.made:>9,}{sent:>9}{row.received:>10,}{row.lost:>7,}"
            f"   {row.remark}"
        )
    return "\n".join(lines) + "\n"


def problems(rows: list[Row], answers: Mapping[str, int], tallies: Path, workers: int) -> list[str]:
    """Why the demo has failed; empty if it has not. `workers` is the number of processes."""
    found = []
    unexpected = set(answers) - set(EXPECTED.values())
    if unexpected:
        found.append(f"the order service answered {', '.join(sorted(unexpected))}")
    for kind in ("spans", "logs"):
        counted = len(read_tallies(tallies, kind))
        if counted < workers:
            found.append(f"only {counted} of {workers} workers counted {kind}")
    for row in rows:
        if row.made == 0:
            found.append(f"no {row.name} were made")
        if row.lost:
            found.append(f"{row.made:,} {row.name} were made and {row.received:,} received")
        if row.sent not in (None, row.received):
            found.append(f"{row.sent:,} {row.name} were said to be delivered")
    return found
