"""ResourceDetector, which users may subclass, and the detectors that are always there."""

from __future__ import annotations

import abc
import os
import sys
import threading
from logging import getLogger

from opentelemetry.util.types import AnyValue

from oxitel.diagnostics.shown import Shown
from oxitel.official_name import official
from oxitel.variables import sdk

from . import attribute_names as names
from .resource import Resource

_logger = getLogger("opentelemetry.sdk.resources")


@official("opentelemetry.sdk.resources")
class ResourceDetector(abc.ABC):
    """Finds out attributes of the resource.

    What `detect` raises is logged, and raised by `Resource.create` only if `raise_on_error`.
    """

    def __init__(self, raise_on_error: bool = False) -> None:
        self.raise_on_error = raise_on_error

    @abc.abstractmethod
    def detect(self) -> Resource:
        """What was found, made with the constructor: `Resource.create` would call back here."""
        raise NotImplementedError

    def is_process_dependent(self) -> bool:
        """Whether to detect again in a forked child, whose attributes are not its parent's."""
        return False


@official("opentelemetry.sdk.resources")
class OTELResourceDetector(ResourceDetector):
    """Reads OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME."""

    def detect(self) -> Resource:
        attributes: dict[str, AnyValue] = {}
        text = sdk.RESOURCE_ATTRIBUTES.text()
        if text:
            attributes.update(parse_attributes(text))
        service_name = os.environ.get(sdk.SERVICE_NAME.name)
        if service_name:
            attributes[names.SERVICE_NAME] = service_name
        return Resource(attributes)


def parse_attributes(text: str) -> dict[str, str]:
    """`key=value,…` with percent-encoded values; a pair without `=` is left out with a warning."""
    from urllib.parse import unquote

    attributes = {}
    for item in text.split(","):
        key, equals, value = item.partition("=")
        if not equals:
            _logger.warning(
                "Invalid key value resource attribute pair %s: %s",
                Shown(item),
                f"no '=' in it; it is left out of {sdk.RESOURCE_ATTRIBUTES.name}",
            )
            continue
        attributes[key.strip()] = unquote(value.strip())
    return attributes


@official("opentelemetry.sdk.resources")
class ProcessResourceDetector(ResourceDetector):
    """The process and its interpreter.

    `include_command_args` adds `process.command_line` and `process.command_args`, which often hold
    secrets. `process.owner` is there if psutil is installed.
    """

    def __init__(self, raise_on_error: bool = False, *, include_command_args: bool = False) -> None:
        super().__init__(raise_on_error=raise_on_error)
        self._include_command_args = include_command_args

    def is_process_dependent(self) -> bool:
        return True

    def detect(self) -> Resource:
        version = sys.version_info
        is_final = version.releaselevel == "final" and not version.serial
        executable = sys.executable or ""
        # sys.orig_argv keeps `python -m module` as it was typed; sys.argv does not.
        arguments = sys.orig_argv
        attributes: dict[str, AnyValue] = {
            names.PROCESS_RUNTIME_DESCRIPTION: sys.version,
            names.PROCESS_RUNTIME_NAME: sys.implementation.name,
            names.PROCESS_RUNTIME_VERSION: ".".join(map(str, version[:3] if is_final else version)),
            names.PROCESS_PID: os.getpid(),
            names.PROCESS_EXECUTABLE_NAME: os.path.basename(executable),
            names.PROCESS_EXECUTABLE_PATH: executable,
            names.PROCESS_COMMAND: arguments[0] if arguments else "",
        }
        if self._include_command_args:
            attributes[names.PROCESS_COMMAND_LINE] = " ".join(arguments)
            attributes[names.PROCESS_COMMAND_ARGS] = list(arguments)
        if hasattr(os, "getppid"):
            attributes[names.PROCESS_PARENT_PID] = os.getppid()
        owner = _process_owner()
        if owner is not None:
            attributes[names.PROCESS_OWNER] = owner
        return Resource(attributes)


def _process_owner() -> str | None:
    try:
        import psutil
    except ImportError:
        return None
    return str(psutil.Process().username())


@official("opentelemetry.sdk.resources")
class OsResourceDetector(ResourceDetector):
    """`os.type` and `os.version`: what `platform.release` says, but `platform.version` on Windows
    and Solaris, where the release does not tell versions apart."""

    def detect(self) -> Resource:
        import platform

        system = platform.system().lower()
        has_version = system in ("windows", "sunos")
        return Resource(
            {
                names.OS_TYPE: "solaris" if system == "sunos" else system,
                names.OS_VERSION: platform.version() if has_version else platform.release(),
            }
        )


@official("opentelemetry.sdk.resources")
class _HostResourceDetector(ResourceDetector):
    """The host's name and architecture, and the machine id where it can be read.

    That it cannot costs only `host.id`, unless `raise_on_error`.
    """

    def detect(self) -> Resource:
        import platform
        import socket

        from .host_id import read_host_id

        attributes: dict[str, AnyValue] = {
            names.HOST_NAME: socket.gethostname(),
            names.HOST_ARCH: platform.machine(),
        }
        try:
            host_id = read_host_id()
            if host_id:
                attributes[names.HOST_ID] = host_id
        except Exception as error:
            _logger.warning("Failed to detect %s: %s", names.HOST_ID, error)
            if self.raise_on_error:
                raise
        return Resource(attributes)


_service_instance: tuple[int, str] | None = None
_service_instance_lock = threading.Lock()


@official("opentelemetry.sdk.resources")
class ServiceInstanceIdResourceDetector(ResourceDetector):
    """`service.instance.id`: a random UUID, the same all through a process, new in a forked child.

    There it replaces even a value that the user had set, or parent and child would share it.
    """

    def is_process_dependent(self) -> bool:
        return True

    def detect(self) -> Resource:
        global _service_instance
        with _service_instance_lock:
            process = os.getpid()
            if _service_instance is None or _service_instance[0] != process:
                from uuid import uuid4

                _service_instance = (process, str(uuid4()))
            return Resource({names.SERVICE_INSTANCE_ID: _service_instance[1]})


def _unlock_in_child() -> None:
    """A fork may have happened while another thread held the lock."""
    global _service_instance_lock
    _service_instance_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)
