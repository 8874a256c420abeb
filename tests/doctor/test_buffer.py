"""What `oxitel doctor` says of the buffer on disk, and that it leaves it as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment

# Keeps three spans for a receiver that is not there, and is killed or waits.
PROGRAM = """
import os, signal, sys, time
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource({"service.namespace": "eu", "service.name": "shop"}))
exporter = OTLPSpanExporter(
    "http://user:hunter22@127.0.0.1:1/v1/traces?key=hunter23",
    headers={"authorization": "Bearer hunter24"},
)
provider.add_span_processor(BatchSpanProcessor(exporter))
for number in range(3):
    provider.get_tracer("t").start_span("kept").end()
time.sleep(1)
print("kept", flush=True)
if sys.argv[1] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(120)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "buffer"


def keep(tmp_path: Path, directory: Path, how: str) -> subprocess.Popen[str]:
    """A program that has kept something, and is dead or lives on."""
    program = tmp_path / "keep.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=program_environment({"OXITEL_BUFFER_DIRECTORY": str(directory)}),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "kept\n"
    if how == "die":
        process.wait()
        process.stdout.close()
    return process


def state(directory: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in directory.rglob("*")
    }


def test_each_segment_is_listed_and_nothing_is_disturbed(
    doctor: Any, tmp_path: Path, directory: Path
) -> None:
    keep(tmp_path, directory, "die")
    living = keep(tmp_path, directory, "live")
    try:
        before = state(directory)
        diagnosis = doctor("--no-connect", OXITEL_BUFFER_DIRECTORY=str(directory))
        assert state(directory) == before
    finally:
        living.kill()
        living.wait()
        assert living.stdout is not None
        living.stdout.close()
    buffer = diagnosis.report["buffer"]
    assert (buffer["directory"], buffer["files"], buffer["strangers"]) == (str(directory), 2, 0)
    assert {segment["signal"] for segment in buffer["segments"]} == {"traces"}
    assert {segment["service"] for segment in buffer["segments"]} == {"eu/shop"}
    destinations = {segment["destination"] for segment in buffer["segments"]}
    assert destinations == {"http://127.0.0.1:1/v1/traces"}
    owned = {segment["pid"]: segment["is_owned"] for segment in buffer["segments"]}
    assert owned.pop(living.pid) is True
    assert list(owned.values()) == [False]
    assert all(0 <= segment["age_seconds"] < 300 for segment in buffer["segments"])
    assert buffer["bytes"] == sum(segment["bytes"] for segment in buffer["segments"])
    assert "hunter2" not in diagnosis.stdout
    shown = doctor("--no-connect", as_text=True, OXITEL_BUFFER_DIRECTORY=str(directory)).stdout
    assert "eu/shop traces" in shown
    assert "left, to http://127.0.0.1:1/v1/traces" in shown
    assert "hunter2" not in shown


def test_old_segments_of_the_dead_and_damaged_ones_are_findings(
    doctor: Any, tmp_path: Path, directory: Path
) -> None:
    keep(tmp_path, directory, "die")
    (kept,) = directory.rglob("*.seg")
    name = kept.name
    long_ago = kept.stat().st_mtime - 3600
    os.utime(kept, (long_ago, long_ago))
    for other in ("0-noise.seg", "0-old.bad"):
        kept.with_name(other).write_bytes(b"noise")
        kept.with_name(other).chmod(0o600)
    kept.with_name("0-link.seg").symlink_to(kept)
    os.mkfifo(kept.with_name("0-fifo.seg"))
    diagnosis = doctor("--no-connect", OXITEL_BUFFER_DIRECTORY=str(directory))
    assert diagnosis.finding("cannot be read")["grade"] == "warning"
    assert "left alone" in diagnosis.finding("are links")["text"]
    # By its own account it is a moment old, and the younger one counts.
    assert not [f for f in diagnosis.findings() if "wait in" in f["text"]]
    assert [s["file"] for s in diagnosis.report["buffer"]["segments"]] == [
        "0-noise.seg",
        "0-old.bad",
        name,
    ]


def test_a_hundred_thousand_files_are_counted_and_some_of_them_listed(
    doctor: Any, directory: Path
) -> None:
    folder = directory / "oxitel-buffer-v1" / "traces-0123456789abcdef"
    folder.mkdir(parents=True, mode=0o700)
    for number in range(100_000):
        os.close(os.open(folder / f"0-{number:06}.seg", os.O_CREAT | os.O_WRONLY, 0o600))
    buffer = doctor("--no-connect", OXITEL_BUFFER_DIRECTORY=str(directory)).report["buffer"]
    assert buffer["files"] == 100_000
    assert len(buffer["segments"]) == 1000


def test_without_a_buffer_nothing_is_said_of_one(doctor: Any, directory: Path) -> None:
    assert "buffer" not in doctor("--no-connect").report
    empty = doctor("--no-connect", OXITEL_BUFFER_DIRECTORY=str(directory)).report["buffer"]
    assert (empty["files"], empty["segments"]) == (0, [])
    assert not directory.exists()


def test_passwords_of_the_client_of_kafka_are_printed_nowhere(doctor: Any) -> None:
    diagnosis = doctor(
        OTEL_TRACES_EXPORTER="otlp_kafka",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OXITEL_KAFKA_BROKERS="127.0.0.1:1",
        OXITEL_KAFKA_CONFIGURATION="sasl.password=hunter22,client.id=hunter23",
        timeout=3,
    )
    assert "hunter2" not in diagnosis.stdout + diagnosis.stderr
    changed = {entry["name"]: entry["value"] for entry in diagnosis.report["changed"]}
    assert changed["OXITEL_KAFKA_CONFIGURATION"] == "sasl.password=****,client.id=****"
    pytest.importorskip("confluent_kafka")
    assert diagnosis.finding("nothing gets to kafka://127.0.0.1:1/otlp_spans")["grade"] == "error"
    assert diagnosis.status == 1
