"""Runs the tests that other people's distributions carry, whole, on the official SDK and on ours,
and prints the failures that only ours has; ends with 1 where one of them is not listed.

Run in tests/: `python -m official.suites [NAME …]`. The counts of contrib's suites are kept for
scripts/render_instrumentations.py.
"""

from __future__ import annotations

import json
import sys

from official.suites.catalog import SUITES
from official.suites.contrib import CONTRIB, is_listed
from official.suites.differences import counted, unlisted
from official.suites.runner import PASSED, ROOT, only_ours, prepare
from official.suites.upstream import UPSTREAM

ALL = SUITES | CONTRIB | UPSTREAM
COUNTS = ROOT / ".work" / "contrib"


def main(names: list[str]) -> int:
    if unknown := set(names) - set(ALL):
        raise SystemExit(f"no such suite: {', '.join(unknown)}; there are {', '.join(ALL)}")
    found = 0
    for name in names or ALL:
        suite = ALL[name]
        official, ours, failed = only_ours(prepare(name, suite), suite, suite.tests)
        print(f"{name} {suite.version}\n  official: {official.summary}\n  oxitel: {ours.summary}")
        for test in sorted(failed):
            print(f"  only ours fails: {test}", flush=True)
        for reason, count in counted(name, failed).items():
            print(f"  {count}: {reason}", flush=True)
        if name in CONTRIB:
            failing = [test.rpartition("::")[2] for test in sorted(failed)]
            passed = len(official.of(PASSED))
            counts = {"official": passed, "oxitel": passed - len(failed), "only_ours": failing}
            COUNTS.mkdir(parents=True, exist_ok=True)
            (COUNTS / f"{name}.json").write_text(json.dumps(counts), encoding="utf-8")
            found += sum(not is_listed(name, test) for test in failed)
        else:
            found += len(unlisted(name, failed))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
