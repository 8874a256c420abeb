"""A trace goes from one process to another, whichever client each of them has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment

from .conftest import CLIENTS, Scenario, named

Scenarios = Callable[..., dict[str, Scenario]]


@pytest.fixture(scope="module")
def written(run_scenarios: Scenarios) -> dict[str, Scenario]:
    """One message by each client, on one topic."""
    return {
        client: run_scenarios(client, "write_shared", prefix="everyone")["write_shared"]
        for client in CLIENTS
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_a_consumer_continues_the_trace_of_every_client(
    client: str, written: dict[str, Scenario], run_scenarios: Scenarios
) -> None:
    read = run_scenarios(client, "read_shared", prefix="everyone")["read_shared"]
    spans = {span["id"]: span for span in read["spans"]}
    users = {"kafka_python": "kafka-python", "confluent": "confluent", "aio": "aio"}
    assert read["seen"]["handled"] == sorted(users.values())
    for writer, user in users.items():
        (sent,) = named(written[writer], "send")
        (handled,) = [span for span in read["spans"] if span["name"] == f"handle {user}"]
        received = spans[handled["parent"]]
        assert received["kind"] == "CONSUMER"
        assert received["parent"] == sent["id"]
        assert handled["trace_id"] == received["trace_id"] == sent["trace_id"]
        # What the consumer says of the message is what the producer was told of it.
        place = ("messaging.message.id", "messaging.destination.partition.id")
        assert [received["attributes"][name] for name in place] == [
            sent["attributes"][name] for name in place
        ]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_users_headers_stay_as_they_are(client: str, written: dict[str, Scenario]) -> None:
    name = client.replace("_", "-")
    assert written[client]["seen"]["headers after"] == f"[('user', b'{name}')]"


def only(scenario: Scenario) -> dict[str, Any]:
    (span,) = scenario["spans"]
    return span


@pytest.mark.parametrize("writer", ["oxitel", "official"])
def test_context_carried_by_hand_arrives(writer: str, run_scenarios: Scenarios) -> None:
    prefix = f"manual-{writer}"
    write = run_scenarios("manual", "write_shared", prefix=prefix, implementation=writer)
    read = run_scenarios("manual", "read_shared", prefix=prefix)
    sent, handled = only(write["write_shared"]), only(read["read_shared"])
    assert write["write_shared"]["seen"]["headers"] == ["baggage", "traceparent"]
    assert read["read_shared"]["seen"] == {"handled": "order 1", "customer": "42 ü"}
    assert (handled["trace_id"], handled["parent"]) == (sent["trace_id"], sent["id"])


EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "order_events.py"


def test_the_example_has_one_trace_for_each_order(broker: str, collector: Any) -> None:
    others = {entry.name for entry in entry_points(group="opentelemetry_instrumentor")}
    others.discard("aiokafka")
    environment = {
        "KAFKA_BROKER": broker,
        "KAFKA_TOPIC": "example-orders",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        # Importing the others' libraries would take longer than all the rest.
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ",".join(sorted(others)),
    }
    for service, role in (("shop", "publish"), ("billing", "bill")):
        command = [sys.executable, "-m", "oxitel", "run", "--service-name", service]
        finished = subprocess.run(
            [*command, sys.executable, str(EXAMPLE), role, "3"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env=program_environment(environment),
        )
        assert finished.returncode == 0, finished.stderr
    spans = collector.wait_for(12)
    way = ["take order", "example-orders send", "example-orders receive", "write invoice"]
    for trace_id in {span["trace_id"] for span in spans}:
        below = {s["parent_span_id"]: s for s in spans if s["trace_id"] == trace_id}
        names, parent = [], ""
        while parent in below:
            names.append(below[parent]["name"])
            parent = below[parent]["span_id"]
        assert names == way
    assert len({span["trace_id"] for span in spans}) == 3
