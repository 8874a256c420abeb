"""The report for a person: sections of aligned rows, and the findings, the gravest last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any

from .report import GRADES

_COLOURS = {"ok": "32", "note": "36", "warning": "33", "error": "31", "title": "1", "source": "2"}
_SIGNALS = ("traces", "metrics", "logs")
_LABELS = {
    "exporters": "exporter",
    "timeout_seconds": "timeout",
    "client_certificate": "client certificate",
    "client_key": "client key",
    "credential_provider": "credential provider",
    "service_name": "service.name",
    "resource_attributes": "resource attributes",
    "configuration_file": "configuration file",
    "disabled": "SDK disabled",
}
# In this order, and only these; those marked are shown only where they are not the default.
_EXPORT_ROWS = (
    ("exporters", True),
    ("protocol", True),
    ("endpoint", True),
    ("tls", True),
    ("headers", False),
    ("timeout_seconds", False),
    ("compression", False),
    ("certificate", False),
    ("client_certificate", False),
    ("client_key", False),
    ("credential_provider", False),
    ("proxy", False),
)
# Of the buffer; `--json` has more.
_MOST_SEGMENTS = 20
_ADVICE_MARK = "→"
_Row = tuple[str, str, str]


class Page:
    """Collects lines, with colour if `has_colour`, for a terminal of `width` columns."""

    def __init__(self, has_colour: bool, width: int) -> None:
        self.lines: list[str] = []
        self._has_colour = has_colour
        self._width = max(width, 60)

    def paint(self, text: str, style: str) -> str:
        if not self._has_colour or not text:
            return text
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m"

    def section(self, title: str, rows: Iterable[_Row]) -> None:
        """Rows of label, value and source; nothing at all if there are none."""
        rows = list(rows)
        if not rows:
            return
        self.lines += ["", self.paint(title, "title")]
        label_width = max(len(label) for label, _, _ in rows)
        short = [len(value) for _, value, source in rows if source and len(value) <= 44]
        value_width = max(short, default=0)
        for label, value, source in rows:
            shown = f"{value:<{value_width}}" if source else value
            grade = value.partition(" ")[0]
            if grade in GRADES:
                shown = self.paint(f"{grade:<7}", grade) + value[len(grade) :]
            if source:
                shown += f"  {self.paint(source, 'source')}"
            self.lines.append(f"  {label:<{label_width}}  {shown}")

    def findings(self, findings: list[dict[str, str]]) -> None:
        self.lines += ["", self.paint("Findings", "title")]
        for finding in findings:
            grade = finding["grade"]
            first, *others = wrap(finding["text"], self._width - 12, break_on_hyphens=False) or [""]
            self.lines.append(f"  {self.paint(f'{grade:<8}', grade)}  {first}")
            self.lines += [f"{'':12}{line}" for line in others]
            # Not broken inside a word, so that commands and names can be copied.
            advice = wrap(
                finding["advice"],
                self._width - 14,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for index, line in enumerate(advice):
                self.lines.append(f"{'':12}{_ADVICE_MARK if index == 0 else ' '} {line}")


def render(content: dict[str, Any], has_colour: bool, width: int) -> str:
    """The whole page of what `Report.content` returns."""
    page = Page(has_colour, width)
    page.lines.append(page.paint(_headline(content), "title"))
    page.section("Packages", _package_rows(content))
    page.section("Settings", _setting_rows(content))
    page.section("Export", _export_rows(content))
    page.section("Connection", _connection_rows(content))
    page.section("Buffer", _buffer_rows(content))
    page.section("Instrumentations", _instrumentation_rows(content))
    page.section("Clock", _clock_rows(content))
    findings = [finding for finding in content["findings"] if finding["grade"] != "ok"]
    if findings:
        page.findings(findings)
    page.lines += ["", _summary(page, content, findings)]
    return "\n".join(page.lines) + "\n"


def _headline(content: dict[str, Any]) -> str:
    process = content.get("process") or {}
    version = (content.get("versions") or {}).get("oxitel", "")
    python = f"{process.get('implementation', 'Python')} {process.get('python', '')}"
    if process.get("gil") is False:
        python += " without GIL"
    return f"oxitel {version} · {python} · {process.get('platform', '')}"


def _package_rows(content: dict[str, Any]) -> Iterator[_Row]:
    for name, version in (content.get("versions") or {}).items():
        if name == "oxitel":
            continue
        if version is not None:
            yield name, version, ""
        elif name == "opentelemetry-api":
            yield name, "not installed", ""
        elif name == "opentelemetry-instrumentation":
            yield name, "Oxitel's", "the official one is not installed"
    sdk = content.get("sdk")
    if sdk:
        winner = {"oxitel": "Oxitel", "official": "the official SDK", "none": "nothing"}
        yield "opentelemetry.sdk is", winner[sdk["winner"]], sdk["reason"]
    servers = (content.get("process") or {}).get("servers")
    if servers:
        yield "servers", ", ".join(f"{name} {version}" for name, version in servers.items()), ""
    container = (content.get("process") or {}).get("container")
    if container:
        yield "container", container, ""


def _setting_rows(content: dict[str, Any]) -> Iterator[_Row]:
    for name, setting in (content.get("settings") or {}).items():
        yield _LABELS.get(name, name), _value(setting["value"]), _source(setting)
    for entry in content.get("changed") or ():
        source = "" if entry["origin"] == entry["name"] else entry["origin"]
        yield entry["name"], _value(entry["value"]), source


def _export_rows(content: dict[str, Any]) -> Iterator[_Row]:
    signals = content.get("signals") or {}
    for name, is_always_shown in _EXPORT_ROWS:
        rows: dict[tuple[str, str], list[str]] = {}
        count = 0
        for signal in _SIGNALS:
            setting = (signals.get(signal) or {}).get("settings", {}).get(name)
            if setting is None:
                continue
            count += 1
            if setting["source"] == "default" and not is_always_shown:
                continue
            value = _value(setting["value"])
            if name == "timeout_seconds":
                value += " s"
            elif name == "tls":
                value = "yes" if setting["value"] else "no"
            rows.setdefault((value, _source(setting)), []).append(signal)
        yield from _by_signal(_LABELS.get(name, name), rows, count)
    for signal in _SIGNALS:
        for number, settings in enumerate((signals.get(signal) or {}).get("others", ()), 2):
            for name in ("protocol", "endpoint"):
                setting = settings.get(name)
                if setting is not None:
                    value = _value(setting["value"])
                    yield f"{name} ({signal} ({number}))", value, _source(setting)


def _by_signal(label: str, rows: dict[tuple[str, str], list[str]], count: int) -> Iterator[_Row]:
    """One row for all signals where they agree."""
    for (value, source), signals in rows.items():
        yield (label if len(signals) == count else f"{label} ({', '.join(signals)})"), value, source


def _connection_rows(content: dict[str, Any]) -> Iterator[_Row]:
    connections = content.get("connections") or ()
    for connection in connections:
        yield connection["address"], ", ".join(connection["signals"]), ""
        for step in connection["steps"]:
            yield f"  {step['name']}", f"{step['grade']} {step['text']}{_time(step)}", ""
        answers: dict[tuple[str, str], list[str]] = {}
        for signal, answer in connection["signals"].items():
            if answer["outcome"] == "not tried":
                continue
            said = " ".join(part for part in (answer["code"], answer["text"]) if part)
            text = f"{answer['outcome']}{f': {said}' if said else ''}"
            answers.setdefault((answer["grade"], text), []).append(signal)
        for (grade, text), signals in answers.items():
            names = "" if len(signals) == len(connection["signals"]) else f"{', '.join(signals)} "
            yield "  empty export", f"{grade} {names}{text}", ""


def _time(step: dict[str, Any]) -> str:
    seconds = step.get("seconds")
    if seconds is None or step["grade"] == "error":
        return ""
    return f" ({seconds * 1000:.1f} ms)"


def _buffer_rows(content: dict[str, Any]) -> Iterator[_Row]:
    buffer = content.get("buffer")
    if not buffer:
        return
    count = buffer["files"]
    yield "directory", buffer["directory"], ""
    yield "files", f"{count}, {_bytes(buffer['bytes'])}" if count else "none", ""
    segments = buffer["segments"]
    for segment in segments[:_MOST_SEGMENTS]:
        age = "?" if segment["age_seconds"] is None else _age(segment["age_seconds"])
        size = _bytes(segment["bytes"])
        if segment["kind"] != "segment":
            yield segment["file"], f"{segment['kind']}, {size}, {age} old", ""
            continue
        owner = {True: "in use", False: "left", None: f"of {segment['host']}"}[segment["is_owned"]]
        what = f"{segment['service']} {segment['signal']}".strip()
        yield what, f"{size}, {age} old, {owner}, to {segment['destination']}", ""
    more = count - min(len(segments), _MOST_SEGMENTS)
    if more > 0:
        yield "and", f"{more} more", ""


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _used(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the official ones that ours are used in the place of."""
    ours = {entry["name"] for entry in entries if entry["distribution"] == "oxitel"}
    return [
        entry for entry in entries if entry["distribution"] == "oxitel" or entry["name"] not in ours
    ]


def _instrumentation_rows(content: dict[str, Any]) -> Iterator[_Row]:
    facts = content.get("instrumentations") or {}
    for key, label in (("on", "on"), ("disabled", "disabled"), ("broken", "broken")):
        names = [f"{entry['name']} {entry['version']}" for entry in _used(facts.get(key, ()))]
        if names or (key == "on" and facts):
            yield label, _names(names), ""
    for entry in _used(facts.get("without_library", ())):
        yield f"{entry['name']} off", f"needs {entry['needs']}", ""
    missing = facts.get("missing", ())
    if missing:
        yield "missing for", ", ".join(name for entry in missing for name in entry["libraries"]), ""
    own = [
        f"{entry['name']} {entry['version']} ({entry['state']})"
        for entry in content.get("own_telemetry") or ()
    ]
    if own:
        yield "own telemetry", ", ".join(own), ""
    standard = [
        entry["install"].rpartition("opentelemetry-instrumentation-")[2]
        for entry in facts.get("missing_for_standard_library", ())
    ]
    if standard:
        yield "also to be had for", f"{', '.join(standard)} (standard library)", ""


def _names(names: list[str]) -> str:
    """With the version once where all have the same."""
    versions = {name.rpartition(" ")[2] for name in names}
    if len(names) > 1 and len(versions) == 1:
        return ", ".join(name.rpartition(" ")[0] for name in names) + f" ({versions.pop()})"
    return ", ".join(names) or "none"


def _clock_rows(content: dict[str, Any]) -> Iterator[_Row]:
    offset = (content.get("clock") or {}).get("offset_seconds")
    if offset is not None:
        value = "ok the same second" if offset == 0 else f"{offset:+g} s"
        yield "against the receiver", value, ""


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={entry}" for key, entry in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(str(entry) for entry in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _source(setting: dict[str, Any]) -> str:
    return str(setting["origin"] or setting["source"])


def _summary(page: Page, content: dict[str, Any], findings: list[dict[str, str]]) -> str:
    if not findings:
        return page.paint("Everything is fine.", "ok")
    counts = []
    for grade in ("error", "warning", "note"):
        count = sum(finding["grade"] == grade for finding in findings)
        if count:
            counts.append(page.paint(f"{count} {grade}{'s' if count > 1 else ''}", grade))
    text = ", ".join(counts)
    return f"{text}: something will not work." if content["verdict"] == "error" else f"{text}."
