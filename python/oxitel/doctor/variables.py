"""The variables that are set: wrong values, names that nobody knows, names that nobody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from os import environ
from typing import Any

from oxitel.variables.kafka import KAFKA_CONFIGURATION
from oxitel.variables.registry import each_form
from oxitel.variables.sdk import TRACES_SAMPLER
from oxitel.variables.variable import Variable

from .report import MASK, Report
from .sources import Sources

_PREFIXES = ("OTEL_", "OXITEL_")
# Read by opentelemetry-api and opentelemetry-instrumentation.
_OFFICIAL_MODULES = (
    "opentelemetry.environment_variables",
    "opentelemetry.instrumentation.environment_variables",
)
# Known to the specification or to the official packages, and read by none of them for Python.
_READ_BY_NOBODY = {
    "OTEL_LOG_LEVEL": "logging is set up in Python's way, by `logging`",
    "OTEL_EXPERIMENTAL_CONFIG_FILE": "its name is OTEL_CONFIG_FILE now",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE": "its name is OTEL_EXPORTER_OTLP_TRACES_INSECURE now",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE": "its name is OTEL_EXPORTER_OTLP_METRICS_INSECURE now",
    "OTEL_EXPORTER_PROMETHEUS_HOST": "the Prometheus reader's server is started in code",
    "OTEL_EXPORTER_PROMETHEUS_PORT": "the Prometheus reader's server is started in code",
}
_READ_BY_NOBODY_LIKE = (
    (r"OTEL_EXPORTER_(ZIPKIN|JAEGER)_\w+", "Jaeger and Zipkin receivers take OTLP"),
    (
        r"OTEL_(JAVA|JAVAAGENT|DOTNET|NODE|GO|RUBY|PHP|ERLANG|CPP|RUST)_\w+",
        "it is for another language",
    ),
    (
        r"OTEL_RESOURCE_ATTRIBUTES_\w+|OTEL_(POD|NODE)_(IP|NAME)",
        "it is there for other variables to refer to",
    ),
)
# What instrumentations read under names made of the library's.
_INSTRUMENTATIONS = re.compile(
    r"OTEL_INSTRUMENTATION_\w+|OTEL_PYTHON_\w+|OTEL_SEMCONV_STABILITY_OPT_IN"
)
_COMMON = (
    "OTEL_PYTHON_EXCLUDED_URLS",
    "OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
)
# An empty value of these is one: no limit.
_LIMIT = re.compile(r"OTEL_\w*(COUNT|LENGTH)_LIMIT")


def declared() -> dict[str, Variable]:
    """Every variable of OpenTelemetry that Oxitel reads, by its name."""
    return {
        variable.name: variable for variable in each_form() if variable.name.startswith(_PREFIXES)
    }


def check(report: Report, sources: Sources) -> None:
    """Look at every variable whose name is, or should be, of OpenTelemetry."""
    known = declared()
    read_elsewhere = set(_COMMON).union(_official_names(report))
    facts: dict[str, list[dict[str, Any]]] = {"wrong": [], "unknown": [], "not_read": []}
    report.facts["variables"] = facts
    for name, value in sorted(environ.items()):
        variable = known.get(name)
        if variable is not None:
            _check_value(report, sources, facts, variable, value)
        elif name not in read_elsewhere:
            _check_name(report, facts, name, known.keys() | read_elsewhere)
        if name.startswith(_PREFIXES):
            _check_quotes(report, name, value)


def names_that_are_set() -> list[str]:
    """The variables of the specification that have a value."""
    return sorted(name for name, value in environ.items() if name.startswith("OTEL_") and value)


def changed(sources: Sources, skip: frozenset[str]) -> Iterator[tuple[str, Any, str, str]]:
    """Name, value, source and origin of each variable that is set to something usable, without
    those in `skip`, which are shown elsewhere."""
    for name, variable in declared().items():
        value: Any = environ.get(name)
        if value is None or name in skip:
            continue
        if not value.strip():
            if _LIMIT.fullmatch(name):
                yield name, "no limit", *sources.of(name)
            continue
        try:
            value = variable.parse(value.strip())
        except ValueError:
            continue
        if variable is KAFKA_CONFIGURATION:
            value = _without_values(value)
        yield name, value, *sources.of(name)


def _without_values(text: str) -> str:
    """The names of `name=value` pairs: passwords are among the values."""
    parts = (part.partition("=") for part in text.split(","))
    return ",".join(f"{name}={MASK}" if equals else MASK for name, equals, _ in parts)


_SDK_LISTS = ("opentelemetry.sdk.environment_variables", "oxitel.variables.entry_point")


def _official_names(report: Report) -> Iterator[str]:
    """The names that the API, the instrumentations' base and other packages say that they read."""
    modules = list(_OFFICIAL_MODULES)
    for entry_point in entry_points(group="opentelemetry_environment_variables"):
        # The SDK's own list has names that nobody reads, too.
        if entry_point.module not in _SDK_LISTS:
            modules.append(entry_point.module)
    for module in dict.fromkeys(modules):
        loaded = report.attempt("variables", import_module, module)
        yield from (name for name in vars(loaded or object) if name.startswith("OTEL_"))


def _check_value(
    report: Report,
    sources: Sources,
    facts: Mapping[str, list[dict[str, Any]]],
    variable: Variable,
    value: str,
) -> None:
    if not value.strip():
        if not _LIMIT.fullmatch(variable.name):
            report.find("note", "variables", f"{variable.name} is empty, which counts as unset")
        return
    try:
        variable.parse(value.strip())
    except ValueError:
        if variable is TRACES_SAMPLER and entry_points(
            group="opentelemetry_traces_sampler", name=value.strip()
        ):
            # Another package's, which the configurator takes.
            return
        source, origin = sources.of(variable.name)
        used = variable.used_instead()
        facts["wrong"].append(
            {
                "name": variable.name,
                "value": value,
                "expected": variable.expected,
                "used": used,
                "source": source,
                "origin": origin,
            }
        )
        report.find(
            "warning",
            "variables",
            f"{origin} is {value!r}, which is not {variable.expected}; {used} is used",
            f"set it to {variable.expected}",
        )


def _check_name(
    report: Report, facts: Mapping[str, list[dict[str, Any]]], name: str, known: set[str]
) -> None:
    upper = name.upper()
    if not upper.startswith((*_PREFIXES, "OTLP_")):
        return
    reason = _READ_BY_NOBODY.get(name)
    for pattern, why in _READ_BY_NOBODY_LIKE:
        if re.fullmatch(pattern, name):
            reason = why
    if reason is not None:
        facts["not_read"].append({"name": name, "reason": reason})
        report.find("note", "variables", f"{name} is not read: {reason}")
        return
    meant = _meant(name, known)
    if meant is None and _INSTRUMENTATIONS.fullmatch(name):
        # It may be some instrumentation's.
        return
    facts["unknown"].append({"name": name, "meant": meant})
    if meant is None:
        if not upper.startswith("OTLP_"):
            report.find("note", "variables", f"nothing here knows the variable {name}")
        return
    report.find(
        "warning", "variables", f"nothing reads {name}", f"{meant} may be meant; rename it to that"
    )


def _meant(name: str, known: set[str]) -> str | None:
    """The known name that is spelt most like this one."""
    from difflib import get_close_matches

    upper = name.upper()
    if upper.startswith("OTLP_"):
        upper = f"OTEL_EXPORTER_{upper}"
    by_letters = {candidate.replace("_", ""): candidate for candidate in known}
    letters = upper.replace("_", "")
    if letters in by_letters:
        return by_letters[letters]
    if upper.endswith("_EXCLUDED_URLS"):
        # Each instrumentation has its own, and they are all alike.
        return None
    similar = get_close_matches(letters, by_letters, 1, 0.85)
    return by_letters[similar[0]] if similar else None


def _check_quotes(report: Report, name: str, value: str) -> None:
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        report.find(
            "warning",
            "variables",
            f"the value of {name} has quotation marks around it, which are part of the value",
            "take them away: files for `docker --env-file` and systemd's EnvironmentFile differ in"
            " whether they do it",
        )
