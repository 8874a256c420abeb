"""The command itself: exit statuses, the page for a person, colours, and its options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--servce-name", "x"), "did you mean --service-name?"),
        (("--timeout", "soon"), "no number of seconds"),
        (("--bsp-max-queue-size", "many"), "expected a positive integer"),
    ],
)
def test_bad_usage_is_told_in_a_line(doctor: Any, arguments: tuple[str, ...], part: str) -> None:
    diagnosis = doctor(*arguments)
    assert (diagnosis.status, diagnosis.stdout) == (2, "")
    assert part in diagnosis.stderr
    assert diagnosis.stderr.count("\n") == 1


def test_the_page_has_its_sections_and_the_gravest_finding_last(doctor: Any) -> None:
    diagnosis = doctor(
        as_text=True,
        OTEL_SERVICENAME="x",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://no-such-host.invalid:4317",
    )
    assert (diagnosis.status, diagnosis.stderr) == (1, "")
    lines = diagnosis.stdout.splitlines()
    titles = [line for line in lines if line in SECTIONS]
    assert titles == list(SECTIONS)
    assert "\x1b" not in diagnosis.stdout
    findings = lines[lines.index("Findings") + 1 :]
    grades = [line.split()[0] for line in findings if line[:3].strip() and line[0] == " "]
    assert grades == sorted(grades, key=("note", "warning", "error").index)
    assert grades[-1] == "error"
    assert "something will not work" in lines[-1]
    # Signals that agree share a row.
    (row,) = [line for line in lines if line.strip().startswith("endpoint")]
    assert row.split() == [
        "endpoint",
        "http://no-such-host.invalid:4317",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]


SECTIONS = ("Packages", "Settings", "Export", "Connection", "Instrumentations", "Findings")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("variables", "has_colour"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals(variables: dict[str, str], has_colour: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "oxitel", "doctor", "--no-connect"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env=program_environment(variables),
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            # Linux says that nobody holds the other end any more.
            break
        if not part:
            break
        output += part
    os.close(ours)
    assert process.wait(60) == 0
    assert (b"\x1b[" in output) is has_colour


def test_an_encoding_without_the_signs_is_no_trouble(doctor: Any) -> None:
    diagnosis = doctor("--no-connect", as_text=True, PYTHONIOENCODING="ascii")
    assert (diagnosis.status, diagnosis.stderr) == (0, "")
    assert "Settings" in diagnosis.stdout


def test_a_reader_that_has_gone_is_no_trouble(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "oxitel", "doctor", "--no-connect"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=program_environment(),
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_what_json_has_is_what_the_documentation_says(doctor: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    report = doctor("--no-connect", OTEL_SDK_DISABLED="true").report
    missing = [key for key in report if f"`{key}`" not in page]
    assert missing == []
