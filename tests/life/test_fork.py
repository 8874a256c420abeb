"""Forks: parent and children export what they finish, once, under identities of their own."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

pytestmark = pytest.mark.fork

# How the program forks. A C library that forks (as uWSGI does) runs none of Python's hooks.
FORKS = {
    "os.fork": "from os import fork",
    "C fork": "import ctypes; fork = ctypes.PyDLL(None).fork",
    "C fork without the GIL": "import ctypes; fork = ctypes.CDLL(None).fork",
}


@pytest.fixture(params=FORKS)
def fork(request: pytest.FixtureRequest) -> str:
    return FORKS[request.param]


def test_parent_and_child_export_what_they_finish_once(
    fork: str, protocol: str, run: Run, arrived: Arrived
) -> None:
    run(
        f"""
        import os
        from tracing import *
        {fork}

        provider = start()
        spans("before", 10)
        child = fork()
        if child == 0:
            spans("child", 20)
            # A C fork leaves Python's own bookkeeping of threads behind; os._exit passes it by.
            provider.shutdown()
            os._exit(0)
        spans("parent", 30)
        assert os.waitpid(child, 0)[1] == 0
        """,
        protocol=protocol,
    )
    assert arrived(60) == {"before": 10, "child": 20, "parent": 30}


def test_a_child_that_ends_like_a_program_exports_at_its_exit(
    protocol: str, run: Run, arrived: Arrived
) -> None:
    run(
        """
        import os
        from tracing import *

        start()
        spans("before", 10)
        child = os.fork()
        spans("after" if child else "child", 10)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """,
        protocol=protocol,
    )
    assert arrived(30) == {"before": 10, "after": 10, "child": 10}


def test_a_child_exports_while_it_runs_without_a_flush(
    fork: str, collector: Any, run: Run, arrived: Arrived
) -> None:
    run(
        f"""
        import os, time
        from tracing import *
        {fork}

        start(schedule_delay_millis=100)
        spans("before", 5)
        child = fork()
        if child == 0:
            spans("child", 5)
            time.sleep(1.5)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """
    )
    assert arrived(10) == {"before": 5, "child": 5}


def test_a_fork_before_the_first_span_changes_nothing(run: Run, arrived: Arrived) -> None:
    run(
        """
        import os
        from tracing import *

        start()
        child = os.fork()
        spans("after" if child else "child", 3)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    assert arrived(6) == {"after": 3, "child": 3}


def test_a_fork_while_a_request_is_under_way_sends_it_once(
    fork: str, protocol: str, collector: Any, run: Run, arrived: Arrived
) -> None:
    collector.script([{"do": "accept", "delay": 1.0}])
    run(
        f"""
        import os, time
        from tracing import *
        {fork}

        provider = start(schedule_delay_millis=50)
        spans("before", 100)
        time.sleep(0.5)
        child = fork()
        if child == 0:
            spans("child", 10)
            provider.shutdown()
            os._exit(0)
        spans("parent", 10)
        assert os.waitpid(child, 0)[1] == 0
        """,
        protocol=protocol,
    )
    assert arrived(120) == {"before": 100, "child": 10, "parent": 10}


def test_forks_while_threads_make_spans_lose_and_repeat_nothing(run: Run, arrived: Arrived) -> None:
    finished = run(
        """
        import os, threading
        from tracing import *

        provider = start(max_queue_size=100_000, schedule_delay_millis=20)
        made, stop = [0] * 4, threading.Event()

        def work(number):
            while not stop.is_set():
                spans("thread", 10)
                made[number] += 10
                time.sleep(0.002)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        children = []
        for _ in range(20):
            time.sleep(0.03)
            child = os.fork()
            if child == 0:
                spans("child", 5)
                provider.shutdown()
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        print(sum(made))
        """,
        timeout=60,
    )
    made = int(finished.stdout)
    assert arrived(made + 100) == {"thread": made, "child": 100}


def test_a_fork_from_a_thread(run: Run, arrived: Arrived) -> None:
    run(
        """
        import os, threading
        from tracing import *

        provider = start()
        spans("before", 5)

        def work():
            child = os.fork()
            if child == 0:
                spans("child", 5)
                provider.shutdown()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
    )
    assert arrived(10) == {"before": 5, "child": 5}


def test_nested_forks_each_export_their_own(protocol: str, run: Run, arrived: Arrived) -> None:
    run(
        """
        import os
        from tracing import *

        start()
        for depth in range(4):
            spans(f"depth {depth}", depth + 1)
            child = os.fork()
            if child:
                # This generation makes no more spans, waits for the next and ends.
                assert os.waitpid(child, 0)[1] == 0
                break
        else:
            spans("innermost", 1)
        """,
        protocol=protocol,
    )
    expected = {"depth 0": 1, "depth 1": 2, "depth 2": 3, "depth 3": 4, "innermost": 1}
    assert arrived(11) == expected


def test_a_daemon_that_forks_twice_keeps_its_telemetry(run: Run, arrived: Arrived) -> None:
    run(
        """
        import os
        from tracing import *

        start()
        if os.fork():
            os._exit(0)
        os.setsid()
        if os.fork():
            os._exit(0)
        spans("daemon", 10)
        """
    )
    assert arrived(10) == {"daemon": 10}


def test_a_span_open_over_a_fork_is_the_parent_on_both_sides(
    fork: str, collector: Any, run: Run
) -> None:
    run(
        f"""
        import os
        from tracing import *
        {fork}

        provider = start()
        with span("open"):
            child = fork()
            spans("parent" if child else "child", 3)
            if child == 0:
                provider.shutdown()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    made = collector.wait_for(7)
    (open_span,) = (span for span in made if span["name"] == "open")
    inner = [span for span in made if span["name"] != "open"]
    assert Counter(span["name"] for span in inner) == {"parent": 3, "child": 3}
    assert {span["parent_span_id"] for span in inner} == {open_span["span_id"]}
    assert {span["trace_id"] for span in inner} == {open_span["trace_id"]}


def test_ids_do_not_repeat_across_forks(fork: str, collector: Any, run: Run) -> None:
    run(
        f"""
        import os
        from tracing import *
        {fork}

        provider = start(max_queue_size=10_000)
        spans("warm", 10)
        children = []
        for _ in range(4):
            child = fork()
            if child == 0:
                spans("child", 500)
                provider.shutdown()
                os._exit(0)
            children.append(child)
        spans("parent", 500)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    made = collector.wait_for(2510)
    assert len(made) == 2510
    assert len({span["trace_id"] for span in made}) == 2510
    assert len({span["span_id"] for span in made}) == 2510


@pytest.mark.parametrize("how", ["os.fork", "C fork"])
def test_the_child_is_an_instance_of_its_own(how: str, collector: Any, run: Run) -> None:
    run(
        f"""
        import os
        from tracing import *
        {FORKS[how]}

        provider = start(schedule_delay_millis=50)
        spans("parent", 1)
        child = fork()
        if child == 0:
            spans("child", 1)
            spans("child", 1)
            provider.shutdown()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        spans("parent", 1)
        """,
        env={"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process"},
    )
    resources: dict[str, list[dict[str, Any]]] = {"parent": [], "child": []}
    for span in collector.wait_for(4):
        resources[span["name"]].append(span["resource"])
        assert span["resource"]["process.pid"] == span["attributes"]["pid"]
    parent, child = resources["parent"], resources["child"]
    assert len(parent) == len(child) == 2
    assert parent[0] == parent[1]
    assert child[0] == child[1]
    assert parent[0]["service.instance.id"] != child[0]["service.instance.id"]
    of_the_process = ("service.instance.id", "process.pid", "process.parent_pid")
    for key in parent[0]:
        if key not in of_the_process:
            assert parent[0][key] == child[0][key]


def test_threads_that_start_in_a_child_at_once_share_its_identity(collector: Any, run: Run) -> None:
    run(
        """
        import os, threading
        from tracing import *

        provider = start()
        spans("parent", 1)
        children = []
        for _ in range(8):
            child = os.fork()
            if child == 0:
                ready = threading.Barrier(8)

                def work():
                    ready.wait()
                    spans("child", 5)

                threads = [threading.Thread(target=work) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                provider.shutdown()
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    identities: dict[int, set[str]] = {}
    for span in collector.wait_for(1 + 8 * 40):
        identity = span["resource"]["service.instance.id"]
        identities.setdefault(span["attributes"]["pid"], set()).add(identity)
    assert len(identities) == 9
    assert [len(found) for found in identities.values()] == [1] * 9
    assert len(set.union(*identities.values())) == 9


def test_subprocesses_leave_the_parent_as_it_is(collector: Any, run: Run) -> None:
    run(
        """
        import os, subprocess, sys
        from tracing import *

        start(schedule_delay_millis=20)
        for index in range(30):
            spans("work", 1)
            subprocess.run(["/bin/true"], check=True)
            pid = os.posix_spawn("/bin/true", ["true"], os.environ)
            assert os.waitpid(pid, 0)[1] == 0
        # preexec_fn makes subprocess fork instead of vfork.
        subprocess.run(["/bin/true"], check=True, preexec_fn=lambda: None)
        assert os.system("/bin/true") == 0
        spans("work", 1)
        """
    )
    made = collector.wait_for(31)
    assert len(made) == 31
    assert len({span["resource"]["service.instance.id"] for span in made}) == 1


def test_a_child_waits_for_a_receiver_that_its_parent_has_reached(
    protocol: str, collector: Any, start_program: Callable[..., Any], arrived: Arrived
) -> None:
    running = start_program(
        """
        import os, signal
        from tracing import *

        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        provider = start()
        spans("before", 10)
        assert provider.force_flush()
        print("reached", flush=True)
        signal.sigwait([signal.SIGUSR1])
        child = os.fork()
        if child == 0:
            spans("child", 37)
        else:
            print("forked", flush=True)
            assert os.waitpid(child, 0)[1] == 0
        """,
        protocol=protocol,
    )
    running.wait_for_line("reached")
    collector.refuse()
    running.signal(signal.SIGUSR1)
    running.wait_for_line("forked")
    time.sleep(0.5)
    collector.listen()
    finished = running.finish()
    assert finished.exit_code == 0, finished.stderr
    assert arrived(47) == {"before": 10, "child": 37}


def test_no_thread_of_ours_is_at_an_import_while_the_program_forks() -> None:
    """It would be there for ever in the child, which imports the same when it ends."""
    program = """if True:
        import sys
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/", timeout=1)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        before = {name for name in sys.modules if name.startswith("oxitel")}
        provider.get_tracer("test").start_span("lost").end()
        provider.shutdown()
        after = {name for name in sys.modules if name.startswith("oxitel")}
        print(sorted(after - before))
    """
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "refused" in ended.stderr
    assert ended.stdout == "[]\n"
