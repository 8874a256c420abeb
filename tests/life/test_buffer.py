"""The buffer on disk: what a process has not delivered outlives it, however it ends.

The oracle is a file in shared memory in which each producer notes the moment at which a span's end
returned; it is never killed. The judge compares it with what the receiver got: what ended is there
(without shared memory, what ended before the last write), nothing is there that was not made, and
hardly anything twice.
"""

import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

# `make test-buffer` tries a thousand.
KILLS = int(os.environ.get("OXITEL_BUFFER_KILLS", "100"))
MOST_SPANS = 2000
# Two writes, and what a busy machine may add.
UNWRITTEN_SECONDS = 0.9

# Forks producers, each of which makes spans until it is killed and notes when each one ended.
PRODUCERS = f"""
    import mmap, os, struct, sys
    from tracing import *

    start(schedule_delay_millis=300, max_export_batch_size=64)
    with open(sys.argv[1], "r+b") as file:
        times = mmap.mmap(file.fileno(), 0)
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line)
        child = os.fork()
        if child == 0:
            for index in range({MOST_SPANS}):
                with span(f"{{number}}/{{index}}"):
                    pass
                struct.pack_into("d", times, (number * {MOST_SPANS} + index) * 8, now())
                time.sleep(0.001)
            time.sleep(60)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)
"""

# Delivers what others have left, and ends when it is told to.
NEXT_START = """
    from tracing import *

    start()
    print("ready", flush=True)
    time.sleep(600)
"""


def files(buffer: dict[str, str]) -> list[Path]:
    return list(Path(buffer["OXITEL_BUFFER_DIRECTORY"]).rglob("*.seg"))


def rings(buffer: dict[str, str]) -> list[Path]:
    return list(Path(buffer["OXITEL_BUFFER_JOURNAL"]).rglob("*.ring"))


def wait_until(is_so: Callable[[], bool], timeout: float, what: str) -> None:
    end = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.fork
@pytest.mark.parametrize("journal", ["in memory", "off"])
def test_sigkill_at_any_moment_costs_nothing_or_without_a_journal_what_was_not_written_yet(
    journal: str, tmp_path: Path, collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    if journal == "off":
        buffer |= {"OXITEL_BUFFER_JOURNAL": "off"}
    times_path = tmp_path / "times"
    times_path.write_bytes(bytes(KILLS * MOST_SPANS * 8))
    (tmp_path / "producers.py").write_text(textwrap.dedent(PRODUCERS))
    environment = dict(os.environ) | buffer
    environment |= {
        "PYTHONPATH": str(Path(__file__).parent / "programs"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint,
        "LIFE_PROTOCOL": "http",
        "PYTHONWARNINGS": "ignore",
    }
    producers = subprocess.Popen(
        [sys.executable, str(tmp_path / "producers.py"), str(times_path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert producers.stdin is not None
    assert producers.stdout is not None
    assert producers.stdout.readline() == "ready\n"
    # The receiver has a request before it says so: who is killed meanwhile sends it again.
    collector.script([{"do": "accept", "delay": 0.2, "times": KILLS}])
    killed_at = []
    for number in range(KILLS):
        # Every third one while the receiver is away.
        if number % 6 == 2:
            collector.refuse()
        if number % 6 == 4:
            collector.listen()
        producers.stdin.write(f"{number}\n")
        producers.stdin.flush()
        child = int(producers.stdout.readline())
        time.sleep(random.uniform(0.01, 0.9 if KILLS <= 100 else 0.5))
        killed_at.append(time.clock_gettime(time.CLOCK_MONOTONIC))
        os.kill(child, signal.SIGKILL)
        assert producers.stdout.readline() == "gone\n"
    collector.listen()
    producers.communicate(timeout=10)

    running = start_program(NEXT_START, env=buffer, protocol="http")
    running.wait_for_line("ready")
    wait_until(
        lambda: not files(buffer) and not rings(buffer),
        60 + KILLS / 3,
        f"{len(files(buffer))} files and {len(rings(buffer))} rings are left",
    )
    running.kill()

    with times_path.open("r+b") as file:
        times = mmap.mmap(file.fileno(), 0)
    ended = {}
    for number in range(KILLS):
        for index in range(MOST_SPANS):
            (at,) = struct.unpack_from("d", times, (number * MOST_SPANS + index) * 8)
            if at:
                ended[f"{number}/{index}"] = killed_at[number] - at
    got = Counter(span["name"] for span in collector.spans())
    lost = {name: age for name, age in ended.items() if name not in got}
    twice = sum(count - 1 for count in got.values())
    print(f"{KILLS} kills, {journal}: {len(ended)} ended, {len(lost)} lost, {twice} twice")
    assert len(ended) > KILLS * 20
    may_be_lost = UNWRITTEN_SECONDS if journal == "off" else -1.0
    assert {name: age for name, age in lost.items() if age > may_be_lost} == {}
    # A span that the oracle does not know may have ended just before the kill, and no other.
    spurious = [name for name in got if name not in ended]
    known = Counter(name.split("/")[0] for name in ended)
    assert all(int(name.split("/")[1]) <= known[name.split("/")[0]] for name in spurious)
    # Else nothing was sent again, and this tests nothing.
    assert 0 < twice <= KILLS * 64
    # The rest of each producer's spans came without a gap.
    assert len(lost) < len(ended) / 2


def test_the_next_start_delivers_what_a_killed_process_has_left(
    protocol: str, collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        """
            import os, signal
            from tracing import *
            start()
            spans("kept", 300)
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        protocol=protocol,
        env=buffer,
    )
    assert running.finish().exit_code == -signal.SIGKILL
    assert len(files(buffer)) == 1
    collector.listen()
    running = start_program(NEXT_START, protocol=protocol, env=buffer)
    running.wait_for_line("ready")
    wait_until(lambda: not files(buffer), 20, "a file is left")
    assert arrived(300) == {"kept": 300}


def test_an_end_without_a_receiver_takes_no_time_and_says_what_is_kept(
    protocol: str, buffer: dict[str, str], start_program: Start, refused: str
) -> None:
    env = buffer | {"OTEL_EXPORTER_OTLP_ENDPOINT": refused}
    running = start_program(
        """
            from tracing import *
            start()
            spans("kept", 37)
            say_now("end")
        """,
        protocol=protocol,
        env=env,
    )
    finished = running.finish()
    assert finished.exit_code == 0
    assert finished.end - finished.said("end") < 1.5
    directory = buffer["OXITEL_BUFFER_DIRECTORY"]
    assert f"37 spans are kept in {directory}" in finished.stderr
    assert "not delivered" not in finished.stderr


def test_a_flush_is_not_done_while_spans_are_kept(
    buffer: dict[str, str], run: Run, refused: str
) -> None:
    env = buffer | {"OTEL_EXPORTER_OTLP_ENDPOINT": refused}
    finished = run(
        """
            from tracing import *
            provider = start()
            spans("kept", 5)
            print("flushed", provider.force_flush(500))
        """,
        env=env,
        silent=False,
    )
    assert "flushed False" in finished.stdout


def test_sigterm_keeps_what_the_receiver_does_not_take_and_waits_for_nothing(
    buffer: dict[str, str], start_program: Start, refused: str
) -> None:
    env = buffer | {"OTEL_EXPORTER_OTLP_ENDPOINT": refused}
    running = start_program(
        """
            from tracing import *
            start(schedule_delay_millis=200)
            spans("kept", 20)
            time.sleep(1)
            print("ready", flush=True)
            time.sleep(60)
        """,
        env=env,
    )
    running.wait_for_line("ready")
    begin = time.clock_gettime(time.CLOCK_MONOTONIC)
    running.signal(signal.SIGTERM)
    finished = running.finish()
    assert finished.exit_code == -signal.SIGTERM
    assert finished.end - begin < 1.0
    assert "20 spans are kept in" in finished.stderr


@pytest.mark.fork
def test_children_of_a_fork_keep_their_own_and_hold_nothing_of_their_parent(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        """
            import signal
            from tracing import *
            start(schedule_delay_millis=200)
            spans("parent", 10)
            time.sleep(0.6)
            if os.fork() == 0:
                spans("child", 10)
                time.sleep(0.6)
                print("child is ready", flush=True)
                time.sleep(60)
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        env=buffer,
    )
    running.wait_for_line("child is ready")
    assert len(files(buffer)) == 2
    collector.listen()
    # The child delivers its own, and what its dead parent has left.
    wait_until(lambda: len(collector.spans()) >= 20, 20, "not all has arrived")
    assert arrived() == {"parent": 10, "child": 10}


def test_a_program_that_closes_all_descriptors_loses_nothing_and_finds_nothing_of_ours_in_its_files(
    collector: Any, tmp_path: Path, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        """
            from tracing import *
            start(schedule_delay_millis=200)
            spans("before", 100)
            time.sleep(0.6)
            os.closerange(3, 1000)
            theirs = [open(f"theirs{index}", "w+b") for index in range(50)]
            for _ in range(10):
                spans("after", 10)
                time.sleep(0.1)
            print("ready", flush=True)
            time.sleep(20)
            print([os.stat(file.fileno()).st_size for file in theirs], flush=True)
        """,
        env=buffer,
    )
    running.wait_for_line("ready")
    collector.listen()
    collector.wait_for_count(200, 20)
    assert arrived() == {"before": 100, "after": 100}
    assert all(path.stat().st_size == 0 for path in tmp_path.glob("theirs*"))
    running.kill()


@pytest.mark.parametrize(
    "kind", ["a file", "a link", "open to others", "missing and not to be made"]
)
def test_a_directory_that_cannot_be_used_is_named_once_and_harms_nothing(
    kind: str, collector: Any, tmp_path: Path, run: Run, arrived: Arrived
) -> None:
    directory = tmp_path / "buffer"
    root = directory / "oxitel-buffer-v1"
    directory.mkdir()
    if kind == "a file":
        root.write_text("theirs")
    elif kind == "a link":
        (tmp_path / "elsewhere").mkdir()
        root.symlink_to(tmp_path / "elsewhere")
    elif kind == "open to others":
        root.mkdir(mode=0o777)
        root.chmod(0o777)
    else:
        directory = Path("/proc/oxitel")
    finished = run(
        """
            from tracing import *
            start(schedule_delay_millis=100)
            for _ in range(5):
                spans("delivered", 10)
                time.sleep(0.2)
        """,
        env={"OXITEL_BUFFER_DIRECTORY": str(directory)},
        silent=False,
    )
    assert arrived(50) == {"delivered": 50}
    assert finished.stderr.count("the buffer cannot be used: ") == 1
    assert str(directory) in finished.stderr
    assert not (tmp_path / "elsewhere").exists() or not any((tmp_path / "elsewhere").iterdir())


@pytest.mark.skipif(
    not os.access("/dev/full", os.W_OK) or os.geteuid() != 0, reason="mounts a disk"
)
def test_a_full_disk_is_said_once_and_used_again_when_there_is_room(
    tmp_path: Path, collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        (disk / "ballast").write_bytes(bytes(7_900_000))
        collector.refuse()
        running = start_program(
            """
                from tracing import *
                start(schedule_delay_millis=200)
                for _ in range(20):
                    spans("kept", 10)
                    time.sleep(0.05)
                print("ready", flush=True)
                time.sleep(60)
            """,
            env=buffer | {"OXITEL_BUFFER_DIRECTORY": str(disk)},
        )
        running.wait_for_line("ready")
        collector.listen()
        assert arrived(200) == {"kept": 200}
        wait_until(lambda: "nearly full" in str(running.stderr), 5, str(running.stderr))
        assert str(running.stderr).count("the buffer cannot be used: ") == 1
        running.kill()
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_what_was_kept_for_one_endpoint_goes_to_no_other(
    collector: Any, buffer: dict[str, str], start_program: Start, refused: str, arrived: Arrived
) -> None:
    running = start_program(
        """
            from tracing import *
            start()
            spans("for another", 5)
        """,
        env=buffer | {"OTEL_EXPORTER_OTLP_ENDPOINT": refused},
    )
    assert running.finish().exit_code == 0
    assert len(files(buffer)) == 1
    running = start_program(NEXT_START, env=buffer)
    running.wait_for_line("ready")
    time.sleep(8)
    assert arrived() == {}
    assert len(files(buffer)) == 1


def test_no_header_and_no_secret_of_the_endpoint_is_on_disk(
    buffer: dict[str, str], start_program: Start, refused: str
) -> None:
    with_secrets = refused.replace("http://", "http://user:passw0rd@") + "/v1/traces?key=qu3ry"
    running = start_program(
        """
            from tracing import *
            start()
            spans("kept", 5)
        """,
        protocol="http",
        env=buffer
        | {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": with_secrets,
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=h3ader",
        },
    )
    assert running.finish().exit_code == 0
    (file,) = files(buffer)
    content = file.read_bytes()
    assert b"kept" in content
    for secret in (b"passw0rd", b"qu3ry", b"h3ader"):
        assert secret not in content


def test_a_directory_that_is_deleted_while_the_program_runs_is_made_anew(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        """
            from tracing import *
            start(schedule_delay_millis=200)
            for _ in range(20):
                spans("kept", 10)
                time.sleep(0.1)
            print("ready", flush=True)
            time.sleep(60)
        """,
        env=buffer,
    )
    wait_until(lambda: bool(files(buffer)), 10, "nothing was written")
    shutil.rmtree(buffer["OXITEL_BUFFER_DIRECTORY"])
    running.wait_for_line("ready")
    time.sleep(0.5)
    assert len(files(buffer)) == 1
    collector.listen()
    assert arrived(200) == {"kept": 200}


def test_oxitel_run_and_the_configuration_file_have_the_settings_too(
    collector: Any, tmp_path: Path, life_environment: dict[str, str], refused: str
) -> None:
    (tmp_path / "otel.json").write_text(
        json.dumps(
            {
                "file_format": "1.0",
                "distribution": {
                    "oxitel": {"buffer": {"directory": str(tmp_path / "of file"), "journal": "off"}}
                },
                "tracer_provider": {
                    "processors": [{"batch": {"exporter": {"otlp_grpc": {"endpoint": refused}}}}]
                },
            }
        )
    )
    program = "from opentelemetry.trace import get_tracer; get_tracer('a').start_span('b').end()"
    quiet = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": refused,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    for options, env, directory in [
        (["--buffer-directory", str(tmp_path / "of option")], quiet, "of option"),
        (["--config-file", str(tmp_path / "otel.json")], {}, "of file"),
        (
            ["--buffer-directory", "auto"],
            quiet | {"STATE_DIRECTORY": str(tmp_path / "of systemd")},
            "of systemd",
        ),
    ]:
        finished = subprocess.run(
            [sys.executable, "-m", "oxitel", "run", *options, sys.executable, "-c", program],
            env=life_environment | env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"1 span is kept in {tmp_path / directory}" in finished.stderr
        assert len(files({"OXITEL_BUFFER_DIRECTORY": str(tmp_path / directory)})) == 1


@pytest.mark.parametrize(
    ("changed", "is_delivered"),
    [
        ({"OTEL_EXPORTER_OTLP_HEADERS": "authorization=new"}, True),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TIMEOUT": "3"}, True),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "7"}, True),
        ({"LIFE_PROTOCOL": "grpc"}, False),
        ({"LIFE_SERVICE": "another"}, False),
        ({"LIFE_SERVICE": ""}, False),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else str(value),
)
def test_a_configuration_that_is_changed_between_two_starts(
    changed: dict[str, str],
    is_delivered: bool,
    collector: Any,
    buffer: dict[str, str],
    start_program: Start,
    arrived: Arrived,
) -> None:
    collector.refuse()
    running = start_program(
        """
            import os, signal
            from tracing import *
            start()
            spans("kept", 30)
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        protocol="http",
        env=buffer,
    )
    assert running.finish().exit_code == -signal.SIGKILL
    (kept,) = files(buffer)
    collector.listen()
    running = start_program(NEXT_START, protocol="http", env=buffer | changed)
    running.wait_for_line("ready")
    if is_delivered:
        wait_until(lambda: not files(buffer), 30, "a file is left")
        assert arrived(30) == {"kept": 30}
    else:
        # Longer than the next start takes to look.
        time.sleep(8)
        assert collector.requests() == []
        assert files(buffer) == [kept]
        # Whoever is as the first one was still gets it.
        running = start_program(NEXT_START, protocol="http", env=buffer)
        wait_until(lambda: not files(buffer), 30, "a file is left")
        assert arrived(30) == {"kept": 30}


# The buffer's journal. A process ends the moment its last span has ended, so that no thread of ours
# can have done anything: what was accepted is delivered by the next start.
ENDS = {
    "os._exit": ("os._exit(3)", 3),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "a fault": ("ctypes.string_at(0)", -signal.SIGSEGV),
    "abort": ("os.abort()", -signal.SIGABRT),
}


def deliver_the_rest(buffer: dict[str, str], start_program: Start) -> None:
    running = start_program(NEXT_START, env=buffer)
    running.wait_for_line("ready")
    # Its own are not there before it has recorded anything.
    wait_until(lambda: not files(buffer) and not rings(buffer), 40, "something is left")
    running.kill()


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_lost_with_a_process_that_ends_at_once(
    end: str, collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    statement, exit_code = ENDS[end]
    program = f"""
        import ctypes, signal
        from tracing import *
        start()
        spans("kept", 50)
        {statement}
    """
    running = start_program(program, env=buffer)
    assert running.finish().exit_code == exit_code
    assert len(rings(buffer)) == 1
    assert arrived() == {}
    deliver_the_rest(buffer, start_program)
    assert arrived(50) == {"kept": 50}


def test_log_records_are_in_memory_too(buffer: dict[str, str], start_program: Start) -> None:
    running = start_program(
        """
            from logs import *
            start(traces=False)
            for index in range(5):
                log.warning("record %d", index)
            os._exit(0)
        """,
        env=buffer,
    )
    running.finish()
    (ring,) = rings(buffer)
    assert all(f"record {index}".encode() in ring.read_bytes() for index in range(5))


@pytest.mark.fork
def test_children_that_end_by_exit_are_delivered_by_their_parent(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
            from tracing import *
            start(schedule_delay_millis=200)
            spans("parent", 5)
            for _ in range(10):
                if os.fork() == 0:
                    spans("child", 5)
                    os._exit(0)
                os.wait()
            print("ready", flush=True)
            time.sleep(60)
        """,
        env=buffer,
    )
    running.wait_for_line("ready")
    wait_until(lambda: len(collector.spans()) >= 55, 40, "not all has arrived")
    assert arrived() == {"parent": 5, "child": 50}
    # The parent's own is left.
    wait_until(lambda: len(rings(buffer)) == 1, 10, f"{rings(buffer)} are left")
    running.kill()


def test_an_end_in_order_leaves_nothing_in_memory(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
            from tracing import *
            start()
            spans("delivered", 5)
        """,
        env=buffer,
    )
    assert running.finish().exit_code == 0
    assert arrived(5) == {"delivered": 5}
    assert rings(buffer) == []
    folder = next(Path(buffer["OXITEL_BUFFER_JOURNAL"]).iterdir())
    assert folder.name == f"oxitel-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["missing", "a file", "on a disk", "open to others"])
def test_memory_that_cannot_be_used_is_said_once_and_costs_nothing_else(
    kind: str,
    collector: Any,
    tmp_path: Path,
    buffer: dict[str, str],
    start_program: Start,
    arrived: Arrived,
) -> None:
    memory = Path(buffer["OXITEL_BUFFER_JOURNAL"])
    ours = memory / f"oxitel-{os.geteuid()}"
    if kind == "missing":
        buffer |= {"OXITEL_BUFFER_JOURNAL": "/proc/oxitel"}
    elif kind == "a file":
        ours.write_text("theirs")
    elif kind == "on a disk":
        buffer |= {"OXITEL_BUFFER_JOURNAL": str(tmp_path / "disk")}
    else:
        ours.mkdir()
        ours.chmod(0o777)
    running = start_program(
        """
            from tracing import *
            start(schedule_delay_millis=100)
            for _ in range(5):
                spans("delivered", 10)
                time.sleep(0.2)
        """,
        env=buffer,
    )
    finished = running.finish()
    assert finished.exit_code == 0
    assert arrived(50) == {"delivered": 50}
    if kind != "on a disk" or not str(tmp_path).startswith("/dev/shm"):
        assert finished.stderr.count("the buffer has no shared memory: ") == 1
    assert "cannot be used" not in finished.stderr


def test_memory_that_is_deleted_while_the_program_runs_harms_nothing(
    collector: Any, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
            import shutil
            from tracing import *
            start(schedule_delay_millis=100)
            spans("delivered", 10)
            shutil.rmtree(os.environ["OXITEL_BUFFER_JOURNAL"])
            for _ in range(5):
                spans("delivered", 10)
                time.sleep(0.2)
        """,
        env=buffer,
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(60) == {"delivered": 60}


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_memory_that_is_full_is_said_and_no_store_into_it_faults(
    collector: Any, tmp_path: Path, buffer: dict[str, str], start_program: Start, arrived: Arrived
) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "none", str(memory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        (memory / "ballast").write_bytes(bytes((16 << 20) - (2 << 20)))
        program = """
            from tracing import *
            start(schedule_delay_millis=100)
            ballast = open(os.environ["OXITEL_BUFFER_JOURNAL"] + "/more", "ab", buffering=0)
            for _ in range(20):
                spans("delivered", 10)
                try:
                    ballast.write(bytes(1 << 20))
                except OSError:
                    pass
            time.sleep(1)
        """
        buffer |= {"OXITEL_BUFFER_JOURNAL": str(memory)}
        finished = start_program(program, env=buffer).finish()
        assert finished.exit_code == 0
        assert arrived(200) == {"delivered": 200}
        # A small one fits at first; in what is left then, none does.
        again = start_program(program, env=buffer).finish()
        assert again.exit_code == 0
        assert again.stderr.count("the buffer has no shared memory: ") == 1
        assert arrived(400) == {"delivered": 400}
    finally:
        subprocess.run(["umount", str(memory)], check=False)
