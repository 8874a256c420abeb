"""`host.id`: the machine id that each operating system keeps (semantic conventions, "Host")."""

from __future__ import annotations

from logging import getLogger

from .attribute_names import HOST_ID

_logger = getLogger("opentelemetry.sdk.resources")

_COMMAND_TIMEOUT_SECONDS = 2
_LINUX_MACHINE_ID_PATHS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_BSD_KENV_COMMAND = ("/bin/kenv", "-q", "smbios.system.uuid")


def read_host_id() -> str | None:
    """The machine id; None where it cannot be read without privileges."""
    import platform

    system = platform.system()
    if system == "Linux":
        return next(filter(None, map(_file, _LINUX_MACHINE_ID_PATHS)), None)
    if system == "Darwin":
        return _darwin()
    if system == "Windows":
        return _windows()
    if system == "DragonFly" or system.endswith("BSD"):
        return _file("/etc/hostid") or _output(*_BSD_KENV_COMMAND).strip() or None
    _logger.debug("Unsupported OS type for %s detection: %s", HOST_ID, system)
    return None


def _darwin() -> str | None:
    output = _output("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice")
    for line in output.splitlines():
        # A line reads: `    "IOPlatformUUID" = "AAAAAAAA-BBBB-..."`
        key, _, value = line.partition("=")
        if key.strip().strip('"') == "IOPlatformUUID":
            return value.strip().strip('"') or None
    return None


def _windows() -> str | None:
    try:
        import winreg
    except ImportError:
        _logger.debug("winreg is unavailable, cannot detect %s", HOST_ID)
        return None
    with winreg.OpenKey(  # type: ignore[attr-defined,unused-ignore]
        winreg.HKEY_LOCAL_MACHINE,  # type: ignore[attr-defined,unused-ignore]
        r"SOFTWARE\Microsoft\Cryptography",
        access=winreg.KEY_READ | winreg.KEY_WOW64_64KEY,  # type: ignore[attr-defined,unused-ignore]
    ) as key:
        value, _ = winreg.QueryValueEx(key, "MachineGuid")  # type: ignore[attr-defined,unused-ignore]
    return str(value) if value else None


def _file(path: str) -> str | None:
    try:
        with open(path, encoding="utf8") as file:
            return file.read().strip() or None
    except OSError as error:
        _logger.debug("Failed to read %s: %s", path, error)
        return None


def _output(*command: str) -> str:
    """What the command prints; nothing if it is missing or fails. TimeoutExpired after 2 s."""
    import subprocess

    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_SECONDS, check=True
        ).stdout
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        _logger.debug("Failed to run %s: %s", command[0], error)
        return ""
