"""What a result must say about the machine, and what versions each environment has."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from typing import Any

VERSIONS = """
import importlib.metadata, json, platform, sys
found = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
wanted = ("opentelemetry", "oxitel", "fastotel", "grpcio", "protobuf", "requests", "flask")
print(json.dumps({"python": platform.python_version(),
    **{n: v for n, v in sorted(found.items()) if n.startswith(wanted)}}))
"""


def describe() -> dict[str, Any]:
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": memory_gib(),
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def cpu_model() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


def versions(python: str) -> dict[str, str]:
    """The versions that a benchmark can depend on, as the environment of `python` has them."""
    found = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    answer: dict[str, str] = json.loads(found.stdout)
    return answer
