"""Records of `logging` through both handlers: what is exported of them."""

import logging
import warnings
from collections.abc import Callable
from typing import Any

from declare import Run, program

LEVELS = (1, 9, 10, 11, 14, 19, 20, 21, 29, 30, 33, 40, 45, 49, 50, 51, 53, 54, 99)


def handlers(run: Run) -> dict[str, logging.Handler]:
    """One handler of each kind, each with a logger provider of its own."""
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggingHandler as SdkLoggingHandler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "sdk": SdkLoggingHandler(logger_provider=run.log_provider()),
            "contrib": LoggingHandler(logger_provider=run.log_provider()),
            "code": LoggingHandler(logger_provider=run.log_provider(), log_code_attributes=True),
        }


def with_handlers(run: Run, log: Callable[[logging.Logger], Any]) -> None:
    """Have `log` log to each of the handlers, one after the other."""
    for name, handler in handlers(run).items():
        logger = logging.getLogger(f"shop.{name}")
        logger.setLevel(1)
        logger.propagate = False
        logger.addHandler(handler)
        log(logger)
        provider = handler._logger_provider
        run.observe(f"{name} flushed", provider.force_flush())


@program()
def levels(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        logging.addLevelName(21, "NOTICE")
        for level in LEVELS:
            logger.log(level, "at %d", level)
        logger.warning("w")
        logger.critical("c")

    with_handlers(run, log)


@program()
def messages(run: Run) -> None:
    class Text:
        def __str__(self) -> str:
            return "a text of its own"

    def log(logger: logging.Logger) -> None:
        logger.info("plain")
        logger.info("")
        logger.info("%(a)s %(b)d", {"a": "x", "b": 2})
        logger.info("%s %r", "one", [2])
        logger.info("100% sure")
        logger.info("ä€🙂 \x00 \n")
        logger.info(Text())
        logger.info(Text(), extra={"a": 1})

    with_handlers(run, log)


@program()
def bodies(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        for body in (
            {"a": 1, "b": {"c": [1, "x", None, 2.5, True, b"\x00\xff"]}},
            {},
            [1, "two", [3.0]],
            [],
            (1, 2),
            b"bytes",
            None,
            True,
            0,
            -5,
            1.5,
            range(3),
            Exception("an exception as message"),
            object,
        ):
            logger.info(body)

    with_handlers(run, log)


@program()
def extra_attributes(run: Run) -> None:
    class Text:
        def __str__(self) -> str:
            return "a text of its own"

    def log(logger: logging.Logger) -> None:
        logger.info(
            "all kinds",
            extra={
                "text": "x",
                "empty": "",
                "int": 1,
                "negative": -1,
                "large": 2**62,
                "float": 1.5,
                "nan": float("nan"),
                "bool": True,
                "none": None,
                "bytes": b"\x00\x01",
                "list": [1, "a", None, [2]],
                "tuple": (1, 2),
                "dict": {"a": {"b": [1]}, "c": None},
                "range": range(2),
                "text object": Text(),
                "set": {1},
            },
        )
        logger.info("code of its own", extra={"code.file.path": "mine", "code.line.number": "x"})
        logger.info("exception of its own", extra={"exception.type": "mine"})
        logger.info("keys", extra={5: "number", "": "empty", "ä": "ä"})

    with_handlers(run, log)


@program()
def event_names(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        logger.info("stable", extra={"otel.event.name": "stable", "a": 1})
        logger.info("old", extra={"event.name": "old", "a": 1})
        logger.info("both", extra={"event.name": "old", "otel.event.name": "new"})
        logger.info("none", extra={"otel.event.name": None, "event.name": "old"})
        logger.info("nothing", extra={"otel.event.name": None})

    with_handlers(run, log)


@program()
def exceptions(run: Run) -> None:
    def inner() -> None:
        raise KeyError("key", 2)

    def log(logger: logging.Logger) -> None:
        try:
            inner()
        except KeyError:
            logger.exception("caught")
            logger.info("by info", exc_info=True)
        try:
            try:
                inner()
            except KeyError as error:
                raise ValueError from error
        except ValueError as error:
            logger.error("chained", exc_info=error)
            logger.error("with arguments %s", 1, exc_info=error, extra={"a": 1})
        logger.error("nothing is being handled", exc_info=True)
        logger.error("without trace", exc_info=ValueError("not raised"))
        logger.error("stack", stack_info=True)

    with_handlers(run, log)


@program()
def current_spans(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    tracer = run.bare_provider().get_tracer("t")
    unsampled = run.bare_provider(sampler=ALWAYS_OFF).get_tracer("t")
    remote = trace.NonRecordingSpan(trace.SpanContext(0xAAAA, 0xBBBB, True, trace.TraceFlags(1)))

    def log(logger: logging.Logger) -> None:
        logger.info("outside")
        with tracer.start_as_current_span("outer"):
            logger.info("in the outer")
            with tracer.start_as_current_span("inner"):
                logger.info("in the inner")
            logger.info("in the outer again")
        with unsampled.start_as_current_span("unsampled"):
            logger.info("in the unsampled")
        with trace.use_span(remote):
            logger.info("in the remote")
        with trace.use_span(trace.INVALID_SPAN):
            logger.info("in the invalid")

    with_handlers(run, log)


@program()
def loggers_are_scopes(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        for name in ("a", "b", "a", "c", "b"):
            logger.getChild(name).info("of %s", name)

    with_handlers(run, log)


@program()
def formatters(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        logger.handlers[0].setFormatter(logging.Formatter("%(levelname)s|%(message)s|%(name)s"))
        logger.info("formatted %d", 1)
        logger.info({"a": 1})
        logger.handlers[0].setFormatter(None)
        logger.info("not formatted %d", 1)

    with_handlers(run, log)


@program()
def filters_and_levels(run: Run) -> None:
    class Adding(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.added = "by the filter"
            return "no" not in record.getMessage()

    def log(logger: logging.Logger) -> None:
        handler = logger.handlers[0]
        handler.setLevel(logging.WARNING)
        logger.info("too low")
        logger.warning("high enough")
        handler.addFilter(Adding())
        logger.warning("yes")
        logger.warning("no")
        handler.filters.clear()
        logger.warning("no filter")

    with_handlers(run, log)


@program()
def records_made_by_hand(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        handler = logger.handlers[0]
        fields = {"levelno": 30, "levelname": "WARNING", "name": "hand", "message": "x", "a": 1}
        handler.handle(logging.makeLogRecord({**fields, "msg": "by hand"}))
        handler.emit(logging.makeLogRecord({**fields, "msg": "emitted", "asctime": "now"}))

    with_handlers(run, log)


@program()
def subclasses(run: Run) -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    class Renaming(LoggingHandler):
        def _get_attributes(self, record: logging.LogRecord) -> Any:
            attributes, event_name = super()._get_attributes(record)
            return {f"my.{key}": value for key, value in attributes.items()}, event_name

    class Silent(LoggingHandler):
        def emit(self, record: logging.LogRecord) -> None:
            if "secret" not in record.getMessage():
                super().emit(record)

    provider = run.log_provider()
    for cls in (Renaming, Silent):
        logger = logging.getLogger(f"sub.{cls.__name__}")
        logger.setLevel(1)
        logger.propagate = False
        logger.addHandler(cls(logger_provider=provider))
        logger.info("first", extra={"a": 1})
        logger.info("secret", extra={"b": 1})
    run.observe("flushed", provider.force_flush())


@program(
    variants={
        "count": {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "2"},
        "none": {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "0"},
        "length": {"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"},
        "general": {"OTEL_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"},
    }
)
def limits(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        logger.info("a message is not limited", extra={"first": "abcdef", "second": ["abcdef"]})
        logger.info("m", extra={str(number): number for number in range(5)})

    with_handlers(run, log)


@program(env={"OTEL_SDK_DISABLED": "true"})
def disabled(run: Run) -> None:
    with_handlers(run, lambda logger: logger.info("nothing"))


@program()
def after_shutdown(run: Run) -> None:
    for name, handler in handlers(run).items():
        logger = logging.getLogger(f"shop.{name}")
        logger.setLevel(1)
        logger.propagate = False
        logger.addHandler(handler)
        logger.info("before")
        handler._logger_provider.shutdown()
        logger.info("after")
        run.observe(name, handler._logger_provider.force_flush())


@program()
def a_provider_that_is_set_later(run: Run) -> None:
    from opentelemetry import _logs
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    handler = LoggingHandler()
    logger = logging.getLogger("late")
    logger.setLevel(1)
    logger.propagate = False
    logger.addHandler(handler)
    logger.info("too early")
    _logs.set_logger_provider(run.log_provider())
    logger.info("in time")


@program()
def messages_that_cannot_be_made(run: Run) -> None:
    # Nothing on stderr, where each side names its own frames.
    logging.raiseExceptions = False

    def log(logger: logging.Logger) -> None:
        run.attempt("too few", lambda: logger.info("%s %s", "one"))
        run.attempt("wrong kind", lambda: logger.info("%d", "one"))

    with_handlers(run, log)


@program()
def an_attribute_that_logs(run: Run) -> None:
    def log(logger: logging.Logger) -> None:
        class Chatty:
            def __str__(self) -> str:
                logger.info("inside")
                return "chatty"

        logger.info("outside", extra={"chatty": Chatty()})

    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    provider = run.log_provider()
    logger = logging.getLogger("chatty")
    logger.setLevel(1)
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=provider))
    log(logger)
    run.observe("flushed", provider.force_flush())
