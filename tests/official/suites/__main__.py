"""Runs the tests that other people's distributions carry, whole, on the official SDK and on ours,
and prints the failures that only ours has; ends with 1 where one of them is not listed.

Run in tests/: `python -m official.suites [NAME …]`
"""

from __future__ import annotations

import sys

from official.suites.catalog import SUITES
from official.suites.differences import unlisted
from official.suites.runner import only_ours, prepare


def main(names: list[str]) -> int:
    if unknown := set(names) - set(SUITES):
        raise SystemExit(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    found = 0
    for name in names or SUITES:
        suite = SUITES[name]
        official, ours, failed = only_ours(prepare(name, suite), suite, suite.tests)
        print(f"{name} {suite.version}\n  official: {official.summary}\n  oxitel: {ours.summary}")
        for test in sorted(failed):
            print(f"  only ours fails: {test}", flush=True)
        found += len(unlisted(name, failed))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
