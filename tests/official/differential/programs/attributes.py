"""Attribute values and keys of every kind."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid

from declare import Run, program


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


class Text(str):
    pass


class Number(int):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: int


Pair = collections.namedtuple("Pair", "first second")


@program()
def scalars(run: Run) -> None:
    span = run.tracer().start_span("scalars")
    for value in (
        True,
        False,
        0,
        1,
        -1,
        2**31,
        2**53 + 1,
        0.0,
        -0.0,
        1.5,
        1e308,
        5e-324,
        "",
        "text",
    ):
        span.set_attribute(f"{type(value).__name__} {value}", value)
    for name, value in (("nan", float("nan")), ("inf", float("inf")), ("-inf", float("-inf"))):
        span.set_attribute(name, value)
    run.observe("attributes", {k: v for k, v in span.attributes.items() if k != "nan"})
    span.end()


@program()
def huge_integers(run: Run) -> None:
    span = run.tracer().start_span("huge integers")
    for power in (62, 63, 64, 65, 200):
        for sign in (1, -1):
            span.set_attribute(f"{sign} << {power}", sign << power)
    span.set_attribute("largest", 2**63 - 1)
    span.set_attribute("smallest", -(2**63))
    span.set_attribute("list", [1, 2**64, 3])
    span.set_attribute("map", {"a": 1, "b": 2**70})
    run.observe("attributes", span.attributes)
    span.end()


@program()
def huge_integer_elsewhere(run: Run) -> None:
    tracer = run.provider().get_tracer("scope", attributes={"big": 2**64, "small": 1})
    span = tracer.start_span("event")
    span.add_event("event", {"big": 2**64, "small": 1})
    span.add_link(span.get_span_context(), {"big": 2**64, "small": 1})
    span.end()


@program()
def bytes_values(run: Run) -> None:
    span = run.tracer().start_span("bytes")
    span.set_attribute("bytes", b"\x00\xff text")
    span.set_attribute("empty", b"")
    span.set_attribute("bytearray", bytearray(b"ab"))
    span.set_attribute("memoryview", memoryview(b"ab"))
    span.set_attribute("list", [b"a", b"\xff"])
    run.observe("attributes", {k: v for k, v in span.attributes.items() if k != "memoryview"})
    span.end()


@program()
def sequences(run: Run) -> None:
    span = run.tracer().start_span("sequences")
    span.set_attribute("list", ["a", "b"])
    span.set_attribute("tuple", (1, 2, 3))
    span.set_attribute("floats", [1.5, 2.5])
    span.set_attribute("bools", [True, False])
    span.set_attribute("empty", [])
    span.set_attribute("empty tuple", ())
    span.set_attribute("range", range(4))
    span.set_attribute("deque", collections.deque([1, 2]))
    span.set_attribute("named tuple", Pair(1, "b"))
    span.set_attribute("set of one", {"a"})
    span.set_attribute("frozen set of one", frozenset([1]))
    span.set_attribute("dict keys", {"a": 1}.keys())
    run.observe("attributes", span.attributes)
    span.end()


@program()
def generators_are_not_sequences(run: Run) -> None:
    span = run.tracer().start_span("iterators")
    span.set_attribute("iterator type", type(iter([])).__name__)
    numbers = (number for number in (1, 2))
    span.set_attribute("generator", numbers)
    run.observe("generator is untouched", list(numbers))
    span.end()


@program()
def mixed_sequences(run: Run) -> None:
    span = run.tracer().start_span("mixed")
    span.set_attribute("int and str", [1, "a"])
    span.set_attribute("int and bool", [1, True])
    span.set_attribute("int and float", [1, 2.5])
    span.set_attribute("with none", ["a", None, "b"])
    span.set_attribute("only none", [None, None])
    span.set_attribute("nested", [["a"], [1, [2.5, [None]]]])
    span.set_attribute("maps", [{"a": 1}, {"b": [1, "c"]}])
    span.set_attribute("objects", [decimal.Decimal("1.5"), "a"])
    run.observe("attributes", span.attributes)
    span.end()


@program()
def mappings(run: Run) -> None:
    span = run.tracer().start_span("mappings")
    span.set_attribute("plain", {"a": 1, "b": "two", "c": None, "d": 2.5, "e": True})
    span.set_attribute("nested", {"a": {"b": {"c": [1, {"d": b"e"}]}}})
    span.set_attribute("empty", {})
    span.set_attribute("ordered", collections.OrderedDict([("z", 1), ("a", 2)]))
    span.set_attribute("proxy", types.MappingProxyType({"a": 1}))
    span.set_attribute("keys", {1: "a", None: "b", "": "c", 2.5: "d", ("t",): "e"})
    run.observe("attributes", span.attributes)
    span.end()


@program()
def deep_nesting(run: Run) -> None:
    value: object = "bottom"
    for level in range(40):
        value = {"level": level, "inner": [value]}
    span = run.tracer().start_span("deep")
    span.set_attribute("deep", value)
    span.end()


@program()
def a_value_that_contains_itself(run: Run) -> None:
    value: list[object] = [1]
    value.append(value)
    span = run.tracer().start_span("cycle")
    run.attempt("set", lambda: span.set_attribute("cycle", value))
    span.set_attribute("after", 1)
    span.end()


@program()
def a_value_with_a_part_that_is_there_twice(run: Run) -> None:
    part = {"shared": [1, "two"]}
    span = run.tracer().start_span("twice")
    span.set_attribute("siblings", [part, part])
    span.set_attribute("levels", {"outer": part, "inner": {"again": part, "list": [part, [part]]}})
    run.observe("attributes", span.attributes)
    span.end()


@program()
def a_long_value(run: Run) -> None:
    span = run.tracer().start_span("long")
    span.set_attribute("numbers", list(range(10_000)))
    span.set_attribute("mapping", {str(number): [number] for number in range(3_000)})
    span.end()


@program()
def none_values(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("none", attributes={"start": None, "kept": 1})
    span.set_attribute("set", None)
    span.set_attributes({"many": None, "other": 2})
    span.add_event("event", {"none": None, "a": 1})
    run.observe("attributes", span.attributes)
    span.end()


@program()
def enumerations(run: Run) -> None:
    span = run.tracer().start_span("enumerations")
    span.set_attribute("plain", Colour.RED)
    span.set_attribute("int", Level.HIGH)
    span.set_attribute("str", Word.YES)
    span.set_attribute("list of plain", [Colour.RED])
    span.set_attribute("list of int", [Level.HIGH, 4])
    span.set_attribute("list of str", [Word.YES, "no"])
    run.observe("attributes", span.attributes)
    span.end()


@program()
def subclasses_of_the_scalars(run: Run) -> None:
    span = run.tracer().start_span("subclasses")
    span.set_attribute("str", Text("text"))
    span.set_attribute("int", Number(5))
    span.set_attribute(Text("key"), Text("value"))
    span.set_attribute("list", [Text("a"), "b"])
    run.observe("attributes", dict(span.attributes))
    span.end()


@program()
def other_objects(run: Run) -> None:
    span = run.tracer().start_span("objects")
    span.set_attribute("decimal", decimal.Decimal("1.10"))
    span.set_attribute("fraction", fractions.Fraction(1, 3))
    span.set_attribute("complex", 1 + 2j)
    span.set_attribute("datetime", datetime.datetime(2020, 1, 2, 3, 4, 5))
    span.set_attribute("path", pathlib.PurePosixPath("/a/b"))
    span.set_attribute("uuid", uuid.UUID(int=5))
    span.set_attribute("dataclass", Point(1, 2))
    span.set_attribute("class", Point)
    span.set_attribute("function", len)
    span.set_attribute("module name", enum)
    span.set_attribute("exception", ValueError("wrong"))
    span.set_attribute("ellipsis", ...)
    span.set_attribute("plain object", object())
    span.end()


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text")


class Unrepresentable:
    def __repr__(self) -> str:
        raise RuntimeError("no representation")


class WrongText:
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


@program()
def objects_whose_text_fails(run: Run) -> None:
    span = run.tracer().start_span("unprintable")
    run.attempt("str", lambda: span.set_attribute("str", Unprintable()))
    run.attempt("repr", lambda: span.set_attribute("repr", Unrepresentable()))
    run.attempt("wrong", lambda: span.set_attribute("wrong", WrongText()))
    run.attempt("list", lambda: span.set_attribute("list", ["a", Unprintable()]))
    run.attempt("map", lambda: span.set_attribute("map", {"a": Unprintable()}))
    run.observe("attributes", span.attributes)
    span.end()


@program()
def keys(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("keys", attributes={"": 1, 5: 2, None: 3, "ok": 4})
    span.set_attribute("", "empty")
    span.set_attribute(5, "int")
    span.set_attribute(None, "none")
    span.set_attribute(b"bytes", "bytes")
    span.set_attribute(Colour.RED, "enum")
    span.set_attribute(Word.YES, "str enum")
    span.set_attribute(" ", "space")
    span.set_attribute("a.b", "dotted")
    span.set_attributes({"": "empty", 6: "int", ("t",): "tuple", "many": 1})
    span.add_event("event", {"": 1, 5: 2, "ok": 3})
    run.observe("attributes", dict(span.attributes))
    run.observe("dropped", span.dropped_attributes)
    span.end()


@program()
def unicode_text(run: Run) -> None:
    tracer = run.tracer()
    texts = [
        "ä",
        "日本語",
        "🦀",
        "e\u0301",
        "\u202eright",
        "\x00nul",
        "a\nb\t",
        "\ufeffbom",
        "\U0010ffff",
    ]
    span = tracer.start_span("ünïcode 🦀")
    for index, text in enumerate(texts):
        span.set_attribute(f"key {text}", text)
        span.add_event(text, {text: [text, index]})
    span.set_status(status_error(), "🦀 failed")
    span.end()


def status_error() -> object:
    from opentelemetry.trace import StatusCode

    return StatusCode.ERROR


@program()
def lone_surrogates(run: Run) -> None:
    span = run.tracer().start_span("surrogates")
    span.set_attribute("value", "a\ud800b")
    span.set_attribute("after", 1)
    run.observe("attributes", list(span.attributes))
    span.end()


@program()
def lone_surrogates_in_a_list(run: Run) -> None:
    span = run.tracer().start_span("surrogates")
    span.set_attribute("list", ["ok", "\udfff"])
    span.set_attribute("after", 1)
    span.end()


@program()
def lone_surrogates_in_a_key(run: Run) -> None:
    span = run.tracer().start_span("surrogates")
    span.set_attribute("a\ud800", "value")
    span.set_attribute("after", 1)
    span.end()


@program()
def lone_surrogates_in_a_name(run: Run) -> None:
    tracer = run.tracer()
    tracer.start_span("name \udc80").end()
    tracer.start_span("whole").end()


@program()
def lone_surrogates_in_an_event(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("span")
    span.add_event("event \udc80", {"a": "\udc81"})
    span.end()


@program()
def numpy_scalars(run: Run) -> None:
    try:
        import numpy
    except ImportError:
        return
    span = run.tracer().start_span("numpy")
    span.set_attribute("int64", numpy.int64(5))
    span.set_attribute("int8", numpy.int8(-5))
    span.set_attribute("uint64", numpy.uint64(2**64 - 1))
    span.set_attribute("float64", numpy.float64(1.5))
    span.set_attribute("float32", numpy.float32(1.5))
    span.set_attribute("bool", numpy.bool_(True))
    span.set_attribute("str", numpy.str_("text"))
    span.set_attribute("bytes", numpy.bytes_(b"text"))
    span.set_attribute("array", numpy.array([1, 2, 3]))
    span.set_attribute("list", [numpy.int64(5), numpy.int64(6)])
    span.set_attribute("list of floats", [numpy.float64(1.5), 2.5])
    run.observe("attributes", dict(span.attributes))
    span.end()


@program()
def setting_again_and_in_bulk(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("again", attributes={"a": 1, "b": 2, "c": 3})
    span.set_attribute("a", "later")
    span.set_attributes({"d": 4, "b": "later"})
    span.set_attributes({})
    span.set_attribute("c", [1])
    run.observe("order", list(span.attributes.items()))
    span.end()


@program()
def values_changed_after_they_were_set(run: Run) -> None:
    tracer = run.tracer()
    given, listed, mapped = {"a": [1]}, [1], {"k": 1}
    span = tracer.start_span("changed", attributes=given)
    given["b"] = 2
    given["a"].append(2)
    span.set_attribute("list", listed)
    listed.append(2)
    span.set_attribute("map", mapped)
    mapped["l"] = 2
    event = {"e": 1}
    span.add_event("event", event)
    event["f"] = 2
    run.observe("attributes", span.attributes)
    span.end()


@program()
def wrong_containers(run: Run) -> None:
    tracer = run.tracer()
    run.attempt("list of pairs", lambda: tracer.start_span("pairs", attributes=[("a", 1)]).end())
    run.attempt("text", lambda: tracer.start_span("text", attributes="ab").end())
    run.attempt("number", lambda: tracer.start_span("number", attributes=5).end())
    span = tracer.start_span("span")
    run.attempt("set_attributes none", lambda: span.set_attributes(None))
    run.attempt("set_attributes list", lambda: span.set_attributes([("a", 1)]))
    run.attempt("event list", lambda: span.add_event("e", [("a", 1)]))
    run.attempt("set_attribute without value", lambda: span.set_attribute("a"))
    span.end()


@program()
def scope_attributes(run: Run) -> None:
    provider = run.provider()
    provider.get_tracer("a", "1", "http://schema", {"x": 1, "y": ["a"]}).start_span("one").end()
    provider.get_tracer("a", "1", "http://schema", {"x": 2}).start_span("two").end()
    provider.get_tracer("a", "1", "http://schema", {"x": 1, "y": ["a"]}).start_span("three").end()
    provider.get_tracer("a", "1", None, {"": 1, "none": None}).start_span("four").end()
