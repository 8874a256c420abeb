"""Official packages that do not fit or that are half there, and what is told twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doctor.test_packages import install

__all__ = ["install"]

Install = Callable[..., str]
GEVENT_PATCH = "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"


def test_an_sdk_that_does_not_fit_the_api_is_an_error(doctor: Any, install: Install) -> None:
    install("opentelemetry-instrumentation-ours", "0.66b1")
    path = install(
        "opentelemetry-sdk",
        "1.40.0",
        requires=("opentelemetry-api ==1.40.0", "opentelemetry-api ==1 ; extra == 'never'"),
        files={"opentelemetry/sdk/trace/__init__.py": ""},
    )
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    assert diagnosis.status == 1
    finding = diagnosis.finding("opentelemetry-sdk 1.40.0 needs opentelemetry-api==1.40.0, and ")
    assert finding["grade"] == "error"
    advised, _, rest = finding["advice"].partition(" 'opentelemetry-api==1.40.0', with")
    assert advised.startswith("pip install oxitel opentelemetry-instrumentation")
    assert "opentelemetry-instrumentation-ours" in advised.split()
    assert "pip uninstall opentelemetry-sdk" in rest


def test_an_sdk_that_is_not_used_may_not_fit(doctor: Any, install: Install) -> None:
    path = install(
        "opentelemetry-sdk",
        "1.40.0",
        requires=("opentelemetry-api ==1.40.0",),
        files={"opentelemetry/sdk/trace/__init__.py": ""},
    )
    diagnosis = doctor("--no-connect", "python", "app.py", PYTHONPATH=path)
    assert diagnosis.status == 0
    assert diagnosis.finding("needs opentelemetry-api==1.40.0")["grade"] == "note"


def test_versions_that_fit_are_no_finding(doctor: Any, install: Install) -> None:
    path = install(
        "opentelemetry-sdk",
        "1.45.1",
        requires=("opentelemetry-api >=1.30", "opentelemetry-proto ==7"),
        files={"opentelemetry/sdk/trace/__init__.py": ""},
    )
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    assert not [finding for finding in diagnosis.findings() if "needs" in finding["text"]]


EXPORTER = "opentelemetry/exporter/otlp/proto/grpc/trace_exporter/__init__.py"


def test_an_official_exporter_on_our_sdk_is_said(doctor: Any, install: Install) -> None:
    path = install("opentelemetry-exporter-otlp-proto-grpc", "1.45.1", files={EXPORTER: ""})
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    finding = diagnosis.finding("parts of each: opentelemetry.sdk is Oxitel's")
    assert finding["grade"] == "warning"
    assert f"opentelemetry-exporter-otlp-proto-grpc's ({path}/{EXPORTER})" in finding["text"]
    owners = {module: part["owner"] for module, part in diagnosis.report["parts"].items()}
    assert owners == {
        "opentelemetry.sdk.trace": "oxitel",
        "opentelemetry.exporter.otlp.proto.grpc.trace_exporter": "official",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter": "oxitel",
    }


def test_our_exporter_on_the_official_sdk_is_said(doctor: Any, install: Install) -> None:
    files = {"opentelemetry/sdk/trace/__init__.py": ""}
    path = install("opentelemetry-sdk", "1.45.1", files=files)
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    finding = diagnosis.finding("parts of each: opentelemetry.sdk is the official one")
    assert finding["grade"] == "note"
    assert "oxitel run" in finding["advice"]


def test_what_oxitel_run_does_anyway_is_not_advised(doctor: Any, install: Install) -> None:
    files = {"opentelemetry/sdk/trace/__init__.py": "", EXPORTER: ""}
    path = install("opentelemetry-sdk", "1.45.1", files=files)
    diagnosis = doctor("--no-connect", "python", "app.py", PYTHONPATH=path)
    assert not [finding for finding in diagnosis.findings() if "oxitel run" in finding["advice"]]
    sdk = diagnosis.report["sdk"]
    assert (sdk["winner"], sdk["reason"]) == ("oxitel", "oxitel run puts Oxitel's folder first")


HTTP = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
}


def test_fastapis_exporters_beside_ours_are_said(doctor: Any) -> None:
    variables = {**HTTP, "FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_LOGS_EXPORTER": "none"}
    diagnosis = doctor("--no-connect", **variables)
    finding = diagnosis.finding("has FastAPI add exporters of its own")
    assert finding["grade"] == "warning"
    assert finding["text"].startswith("FASTAPI_OTEL_AUTO_CONFIGURE=true ")
    assert finding["text"].endswith("traces, metrics are exported twice")
    assert finding["advice"] == "unset FASTAPI_OTEL_AUTO_CONFIGURE"


def test_fastapis_exporters_are_found_in_the_source(doctor: Any, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    source = 'app = FastAPI(telemetry={"auto_configure": True})\n'
    (tmp_path / "shop" / "app.py").write_text(source)
    # What is installed is not the program's.
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    (tmp_path / "env" / "a.py").write_text(source)
    diagnosis = doctor("--no-connect", **HTTP)
    finding = diagnosis.finding("has FastAPI add exporters of its own")
    assert finding["text"].startswith("auto_configure in shop/app.py ")


@pytest.mark.parametrize(
    ("variables", "grade"),
    [
        # Without an endpoint FastAPI exports nothing.
        ({}, None),
        ({**HTTP, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "note"),
    ],
)
def test_fastapi_without_exporters_of_its_own(
    variables: dict[str, str], grade: str | None, doctor: Any
) -> None:
    diagnosis = doctor("--no-connect", FASTAPI_OTEL_AUTO_CONFIGURE="true", **variables)
    grades = [f["grade"] for f in diagnosis.findings() if "has FastAPI" in f["text"]]
    assert grades == ([] if grade is None else [grade])


def test_starlettes_middleware_gives_way_to_the_instrumentation(
    doctor: Any, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "from starlette.middleware.opentelemetry import OpenTelemetryMiddleware\n"
    )

    def states(**variables: str) -> dict[str, str]:
        report = doctor("--no-connect", **variables).report
        return {entry["name"]: entry["state"] for entry in report["own_telemetry"]}

    given_way = "gives way to the instrumentation"
    assert states() == {"fastapi": given_way, "starlette": given_way}
    off = states(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="starlette,fastapi")
    assert off == {"fastapi": "on", "starlette": "on"}


def test_frameworks_that_tell_by_themselves_are_named(doctor: Any) -> None:
    page = doctor("--no-connect", as_text=True).stdout
    (row,) = [line for line in page.splitlines() if "own telemetry" in line]
    assert "(gives way to the instrumentation)" in row
    assert "(only with its middleware)" in row


# It starts none of these.
@pytest.mark.fork
@pytest.mark.parametrize(
    ("command", "variables", "grade"),
    [
        (["gunicorn", "-k", "gevent", "app:app"], {}, "warning"),
        (["gunicorn", "app:app"], {"GUNICORN_CMD_ARGS": "--worker-class=gevent"}, "warning"),
        (["locust"], {}, "warning"),
        (["gunicorn", "-k", "gevent", "app:app"], {GEVENT_PATCH: "patch_all"}, None),
        (["python", "app.py"], {}, None),
        ([], {}, "note"),
    ],
)
def test_gevent_that_patches_too_late(
    command: list[str],
    variables: dict[str, str],
    grade: str | None,
    doctor: Any,
    install: Install,
) -> None:
    path = install("gevent", "26.9.0")
    diagnosis = doctor("--no-connect", *command, PYTHONPATH=path, **variables)
    found = [finding for finding in diagnosis.findings() if "before gevent" in finding["text"]]
    assert [finding["grade"] for finding in found] == ([] if grade is None else [grade])
    assert all(f"{GEVENT_PATCH}=patch_all" in finding["advice"] for finding in found)
    assert diagnosis.status == 0


@pytest.mark.fork
def test_eventlet_that_patches_too_late(doctor: Any, install: Install) -> None:
    path = install("eventlet", "0.41.3")
    disabled = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "threading"}
    diagnosis = doctor(
        *("--no-connect", "celery", "-A", "jobs", "worker", "-P", "eventlet"),
        PYTHONPATH=path,
        **disabled,
    )
    assert "sitecustomize" in diagnosis.finding("the program runs on eventlet")["advice"]
    assert diagnosis.finding("the instrumentation threading is disabled")["grade"] == "warning"


FILE = """
file_format: "1.1"
resource: {attributes: [{name: service.name, value: shop}]}
tracer_provider:
  processors:
    - batch:
        schedule_delai: 5
        max_queue_size: many
        exporter: {otlp_http: {endpoint: "http://127.0.0.1:9/v1/traces", headers_lst: "a=secret"}}
meter_provider:
  readers:
    - pull: {exporter: {prometheus/development: {port: 1}}}
    - periodic: {intervall: 5, exporter: {console: }}
instrumentation/development: {python: {nobodys: }}
distribution: {oxitel: {buffer: {directory: kept, max_bites: 5}}}
tracer_providr: {}
"""


def test_keys_of_a_file_that_nobody_knows_are_said(doctor: Any, tmp_path: Path) -> None:
    file = tmp_path / "telemetry.yaml"
    file.write_text(FILE)
    diagnosis = doctor("--no-connect", OTEL_CONFIG_FILE=str(file))
    assert diagnosis.status == 0
    unknown = {
        finding["text"].split(": ")[1]
        for finding in diagnosis.findings("warning")
        if "not known or not supported" in finding["text"]
    }
    batch = "tracer_provider.processors[0].batch"
    assert unknown == {
        f"{batch}.schedule_delai",
        f"{batch}.exporter.otlp_http.headers_lst",
        "meter_provider.readers[0].periodic.intervall",
        "distribution.oxitel.buffer.max_bites",
        "tracer_providr",
    }
    # A value that cannot be used is said once, whoever finds it.
    found = diagnosis.finding("max_queue_size")
    assert "has to be an integer of at least 1, not 'many'" in found["text"]
    assert "secret" not in diagnosis.stdout
    # Nothing of the file was started.
    assert not (tmp_path / "kept").exists()


def test_a_file_that_is_fine_is_no_finding(doctor: Any, tmp_path: Path) -> None:
    file = tmp_path / "telemetry.json"
    file.write_text(
        '{"file_format": "1.1", '
        ' "resource": {"attributes": [{"name": "service.name", "value": "a"}]},'
        ' "propagator": {"composite": [{"tracecontext": null}]},'
        ' "tracer_provider": {"processors": [{"simple": {"exporter": {"console": {}}}}]}}'
    )
    diagnosis = doctor("--no-connect", "python", "app.py", OTEL_CONFIG_FILE=str(file))
    assert diagnosis.findings("warning", "error") == []


def test_the_switch_that_is_off_is_said(doctor: Any) -> None:
    diagnosis = doctor("--no-connect", OXITEL_ENABLED="false")
    finding = diagnosis.finding("OXITEL_ENABLED is false")
    assert (finding["grade"], diagnosis.status) == ("warning", 0)
    assert doctor("--no-connect", "--enabled", "false").finding("--enabled is false")


def test_a_pipeline_may_stop_at_a_warning(doctor: Any) -> None:
    nameless = {"OTEL_SERVICE_NAME": "(unset)"}
    assert doctor("--no-connect", **nameless).status == 0
    diagnosis = doctor("--no-connect", "--fail-on", "warning", **nameless)
    assert diagnosis.finding("the service has no name")["grade"] == "warning"
    assert (diagnosis.status, diagnosis.report["exit_status"]) == (1, 1)
    assert doctor("--no-connect", "--fail-on", "warning").status == 0
