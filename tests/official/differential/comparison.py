"""Compares two outcomes whole, replacing only what has to differ between two runs.

- Ids by order of first appearance, keeping their relations; an id that both runs have was given
  by the program and stays as it is.
- Times of the run by position; afterwards their order has to agree. Times given by the program
  stay as they are.
- In stack traces, the frames of the official packages' own context managers, which are native
  here, and of the wrapper that a decorator makes.
- Process ids, random UUIDs, object addresses, waits with jitter in messages, and the name and
  version of the SDK.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from itertools import pairwise, zip_longest
from typing import Any

_ID = re.compile(r"(?<![0-9a-zA-Z])(0x)?([0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-zA-Z])")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ADDRESS = re.compile(r"0x[0-9a-f]{9,12}(?![0-9a-f])")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_WAIT = re.compile(r"(?<=retrying in )\d+\.\d\ds")
_OWN_FRAME = re.compile(
    r'(?m)^([ |]*)File "(?:<environment>/[^"\n]*/opentelemetry/[^"\n]*", line \d+, in \w+'
    r'|[^"\n]*/contextlib.py", line \d+, in inner'
    r'|[^"\n]*/oxitel/trace/decorator.py", line \d+, in call'
    r'|[^"\n]*/oxitel/trace/borrowed.py", line \d+, in start_as_current_span)\n'
    r"(?:\1  .*\n)*"
)
_HOUR_NANOS = 3600 * 10**9

Path = str
DiffList = list[tuple[Path, Any, Any]]
MISSING = "<missing>"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def ids_in(outcome: Any) -> set[str]:
    """All trace and span ids of an outcome, in any notation."""
    return {match[2] for text in _texts(outcome) for match in _ID.finditer(text)}


class Normaliser:
    """Makes one outcome comparable; `times` are the run's own times by position."""

    def __init__(self, given_ids: set[str], now_nanos: int) -> None:
        self._given_ids = given_ids
        self._now_nanos = now_nanos
        self._names: dict[str, str] = {}
        self.times: list[int] = []

    def value(self, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            if abs(value - self._now_nanos) < _HOUR_NANOS:
                self.times.append(value)
                return "<time>"
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            if set(value) == {"key", "value"}:
                return self._attribute(value)
            return {self._text(key): self.value(inner) for key, inner in value.items()}
        return value

    def _attribute(self, pair: dict[str, Any]) -> dict[str, Any]:
        if pair["key"] in ("process.pid", "process.parent_pid"):
            return {"key": pair["key"], "value": dict.fromkeys(pair["value"], "<pid>")}
        if pair["key"] in ("telemetry.sdk.name", "telemetry.sdk.version"):
            return {"key": pair["key"], "value": dict.fromkeys(pair["value"], "<sdk>")}
        return {"key": self._text(pair["key"]), "value": self.value(pair["value"])}

    def _text(self, text: str) -> str:
        text = _OWN_FRAME.sub("", text)
        text = _UUID.sub("<uuid>", text)
        text = _WAIT.sub("<wait>", text)
        text = _ID.sub(self._id, text)
        text = _ISO.sub(self._iso, text)
        return _ADDRESS.sub("<address>", text)

    def _id(self, match: re.Match[str]) -> str:
        digits = match[2]
        if digits in self._given_ids or not digits.strip("0"):
            return match[0]
        kind = "trace" if len(digits) == 32 else "span"
        name = self._names.setdefault(digits, f"<{kind} {len(self._names)}>")
        return (match[1] or "") + name

    def _iso(self, match: re.Match[str]) -> str:
        from datetime import datetime, timezone

        moment = datetime.strptime(match[0], "%Y-%m-%dT%H:%M:%S.%fZ")
        nanos = moment.replace(tzinfo=timezone.utc).timestamp() * 1e9
        return "<time>" if abs(nanos - self._now_nanos) < _HOUR_NANOS else match[0]


def differences(expected: dict[str, Any], got: dict[str, Any]) -> DiffList:
    """Where the candidate's outcome differs: (path, expected, got).

    `unix_nanos` of an outcome, the time of its run, tells which times are the run's own.
    """
    expected, got = dict(expected), dict(got)
    given_ids = ids_in(expected) & ids_in(got)
    first = Normaliser(given_ids, expected.pop("unix_nanos"))
    second = Normaliser(given_ids, got.pop("unix_nanos"))
    found: DiffList = []
    # Observations come first in both, so that ids are named in the same order.
    wanted_requests, had_requests = expected.pop("requests", []), got.pop("requests", [])
    wanted, had = first.value(expected), second.value(got)
    _compare_logs(wanted.pop("logs", []), had.pop("logs", []), found)
    _walk("", wanted, had, found)
    if not found:
        found.extend(_disorder(first.times, second.times))
    pairs = zip_longest(wanted_requests, had_requests, fillvalue=MISSING)
    for index, (wanted, had) in enumerate(pairs):
        first.times, second.times = [], []
        before = len(found)
        _walk(f"requests[{index}]", first.value(wanted), second.value(had), found)
        if len(found) == before:
            # Two requests come from two sides of a connection, whose ends race.
            found.extend(_disorder(first.times, second.times))
    return found


def _walk(path: Path, expected: Any, got: Any, found: DiffList) -> None:
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *(key for key in got if key not in expected)]:
            _walk(f"{path}.{key}", expected.get(key, MISSING), got.get(key, MISSING), found)
    elif isinstance(expected, list) and isinstance(got, list):
        for index in range(max(len(expected), len(got))):
            _walk(
                f"{path}[{index}]",
                expected[index] if index < len(expected) else MISSING,
                got[index] if index < len(got) else MISSING,
                found,
            )
    elif type(expected) is not type(got) or expected != got:
        found.append((path.lstrip("."), expected, got))


# Ours says these once for a place of the program.
_SAID_ONCE = re.compile("Invalid type|invalid attribute key|ended span|Baggage|baggage")


def _each_once(records: list[Any]) -> list[Any]:
    return [
        record
        for number, record in enumerate(records)
        if record not in records[:number] or not _SAID_ONCE.search(str(record["message"]))
    ]


def _compare_logs(expected: list[Any], got: list[Any], found: DiffList) -> None:
    """Log records are compared whole; one that is missing does not shift the others."""
    expected, got = _each_once(expected), _each_once(got)
    texts = [[json.dumps(record, sort_keys=True) for record in side] for side in (expected, got)]
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            found.extend(("logs", record, MISSING) for record in expected[i1:i2])
            found.extend(("logs", MISSING, record) for record in got[j1:j2])


def _disorder(expected: list[int], got: list[int]) -> DiffList:
    """Times at the same positions have to be in the same order; equal ones may be apart."""
    order = sorted(range(len(expected)), key=lambda index: expected[index])
    for earlier, later in pairwise(order):
        if expected[earlier] < expected[later] and got[earlier] > got[later]:
            return [(f"order of times {earlier} and {later}", "<", ">")]
    return []
