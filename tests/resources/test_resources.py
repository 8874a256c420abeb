"""Resources, their detectors and how they are merged, under the official imports."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    OsResourceDetector,
    OTELResourceDetector,
    ProcessResourceDetector,
    Resource,
    ResourceDetector,
    ServiceInstanceIdResourceDetector,
    _get_process_dependent_resource,
    _HostResourceDetector,
    get_aggregated_resources,
)

import oxitel.resources.detector as detectors
from oxitel.resources.detector import parse_attributes
from oxitel.variables import variable
from oxitel.version import __version__


class Fixed(ResourceDetector):
    """Finds what it was given, after a while; or raises it."""

    def __init__(self, found: Any, seconds: float = 0.0, raise_on_error: bool = False) -> None:
        super().__init__(raise_on_error)
        self.found = found
        self.seconds = seconds

    def detect(self) -> Resource:
        time.sleep(self.seconds)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found  # type: ignore[no-any-return]


def test_a_created_resource_names_the_sdk_the_instance_and_the_service() -> None:
    attributes = dict(Resource.create({"key": "value"}).attributes)
    UUID(str(attributes.pop(SERVICE_INSTANCE_ID)))
    assert attributes == {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "oxitel",
        "telemetry.sdk.version": __version__,
        "service.name": f"unknown_service:{os.path.basename(sys.executable)}",
        "key": "value",
    }


def test_code_wins_over_the_environment_and_the_service_name_over_attributes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,key=environment,other=1")
    assert Resource.create().attributes[SERVICE_NAME] == "a"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "b")
    attributes = Resource.create({"key": "code"}).attributes
    assert [attributes[name] for name in (SERVICE_NAME, "key", "other")] == ["b", "code", "1"]
    assert Resource.create({SERVICE_NAME: "c"}).attributes[SERVICE_NAME] == "c"


def test_the_instance_id_is_the_same_all_through_the_process() -> None:
    ids = {Resource.create().attributes[SERVICE_INSTANCE_ID] for _ in range(3)}
    assert len(ids) == 1


@pytest.mark.fork
def test_a_forked_child_has_another_instance_id_and_process(run_program: Any) -> None:
    program = textwrap.dedent(
        """
        import os
        from opentelemetry.sdk.resources import Resource, _get_process_dependent_resource
        os.environ["OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"] = "process"
        before = Resource.create({"service.instance.id": "given"})
        parent = _get_process_dependent_resource().attributes
        if (child := os.fork()) == 0:
            after = before.merge(_get_process_dependent_resource()).attributes
            assert after["service.instance.id"] not in ("given", parent["service.instance.id"])
            assert after["process.pid"] == os.getpid() != parent["process.pid"]
            assert after["telemetry.sdk.language"] == "python"
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert run_program(program, check=True).stdout == "7\n"


def test_only_process_dependent_detectors_run_again() -> None:
    assert set(_get_process_dependent_resource().attributes) == {SERVICE_INSTANCE_ID}


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


def test_attributes_in_a_variable_are_read_as_the_official_detector_reads_them(
    official_python: Path,
) -> None:
    program = textwrap.dedent(
        """
        import json, os, sys
        from opentelemetry.sdk.resources import OTELResourceDetector
        for line in sys.stdin:
            os.environ["OTEL_RESOURCE_ATTRIBUTES"] = json.loads(line)
            print(json.dumps(dict(OTELResourceDetector().detect().attributes)), flush=True)
        """
    )
    process = subprocess.Popen(
        [str(official_python), "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines = (process.stdin, process.stdout)
    pairs = st.lists(st.one_of(TEXT, st.tuples(TEXT, TEXT).map("=".join))).map(",".join)

    @settings(deadline=None)
    @given(st.one_of(TEXT, pairs, st.just("a=1, b = %32%C3%A9 ,c==,d,=e,a=2,")))
    def read_the_same(text: str) -> None:
        lines[0].write(json.dumps(text) + "\n")
        lines[0].flush()
        expected = json.loads(lines[1].readline())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OTEL_RESOURCE_ATTRIBUTES", text)
            assert dict(OTELResourceDetector().detect().attributes) == expected

    try:
        read_the_same()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def test_a_pair_without_an_equals_sign_is_named_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert parse_attributes("a=1,lonely,b=2") == {"a": "1", "b": "2"}
    assert len(caplog.records) == 1
    assert "lonely" in caplog.text
    assert "OTEL_RESOURCE_ATTRIBUTES" in caplog.text


def test_merging_takes_the_other_ones_values_and_whichever_schema_there_is() -> None:
    one, other = Resource({"a": 1, "b": 1}), Resource({"b": 2}, "schema")
    assert one.merge(other) == Resource({"a": 1, "b": 2}, "schema")
    assert other.merge(one) == Resource({"a": 1, "b": 1}, "schema")
    assert other.merge(other).schema_url == "schema"


def test_different_schemas_are_not_merged_and_said(caplog: pytest.LogCaptureFixture) -> None:
    one = Resource({"a": 1}, "one")
    assert one.merge(Resource({"b": 2}, "two")) is one
    assert "The two schemas one and two are incompatible" in caplog.text


def test_equal_resources_have_equal_hashes_also_with_bytes() -> None:
    one, same = Resource({"a": b"\x01", "b": (1, 2)}), Resource({"b": (1, 2), "a": b"\x01"})
    assert one == same
    assert hash(one) == hash(same)
    assert one != Resource({"a": b"\x01", "b": (1, 2)}, "schema")
    assert one != "something else"


def test_a_resource_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        Resource({"a": 1}).attributes["a"] = 2  # type: ignore[index]
    assert Resource.get_empty() is Resource.get_empty()


def test_json_has_attributes_and_schema() -> None:
    text = Resource({"a": b"\x01\xff", "b": [1]}, "schema").to_json(indent=None)
    assert json.loads(text) == {"attributes": {"a": "01ff", "b": [1]}, "schema_url": "schema"}
    assert Resource({"a": 1}).to_json() == (
        '{\n    "attributes": {\n        "a": 1\n    },\n    "schema_url": ""\n}'
    )


def test_detectors_of_others_are_merged_in_order_and_run_at_once() -> None:
    both_are_running = threading.Barrier(2)

    class Meeting(Fixed):
        def detect(self) -> Resource:
            both_are_running.wait(10)
            return super().detect()

    found = get_aggregated_resources(
        [Meeting(Resource({"a": 1, "b": 1}), 0.1), Meeting(Resource({"b": 2}))],
        Resource({"a": 0, "c": 0}),
    )
    assert found == Resource({"a": 1, "b": 2, "c": 0})


def test_a_detector_that_fails_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    found = get_aggregated_resources(
        [Fixed(OSError("no such place")), Fixed("no resource"), Fixed(Resource({"b": 2}))],
        Resource({}),
    )
    assert found == Resource({"b": 2})
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "no such place" in caplog.text
    assert "not a Resource" in caplog.text


def test_a_detector_that_wants_to_raise_does() -> None:
    with pytest.raises(OSError, match="no such place"):
        get_aggregated_resources(
            [Fixed(OSError("no such place"), raise_on_error=True)], Resource({})
        )


def test_a_slow_detector_is_left_out_and_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    released = threading.Event()

    class Slow(ResourceDetector):
        def detect(self) -> Resource:
            released.wait(30)
            return Resource({"slow": True})

    started = time.monotonic()
    found = get_aggregated_resources([Slow(), Fixed(Resource({"b": 2}))], Resource({}), 0.2)  # type: ignore[arg-type]
    assert time.monotonic() - started < 2
    released.set()
    assert found == Resource({"b": 2})
    assert "took longer than 0.2 seconds" in caplog.text


def test_a_slow_detector_that_wants_to_raise_times_out() -> None:
    from concurrent.futures import TimeoutError as DetectorTimeout

    with pytest.raises(DetectorTimeout):
        get_aggregated_resources(
            [Fixed(Resource({}), 1.0, raise_on_error=True)],
            Resource({}),
            0.05,  # type: ignore[arg-type]
        )


def test_creating_a_resource_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,os,host")
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread started"))
    attributes = Resource.create().attributes
    assert attributes["process.pid"] == os.getpid()
    assert attributes["os.type"]
    assert attributes["host.name"]


def test_an_unknown_detector_is_named_and_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(variable, "_said", set())
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "os, nobody ,")
    assert "os.type" in Resource.create().attributes
    said = [message for message in caplog.messages if "nobody" in message]
    assert len(said) == 1
    assert "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS" in said[0] and "host" in said[0]
    assert "Traceback" not in caplog.text


def test_a_star_stands_for_all_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "*")
    attributes = Resource.create().attributes
    for name in ("process.pid", "os.type", "host.name", SERVICE_INSTANCE_ID):
        assert name in attributes


DETECTOR_PROGRAM = textwrap.dedent(
    """
    import json
    from opentelemetry.sdk.resources import *
    from opentelemetry.sdk.resources import _HostResourceDetector
    found = {}
    for detector in (
        ProcessResourceDetector(include_command_args=True),
        OsResourceDetector(),
        _HostResourceDetector(),
    ):
        found.update(detector.detect().attributes)
    print(json.dumps(found, sort_keys=True))
    """
)


def test_process_system_and_host_are_described_as_officially(
    run_program: Any, official_python: Path
) -> None:
    def described(implementation: str) -> dict[str, Any]:
        found = json.loads(run_program(DETECTOR_PROGRAM, implementation, check=True).stdout)
        del found["process.pid"]
        found.pop("process.owner", None)
        return found

    ours, official = described("oxitel"), described("official")
    for found, python in ((ours, sys.executable), (official, str(official_python))):
        # The two run under interpreters of their own.
        for name in ("process.executable.path", "process.command"):
            assert found.pop(name) == python
        assert found.pop("process.command_line").startswith(f"{python} ")
        assert found.pop("process.command_args")[0] == python
        for name in ("description", "version"):
            assert found.pop(f"process.runtime.{name}")
        del found["process.executable.name"]
    assert ours == official


def test_command_arguments_are_left_out_unless_asked_for() -> None:
    assert "process.command_args" not in ProcessResourceDetector().detect().attributes
    found = ProcessResourceDetector(include_command_args=True).detect().attributes
    assert found["process.command_args"] == tuple(sys.orig_argv)


def test_command_arguments_are_not_read_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(list[str]):
        def __iter__(self) -> Any:
            raise AssertionError("the arguments are read")

    monkeypatch.setattr(sys, "orig_argv", Watched(["python", "--password=x"]))
    assert ProcessResourceDetector().detect().attributes["process.command"] == "python"


def test_solaris_and_windows_say_their_version_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    import platform

    monkeypatch.setattr(platform, "release", lambda: "release")
    monkeypatch.setattr(platform, "version", lambda: "version")
    for system, expected in (
        ("Linux", ("linux", "release")),
        ("Darwin", ("darwin", "release")),
        ("Windows", ("windows", "version")),
        ("SunOS", ("solaris", "version")),
    ):
        monkeypatch.setattr(platform, "system", lambda system=system: system)
        attributes = OsResourceDetector().detect().attributes
        assert (attributes["os.type"], attributes["os.version"]) == expected


def test_a_host_without_a_machine_id_still_has_a_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import oxitel.resources.host_id as host_id

    def fail() -> str:
        raise OSError("not for you")

    monkeypatch.setattr(host_id, "read_host_id", fail)
    attributes = _HostResourceDetector().detect().attributes
    assert set(attributes) == {"host.name", "host.arch"}
    assert "not for you" in caplog.text
    with pytest.raises(OSError, match="not for you"):
        _HostResourceDetector(raise_on_error=True).detect()


def test_the_machine_id_is_read_where_each_system_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import platform

    import oxitel.resources.host_id as host_id

    files = {"/var/lib/dbus/machine-id": "linux-id", "/etc/hostid": "bsd-id"}
    line = '  "IOPlatformUUID" = "AAAA-BBBB"'
    monkeypatch.setattr(host_id, "_file", files.get)
    monkeypatch.setattr(host_id, "_output", lambda *command: f"noise\n{line}\n")
    for system, expected in (
        ("Linux", "linux-id"),
        ("FreeBSD", "bsd-id"),
        ("DragonFly", "bsd-id"),
        ("Darwin", "AAAA-BBBB"),
        ("Windows", None),
        ("Plan9", None),
    ):
        if system == "Windows" and sys.platform == "win32":
            continue
        monkeypatch.setattr(platform, "system", lambda system=system: system)
        assert host_id.read_host_id() == expected


def test_a_command_that_is_missing_or_fails_has_no_output() -> None:
    from oxitel.resources.host_id import _file, _output

    assert _output(sys.executable, "-c", "print('said')") == "said\n"
    assert _output(sys.executable, "-c", "raise SystemExit(3)") == ""
    assert _output("/nonexistent/command") == ""
    assert _file("/nonexistent/file") is None


def test_only_two_detectors_depend_on_the_process() -> None:
    dependent = {
        type(detector).__name__: detector.is_process_dependent()
        for detector in (
            OTELResourceDetector(),
            OsResourceDetector(),
            _HostResourceDetector(),
            ProcessResourceDetector(),
            ServiceInstanceIdResourceDetector(),
        )
    }
    assert [name for name, is_dependent in dependent.items() if is_dependent] == [
        "ProcessResourceDetector",
        "ServiceInstanceIdResourceDetector",
    ]
    assert detectors.ResourceDetector is ResourceDetector


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_not_ignored_in_a_detector(
    ends: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    class Ending(ResourceDetector):
        def detect(self) -> Resource:
            raise ends("now")

    with pytest.raises(ends, match="now"):
        get_aggregated_resources([Ending()], Resource({}))
    assert capfd.readouterr().err == ""
