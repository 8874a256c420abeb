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
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
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
                        rounds.append(
                            once(vendor.name, framework, made[vendor.name], receiver, options.count)
                        )
                        print(f"{vendor.name} {framework}: {rounds[-1]}", flush=True)
    return found


def once(
    vendor: str, framework: str, environment: Environment, receiver: session.Receiver, count: int
) -> dict[str, Any]:
    """What a round found, or its `problem`."""
    address = f"http://127.0.0.1:{receiver.ports['http']}"
    repeats = 2
    receiver.ask("reset")
    try:
        done = subprocess.run(
            [
                *(environment.python, str(HERE / "program.py"), vendor, framework, address),
                *(str(count), str(repeats)),
            ],
            env=session.clean_environment(),
            capture_output=True,
            text=True,
            preexec_fn=session.pin if session.pinning() else None,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"problem": f"has not ended after {_SECONDS} s"}
    if done.returncode != 0:
        return {"problem": (done.stderr.splitlines() or [f"ends with {done.returncode}"])[-1]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    received = receiver.ask("count")
    expected = 0 if vendor == NOTHING else result["requests"]
    if received["requests"] != expected:
        return {"problem": f"{received['requests']} of {expected} requests were recorded"}
    return result | {"received": received}


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The median, all samples, and what one request sends."""
    problems = [one["problem"] for one in rounds if "problem" in one]
    if problems:
        return {"problem": problems[0]}
    samples = [sample for one in rounds for sample in one["micros"]]
    requests = sum(one["requests"] for one in rounds)
    sent = {name: sum(one["received"][name] for one in rounds) for name in rounds[0]["received"]}
    return {
        "rounds": len(rounds),
        "micros": round(statistics.median(samples), 1),
        "all_micros": [round(sample, 1) for sample in samples],
        "spans_a_request": round(sent["spans"] / requests, 2),
        "bytes_a_request": round(sent["bytes"] / requests),
        "has_metrics": sent["metrics"] > 0,
    }


if __name__ == "__main__":
    sys.exit(main())
