"""Takes what the last run of tests/dropin/test_api_versions.py and of scripts/try_api_versions.py
found out into docs/api-versions.json, and writes the table of docs/dropin.md from it.

tests/dropin/test_api_versions.py compares the page with the results.
"""

import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from dropin.api_versions import NEEDS_NEWER, VERSIONS  # noqa: E402

RUN = ROOT / ".work/api-versions"
RESULTS = ROOT / "docs/api-versions.json"
PAGE = ROOT / "docs/dropin.md"
MARKED = re.compile(r"(<!-- api-versions -->\n).*?(<!-- /api-versions -->)", re.DOTALL)


def taken() -> dict[str, Any]:
    """The results of the last run; what was not run keeps what was found before."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    versions = {}
    for version in VERSIONS:
        found = kept.get("versions", {}).get(version, {})
        if (RUN / f"{version}.json").exists():
            found["python"] = platform.python_version()
        if (suite := RUN / f"{version}-suite.json").exists():
            found["suite"] = json.loads(suite.read_text(encoding="utf-8"))
        versions[version] = found
    return {"versions": versions}


def table(results: dict[str, Any]) -> str:
    titles = ["`opentelemetry-api`", "`opentelemetry-instrumentation`", "same signals"]
    is_tested = any("suite" in found for found in results["versions"].values())
    rows = [[*titles, "the tests"], ["---"] * 4]
    for version, found in results["versions"].items():
        signals = f"CPython {found['python']}" if "python" in found else ""
        rows.append([version, VERSIONS[version], signals, _suite(version, found)])
    lines = [f"| {' | '.join(row if is_tested else row[:3])} |" for row in rows]
    return "\n".join(lines) + "\n"


def _suite(version: str, found: dict[str, Any]) -> str:
    if "suite" not in found:
        return ""
    text = f"{found['suite']['passed']:,} pass"
    if found["suite"]["failed"]:
        text += f", {found['suite']['failed']} fail"
    if version in NEEDS_NEWER:
        text += "; those of what it lacks are left out"
    return text


def rendered(page: str, results: dict[str, Any]) -> str:
    """The page with the table as the results say it."""
    return MARKED.sub(lambda found: found[1] + table(results) + found[2], page)


if __name__ == "__main__":
    results = taken()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
