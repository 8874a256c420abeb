"""A client of confluent-kafka that carries OTLP requests: one in each process, on its own thread.

A message is delivered when the broker has said so. What it has not said so of by the end of an
errand is taken out of the client's queue, and stays in ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any

from confluent_kafka import KafkaException

# Never the class that an instrumentation has put in its place: what carries spans makes none.
from confluent_kafka.cimpl import Producer

from oxitel import _native

from .suppression import Suppression

# How often the client is asked whether somebody still waits for it.
_STEP_SECONDS = 0.1
# How long all brokers may be away before an errand is given up for it: one that is asked by a name
# with two addresses, or that is being restarted, is away for a moment.
_PATIENCE_SECONDS = 1.0

_TOO_LARGE = ("MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_MSG_SIZE")
# Broken for whoever sends them. Of all else it is for the broker's owner to do something about it.
_REFUSED = ("INVALID_RECORD", "INVALID_MSG", "TOPIC_EXCEPTION")
# A topic that is not there may be made by the first message.
_MAY_BE_MADE = ("UNKNOWN_TOPIC_OR_PART", "LEADER_NOT_AVAILABLE")
_OF_CONNECTIONS = ("_TRANSPORT", "_RESOLVE", "_SSL", "_AUTHENTICATION", "_ALL_BROKERS_DOWN")
_SECRET = ("password", "secret", "key", "token", "username", "pem", "oauthbearer.config")
MASK = "***"


class KafkaClient:
    """Carries messages to `topic`. What librdkafka does not know of `configuration` raises
    KafkaException."""

    def __init__(self, configuration: Mapping[str, Any], topic: str) -> None:
        self._configuration = dict(configuration)
        self._topic = topic
        self._connection_problem = ""
        self._down_since: float | None = None
        self._producer: Any = self._new_producer()

    def _new_producer(self) -> Any:
        own = {"error_cb": self._note_error, "delivery.report.only.error": False}
        # It prints its log on the standard error output, unless told otherwise: what matters of it
        # comes to `error_cb`.
        return Producer({"log_level": 0, **self._configuration, **own})

    def carry(self, errand: _native.Errand) -> None:
        """Send the messages, wait for the broker's answers, and settle each message."""
        with Suppression():
            messages = errand.messages()
            if self._producer is None:
                self._producer = self._new_producer()
            if messages:
                self._send(errand, messages)
            else:
                self._ask(errand)

    def close(self) -> None:
        """Give the client back."""
        self._producer = None

    def _send(self, errand: _native.Errand, messages: list[tuple[str | None, bytes]]) -> None:
        producer = self._producer
        start = monotonic()
        waiting = set(range(len(messages)))
        for index, (key, body) in enumerate(messages):
            settled = partial(self._settle, errand, waiting, index)
            self._produce(producer, errand, key, body, settled)
        while waiting:
            seconds = errand.seconds_left()
            if seconds <= 0 or self._is_cut_off(producer, start, seconds):
                break
            producer.poll(min(seconds, _STEP_SECONDS))
        if waiting:
            if self._down_since is not None:
                for index in waiting:
                    errand.settle(index, "unconnected", self._why_unconnected())
            producer.purge(in_queue=True, in_flight=True)
            producer.poll(0)

    def _produce(
        self,
        producer: Any,
        errand: _native.Errand,
        key: str | None,
        body: bytes,
        settled: partial[None],
    ) -> None:
        while True:
            try:
                producer.produce(self._topic, body, key, on_delivery=settled)
                return
            except BufferError:
                # The client's queue is full: of messages whose answers come by and by.
                seconds = errand.seconds_left()
                if seconds <= 0:
                    return
                producer.poll(min(seconds, _STEP_SECONDS))
            except KafkaException as error:
                settled(error.args[0], None)
                return

    def _settle(
        self, errand: _native.Errand, waiting: set[int], index: int, error: Any, _message: Any
    ) -> None:
        waiting.discard(index)
        if error is None:
            self._down_since = None
            errand.settle(index, "taken", "")
            return
        name = error.name()
        if error.fatal():
            self._producer = None
        if name in _TOO_LARGE:
            outcome = "too large"
        elif name in _REFUSED:
            outcome = "refused"
        elif self._down_since is not None:
            outcome = "unconnected"
        else:
            outcome = "later"
        errand.settle(index, outcome, f"{name}: {self._shown(error.str())}")

    def _ask(self, errand: _native.Errand) -> None:
        try:
            found = self._producer.list_topics(self._topic, timeout=errand.seconds_left())
        except KafkaException as error:
            self._producer.poll(0)
            reason = self._connection_problem or error.args[0].str()
            errand.settle(0, "unconnected", self._shown(reason))
            return
        self._down_since = None
        problem = found.topics[self._topic].error if self._topic in found.topics else None
        if problem is None or problem.name() in _MAY_BE_MADE:
            errand.settle(0, "taken", "")
        else:
            errand.settle(0, "later", f"{problem.name()}: {self._shown(problem.str())}")

    def _is_cut_off(self, producer: Any, start: float, seconds: float) -> bool:
        """Whether all brokers are away, and have been for a while."""
        down_since = self._down_since
        if down_since is None or monotonic() - max(start, down_since) < _PATIENCE_SECONDS:
            return False
        try:
            # One may have come back without a word.
            producer.list_topics(self._topic, timeout=min(seconds, _PATIENCE_SECONDS))
        except KafkaException:
            return True
        self._down_since = None
        return False

    def _note_error(self, error: Any) -> None:
        """Called by the client while it is polled."""
        name = error.name()
        if name == "_ALL_BROKERS_DOWN":
            if self._down_since is None:
                self._down_since = monotonic()
        elif name in _OF_CONNECTIONS:
            self._connection_problem = error.str()

    def _why_unconnected(self) -> str:
        return self._shown(self._connection_problem or "all brokers are down")

    def _shown(self, text: str) -> str:
        return without_secrets(text, self._configuration)


def without_secrets(text: str, configuration: Mapping[str, Any]) -> str:
    """The client's text without what is secret of its configuration, and without values that it
    repeats since it cannot use them: a password may have got into the wrong place."""
    for name, value in configuration.items():
        shown = value if isinstance(value, str) else str(value)
        text = text.replace(f'"{shown}"', f'"{MASK}"')
        if shown and any(part in name for part in _SECRET):
            text = text.replace(shown, MASK)
    return text
