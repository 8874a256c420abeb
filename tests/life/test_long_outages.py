"""Outages that are longer than memory lasts: of one process, and of many that share a directory
and are killed meanwhile. In seconds here; `make test-buffer` takes the minutes that the promise is
about.
"""

import mmap
import os
import re
import struct
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]

IS_LONG = os.environ.get("OXITEL_BUFFER_LONG_OUTAGES") == "1"

# Five hundred spans a second, as far as the machine keeps up; now and then how much memory that
# takes.
STEADY = """
    import sys
    from tracing import *

    start({options})
    seconds, payload = float(sys.argv[1]), "x" * int(sys.argv[2])

    def memory():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    begin = now()
    index = said = 0
    while (elapsed := now() - begin) < seconds:
        # What a busy machine has missed is caught up with, not all at once.
        for _ in range(10):
            if index < elapsed * 500:
                with span(f"span 0/{{index}}.", payload=payload):
                    pass
                index += 1
        if elapsed > (said + 1) * seconds / 30:
            said += 1
            print("memory", memory(), flush=True)
        time.sleep(0.01)
    print("made", index, flush=True)
    time.sleep(1000)
"""

# Has so many children at work at a time, and kills one of them now and then when it is told to.
# Each notes in shared memory how many of its spans have ended, and works until that memory says so.
CROWD = """
    import mmap, random, signal, struct, sys
    from tracing import *

    processes, pause = int(sys.argv[2]), float(sys.argv[3])
    start(schedule_delay_millis=1000, max_export_batch_size=64, max_queue_size=256)
    with open(sys.argv[1], "r+b") as file:
        notes = mmap.mmap(file.fileno(), 0)

    def work(number):
        index = 0
        time.sleep(random.uniform(0, pause))
        while not notes[0]:
            with span(f"span {number}/{index}."):
                pass
            index += 1
            struct.pack_into("q", notes, 8 + number * 8, index)
            time.sleep(pause)
        trace.get_tracer_provider().shutdown()
        os._exit(0)

    living, born = [], 0
    kill_every, killed_at = float(sys.argv[4]), now()
    while not notes[0]:
        while len(living) < processes:
            child = os.fork()
            if child == 0:
                work(born)
            living.append(child)
            born += 1
        if notes[1] and now() - killed_at > kill_every:
            killed_at = now()
            child = living.pop(random.randrange(len(living)))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            notes[2:4] = struct.pack("H", struct.unpack("H", notes[2:4])[0] + 1)
        time.sleep(0.02)
    for child in living:
        os.waitpid(child, 0)
    print("over", born, flush=True)
"""

# Delivers what is left.
NEXT_START = """
    from tracing import *

    start()
    time.sleep(600)
"""

# With so much around it that no ids and times look like it.
NAME = re.compile(rb"span (\d+/\d+)\.")


def requests(collector: Any) -> Iterator[tuple[int, list[str]]]:
    """When each accepted request came, in nanoseconds, and the names of its spans."""
    for request in collector.requests(body=True, decoded=False):
        if request.accepted and request.signal == "traces":
            yield request.unix_nanos, [name.decode() for name in NAME.findall(request.body)]


def bytes_in(directory: Path, suffix: str = ".seg") -> int:
    total = 0
    for path in directory.rglob(f"*{suffix}"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            pass
    return total


def wait_until(is_so: Callable[[], bool], timeout: float, what: Callable[[], str]) -> None:
    end = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < end, what()
        time.sleep(0.2)


@pytest.mark.timeout(1800)
def test_an_outage_longer_than_memory_lasts_costs_nothing_and_no_memory(
    tmp_path: Path, collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    # The long one is as it comes. In the short one memory lasts for some seconds, and what passes
    # through in the rest would show.
    seconds, payload, options = (600, 100, "") if IS_LONG else (20, 6000, "max_queue_size=2048")
    (tmp_path / "steady.py").write_text(textwrap.dedent(STEADY.format(options=options)))
    collector.refuse()
    running = start_program(
        command=["steady.py", str(seconds), str(payload)], protocol="http", env=buffer
    )
    running.wait_for_line("made", seconds + 120)
    lines = [line.split() for line in running.stdout.lines]
    memory = [int(words[1]) for words in lines if words[0] == "memory"]
    (made,) = (int(words[1]) for words in lines if words[0] == "made")
    on_disk = bytes_in(Path(buffer["OXITEL_BUFFER_DIRECTORY"]))
    collector.listen()
    began = time.monotonic()
    # What is in memory goes first, in the time that it took to come.
    directory = Path(buffer["OXITEL_BUFFER_DIRECTORY"])
    wait_until(
        lambda: bytes_in(directory) < 64 << 10,
        900,
        lambda: f"{bytes_in(directory)} bytes are left: {running.stderr}",
    )
    took = time.monotonic() - began
    running.kill()
    got = Counter(name for _, names in requests(collector) for name in names)
    lost = made - len(got)
    twice = got.total() - len(got)
    # When memory is as full as it gets, and at the end.
    full, end = max(memory[10:15]), max(memory[-5:])
    print(
        f"{made} spans in {seconds} s without a receiver, {lost} lost, {twice} twice; memory "
        f"{memory[0] >> 10} KiB at first, {full >> 10} in the middle, {end >> 10} at the end; "
        f"{on_disk >> 10} KiB on disk, delivered in {took:.0f} s"
    )
    assert (lost, twice) == (0, 0)
    assert set(got) == {f"0/{index}" for index in range(made)}
    # It was on disk, or this tests nothing.
    assert on_disk > made * payload * 0.9
    assert end - full < made * payload / 8


@pytest.mark.fork
@pytest.mark.timeout(1500)
def test_processes_that_share_a_directory_and_are_killed_lose_nothing_in_an_outage(
    tmp_path: Path, collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    processes, pause, kill_every = (64, 0.05, 1.0) if IS_LONG else (8, 0.02, 0.5)
    before, outage, after = (20, 180, 60) if IS_LONG else (6, 8, 6)
    limit = 256 << 20 if IS_LONG else 8 << 20
    notes_path = tmp_path / "notes"
    notes_path.write_bytes(bytes(8 + 8 * 1000))
    (tmp_path / "crowd.py").write_text(textwrap.dedent(CROWD))
    env = buffer | {"OXITEL_BUFFER_MAX_BYTES": str(limit)}
    directory = Path(buffer["OXITEL_BUFFER_DIRECTORY"])
    most_on_disk = 0

    def watch(seconds: float) -> None:
        nonlocal most_on_disk
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            most_on_disk = max(most_on_disk, bytes_in(directory))
            time.sleep(0.25)

    with notes_path.open("r+b") as file:
        notes = mmap.mmap(file.fileno(), 0)
    running = start_program(
        command=["crowd.py", str(notes_path), str(processes), str(pause), str(kill_every)],
        protocol="http",
        env=env,
    )
    wait_until(lambda: collector.count() > processes, 120, lambda: str(running.stderr))
    begin = time.time()
    watch(before)
    away = time.time()
    notes[1] = 1
    collector.refuse()
    watch(outage)
    collector.listen()
    back = time.time()
    watch(after)
    end = time.time()
    notes[0] = 1
    running.wait_for_line("over", 120)
    (kills,) = struct.unpack("H", notes[2:4])
    born = int(str(running.stdout).split()[-1])
    start_program(NEXT_START, protocol="http", env=env)

    def is_empty() -> bool:
        watch(1)
        rings = list(Path(buffer["OXITEL_BUFFER_JOURNAL"]).rglob("*.ring"))
        return not rings and not list(directory.rglob("*.seg"))

    wait_until(is_empty, 300, lambda: f"{bytes_in(directory)} bytes are left")
    came = list(requests(collector))
    got = Counter(name for _, names in came for name in names)
    ended = {}
    for number in range(born):
        (count,) = struct.unpack_from("q", notes, 8 + number * 8)
        ended.update({f"{number}/{index}": number for index in range(count)})
    lost = [name for name in ended if name not in got]
    # One more may have ended just before its process was killed.
    spurious = {name for name in got if name not in ended}
    twice = got.total() - len(got)

    def rate(first: float, last: float, of: Callable[[list[str]], int]) -> float:
        counts = (of(names) for at, names in came if first <= at / 1e9 < last)
        return sum(counts) / (last - first)

    def fastest(of: Callable[[list[str]], int], window: float = 5.0) -> float:
        starts = (back + step for step in range(int(end - back - window) + 1))
        return max(rate(first, first + window, of) for first in starts)

    live, most = rate(begin, away, len), fastest(len)
    live_requests, most_requests = rate(begin, away, lambda _: 1), fastest(lambda _: 1)
    print(
        f"{processes} processes, {outage} s without a receiver, {kills} kills: {len(ended)} ended, "
        f"{len(lost)} lost, {twice} twice; at most {most_on_disk >> 10} KiB on disk; "
        f"{live:.0f} spans/s in {live_requests:.0f} requests/s before, at most {most:.0f} in "
        f"{most_requests:.0f} afterwards, in five seconds"
    )
    assert len(ended) > processes * 100
    assert kills > outage / kill_every / 4
    assert lost == []
    assert len(spurious) <= kills
    assert twice <= (kills + processes) * 64
    assert most_on_disk <= limit
    # At most twenty requests of what is kept, and a few of what each has in memory; the long one
    # has so many live ones that it never gets twice as many.
    assert most_requests <= live_requests + 30
    assert not IS_LONG or most_requests <= live_requests * 2
