"""What arrived at the receiver, in the shapes that the tests compare."""

from __future__ import annotations

import json
from typing import Any

Tree = dict[str, Any]


def tree(spans: list[dict[str, Any]]) -> Tree:
    """The spans' names by parent: {"GET /": {"query": {}}}. Siblings of one name are one.

    A span whose parent is not among them is a root.
    """
    ids = {span["span_id"] for span in spans}
    children: dict[str | None, list[dict[str, Any]]] = {}
    for span in spans:
        parent = span["parent_span_id"]
        children.setdefault(parent if parent in ids else None, []).append(span)

    def below(parent: str | None) -> Tree:
        found: Tree = {}
        for span in children.get(parent, []):
            found.setdefault(span["name"], {}).update(below(span["span_id"]))
        return found

    return below(None)


def _value(value: dict[str, Any]) -> Any:
    ((_, inner),) = value.items()
    return inner


def _attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in record.get("attributes", [])}


def metric_points(collector: Any) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """By the metric's name: each series' attributes with its last value, or for histograms with
    the whole point; in the order of the attributes' values."""
    found: dict[str, dict[str, tuple[dict[str, Any], Any]]] = {}
    for request in collector.requests():
        for resource in request.decoded.get("resource_metrics", []):
            for scope in resource["scope_metrics"]:
                for metric in scope["metrics"]:
                    kind = next(k for k in metric if k not in ("name", "description", "unit"))
                    for point in metric[kind]["data_points"]:
                        attributes = _attributes(point)
                        value = point.get("as_int", point.get("as_double", 0))
                        if "histogram" in kind:
                            value = point
                        series = json.dumps(attributes, sort_keys=True)
                        found.setdefault(metric["name"], {})[series] = (attributes, value)
    return {name: [series[key] for key in sorted(series)] for name, series in found.items()}


def log_records(collector: Any) -> list[dict[str, Any]]:
    """The log records: body, severity, ids in hexadecimal, attributes, the logger's name."""
    found = []
    for request in collector.requests():
        for resource in request.decoded.get("resource_logs", []):
            for scope in resource["scope_logs"]:
                for record in scope["log_records"]:
                    found.append(
                        {
                            "body": _value(record["body"]),
                            "severity": record["severity_text"],
                            "trace_id": record.get("trace_id", "0x")[2:],
                            "span_id": record.get("span_id", "0x")[2:],
                            "attributes": _attributes(record),
                            "logger": scope["scope"]["name"],
                        }
                    )
    return found


def log_lines(text: str) -> list[dict[str, Any]]:
    """The lines of JSON in what a program wrote to standard error."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
