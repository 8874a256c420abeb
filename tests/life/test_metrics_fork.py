"""Forks of programs that measure: every process tells what it measured itself, under an identity
and with a start of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from life.test_fork import FORKS

Run = Callable[..., Any]

pytestmark = pytest.mark.fork


@pytest.fixture(params=FORKS)
def fork(request: pytest.FixtureRequest) -> str:
    return FORKS[request.param]


def points(collector: Any) -> dict[str, list[dict[str, Any]]]:
    """All points that arrived, by the id of the instance that they come from, oldest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for request in collector.requests():
        for resource in request.decoded.get("resource_metrics", ()):
            attributes = {pair["key"]: pair["value"] for pair in resource["resource"]["attributes"]}
            instance = attributes["service.instance.id"]["string_value"]
            for scope in resource["scope_metrics"]:
                for metric in scope["metrics"]:
                    data = metric.get("sum") or metric.get("gauge") or metric["histogram"]
                    for point in data["data_points"]:
                        found[instance].append({"name": metric["name"], **point})
    return found


def test_a_child_starts_from_nothing(fork: str, protocol: str, run: Run, collector: Any) -> None:
    run(
        f"""
        import os
        from metering import *
        {fork}

        provider = start()
        counter = provider.get_meter("m").create_counter("c")
        counter.add(10, {{"same": True}})
        provider.force_flush()
        child = fork()
        if child == 0:
            counter.add(3, {{"same": True}})
            provider.force_flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        counter.add(5, {{"same": True}})
        provider.shutdown()
        """,
        protocol=protocol,
    )
    told = points(collector)
    assert len(told) == 2
    by_values = {tuple(int(point["as_int"]) for point in own): own for own in told.values()}
    assert set(by_values) == {(10, 15), (3,)}
    parents, childs = by_values[10, 15], by_values[3,]
    assert parents[0]["start_time_unix_nano"] == parents[1]["start_time_unix_nano"]
    assert childs[0]["start_time_unix_nano"] > parents[0]["time_unix_nano"]


def test_workers_of_a_preloaded_program_are_told_apart(run: Run, collector: Any) -> None:
    run(
        """
        import os
        from metering import *
        from opentelemetry.metrics import Observation

        provider = start(interval_millis=100)
        meter = provider.get_meter("m")
        requests = meter.create_counter("requests")
        duration = meter.create_histogram("duration")
        meter.create_observable_gauge("worker", [lambda _: [Observation(number)]])
        number = 0
        requests.add(1000)
        provider.force_flush()
        children = []
        for number in range(1, 5):
            child = os.fork()
            if child == 0:
                for _ in range(number * 100):
                    requests.add(1)
                    duration.record(number)
                provider.shutdown()
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        number = 0
        provider.shutdown()
        """
    )
    told = points(collector)
    assert len(told) == 5
    last = {instance: {point["name"]: point for point in own} for instance, own in told.items()}
    found = {}
    for own in last.values():
        worker = int(own["worker"]["as_int"])
        found[worker] = (
            int(own["requests"]["as_int"]),
            int(own["duration"]["count"]) if "duration" in own else 0,
        )
    assert found == {0: (1000, 0)} | {n: (n * 100, n * 100) for n in range(1, 5)}


def test_forks_while_threads_measure_and_collect_hang_nobody(run: Run) -> None:
    # With threads at work only Python's own fork leaves a child whose interpreter can go on.
    run(
        """
        import os, threading
        from metering import *
        from opentelemetry.metrics import Observation
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        reader = InMemoryMetricReader()
        provider = start(interval_millis=3_600_000, readers=[reader])
        meter = provider.get_meter("m")
        counter = meter.create_counter("c")
        meter.create_observable_gauge("g", [lambda _: [Observation(1)]])
        is_over = threading.Event()

        def measure():
            turn = 0
            while not is_over.is_set():
                turn += 1
                counter.add(1, {"turn": turn % 500})
                meter.create_counter(f"c{turn % 50}").add(1)

        def collect():
            while not is_over.is_set():
                reader.get_metrics_data()

        threads = [threading.Thread(target=target) for target in (measure, measure, collect)]
        for thread in threads:
            thread.start()
        for _ in range(25):
            child = os.fork()
            if child == 0:
                counter.add(7, {"turn": 3})
                meter.create_counter("new").add(1)
                data = reader.get_metrics_data()
                metrics = data.resource_metrics[0].scope_metrics[0].metrics
                values = {m.name: [p.value for p in m.data.data_points] for m in metrics}
                os._exit(0 if values == {"c": [7], "new": [1], "g": [1]} else 1)
            assert os.waitpid(child, 0)[1] == 0
        is_over.set()
        for thread in threads:
            thread.join()
        os._exit(0)
        """,
        timeout=60,
    )


def test_a_child_of_multiprocessing_tells_what_it_measured(run: Run, collector: Any) -> None:
    run(
        """
        import multiprocessing
        from metering import *

        provider = start()
        counter = provider.get_meter("m").create_counter("c")

        def work(amount):
            counter.add(amount)

        context = multiprocessing.get_context("fork")
        children = [context.Process(target=work, args=(amount,)) for amount in (1, 2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
        counter.add(4)
        """
    )
    values = sorted(int(point["as_int"]) for own in points(collector).values() for point in own)
    assert values == [1, 2, 4]


@pytest.mark.parametrize(
    "end", ["provider.force_flush(); os._exit(0)", "signal.raise_signal(15); time.sleep(30)"]
)
def test_a_resource_that_is_assigned_after_a_fork_is_the_childs(
    end: str, run: Run, collector: Any
) -> None:
    """logfire does so."""
    run(
        f"""
        import os, signal, time
        from metering import *
        from opentelemetry.sdk.resources import Resource

        provider = start()

        def assign():
            now = provider._sdk_config.resource
            provider._sdk_config.resource = now.merge(Resource({{"own": "child"}}))

        os.register_at_fork(after_in_child=assign)
        counter = provider.get_meter("m").create_counter("c")
        counter.add(1)
        child = os.fork()
        if child == 0:
            counter.add(2)
            {end}
        os.waitpid(child, 0)
        """
    )
    told = {}
    for request in collector.requests():
        for resource in request.decoded["resource_metrics"]:
            own = [a["value"] for a in resource["resource"]["attributes"] if a["key"] == "own"]
            [metric] = resource["scope_metrics"][0]["metrics"]
            told[int(metric["sum"]["data_points"][0]["as_int"])] = own
    assert told == {2: [{"string_value": "child"}], 1: []}


def test_no_increment_is_told_twice_or_lost(run: Run, collector: Any) -> None:
    run(
        """
        import os, threading
        from metering import *
        from opentelemetry.sdk.metrics import Counter
        from opentelemetry.sdk.metrics.export import AggregationTemporality

        delta = {Counter: AggregationTemporality.DELTA}
        reader = PeriodicExportingMetricReader(
            exporter(preferred_temporality=delta), export_interval_millis=20
        )
        provider = MeterProvider([reader])
        counter = provider.get_meter("m").create_counter("c")

        def measure():
            for turn in range(20_000):
                counter.add(1, {"turn": turn % 7})

        threads = [threading.Thread(target=measure) for _ in range(2)]
        for thread in threads:
            thread.start()
        children = []
        for _ in range(4):
            child = os.fork()
            if child == 0:
                for _ in range(1000):
                    counter.add(1, {"child": True})
                provider.shutdown()
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        for thread in threads:
            thread.join()
        provider.shutdown()
        """
    )
    told = points(collector)
    assert len(told) == 5
    totals = sorted(sum(int(point["as_int"]) for point in own) for own in told.values())
    assert totals == [1000, 1000, 1000, 1000, 40_000]
