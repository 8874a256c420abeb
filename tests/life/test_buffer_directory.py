"""Where the buffer on disk is: the ways in which a directory is named, and those in which it cannot
be used."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

# Nobody listens, so what is made is kept.
KEPT = """
    from tracing import *
    {before}
    start(schedule_delay_millis=100)
    os.chdir("/")
    spans("kept", 10)
    time.sleep(0.5)
"""
NO_HOME = 'import pwd; pwd.getpwuid = {}.__getitem__; os.environ.pop("HOME", None)'


def segments(folder: Path) -> list[Path]:
    return list(folder.rglob("*.seg"))


SHORT = """
    from tracing import *
    start(schedule_delay_millis=100)
    spans("sent", 10)
    time.sleep({seconds})
"""


def program(before: str = "") -> str:
    return KEPT.format(before=before)


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("telemetry", "telemetry"),
        ("./a/../telemetry/", "telemetry"),
        ("~/telemetry", "home/telemetry"),
        ("  telemetry ", "telemetry"),
        ("auto", "home/.local/state/oxitel"),
    ],
)
def test_a_directory_is_the_same_wherever_the_program_goes(
    named: str, place: str, collector: Any, tmp_path: Path, run: Run
) -> None:
    collector.refuse()
    (tmp_path / "home").mkdir()
    env = {
        "OXITEL_BUFFER_DIRECTORY": named,
        "HOME": str(tmp_path / "home"),
        # Which a relative one is not (XDG Base Directory Specification).
        "XDG_STATE_HOME": "relative",
    }
    finished = run(program(), env=env, silent=False)
    (segment,) = segments(tmp_path)
    assert segment.is_relative_to(tmp_path / place)
    assert f"10 spans are kept in {tmp_path / place}" in finished.stderr


def test_without_a_home_auto_is_no_directory_at_all(
    collector: Any, tmp_path: Path, run: Run, arrived: Arrived
) -> None:
    env = {"OXITEL_BUFFER_DIRECTORY": "auto", "XDG_STATE_HOME": "", "STATE_DIRECTORY": ""}
    finished = run(program(NO_HOME), env=env, silent=False)
    assert finished.stderr.count("Invalid value for OXITEL_BUFFER_DIRECTORY: 'auto'") == 1
    assert arrived(10) == {"kept": 10}
    assert segments(tmp_path) == []


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_name_is_none(
    value: str, collector: Any, tmp_path: Path, run: Run, arrived: Arrived
) -> None:
    run(program(), env={"OXITEL_BUFFER_DIRECTORY": value})
    assert arrived(10) == {"kept": 10}
    assert segments(tmp_path) == []


@pytest.mark.parametrize("named", ["relative", "absolute"])
def test_a_program_whose_folder_is_gone_is_exported(
    named: str, collector: Any, tmp_path: Path, run: Run, arrived: Arrived
) -> None:
    directory = "telemetry" if named == "relative" else str(tmp_path / "telemetry")
    gone = 'os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")'
    finished = run(
        f"""
            import sys
            from tracing import *
            sys.argv[0] = "program-\\udcff.py"
            {gone}
            start(schedule_delay_millis=100)
            spans("delivered", 10)
        """,
        env={"OXITEL_BUFFER_DIRECTORY": directory},
        silent=named == "absolute",
    )
    assert arrived(10) == {"delivered": 10}
    if named == "relative":
        assert finished.stderr.count("the buffer cannot be used: ") == 1


@pytest.mark.parametrize("kind", ["a file", "a device", "below a file", "a link to nothing"])
def test_what_is_no_directory_is_named_once(
    kind: str, collector: Any, tmp_path: Path, run: Run, arrived: Arrived
) -> None:
    path = tmp_path / "buffer"
    if kind == "a device":
        path = Path("/dev/null")
    elif kind == "a link to nothing":
        path.symlink_to(tmp_path / "nothing")
    else:
        path.write_text("theirs")
        path = path / "below" if kind == "below a file" else path
    finished = run(
        """
            from tracing import *
            start(schedule_delay_millis=50)
            for _ in range(5):
                spans("delivered", 2)
                time.sleep(0.1)
        """,
        env={"OXITEL_BUFFER_DIRECTORY": str(path)},
        silent=False,
    )
    assert arrived(10) == {"delivered": 10}
    assert finished.stderr.count("the buffer cannot be used: ") == 1
    assert str(path) in finished.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk")
def test_a_disk_that_becomes_read_only_is_said_once_and_costs_nothing(
    collector: Any, tmp_path: Path, start_program: Callable[..., Any], arrived: Arrived
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=16m none {disk}"):
        pytest.skip("a disk cannot be mounted here")
    try:
        collector.refuse()
        running = start_program(
            """
                from tracing import *
                start(schedule_delay_millis=100)
                spans("written", 10)
                time.sleep(1)
                print("written", flush=True)
                while not os.path.exists("go"):
                    time.sleep(0.05)
                for _ in range(10):
                    spans("in memory", 10)
                    time.sleep(0.1)
                print("made", flush=True)
                while os.path.exists("go"):
                    time.sleep(0.05)
            """,
            env={"OXITEL_BUFFER_DIRECTORY": str(disk)},
        )
        running.wait_for_line("written")
        # Whoever comes by the name sees it so from now on.
        assert os.system(f"mount --bind {disk} {disk} && mount -o remount,bind,ro {disk}") == 0
        (tmp_path / "go").touch()
        running.wait_for_line("made")
        collector.listen()
        collector.wait_for_count(110, 30)
        (tmp_path / "go").unlink()
        finished = running.finish()
        assert arrived() == {"written": 10, "in memory": 100}
        assert finished.stderr.count("the buffer cannot be used: ") == 1, finished.stderr
        assert finished.exit_code == 0
    finally:
        while not os.system(f"umount -l {disk} 2>/dev/null"):
            pass


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_an_end_in_order_leaves_no_file_where_everything_was_delivered(
    seconds: float, run: Run, arrived: Arrived, buffer: dict[str, str]
) -> None:
    run(SHORT.format(seconds=seconds), env=buffer)
    assert arrived() == {"sent": 10}
    assert segments(Path(buffer["OXITEL_BUFFER_DIRECTORY"])) == []
