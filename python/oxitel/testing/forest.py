"""Spans as trees, drawn as a waterfall and written as the structure that snapshots keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .records import LogRecord, Span

_BAR = 24
# Siblings of one name beyond this many are one line.
_ALIKE = 4
_MAX_LINES = 120
_MAX_TEXT = 110


class Forest:
    """Spans below their parents; those whose parent is not here are roots."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._children: dict[tuple[str, str], list[Span]] = {}
        self.roots: list[Span] = []
        ordered = sorted(spans, key=lambda span: span.start_unix_nanos)
        known = {(span.trace_id, span.span_id) for span in ordered}
        for span in ordered:
            parent = (span.trace_id, span.parent_span_id or "")
            if parent in known:
                self._children.setdefault(parent, []).append(span)
            else:
                self.roots.append(span)

    def children(self, span: Span) -> list[Span]:
        return self._children.get((span.trace_id, span.span_id), [])


def waterfall(spans: Sequence[Span], logs: Sequence[LogRecord]) -> str:
    """The spans as trees with bars over time, and the log records below the spans they are in."""
    if not spans and not logs:
        return "nothing was recorded\n"
    forest = Forest(spans)
    of_span: dict[str | None, list[LogRecord]] = {}
    known = {span.span_id for span in spans}
    for record in logs:
        of_span.setdefault(record.span_id if record.span_id in known else None, []).append(record)
    lines: list[str] = []
    for root in forest.roots:
        trace = [span for span in spans if span.trace_id == root.trace_id]
        begin = min(span.start_unix_nanos for span in trace)
        end = max(max(span.end_unix_nanos for span in trace), begin + 1)
        _draw(forest, [root], 0, (begin, end), of_span, lines)
    lines += [_log_line(record, 0) for record in of_span.get(None, ())]
    if len(lines) > _MAX_LINES:
        lines[_MAX_LINES:] = [f"… {len(lines) - _MAX_LINES} lines more"]
    return "\n".join(lines) + "\n"


def _draw(
    forest: Forest,
    siblings: Sequence[Span],
    depth: int,
    window: tuple[int, int],
    logs: Mapping[str | None, Sequence[LogRecord]],
    lines: list[str],
) -> None:
    shown: dict[str, int] = {}
    for span in siblings:
        shown[span.name] = shown.get(span.name, 0) + 1
    drawn: dict[str, int] = {}
    for span in siblings:
        if len(lines) > 10 * _MAX_LINES:
            return
        drawn[span.name] = drawn.get(span.name, 0) + 1
        rest = shown[span.name] - _ALIKE
        if rest > 0 and drawn[span.name] > _ALIKE:
            if drawn[span.name] == _ALIKE + 1:
                lines.append(f"{'  ' * depth}  … {rest} more like {span.name}")
            continue
        lines.append(_span_line(span, depth, window))
        lines += [_log_line(record, depth + 1) for record in logs.get(span.span_id, ())]
        _draw(forest, forest.children(span), depth + 1, window, logs, lines)


def _span_line(span: Span, depth: int, window: tuple[int, int]) -> str:
    begin, end = window
    scale = _BAR / (end - begin)
    left = min(int((span.start_unix_nanos - begin) * scale), _BAR - 1)
    width = max(1, min(int(span.duration_nanos * scale + 0.5), _BAR - left))
    bar = f"{' ' * left}{'█' * width}".ljust(_BAR)
    kind = "" if span.kind == "internal" else f" ({span.kind})"
    label = f"{'  ' * depth}{span.service if depth == 0 else ''} {span.name}{kind}".strip("\n")
    line = f"|{bar}| {duration(span.duration_nanos):>8}  {label}"
    if span.is_error:
        line += f"  ✗ {span.exception or span.status_message or 'error'}"
    return _plain(line)


def _log_line(record: LogRecord, depth: int) -> str:
    severity = record.severity.upper() or "LOG"
    return _plain(f"|{' ' * _BAR}| {'':>8}  {'  ' * depth} {severity} {record.body}")


def _plain(text: str) -> str:
    """On one line, and without what a terminal would obey."""
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= _MAX_TEXT + _BAR else f"{text[: _MAX_TEXT + _BAR]}…"


def duration(nanos: float) -> str:
    """As people write it: `812 ns`, `48.2 ms`, `1.24 s`."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanos >= size:
            return f"{nanos / size:.3g} {unit}"
    return f"{nanos:.0f} ns"


def structure(spans: Sequence[Span], attributes: Sequence[str]) -> str:
    """The trees without ids and times, siblings in the order of their texts: names, kinds, errors,
    the chosen attributes, and how many are alike."""
    forest = Forest(spans)
    return "".join(_folded(forest, forest.roots, 0, attributes))


def _folded(
    forest: Forest, siblings: Sequence[Span], depth: int, attributes: Sequence[str]
) -> list[str]:
    counts: dict[tuple[str, str], int] = {}
    for span in siblings:
        head = _head(span, attributes)
        below = "".join(_folded(forest, forest.children(span), depth + 1, attributes))
        counts[head, below] = counts.get((head, below), 0) + 1
    lines = []
    for (head, below), count in sorted(counts.items()):
        times = f" ×{count}" if count > 1 else ""
        lines.append(f"{'  ' * depth}{head}{times}\n{below}")
    return lines


def _head(span: Span, attributes: Sequence[str]) -> str:
    parts = [span.name]
    if span.kind != "internal":
        parts.append(f"[{span.kind}]")
    if span.is_error:
        parts.append("error")
    chosen = ((key, span.attributes.get(key)) for key in attributes)
    parts += [f"{key}={value!r}" for key, value in chosen if value is not None]
    return " ".join(parts).replace("\n", "\\n")
