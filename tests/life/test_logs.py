"""Log records where a handler can dead-lock, recurse or lose: each program with a time limit."""

from __future__ import annotations

import ast
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

Run = Callable[..., Any]
Start = Callable[..., Any]


def records(collector: Any) -> Iterator[dict[str, Any]]:
    """The log records of accepted requests, as the official protobuf classes read them."""
    for request in collector.requests():
        if request.signal != "logs" or not request.accepted:
            continue
        for resource_logs in request.decoded["resource_logs"]:
            for scope_logs in resource_logs["scope_logs"]:
                # What the library says of a value that is no attribute value is a record, too.
                if scope_logs["scope"]["name"] != "opentelemetry.attributes":
                    yield from scope_logs["log_records"]


def bodies(collector: Any, at_least: int = 0) -> Counter[str]:
    """How many records of each text the collector has, after it has had time for more."""
    if at_least:
        collector.wait_for_count(at_least, 5, "logs")
    time.sleep(0.2)
    return Counter(record["body"]["string_value"] for record in records(collector))


def numbered(text: str, count: int) -> Counter[str]:
    return Counter(f"{text} {number}" for number in range(count))


def test_records_arrive_once_with_the_ids_of_their_span(
    protocol: str, collector: Any, run: Run
) -> None:
    run(
        """
        from logs import *
        start()
        for number in range(3000):
            with tracing.span("order"):
                log.info("order %d", number)
        """,
        protocol=protocol,
    )
    assert bodies(collector, 3000) == numbered("order", 3000)
    spans = {("0x" + span["trace_id"], "0x" + span["span_id"]) for span in collector.spans()}
    assert {(record["trace_id"], record["span_id"]) for record in records(collector)} == spans


@pytest.mark.parametrize("processor", ["SimpleLogRecordProcessor", "BatchLogRecordProcessor"])
def test_an_exporter_that_logs_does_not_stop_the_program(
    processor: str, collector: Any, run: Run
) -> None:
    finished = run(
        f"""
        import threading
        from logs import *
        from opentelemetry.sdk._logs.export import (
            {processor}, LogRecordExporter, LogRecordExportResult
        )

        class Talking(LogRecordExporter):
            exported = 0

            def export(self, batch):
                Talking.exported += len(batch)
                log.warning("exporting")
                with tracing.span("exporting"):
                    log.info("inside a span")
                return LogRecordExportResult.SUCCESS

            def force_flush(self, timeout_millis=10):
                log.warning("flushing")
                return True

            def shutdown(self):
                log.warning("ending")

        provider = start(processors=[{processor}(Talking())])
        def work(thread):
            for number in range(50):
                log.info("order %d of %d", number, thread)
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        provider.force_flush(5000)
        print("exported", Talking.exported >= 200)
        """,
        silent=False,
    )
    assert "exported True" in finished.stdout
    assert "Traceback" not in finished.stderr
    arrived = bodies(collector, 200)
    expected = Counter(f"order {number} of {thread}" for number in range(50) for thread in range(4))
    assert {text: arrived[text] for text in expected} == dict(expected)


def test_an_exporter_that_raises_while_its_error_is_exported_does_not_recurse(
    collector: Any, run: Run
) -> None:
    finished = run(
        """
        from logs import *
        from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor, LogRecordExporter

        class Raising(LogRecordExporter):
            calls = 0
            def export(self, batch):
                Raising.calls += 1
                raise RuntimeError("no")
            def force_flush(self, timeout_millis=10):
                return True
            def shutdown(self):
                pass

        start(processors=[SimpleLogRecordProcessor(Raising())])
        for number in range(20):
            log.info("order %d", number)
        print("calls", Raising.calls)
        """,
        silent=False,
    )
    calls = int(finished.stdout.split()[-1])
    assert 20 <= calls <= 200
    arrived = bodies(collector, 20)
    assert {text: arrived[text] for text in numbered("order", 20)} == numbered("order", 20)


@pytest.mark.parametrize("place", ["extra", "argument", "message", "exception"])
def test_a_text_that_logs_when_it_is_asked_for_does_not_dead_lock(
    place: str, collector: Any, run: Run
) -> None:
    statement = {
        "extra": 'log.info("order %d", number, extra={"customer": Customer()})',
        "argument": 'log.info("order %s", Customer(number))',
        "message": 'log.info(Customer(f"order {number}"))',
        "exception": 'log.info("order %d", number, exc_info=raised(LoggingError()))',
    }[place]
    finished = run(
        f"""
        import threading
        from logs import *
        from opentelemetry import trace

        class Customer:
            def __init__(self, text=""):
                self.text = text
            def __str__(self):
                log.info("inside", extra={{"customer": self}})
                trace.get_current_span().set_attribute("asked", True)
                return str(self.text)

        class LoggingError(Exception):
            __str__ = Customer.__str__
            text = "text"

        def raised(error):
            try:
                raise error
            except LoggingError:
                return error

        start()
        def work(numbers):
            for number in numbers:
                with tracing.span("order"):
                    {statement}
        threads = [threading.Thread(target=work, args=(range(begin, 80, 8),)) for begin in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """,
        silent=False,
        timeout=60,
    )
    assert "Error" not in finished.stderr
    arrived = bodies(collector, 80)
    assert {text: arrived[text] for text in numbered("order", 80)} == numbered("order", 80)
    # Each text that was asked for has logged, to a depth at which it is surely endless.
    assert 80 <= arrived["inside"] <= 80 * 40


@pytest.mark.fork
def test_records_logged_while_other_threads_fork_arrive_once(collector: Any, run: Run) -> None:
    run(
        """
        import os, threading, time
        from logs import *
        from opentelemetry.sdk._logs import LoggerProvider

        provider = start()
        count, ending = [0] * 4, threading.Event()

        def work(thread):
            while not ending.is_set():
                log.info("parent %d of %d", count[thread], thread)
                count[thread] += 1
                time.sleep(0.0005)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        [thread.start() for thread in threads]
        for number in range(40):
            child = os.fork()
            if child == 0:
                log.info("child %d", number)
                with tracing.span("in the child"):
                    log.info("child again %d", number)
                done = provider.force_flush(10_000)
                os._exit(0 if done else 1)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        ending.set()
        [thread.join() for thread in threads]
        print(*count)
        """,
        timeout=60,
    )
    arrived = bodies(collector, 80)
    children = {text: times for text, times in arrived.items() if text.startswith("child")}
    assert children == numbered("child", 40) + numbered("child again", 40)
    parents = Counter(text.split()[-1] for text in arrived if text.startswith("parent"))
    for thread, count in parents.items():
        assert {arrived[f"parent {number} of {thread}"] for number in range(count)} == {1}


@pytest.mark.fork
def test_a_child_that_goes_on_with_the_program_keeps_logging(collector: Any, run: Run) -> None:
    run(
        """
        import os
        from logs import *

        start()
        log.info("before")
        child = os.fork()
        for number in range(100):
            log.info("%s %d", "parent" if child else "child", number)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    expected = numbered("parent", 100) + numbered("child", 100) + Counter(["before"])
    assert bodies(collector, 201) == expected


def test_records_at_the_end_of_the_program_are_exported_or_dropped_in_peace(
    collector: Any, run: Run
) -> None:
    finished = run(
        """
        import atexit, logging, sys, threading, time
        from logs import *

        class Late:
            def __del__(self):
                log.warning("in __del__")

        def after_the_shutdown():
            log.warning("after the shutdown")

        def before_the_shutdown():
            log.warning("before the shutdown")

        atexit.register(after_the_shutdown)
        start()
        atexit.register(before_the_shutdown)
        kept = Late()
        sys.kept = Late()
        cycle = Late(); cycle.self = cycle

        def work():
            while True:
                log.info("meanwhile")

        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.2)
        log.info("at the end")
        """,
        silent=False,
        timeout=30,
    )
    assert "Traceback" not in finished.stderr
    assert "Fatal" not in finished.stderr
    arrived = bodies(collector, 2)
    # What the thread logs may push out what was logged before it; what came last stays.
    assert arrived["before the shutdown"] == 1
    assert arrived["after the shutdown"] == 0


def test_exit_handlers_without_other_threads_lose_nothing(collector: Any, run: Run) -> None:
    run(
        """
        import atexit
        from logs import *

        start()
        atexit.register(lambda: [log.warning("late %d", number) for number in range(100)])
        """
    )
    assert bodies(collector, 100) == numbered("late", 100)


def test_signal_handlers_may_log_at_any_moment(collector: Any, run: Run) -> None:
    finished = run(
        """
        import signal, threading, time
        from logs import *

        start(max_queue_size=1_000_000)
        made = {"in the handler": 0, "in the program": 0}

        def on_signal(number, frame):
            with tracing.span("signal"):
                log.info("in the handler", extra={"customer": "ann"})
            made["in the handler"] += 1

        signal.signal(signal.SIGALRM, on_signal)
        signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            log.info("in the program", extra={"customer": "ann"})
            made["in the program"] += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(made)
        """,
        timeout=60,
    )
    made = ast.literal_eval(finished.stdout)
    assert made["in the handler"] > 50
    assert bodies(collector, sum(made.values())) == made


@pytest.mark.parametrize("lock", ["module", "handler", "both"])
def test_locks_of_logging_held_by_another_thread_do_not_stop_an_export(
    lock: str, collector: Any, run: Run
) -> None:
    # The receiver answers with errors first, about which the library has something to say: it must
    # wait for `logging`'s locks without keeping the export, or this flush, waiting.
    collector.script([{"do": "grpc_status", "code": "INVALID_ARGUMENT", "times": 2}])
    finished = run(
        f"""
        import logging, sys, threading, time
        from logs import *

        logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
        provider = start(traces=False)
        handlers = logging.getLogger().handlers
        held, release = threading.Event(), threading.Event()

        def hold():
            locks = []
            if {lock!r} in ("module", "both"):
                locks.append(logging._lock)
            if {lock!r} in ("handler", "both"):
                locks.extend(handler.lock for handler in handlers)
            [lock.acquire() for lock in locks]
            held.set()
            release.wait(20)
            [lock.release() for lock in locks]

        log.info("first")
        provider.force_flush(5000)
        log.info("second")
        threading.Thread(target=hold).start()
        held.wait()
        begin = time.monotonic()
        # The native road to the queue, which no lock of logging is on.
        logger = provider.get_logger("life")
        from opentelemetry._logs import LogRecord
        for number in range(100):
            logger.emit(LogRecord(body=f"order {{number}}"))
        provider.force_flush(5000)
        logger.emit(LogRecord(body="third"))
        flushed = provider.force_flush(5000)
        print("flushed", flushed, time.monotonic() - begin < 4, flush=True)
        release.set()
        """,
        timeout=40,
        silent=False,
    )
    assert "flushed True True" in finished.stdout
    assert bodies(collector, 1)["third"] == 1


def test_flush_of_the_handler_does_not_wait_under_the_locks_of_logging(
    black_hole: str, run: Run
) -> None:
    finished = run(
        """
        import logging, os, time
        from logs import *
        start(traces=False)
        log.info("nobody takes it")
        begin = time.monotonic()
        for handler in logging.getLogger().handlers:
            handler.flush()
        print("took", time.monotonic() - begin, flush=True)
        os._exit(0)
        """,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole},
        silent=False,
    )
    assert float(finished.stdout.split()[-1]) < 1.0


def test_flush_of_the_handler_starts_no_thread_that_the_end_would_cut_off(run: Run) -> None:
    # Registered before that of `logging`, so called after it.
    finished = run(
        """
        import atexit, threading
        def end():
            print("flushes", flushes, flush=True)
            others = [thread for thread in threading.enumerate()
                      if thread is not threading.main_thread() and not thread.daemon]
            print("left", others, flush=True)
            release.set()
        atexit.register(end)
        import logging
        from logs import *
        from opentelemetry.sdk._logs import LogRecordProcessor
        flushes, flushed, release = [], threading.Event(), threading.Event()
        class Processor(LogRecordProcessor):
            def on_emit(self, log_record): pass
            def shutdown(self): pass
            def force_flush(self, timeout_millis=30000):
                flushes.append(threading.current_thread() is threading.main_thread())
                flushed.set()
                if len(flushes) > 1:
                    release.wait()
                return True
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(Processor())
        handler = LoggingHandler(logger_provider=provider)
        handler.flush()
        flushed.wait()
        """
    )
    assert "flushes [False]" in finished.stdout
    assert "left []" in finished.stdout


def test_configuring_logging_while_others_log_is_harmless(collector: Any, run: Run) -> None:
    run(
        """
        import logging, logging.config, threading
        from logs import *

        start()
        def work(thread):
            for number in range(500):
                logging.getLogger(f"life.{thread}.{number % 7}").info("order %d", number)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        [thread.start() for thread in threads]
        for _ in range(50):
            logging.config.dictConfig({
                "version": 1, "incremental": True, "loggers": {"life": {"level": "INFO"}}
            })
        [thread.join() for thread in threads]
        """
    )
    arrived = bodies(collector, 2000)
    assert arrived == Counter({text: 4 for text in numbered("order", 500)})


# Servers


@pytest.mark.fork
def test_gunicorn_with_four_workers_of_five_threads_loses_and_repeats_no_record(
    collector: Any, start_program: Start
) -> None:
    from life.test_servers import ask, requests_until_two_workers_answer

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start_program(
        command=[
            *("-m", "gunicorn", "logging_web:application", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "4", "--threads", "5", "--worker-class", "gthread", "--preload"),
            *("--log-level", "warning", "--graceful-timeout", "10"),
        ]
    )
    warm = requests_until_two_workers_answer(port)
    with ThreadPoolExecutor(20) as executor:
        list(executor.map(lambda number: ask(port, f"/orders/{number}"), range(1000, 1600)))
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=30)
    assert finished.exit_code == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    total = 3 * (600 + warm)
    collector.wait_for_count(total, 5, "logs")
    arrived = bodies(collector)
    assert sum(arrived.values()) == total
    for text in ("begin", "end", "asked"):
        assert {arrived[f"{text} {number}"] for number in range(1000, 1600)} == {1}
    spans = {"0x" + span["span_id"]: "0x" + span["trace_id"] for span in collector.spans()}
    assert all(spans[record["span_id"]] == record["trace_id"] for record in records(collector))


@pytest.mark.parametrize("who", ["configure_json", "LoggingInstrumentor"])
def test_records_exported_later_by_another_thread_have_the_ids_of_their_making(
    who: str, collector: Any, run: Run
) -> None:
    remember = {
        "configure_json": "configure_json(stream=io.StringIO())",
        "LoggingInstrumentor": "LoggingInstrumentor().instrument("
        "inject_trace_context=True, enable_log_auto_instrumentation=False)",
    }[who]
    run(
        f"""
        import io, logging.handlers, queue
        from logs import *
        from opentelemetry.instrumentation.logging import LoggingInstrumentor
        from oxitel.logs import configure_json

        start()
        {remember}
        root = logging.getLogger()
        targets, waiting = list(root.handlers), queue.SimpleQueue()
        root.handlers[:] = [logging.handlers.QueueHandler(waiting)]
        log.info("outside")
        for name in ("first", "second"):
            with tracing.span(name):
                log.info(name)
        with tracing.span("while they are exported"):
            listener = logging.handlers.QueueListener(waiting, *targets)
            listener.start()
            listener.stop()
        root.handlers[:] = [logging.handlers.MemoryHandler(10, target=targets[0])]
        with tracing.span("third"):
            log.info("third")
        log.info("outside again")
        with tracing.span("while they are flushed"):
            root.handlers[0].flush()
        """
    )
    collector.wait_for_count(5, 5, "logs")
    ids = {
        record["body"]["string_value"]: (record.get("trace_id"), record.get("span_id"))
        for record in records(collector)
    }
    spans = {
        span["name"]: ("0x" + span["trace_id"], "0x" + span["span_id"])
        for span in collector.spans()
    }
    assert ids == {
        **{name: spans[name] for name in ("first", "second", "third")},
        **dict.fromkeys(("outside", "outside again"), (None, None)),
    }
    assert {record.get("flags", 0) for record in records(collector)} <= {0, 1, 3}
    assert all(record.get("flags") for record in records(collector) if "trace_id" in record)
