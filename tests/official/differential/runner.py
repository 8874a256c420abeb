"""Finds the programs and runs one of them on one implementation, with a receiver of its own."""

from __future__ import annotations

import ast
import fnmatch
import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.client import Collector, ReceivedRequest
from conftest import program_environment

HERE = Path(__file__).resolve().parent
# What grpcio's native part writes past Python, with times and thread numbers.
_GRPC_NOISE = re.compile(r"(?m)^(?:[IWE]\d{4} .*|WARNING: All log messages before absl.*|)\n")


@dataclass(frozen=True)
class Case:
    """A program, or one variant of it."""

    folder: Path
    theme: str
    name: str
    variant: str
    env: tuple[tuple[str, str], ...]
    log_level: str
    script: str = "[]"  # JSON

    @property
    def id(self) -> str:
        return f"{self.theme}.{self.name}" + (f"[{self.variant}]" if self.variant else "")


def find_cases(folder: Path = HERE) -> list[Case]:
    """All programs below `folder`, read from the sources without importing them."""
    cases = []
    for path in sorted((folder / "programs").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "program":
                        cases.extend(_cases_of(folder, path.stem, node.name, decorator))
    return cases


def _cases_of(folder: Path, theme: str, name: str, decorator: ast.Call) -> list[Case]:
    options = {str(word.arg): ast.literal_eval(word.value) for word in decorator.keywords}
    variants: dict[str, dict[str, str]] = options.get("variants") or {"": {}}
    return [
        Case(
            folder,
            theme,
            name,
            variant,
            tuple(sorted({**options.get("env", {}), **env}.items())),
            options.get("log_level", "WARNING"),
            json.dumps(options.get("script", [])),
        )
        for variant, env in variants.items()
    ]


class Running:
    """A program on its way; `outcome` waits for it."""

    def __init__(
        self,
        case: Case,
        python: Path,
        collector: Collector,
        folder: Path,
        services: Mapping[str, str] | None = None,
    ) -> None:
        collector.renew()
        collector.script(json.loads(case.script))
        self._collector = collector
        self._folder = folder
        self._python = python
        self._unix_nanos = time.time_ns()
        folder.mkdir(parents=True, exist_ok=True)
        endpoints = {"{http}": collector.http_endpoint, "{grpc}": collector.grpc_endpoint}
        env = {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8:backslashreplace"}
        if case.folder != HERE:
            # Other people's libraries take their time: one request with all spans all the same.
            env["OTEL_BSP_SCHEDULE_DELAY"] = "60000"
        for name, value in case.env:
            for places in (endpoints, services or {}):
                for placeholder in places:
                    # Looked up where it is asked for: that may start a server.
                    if placeholder in value:
                        value = value.replace(placeholder, places[placeholder])
            env[name] = value
        arguments = [
            str(case.folder),
            case.theme,
            case.name,
            case.log_level,
            *endpoints.values(),
            "result.json",
        ]
        self._process = subprocess.Popen(
            [str(python), str(HERE / "declare.py"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=program_environment(env),
        )

    def outcome(self, timeout: float) -> dict[str, Any]:
        """Everything to compare. A program over its time is killed and says so."""
        try:
            stdout, stderr = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            stdout, stderr = self._process.communicate()
            return {
                "unix_nanos": self._unix_nanos,
                "timeout": timeout,
                "stderr": self._text(stderr),
            }
        outcome: dict[str, Any] = {
            "unix_nanos": self._unix_nanos,
            "exit_code": self._process.returncode,
            "stdout": self._text(stdout),
            "stderr": _GRPC_NOISE.sub("", self._text(stderr)),
        }
        result = self._folder / "result.json"
        if result.exists():
            outcome |= json.loads(self._text(result.read_bytes()))
        requests = json.dumps([_request(r) for r in self._collector.requests()])
        outcome["requests"] = json.loads(self._text(requests.encode()))
        _forget_amounts(outcome["requests"], outcome.pop("measured", []))
        hidden: dict[str, str] = dict(outcome.pop("hidden", []))
        return _without(outcome, hidden) if hidden else outcome

    def _text(self, content: bytes) -> str:
        """Output with the places that differ between environments replaced."""
        text = content.decode("utf-8", "backslashreplace")
        for place, name in (
            (self._python.parent.parent, "<environment>"),
            (self._folder, "<folder>"),
            (self._collector.http_endpoint, "<http>"),
            (self._collector.grpc_endpoint, "<grpc>"),
            (f"127.0.0.1:{self._collector.http_port}", "<http address>"),
            (f"127.0.0.1:{self._collector.grpc_port}", "<grpc address>"),
            (f"port={self._collector.http_port}", "port=<http>"),
        ):
            text = text.replace(os.fspath(place), name)
        return text


def _without(value: Any, hidden: dict[str, str]) -> Any:
    """The outcome with values that only one process could choose replaced by their names."""
    if isinstance(value, dict):
        return {key: _without(inner, hidden) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, hidden) for inner in value]
    if isinstance(value, str):
        for text, name in hidden.items():
            value = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", name, value)
        return value
    if type(value) is int:
        return hidden.get(str(value), value)
    return value


def _forget_amounts(requests: list[dict[str, Any]], names: list[str]) -> None:
    """Of metrics of these names, the points stay and what was measured goes. Which measurements
    became exemplars is chance for the others too."""
    metrics = [
        metric
        for request in requests
        for resource in request["body"].get("resource_metrics", [])
        for scope in resource.get("scope_metrics", [])
        for metric in scope.get("metrics", [])
    ]
    for metric in metrics if names else []:
        measured = any(fnmatch.fnmatchcase(metric["name"], name) for name in names)
        for data in metric.values():
            for point in data["data_points"] if isinstance(data, dict) else []:
                if "exemplars" in point:
                    point["exemplars"] = "<some>" if measured else len(point["exemplars"])
                if measured:
                    for field in {"sum", "min", "max", "as_int", "as_double"} & point.keys():
                        point[field] = "<measured>"
                    if "bucket_counts" in point:
                        counts = [int(count) for count in point["bucket_counts"]]
                        point["bucket_counts"] = [f"{len(counts)} buckets", sum(counts)]


# Facts of the transport, not of what is exported.
_TRANSPORT_HEADERS = {
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
}


def _request(request: ReceivedRequest) -> dict[str, Any]:
    headers = {}
    for name, value in request.headers:
        if name not in _TRANSPORT_HEADERS:
            headers[name] = "<user agent>" if name == "user-agent" else value
    return {
        "protocol": request.protocol,
        "path": request.path,
        "headers": headers,
        "body": request.decoded,
    }
