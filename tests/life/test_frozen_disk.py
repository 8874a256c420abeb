"""A disk that hangs, as one does that is frozen for a snapshot: what the receiver takes is
delivered all the same, nobody waits, and nothing is lost when the disk is back."""

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("fsfreeze") or not shutil.which("mkfs.ext4"),
    reason="mounts a disk and freezes it",
)


class Disk:
    """A small disk of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Who writes to it meanwhile cannot even be killed."""
        subprocess.run(["fsfreeze", "--freeze", str(self.path)], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    image, path = tmp_path / "image", tmp_path / "disk"
    path.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", image, path]):
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("nothing can be mounted here")
    yield Disk(path)
    # Whoever still has it is ended by then, and perhaps not yet gone.
    for _ in range(50):
        if subprocess.run(["umount", str(path)], check=False).returncode == 0:
            break
        time.sleep(0.1)


# Fifty spans a second under the name that a file says; the longest that one of them took.
STEADY = """
    from tracing import *

    provider = start(schedule_delay_millis=200, {options})
    longest = 0.0
    index = 0
    while (name := open("name").read()) != "end":
        begin = now()
        spans(name, 1)
        longest = max(longest, now() - begin)
        index += 1
        time.sleep(0.02)
    print("longest", longest, flush=True)
    say_now("end")
    provider.shutdown()
    say_now("over")
    print("made", index, flush=True)
"""


def name_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "new-name").write_text(name)
    (tmp_path / "new-name").rename(tmp_path / "name")


def wait_until(is_so: Callable[[], bool], timeout: float, what: str) -> None:
    end = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def files(disk: Disk) -> list[Path]:
    return list(disk.path.rglob("*.seg"))


def start_steady(
    start: Start, buffer: dict[str, str], disk: Disk, options: str = "", **how: Any
) -> Any:
    """A program that has written to the disk."""
    env = buffer | {"OXITEL_BUFFER_DIRECTORY": str(disk.path)}
    running = start(STEADY.format(options=options), env=env, **how)
    wait_until(lambda: bool(files(disk)), 20, str(running.stderr))
    return running


def test_what_the_receiver_takes_is_delivered_while_the_disk_is_frozen(
    protocol: str,
    disk: Disk,
    tmp_path: Path,
    collector: Any,
    buffer: dict[str, str],
    start_program: Start,
    arrived: Arrived,
) -> None:
    name_is(tmp_path, "before")
    running = start_steady(start_program, buffer, disk, protocol=protocol)
    with disk.frozen():
        name_is(tmp_path, "frozen")
        # Far more than what was on its way.
        wait_until(lambda: arrived()["frozen"] > 200, 60, str(running.stderr))
    name_is(tmp_path, "end")
    finished = running.finish()
    made = int(finished.stdout.split()[-1])
    assert arrived().total() == made
    assert float(finished.stdout.split()[1]) < 2
    assert (finished.exit_code, finished.stderr) == (0, "")
    # Nothing that was delivered is left to be sent again: a header at most.
    assert not any(b"frozen" in file.read_bytes() for file in files(disk))


def test_what_is_recorded_while_disk_and_receiver_are_away_is_kept_when_the_disk_is_back(
    disk: Disk,
    tmp_path: Path,
    collector: Any,
    buffer: dict[str, str],
    start_program: Start,
    arrived: Arrived,
) -> None:
    name_is(tmp_path, "before")
    running = start_steady(start_program, buffer, disk, "max_queue_size=1000")
    with disk.frozen():
        collector.refuse()
        name_is(tmp_path, "away")
        time.sleep(5)
    name_is(tmp_path, "end")
    finished = running.finish()
    made = int(finished.stdout.split()[-1])
    came = arrived().total()
    assert f"{made - came} spans are kept in {disk.path}" in finished.stderr
    assert "not delivered" not in finished.stderr
    collector.listen()
    again = start_program(
        """
            from tracing import *
            start()
            time.sleep(60)
        """,
        env=buffer | {"OXITEL_BUFFER_DIRECTORY": str(disk.path)},
    )
    wait_until(lambda: arrived().total() >= made, 40, str(again.stderr))
    assert arrived().total() == made
    again.kill()


def test_an_end_waits_for_a_frozen_disk_no_longer_than_it_may(
    disk: Disk,
    tmp_path: Path,
    collector: Any,
    buffer: dict[str, str],
    start_program: Start,
    arrived: Arrived,
) -> None:
    name_is(tmp_path, "before")
    running = start_steady(start_program, buffer, disk)
    with disk.frozen():
        name_is(tmp_path, "frozen")
        wait_until(lambda: arrived()["frozen"] > 50, 60, str(running.stderr))
        name_is(tmp_path, "end")
        # The kernel lets a process go when the disk has answered, and not before.
        running.wait_for_line("made", 30)
    finished = running.finish()
    assert finished.said("over") - finished.said("end") < 10
    assert arrived().total() == int(finished.stdout.split()[-1])
    assert (finished.exit_code, finished.stderr) == (0, "")
