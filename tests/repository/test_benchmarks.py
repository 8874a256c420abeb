"""What the README and docs/benchmarks.md say is what the committed results render to, and the
benchmark programs run to their end on both implementations with every span delivered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "vendors"))

import catalog
import intake
import render
import session
import summary
import train

BENCHMARKS = Path(catalog.__file__).parent
SPAN5 = catalog.by_name(["span5"])[0]


def entry(**cpu_micros: float) -> dict[str, Any]:
    """Results of `span5` in which a span of each run took so many microseconds of CPU."""
    runs = {}
    for run, micros in cpu_micros.items():
        sample = {"cpu_nanos": int(micros * 1e6) + 5000, "empty_cpu_nanos": 5000}
        sample["thread_nanos"] = sample["cpu_nanos"]
        runs[run.replace("_", "/")] = [{"count": 1000, "samples": [sample] * 3}]
    return {"rounds": 1, "runs": runs}


def results(**cpu_micros: float) -> dict[str, Any]:
    machine = {"cpu": "a processor", "cores": 2, "system": "Linux", "kernel": "6"}
    versions = {
        "official": {"python": "3.11.7", "opentelemetry-sdk": "1.45.1"},
        "oxitel": {"python": "3.11.7", "oxitel": "0.1.0"},
    }
    return {
        "date": "2026-01-02",
        "machine": machine,
        "versions": versions,
        "cases": {"span5": entry(**cpu_micros)},
    }


def test_the_readme_and_the_page_are_what_the_committed_results_render_to() -> None:
    newest = render.newest()
    if newest is None:
        pytest.skip("no full run was committed yet")
    for path, text in render.rendered(newest).items():
        assert path.read_text() == text, f"run python benchmarks/render.py for {path.name}"


def test_a_ratio_is_of_medians_without_the_empty_loop() -> None:
    measured = entry(official_grpc=60.0, oxitel_grpc=1.5, official_noop=4.0)
    ratio = summary.ratio(measured, "cpu", catalog.OFFICIAL, catalog.OXITEL)
    assert ratio == pytest.approx(40)
    assert [summary.reached(measured, target) for target in SPAN5.targets] == [
        pytest.approx(40),
        pytest.approx(1.5 / 4),
    ]


@pytest.mark.parametrize(
    ("ours", "verdicts"),
    [(1.5, [True, True]), (2.0, [True, True]), (2.01, [False, False]), (20.0, [False, False])],
)
def test_a_target_is_met_up_to_its_bound(ours: float, verdicts: list[bool]) -> None:
    measured = results(official_grpc=60.0, oxitel_grpc=ours, official_noop=4.0)
    assert [good for _, good in summary.verdicts(measured)] == verdicts


def test_a_run_that_did_not_take_part_has_no_ratio() -> None:
    measured = results(official_grpc=60.0, oxitel_grpc=1.5)
    row = "| span with five attributes | 40.0× less CPU | — |"
    assert row in render.readme_table(measured).splitlines()


def test_the_readme_is_rendered_between_its_markers_only(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("above\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nbelow\n")
    files = render.rendered(results(official_grpc=60.0, oxitel_grpc=1.5), tmp_path)
    text = files[readme]
    assert text.startswith("above\n<!-- benchmarks -->\n")
    assert text.endswith("<!-- /benchmarks -->\nbelow\n")
    assert "40.0× less CPU" in text
    assert "old" not in text
    readme.write_text(text)
    again = render.rendered(results(official_grpc=60.0, oxitel_grpc=1.5), tmp_path)
    assert again[readme] == text


def test_every_case_has_a_program_that_says_what_it_is() -> None:
    for case in catalog.CASES:
        text = (BENCHMARKS / "cases" / case.program).read_text()
        assert text.startswith('"""'), case.program
        # What has no official name is measured against what one writes by hand instead.
        if case.program != "json_log.py":
            assert "oxitel" not in text, f"{case.program} must use the official imports alone"


def test_a_quick_run_of_both_delivers_everything(official_python: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    cases = "span5,exception,unsampled,startup,stall,counter3,histogram2,series10k"
    cases += ",log_record,json_log,in_python,inject,extract"
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--cases", cases]
    command += ["--python", sys.executable, "--official", str(official_python)]
    done = subprocess.run(
        [*command, "--fastotel", "", "--output", str(output)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(output.read_text())
    assert list(measured["cases"]) == sorted(cases.split(","))
    for name, case in measured["cases"].items():
        assert {"official/grpc", "oxitel/grpc"} <= set(case["runs"]), name
        for rounds in case["runs"].values():
            for result in rounds:
                assert result["received"]["distinct"] == result["expected_spans"], name
                for what, number in result["expected"].items():
                    assert result["received"][what] == number, f"{what} of {name}"


def test_a_round_with_a_wrong_count_does_not_count() -> None:
    received = {"spans": 0, "distinct": 0, "log_records": 0, "data_points": 60, "counted": 100}
    result = {
        "expected_spans": 0,
        "received": received,
        "files": ["site-packages/opentelemetry/sdk/metrics/__init__.py"],
    }
    expected = {"data_points": 60, "counted": 100}
    session.check(result | {"expected": expected}, "official/grpc", "counter3.py")
    for wrong in ({"data_points": 61}, {"counted": 99}, {"log_records": 1}):
        with pytest.raises(session.Failed, match=next(iter(wrong)).replace("_", " ")):
            session.check(result | {"expected": expected | wrong}, "official/grpc", "counter3.py")
    with pytest.raises(session.Failed, match=r"used .*opentelemetry/sdk/metrics"):
        session.check(result | {"expected": expected}, "oxitel/grpc", "counter3.py")


def test_the_page_of_vendors_is_what_the_committed_results_render_to() -> None:
    # In a process of its own: the vendors have a `render`, too.
    program = (
        "import json, render; print(render.page(json.loads(render.RESULTS.read_text())), end='')"
    )
    folder = BENCHMARKS / "vendors"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert (BENCHMARKS.parent / "docs" / "vendors.md").read_text(encoding="utf-8") == done.stdout


@pytest.mark.parametrize("framework", ["flask", "fastapi"])
def test_the_intake_counts_what_a_vendor_has_sent(framework: str, official_python: Path) -> None:
    program = BENCHMARKS / "vendors" / "program.py"
    with session.Receiver(str(official_python), program.with_name("intake.py")) as receiver:
        for vendor, python in (("oxitel", sys.executable), ("official", str(official_python))):
            receiver.ask("reset")
            address = f"http://127.0.0.1:{receiver.ports['http']}"
            done = subprocess.run(
                [python, str(program), vendor, framework, address],
                input="20\nbegin\n20\nend\n",
                env=session.clean_environment(),
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr
            *answers, nanos = map(int, done.stdout.split())
            assert answers == [0, 0, 0]
            assert nanos > 0
            received = receiver.ask("count")
            assert received["requests"] == 40
            assert received["spans"] == (40 if framework == "flask" else 120)
            assert received["metrics"] > 0


def test_the_intake_reads_envelopes_and_events() -> None:
    transaction = {"type": "transaction", "spans": [{}, {}]}
    item = json.dumps(transaction)
    envelope = "\n".join(
        ["{}", json.dumps({"type": "session"}), "{}", json.dumps({"type": "transaction"}), item]
    )
    counted = list(intake.kinds("/api/1/envelope/", envelope.encode() + b"\n"))
    assert sorted(counted) == ["requests", "spans", "spans", "spans"]
    lengthy = f'{{}}\n{{"type":"transaction","length":{len(item)}}}\n{item}\n'
    assert list(intake.kinds("/api/1/envelope/", lengthy.encode())) == ["requests", *["spans"] * 3]
    events = b'{"metadata":{}}\n{"transaction":{}}\n{"span":{}}\n{"metricset":{}}\n'
    counted = list(intake.kinds("/intake/v2/events", events))
    assert counted == ["requests", "spans", "spans", "metrics"]


def test_what_a_published_module_is_optimised_for_runs(official_python: Path) -> None:
    with session.Receiver(str(official_python)) as receiver:
        train.run(receiver)
