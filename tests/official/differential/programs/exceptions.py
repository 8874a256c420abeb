"""Recorded exceptions of every kind; stack traces are compared as text."""

# ruff: noqa: B023  (`attempt` calls its lambda at once)

import builtins
import sys

from declare import Run, program


class Custom(Exception):
    class Nested(Exception):
        pass


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Surprising(BaseException):
    pass


def fail(depth: int, error: BaseException) -> None:
    if depth:
        fail(depth - 1, error)
    raise error


@program()
def escaping_a_current_span(run: Run) -> None:
    tracer = run.tracer()
    for error in (
        ValueError("wrong value"),
        KeyError("key"),
        OSError(2, "No such file", "name"),
        Custom("custom"),
        Custom.Nested("nested", 5),
        Exception(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ):
        try:
            with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
                fail(2, error)
        except type(error) as caught:
            run.observe("same object", caught is error)


@program()
def recorded_by_hand(run: Run) -> None:
    span = run.tracer().start_span("by hand")
    try:
        fail(1, ValueError("by hand"))
    except ValueError as error:
        span.record_exception(error)
        span.record_exception(error, {"extra": 1, "exception.message": "mine"})
        span.record_exception(error, timestamp=1_600_000_000_000_000_000)
        span.record_exception(error, escaped=True)
        span.record_exception(error, {"exception.stacktrace": "none"}, 5, True)
    span.record_exception(TypeError("never raised"))
    run.observe("events", [event.name for event in span.events])
    span.end()


@program()
def recorded_wrongly(run: Run) -> None:
    span = run.tracer().start_span("wrongly")
    run.attempt("text", lambda: span.record_exception("text"))
    run.attempt("none", lambda: span.record_exception(None))
    run.attempt("class", lambda: span.record_exception(ValueError))
    span.end()


@program()
def options_of_the_span(run: Run) -> None:
    tracer = run.tracer()
    for record in (True, False):
        for status in (True, False):
            try:
                with tracer.start_as_current_span(
                    f"{record} {status}", record_exception=record, set_status_on_exception=status
                ):
                    raise ValueError("option")
            except ValueError:
                pass
            try:
                with tracer.start_span(
                    f"own {record} {status}",
                    record_exception=record,
                    set_status_on_exception=status,
                ):
                    raise ValueError("option")
            except ValueError:
                pass


@program()
def base_exceptions(run: Run) -> None:
    tracer = run.tracer()
    for error in (KeyboardInterrupt(), SystemExit(3), GeneratorExit(), Surprising("base")):
        name = type(error).__name__
        try:
            with tracer.start_as_current_span(f"current {name}"):
                raise error
        except BaseException as caught:
            run.observe(name, caught is error)
        try:
            with tracer.start_span(f"own {name}"):
                raise error
        except BaseException as caught:
            run.observe(name, caught is error)


@program()
def causes_and_contexts(run: Run) -> None:
    tracer = run.tracer()

    def chained() -> None:
        try:
            fail(1, KeyError("first"))
        except KeyError as error:
            raise ValueError("second") from error

    def implicit() -> None:
        try:
            fail(0, KeyError("first"))
        except KeyError:
            fail(0, ValueError("while handling"))

    def suppressed() -> None:
        try:
            fail(0, KeyError("first"))
        except KeyError:
            raise ValueError("alone") from None

    for work in (chained, implicit, suppressed):
        try:
            with tracer.start_as_current_span(work.__name__):
                work()
        except ValueError:
            pass


@program()
def notes(run: Run) -> None:
    if sys.version_info < (3, 11):
        return
    tracer = run.tracer()
    error = ValueError("noted")
    error.add_note("first note")
    error.add_note("second note\nof two lines")
    try:
        with tracer.start_as_current_span("notes"):
            raise error
    except ValueError:
        pass


@program()
def groups(run: Run) -> None:
    if sys.version_info < (3, 11):
        return
    tracer = run.tracer()
    group = builtins.ExceptionGroup  # type: ignore[attr-defined]  # since 3.11
    members: list[Exception] = []
    for index in range(3):
        try:
            fail(index, ValueError(f"member {index}"))
        except ValueError as error:
            members.append(error)
    try:
        with tracer.start_as_current_span("group"):
            raise group("several", [*members, group("inner", [KeyError("k")])])
    except group:
        pass


@program()
def syntax_errors(run: Run) -> None:
    tracer = run.tracer()
    for name, source in (("brace", "a = {\n"), ("word", "for for"), ("indent", " a\nb")):
        try:
            with tracer.start_as_current_span(name):
                compile(source, "given.py", "exec")
        except SyntaxError:
            pass


@program()
def code_without_a_file(run: Run) -> None:
    tracer = run.tracer()
    names: dict[str, object] = {}
    exec(compile("def work():\n    raise ValueError('inside')\n", "<made>", "exec"), names)
    try:
        with tracer.start_as_current_span("made"):
            names["work"]()
    except ValueError:
        pass


def endless(number: int) -> int:
    return endless(number + 1) + 1


def turn_by_turn(number: int) -> None:
    if not number:
        raise ValueError("at the bottom")
    and_turn(number - 1)


def and_turn(number: int) -> None:
    turn_by_turn(number)


@program()
def recursion(run: Run) -> None:
    tracer = run.tracer()
    sys.setrecursionlimit(300)
    try:
        with tracer.start_as_current_span("endless"):
            endless(0)
    except RecursionError:
        pass
    try:
        with tracer.start_as_current_span("in turns"):
            turn_by_turn(8)
    except ValueError:
        pass


@program()
def an_exception_whose_text_fails(run: Run) -> None:
    tracer = run.tracer()

    def work() -> None:
        with tracer.start_as_current_span("unprintable"):
            raise Unprintable("x")

    try:
        work()
    except BaseException as error:
        run.observe("raised", type(error))
    span = tracer.start_span("by hand")
    try:
        span.record_exception(Unprintable("x"))
    except BaseException as error:
        run.observe("raised by hand", type(error))
    span.end()


@program()
def unusual_texts(run: Run) -> None:
    tracer = run.tracer()
    for text in ("", "a\nb", "ünïcode 🦀", "nul \x00", "x" * 5000):
        try:
            with tracer.start_as_current_span("text"):
                raise ValueError(text)
        except ValueError:
            pass


@program()
def surrogates_in_the_text(run: Run) -> None:
    tracer = run.tracer()
    try:
        with tracer.start_as_current_span("surrogate"):
            raise ValueError("a\ud800b")
    except ValueError:
        pass
    tracer.start_span("after").end()


@program()
def a_type_with_a_made_up_module(run: Run) -> None:
    tracer = run.tracer()
    made = type("Made", (Exception,), {"__module__": "some.where"})
    nameless = type("Nameless", (Exception,), {"__module__": None})
    renamed = type("Renamed", (Exception,), {"__qualname__": "Other.Name"})
    for error in (made("m"), nameless("n"), renamed("r")):
        span = tracer.start_span("made")
        run.attempt("record", lambda: span.record_exception(error))
        span.end()


@program()
def the_same_exception_twice(run: Run) -> None:
    tracer = run.tracer()
    error = ValueError("again")
    for name in ("first", "second"):
        try:
            with tracer.start_as_current_span(name):
                fail(1, error)
        except ValueError:
            pass


@program()
def lines_that_span_several(run: Run) -> None:
    tracer = run.tracer()
    data = {"a": {"b": None}}
    try:
        with tracer.start_as_current_span("positions"):
            print(
                data["a"]["b"]["c"],
                sep="",
            )
    except TypeError:
        pass
    try:
        with tracer.start_as_current_span("lambda"):
            (lambda a, b: a / b)(1, 0)
    except ZeroDivisionError:
        pass


@program()
def value_length_limit_cuts_the_stacktrace(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits

    tracer = run.tracer(span_limits=SpanLimits(max_attribute_length=40, max_event_attributes=3))
    try:
        with tracer.start_as_current_span("cut"):
            fail(3, ValueError("a rather long message that is cut in the middle"))
    except ValueError:
        pass
