"""What was exported without the orders that mean nothing: attributes by their names, metrics by
theirs, points by their attributes. Of a stack trace the end is left: above it are the frames of the
instrumentation that caught the exception."""

from __future__ import annotations

import json
from typing import Any


def unordered(value: Any) -> Any:
    if isinstance(value, list):
        if value and all(
            isinstance(item, dict) and item.keys() == {"key", "value"} for item in value
        ):
            made = {item["key"]: unordered(item["value"]) for item in value}
            if "exception.stacktrace" in made:
                trace = made["exception.stacktrace"]
                trace["string_value"] = trace["string_value"].strip().splitlines()[-1]
            return made
        return [unordered(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: unordered(inner) for key, inner in value.items()}
    observations = value.get("observations")
    if observations and len(dict(observations)) == len(observations):
        made["observations"] = {name: unordered(seen) for name, seen in observations}
    if isinstance(made.get("metrics"), list):
        made["metrics"] = {metric["name"]: metric for metric in made["metrics"]}
    if isinstance(made.get("data_points"), list):
        made["data_points"] = {
            json.dumps(point.pop("attributes", {}), sort_keys=True): point
            for point in made["data_points"]
        }
    return made
