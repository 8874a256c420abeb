"""Three applications from PyPI without telemetry, with the official packages and with Oxitel, in
short; `make applications` runs all of them, at length. And the page is what the results say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dropin.conftest import ROOT

# A server with workers, a queue with child processes, and a program that ends by itself.
CHOSEN = ("httpbin", "celery", "scrapy")
FOLDER = ROOT / "benchmarks" / "applications"


@pytest.fixture(scope="module")
def results(
    wheel: Path, official_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("applications")
    output = folder / "results.json"
    command = [
        *(sys.executable, str(FOLDER / "run.py"), "--quick", "--wheel", str(wheel)),
        *("--official", str(official_python), "--output", str(output)),
        *("--environments", str(folder), *CHOSEN),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    assert (finished.returncode, finished.stderr) == (0, ""), finished.stdout
    found: dict[str, Any] = json.loads(output.read_text())
    return found


@pytest.mark.parametrize("name", CHOSEN)
def test_an_application_runs_as_it_does_without_us(name: str, results: dict[str, Any]) -> None:
    sides = results[name]["sides"]
    assert [side for side, found in sides.items() if "problem" in found] == []
    assert sides["oxitel"]["exit_statuses"] == sides["nothing"]["exit_statuses"]
    assert sides["oxitel"]["added_lines"] <= sides["official"]["added_lines"]


@pytest.mark.parametrize("name", CHOSEN)
def test_no_fewer_records_arrive_than_with_the_official_packages(
    name: str, results: dict[str, Any]
) -> None:
    sides = results[name]["sides"]
    assert set(sides["nothing"]["records"].values()) == {0}
    official, ours = sides["official"]["records"], sides["oxitel"]["records"]
    assert sum(ours.values()) > 0
    assert {signal for signal in ("traces", "logs") if ours[signal] < official[signal]} == set()
    # How many requests carry metrics depends on how many of its workers the server has used, and
    # on how long they live; what is measured does not.
    of_official, of_ours = (set(sides[side]["metric_names"]) for side in ("official", "oxitel"))
    assert of_official - of_ours == set()


def test_the_pages_are_what_the_committed_results_say() -> None:
    command = [sys.executable, "-c", _RENDERED]
    finished = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    rendered = json.loads(finished.stdout)
    assert (ROOT / "docs" / "applications.md").read_text(encoding="utf-8") == rendered["page"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert rendered["table"] in readme
    assert rendered["size"] in readme


# In a process of its own: the benchmarks have a `render`, too.
_RENDERED = """
import json, render
results = json.loads(render.RESULTS.read_text(encoding="utf-8"))
print(json.dumps({
    "page": render.page(results),
    "table": render.readme_table(results),
    "size": render.size_line(results),
}))
"""
