"""Reads a tutorial and walks through it as its reader would.

A Python block whose first line is `# name.py` is that file; one without belongs to the end of the
file before. In a `console` block a line that begins with `$ ` is a command and what follows is
what it prints; `&` at its end starts a server. What no two runs share is compared by its kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.DOTALL)
# A command, which goes on after a backslash, and what it prints.
COMMAND = re.compile(r"((?:[^\n]*\\\n)*[^\n]*)\n(.*)", re.DOTALL)
FILE = re.compile(r"# ([\w/]+\.py)\n")
# Where the tutorial's servers listen; the test has them listen on free ports.
PORTS = ("5000", "5001", "5002", "8000", "9092", "27017")


@dataclass
class Command:
    """A command, and what the tutorial says it prints."""

    line: str
    printed: str


@dataclass
class Section:
    """What stands under one heading of the second level."""

    heading: str
    files: dict[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    # Lines of `sh` blocks: what a reader installs.
    installs: list[str] = field(default_factory=list)

    def asks(self, server: Command) -> bool:
        """Whether a server that an earlier section has started is asked here."""
        port = re.search(r"--port (\d+) &$", server.line)
        texts = [*self.files.values(), *(command.line for command in self.commands)]
        return port is not None and any(f"localhost:{port[1]}" in text for text in texts)


def sections(document: Path) -> list[Section]:
    """The sections in order. `files` of one that goes on with an earlier file has all of it.

    Raises ValueError for a block that nobody would run.
    """
    found = []
    current, texts = "", dict[str, str]()
    text = document.read_text(encoding="utf-8")
    starts = [match.start() for match in re.finditer(r"^## ", text, re.M)] + [len(text)]
    for start, end in zip(starts, starts[1:], strict=False):
        part = text[start:end]
        section = Section(part.split("\n", 1)[0].removeprefix("## "))
        for language, body in BLOCK.findall(part):
            if language == "python":
                named = FILE.match(body)
                if named:
                    current, texts[named[1]] = named[1], body
                else:
                    texts[current] += "\n" + body
                section.files[current] = texts[current]
            elif language == "console":
                for command in re.split(r"^\$ ", body, flags=re.M)[1:]:
                    line, printed = COMMAND.match(command).groups()
                    section.commands.append(Command(line, printed))
            elif language == "sh":
                section.installs += body.replace("\\\n", " ").splitlines()
            else:
                raise ValueError(f"{section.heading}: nobody runs a block of {language!r}")
        found.append(section)
    return found


def in_kind(printed: str) -> list[str]:
    """The lines with what differs between runs replaced by what it is: ids, times, the bars of the
    viewer's drawing and the spaces around them."""
    for pattern, kind in (
        (r"\x1b\[[0-9;]*m", ""),
        (r"\b[0-9a-f]{32}\b", "<trace>"),
        (r"\b[0-9a-f]{16}\b", "<span>"),
        (r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "<uuid>"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?( UTC|Z)?", "<time>"),
        (r"\+?\b\d[\d.,]*(e-\d+)? ?(ns|µs|ms|s)\b", "<duration>"),
        # A scale of times, and bars.
        (r"^ +0( +<duration>)+$", ""),
        (r"[│├└┊─◆\u2580-\u259f]", ""),
        (r"\b[\d.,]+/s\b", "<rate>"),
        (r"[ \t]+", " "),
    ):
        printed = re.sub(pattern, kind, printed, flags=re.M)
    return [line.strip() for line in printed.splitlines() if line.strip()]
