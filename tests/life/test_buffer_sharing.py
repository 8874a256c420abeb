"""The buffer on disk where others have a part in it: children that are forked at any moment,
programs that close what they do not know, and several providers of one process."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

# Three hundred spans of which the queue has room for twenty: the rest is on disk alone.
OUTAGE = """
    import signal
    from tracing import *

    def wait_for(name):
        while not os.path.exists(name):
            time.sleep(0.01)

    provider = start(schedule_delay_millis=100, max_queue_size=20, max_export_batch_size=10)
    for _ in range(30):
        spans("kept", 10)
        time.sleep(0.1)
    print("kept", flush=True)
"""
NEXT_START = """
    from tracing import *

    start()
    time.sleep(600)
"""


def segments(buffer: dict[str, str]) -> list[Path]:
    return list(Path(buffer["OXITEL_BUFFER_DIRECTORY"]).rglob("*.seg"))


@pytest.mark.fork
def test_a_child_that_is_forked_while_kept_spans_are_sent_is_in_nobodys_way(
    collector: Any, tmp_path: Path, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        OUTAGE
        + """
    wait_for("go")
    if os.fork() == 0:
        print("child is there", flush=True)
        time.sleep(600)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
        """,
        env=buffer,
    )
    running.wait_for_line("kept")
    collector.listen()
    # What is in memory, and the first of what is on disk.
    collector.wait_for_count(50, 60)
    (tmp_path / "go").touch()
    running.wait_for_line("child is there")
    start_program(NEXT_START, env=buffer)
    collector.wait_for_count(300, 60)
    assert running.stdout.ended(0.1) is False, "the child lives"
    # The one that was on its way may come twice.
    assert arrived().total() <= 310


def test_descriptors_that_are_closed_while_kept_spans_are_sent_cost_nothing(
    collector: Any, tmp_path: Path, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        OUTAGE
        + """
    wait_for("go")
    os.closerange(3, 1000)
    theirs = [open(f"theirs{index}", "w+b") for index in range(50)]
    print("closed", flush=True)
    wait_for("flush")
    print("flushed", provider.force_flush(60000), flush=True)
    spans("after", 10)
    provider.shutdown()
    print("sizes", sum(os.fstat(file.fileno()).st_size for file in theirs), flush=True)
        """,
        env=buffer,
    )
    running.wait_for_line("kept")
    # Each answer takes a while, so that one is always on its way.
    collector.script([{"do": "accept", "delay": 1.0, "times": 8}])
    collector.listen()
    collector.wait_for_count(40, 60)
    (tmp_path / "go").touch()
    running.wait_for_line("closed")
    # All of it comes though the program has nothing more to say.
    collector.wait_for_count(300, 60)
    (tmp_path / "flush").touch()
    running.wait_for_line("flushed True", 60)
    finished = running.finish()
    assert "sizes 0\n" in finished.stdout
    assert finished.stderr == "" or "lost" not in finished.stderr, finished.stderr
    got = arrived()
    assert got["after"] == 10
    # What was on its way comes twice.
    assert 300 <= got["kept"] <= 330


def test_what_one_provider_has_kept_is_delivered_by_another_one_of_the_same_process(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        """
            from tracing import *

            def provider(service):
                made = TracerProvider(resource=Resource.create({"service.name": service}))
                made.add_span_processor(BatchSpanProcessor(exporter(), schedule_delay_millis=100))
                return made

            def spans_of(provider, name):
                for _ in range(10):
                    provider.get_tracer("life").start_span(name).end()

            first, same, other = provider("shop"), provider("shop"), provider("cart")
            for one, name in ((first, "first"), (same, "same"), (other, "other")):
                spans_of(one, name)
            time.sleep(1)
            first.shutdown()
            print("ended", flush=True)
            time.sleep(600)
        """,
        env=buffer,
    )
    running.wait_for_line("ended")
    assert len(segments(buffer)) == 3
    collector.listen()
    collector.wait_for_count(30, 30)
    assert arrived() == {"first": 10, "same": 10, "other": 10}
    services = {(span["name"], span["resource"]["service.name"]) for span in collector.spans()}
    assert services == {("first", "shop"), ("same", "shop"), ("other", "cart")}


@pytest.mark.fork
def test_forks_while_others_files_are_taken_over_lose_nothing(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    # Forty processes die and leave five spans each, of which a part is on disk, a part in memory.
    running = start_program(
        """
            import signal
            from tracing import *
            start(schedule_delay_millis=60000)
            for _ in range(40):
                if os.fork() == 0:
                    spans("left", 5)
                    time.sleep(0.01 * (os.getpid() % 40))
                    os.kill(os.getpid(), signal.SIGKILL)
            for _ in range(40):
                os.wait()
        """,
        env=buffer,
    )
    assert running.finish().exit_code == 0
    # Whoever takes them over forks all the time, and is killed, and so are its children.
    forking = """
        import signal, threading
        from tracing import *
        start(schedule_delay_millis=100)
        spans("forking", 1)
        end = now() + 12
        while now() < end:
            child = os.fork()
            if child == 0:
                spans("child", 1)
                os._exit(0)
            os.waitpid(child, 0)
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert start_program(forking, env=buffer).finish(60).exit_code == -signal.SIGKILL
    start_program(NEXT_START, env=buffer)
    begin = time.monotonic()
    while segments(buffer) or list(Path(buffer["OXITEL_BUFFER_JOURNAL"]).rglob("*.ring")):
        assert time.monotonic() - begin < 90, "files are left"
        time.sleep(0.2)
    got = arrived()
    assert got["left"] >= 200 and got["child"] > 20 and got["forking"] >= 1
    # At most a batch for the one that was killed.
    assert got["left"] <= 200 + 200
    names = [span for span in collector.spans() if span["name"] == "left"]
    assert len({span["span_id"] for span in names}) == 200
