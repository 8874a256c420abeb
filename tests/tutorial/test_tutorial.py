"""docs/tutorial.md, walked through as a reader would: its files are written, its commands run, what
they print is what the page shows, and what arrives at the receiver is what it says.

OXITEL_REWRITE_TUTORIAL=1 writes what the commands print into the page.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import oxitel
from conftest import program_environment
from tutorial.arrived import log_lines, log_records, metric_points, tree
from tutorial.services import free_port, kafka, mongodb, postgres
from tutorial.walk import PORTS, Command, Section, in_kind, sections

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = REPOSITORY / "docs/tutorial.md"
SECTIONS = sections(DOCUMENT)
# What sends nothing.
PREPARING = ("oxitel-viewer receive", "export ")
REWRITE = bool(os.environ.get("OXITEL_REWRITE_TUTORIAL"))


class Reader:
    """Types commands in a folder of its own. What a command sends goes on to the viewer."""

    def __init__(self, folder: Path, collector: Any, ports: dict[str, str], postgres: int) -> None:
        self.folder = folder
        self.collector = collector
        self.printed: list[str] = []
        self._forwarded = 0
        self._viewer: subprocess.Popen[bytes] | None = None
        self._servers: list[subprocess.Popen[bytes]] = []
        self._ports = {port: str(free_port()) for port in PORTS} | ports
        self._ports["4317"] = str(collector.grpc_port)
        self._environment = program_environment(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
                # What servers make comes soon, not after five seconds or a minute.
                "OTEL_BSP_SCHEDULE_DELAY": "50",
                "OTEL_BLRP_SCHEDULE_DELAY": "50",
                "OTEL_METRIC_EXPORT_INTERVAL": "300",
                "PGPORT": str(postgres),
                "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": switched_off(),
                # Ours before those of others, which other tests have installed.
                "PYTHONPATH": str(Path(oxitel.__file__).parent / "dropin"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONUNBUFFERED": "1",
            }
        )

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(self._here(text), encoding="utf-8")

    def _here(self, text: str) -> str:
        """The text with the ports that are free here."""
        return re.sub(
            r'(localhost:|--port |"localhost", )(\d+)',
            lambda m: m[1] + self._ports.get(m[2], m[2]),
            text,
        )

    def _there(self, text: str) -> str:
        """What is printed with the ports of the page."""
        for shown, here in self._ports.items():
            text = re.sub(rf"\b{here}\b", shown, text)
        return text

    def type(self, command: Command) -> None:
        line = self._here(command.line)
        if line.startswith("oxitel-viewer receive"):
            return
        if line.endswith("&"):
            self._serve(line.removesuffix("&"))
            return
        is_viewer = line.startswith("oxitel-viewer")
        deadline = time.monotonic() + 30
        if is_viewer and REWRITE:
            time.sleep(1.5)
        while True:
            printed = self._there(self._look(line) if is_viewer else self._run(line))
            if in_kind(printed) == in_kind(command.printed):
                break
            # What a server sends may still be on its way; nothing else may be late.
            if not is_viewer or time.monotonic() > deadline or REWRITE:
                if not REWRITE:
                    assert in_kind(printed) == in_kind(command.printed), f"{line}\n{printed}"
                break
            time.sleep(0.1)
        command.printed = printed
        self.printed.append(printed)

    def _run(self, line: str) -> str:
        if line.startswith("export "):
            self._environment |= dict(pair.split("=", 1) for pair in shlex.split(line)[1:])
            return ""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _serve(self, line: str) -> None:
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                shlex.split(line),
                cwd=self.folder,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._servers.append(process)
        asked = re.search(r"--port (\d+)", line)
        port = int(asked[1]) if asked else int(self._ports["5002"])
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("localhost", port), 1).close()
                return
            except OSError:
                said = (self.folder / "server.log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.05)

    def _look(self, line: str) -> str:
        """Asks the viewer, and hands on to it what arrives meanwhile: it may wait for that."""
        if self._viewer is None:
            self._start_viewer()
        self._forward()
        command = [str(viewer_program()), *shlex.split(line)[1:]]
        command += ["--from", f"127.0.0.1:{self._viewer_port}"]
        command += ["--width", "100"] if command[1] == "show" else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as asking:
            while asking.poll() is None:
                self._forward()
                time.sleep(0.02)
            assert asking.stdout is not None
            return asking.stdout.read()

    def _forward(self) -> None:
        requests = self.collector.requests(body=True, decoded=False)
        for request in requests[self._forwarded :]:
            urllib.request.urlopen(
                urllib.request.Request(
                    f"http://127.0.0.1:{self._viewer_port}/v1/{request.signal}",
                    request.body,
                    {"Content-Type": "application/x-protobuf"},
                )
            ).close()
        self._forwarded = len(requests)

    def _start_viewer(self) -> None:
        told = self.folder / "ports.json"
        addresses = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
        command = [viewer_program(), "receive", "--quiet", "--ports-file", told, *addresses]
        self._viewer = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while not told.exists():
            assert self._viewer.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self._viewer_port = json.loads(told.read_text())["http"]

    def leave(self) -> None:
        for process in self._servers:
            process.send_signal(signal.SIGINT)
        for process in [*self._servers, self._viewer]:
            if process is None:
                continue
            try:
                process.wait(15 if process is not self._viewer else 0.001)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def switched_off() -> str:
    """The instrumentations that `oxitel run` leaves off: other tests have them installed, and each
    that is switched on imports its library, which takes longer than the programs here."""
    needed = {"requests", "confluent_kafka", "logging"}
    found = importlib.metadata.entry_points(group="opentelemetry_instrumentor")
    return ",".join(entry.name for entry in found if entry.name not in needed)


def viewer_program() -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    program = target / "release" / "oxitel-viewer"
    if not program.exists():
        pytest.fail(f"{program} does not exist: `make build` builds it")
    return program


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[dict[str, str], int]]:
    """The ports of Kafka and MongoDB by the ports of the page, and PostgreSQL's."""
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(kafka())
        mongo = stack.enter_context(mongodb())
        database = stack.enter_context(postgres())
        yield {"9092": broker.rsplit(":", 1)[1], "27017": str(mongo)}, database


@pytest.fixture
def reader(
    tmp_path: Path, collector: Any, services: tuple[dict[str, str], int]
) -> Iterator[Reader]:
    person = Reader(tmp_path, collector, *services)
    yield person
    person.leave()


def rewrite(section: Section) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    start = text.index(f"## {section.heading}\n")
    head, part = text[:start], text[start:]
    position = 0
    for command in section.commands:
        typed = f"$ {command.line}\n"
        position = part.index(typed, position) + len(typed)
        end = re.compile(r"^(\$ |```)", re.M).search(part, position)
        assert end
        lines = [line.rstrip() for line in command.printed.strip("\n").splitlines()]
        shown = "".join(f"{line}\n" for line in lines)
        part = part[:position] + shown + part[end.start() :]
        position += len(shown)
    DOCUMENT.write_text(head + part, encoding="utf-8")


@pytest.mark.parametrize("number", range(len(SECTIONS)), ids=[s.heading for s in SECTIONS])
def test_a_section_does_what_it_says(number: int, reader: Reader) -> None:
    section = SECTIONS[number]
    for earlier in SECTIONS[: number + 1]:
        for name, text in earlier.files.items():
            reader.write(name, text)
    for earlier in SECTIONS[:number]:
        for command in earlier.commands:
            if section.asks(command):
                reader.type(command)
    for command in section.commands:
        reader.type(command)
    if REWRITE:
        rewrite(section)
    check = ARRIVED.get(section.heading)
    done = [one.line for one in section.commands if not one.line.startswith(PREPARING)]
    assert (check is not None) == bool(section.files or done)
    if check:
        check(reader)


def test_what_is_to_be_installed_is_what_the_blocks_run_with() -> None:
    lines = [line for section in SECTIONS for line in section.installs]
    assert lines[:2] == ["pip install .", "cargo install --path crates/viewer"]
    requirements = [Requirement(text) for line in lines[2:] for text in line.split()[2:]]
    assert len(requirements) >= 11
    for requirement in requirements:
        # One package has all instrumentations.
        assert "opentelemetry" not in requirement.name
        assert requirement.specifier.contains(importlib.metadata.version(requirement.name))
    assert (REPOSITORY / "crates/viewer/Cargo.toml").exists()


def test_every_file_of_the_tutorial_is_run() -> None:
    typed = "\n".join(command.line for section in SECTIONS for command in section.commands)
    modules = {name.removesuffix(".py") for section in SECTIONS for name in section.files}
    sources = "\n".join(text for section in SECTIONS for text in section.files.values())
    for module in modules:
        imported = re.search(rf"^(from|import) {module}\b", sources, re.M)
        assert imported or re.search(rf"(python |--app |uvicorn ){module}\b", typed), module
    fences = len(re.findall(r"^```\w+$", DOCUMENT.read_text(encoding="utf-8"), re.M))
    assert fences == len(re.findall(r"^```$", DOCUMENT.read_text(encoding="utf-8"), re.M))


# What has to arrive, by section.


def spans_of(reader: Reader, *services: str) -> list[dict[str, Any]]:
    return [s for s in reader.collector.spans() if s["resource"]["service.name"] in services]


def one(spans: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [span for span in spans if span["name"] == name]
    return found


def first_spans(reader: Reader) -> None:
    spans = reader.collector.spans()
    assert tree(spans) == {"open the shop": {"unlock the door": {}}}
    assert one(spans, "open the shop")["attributes"] == {"shop.lamps": 12}
    assert spans[0]["resource"]["service.version"] == "1.0.0"


def services_answer(reader: Reader) -> None:
    assert tree(spans_of(reader, "inventory")) == {"GET /stock/<sku>": {}}
    assert tree(spans_of(reader, "prices")) == {"GET /prices/{sku}": {}}
    assert tree(spans_of(reader, "catalogue")) == {"GET articles/<slug:sku>/": {}}


def clients_are_continued(reader: Reader) -> None:
    spans = reader.collector.spans()
    assert tree(spans) == {"ask three times": {"GET": {"GET /stock/<sku>": {}}}}
    assert len(spans) == 7
    assert len({span["trace_id"] for span in spans}) == 1


def databases_tell(reader: Reader) -> None:
    spans = spans_of(reader, "stock")
    statements = [s["attributes"].get("db.statement", "").split(" ")[0] for s in spans]
    assert sorted(filter(None, statements)) == ["CREATE", "INSERT", "SELECT"]
    root = one(spans, "count the stock")
    assert all(s["parent_span_id"] == root["span_id"] for s in spans if s is not root)
    (query,) = spans_of(reader, "ledger")
    assert query["attributes"]["db.statement"] == "SELECT %s + %s"
    commands = [span["name"].rsplit(".", 1)[-1] for span in spans_of(reader, "reviews")]
    assert sorted(commands) == ["find", "insert"]


def steps_of_an_order(reader: Reader) -> None:
    spans = reader.collector.spans()
    assert tree(spans) == {"place order": {"add up": {}, "charge the card": {}}}
    assert one(spans, "place order")["status"] == {"code": "STATUS_CODE_OK"}
    (priced,) = one(spans, "add up")["events"]
    assert priced["attributes"] == {"item.sku": "lamp", "item.cents": 4900}
    (authorised,) = one(spans, "charge the card")["events"]
    assert authorised["name"] == "payment authorised"


def exceptions_are_recorded_once(reader: Reader) -> None:
    checkout = one(reader.collector.spans(), "checkout")
    spans = [s for s in reader.collector.spans() if s["trace_id"] == checkout["trace_id"]]
    assert tree(spans) == {"checkout": {"place order": {"add up": {}, "charge the card": {}}}}
    assert checkout["status"] == {"code": "STATUS_CODE_ERROR", "message": "declined"}
    message = "CardDeclined: over the limit of 20000 cents"
    for name in ("place order", "charge the card"):
        assert one(spans, name)["status"] == {"code": "STATUS_CODE_ERROR", "message": message}
    for name in ("checkout", "place order", "charge the card"):
        (event,) = one(spans, name)["events"]
        assert event["attributes"]["exception.type"].endswith("CardDeclined")
    assert one(spans, "add up")["status"] == {}


def logs_have_their_trace(reader: Reader) -> None:
    spans = {span["span_id"]: span["trace_id"] for span in reader.collector.spans()}
    assert len(spans) == 3
    records = log_records(reader.collector)
    assert [record["body"] for record in records] == [
        "order packed",
        "box XL is nearly used up",
    ] * 3
    assert records[0]["attributes"]["order.id"] == "o-1"
    assert records[0]["logger"] == "packing"
    assert all(spans[record["span_id"]] == record["trace_id"] for record in records)
    _, _, as_json, as_text = reader.printed
    assert {
        line["span_id"]: line["trace_id"] for line in log_lines(as_json)
    }.items() <= spans.items()
    text_ids = set(re.findall(r"trace_id=(\w+) span_id=(\w+)", as_text))
    assert {(trace, span) for span, trace in spans.items()} >= text_ids
    assert len(text_ids) == 1


def metrics_add_up(reader: Reader) -> None:
    points = metric_points(reader.collector)
    desk, lamp = {"item.sku": "desk"}, {"item.sku": "lamp"}
    assert points["shop.sales"] == [(desk, 1), (lamp, 3)]
    assert [point["count"] for _, point in points["shop.sale.duration"]] == [1, 3]
    assert points["shop.customers"] == [({}, 1)]
    assert points["shop.temperature"] == [({}, 21.5)]
    assert points["shop.stock"] == [(lamp, 9)]


def variables_are_obeyed(reader: Reader) -> None:
    resources = [span["resource"] for span in reader.collector.spans()]
    # Of three runs, the last found nobody.
    assert len(resources) == 4
    assert sum(r.get("deployment.environment") == "test" for r in resources) == 2
    keys = [request.header("api-key") for request in reader.collector.requests()]
    assert "s3cret" in keys
    assert "2 spans were not delivered to http://localhost:9" in reader.printed[-1]


def hops_by_hand(reader: Reader) -> None:
    spans = reader.collector.spans()
    assert tree(spans) == {"ask the warehouse": {"fetch item": {}}}
    assert {span["resource"]["service.name"] for span in spans} == {"orders", "warehouse"}
    client = one(spans, "ask the warehouse")
    assert client["trace_id"] in reader.printed[0]
    assert "'baggage': 'customer.tier=gold'" in reader.printed[0]


def hops_through_kafka(reader: Reader) -> None:
    instrumented = spans_of(reader, "parcels")
    journey = {"parcels send": {"parcels process": {"load parcel": {}}}}
    assert tree(instrumented) == {"close parcel": journey}
    spans = spans_of(reader, "orders", "packing")
    assert tree(spans) == {"send orders": {"process orders": {}}}
    kinds = {one(spans, name)["kind"] for name in ("send orders", "process orders")}
    assert kinds == {"SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"}


def the_service(reader: Reader) -> None:
    reader.leave()
    spans = reader.collector.spans()
    roots = [span for span in spans if span["name"] == "POST /orders"]
    taken, refused = (
        [span for span in spans if span["trace_id"] == root["trace_id"]] for root in roots
    )
    hop = {"GET": {"GET /stock/<sku>": {}}}
    steps = {"validate order": {}, "check stock": hop, "keep order": {}}
    assert tree(taken) == {"POST /orders": steps}
    del steps["keep order"]
    assert tree(refused) == {"POST /orders": steps}
    assert one(taken, "POST /orders")["attributes"]["order.id"] == "o-1"
    assert one(refused, "POST /orders")["status"]["message"] == "desk is sold out"
    records = [r for r in log_records(reader.collector) if r["logger"] == "shop"]
    assert [(r["body"], r["trace_id"]) for r in records] == [
        ("order taken", roots[0]["trace_id"]),
        ("order refused: desk is sold out", roots[1]["trace_id"]),
    ]
    said = log_lines((reader.folder / "server.log").read_text())
    lines = [line for line in said if line["logger"] == "shop"]
    assert [line["trace_id"] for line in lines] == [r["trace_id"] for r in records]
    points = metric_points(reader.collector)
    assert points["shop.orders"] == [({"outcome": "refused"}, 1), ({"outcome": "taken"}, 1)]
    assert points["shop.orders.open"] == [({}, 0)]
    ((attributes, durations),) = points["shop.request.duration"]
    assert (attributes, durations["count"]) == ({"http.route": "/orders"}, 2)


def zero_code(reader: Reader) -> None:
    spans = reader.collector.spans()
    assert tree(spans) == {"GET": {"GET /stock/<sku>": {}}}
    assert len(spans_of(reader, "plain")) == len(spans_of(reader, "inventory")) == 2


ARRIVED: dict[str, Callable[[Reader], None]] = {
    "Set up once": first_spans,
    "Web services: Flask, FastAPI, Django": services_answer,
    "HTTP clients: requests, httpx, aiohttp": clients_are_continued,
    "Without touching the code": zero_code,
    "Databases: SQLAlchemy, psycopg2, MongoDB": databases_tell,
    "Spans by hand": steps_of_an_order,
    "When something goes wrong": exceptions_are_recorded_once,
    "Logs that know their trace": logs_have_their_trace,
    "Metrics": metrics_add_up,
    "To a Collector": variables_are_obeyed,
    "Context over HTTP, by hand": hops_by_hand,
    "Context through Kafka": hops_through_kafka,
    "The whole service": the_service,
}
