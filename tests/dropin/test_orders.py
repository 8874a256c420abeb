"""Whose modules the official imports find, in each order of installing and uninstalling."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dropin.conftest import API, BETA, Environment

# Every module that both the official packages and we provide.
OFFICIAL_IMPORTS = (
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.trace.export.in_memory_span_exporter",
    "opentelemetry.sdk.trace.sampling",
    "opentelemetry.sdk.trace.id_generator",
    "opentelemetry.sdk.resources",
    "opentelemetry.sdk.util",
    "opentelemetry.sdk.util.instrumentation",
    "opentelemetry.sdk.environment_variables",
    "opentelemetry.sdk.error_handler",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)

WHOSE = f"""
import importlib, json, sys
whose = {{}}
for name in {OFFICIAL_IMPORTS!r}:
    module = importlib.import_module(name)
    whose[name] = "ours" if "/oxitel/dropin/" in module.__file__ else "official"
print(json.dumps(whose))
"""


def whose_modules(environment: Environment, first: str = "") -> set[str]:
    """{"ours"}, {"official"}, or both where the modules are mixed, which must never be."""
    found = json.loads(environment.output(first + WHOSE, "-W", "error"))
    assert tuple(found) == OFFICIAL_IMPORTS
    return set(found.values())


def test_without_the_official_sdk_the_official_imports_find_ours(
    official_absent: Environment,
) -> None:
    assert whose_modules(official_absent) == {"ours"}


def test_an_installed_official_sdk_wins_silently(official_present: Environment) -> None:
    assert whose_modules(official_present) == {"official"}


def test_importing_oxitel_alone_changes_nothing(official_present: Environment) -> None:
    assert whose_modules(official_present, "import oxitel\n") == {"official"}


def test_oxitel_auto_makes_the_official_imports_ours(official_present: Environment) -> None:
    assert whose_modules(official_present, "import oxitel.auto\n") == {"ours"}


def test_oxitel_auto_is_in_time_after_the_api(official_present: Environment) -> None:
    first = "from opentelemetry import trace, context, propagate, baggage\nimport oxitel.auto\n"
    assert whose_modules(official_present, first) == {"ours"}


def test_oxitel_auto_is_in_time_after_the_bare_namespace(official_present: Environment) -> None:
    first = "import opentelemetry.sdk, opentelemetry.exporter\nimport oxitel.auto\n"
    assert whose_modules(official_present, first) == {"ours"}


def test_oxitel_auto_changes_nothing_where_the_official_sdk_is_absent(
    official_absent: Environment,
) -> None:
    assert whose_modules(official_absent, "import oxitel.auto\n") == {"ours"}


def test_an_official_sdk_installed_later_takes_over_and_gives_back_when_uninstalled(
    make_environment: Callable[..., Environment],
) -> None:
    environment = make_environment("oxitel", f"opentelemetry-api=={API}")
    assert whose_modules(environment) == {"ours"}

    environment.install(f"opentelemetry-sdk=={API}", f"opentelemetry-exporter-otlp=={API}")
    assert whose_modules(environment) == {"official"}
    assert whose_modules(environment, "import oxitel.auto\n") == {"ours"}

    official = [
        *("opentelemetry-sdk", "opentelemetry-exporter-otlp"),
        *("opentelemetry-exporter-otlp-proto-grpc", "opentelemetry-exporter-otlp-proto-http"),
        "opentelemetry-exporter-otlp-proto-common",
    ]
    environment.uninstall(*official)
    assert whose_modules(environment) == {"ours"}


def test_an_official_sdk_installed_first_wins_too(
    make_environment: Callable[..., Environment],
) -> None:
    environment = make_environment(
        f"opentelemetry-sdk=={API}", f"opentelemetry-exporter-otlp=={API}"
    )
    environment.install("oxitel")
    assert whose_modules(environment) == {"official"}
    assert whose_modules(environment, "import oxitel.auto\n") == {"ours"}


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("official", [False, True], ids=["official absent", "official present"])
def test_uninstalled_oxitel_leaves_nothing(
    official: bool, make_environment: Callable[..., Environment]
) -> None:
    # What Oxitel depends on stays, as pip leaves it.
    environment = make_environment(
        f"opentelemetry-{'sdk' if official else 'api'}=={API}",
        *(f"opentelemetry-semantic-conventions=={BETA}", "packaging", "wrapt"),
    )
    before = files_in(environment.site_packages)
    environment.install("oxitel")
    assert files_in(environment.site_packages) != before
    environment.output("import oxitel.auto, opentelemetry.sdk.trace")

    environment.uninstall("oxitel")
    assert files_in(environment.site_packages) == before
    assert not (environment.site_packages / "oxitel").exists()
    imported = environment.run("import opentelemetry.sdk.trace")
    if official:
        assert (imported.returncode, imported.stderr) == (0, "")
    else:
        assert "ModuleNotFoundError: No module named 'opentelemetry.sdk'" in imported.stderr


def test_a_folder_outside_of_site_packages_needs_the_switch(
    official_absent: Environment, tmp_path: Path
) -> None:
    # Python reads .pth files only in its site folders, so `pip install --target` (as for AWS
    # Lambda) leaves the drop-in folder off sys.path until the program asks for it.
    with_api_only = f"import sys; sys.path.insert(0, {str(official_absent.site_packages)!r})\n"
    isolated = Environment(official_absent.folder, official_absent.wheel)
    bare = isolated.run(with_api_only + "import opentelemetry.sdk.trace", "-S")
    assert "ModuleNotFoundError" in bare.stderr
    switched = isolated.output(
        with_api_only + "import oxitel.auto, opentelemetry.sdk.trace as t; print(t.__file__)", "-S"
    )
    assert "/oxitel/dropin/" in switched
