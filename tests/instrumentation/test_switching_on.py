"""Switching instrumentations on imports none of their libraries."""

import subprocess
import sys
from ast import literal_eval

PROGRAM = """
import sys
import oxitel.auto
from importlib.metadata import distribution

before = set(sys.modules)
for point in distribution("oxitel").entry_points.select(group="opentelemetry_instrumentor"):
    point.load()().instrument(skip_dep_check=True)
imported = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(imported - (sys.stdlib_module_names - {"sqlite3"})))
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
    base = {"opentelemetry", "oxitel", "packaging", "typing_extensions", "wrapt"}
    base |= {"importlib_metadata", "zipp"}  # older versions of the API import it
    assert set(literal_eval(imported)) <= base
    assert producer == "oxitel.instrumentation.confluent_kafka_clients"
