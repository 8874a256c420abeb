"""What a request costs under each vendor's telemetry, in turns:

    python benchmarks/vendors/run.py --wheel dist/oxitel-….whl [NAME …]

Flask and FastAPI, each vendor with its own instrumentation of the same application, and everything
sent to an intake on this machine, which counts it. Results go into benchmarks/results/vendors.json,
and docs/vendors.md is rendered from it. Takes some minutes, and no longer than `--minutes` and a
round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[1] / "applications"))

import environments
import machine
import render
import session
from catalog import FRAMEWORKS, NOTHING, OXITEL, VENDORS, Vendor
from environments import Environment

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
_SECONDS = 180
_REPEATS = 2
_SLICES = 20
_INTAKE = ("opentelemetry-proto", "msgpack")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="as in catalog.py; all without it")
    parser.add_argument("--wheel", type=Path, required=True, help="a release wheel of oxitel")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1500, help="requests of a measurement")
    parser.add_argument("--minutes", type=float, default=6, help="no round begins after them")
    parser.add_argument("--output", type=Path, help="instead of the results, and nothing rendered")
    parser.add_argument("--environments", type=Path, default=ROOT / ".work" / "vendors")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    known = {vendor.name: vendor for vendor in VENDORS}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no such vendor: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    # What the others are held against always takes part.
    chosen = [v for v in VENDORS if v.name in {*(options.names or known), NOTHING}]
    made = {vendor.name: environment(vendor, options) for vendor in chosen}
    intake = environments.plain(options.environments / "intake", _INTAKE)
    found = measured(chosen, made, intake, options)
    results = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine.describe() | {"pinned": session.pinning()},
        "python": machine.versions(made[NOTHING].python)["python"],
        "versions": {
            vendor.name: made[vendor.name].versions(vendor.requirements) for vendor in chosen
        },
        "count": options.count,
        "vendors": {
            name: {framework: summary(rounds) for framework, rounds in frameworks.items()}
            for name, frameworks in found.items()
        },
    }
    path = options.output or render.RESULTS
    text = json.dumps(results, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
    # In the order of the file, in which the page is rendered from it later.
    results = json.loads(text)
    print(render.table(results))
    if not options.output:
        render.PAGE.write_text(render.page(results), encoding="utf-8")
    problems = render.problems(results)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def environment(vendor: Vendor, options: argparse.Namespace) -> Environment:
    folder = options.environments / vendor.name
    frameworks = tuple(FRAMEWORKS)
    if vendor.name == OXITEL:
        wheel = options.wheel.resolve()
        stamp = environments.stamp_of(wheel)
        return environments.plain(folder, (*frameworks, str(wheel)), stamp)
    return environments.plain(folder, (*frameworks, *vendor.requirements))


def measured(
    vendors: list[Vendor],
    made: dict[str, Environment],
    intake: Environment,
    options: argparse.Namespace,
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The rounds of each, in turns; each round begins with another vendor."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        vendor.name: {framework: [] for framework in FRAMEWORKS} for vendor in vendors
    }
    ends = time.monotonic() + 60 * options.minutes
    with session.Receiver(intake.python, HERE / "intake.py") as receiver:
        for number in range(options.rounds):
            if number and time.monotonic() > ends:
                print(f"{options.minutes:g} minutes are over after {number} rounds")
                break
            turn = number % len(vendors)
            for vendor in vendors[turn:] + vendors[:turn]:
                for framework, rounds in found[vendor.name].items():
                    # What does not work once is not tried again: it may have waited long.
                    if not any("problem" in one for one in rounds):
                        rounds.append(once(vendor.name, framework, made, receiver, options.count))
                        print(f"{vendor.name} {framework}: {rounds[-1]}", flush=True)
    return found


class Program:
    """`program.py` under one vendor."""

    def __init__(self, vendor: str, framework: str, python: str, address: str) -> None:
        # A file, since nobody reads a pipe meanwhile.
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115  `close` closes it
        self._process = subprocess.Popen(
            [python, str(HERE / "program.py"), vendor, framework, address],
            env=session.clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            preexec_fn=session.pin if session.pinning() else None,
        )

    def ask(self, line: object) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise session.Failed("it has ended")
        return int(answer)

    def close(self) -> None:
        """Raises `Failed` with its last words where it did not end well."""
        try:
            self._process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise session.Failed(f"has not ended after {_SECONDS} s") from None
        with self._stderr as stderr:
            stderr.seek(0)
            words = stderr.read().splitlines() or [f"ends with {self._process.returncode}"]
        if self._process.returncode != 0:
            raise session.Failed(words[-1])


def once(
    vendor: str,
    framework: str,
    made: dict[str, Environment],
    receiver: session.Receiver,
    count: int,
) -> dict[str, Any]:
    """What a round found, or its `problem`: CPU of a request under this vendor over one of the
    application alone, which runs in a process of its own. The two answer slices of their requests
    in turns, so that both are measured while the machine is equally fast."""
    address = f"http://127.0.0.1:{receiver.ports['http']}"
    receiver.ask("reset")
    plain = Program(NOTHING, framework, made[NOTHING].python, address)
    program = Program(vendor, framework, made[vendor].python, address)
    both = plain, program
    nanos = []
    problem = ""
    try:
        for one in both:
            one.ask(count)
            one.ask("end")
        for _ in range(_REPEATS):
            for one in both:
                one.ask("begin")
            for _ in range(_SLICES):
                for one in both:
                    one.ask(count // _SLICES)
            nanos.append([one.ask("end") for one in both])
    except (OSError, session.Failed) as failure:
        problem = str(failure)
    for one in both:
        try:
            one.close()
        except session.Failed as failure:
            problem = str(failure)
    if problem:
        return {"problem": problem}
    requests = count // _SLICES * _SLICES
    received = receiver.ask("count")
    answered = count + _REPEATS * requests
    expected = 0 if vendor == NOTHING else answered
    if received["requests"] != expected:
        return {"problem": f"{received['requests']} of {expected} requests were recorded"}
    return {
        "requests": answered,
        "received": received,
        "plain_micros": [alone / requests / 1000 for alone, _ in nanos],
        "added_micros": [(whole - alone) / requests / 1000 for alone, whole in nanos],
    }


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians, all samples, and what one request sends."""
    problems = [one["problem"] for one in rounds if "problem" in one]
    if problems:
        return {"problem": problems[0]}
    plain = [sample for one in rounds for sample in one["plain_micros"]]
    added = [sample for one in rounds for sample in one["added_micros"]]
    requests = sum(one["requests"] for one in rounds)
    sent = {name: sum(one["received"][name] for one in rounds) for name in rounds[0]["received"]}
    return {
        "rounds": len(rounds),
        "plain_micros": round(statistics.median(plain), 1),
        "added_micros": round(statistics.median(added), 1),
        "all_added_micros": [round(sample, 1) for sample in added],
        "spans_a_request": round(sent["spans"] / requests, 2),
        "bytes_a_request": round(sent["bytes"] / requests),
        "has_metrics": sent["metrics"] > 0,
    }


if __name__ == "__main__":
    sys.exit(main())
