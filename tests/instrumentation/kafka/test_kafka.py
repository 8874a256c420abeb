"""Producers and consumers of the three Kafka clients, against a live broker.

A client's scenarios run once, in one process; each test looks at what one of them traced. They
have the same names for all clients (`programs/`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from .conftest import Scenario, named

Scenarios = Callable[..., dict[str, Scenario]]

# What the official instrumentation calls a consumer's operation.
RECEIVE = {"kafka_python": "receive", "confluent": "process", "aio": "receive"}


class Results:
    """One client's scenarios."""

    def __init__(self, client: str, scenarios: dict[str, Scenario]) -> None:
        self.client = client
        self.receive = RECEIVE[client]
        self._scenarios = scenarios

    def __getitem__(self, name: str) -> Scenario:
        return self._scenarios[name]

    def received(self, scenario: Scenario) -> list[dict[str, Any]]:
        return named(scenario, self.receive)


@pytest.fixture(scope="module")
def results_of(run_scenarios: Scenarios) -> Callable[[str], Results]:
    return cache(lambda client: Results(client, run_scenarios(client, prefix=client)))


@pytest.fixture(params=["kafka_python", "confluent", "aio"])
def results(request: pytest.FixtureRequest, results_of: Callable[[str], Results]) -> Results:
    return results_of(request.param)


@pytest.fixture
def confluent(results_of: Callable[[str], Results]) -> Results:
    return results_of("confluent")


@pytest.fixture
def aio(results_of: Callable[[str], Results]) -> Results:
    return results_of("aio")


def attribute(spans: list[dict[str, Any]], name: str) -> list[Any]:
    return [span["attributes"].get(f"messaging.{name}") for span in spans]


def test_no_scenario_leaves_a_context_behind(results: Results) -> None:
    assert [name for name, result in results._scenarios.items() if result["leaked"]] == []


def test_a_message_continues_the_trace_of_who_sent_it(results: Results) -> None:
    one = results["one"]
    (order,) = [span for span in one["spans"] if span["name"] == "order"]
    (sent,) = named(one, "send")
    (received,) = results.received(one)
    assert (sent["kind"], received["kind"]) == ("PRODUCER", "CONSUMER")
    assert (sent["parent"], received["parent"]) == (order["id"], sent["id"])
    assert sent["trace_id"] == received["trace_id"] == order["trace_id"]
    assert received["links"] == []
    assert one["log"] == []


def test_a_message_is_described_as_the_conventions_say(results: Results) -> None:
    one = results["one"]
    (sent,) = named(one, "send")
    (received,) = results.received(one)
    topic = sent["attributes"]["messaging.destination.name"]
    both = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": "1",
        "messaging.kafka.message.key": "key",
        "messaging.kafka.offset": 0,
        "messaging.kafka.message.offset": 0,
        "messaging.message.id": f"{topic}.1.0",
        "messaging.message.body.size": 5,
        "server.address": "127.0.0.1",
    }
    theirs = {
        **both,
        "messaging.client.id": "c1",
        "messaging.consumer.group.name": "g1",
        "messaging.operation.name": results.receive,
        "messaging.operation.type": results.receive,
    }
    ours = {
        **both,
        "messaging.client.id": "p1",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    assert sent["attributes"].items() >= ours.items()
    assert received["attributes"].items() >= theirs.items()
    assert type(sent["attributes"]["server.port"]) is int
    assert sent["attributes"]["server.port"] == received["attributes"]["server.port"]


def test_a_message_sent_has_a_span_until_the_broker_has_it(results: Results) -> None:
    one = results["one"]
    (order,) = [span for span in one["spans"] if span["name"] == "order"]
    (sent,) = named(one, "send")
    assert order["start"] <= sent["start"] < sent["end"]
    assert one["seen"]["metadata"][-1] == sent["attributes"]["messaging.kafka.offset"]


def test_the_span_is_current_while_the_message_is_handled(results: Results) -> None:
    one = results["one"]
    (received,) = results.received(one)
    assert one["seen"]["current while handled"] == received["id"]
    assert one["seen"]["ended while handled"] is False
    assert one["seen"]["current after the loop"] is None


def test_each_turn_of_a_loop_has_its_own_span(results: Results) -> None:
    loop = results["loop"]
    received = results.received(loop)
    assert [span["id"] for span in received] == loop["seen"]["current"]
    assert sorted(span["parent"] for span in received) == sorted(
        span["id"] for span in named(loop, "send")
    )
    handled = [span for span in loop["spans"] if span["name"] == "handle"]
    assert [span["parent"] for span in handled] == loop["seen"]["current"]
    assert [span["trace_id"] for span in handled] == [span["trace_id"] for span in received]
    assert len({span["trace_id"] for span in received}) == 3
    assert loop["seen"]["after"] is None


@pytest.mark.parametrize("client", ["kafka_python", "aio"])
def test_a_loop_left_by_an_exception_leaves_no_span_open(
    client: str, results_of: Callable[[str], Results]
) -> None:
    results = results_of(client)
    left = results["left_by_exception"]
    assert left["seen"]["current"] is None
    assert left["seen"]["ended"].endswith(results.receive)


def test_closing_a_consumer_ends_the_last_span(results: Results) -> None:
    closed = results["nobody_reads_on"]
    (received,) = results.received(closed)
    assert closed["seen"]["current"] == received["id"]
    assert closed["seen"]["current after close"] is None


def test_a_span_around_the_handling_is_linked_and_left_alone(results: Results) -> None:
    around = results["around"]
    turns = [span for span in around["spans"] if span["name"].startswith("turn")]
    received = results.received(around)
    assert [span["links"] for span in received] == [[turn["id"]] for turn in turns]
    assert {span["parent"] for span in received} == {s["id"] for s in named(around, "send")}
    handled = [span for span in around["spans"] if span["name"] == "handle"]
    assert [span["parent"] for span in handled] == [span["id"] for span in received]
    assert around["seen"] == {"after 0": None, "after 1": None}


def test_polls_that_bring_nothing_have_no_span(results: Results) -> None:
    empty = results["empty_polls"]
    assert {span["kind"] for span in empty["spans"]} == {"INTERNAL", "PRODUCER"}
    assert empty["seen"]["polled"] == [0, 0, 0]


def test_a_batch_has_one_span_with_a_link_to_each_producer(results: Results) -> None:
    batch = results["batch"]
    sent = {span["id"]: span for span in named(batch, "send")}
    batches = [s for s in batch["spans"] if "messaging.batch.message_count" in s["attributes"]]
    assert {span["kind"] for span in batches} == {"CONSUMER"}
    assert {span["name"].split()[-1] for span in batches} == {results.receive}
    assert sum(attribute(batches, "batch.message_count")) == 3
    assert sorted(link for span in batches for link in span["links"]) == sorted(sent)
    assert {span["parent"] for span in batches} == {None}
    assert batch["seen"]["current"] == batches[-1]["id"]
    assert batch["seen"]["current after the next poll"] is None
    assert batch["seen"]["values"] == ["0", "1", "2"]


def test_each_message_of_a_batch_continues_its_trace(results: Results) -> None:
    batch = results["batch"]
    sent = {span["id"]: span for span in named(batch, "send")}
    batches = [s for s in batch["spans"] if "messaging.batch.message_count" in s["attributes"]]
    messages = [
        span for span in batch["spans"] if span["kind"] == "CONSUMER" and span not in batches
    ]
    assert sorted(span["parent"] for span in messages) == sorted(sent)
    for message in messages:
        assert message["trace_id"] == sent[message["parent"]]["trace_id"]
        assert message["name"].endswith(" receive")
        assert message["links"][0] in [span["id"] for span in batches]
        assert {"messaging.kafka.offset", "messaging.message.id"} <= message["attributes"].keys()


def test_headers_are_the_users_own(results: Results) -> None:
    headers = results["headers"]
    assert headers["seen"]["kept"] is True


def test_a_context_that_is_there_already_is_replaced(results: Results) -> None:
    headers = results["headers"]
    assert headers["seen"]["names"] == [["a", "traceparent"]] * 2
    good = [span for span in named(headers, "send") if span["status"][0] == "UNSET"]
    assert [s["parent"] for s in results.received(headers)] == [span["id"] for span in good]


def test_headers_of_a_wrong_kind_fail_as_without_an_instrumentation(results: Results) -> None:
    headers = results["headers"]
    failed = [span for span in named(headers, "send") if span["status"][0] == "ERROR"]
    assert len(failed) == len(headers["seen"]["errors"]) == 3
    assert [s["attributes"]["error.type"] for s in failed] == headers["seen"]["errors"]


def test_headers_of_strangers_do_no_harm(results: Results) -> None:
    hostile = results["hostile_headers"]
    assert hostile["seen"]["values"] == ["value"] * 4 + ["last"]
    received = results.received(hostile)
    # The last header of a name counts.
    parents = [None, None, None, "2" * 16, None]
    assert [span["parent"] for span in received] == parents


def test_a_tombstone_is_one(results: Results) -> None:
    spans = results["tombstone"]["spans"]
    assert attribute(spans, "kafka.message.tombstone") == [True, True]
    assert attribute(spans, "message.body.size") == [None, None]
    # A key without a canonical text form.
    assert attribute(spans, "kafka.message.key") == [None, None]


def test_errors_are_recorded_and_raised(results: Results) -> None:
    errors = results["errors"]
    spans = named(errors, "send")
    assert [span["status"][0] for span in spans] == ["ERROR"] * len(errors["seen"]["errors"])
    assert all(span["attributes"]["error.type"] for span in spans)


def test_callbacks_of_the_user_are_called(results: Results) -> None:
    assert results["callbacks"]["seen"]["called"] == [0]
    assert attribute(results["callbacks"]["spans"], "kafka.offset") == [0]


def test_hooks_see_each_message_and_may_raise(results: Results) -> None:
    hooks = results["hooks"]
    sent = named(hooks, "send")
    assert {span["attributes"]["produced"] for span in sent} == {hooks["seen"]["produced"]}
    messages = [s for s in hooks["spans"] if "messaging.kafka.offset" in s["attributes"]]
    consumed = [span["attributes"].get("consumed") for span in messages if span not in sent]
    assert consumed == ["1", "1", "2"]
    assert hooks["log"].count("opentelemetry.instrumentation." + hooks["seen"]["produced log"]) == 2
    assert hooks["log"].count("opentelemetry.instrumentation." + hooks["seen"]["consumed log"]) == 3


def test_without_the_instrumentation_nothing_is_traced(results: Results) -> None:
    plain = results["uninstrumented"]
    assert [span["name"] for span in plain["spans"]] == ["order 0"]
    assert plain["seen"]["value"] == "0"
    assert plain["seen"]["current"] is None


def test_suppressed_instrumentation_traces_nothing(results: Results) -> None:
    assert results["suppressed"]["spans"] == []


def test_messages_are_counted_and_timed(results: Results) -> None:
    loop, batch = results["loop"], results["batch"]
    client = {"messaging.system": "kafka", "server.address": "127.0.0.1"}
    sent = client | {"messaging.operation.name": "send"}
    received = client | {
        "messaging.operation.name": results.receive,
        "messaging.consumer.group.name": "g1",
    }
    for scenario in (loop, batch):
        found = scenario["metrics"]
        for points in found.values():
            for point in points:
                assert type(point["attributes"].pop("server.port")) is int
        counts = {
            name.removeprefix("messaging."): [
                (p["unit"], p["value"], p["attributes"]) for p in points
            ]
            for name, points in found.items()
            if name.endswith("messages")
        }
        assert counts == {
            "client.sent.messages": [("{message}", 3, sent)],
            "client.consumed.messages": [("{message}", 3, received)],
        }
        (processed,) = found["messaging.process.duration"]
        assert processed["attributes"] == received | {"messaging.operation.name": "process"}
        spans = [s for s in scenario["spans"] if s["name"].endswith(results.receive)]
        worked = [s for s in spans if "messaging.kafka.offset" not in s["attributes"]] or spans
        assert processed["count"] == len(worked)
        seconds = sum(span["end"] - span["start"] for span in worked) / 1e9
        assert processed["sum"] == pytest.approx(seconds, abs=2)
        durations = {
            point["attributes"]["messaging.operation.type"]: point
            for point in found["messaging.client.operation.duration"]
        }
        assert {name: point["count"] for name, point in durations.items()} == {
            "send": 3,
            "receive": len(worked),
        }
        assert {point["unit"] for point in durations.values()} == {"s"}
        assert durations["send"]["bounds"][:3] == [0.005, 0.01, 0.025]


def test_messages_that_fail_are_counted_by_error(results: Results) -> None:
    points = results["errors"]["metrics"]["messaging.client.sent.messages"]
    spans = named(results["errors"], "send")
    assert sorted(point["attributes"]["error.type"] for point in points) == sorted(
        span["attributes"]["error.type"] for span in spans
    )


# What only some clients can do.


def test_a_future_that_nobody_looks_at_is_still_complained_about(aio: Results) -> None:
    failed = aio["failed_future"]
    assert failed["seen"]["complaints"] == ["Future exception was never retrieved"]
    (sent,) = named(failed, "send")
    assert sent["status"] == ["ERROR", "RuntimeError: the broker's"]
    assert sent["attributes"]["error.type"] == "RuntimeError"


def test_tasks_that_share_a_consumer_have_spans_of_their_own(aio: Results) -> None:
    tasks = aio["tasks"]
    spans = {span["id"]: span for span in tasks["spans"]}
    for number in range(4):
        (handled,) = [span for span in tasks["spans"] if span["name"] == f"handle {number}"]
        (order,) = [span for span in tasks["spans"] if span["name"] == f"order {number}"]
        received = spans[handled["parent"]]
        assert received["trace_id"] == handled["trace_id"] == order["trace_id"]
        assert received["start"] <= handled["start"] <= handled["end"] <= received["end"]
    assert tasks["seen"]["current"] is None


def test_what_a_task_fetched_for_another_is_traced_too(aio: Results) -> None:
    fetched = aio["fetched_by_another_task"]
    assert fetched["seen"]["current"] == [None, None]
    assert sorted(span["parent"] for span in aio.received(fetched)) == sorted(
        span["id"] for span in named(fetched, "send")
    )


def test_without_acknowledgement_there_is_no_offset(aio: Results) -> None:
    (sent,) = named(aio["no_acknowledgement"], "send")
    assert sent["status"][0] == "UNSET"
    assert "messaging.kafka.offset" not in sent["attributes"]


def test_every_way_to_give_no_headers_carries_the_context(aio: Results) -> None:
    scenario = aio["no_headers"]
    sent = [span["id"] for span in named(scenario, "send")]
    assert [span["parent"] for span in aio.received(scenario)] == sent


def test_hooks_that_cannot_be_awaited_are_named_once(aio: Results) -> None:
    scenario = aio["hooks_that_cannot_be_awaited"]
    assert scenario["log"] == [
        f"opentelemetry.instrumentation.aiokafka.utils: async_{name}_hook is not"
        " a coroutine function and is not called"
        for name in ("produce", "consume")
    ]
    assert len(named(scenario, "send")) == len(aio.received(scenario)) == 1


def test_the_users_callback_and_the_configured_one_are_called_as_ever(confluent: Results) -> None:
    scenario = confluent["default_callback"]
    assert scenario["seen"]["called"] == ["default 1", "own 2"]
    assert attribute(named(scenario, "send"), "kafka.offset") == [0, 1]


def test_what_the_users_callback_raises_comes_out_of_flush(confluent: Results) -> None:
    scenario = confluent["callback_that_raises"]
    assert scenario["seen"]["raised"] == "the callback's"
    assert [span["status"][0] for span in named(scenario, "send")] == ["UNSET"]


def test_what_the_broker_never_acknowledged_is_an_error(confluent: Results) -> None:
    scenario = confluent["errors"]
    assert scenario["seen"]["errors"] == ["KafkaException", "_MSG_TIMED_OUT"]
    types = [span["attributes"]["error.type"] for span in named(scenario, "send")]
    assert types == ["MSG_SIZE_TOO_LARGE", "_MSG_TIMED_OUT"]


def test_without_delivery_reports_a_span_ends_when_the_message_is_queued(
    confluent: Results,
) -> None:
    scenario = confluent["reports_of_errors_only"]
    assert len(scenario["seen"]["ended"]) == len(named(scenario, "send")) == 1


def test_an_event_is_no_message(confluent: Results) -> None:
    scenario = confluent["events_are_no_messages"]
    assert scenario["seen"]["errors"] == 2
    assert attribute(confluent.received(scenario), "batch.message_count") == [None, 1]


def test_a_consumer_as_context_manager_ends_its_last_span(confluent: Results) -> None:
    scenario = confluent["as_context_manager"]
    (received,) = confluent.received(scenario)
    assert scenario["seen"] == {
        "current": received["id"],
        "current after": None,
        "closed": "RuntimeError",
    }


def test_a_thread_that_ended_leaves_no_span_open(confluent: Results) -> None:
    scenario = confluent["threads"]
    assert scenario["seen"] == {"ended": [0, 1], "current": None}
    assert len(confluent.received(scenario)) == 2


def test_transactions_go_through(confluent: Results) -> None:
    scenario = confluent["transactions"]
    assert scenario["seen"] == {"waiting": [0, 0], "brokers": 1}
    assert [span["status"][0] for span in named(scenario, "send")] == ["UNSET"] * 2


def test_single_clients_can_be_instrumented(confluent: Results) -> None:
    scenario = confluent["proxies"]
    assert scenario["seen"] == {
        "is a producer": True,
        "left": 0,
        "same producer": True,
        "untouched": True,
        "called": 1,
        "is a consumer": True,
        "assigned": 2,
        "values": ["0", "1"],
        "same consumer": True,
        "current": None,
    }
    first, second = named(scenario, "send")
    one, many = confluent.received(scenario)
    assert (one["parent"], many["links"]) == (first["id"], [second["id"]])
    # Whether there is a callback in its configuration cannot be known.
    assert attribute([first, second], "kafka.offset") == [None, 1]


def test_a_client_instrumented_twice_is_traced_once(confluent: Results) -> None:
    scenario = confluent["both_ways"]
    assert len(named(scenario, "send")) == len(confluent.received(scenario)) == 1


def test_serializing_clients_are_traced(confluent: Results) -> None:
    scenario = confluent["serializers"]
    (sent,) = named(scenario, "send")
    (received,) = confluent.received(scenario)
    assert (received["parent"], scenario["seen"]["value"]) == (sent["id"], 5)
    assert scenario["seen"]["current"] == received["id"]
    assert scenario["seen"]["current after close"] is None
    assert attribute([sent, received], "kafka.message.key") == ["key", "key"]
    assert attribute([sent, received], "kafka.offset") == [0, 0]
    assert sent["attributes"]["server.address"] == received["attributes"]["server.address"]


def test_the_asyncio_consumer_is_traced_in_the_task_that_reads(confluent: Results) -> None:
    scenario = confluent["asynchronous_consumer"]
    seen = scenario["seen"]
    received = [span["id"] for span in confluent.received(scenario)]
    assert [*seen["current"], seen["current in a batch"]] == received
    assert seen["current after close"] is None
