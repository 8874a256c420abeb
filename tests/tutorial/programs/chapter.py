"""Reads the chapter's blocks, as they are, and runs them with the stand-ins that are listed."""

from __future__ import annotations

import os
import re
import sys
import threading
import types
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from stand_ins import STAND_INS

# Headings and blocks, in the order of the text. A `#` inside a block is no heading.
PARTS = re.compile(
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$|^#+ (?P<heading>[^\n]+)$", re.M | re.DOTALL
)


def blocks(path: Path) -> dict[str, str]:
    """The Python blocks by the heading above them. Raises ValueError if a heading has two."""
    found: dict[str, str] = {}
    heading = ""
    # The text is UTF-8; newlines stay as they are.
    for part in PARTS.finditer(path.read_bytes().decode("utf-8").replace("\r\n", "\n")):
        if part["heading"]:
            heading = part["heading"].strip()
        elif part["language"] == "python":
            if heading in found:
                raise ValueError(f"two blocks under {heading!r}")
            found[heading] = part["code"]
    return found


class Chapter:
    """The blocks one program runs, in one namespace like a reader who types them one by one."""

    def __init__(self) -> None:
        self._blocks = blocks(Path(os.environ["CHAPTER"]))
        self.names: dict[str, Any] = {"__name__": "chapter"}
        # The files that the blocks name are written into the current folder, and imported.
        sys.path.insert(0, os.getcwd())

    def give(self, **names: Any) -> None:
        """Names that exist before a block runs; each has to be among the stand-ins."""
        for name in names:
            STAND_INS[name]
        self.names.update(names)

    def run(self, heading: str) -> None:
        code = compile(self._blocks[heading], f"<{heading}>", "exec")
        exec(code, self.names)

    def write(self, heading: str) -> Path:
        """A block that names its file in its first line, written there (the current folder)."""
        block = self._blocks[heading]
        path = Path(block.split("\n", 1)[0].removeprefix("#").strip())
        path.write_text(block, encoding="utf-8")
        return path

    def setup(self) -> types.ModuleType:
        """The first block as a module, exporting to the test's receiver by default."""
        self.write("Initialize OpenTelemetry")
        import otel_setup

        endpoint_of_the_receiver(otel_setup.setup_opentelemetry)
        return otel_setup

    def start(self, service_name: str) -> None:
        """What the chapter did once at its beginning."""
        STAND_INS["otel_setup"]
        self.setup().setup_opentelemetry(service_name)


def endpoint_of_the_receiver(function: Any) -> None:
    STAND_INS["collector_endpoint"]
    *defaults, endpoint = function.__defaults__
    assert endpoint == "http://otel-collector:4317"
    function.__defaults__ = (*defaults, os.environ["RECEIVER"])


def serve(application: Any) -> str:
    """Serves a WSGI application in a thread; returns its address."""
    from werkzeug.serving import make_server

    STAND_INS["a free port"]
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.port}"


def ask(url: str, body: bytes | None = None) -> tuple[int, str]:
    """Status and text of the answer, without a proxy and without a span."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
