"""Logging cannot dead-lock, recurse or lose records where processes fork, end and are signalled.
Each program has a time limit."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from life.test_servers import port as port, requests

Run = Callable[..., Any]
Start = Callable[..., Any]


@pytest.fixture
def bodies(collector: Any) -> Callable[..., Counter[str]]:
    """How many records with each body the collector accepted, after it has had time for more."""

    def bodies(at_least: int = 0) -> Counter[str]:
        if at_least:
            collector.wait_for_count(at_least, 5, "logs")
        time.sleep(0.2)
        return Counter(record["body"]["string_value"] for record in records(collector))

    return bodies


def records(collector: Any) -> list[dict[str, Any]]:
    return [
        record
        for request in collector.requests()
        for resource_logs in request.decoded.get("resource_logs", ())
        for scope_logs in resource_logs["scope_logs"]
        for record in scope_logs["log_records"]
    ]


def test_what_is_queued_is_exported_when_the_program_ends(
    run: Run, bodies: Run, protocol: str
) -> None:
    run(
        """
        from log_records import *

        start(schedule_delay_millis=60_000)
        for _ in range(700):
            log.info("queued")
        """,
        protocol=protocol,
    )
    assert bodies(700) == {"queued": 700}


def test_what_is_queued_is_exported_on_sigterm(run: Run, bodies: Run) -> None:
    run(
        """
        import os, signal, time
        from log_records import *

        start(schedule_delay_millis=60_000)
        log.info("queued")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        """,
        exit_code=-15,
    )
    assert bodies(1) == {"queued": 1}


def test_a_record_of_atexit_is_exported(run: Run, bodies: Run) -> None:
    run(
        """
        import atexit
        from log_records import *

        start()
        atexit.register(lambda: log.info("at exit"))
        """
    )
    assert bodies(1) == {"at exit": 1}


@pytest.mark.parametrize("and_printed", [False, True])
def test_what_is_wrong_with_exporting_is_told_where_all_records_are_exported(
    run: Run, refused: str, and_printed: bool
) -> None:
    finished = run(
        f"""
        from log_records import *

        start()
        if {and_printed}:
            logging.getLogger().addHandler(logging.StreamHandler())
        log.info("lost")
        """,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": refused, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
        silent=False,
    )
    said = [line for line in finished.stderr.splitlines() if "not delivered" in line]
    # That nothing listens is no record, whether it is logged before the end or not.
    assert len(said) == 1, finished.stderr
    assert "1 log was not delivered" in said[0], finished.stderr


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_lost_is_told_in_one_line_where_a_handler_writes_to_what_is_closed(
    run: Run, refused: str, tmp_path: Path, kept: bool
) -> None:
    log = tmp_path / "kept.log"
    finished = run(
        f"""
        import io
        from log_records import *

        start()
        closed = io.StringIO()
        logging.getLogger().addHandler(logging.StreamHandler(closed))
        if {kept}:
            logging.getLogger().addHandler(logging.FileHandler({str(log)!r}))
        log.info("lost")
        closed.close()
        """,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": refused, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
        silent=False,
    )
    assert "Traceback" not in finished.stderr, finished.stderr
    said = (log.read_text() if kept else finished.stderr).splitlines()
    assert sum("1 log was not delivered" in line for line in said) == 1, said
    assert not kept or finished.stderr == ""


def test_an_attribute_that_logs_itself_ends(run: Run, bodies: Run) -> None:
    run(
        """
        from log_records import *

        logging.lastResort = None

        class Endless:
            def __str__(self):
                log.info("inside", extra={"endless": self})
                return "endless"

        start()
        log.info("outside", extra={"endless": Endless()})
        """,
        silent=False,
    )
    found = bodies(1)
    assert found["outside"] == 1
    # A few levels of what would be endless, and the warnings of the attribute's type.
    assert 1 <= found["inside"] <= 4


def test_an_exporter_that_logs_does_not_recurse(run: Run) -> None:
    finished = run(
        """
        from log_records import *
        from opentelemetry.sdk._logs.export import (
            LogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
        )

        class Chatty(LogRecordExporter):
            exports = 0

            def export(self, batch):
                self.exports += len(batch)
                log.info("exporting %d", len(batch))
                return LogRecordExportResult.SUCCESS

            def shutdown(self):
                log.info("shutting down")

            def force_flush(self, timeout_millis=30000):
                log.info("flushing")
                return True

        simple, batched = Chatty(), Chatty()
        provider = start(
            SimpleLogRecordProcessor(simple),
            BatchLogRecordProcessor(batched, schedule_delay_millis=50),
        )
        log.info("first")
        provider.force_flush()
        print(simple.exports < 50, batched.exports < 50)
        """,
        silent=False,
    )
    assert finished.stdout == "True True\n"


def test_a_signal_handler_that_logs_at_any_moment_waits_for_nothing(run: Run, bodies: Run) -> None:
    run(
        """
        import signal
        from log_records import *
        from opentelemetry.sdk._logs.export import (
            InMemoryLogRecordExporter, SimpleLogRecordProcessor
        )

        memory = InMemoryLogRecordExporter()
        start(
            SimpleLogRecordProcessor(memory),
            BatchLogRecordProcessor(exporter(), max_queue_size=100_000),
        )
        interrupted = 0

        def handle(number, frame):
            global interrupted
            interrupted += 1
            logging.getLogger(f"signal.{interrupted}").info("interrupted")

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
        for _ in range(5000):
            log.info("working", extra={"a": [1, 2]})
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert interrupted > 10
        assert len(memory.get_finished_logs()) == 5000 + interrupted
        """,
        timeout=60,
    )
    assert bodies(5000)["working"] == 5000


@pytest.mark.fork
def test_records_are_made_before_during_and_after_forks_of_a_busy_program(
    run: Run, bodies: Run
) -> None:
    run(
        """
        import os, threading
        from log_records import *

        start(max_queue_size=100_000)
        os.register_at_fork(
            before=lambda: log.info("before"),
            after_in_parent=lambda: log.info("in parent"),
            after_in_child=lambda: log.info("in child"),
        )
        stop = threading.Event()

        def work():
            while not stop.is_set():
                log.info("busy")
                # The queue has room for all of them, however long the forks take.
                stop.wait(0.002)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            pid = os.fork()
            if not pid:
                log.info("child")
                logging.root.handlers[0]._logger_provider.force_flush()
                os._exit(0)
            os.waitpid(pid, 0)
        stop.set()
        for thread in threads:
            thread.join()
        """,
        timeout=60,
    )
    found = bodies(80)
    del found["busy"]
    assert found == {"before": 20, "in parent": 20, "in child": 20, "child": 20}


@pytest.mark.fork
def test_each_process_has_an_instance_id_of_its_own(run: Run, collector: Any) -> None:
    run(
        """
        import os
        from log_records import *

        provider = start()
        log.info("parent")
        pid = os.fork()
        log.info("both")
        provider.force_flush()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        """,
        env={"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "service_instance,process"},
    )
    collector.wait_for_count(3, 5, "logs")
    ids = Counter()
    for request in collector.requests():
        for resource_logs in request.decoded["resource_logs"]:
            for pair in resource_logs["resource"]["attributes"]:
                if pair["key"] == "service.instance.id":
                    count = sum(len(s["log_records"]) for s in resource_logs["scope_logs"])
                    ids[pair["value"]["string_value"]] += count
    assert sorted(ids.values()) == [1, 2]


@pytest.mark.fork
def test_gunicorn_with_four_workers_of_five_threads_answers_and_exports(
    start_program: Start, collector: Any, bodies: Run, port: int
) -> None:
    import signal

    server = start_program(
        command=[
            *("-m", "gunicorn", "web_logs:application", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "4", "--threads", "5", "--preload", "--log-level", "warning"),
        ]
    )
    requests(port, 200)
    server.signal(signal.SIGTERM)
    assert server.finish(30).exit_code == 0
    found = bodies(400)
    assert found["from inside"] == 200
    assert sum(found[f"order {number}"] for number in range(200)) == 200
    # Each says which span it belongs to.
    assert all(
        "trace_id" in record
        for record in records(collector)
        if record["body"]["string_value"].startswith("order")
    )
