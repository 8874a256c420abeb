"""The benchmarks: Oxitel and the official packages side by side in one run, in turns.

    python benchmarks/run.py --python .venv/bin/python --official .venv-official/bin/python

A full run writes benchmarks/results/<date>-all.json and renders docs/benchmarks.md and the README's
table from it; runs of some cases and `--quick` ones write below .work/ and render nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import environment
import machine
import render
import session
import summary
from catalog import CASES, Case, by_name

ROOT = session.FOLDER.parent
PRIVATE = ("stderr",)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=".venv/bin/python", help="environment with oxitel")
    parser.add_argument(
        "--official",
        default=os.environ.get("OXITEL_OFFICIAL_PYTHON", ".venv-official/bin/python"),
        help="environment with the official packages",
    )
    parser.add_argument(
        "--fastotel", default=None, help="with them and fastotel; made if not given, '' for none"
    )
    parser.add_argument("--quick", action="store_true", help="prove that it works, judge nothing")
    parser.add_argument("--cases", default="", help="names separated by commas; all without it")
    parser.add_argument("--rounds", type=int, default=0, help="instead of each case's own number")
    parser.add_argument("--without-oxitel", action="store_true", help="only the others")
    parser.add_argument(
        "--output",
        type=Path,
        help="where the results go instead; into those that are there, with --cases",
    )
    return parser.parse_args()


def interpreters(options: argparse.Namespace) -> dict[str, str]:
    """The Python of each implementation that takes part."""
    fastotel = options.fastotel
    if fastotel is None:
        fastotel = "" if options.quick else environment.fastotel(options.official)
    named = {"official": options.official, "oxitel": options.python, "fastotel": fastotel}
    if options.without_oxitel:
        del named["oxitel"]
    pythons = {}
    for name, python in named.items():
        if python and not Path(python).exists():
            raise SystemExit(f"--{'python' if name == 'oxitel' else name}: no such file: {python}")
        if python:
            # Not resolved: an environment's python is a symbolic link to another one.
            pythons[name] = os.path.abspath(python)
    return pythons


def has(python: str, module: str) -> bool:
    code = f"import {module}"
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


def runs_of(case: Case, pythons: dict[str, str]) -> list[str]:
    """The runs that can take part: those whose environment is given and has what it needs."""
    runs = []
    for run in case.runs:
        python = pythons.get(run.partition("/")[0])
        if python and (not case.needs or has(python, case.needs)):
            runs.append(run)
    return runs


def run_case(
    case: Case, pythons: dict[str, str], receiver: session.Receiver, options: argparse.Namespace
) -> dict[str, Any]:
    """All rounds of one case, the implementations in turns; each round begins with another one."""
    runs = runs_of(case, pythons)
    results: dict[str, list[dict[str, Any]]] = {run: [] for run in runs}
    rounds = 1 if options.quick else options.rounds or case.rounds
    count = case.quick_count if options.quick else case.count
    repeats = 1 if options.quick else case.repeats
    begin = time.monotonic()
    for number in range(rounds):
        turn = number % len(runs) if runs else 0
        for run in runs[turn:] + runs[:turn]:
            implementation, _, transport = run.partition("/")
            if implementation == "fastotel":
                transport = "fastotel"
            result = session.run_program(
                case.program, pythons[implementation], transport, receiver, count, repeats
            )
            session.check(result, run, case.program)
            results[run].append({k: v for k, v in result.items() if k not in PRIVATE})
    seconds = time.monotonic() - begin
    print(f"\n{case.title}  ({case.name}, {rounds} rounds, {seconds:.0f} s)", flush=True)
    entry = {"rounds": rounds, "runs": results}
    for line in summary.lines(case, entry, judged=not options.quick):
        print(f"  {line}", flush=True)
    return entry


def main() -> int:
    options = arguments()
    cases = by_name(options.cases.split(",")) if options.cases else list(CASES)
    pythons = interpreters(options)
    if os.getloadavg()[0] > 1 and not options.quick:
        print(f"this machine is busy (load {os.getloadavg()[0]:.1f}): ratios get worse and unsure")
    now = datetime.datetime.now(datetime.timezone.utc)
    results: dict[str, Any] = {
        "date": now.date().isoformat(),
        "machine": machine.describe() | {"pinned": session.pinning()},
        "versions": {name: machine.versions(python) for name, python in pythons.items()},
        "cases": {},
    }
    with session.Receiver(options.official) as receiver:
        for case in cases:
            results["cases"][case.name] = run_case(case, pythons, receiver, options)
    whole = not (options.cases or options.quick or options.without_oxitel or options.rounds)
    case_set = "quick" if options.quick else "all" if not options.cases else "some"
    folder = session.FOLDER / "results" if whole else ROOT / ".work" / "benchmarks"
    path = options.output or folder / f"{results['date']}-{case_set}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if options.cases and options.output and path.exists():
        # Some cases once more, with more rounds: each stays side by side, of one run.
        before = json.loads(path.read_text())
        results = {**before, "cases": before["cases"] | results["cases"]}
    text = json.dumps(results, separators=(",", ":"), sort_keys=True) + "\n"
    path.write_text(text)
    # In the order of the file, in which the pages are rendered from it later.
    results = json.loads(text)
    print(f"\nresults: {path}")
    print(render.readme_table(results))
    if whole and not options.output:
        render.write(results)
    if options.quick or options.without_oxitel:
        return 0
    missed = [line for line, good in summary.verdicts(results) if not good]
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except session.Failed as failure:
        sys.exit(f"failed: {failure}")
