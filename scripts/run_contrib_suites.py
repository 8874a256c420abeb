"""Runs the test suites that contrib's instrumentations ship in their source distributions, on the
official SDK and on ours; the counts go to docs/instrumentations.json.

    python scripts/run_contrib_suites.py --python ENVIRONMENT/bin/python --sources FOLDER [NAME …]

ENVIRONMENT has the official SDK, opentelemetry-test-utils, pytest, pytest-timeout, and what the
suites import; one that lacks something there counts as not run. FOLDER has the unpacked source
distributions, which `pip download --no-deps --no-binary :all:` brings.
"""

import argparse
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/instrumentations.json"
PREFIX = "opentelemetry_instrumentation_"
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?)\b")
FAILED = re.compile(r"(?m)^(?:FAILED|SUBFAIL(?:ED)?\S*) \S+::(\w+)")


def run(python: Path, source: Path, ours: bool) -> dict[str, Any]:
    """The counts of one suite on one side, and the names of the tests that failed."""
    environment = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    command = [str(python), "-m", "pytest", "-q", "-rf", "--timeout=60", "-p", "no:cacheprovider"]
    if ours:
        environment["PYTHONPATH"] = str(ROOT / "python")
        # Imported as a plugin, it comes before everything else.
        command += ["-p", "oxitel.auto"]
    finished = subprocess.run(
        [*command, "tests"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    last = finished.stdout.strip().splitlines()[-1] if finished.stdout.strip() else ""
    counts = {kind.removesuffix("s"): int(number) for number, kind in COUNT.findall(last)}
    return {**counts, "names": sorted(set(FAILED.findall(finished.stdout)))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    for source in sorted(options.sources.glob(f"{PREFIX}*/")):
        name, _, version = source.name.removeprefix(PREFIX).rpartition("-")
        if not options.names or name in options.names:
            python = options.python.absolute()
            try:
                sides = {
                    "official": run(python, source, ours=False),
                    "oxitel": run(python, source, ours=True),
                }
                # Some tests measure time: what fails on ours alone gets a second chance.
                if set(sides["oxitel"]["names"]) - set(sides["official"]["names"]):
                    sides["oxitel"] = run(python, source, ours=True)
            except subprocess.TimeoutExpired:
                print(name, "took too long", flush=True)
                continue
            print(name, sides, flush=True)
            results = json.loads(RESULTS.read_text(encoding="utf-8"))
            results.setdefault("suites", {})[name] = {"version": version, **sides}
            text = json.dumps(results, indent=1, sort_keys=True) + "\n"
            RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
