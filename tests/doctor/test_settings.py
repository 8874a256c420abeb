"""What is configured and from where, and what is said of variables that are wrong or unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

SECRET = "s3cret-value-4711"


def test_each_setting_has_its_source(doctor: Any) -> None:
    report = doctor(
        "--no-connect",
        "--exporter-otlp-protocol=http/protobuf",
        "--traces-exporter",
        "otlp",
        "python",
        "app.py",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://general:4318",
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="http://metrics:4318/custom",
        OTEL_RESOURCE_ATTRIBUTES="service.name=ignored,team=a%20b",
        OTEL_SPAN_LINK_COUNT_LIMIT="",
        OTEL_BSP_MAX_QUEUE_SIZE="4096",
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="0.25",
    ).report
    settings = report["settings"]
    assert settings["service_name"] == {
        "value": "patient",
        "source": "variable",
        "origin": "OTEL_SERVICE_NAME",
    }
    assert settings["resource_attributes"]["value"] == {"service.name": "ignored", "team": "a b"}
    assert settings["sampler"]["value"] == "parentbased_traceidratio, 0.25"
    assert settings["propagators"] == {
        "value": ["tracecontext", "baggage"],
        "source": "default",
        "origin": "",
    }
    traces = report["signals"]["traces"]["settings"]
    assert traces["exporters"]["origin"] == "--traces-exporter"
    assert traces["protocol"] == {
        "value": "http/protobuf",
        "source": "argument",
        "origin": "--exporter-otlp-protocol",
    }
    assert traces["endpoint"]["value"] == "http://general:4318/v1/traces"
    assert traces["timeout_seconds"] == {"value": 10.0, "source": "default", "origin": ""}
    metrics = report["signals"]["metrics"]["settings"]
    assert metrics["endpoint"] == {
        "value": "http://metrics:4318/custom",
        "source": "variable",
        "origin": "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    }
    assert metrics["exporters"] == {"value": ["otlp"], "source": "default", "origin": ""}
    changed = {entry["name"]: entry["value"] for entry in report["changed"]}
    assert changed == {"OTEL_SPAN_LINK_COUNT_LIMIT": "no limit", "OTEL_BSP_MAX_QUEUE_SIZE": 4096}


def test_a_wrong_value_is_named_with_what_is_used_instead(doctor: Any) -> None:
    diagnosis = doctor(
        "--no-connect", OTEL_BSP_MAX_QUEUE_SIZE="many", OTEL_TRACES_SAMPLER="always_of"
    )
    assert diagnosis.status == 0
    wrong = {entry["name"]: entry for entry in diagnosis.report["variables"]["wrong"]}
    assert sorted(wrong) == ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_TRACES_SAMPLER"]
    assert wrong["OTEL_BSP_MAX_QUEUE_SIZE"]["used"] == "the default 2048"
    finding = diagnosis.finding("OTEL_BSP_MAX_QUEUE_SIZE is 'many'")
    assert finding["grade"] == "warning"
    assert "the default 2048 is used" in finding["text"]


MEANT = {
    "OTEL_EXPORTER_OTLP_TRACE_ENDPOINT": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTPL_ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_OUR_OWN_THING": None,
    "OTEL_PROPAGATOR": "OTEL_PROPAGATORS",
    "OTEL_PYTHON_DISABLE_INSTRUMENTATIONS": "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    "OTEL_SERVICENAME": "OTEL_SERVICE_NAME",
    "OTLP_ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "otel_service_name": "OTEL_SERVICE_NAME",
}


def test_names_that_nobody_knows(doctor: Any) -> None:
    diagnosis = doctor("--no-connect", **dict.fromkeys(MEANT, "1"))
    assert diagnosis.status == 0
    unknown = diagnosis.report["variables"]["unknown"]
    assert {entry["name"]: entry["meant"] for entry in unknown} == MEANT
    for name, meant in MEANT.items():
        finding = diagnosis.finding(name)
        assert finding["grade"] == ("note" if meant is None else "warning")
        assert finding["advice"].startswith(meant or "")


def test_names_that_are_known_and_read_by_nobody(doctor: Any) -> None:
    diagnosis = doctor(
        "--no-connect",
        OTEL_LOG_LEVEL="debug",
        OTEL_EXPORTER_ZIPKIN_ENDPOINT="http://zipkin:9411",
        OTEL_JAVAAGENT_DEBUG="true",
    )
    names = [entry["name"] for entry in diagnosis.report["variables"]["not_read"]]
    assert names == ["OTEL_EXPORTER_ZIPKIN_ENDPOINT", "OTEL_JAVAAGENT_DEBUG", "OTEL_LOG_LEVEL"]
    assert diagnosis.report["variables"]["unknown"] == []
    assert diagnosis.finding("OTEL_LOG_LEVEL is not read")["grade"] == "note"


def test_names_of_the_api_and_of_instrumentations_are_fine(doctor: Any) -> None:
    diagnosis = doctor(
        "--no-connect",
        OTEL_PYTHON_CONTEXT="contextvars_context",
        OTEL_PYTHON_EXCLUDED_URLS="health",
        OTEL_PYTHON_FLASK_EXCLUDED_URLS="health",
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=".*",
        OTEL_SEMCONV_STABILITY_OPT_IN="http",
    )
    assert diagnosis.report["variables"] == {"wrong": [], "unknown": [], "not_read": []}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "OTEL_SERVICE_NAME": "(unset)",
                "OTEL_SDK_DISABLED": "true",
                "OTEL_TRACES_SAMPLER": "always_off",
                "OTEL_PROPAGATORS": "none",
                "OTEL_RESOURCE_ATTRIBUTES": "a=1,b",
                "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "moon",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318",
                "OTEL_EXPORTER_OTLP_CERTIFICATE": "",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "a:4317",
            },
            {
                "the service has no name": "warning",
                "OTEL_SDK_DISABLED switches the SDK off": "warning",
                "records no trace": "warning",
                "no propagator is in use": "warning",
                "no key=value": "warning",
                "no installed package has: moon": "warning",
                "OTEL_EXPORTER_OTLP_ENDPOINT has port 4318": "warning",
                "OTEL_EXPORTER_OTLP_CERTIFICATE is empty": "note",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT has no scheme, which means TLS": "note",
            },
        ),
        (
            {
                "OTEL_SERVICE_NAME": '"orders"',
                "OTEL_TRACES_SAMPLER_ARG": "0.1",
                **{f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")},
            },
            {
                "OTEL_SERVICE_NAME has quotation marks": "warning",
                "OTEL_TRACES_SAMPLER_ARG is not used": "note",
                "nothing is exported": "warning",
            },
        ),
        ({"OTEL_PROPAGATORS": "tracecontext,b4"}, {"not installed: b4": "error"}),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, {"names the exporter zipkin": "error"}),
        ({"OTEL_PYTHON_CONFIGURATOR": "oxide"}, {"OTEL_PYTHON_CONFIGURATOR is oxide": "error"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:x"}, {"cannot be used": "error"}),
    ],
    ids=["warnings", "more", "propagator", "exporter", "configurator", "endpoint"],
)
def test_settings_that_are_hardly_meant(
    doctor: Any, variables: dict[str, str], expected: dict[str, str]
) -> None:
    diagnosis = doctor("--no-connect", **variables)
    for part, grade in expected.items():
        found = {finding["grade"] for finding in diagnosis.findings() if part in finding["text"]}
        assert (part, found) == (part, {grade})
    assert diagnosis.status == (1 if "error" in expected.values() else 0)


def test_secrets_are_masked_wherever_they_are(doctor: Any) -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-scope-orgid=demo,api-key={SECRET}a,x%={SECRET}b",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"Authorization: Bearer {SECRET}c",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://me:{SECRET}d@host:4317?key={SECRET}e",
    }
    diagnosis = doctor("--no-connect", **variables)
    shown = diagnosis.report["signals"]["metrics"]["settings"]
    assert shown["headers"]["value"]["api-key"] == f"**** ({len(SECRET) + 1} characters)"
    assert shown["headers"]["value"]["x-scope-orgid"] == "demo"
    assert shown["endpoint"]["value"] == "https://me:****@host:4317?key=****"
    assert "HEADERS: entry 1 is left out: it has a colon" in diagnosis.stdout
    as_text = doctor("--no-connect", as_text=True, **variables)
    as_argument = doctor(
        "--no-connect", f"--exporter-otlp-headers=authorization=Bearer {SECRET}f", as_text=True
    )
    for output in (diagnosis, as_text, as_argument):
        assert SECRET not in output.stdout + output.stderr
    assert "authorization=Bearer ****" in as_argument.stdout


FILE = """\
file_format: "1.0"
resource:
  attributes: [{name: service.name, value: "${NAMED:-orders}"}]
propagator:
  composite: [{tracecontext: }]
tracer_provider:
  sampler: {always_on: }
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: GRPC
            headers: [{name: api-key, value: SECRET}]
    - simple: {exporter: {otlp_http: {endpoint: HTTP/v1/traces, timeout: 3000}}}
logger_provider:
  processors:
    - simple: {exporter: {console: }}
"""


def test_a_configuration_file_is_what_configures(
    doctor: Any, collector: Any, tmp_path: Any
) -> None:
    text = FILE.replace("GRPC", collector.grpc_endpoint).replace("HTTP", collector.http_endpoint)
    path = tmp_path / "otel.yaml"
    path.write_text(text.replace("SECRET", SECRET))
    diagnosis = doctor(
        OTEL_CONFIG_FILE=str(path), OTEL_TRACES_SAMPLER="always_off", NAMED="from-outside"
    )
    assert (diagnosis.status, diagnosis.findings("warning", "error")) == (0, [])
    report = diagnosis.report
    assert report["settings"]["service_name"] == {
        "value": "from-outside",
        "source": "file",
        "origin": str(path),
    }
    assert report["settings"]["sampler"]["value"] == "AlwaysOnSampler"
    assert report["settings"]["propagators"]["value"] == ["tracecontext"]
    exporters = {name: signal["exporters"] for name, signal in report["signals"].items()}
    assert exporters == {
        "traces": ["otlp_grpc", "otlp_http"],
        "metrics": [],
        "logs": ["console"],
    }
    (other,) = report["signals"]["traces"]["others"]
    assert other["endpoint"]["value"] == f"{collector.http_endpoint}/v1/traces"
    assert other["timeout_seconds"] == {"value": 3.0, "source": "file", "origin": str(path)}
    assert diagnosis.outcomes() == {"traces": "accepted", "traces (2)": "accepted"}
    assert "OTEL_TRACES_SAMPLER" in diagnosis.finding("OTEL_CONFIG_FILE is set and does")["text"]
    assert SECRET not in diagnosis.stdout
    (sent,) = [request for request in collector.requests() if request.protocol == "grpc"]
    assert sent.header("api-key") == SECRET


def test_a_file_whose_headers_cannot_be_used(doctor: Any, tmp_path: Any) -> None:
    path = tmp_path / "otel.json"
    exporters = [
        {"endpoint": "http://a:4318", "headers": {"api-key": f"{SECRET}a"}},
        {"endpoint": "http://a:4318", "headers_list": f"Authorization: Bearer {SECRET}b"},
    ]
    simple = [{"simple": {"exporter": {"otlp_http": exporter}}} for exporter in exporters]
    content = {"file_format": "1.0", "tracer_provider": {"processors": simple}}
    path.write_text(json.dumps(content))
    diagnosis = doctor("--no-connect", OTEL_CONFIG_FILE=str(path))
    assert "headers: has to be a list, not" in diagnosis.stdout
    assert "headers_list: entry 1 is left out: it has a colon" in diagnosis.stdout
    assert SECRET not in diagnosis.stdout


def test_a_configuration_file_that_cannot_be_used(doctor: Any, tmp_path: Any) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text("- nothing\n")
    diagnosis = doctor(OTEL_CONFIG_FILE=str(path))
    assert diagnosis.status == 1
    assert diagnosis.findings()[-1]["text"].startswith(f"{path} cannot be used")
