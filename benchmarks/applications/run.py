"""Runs applications from PyPI without telemetry, with the official packages and with Oxitel.

    python benchmarks/applications/run.py --wheel dist/oxitel-….whl httpbin fastapi

The three take turns. Without names it runs all. Results go into
benchmarks/results/applications.json, those of other applications stay there; docs/applications.md
and the README's table are rendered from it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

import environments
import machine
import render
import site_of_pages
from catalog import Application, by_names
from environments import OFFICIAL, OURS, Environment
from process import NotReady, Process, ask

from collector.client import Collector

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE.parent / "results" / "applications.json"
PROGRAMS = HERE / "programs"
NOTHING = "nothing"
SIDES = (NOTHING, OFFICIAL, OURS)
SIGNALS = ("traces", "metrics", "logs")
_EXAMPLES = 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="as in catalog.py; all without it")
    parser.add_argument("--wheel", type=Path, required=True, help="a release wheel of oxitel")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="no application begins after them")
    parser.add_argument("--quick", action="store_true", help="few requests, one round, no pages")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--environments", type=Path, default=ROOT / ".work" / "applications")
    parser.add_argument(
        "--official", default=os.environ.get("OXITEL_OFFICIAL_PYTHON"), help="for the receiver"
    )
    return parser.parse_args()


def main() -> int:
    options = arguments()
    try:
        chosen = by_names(options.names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    options.wheel = options.wheel.resolve()
    site = site_of_pages.start()
    results = json.loads(options.output.read_text()) if options.output.exists() else {}
    ends = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    for application in chosen:
        if time.monotonic() > ends:
            print(f"{application.name}: not begun, {options.minutes:g} minutes are over")
            continue
        try:
            results[application.name] = measure(application, options, site)
        except Exception as error:
            print(f"{application.name}: {error}", file=sys.stderr)
            results[application.name] = {"problem": first_line(error)}
        write(options.output, results)
    if not options.quick:
        results["installed"] = environments.installed(options.environments, options.wheel)
        write(options.output, results)
    if options.output == RESULTS:
        render.pages(results)
    return 0


def write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def measure(application: Application, options: argparse.Namespace, site: str) -> dict[str, Any]:
    """Every side in turns, and the medians."""
    made = {
        side: environments.make(
            options.environments / f"{application.name}-{side}",
            side,
            application.requirements,
            options.wheel,
        )
        for side in (OFFICIAL, OURS)
    }
    rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(1 if options.quick else options.rounds):
        for side in SIDES:
            # What does not work once is not tried again: it may have waited long.
            if any("problem" in found for found in rounds[side]):
                continue
            environment = made[OURS if side == NOTHING else side]
            found = once(application, side, environment, site, options)
            rounds[side].append(found)
            told = {name: found.get(name) for name in ("cpu_seconds", "records", "problem")}
            print(f"{application.name} {side}: {told}", flush=True)
    plain = Counter[str]()
    for found in rounds[NOTHING]:
        plain |= Counter(normal(line) for line in found["lines"])
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine.describe(),
        "versions": machine.versions(made[OURS].python)
        | {"official": machine.versions(made[OFFICIAL].python).get("opentelemetry-sdk")}
        | made[OURS].versions(application.requirements),
        "rounds": len(rounds[NOTHING]),
        "sides": {side: summary(found, plain) for side, found in rounds.items()},
    }


def once(
    application: Application,
    side: str,
    environment: Environment,
    site: str,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """One run, with what the receiver got."""
    with (
        tempfile.TemporaryDirectory(prefix="oxitel-applications-") as folder,
        Collector(options.official) as collector,
    ):
        port, other_port = free_port(), free_port()
        count = max(application.count // 10, 5) if options.quick else application.count
        words = {"port": port, "other_port": other_port, "site": site, "programs": PROGRAMS}
        command = [filled(text, words) for text in application.command]
        variables = variables_for(application, environment, Path(folder), count, words)
        prefix = {NOTHING: (), OFFICIAL: ("opentelemetry-instrument",), OURS: ("oxitel", "run")}
        telemetry = {} if side == NOTHING else telemetry_for(application, collector)
        with beside(application, Path(folder), words, variables):
            process = Process(
                [*prefix[side], *command],
                Path(folder),
                variables | telemetry,
            )
            try:
                found = driven(application, process, port, count, words, variables)
            except NotReady as error:
                process.kill()
                return {"problem": str(error), "lines": []}
            finally:
                process.kill()
        # What it has sent is there; a receiver that is behind takes a moment.
        time.sleep(0.3)
        found["records"] = {signal: collector.count(signal) for signal in SIGNALS}
        found["metric_names"] = metric_names(collector)
        found["lines"] = [cleaned(line, folder, environment) for line in process.lines()]
        return found


@contextmanager
def beside(
    application: Application, folder: Path, words: dict[str, Any], variables: dict[str, str]
) -> Iterator[None]:
    """The server that it needs, ready; ended with the block."""
    if not application.beside:
        yield
        return
    command = [filled(text, words) for text in application.beside]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, env=variables, **quiet) as server:
        try:
            ends = time.monotonic() + 60
            while not answers(words["other_port"]):
                if server.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"{command[1]} does not start")
                time.sleep(0.05)
            yield
        finally:
            server.kill()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def metric_names(collector: Collector) -> set[str]:
    return {
        metric["name"]
        for request in collector.requests()
        if request.signal == "metrics" and request.accepted
        for resource_metrics in request.decoded.get("resource_metrics", ())
        for scope_metrics in resource_metrics.get("scope_metrics", ())
        for metric in scope_metrics.get("metrics", ())
    }


def variables_for(
    application: Application,
    environment: Environment,
    folder: Path,
    count: int,
    words: dict[str, Any],
) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "OXITEL_", "PYTHON", "VIRTUAL_ENV"))
        and not name.lower().endswith("_proxy")
    }
    return kept | {
        "PATH": f"{environment.programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "COUNT": str(count),
        **{name: filled(text, words) for name, text in application.variables.items()},
    }


def telemetry_for(application: Application, collector: Collector) -> dict[str, str]:
    return {
        "OTEL_SERVICE_NAME": application.name,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ",".join(application.without),
    }


def driven(
    application: Application,
    process: Process,
    port: int,
    count: int,
    words: dict[str, Any],
    variables: dict[str, str],
) -> dict[str, Any]:
    """Have it work, and end it."""
    if application.client:
        started = time.monotonic() - process.started
        client = [filled(text, words) for text in application.client]
        finished = subprocess.run(
            client, env=variables, capture_output=True, text=True, timeout=300, check=False
        )
        if finished.returncode != 0:
            raise NotReady((finished.stderr.splitlines() or ["its client failed"])[-1])
        return {**process.terminate(application.is_ended_together), "start_seconds": started}
    if not application.requests:
        return process.wait()
    started = process.wait_until_ready(port, application.ready)
    for number in range(count):
        method, path = application.requests[number % len(application.requests)]
        ask(port, method, path)
    return {**process.terminate(application.is_ended_together), "start_seconds": started}


def filled(text: str, words: dict[str, Any]) -> str:
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def cleaned(line: str, folder: str, environment: Environment) -> str:
    """Without the paths of this machine and colours."""
    line = line.replace(str(environment.folder), "ENV").replace(folder, "FOLDER")
    line = line.replace(str(ROOT), "ROOT")
    return re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip()


def normal(line: str) -> str:
    """What is the same in each run."""
    line = re.sub(r"[0-9a-f]{8,}|\d+", "N", line)
    # Rows of figures have more or fewer of them, and other widths.
    return re.sub(r"(N[\s.,|%()]*)+", "N ", re.sub(r"\s+", " ", line)).strip()


def summary(rounds: list[dict[str, Any]], plain: Counter[str]) -> dict[str, Any]:
    """Medians, and the lines that are printed with telemetry only."""
    problems = [found["problem"] for found in rounds if "problem" in found]
    if problems:
        return {"problem": problems[0]}
    result: dict[str, Any] = {}
    for name in ("cpu_seconds", "memory_mib", "start_seconds", "end_seconds", "run_seconds"):
        values = [found[name] for found in rounds if name in found]
        if values:
            result[name] = round(statistics.median(values), 3)
    result["cpu_all_rounds"] = [round(found["cpu_seconds"], 3) for found in rounds]
    result["exit_statuses"] = sorted({found["exit_status"] for found in rounds})
    result["records"] = {
        signal: round(statistics.median(found["records"][signal] for found in rounds))
        for signal in SIGNALS
    }
    result["metric_names"] = sorted(set().union(*(found["metric_names"] for found in rounds)))
    added = [
        [line for line in found["lines"] if line and normal(line) not in plain] for found in rounds
    ]
    result["added_lines"] = round(statistics.median(len(lines) for lines in added))
    examples = Counter(normal(line)[:160] for lines in added for line in lines)
    result["added_examples"] = [text for text, _ in examples.most_common(_EXAMPLES)]
    return result


if __name__ == "__main__":
    sys.exit(main())
