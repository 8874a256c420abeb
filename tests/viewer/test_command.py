"""What scripts rely on: the shapes of answers, as docs/viewer.schema.json has them, and exit
statuses."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import viewer_sample as sample
from viewer_schema import check

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINE, CONDITION, USAGE, NOTHING, NO_VIEWER = range(5)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(viewer_program: Path, tmp_path: Path) -> Run:
    """Runs the program, in a directory of its own."""

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}
        return subprocess.run(
            [viewer_program, *arguments],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=environment,
            timeout=60,
            **options,
        )

    return run


class Started:
    def __init__(self, program: Path, data: Path, *options: str) -> None:
        ports = data.parent / "ports.json"
        ports.unlink(missing_ok=True)
        free = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        command = [program, "start", "--quiet", "--data", data, "--ports-file", ports]
        self.process = subprocess.Popen([*command, *free, *options], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while not ports.exists():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.02)
        self.port = int(json.loads(ports.read_text())["http"])

    def send(self, requests: list[tuple[str, bytes]]) -> None:
        import http.client

        for path, body in requests:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            with contextlib.closing(connection):
                connection.request("POST", path, body, {"content-type": "application/json"})
                assert connection.getresponse().status == 200


@pytest.fixture
def started(viewer_program: Path, data: Path) -> Iterator[Started]:
    viewer = Started(viewer_program, data)
    viewer.send(sample.everything())
    yield viewer
    if viewer.process.poll() is None:
        viewer.process.terminate()
    viewer.process.communicate(timeout=30)


SLOW = f"{99:032x}"
# Verb, arguments, what the answer is if it is not the verb's own.
QUESTIONS = [
    ("status", (), None),
    ("traces", ("service:shop", "--sort", "slowest"), None),
    ("trace", (SLOW,), None),
    ("span", (SLOW, f"{99_001:016x}"), None),
    ("logs", ("severity>=warn",), None),
    ("patterns", (), None),
    ("services", (), None),
    ("runs", (), None),
    ("health", (), None),
    ("slow", ("duration>50ms kind:client",), None),
    ("compare", ("errors=0", "status:error"), None),
    ("series", ("shop.orders", "--by", "outcome"), None),
    ("sql", ("SELECT name, count(*) FROM spans GROUP BY name",), None),
    ("wait", ("status:error",), None),
    ("snapshot", ("before",), None),
    ("snapshot", (), "snapshots"),
    ("pin", (SLOW,), None),
    ("unpin", (SLOW,), "pin"),
]


@pytest.mark.usefixtures("started")
def test_answers_have_the_shapes_that_are_promised(run: Run, data: Path) -> None:
    for verb, arguments, shape in QUESTIONS:
        done = run(verb, *arguments, "--data", str(data))
        assert (done.returncode, done.stderr) == (FINE, ""), (verb, done)
        answer = json.loads(done.stdout)
        check(shape or verb, answer)
        if verb in ("snapshot", "pin", "unpin"):
            continue
        lines = run(verb, *arguments, "--data", str(data), "--format", "ndjson").stdout
        items = [json.loads(line) for line in lines.splitlines()]
        assert len(items) == len(answer.get("data", [answer])), verb
    assert json.loads(run("traces", "--data", str(data)).stdout)["total"] == 11


@pytest.mark.usefixtures("started")
def test_what_was_made_is_the_row_of_its_table(run: Run, data: Path) -> None:
    table = run("snapshot", "before", "--data", str(data), "--format", "table").stdout
    title, row = table.splitlines()
    assert (title.split()[0], row.split()[0]) == ("name", "before")


@pytest.mark.usefixtures("started")
def test_a_list_is_asked_for_part_by_part(run: Run, data: Path) -> None:
    def ask(*options: str) -> Any:
        return json.loads(run("traces", "--data", str(data), *options).stdout)

    whole = [it["trace_id"] for it in ask("--limit", "1000")["data"]]
    found, part = [], ask("--limit", "2")
    while True:
        found += [it["trace_id"] for it in part["data"]]
        if part["next"] is None:
            break
        part = ask("--limit", "2", "--before", part["next"])
    assert found == whole and len(whole) == 11
    wrong = run("traces", "--data", str(data), "--before", "then")
    assert wrong.returncode == USAGE and "is the `next` of an answer" in wrong.stderr


def test_what_is_exported_can_be_imported_and_has_nothing_secret(
    run: Run, started: Started, data: Path, viewer_program: Path, tmp_path: Path
) -> None:
    exported = ""
    for signal_name in ("traces", "logs", "metrics"):
        done = run("export", "--signal", signal_name, "--data", str(data))
        assert done.returncode == FINE and done.stdout
        exported += done.stdout
    for line in exported.splitlines():
        check("export", json.loads(line))
    assert sample.SECRET not in exported and exported.count("(redacted)") == 12
    assert sample.SECRET in run("export", "--redact", "0", "--data", str(data)).stdout
    one = run("export", f"trace:{SLOW}", "--data", str(data)).stdout
    assert SLOW in one and f"{3:032x}" not in one and "order 17 refused" in one

    file = tmp_path / "exported.jsonl"
    file.write_text(exported)
    other = tmp_path / "other" / "data"
    other.parent.mkdir()
    second = Started(viewer_program, other)
    try:
        done = run("import", str(file), "--data", str(other))
        check("import", json.loads(done.stdout))
        assert json.loads(done.stdout) == {"spans": 43, "log_records": 1, "data_points": 10}
        again = "".join(
            run("export", "--signal", name, "--data", str(other)).stdout
            for name in ("traces", "logs", "metrics")
        )

        def records(text: str) -> list[str]:
            found: list[str] = []
            for line in text.splitlines():
                [(_, resources)] = json.loads(line).items()
                for resource in resources:
                    for key, scopes in resource.items():
                        if key.startswith("scope"):
                            values = (value for scope in scopes for value in scope.values())
                            for value in values:
                                if isinstance(value, list):
                                    found += [json.dumps(it, sort_keys=True) for it in value]
            return sorted(found)

        assert records(again) == records(exported) and len(records(again)) >= 45
        done = run("import", "-", "--data", str(other), input='{"resourceSpans": [7]}\n')
        assert done.returncode == USAGE and "line: 1" in done.stderr
        done = run("import", str(tmp_path / "none"), "--data", str(other))
        assert done.returncode == CONDITION and str(tmp_path / "none") in done.stderr
    finally:
        second.process.terminate()
        second.process.communicate(timeout=30)
    assert started.process.poll() is None


@pytest.mark.usefixtures("started")
def test_exit_statuses_tell_scripts_how_it_went(run: Run, data: Path) -> None:
    def status(*arguments: str) -> int:
        return run(*arguments, "--data", str(data)).returncode

    assert status("compare", "errors=0", "status:error", "--fail-on", "errors>0") == CONDITION
    assert status("compare", "status:error", "errors=0", "--fail-on", "errors>0") == FINE
    assert status("compare", "a", "b", "--fail-on", "speed>0") == USAGE
    assert status("traces", "name:never") == FINE
    assert status("traces", "name:never", "--expect") == NOTHING
    assert status("traces", "status:eror") == USAGE
    assert status("trace", "abcdef") == NOTHING
    assert status("wait", "name:never", "--timeout", "300ms") == NOTHING
    assert status("wait", "service:shop", "--count", "11") == FINE
    assert status("no-such-verb") == USAGE
    for verb in ("traces", "stop", "snapshot"):
        assert run(verb, "--data", str(data.parent / "nothing")).returncode == NO_VIEWER
    nobody = run("traces", "--from", "127.0.0.1:9")
    assert nobody.returncode == NO_VIEWER and "127.0.0.1:9" in nobody.stderr


def test_log_records_are_followed_one_a_line(
    viewer_program: Path, started: Started, data: Path
) -> None:
    command = [viewer_program, "tail", "severity>=warn", "--data", data, "--format", "ndjson"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        try:
            assert tail.stdout is not None
            # It begins with what comes after its start, whenever that is on a busy machine.
            said = queue.Queue[str]()
            reading = threading.Thread(target=lambda: [said.put(line) for line in tail.stdout])
            reading.start()
            records = []
            for _ in range(100):
                started.send([("/v1/logs", sample.logs(7))])
                with contextlib.suppress(queue.Empty):
                    records.append(json.loads(said.get(timeout=0.3)))
                if len(records) > 1:
                    break
            assert len(records) == 2
            for record in records:
                check("tail", record)
                assert record["trace_id"] == f"{7:032x}"
        finally:
            tail.kill()


def test_a_viewer_is_stopped_by_name_and_what_it_kept_can_still_be_asked(
    run: Run, started: Started, data: Path
) -> None:
    done = run("stop", "--data", str(data))
    check("stop", json.loads(done.stdout))
    assert done.returncode == FINE and json.loads(done.stdout)["pid"] == started.process.pid
    assert started.process.wait(timeout=30) == 0
    assert run("stop", "--data", str(data)).returncode == NO_VIEWER
    left = run("traces", "--data", str(data))
    assert left.returncode == FINE and json.loads(left.stdout)["total"] == 11
    assert run("pin", SLOW, "--data", str(data)).returncode == NO_VIEWER


def test_a_port_that_is_taken_says_by_whom(
    run: Run, viewer_program: Path, started: Started, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        address = f"127.0.0.1:{taken}"
        done = run("receive", "--http-address", address, "--grpc-address", "127.0.0.1:0")
        assert done.returncode == CONDITION
        assert f"cannot listen at {address}: it is taken" in done.stderr
        if Path("/proc/net/tcp").exists():
            assert f"(process {os.getpid()})" in done.stderr

        held = f"127.0.0.1:{started.port}"
        free = ("--data", str(tmp_path / "third"), "--quiet")
        command = [
            viewer_program,
            "start",
            *free,
            "--http-address",
            held,
            "--grpc-address",
            address,
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as third:
            assert third.stderr is not None
            said = third.stderr.readline() + third.stderr.readline()
            third.send_signal(signal.SIGTERM)
        assert f"{held} is taken by another viewer (process {started.process.pid}); 127" in said
        assert f"{address} is taken" in said and said.count("is used instead") == 2
