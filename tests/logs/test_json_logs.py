"""JSON log lines: `oxitel.logs.JSONFormatter` and the one call that sets it up."""

from __future__ import annotations

import copy
import dataclasses
import enum
import io
import json
import logging
import logging.config
import logging.handlers
import math
import pickle
import queue
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from oxitel.logs import JSONFormatter, configure_json, json_formatter

tracer = TracerProvider().get_tracer("tests")


def made(message: Any = "Hello", *args: Any, **options: Any) -> logging.LogRecord:
    """A record as `Logger.makeRecord` makes it."""
    extra = options.pop("extra", None)
    return logging.getLogger("app.orders").makeRecord(
        "app.orders",
        options.pop("level", logging.INFO),
        "/srv/app/orders.py",
        42,
        message,
        args,
        options.pop("exc_info", None),
        "place_order",
        extra,
        options.pop("sinfo", None),
    )


def read(record: logging.LogRecord, **options: Any) -> dict[str, Any]:
    """The fields of `record`, each of which has one value."""
    line = JSONFormatter(**options).format(record)
    assert len(line.splitlines()) == 1
    assert line.isascii()

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    fields = json.loads(line, object_pairs_hook=unique, parse_constant=refuse)
    assert isinstance(fields, dict)
    return fields


@pytest.fixture
def logging_state() -> Iterator[None]:
    """Puts root logger and record factory back as they were."""
    root = logging.getLogger()
    handlers, level, factory = root.handlers[:], root.level, logging.getLogRecordFactory()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(factory)


class Broken:
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class WrongText:
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


@dataclasses.dataclass
class Point:
    x: int


class Colour(enum.Enum):
    RED = 1


class Size(enum.IntEnum):
    LARGE = 3


class Name(str, enum.Enum):
    ANN = "ann"


# What a record says


def test_a_record_has_the_fields_that_one_looks_for() -> None:
    record = made("Order %s of %d", "o-1", 3, extra={"user_id": "12345", "items": [1, 2]})
    record.created = 1736937045.123
    assert read(record) == {
        "timestamp": "2025-01-15T10:30:45.123000Z",
        "level": "INFO",
        "message": "Order o-1 of 3",
        "logger": "app.orders",
        "function": "place_order",
        "line": 42,
        "user_id": "12345",
        "items": [1, 2],
    }


def test_a_record_under_a_span_has_its_ids() -> None:
    with tracer.start_as_current_span("order") as span:
        fields = read(made())
    context = span.get_span_context()
    assert fields["trace_id"] == trace.format_trace_id(context.trace_id)
    assert fields["span_id"] == trace.format_span_id(context.span_id)


def test_spans_of_any_making_have_ids() -> None:
    context = trace.SpanContext(0xAB, 0xCD, is_remote=True)
    with trace.use_span(trace.NonRecordingSpan(context)):
        fields = read(made())
    assert (fields["trace_id"], fields["span_id"]) == (f"{0xAB:032x}", f"{0xCD:016x}")
    unsampled = TracerProvider(sampler=ALWAYS_OFF).get_tracer("tests")
    with unsampled.start_as_current_span("order") as span:
        fields = read(made())
    assert fields["span_id"] == trace.format_span_id(span.get_span_context().span_id)


@pytest.mark.parametrize(
    "span", [trace.INVALID_SPAN, trace.NonRecordingSpan(trace.SpanContext(0, 7, False))]
)
def test_a_span_without_valid_ids_gives_none(span: trace.Span) -> None:
    with trace.use_span(span):
        fields = read(made())
    assert "trace_id" not in fields
    assert "span_id" not in fields


def test_ids_that_the_official_instrumentor_has_set_are_the_truth() -> None:
    record = made(
        extra={"otelTraceID": "a" * 32, "otelSpanID": "b" * 16, "otelServiceName": "shop"}
    )
    without = made(extra={"otelTraceID": "0", "otelSpanID": "0", "otelServiceName": ""})
    with tracer.start_as_current_span("another"):
        fields = read(record)
        assert "trace_id" not in read(without)
    assert (fields["trace_id"], fields["span_id"]) == ("a" * 32, "b" * 16)
    assert fields["service_name"] == "shop"


def test_an_exception_is_told_in_fields() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise json.JSONDecodeError("bad", "{", 1) from error
    except ValueError:
        info = sys.exc_info()
    fields = read(made("Failed", exc_info=info))
    assert fields["exception"]["type"] == "json.decoder.JSONDecodeError"
    assert fields["exception"]["message"] == str(info[1])
    assert fields["exception"]["stacktrace"].strip() == logging.Formatter().formatException(info)


def test_an_exception_that_cannot_say_what_it_is_is_told_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    error = Mute()
    fields = read(made(exc_info=(Mute, error, None)))
    assert fields["exception"]["message"] == "<unprintable Mute object>"
    assert "Mute" in fields["exception"]["type"]


@pytest.mark.parametrize("info", [(None, None, None), (), True, "text"])
def test_no_exception_is_no_field(info: Any) -> None:
    assert "exception" not in read(made(exc_info=info))


def test_a_traceback_that_somebody_else_has_formatted_is_kept() -> None:
    record = made(extra={"shop": 1})
    record.exc_text = "Traceback …"
    assert read(record)["exception"] == {"stacktrace": "Traceback …"}


def test_stack_info_is_a_field() -> None:
    assert read(made(sinfo="Stack (most recent call last):"))["stack_info"].startswith("Stack")


def test_the_service_is_the_argument_or_the_resource_or_the_environment(
    run_program: Any,
) -> None:
    program = """
import json, logging
from opentelemetry import trace, _logs
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from oxitel.logs import JSONFormatter
def names():
    record = logging.LogRecord("a", 20, "a.py", 1, "text", (), None)
    for formatter in (JSONFormatter(service_name="given"), JSONFormatter()):
        print(json.loads(formatter.format(record)).get("service_name"))
names()
trace.set_tracer_provider(TracerProvider(resource=Resource({"service.name": "of the provider"})))
names()
"""
    for environment, before in (
        ({}, "None"),
        ({"OTEL_SERVICE_NAME": "named"}, "named"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name=my%20shop"}, "my shop"),
    ):
        result = run_program(program, env=environment, check=True)
        assert result.stdout.split("\n")[:4] == ["given", before, "given", "of the provider"]


def test_a_service_without_a_name_is_no_field(run_program: Any) -> None:
    program = """
import json, logging
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from oxitel.logs import JSONFormatter
trace.set_tracer_provider(TracerProvider())
print("service_name" in JSONFormatter().format(logging.LogRecord("a", 20, "a.py", 1, "", (), None)))
"""
    assert run_program(program, check=True).stdout == "False\n"


# The tutorial's fields


class Simple(logging.Formatter):
    """The same fields, the way one writes them by hand."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": datetime.fromtimestamp(record.created, timezone.utc)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "function": record.funcName,
            "line": record.lineno,
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            fields["trace_id"] = trace.format_trace_id(context.trace_id)
            fields["span_id"] = trace.format_span_id(context.span_id)
        fields.update(getattr(record, "extra_fields", {}))
        return json.dumps(fields)


_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(
    message=st.text(st.characters(exclude_categories=["Cs"])),
    created=st.floats(0, 4e9),
    extra=st.dictionaries(st.text("xyz", min_size=1), _PLAIN, max_size=4),
)
def test_what_json_can_write_is_written_as_json_writes_it(
    message: str, created: float, extra: dict[str, Any]
) -> None:
    record = made(message, extra={"extra_fields": extra})
    record.created = created
    with tracer.start_as_current_span("order"):
        expected = json.loads(Simple().format(record))
        # Python rounds a time by its own road; the two may differ in the last microsecond.
        ours = read(record)
    assert abs(_seconds(ours.pop("timestamp")) - _seconds(expected.pop("timestamp"))) < 2e-6
    assert ours == expected
    assert list(ours) == list(expected)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# Nothing raises


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (b"caf\xc3\xa9 \xff", "café \\xff"),
        (bytearray(b"ab"), "ab"),
        ("a\udc80b", "a\\udc80b"),
        ("line\nbreak\u2028\x85", "line\nbreak\u2028\x85"),
        (2**70, 2**70),
        (-(2**63), -(2**63)),
        (2**64 - 1, 2**64 - 1),
        (datetime(2025, 1, 15, 10, 30), "2025-01-15T10:30:00"),
        (date(2025, 1, 15), "2025-01-15"),
        (Decimal("1.10"), "1.10"),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        (Colour.RED, "Colour.RED"),
        (Size.LARGE, 3),
        (Name.ANN, "ann"),
        (Point(1), repr(Point(1))),
        (numpy.float64(1.5), 1.5),
        (numpy.float32(0.5), 0.5),
        (numpy.int64(7), 7),
        (numpy.bool_(True), True),
        (numpy.str_("text"), "text"),
        (numpy.datetime64("2025-01-15"), "2025-01-15"),
        (numpy.float32("nan"), "NaN"),
        (numpy.array([1, 2]), "[1 2]"),
        (Broken(), "<unprintable Broken object>"),
        (WrongText(), "<unprintable WrongText object>"),
        (Path("/srv"), "/srv"),
        ({1: "c", None: "b", (1, 2): "d", 1.5: "e", Size.LARGE: "f"}, None),
        ((1, (2, [3])), [1, [2, [3]]]),
        (range(2), "range(0, 2)"),
        ({"a": Broken()}, {"a": "<unprintable Broken object>"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_all_kinds_are_written(value: Any, written: Any) -> None:
    if isinstance(value, dict) and written is None:
        written = {"1": "c", "null": "b", "(1, 2)": "d", "1.5": "e", "3": "f"}
    assert read(made(extra={"value": value}))["value"] == written
    read(made(value))
    read(made("%s", value))


def test_integers_beyond_what_the_interpreter_converts_are_hexadecimal() -> None:
    number = 10**5000
    limited = hasattr(sys, "get_int_max_str_digits")
    assert read(made(extra={"value": number}))["value"] == (f"{number:#x}" if limited else number)


def test_what_contains_itself_ends() -> None:
    items: list[Any] = [1]
    items.append(items)
    mapping: dict[str, Any] = {}
    mapping["self"] = mapping
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    fields = read(made(extra={"items": items, "mapping": mapping, "deep": deep}))
    assert fields["items"] == [1, "…"]
    assert fields["mapping"] == {"self": "…"}
    while deep:  # Dropped bit by bit: the interpreter's own recursion has an end, too.
        deep = deep[0]


def test_a_few_lists_that_mean_more_text_than_memory_are_cut() -> None:
    value: Any = ["text"] * 10
    for _ in range(20):
        value = [value] * 10
    line = JSONFormatter().format(made(extra={"value": value}))
    assert len(line) < 40_000_000
    json.loads(line)


def test_a_very_long_message_is_written_whole() -> None:
    message = "é\n" * 1_000_000
    assert read(made(message))["message"] == message


def test_arguments_that_do_not_fit_are_written_beside_the_message() -> None:
    fields = read(made("Order %d of %d", "first", Broken()))
    assert fields["message"] == "Order %d of %d"
    assert fields["message_args"] == ["first", "<unprintable Broken object>"]
    assert fields["message_error"].startswith("TypeError: ")
    # A mapping as the only argument is what the names in the message refer to.
    assert read(made("%(a)s", {"a": 1}))["message"] == "1"
    assert read(made("%(b)s", {"a": 1}))["message_args"] == {"a": 1}
    assert read(made("100%"))["message"] == "100%"


def test_an_argument_without_a_text_does_not_lose_the_message() -> None:
    fields = read(made("Order %s", Broken()))
    assert fields["message"] == "Order %s"
    assert fields["message_error"] == "ValueError: no text"


@pytest.mark.parametrize(
    "name",
    [
        "timestamp",
        "level",
        "logger",
        "function",
        "line",
        "message_error",
        "message_args",
        "trace_id",
        "span_id",
        "service_name",
        "exception",
        "stack_info",
    ],
)
def test_an_extra_field_does_not_take_the_place_of_a_fixed_one(name: str) -> None:
    given = {name: "mine", "extra_" + name: "also mine"}
    info = (ValueError, ValueError("text"), None)
    with tracer.start_as_current_span("order"):
        record = made(
            "%d", "x", exc_info=info, sinfo="Stack", extra={"extra_fields": given, "n": 1}
        )
        plain = read(made("%d", "x", exc_info=info, sinfo="Stack"), service_name="shop")
        fields = read(record, service_name="shop")
    assert {"mine", "also mine"} <= {value for value in fields.values() if isinstance(value, str)}
    assert {key: fields[key] for key in plain if key != "timestamp"} == {
        key: plain[key] for key in plain if key != "timestamp"
    }


def test_a_field_that_is_absent_leaves_its_name_to_extra() -> None:
    assert read(made(extra={"trace_id": "mine"}))["trace_id"] == "mine"


def test_dicts_of_extra_fields_are_merged_with_what_is_beside_them() -> None:
    fields = read(made(extra={"extra_fields": {"a": 1, 2: 2}, "extra": {"a": 3}, "b": 4}))
    assert (fields["a"], fields["2"], fields["extra_a"], fields["b"]) == (1, 2, 3, 4)
    assert read(made(extra={"extra": "text"}))["extra"] == "text"


class Overriding(logging.LogRecord):
    def getMessage(self) -> str:
        return "my own"


def test_records_of_any_shape_are_written() -> None:
    assert read(Overriding("a", 20, "a.py", 1, "text", (), None))["message"] == "my own"
    assert read(logging.makeLogRecord({}))["message"] == ""
    odd = logging.makeLogRecord({"created": "x", "levelname": 5, "name": None, "args": 7})
    assert read(odd)["level"] == 5
    odd.__dict__[5] = odd.__dict__["é"] = 1  # type: ignore[index]
    assert read(odd)["5"] == 1
    for nothing in (object(), None, 5):
        assert "message" in read(nothing)  # type: ignore[arg-type]


def test_what_ends_the_program_is_not_held_up() -> None:
    class Interrupting:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        JSONFormatter().format(made(extra={"value": Interrupting()}))


_ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(categories=["Cs", "Cc", "Zl", "Zp"]))
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.complex_numbers()
    | st.builds(Broken)
    | st.builds(WrongText)
    | st.builds(object)
    | st.sampled_from([Colour.RED, Size.LARGE, Name.ANN, Point])
    | st.builds(numpy.float32, st.floats(width=32)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.text() | st.integers() | st.none() | st.floats() | st.uuids(), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(
    message=_ODD,
    args=st.lists(_ODD, max_size=3),
    extra=st.dictionaries(
        st.text(min_size=1) | st.sampled_from(["trace_id", "level", "extra_fields", "line"]),
        _ODD,
        max_size=6,
    ),
    ensure_ascii=st.booleans(),
)
def test_any_record_is_one_line_of_json(
    message: Any, args: list[Any], extra: dict[str, Any], ensure_ascii: bool
) -> None:
    record = made(message, *args)
    record.__dict__.update({key: extra[key] for key in extra if key not in record.__dict__})
    line = JSONFormatter(ensure_ascii=ensure_ascii).format(record)
    assert len(line.splitlines()) == 1
    assert isinstance(json.loads(line, parse_constant=lambda _: pytest.fail("no JSON")), dict)
    line.encode("ascii" if ensure_ascii else "utf-8")


def test_other_characters_are_written_as_they_are_if_one_wants() -> None:
    line = JSONFormatter(ensure_ascii=False).format(made("Grüße 🙂"))
    assert '"message":"Grüße 🙂"' in line


def test_a_text_that_logs_while_it_is_formatted_does_not_recurse_for_ever(
    logging_state: None,
) -> None:
    stream = io.StringIO()
    configure_json(stream=stream, force=True)

    class Logging:
        def __str__(self) -> str:
            logging.getLogger("app").info("inside", extra={"value": self})
            return "text"

    logging.getLogger("app").info("outside", extra={"value": Logging()})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[-1]["message"] == "outside"
    assert lines[-1]["value"] == "text"
    assert 2 <= len(lines) <= 10


# Set up


def test_one_call_sets_everything_up(logging_state: None) -> None:
    stream = io.StringIO()
    handler = configure_json("WARNING", stream, "shop", force=True)
    assert logging.getLogger().handlers == [handler]
    logging.getLogger("app").info("not this")
    with tracer.start_as_current_span("order") as span:
        logging.getLogger("app").warning("this")
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert fields["message"] == "this"
    assert fields["service_name"] == "shop"
    assert fields["function"] == "test_one_call_sets_everything_up"
    assert fields["span_id"] == trace.format_span_id(span.get_span_context().span_id)


def test_a_second_call_changes_the_settings_of_the_first(logging_state: None) -> None:
    first, second = io.StringIO(), io.StringIO()
    handler = configure_json(stream=first, force=True)
    factory = logging.getLogRecordFactory()
    assert configure_json(logging.DEBUG, second, "shop") is handler
    assert logging.getLogger().handlers.count(handler) == 1
    assert logging.getLogRecordFactory() is factory
    logging.getLogger("app").debug("text")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["service_name"] == "shop"


def test_other_handlers_stay_unless_one_forces(logging_state: None) -> None:
    other = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(other)
    configure_json(stream=io.StringIO())
    assert other in logging.getLogger().handlers
    configure_json(force=True)
    assert other not in logging.getLogger().handlers


def test_a_level_that_does_not_exist_is_said(logging_state: None) -> None:
    stream = io.StringIO()
    configure_json("LOUD", stream, force=True)
    assert "'LOUD' is not a level of logging, INFO is used" in stream.getvalue()
    assert logging.getLogger().level == logging.INFO


def test_configuration_files_can_name_the_formatter(logging_state: None) -> None:
    stream = io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "by_class": {"class": "oxitel.logs.JSONFormatter", "format": "%(message)s"},
                "by_call": {"()": "oxitel.logs.JSONFormatter", "service_name": "shop"},
            },
            "handlers": {
                "one": {
                    "class": "logging.StreamHandler",
                    "formatter": "by_class",
                    "stream": stream,
                },
                "two": {"class": "logging.StreamHandler", "formatter": "by_call", "stream": stream},
            },
            "root": {"handlers": ["one", "two"], "level": "INFO"},
        }
    )
    logging.getLogger("app").info("text")
    one, two = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "service_name" not in one
    assert two["service_name"] == "shop"


def test_a_copy_has_the_settings_of_the_original() -> None:
    formatter = JSONFormatter(service_name="shop", ensure_ascii=False)
    for other in (copy.copy(formatter), copy.deepcopy(formatter)):
        assert isinstance(other, JSONFormatter)
        line = other.format(made("é"))
        assert '"service_name":"shop"' in line and "é" in line


def test_a_subclass_can_add_fields() -> None:
    class Mine(JSONFormatter):
        def format(self, record: logging.LogRecord) -> str:
            record.region = "eu"
            return super().format(record)

    assert json.loads(Mine().format(made()))["region"] == "eu"
    assert isinstance(Mine(), logging.Formatter)


# Formatted later


def test_records_formatted_later_by_another_thread_have_their_own_ids(logging_state: None) -> None:
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stream = io.StringIO()
    handler = configure_json(stream=stream, force=True)
    logging.getLogger().handlers[:] = [logging.handlers.QueueHandler(records)]
    ids = []
    logging.getLogger("app").info("before")
    for _ in range(3):
        with tracer.start_as_current_span("order") as span:
            ids.append(trace.format_span_id(span.get_span_context().span_id))
            logging.getLogger("app").info("inside", extra={"number": len(ids)})
    with tracer.start_as_current_span("while the listener runs"):
        listener = logging.handlers.QueueListener(records, handler)
        listener.start()
        listener.stop()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("span_id") for line in lines] == [None, *ids]
    assert [line.get("number") for line in lines] == [None, 1, 2, 3]


def test_records_kept_back_have_the_ids_of_their_making(logging_state: None) -> None:
    stream = io.StringIO()
    target = configure_json(stream=stream, force=True)
    memory = logging.handlers.MemoryHandler(10, flushLevel=logging.ERROR, target=target)
    logging.getLogger().handlers[:] = [memory]
    logging.getLogger("app").info("without a span")
    with tracer.start_as_current_span("order") as span:
        logging.getLogger("app").error("with one")
    without, with_one = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "span_id" not in without
    assert with_one["span_id"] == trace.format_span_id(span.get_span_context().span_id)


def test_the_ids_are_no_field_for_others_and_survive_pickling(logging_state: None) -> None:
    plain = set(made().__dict__)
    json_formatter.remember_spans()
    with tracer.start_as_current_span("order") as span:
        record = made()
    assert set(record.__dict__) == plain
    for other in (copy.copy(record), pickle.loads(pickle.dumps(record))):
        assert read(other)["span_id"] == trace.format_span_id(span.get_span_context().span_id)


def test_a_factory_of_somebody_else_is_kept(logging_state: None) -> None:
    def factory(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = logging.LogRecord(*arguments, **options)
        record.region = "eu"
        return record

    logging.setLogRecordFactory(factory)
    json_formatter.remember_spans()
    with tracer.start_as_current_span("order") as span:
        record = made()
    without = made()
    fields = read(record)
    assert fields["region"] == "eu"
    assert fields["span_id"] == trace.format_span_id(span.get_span_context().span_id)
    assert not [name for name in fields if name.startswith("otel")]
    with tracer.start_as_current_span("another"):
        assert "span_id" not in read(without)


def test_a_factory_that_raises_raises_as_without_us(logging_state: None) -> None:
    def factory(*arguments: Any, **options: Any) -> logging.LogRecord:
        raise LookupError("mine")

    logging.setLogRecordFactory(factory)
    json_formatter.remember_spans()
    with pytest.raises(LookupError, match="mine"):
        made()


def test_many_threads_do_not_mix_their_ids(logging_state: None) -> None:
    json_formatter.remember_spans()
    formatter = JSONFormatter()
    wrong = []

    def work() -> None:
        for _ in range(300):
            with tracer.start_as_current_span("order") as span:
                fields = json.loads(formatter.format(made()))
            if fields["span_id"] != trace.format_span_id(span.get_span_context().span_id):
                wrong.append(fields)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Where the official SDK is in charge


def test_it_works_under_the_official_sdk(run_program: Any, tmp_path: Path) -> None:
    package = Path(json_formatter.__file__).resolve().parents[2]
    program = """
import io, json, logging, sys
sys.path.append(sys.argv[1])
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
assert "/oxitel/dropin/" not in sys.modules[TracerProvider.__module__].__file__
from oxitel.logs import configure_json
trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": "shop"})))
stream = io.StringIO()
configure_json(stream=stream)
with trace.get_tracer("a").start_as_current_span("order") as span:
    logging.getLogger("app").info("text")
fields = json.loads(stream.getvalue())
assert fields["trace_id"] == trace.format_trace_id(span.get_span_context().trace_id)
assert fields["service_name"] == "shop"
print("done")
"""
    result = run_program(program, "official", arguments=(str(package),), check=True)
    assert result.stdout == "done\n"


def test_importing_it_is_cheap(run_program: Any) -> None:
    program = """
import sys
import oxitel.logs
heavy = {"json", "urllib", "urllib.parse", "concurrent.futures", "asyncio", "http", "ssl",
         "socket"}
print(sorted(heavy & set(sys.modules)), [name for name in sys.modules if "etry.sdk" in name])
"""
    only_api = run_program(
        "import sys, opentelemetry.trace, opentelemetry.context, logging\n"
        'heavy = {"json", "urllib", "urllib.parse", "concurrent.futures", "asyncio", "http", "ssl",'
        ' "socket"}\n'
        "print(sorted(heavy & set(sys.modules)), [])\n",
        check=True,
    )
    assert run_program(program, check=True).stdout == only_api.stdout
