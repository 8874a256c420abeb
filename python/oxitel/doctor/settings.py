"""What is configured for the whole process: resource, sampler, propagators, and what is changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from oxitel.variables import otlp, sdk, zero_code
from oxitel.variables.otlp import PerSignal
from oxitel.variables.registry import declared

from .bounded import bounded
from .report import Report
from .sources import Setting, Sources
from .variables import changed

_CHECK = "settings"
_PATIENCE_SECONDS = 10.0
_RATIO = ("traceidratio", "parentbased_traceidratio")
# Shown by themselves here, or with their signal.
_SHOWN = (
    sdk.SERVICE_NAME,
    sdk.RESOURCE_ATTRIBUTES,
    sdk.SDK_DISABLED,
    sdk.TRACES_SAMPLER,
    sdk.TRACES_SAMPLER_ARG,
    zero_code.PROPAGATORS,
    zero_code.CONFIG_FILE,
    *zero_code.EXPORTERS.values(),
)


def check(report: Report, sources: Sources) -> None:
    """Note the settings with their sources, and look for those that cannot be meant."""
    settings: dict[str, Any] = {}
    report.facts["settings"] = settings
    report.attempt(_CHECK, _check_switch, report, sources)
    path = zero_code.CONFIG_FILE.text()
    if path is not None:
        _take_from_file(report, sources, path, settings)
        return
    for name, function in (
        ("disabled", _disabled),
        ("service_name", _service_name),
        ("resource_attributes", _resource_attributes),
        ("sampler", _sampler),
        ("propagators", _propagators),
    ):
        setting = report.attempt(_CHECK, function, report, sources)
        if setting is not None:
            settings[name] = setting.as_facts()
    report.facts["changed"] = report.attempt(_CHECK, _changed, sources) or []
    report.attempt(_CHECK, _check_plug_ins, report)


def _check_switch(report: Report, sources: Sources) -> None:
    setting = sources.read(zero_code.ENABLED)
    if not setting.value:
        report.find(
            "warning",
            _CHECK,
            f"{setting.origin} is false: `oxitel run` and the variables of `oxitel env` start the"
            " program without telemetry",
            f"unset {zero_code.ENABLED.name} if that is not meant",
        )


def _disabled(report: Report, sources: Sources) -> Setting | None:
    setting = sources.read(sdk.SDK_DISABLED)
    if not setting.value:
        return None
    report.find(
        "warning",
        _CHECK,
        f"{setting.origin} switches the SDK off: nothing is recorded or exported",
        f"unset {sdk.SDK_DISABLED.name} if that is not meant",
    )
    return setting


def _take_from_file(report: Report, sources: Sources, path: str, settings: dict[str, Any]) -> None:
    from . import from_file

    settings["configuration_file"] = sources.read(zero_code.CONFIG_FILE).as_facts()
    found = report.attempt(_CHECK, from_file.check, report, path) or {}
    settings.update({name: setting.as_facts() for name, setting in found.items()})
    # Those of Python count beside a file.
    report.facts["changed"] = [
        entry
        for entry in report.attempt(_CHECK, _changed, sources) or []
        if not entry["name"].startswith("OTEL_") or entry["name"].startswith("OTEL_PYTHON_")
    ]
    report.attempt(_CHECK, _check_plug_ins, report)


def _service_name(report: Report, sources: Sources) -> Setting:
    setting = sources.read(sdk.SERVICE_NAME)
    if not setting.value:
        attributes = sources.read(sdk.RESOURCE_ATTRIBUTES)
        name = _attributes(attributes.value or "").get("service.name")
        if name:
            setting = Setting(name, attributes.source, attributes.origin)
    if setting.value:
        return setting
    from oxitel.resources.resource import Resource

    # Other packages' detectors may ask the network.
    default = bounded(_PATIENCE_SECONDS, Resource.create).attributes.get("service.name")
    report.find(
        "warning",
        _CHECK,
        f"the service has no name; it will be found as {default}",
        f"set {sdk.SERVICE_NAME.name}",
    )
    return Setting(default, "default")


def _resource_attributes(report: Report, sources: Sources) -> Setting | None:
    setting = sources.read(sdk.RESOURCE_ATTRIBUTES)
    if not setting.value:
        return None
    wrong = [part for part in setting.value.split(",") if part.strip() and "=" not in part]
    if wrong:
        report.find(
            "warning",
            _CHECK,
            f"{setting.origin} has parts that are no key=value and are left out:"
            f" {', '.join(part.strip() for part in wrong)}",
            "separate the pairs with commas; write a comma in a value as %2C",
        )
    return Setting(_attributes(setting.value), setting.source, setting.origin)


def _attributes(text: str) -> dict[str, str]:
    pairs = (part.split("=", 1) for part in text.split(",") if "=" in part)
    return {key.strip(): unquote(value.strip()) for key, value in pairs}


def _sampler(report: Report, sources: Sources) -> Setting:
    setting = sources.text(sdk.TRACES_SAMPLER.name, sdk.TRACES_SAMPLER.default)
    name, argument = setting.value, sources.read(sdk.TRACES_SAMPLER_ARG)
    if name.lower() in sdk.TRACES_SAMPLER.names:
        name = name.lower()
    has_ratio = name in _RATIO
    if name in ("always_off", "parentbased_always_off") or (has_ratio and argument.value == 0):
        report.find(
            "warning",
            _CHECK,
            f"the sampler {name} records no trace that begins here",
            f"unset {sdk.TRACES_SAMPLER.name} if that is not meant",
        )
    if has_ratio:
        name = f"{name}, {argument.value:g}"
    elif argument.source != "default" and name in sdk.TRACES_SAMPLER.names:
        report.find(
            "note",
            _CHECK,
            f"{argument.origin} is not used: the sampler {name} takes no argument",
            f"set {sdk.TRACES_SAMPLER.name} to parentbased_traceidratio to keep a share of traces",
        )
    return Setting(name, setting.source, setting.origin)


def _propagators(report: Report, sources: Sources) -> Setting:
    setting = sources.read(zero_code.PROPAGATORS)
    known = _names("opentelemetry_propagator")
    unknown = [name for name in setting.value if name not in known and name != "none"]
    if unknown:
        report.find(
            "error",
            _CHECK,
            f"{setting.origin} names propagators that are not installed: {', '.join(unknown)};"
            " importing opentelemetry.propagate raises",
            f"there are: {', '.join(sorted(known))}",
        )
    if "none" in setting.value or not setting.value:
        report.find(
            "warning", _CHECK, "no propagator is in use, so that traces end at this process"
        )
    return Setting(list(setting.value), setting.source, setting.origin)


def _changed(sources: Sources) -> list[dict[str, Any]]:
    """What is set besides: limits, batches, and whatever else is read from variables."""
    shown = {variable.name for variable in _SHOWN}
    for entry in declared(otlp):
        if isinstance(entry, PerSignal):
            shown.update(form.name for form in entry.forms)
    return [
        {"name": name, "value": value, "source": source, "origin": origin}
        for name, value, source, origin in changed(sources, frozenset(shown))
    ]


def _check_plug_ins(report: Report) -> None:
    """Distribution and configurator have to be installed, or nothing is set up at all."""
    for variable, group in (
        (zero_code.DISTRO, "opentelemetry_distro"),
        (zero_code.CONFIGURATOR, "opentelemetry_configurator"),
    ):
        name, known = variable.text(), _names(group)
        if name is not None and name not in known:
            report.find(
                "error",
                _CHECK,
                f"{variable.name} is {name}, and no installed package has that",
                f"there are: {', '.join(sorted(known)) or 'none'}",
            )
    known = _names("opentelemetry_resource_detector") | {"*"}
    unknown = [name for name in sdk.RESOURCE_DETECTORS.read() if name not in known]
    if unknown:
        report.find(
            "warning",
            _CHECK,
            f"{sdk.RESOURCE_DETECTORS.name} names detectors that no installed package has:"
            f" {', '.join(unknown)}",
            f"there are: {', '.join(sorted(known))}",
        )


def _names(group: str) -> set[str]:
    from importlib.metadata import entry_points

    return {entry_point.name for entry_point in entry_points(group=group)}
