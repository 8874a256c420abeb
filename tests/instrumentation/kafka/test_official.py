"""The same scenarios under the official instrumentations on the official SDK: what those say stays,
and where ours leave them is listed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker import needs

from .conftest import CLIENTS, Scenario, named

Scenarios = Callable[..., dict[str, Scenario]]
Pair = tuple[Scenario, Scenario]

# The official values of these names are not what the conventions say.
OTHER_VALUES = {
    "kafka_python": set[str](),
    "confluent": set[str](),
    # '"localhost:9092"' as the address, and `publish` as the type of operation.
    "aio": {"server.address", "messaging.operation.type"},
}


@pytest.fixture(scope="module", params=CLIENTS)
def both(request: pytest.FixtureRequest, run_scenarios: Scenarios) -> tuple[str, dict[str, Pair]]:
    client: str = request.param
    names = ("one", "loop", "batch") if client == "confluent" else ("one", "loop", "batch", "hooks")
    ours = run_scenarios(client, *names, prefix=f"{client}-ours")
    official = run_scenarios(client, *names, prefix=f"{client}-official", implementation="official")
    return client, {name: (official[name], ours[name]) for name in names}


def comparable(span: dict[str, Any]) -> dict[str, Any]:
    """A span's attributes, with the topic's name replaced."""
    topic = span["name"].split()[0]
    return {
        name: value.replace(topic, "<topic>") if isinstance(value, str) else value
        for name, value in span["attributes"].items()
    }


def operation(client: str) -> str:
    return "process" if client == "confluent" else "receive"


def test_what_the_official_spans_say_ours_say_too(both: tuple[str, dict[str, Pair]]) -> None:
    client, scenarios = both
    for scenario in scenarios.keys() & {"one", "hooks"}:
        official, ours = scenarios[scenario]
        for name in ("send", operation(client)):
            theirs = [s for s in named(official, name) if "batch" not in str(s["attributes"])]
            pairs = list(zip(theirs, named(ours, name), strict=False))
            assert pairs
            for their, our in pairs:
                assert our["kind"] == their["kind"]
                assert our["scope"] == their["scope"]
                said, also = comparable(their), comparable(our)
                differing = {key for key, value in said.items() if also.get(key) != value}
                assert differing - {"consumed"} <= OTHER_VALUES[client]


def test_values_that_differ_are_what_the_conventions_say(
    both: tuple[str, dict[str, Pair]],
) -> None:
    client, scenarios = both
    official, ours = (named(scenario, "send")[0]["attributes"] for scenario in scenarios["one"])
    assert ours["messaging.operation.type"] == "send"
    address = f"{ours['server.address']}:{ours['server.port']}"
    if client == "aio":
        assert official["server.address"] == f'"{address}"'
        assert official["messaging.operation.type"] == "publish"
    else:
        assert official.get("server.address") in (None, ours["server.address"])
        assert "messaging.operation.type" not in official


def test_the_official_handlers_spans_do_not_belong_to_the_message(
    both: tuple[str, dict[str, Pair]],
) -> None:
    """Ours do, see test_kafka.py; confluent-kafka's official ones too, in a trace of their own."""
    client, scenarios = both
    for scenario, belongs in zip(scenarios["loop"], (client == "confluent", True), strict=True):
        received = {span["id"]: span for span in named(scenario, operation(client))}
        handled = [span for span in scenario["spans"] if span["name"] == "handle"]
        assert {span["parent"] in received for span in handled} == {belongs}
    official, ours = scenarios["loop"]
    sent = [{span["trace_id"] for span in named(scenario, "send")} for scenario in (official, ours)]
    traces = [
        {span["trace_id"] for span in scenario["spans"] if span["name"] == "handle"}
        for scenario in (official, ours)
    ]
    assert not sent[0] & traces[0]
    assert sent[1] == traces[1]


def test_the_official_batches_are_other_spans(both: tuple[str, dict[str, Pair]]) -> None:
    client, scenarios = both
    official, ours = scenarios["batch"]
    consumed = [s["name"].split()[-1] for s in official["spans"] if s["kind"] == "CONSUMER"]
    expected = {
        "kafka_python": [],
        # One around the call, which is about nothing, and one that is never ended by `close`.
        "confluent": {"recv", "process"},
        # One for each partition as well.
        "aio": ["receive"] * len(consumed),
    }[client]
    assert (set(consumed) if isinstance(expected, set) else consumed) == expected
    assert {s["name"].split()[-1] for s in ours["spans"] if s["kind"] == "CONSUMER"} == {
        "receive",
        operation(client),
    }


NAMES = """
import importlib, json, inspect, sys
HERE = ("opentelemetry.instrumentation", "oxitel")
found = {}
for module in sys.argv[1:]:
    imported = importlib.import_module(module)
    for name in dir(imported):
        value = getattr(imported, name)
        if name in ("_instruments", "__version__"):
            found[f"{module}.{name}"] = value
        own = getattr(value, "__module__", "").startswith(HERE)
        if not name.startswith("_") and inspect.isclass(value) and own:
            found[f"{module}.{name}"] = sorted(
                member for member in vars(value) if not member.startswith("_")
            )
print(json.dumps(found))
"""


def test_the_official_names_and_versions_are_there(official_python: Path) -> None:
    needs(*CLIENTS.values())
    modules = [
        f"opentelemetry.instrumentation.{name}{part}"
        for name in ("kafka", "confluent_kafka", "aiokafka")
        for part in ("", ".package", ".utils", ".version")
    ]
    official, ours = (
        json.loads(subprocess.check_output([str(python), "-c", NAMES, *modules], text=True))
        for python in (official_python, sys.executable)
    )
    for name, members in official.items():
        # Types for type checkers, and what the modules import for themselves.
        if name.rsplit(".", 1)[-1] in (
            "BaseInstrumentor",
            "InstrumentKwargs",
            "UninstrumentKwargs",
        ):
            continue
        assert name in ours
        if name.endswith(("._instruments", ".__version__")):
            assert ours[name] == members
        else:
            assert set(members) <= set(ours[name]), name
