"""Switching instrumentations on imports none of their libraries."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as some
from packaging.requirements import Requirement

import oxitel

BASE = Path(oxitel.__file__).parent / "base"

PROGRAM = f"""
import sys
sys.path.insert(0, {str(BASE)!r})
import oxitel.auto
from importlib.metadata import distribution

before = set(sys.modules)
for point in distribution("oxitel").entry_points.select(group="opentelemetry_instrumentor"):
    point.load()().instrument(skip_dep_check=True)
imported = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(sorted(imported - (sys.stdlib_module_names - {{"asyncio", "sqlite3", "ssl"}})))
import confluent_kafka
import flask
import kafka
for method in (flask.Flask.wsgi_app, kafka.KafkaProducer.send):
    assert hasattr(method, "__wrapped__")
print(confluent_kafka.Producer.__module__)
"""


def test_nothing_is_imported_and_what_is_imported_later_is_patched():
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    imported, producer = finished.stdout.splitlines()
    base = {"opentelemetry", "oxitel", "typing_extensions"}
    base |= {"importlib_metadata", "zipp"}  # older versions of the API import it
    assert set(literal_eval(imported)) <= base
    assert producer == "oxitel.instrumentation.confluent_kafka_clients"


def own_dependencies():
    """Our module of that name, also where the official base is installed."""
    path = BASE / "opentelemetry" / "instrumentation" / "dependencies.py"
    spec = importlib.util.spec_from_file_location("own_dependencies", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dependencies = own_dependencies()
releases = some.lists(some.integers(0, 3), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
bounds = some.tuples(some.sampled_from([">=", "<", "~="]), releases).filter(
    lambda bound: bound[0] != "~=" or "." in bound[1]
)


@given(some.lists(bounds, min_size=1, max_size=3), releases)
@example([("~=", "3.0")], "3")
@example([("~=", "3")], "3.1")
@example([(">=", "1.0.0"), ("<", "3.0")], "3")
def test_what_is_met_at_first_sight_is_met(asked, installed):
    text = ", ".join(f"{sign} {release}" for sign, release in asked)
    assert dependencies._PLAIN.fullmatch(f"library {text}")
    met = dependencies._is_plainly_met(text, installed)
    if ("~=", "3") in asked:
        assert not met  # of no meaning: packaging says so
    else:
        assert met == Requirement(f"library {text}").specifier.contains(installed)


def test_packaging_is_asked_for_all_others():
    for text in ("library", "library[extra] >= 1", "library == 1.*", "library >= 1.0rc1"):
        assert dependencies._PLAIN.fullmatch(text) is None, text
    for installed in ("1.0rc1", "1!1.0", "1.0+local", "", None):
        assert not dependencies._is_plainly_met(">= 0", installed)


@pytest.mark.parametrize(
    ("folder", "file", "metadata", "version"),
    [
        ("thing-1.dist-info", "METADATA", "Name: thing\nversion: 1.5\n\nVersion: 7\n", "1.5"),
        ("thing-1.dist-info", "METADATA", "Summary: a\n  Version: 7\nVersion:1.5\n", "1.5"),
        ("thing-1.egg-info", "PKG-INFO", "Name: thing\nVersion: 1.5\n\n", "1.5"),
        ("thing-1.egg-info", "", "Name: thing\nVersion: 1.5\n\n", "1.5"),
        ("thing-1.dist-info", "METADATA", "Name: thing\n\nVersion: 7\n", None),
        ("thing-1.dist-info", "OTHER", "", None),
    ],
)
def test_the_version_is_that_of_the_metadata(
    folder, file, metadata, version, tmp_path, monkeypatch
):
    if file:
        (tmp_path / folder).mkdir()
    (tmp_path / folder / file).write_text(metadata)
    monkeypatch.syspath_prepend(tmp_path)
    assert dependencies._version("thing") == version
    if version is not None:
        assert version == importlib.metadata.version("thing")
    conflict = dependencies.get_dependency_conflicts(["thing >= 1, < 2"])
    assert (conflict is None) == (version is not None)
