"""The official `opentelemetry-instrument` with us, and development without a receiver: what a
person at a terminal sees.

How processes and servers fare is tested in tests/command/run, installations beside the official
packages in tests/dropin/test_opentelemetry_instrument.py.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment

INSTRUMENT = Path(sys.executable).parent / "opentelemetry-instrument"
OURS = {"OTEL_PYTHON_DISTRO": "oxitel", "OTEL_PYTHON_CONFIGURATOR": "oxitel"}
# Each instrumentation takes its time to import.
OTHERS = ",".join(
    sorted(
        {entry_point.name for entry_point in entry_points(group="opentelemetry_instrumentor")}
        - {"logging"}
    )
)
PROGRAM = """\
import logging

from opentelemetry import metrics, trace

with trace.get_tracer("program").start_as_current_span("work"):
    logging.getLogger("program").warning("from inside")
metrics.get_meter("program").create_counter("done").add(1)
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program under `opentelemetry-instrument`, or under another command."""

    def run(
        source: str, env: dict[str, str], command: tuple[str, ...] = (str(INSTRUMENT),)
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "program.py").write_text(source, encoding="utf-8")
        return subprocess.run(
            [*command, sys.executable, "program.py"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
            env=program_environment({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": OTHERS, **env}),
        )

    return run


def resource_of(request: Any, field: str) -> dict[str, str]:
    attributes = request.decoded[field][0]["resource"]["attributes"]
    return {entry["key"]: entry["value"].get("string_value") for entry in attributes}


@pytest.mark.parametrize("chosen", [{}, OURS], ids=["nothing chosen", "oxitel chosen"])
def test_the_official_command_exports_all_signals_through_us(
    chosen: dict[str, str], run: Run, collector: Any
) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint, "OTEL_SERVICE_NAME": "shop"}
    finished = run(PROGRAM, env | chosen)
    # A program without handlers prints its warnings, instrumented or not.
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "from inside\n")
    requests = {request.signal: request for request in collector.requests()}
    assert sorted(requests) == ["logs", "metrics", "traces"]
    for signal, field in (
        ("traces", "resource_spans"),
        ("metrics", "resource_metrics"),
        ("logs", "resource_logs"),
    ):
        resource = resource_of(requests[signal], field)
        assert resource["telemetry.sdk.name"] == "oxitel"
        assert resource["telemetry.auto.version"]
        assert resource["service.name"] == "shop"


def test_variables_that_are_set_win_over_the_distributions(run: Run, collector: Any) -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "carrier_pigeon",
        # Empty counts as unset.
        "OTEL_TRACES_EXPORTER": "",
    }
    finished = run(PROGRAM, env | OURS)
    assert finished.returncode == 0
    assert finished.stderr.splitlines() == [
        "Invalid value for OTEL_LOGS_EXPORTER: 'carrier_pigeon'. Expected one of console, otlp,"
        " otlp_kafka, otlp_proto_grpc, otlp_proto_http, none. Using no such exporter.",
        "from inside",
    ]
    assert [(request.signal, request.protocol) for request in collector.requests()] == [
        ("traces", "http")
    ]


def test_a_configuration_file_sets_everything_up(run: Run, collector: Any, tmp_path: Path) -> None:
    (tmp_path / "otel.yaml").write_text(
        """
file_format: "1.0"
resource:
  attributes: [{name: service.name, value: "${NAME}"}]
tracer_provider:
  processors:
    - batch: {exporter: {otlp_grpc: {endpoint: "${RECEIVER}"}}}
""",
        encoding="utf-8",
    )
    env = {"OTEL_CONFIG_FILE": "otel.yaml", "NAME": "shop", "RECEIVER": collector.grpc_endpoint}
    finished = run(PROGRAM, env | OURS)
    assert finished.returncode == 0
    assert finished.stderr.splitlines() == ["from inside"]
    (request,) = collector.requests()
    assert request.signal == "traces"
    assert resource_of(request, "resource_spans")["service.name"] == "shop"


@pytest.mark.parametrize(
    "command",
    [(str(INSTRUMENT),), (sys.executable, "-m", "oxitel", "run")],
    ids=["opentelemetry-instrument", "oxitel run"],
)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_without_a_receiver_a_program_is_told_once_and_ends_at_once(
    command: tuple[str, ...], protocol: str, run: Run
) -> None:
    endpoint = "http://127.0.0.1:1"
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    # Longer than the test may take, were anybody to wait for it.
    env |= {"OTEL_EXPORTER_OTLP_TIMEOUT": "600", "OTEL_METRIC_EXPORT_TIMEOUT": "600000"}
    # Nothing is tried, and said, before the end.
    env |= {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_BLRP_SCHEDULE_DELAY": "600000"}
    finished = run(PROGRAM, env | OURS, command)
    assert finished.returncode == 0
    said = finished.stderr.splitlines()
    assert sorted(said) == sorted(
        [
            "from inside",
            f"nothing listens at {endpoint} (connection refused): telemetry is kept as far as"
            " there is room, and sent when something does",
            *[line for line in said if "were not delivered to" in line],
        ]
    )
    (lost,) = [line for line in said if "were not delivered to" in line]
    whats, _, whither = lost.partition(" were not delivered to ")
    assert sorted(whats.replace(" and ", ", ").split(", ")) == [
        "1 export of metrics",
        "1 log",
        "1 span",
    ]
    assert whither == f"{endpoint}: connection refused"
    # Said at the end.
    assert said[-1] == lost


@pytest.mark.parametrize(
    "command",
    [(str(INSTRUMENT),), (sys.executable, "-m", "oxitel", "run")],
    ids=["opentelemetry-instrument", "oxitel run"],
)
def test_what_is_said_of_deliveries_is_not_delivered_itself(
    command: tuple[str, ...], run: Run, collector: Any
) -> None:
    source = PROGRAM + "import time\ntime.sleep(1)\nlogging.getLogger('program').warning('later')\n"
    nobody = "http://127.0.0.1:1"
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": nobody,
        # The spans are tried long before the last record is made.
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    finished = run(source, env | OURS, command)
    assert finished.returncode == 0
    said = finished.stderr.splitlines()
    assert [line.split(" (")[0] for line in said if nobody in line] == [
        f"nothing listens at {nobody}",
        f"1 span was not delivered to {nobody}: connection refused",
    ]
    records = [
        record["body"]["string_value"]
        for request in collector.requests()
        for part in request.decoded.get("resource_logs", ())
        for scope in part["scope_logs"]
        for record in scope["log_records"]
    ]
    assert records == ["from inside", "later"]


def test_exporting_begins_by_itself_when_something_listens(run: Run, collector: Any) -> None:
    program = """\
import logging, os, socket, threading, time
from opentelemetry import _logs, metrics, trace

tracer = trace.get_tracer("program")
counter = metrics.get_meter("program").create_counter("done")
said = threading.Event()
returned = threading.Event()

class Watch(logging.Handler):
    def emit(self, record):
        text = record.getMessage()
        if text.startswith("nothing listens at"):
            said.set()
        if "works again after" in text:
            returned.set()

logging.getLogger().addHandler(Watch())
logging.getLogger().addHandler(logging.StreamHandler())
with tracer.start_as_current_span("before"):
    logging.getLogger("program").warning("early")

def wait(event):
    # Messages are logged when the main thread runs, which a wait without end would put off.
    end = time.monotonic() + 60
    while not event.is_set():
        assert time.monotonic() < end
        time.sleep(0.01)

wait(said)

# A relay to the receiver, where nothing listened before.
port, target = int(os.environ["PORT"]), int(os.environ["TARGET"])
listener = socket.create_server(("127.0.0.1", port))

def pass_on(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)

def relay():
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", target))
        for ends in ((client, server), (server, client)):
            threading.Thread(target=pass_on, args=ends, daemon=True).start()

threading.Thread(target=relay, daemon=True).start()
wait(returned)
counter.add(1)
# While the relay can still make threads for a connection: from CPython 3.12 on not at the end.
for provider in (
    trace.get_tracer_provider(),
    metrics.get_meter_provider(),
    _logs.get_logger_provider(),
):
    provider.force_flush()
"""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "PORT": str(port),
        "TARGET": str(collector.grpc_port),
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BLRP_SCHEDULE_DELAY": "50",
    }
    finished = run(program, env | OURS)
    assert finished.returncode == 0, finished.stderr
    said = finished.stderr.splitlines()
    assert len([line for line in said if line.startswith("nothing listens at")]) == 1, said
    (returned,) = [line for line in said if "works again after" in line]
    assert returned.startswith(f"delivery to {endpoint} works again after")
    assert "not delivered" not in finished.stderr
    assert len(said) == 3
    arrived = {request.signal for request in collector.requests()}
    assert arrived == {"traces", "logs", "metrics"}
    assert [span["name"] for span in collector.wait_for(1)] == ["before"]


GREENLETS = """
{patch}
import threading, time
from opentelemetry import metrics

metrics.get_meter("a").create_counter("c").add(1)
time.sleep(0.1)
print("done", flush=True)
"""


@pytest.mark.parametrize("is_disabled", [False, True], ids=["enabled", "disabled"])
@pytest.mark.parametrize(
    "patch",
    ["from gevent import monkey; monkey.patch_all()", "import eventlet; eventlet.monkey_patch()"],
    ids=["gevent", "eventlet"],
)
def test_a_program_that_makes_greenlets_of_threads_ends_quietly(
    patch: str, is_disabled: bool, run: Run, collector: Any
) -> None:
    pytest.importorskip(patch.split()[1].rstrip(";"))
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
        "PYTHONWARNINGS": "ignore",
        "OTEL_SDK_DISABLED": str(is_disabled).lower(),
    }
    finished = run(GREENLETS.format(patch=patch), env | OURS)
    assert (finished.returncode, finished.stdout) == (0, "done\n")
    assert "Traceback" not in finished.stderr and "not delivered" not in finished.stderr
    assert (collector.count("metrics") > 0) is not is_disabled


def test_a_disabled_sdk_starts_nothing(run: Run, collector: Any) -> None:
    program = """
import os, threading

print([thread.name for thread in threading.enumerate()])
print(os.listdir("/proc/self/task") == [str(os.getpid())] if os.path.exists("/proc") else True)
"""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint, "OTEL_SDK_DISABLED": "true"}
    finished = run(program, env | OURS)
    assert finished.stdout.splitlines() == ["['MainThread']", "True"]
    assert collector.requests() == []
