"""Takes what the last run of tests/official/native, tests/official/instrumentations and
tests/official/packages found out, and of contrib's suites (`make suites`), into
docs/instrumentations.json, and writes the tables of docs/instrumentations.md from it.

Run the tests first; they compare the page with the results.
"""

import ast
import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from official.suites.contrib import CONTRIB, REASONS  # noqa: E402

RUN = ROOT / ".work/instrumentation"
OTHERS = ROOT / ".work/packages"
SUITES = ROOT / ".work/contrib"
RESULTS = ROOT / "docs/instrumentations.json"
PAGE = ROOT / "docs/instrumentations.md"
PROGRAMS = ROOT / "tests/official/instrumentations/programs"
OUR_RUN = ROOT / ".work/ours"
OUR_PROGRAMS = ROOT / "tests/official/native/programs"
SIGNALS = {"spans": "spans", "metrics": "metrics", "logs": "log records"}


def taken() -> dict[str, Any]:
    """The results of the last run; what was not run is as it was."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    suites = {**kept.get("suites", {}), **read(SUITES)}
    return {
        "python": platform.python_version(),
        "ours": programs(OUR_RUN, OUR_PROGRAMS) or kept.get("ours", {}),
        "programs": programs(RUN, PROGRAMS) or kept.get("programs", {}),
        "packages": {**kept.get("packages", {}), **read(OTHERS)},
        "suites": {name: suites[name] for name in CONTRIB if name in suites},
    }


def programs(run: Path, sources: Path) -> dict[str, Any]:
    """What each program found out; one that is gone leaves nothing."""
    found = {}
    for path in sorted(run.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if (sources / f"{content['program'].split('.')[0]}.py").exists():
            found[content.pop("program")] = content
    return found


def read(folder: Path) -> dict[str, Any]:
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")
    }


def counterpart(theme: str) -> str:
    """What the programs talk to: the opening line of their file, after the colon."""
    opening = ast.get_docstring(ast.parse((PROGRAMS / f"{theme}.py").read_text(encoding="utf-8")))
    first = " ".join((opening or "").split("\n\n")[0].split())
    return first.partition(": ")[2].rstrip(".")


def our_table(results: dict[str, Any]) -> str:
    """What each of ours records, over all programs; names of the stable conventions."""
    rows: dict[str, dict[str, set[str]]] = {}
    for found in results["ours"].values():
        for name, names in found["made"].items():
            row = rows.setdefault(name, {})
            tried = {f"{one} {version}" for one, version in found["versions"][name].items()}
            for column, items in {**names, "tried": tried}.items():
                row.setdefault(column, set()).update(items)
    lines = [
        "| `opentelemetry.instrumentation.` | Tried with | Spans | Their attributes | Metrics |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in sorted(rows.items()):
        cells = [
            f"`{name.replace('-', '_')}`",
            *(", ".join(sorted(row[column])) for column in ("tried", "kinds")),
            *(
                " ".join(f"`{item}`" for item in sorted(row[column])) or "—"
                for column in ("attributes", "metrics")
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def instrumentation_table(results: dict[str, Any]) -> str:
    rows: dict[str, dict[str, Any]] = {}
    for program, found in results["programs"].items():
        for name, counts in found["made"].items():
            row = rows.setdefault(
                name, {"programs": 0, "against": [], "versions": {}} | dict.fromkeys(SIGNALS, 0)
            )
            row["programs"] += 1
            row["versions"] |= found["versions"][name]
            for signal in SIGNALS:
                row[signal] += counts.get(signal, 0)
            against = counterpart(program.split(".")[0])
            if against not in row["against"]:
                row["against"].append(against)
    lines = [
        "| Instrumentation | Library | Runs against | Programs | Spans | Metrics | Log records |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in sorted(rows.items()):
        libraries = ", ".join(f"{one} {version}" for one, version in row["versions"].items())
        counts = " | ".join(str(row[signal] or "—") for signal in SIGNALS)
        against = "; ".join(row["against"])
        lines.append(f"| `{name}` | {libraries} | {against} | {row['programs']} | {counts} |")
    return "\n".join(lines) + "\n"


def package_table(results: dict[str, Any]) -> str:
    rows = sorted((found["package"], found["version"]) for found in results["packages"].values())
    lines = ["| Package | Version |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{name}` | {version} |" for name, version in rows)]) + "\n"


def suite_table(results: dict[str, Any]) -> str:
    lines = ["| Suite of | Passed with contrib's | Passed with ours |", "| --- | ---: | ---: |"]
    for name, suite in sorted(results["suites"].items()):
        lines.append(f"| `{short(name)}` | {suite['official']} | {suite['oxitel']} |")
    return "\n".join(lines) + "\n"


def reason_table(results: dict[str, Any]) -> str:
    lines = [
        "| Suite of | Tests that fail with ours alone | What they want |",
        "| --- | --- | --- |",
    ]
    for name, reasons in sorted(REASONS.items()):
        for reason in dict.fromkeys(reasons.values()):
            begun = tuple(test for test, why in reasons.items() if why == reason)
            failing = [
                test for test in results["suites"][name]["only_ours"] if test.startswith(begun)
            ]
            tests = ", ".join(f"`{test}`" for test in dict.fromkeys(failing))
            lines.append(f"| `{short(name)}` | {tests} | {reason} |")
    return "\n".join(lines) + "\n"


def short(name: str) -> str:
    return name.removeprefix("opentelemetry-").removeprefix("instrumentation-")


TABLES = {
    "ours": our_table,
    "instrumentations": instrumentation_table,
    "packages": package_table,
    "suites": suite_table,
    "reasons": reason_table,
}


def rendered(page: str) -> str:
    """The page with its tables as the results say it now."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for name, table in TABLES.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = "\n" + table(results) + "\n"
        page = marked.sub(lambda found, text=text: found[1] + text + found[2], page)  # type: ignore[misc]
    return page


if __name__ == "__main__":
    RESULTS.write_text(json.dumps(taken(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
