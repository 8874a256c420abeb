"""What the fixture `telemetry` is: what was recorded, finders, waiting, and assertions."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .capture import Capture
from .forest import duration, structure, waterfall
from .records import LogRecord, Metric, Span, severity_number

_POLL_SECONDS = 0.02
_UNITS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9}
# Where the text of a statement is, and the operation where there is no text.
_CALLS = ("db.query.text", "db.statement", "db.operation.name")


class Telemetry:
    """What the program recorded since the test began, in every thread and, as far as it has
    arrived, in child processes. Names may have `*` for any characters."""

    def __init__(self, capture: Capture, test: Path, updates: bool) -> None:
        self._capture = capture
        self._test = test
        self._updates = updates

    @property
    def spans(self) -> list[Span]:
        """The spans that have ended, by their start."""
        return self._capture.spans()

    @property
    def logs(self) -> list[LogRecord]:
        """The log records, by time. Those of `logging`, too; the root logger's level decides."""
        return self._capture.logs()

    @property
    def metrics(self) -> list[Metric]:
        """What was measured during the test, one for each set of attributes: counters and
        histograms begin at zero with the test."""
        return self._capture.metrics()

    @property
    def address(self) -> str | None:
        """Where child processes send to over OTLP/HTTP and gRPC; they are told by
        OTEL_EXPORTER_OTLP_ENDPOINT."""
        return self._capture.address

    def tree(self) -> str:
        """The spans and log records drawn as a waterfall."""
        return waterfall(self.spans, self.logs)

    # Finding.

    def find(
        self,
        name: str | None = None,
        *,
        service: str | None = None,
        kind: str | None = None,
        status: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> list[Span]:
        """The spans that have all of what is given; `...` stands for whatever value."""
        return [
            span
            for span in self.spans
            if _fits(span.name, name)
            and _fits(span.service, service)
            and kind in (None, span.kind)
            and status in (None, span.status)
            and _has(span.attributes, attributes)
        ]

    def one(self, name: str | None = None, **filters: Any) -> Span:
        """The only span that `find` finds. Raises AssertionError if there is none, or more."""
        __tracebackhide__ = True
        found = self.find(name, **filters)
        if len(found) != 1:
            wanted = _told(name, filters)
            raise AssertionError(f"{_count(found, wanted)}, not one; {self._there_is()}")
        return found[0]

    def find_logs(
        self,
        severity: str | None = None,
        body: str | None = None,
        *,
        attributes: Mapping[str, Any] | None = None,
    ) -> list[LogRecord]:
        """The log records of this severity or a worse one (`warn`, `WARNING`, …) whose body, as
        text, fits. Raises ValueError for a word that is no severity."""
        least = 0 if severity is None else severity_number(severity)
        return [
            record
            for record in self.logs
            if record.severity_number >= least
            and _fits(str(record.body), body)
            and _has(record.attributes, attributes)
        ]

    def find_metrics(
        self, name: str | None = None, *, attributes: Mapping[str, Any] | None = None
    ) -> list[Metric]:
        """The metrics of this name that have all of these attributes."""
        return [
            metric
            for metric in self.metrics
            if _fits(metric.name, name) and _has(metric.attributes, attributes)
        ]

    def wait_for(
        self,
        wanted: str | Callable[[Telemetry], Any],
        *,
        count: int = 1,
        timeout: float = 5.0,
        **filters: Any,
    ) -> Any:
        """Wait until `count` spans are there that `find` finds, and return them; or, for a function
        of this object, until it returns something true, and return that.

        Raises AssertionError after `timeout` seconds.
        """
        __tracebackhide__ = True
        deadline = time.monotonic() + timeout
        while True:
            if callable(wanted):
                found: Any = wanted(self)
                is_there = bool(found)
            else:
                found = self.find(wanted, **filters)
                is_there = len(found) >= count
            if is_there:
                return found
            if time.monotonic() >= deadline:
                told = "what was waited for did not come"
                if not callable(wanted):
                    told = f"{_count(found, _told(wanted, filters))}, not {count}"
                raise AssertionError(f"{told}, after {timeout} s; {self._there_is()}")
            time.sleep(_POLL_SECONDS)

    # Asserting.

    def assert_span(self, name: str | None = None, **filters: Any) -> Span:
        """The first span that `find` finds. Raises AssertionError if there is none."""
        __tracebackhide__ = True
        found = self.find(name, **filters)
        if not found:
            raise AssertionError(f"no {_told(name, filters)}; {self._there_is()}")
        return found[0]

    def assert_no_errors(self) -> None:
        """Raises AssertionError if a span has the status error, or a log record says so."""
        __tracebackhide__ = True
        failed = self._errors(())
        if failed:
            raise AssertionError("errors: " + "; ".join(failed))

    def assert_healthy(
        self, *, allowed_errors: str | Sequence[str] = (), remote_parents: bool = False
    ) -> None:
        """Raises AssertionError if a span or a log record is an error, other than those whose name
        or body fits one of `allowed_errors`; if a span that began during the test has not ended; or
        if one names a parent of another process that never came, unless `remote_parents` says that
        this is so on purpose, as where the test sends a `traceparent` of its own."""
        __tracebackhide__ = True
        allowed = (allowed_errors,) if isinstance(allowed_errors, str) else allowed_errors
        faults = [f"failed: {text}" for text in self._errors(allowed)]
        faults += [f"not ended: {name}" for name in self._capture.open_spans()]
        if not remote_parents:
            faults += [
                f"without its parent: {span.name} (parent {span.parent_span_id} never came)"
                for span in self._capture.orphans()
            ]
        if faults:
            more = [f"… {len(faults) - 20} more"] if len(faults) > 20 else []
            raise AssertionError("not healthy:" + "".join(f"\n  {it}" for it in faults[:20] + more))

    def assert_spans(self, *, at_most: int) -> None:
        """Raises AssertionError if there are more spans than `at_most`, and says of which names."""
        __tracebackhide__ = True
        names = Counter(span.name for span in self.spans)
        if names.total() > at_most:
            listed = "".join(f"\n  {times}× {name}" for name, times in names.most_common(10))
            raise AssertionError(f"{names.total()} spans, at most {at_most}:{listed}")

    def _errors(self, allowed: Sequence[str]) -> list[str]:
        def is_allowed(text: str) -> bool:
            return any(_fits(text, pattern) for pattern in allowed)

        found = [
            f"{span.name}: {span.exception or span.status_message or 'error'}"
            for span in self.spans
            if span.is_error and not is_allowed(span.name)
        ]
        found += [
            f"{record.severity}: {record.body}"
            for record in self.find_logs("error")
            if not is_allowed(str(record.body))
        ]
        return found

    def assert_calls(
        self,
        pattern: str,
        *,
        at_most: int | None = None,
        at_least: int | None = None,
        exactly: int | None = None,
    ) -> list[Span]:
        """The client spans whose statement (`db.query.text`, `db.statement`), operation or name
        fits `pattern`, whatever the case: `assert_calls("SELECT*", at_most=3)`.

        Raises AssertionError if there are more or fewer than allowed; without a limit, if there are
        none.
        """
        __tracebackhide__ = True
        found = [span for span in self.find(kind="client") if _calls(span, pattern)]
        if exactly is not None:
            at_least = at_most = exactly
        if at_least is None and at_most is None:
            at_least = 1
        count = len(found)
        if at_most is not None and count > at_most:
            commonest = Counter(_call_text(span) for span in found).most_common(5)
            listed = "".join(f"\n  {times}× {text}" for text, times in commonest)
            raise AssertionError(f"{count} calls of {pattern!r}, at most {at_most}:{listed}")
        if at_least is not None and count < at_least:
            raise AssertionError(
                f"{count} calls of {pattern!r}, at least {at_least}; {self._there_is()}"
            )
        return found

    def assert_duration(self, name: str, at_most: str, **filters: Any) -> None:
        """Raises AssertionError if a span that `find` finds took longer, as `50ms` or `1.5s`, or if
        there is none; ValueError for what is no duration."""
        __tracebackhide__ = True
        limit = _nanos(at_most)
        self.assert_span(name, **filters)
        slow = [span for span in self.find(name, **filters) if span.duration_nanos > limit]
        if slow:
            taken = ", ".join(duration(span.duration_nanos) for span in slow[:10])
            raise AssertionError(f"{_told(name, filters)} took {taken}, at most {at_most}")

    def assert_logged(
        self,
        severity: str | None = None,
        body: str | None = None,
        *,
        attributes: Mapping[str, Any] | None = None,
    ) -> LogRecord:
        """The first log record that `find_logs` finds. Raises AssertionError if there is none."""
        __tracebackhide__ = True
        found = self.find_logs(severity, body, attributes=attributes)
        if not found:
            there = ", ".join(f"{it.severity} {str(it.body)!r}" for it in self.logs[:10])
            wanted = " ".join(repr(part) for part in (severity, body) if part is not None)
            raise AssertionError(f"no log record {wanted}; there are: {there or 'none'}")
        return found[0]

    def assert_metric(
        self,
        name: str,
        value: float | None = None,
        *,
        attributes: Mapping[str, Any] | None = None,
    ) -> float:
        """What was added up under `name` during the test, over all sets of attributes that have
        these: of histograms the sum. Raises AssertionError if there is nothing, or not `value`."""
        __tracebackhide__ = True
        found = self.find_metrics(name, attributes=attributes)
        if not found:
            names = sorted({metric.name for metric in self.metrics})
            raise AssertionError(f"no metric {name!r}; there are: {', '.join(names) or 'none'}")
        total = sum(metric.value for metric in found)
        if value is not None and total != value:
            parts = "".join(f"\n  {it.value} {dict(it.attributes)}" for it in found[:20])
            raise AssertionError(f"{name} is {total}, not {value}:{parts}")
        return total

    def matches(self, name: str, *, attributes: Sequence[str] = ()) -> None:
        """Compare the structure of the spans (names, kinds, errors, these attributes, how many are
        alike; no ids, no times, no order of siblings) with the file `NAME.txt` in the folder
        `__telemetry__` beside the test. `pytest --oxitel-update` writes it.

        Raises AssertionError with the difference, or if there is no such file; ValueError for a
        name with a folder in it.
        """
        __tracebackhide__ = True
        if not re.fullmatch(r"[\w.@+-]+", name) or name.startswith("."):
            raise ValueError(f"{name!r} is no name of a file: letters, digits, and _ . - + @")
        path = self._test.parent / "__telemetry__" / f"{name}.txt"
        found = structure(self.spans, attributes)
        if self._updates:
            path.parent.mkdir(exist_ok=True)
            partial = path.with_name(f".{name}.{os.getpid()}")
            partial.write_text(found, encoding="utf-8")
            partial.replace(path)
            return
        if not path.exists():
            raise AssertionError(f"{path} does not exist: pytest --oxitel-update writes it")
        wanted = path.read_text(encoding="utf-8")
        if wanted != found:
            lines = unified_diff(
                wanted.splitlines(), found.splitlines(), str(path), "this test", lineterm=""
            )
            raise AssertionError("the structure is another one:\n" + "\n".join(lines))

    def _there_is(self) -> str:
        return "; ".join([self._named(), *self._capture.troubles])

    def _named(self) -> str:
        names = sorted({span.name for span in self.spans})
        if names:
            more = f" and {len(names) - 15} more" if len(names) > 15 else ""
            return f"there are: {', '.join(names[:15])}{more}"
        providers = ", ".join(self._capture.providers()) or "none"
        if "NoOp" in providers:
            providers += " (records nothing; is OTEL_SDK_DISABLED set?)"
        return f"no span was recorded; providers: {providers}"


def _fits(text: str, pattern: str | None) -> bool:
    return pattern is None or text == pattern or fnmatchcase(text, _only_stars(pattern))


def _only_stars(pattern: str) -> str:
    """Only `*` stands for something else: brackets and question marks are common in names."""
    return re.sub(r"[\[?]", lambda found: f"[{found[0]}]", pattern)


def _has(attributes: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    return all(
        key in attributes and (value is ... or _same(attributes[key], value))
        for key, value in (wanted or {}).items()
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return list(one) == list(other)
    # A bool is an int too, and 1 is not true.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _call_text(span: Span) -> str:
    found = (span.attributes.get(key) for key in _CALLS)
    return " ".join(str(next((text for text in found if text), span.name)).split())


def _calls(span: Span, pattern: str) -> bool:
    texts = (_call_text(span), span.name)
    return any(_fits(text.lower(), pattern.lower()) for text in texts)


def _told(name: str | None, filters: Mapping[str, Any]) -> str:
    parts = [] if name is None else [repr(name)]
    parts += [f"{key}={value!r}" for key, value in filters.items()]
    return f"span {', '.join(parts)}" if parts else "span"


def _count(found: Sequence[Span], wanted: str) -> str:
    return f"{len(found)} × {wanted}"


def _nanos(text: str) -> float:
    found = re.fullmatch(r"\s*([\d.]+)\s*(ns|us|µs|ms|s|m)\s*", text)
    if found is None:
        raise ValueError(f"{text!r} is no duration, such as 50ms or 1.5s")
    return float(found[1]) * _UNITS[found[2]]
