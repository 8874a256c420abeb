"""Every variable and argument that configures the SDK and the exporters, against the official
packages where they agree, and by the message where ours does not raise."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import grpc
import opentelemetry.environment_variables as api_variables
import opentelemetry.instrumentation.environment_variables as instrumentation_variables
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from opentelemetry.exporter.otlp.common.http import Compression as CommonCompression
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk import environment_variables

from oxitel import _native
from oxitel.export import otlp as otlp_export
from oxitel.export.otlp import compression_name, encoded
from oxitel.variables import (
    otlp,
    proxy,
    reference,
    sdk,
    variable as variable_module,
    zero_code,
)
from oxitel.variables.registry import each_form
from oxitel.variables.variable import Boolean, Choice, Integer, Names, Number, Variable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variable_module, "_said", set())


def declared() -> list[Variable]:
    return list(each_form(sdk, zero_code, otlp))


def test_each_variable_is_declared_once_under_an_official_name() -> None:
    names = [variable.name for variable in declared()]
    assert len(names) == len(set(names))
    assert len(list(each_form())) == len({variable.name for variable in each_form()})
    modules = (environment_variables, api_variables, instrumentation_variables)
    official = {
        value for module in modules for value in vars(module).values() if isinstance(value, str)
    }
    # The metrics and logs forms of INSECURE and the like are declared with their kin.
    ours = {name for name in names if name.startswith("OXITEL_")}
    assert set(names) - official - ours == set()


PROXIED = "http://receiver.example:4318/v1/traces"


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        (PROXIED, {}),
        (PROXIED, {"HTTP_PROXY": "http://proxy:3128"}),
        (PROXIED, {"HTTP_PROXY": "http://proxy:3128", "http_proxy": "http://other:1"}),
        (PROXIED, {"HTTPS_PROXY": "http://proxy:3128"}),
        ("https://receiver.example", {"HTTPS_PROXY": "http://proxy:3128"}),
        ("https://receiver.example", {"ALL_PROXY": "http://proxy:3128"}),
        (PROXIED, {"http_proxy": "http://proxy:3128", "NO_PROXY": "a.example, receiver.example"}),
        (PROXIED, {"http_proxy": "http://proxy:3128", "no_proxy": ".example"}),
        (PROXIED, {"http_proxy": "http://proxy:3128", "no_proxy": "receiver.example:4318"}),
        (PROXIED, {"http_proxy": "http://proxy:3128", "no_proxy": "receiver.example:4319"}),
        (PROXIED, {"http_proxy": "http://proxy:3128", "no_proxy": "*"}),
        ("http://10.1.2.3:4318/", {"http_proxy": "http://proxy:1", "no_proxy": "x/y,10.0.0.0/8"}),
        ("http://11.1.2.3:4318/", {"http_proxy": "http://proxy:1", "no_proxy": "10.0.0.0/8"}),
        ("http://127.0.0.1:4318/", {"http_proxy": "http://proxy:1"}),
    ],
)
def test_a_proxy_is_found_where_requests_finds_it(
    url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from requests.utils import get_environ_proxies, select_proxy

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy.proxy_for(url) == select_proxy(url, get_environ_proxies(url))


def test_the_timeout_is_that_of_the_core() -> None:
    assert otlp.TIMEOUT.general.default == _native.EXPORT_TIMEOUT_SECONDS


def test_the_page_is_what_the_declarations_say() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == reference.page(), "run `python -m oxitel.variables.reference`"


# Not every `environ`: a WSGI application has one of its own.
_READS_ENVIRONMENT = r"\bos\.environ\b|\bfrom os import .*\benviron\b|\bgetenv\b"


def test_nothing_else_in_the_package_reads_the_environment() -> None:
    readers = []
    for path in (ROOT / "python" / "oxitel").rglob("*.py"):
        if re.search(_READS_ENVIRONMENT, path.read_text(encoding="utf-8")):
            readers.append(path.relative_to(ROOT / "python" / "oxitel").as_posix())
    assert sorted(readers) == [
        # The one place, six that write variables for a program, what an interpreter without us
        # may begin with, and those that have to tell an unset value from an empty one or read
        # whichever variable they are asked for.
        "command/env.py",
        "command/run.py",
        "command/view.py",
        "doctor/file_keys.py",
        "doctor/variables.py",
        "export/grpc_compression.py",
        "propagation/environment.py",
        "resources/detector.py",
        "setup/zero_code/path/sitecustomize.py",
        "setup/zero_code/start.py",
        "testing/plugin.py",
        "variables/variable.py",
    ]


def test_the_versions_are_those_of_the_package_and_of_the_official_one(
    official_python: Path,
) -> None:
    from oxitel.version import OFFICIAL_VERSION, __version__

    cargo = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "([^"]+)"$', cargo, re.MULTILINE).group(1) == __version__  # type: ignore[union-attr]
    command = "from opentelemetry.sdk.version import __version__; print(__version__)"
    process = subprocess.run(
        [str(official_python), "-c", command], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == OFFICIAL_VERSION


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        (Boolean("OTEL_TEST", False, ""), " TRUE ", True),
        (Boolean("OTEL_TEST", True, ""), "false", False),
        (Boolean("OTEL_TEST", True, ""), "", True),
        (Integer("OTEL_TEST", 5, ""), " 7 ", 7),
        (Integer("OTEL_TEST", 5, ""), "", 5),
        (Number("OTEL_TEST", 1.0, "", maximum=1.0), "0.5", 0.5),
        (Choice("OTEL_TEST", "a", "", ("a", "b")), "B", "b"),
        (Names("OTEL_TEST", (), ""), " a,,b ", ["a", "b"]),
        (Variable("OTEL_TEST", None, ""), " text ", "text"),
        (Variable("OTEL_TEST", None, ""), "  ", None),
    ],
)
def test_a_usable_value_is_read_and_an_empty_one_is_unset(
    monkeypatch: pytest.MonkeyPatch, variable: Variable, text: str, value: object
) -> None:
    assert variable.read() == variable.default
    monkeypatch.setenv("OTEL_TEST", text)
    assert variable.read() == value


@pytest.mark.parametrize(
    ("variable", "text", "expected", "used"),
    [
        (Boolean("OTEL_TEST", False, ""), "yes", "'true' or 'false'", "False"),
        (Integer("OTEL_TEST", 5, ""), "-1", "a non-negative integer", "5"),
        (Integer("OTEL_TEST", 5, "", minimum=1), "0", "a positive integer", "5"),
        (Number("OTEL_TEST", 1.0, "", maximum=1.0), "nan", "a number from 0 to 1", "1.0"),
        (Choice("OTEL_TEST", "a", "", ("a", "b")), "c", "one of a, b", "a"),
    ],
)
def test_an_unusable_value_is_named_once_with_what_is_used(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: Variable,
    text: str,
    expected: str,
    used: str,
) -> None:
    monkeypatch.setenv(variable.name, text)
    assert [variable.read() for _ in range(2)] == [variable.default] * 2
    message = (
        f"Invalid value for OTEL_TEST: {text!r}. Expected {expected}. Using the default {used}."
    )
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, message)
    ]


class Settings:
    """Takes the place of the native exporter and keeps what it was made with."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings._asdict()

    def shutdown(self) -> None:
        pass


@pytest.fixture(autouse=True)
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_export.native, "Exporter", Settings)


def settings(exporter: Any) -> dict[str, Any]:
    return exporter._native.settings  # type: ignore[no-any-return]


# One program for both sides: makes exporters from cases and shows what became of the settings.
EXPORTERS_PROGRAM = textwrap.dedent(
    """
    import json, os, sys
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
    results = []
    for kind, environment, arguments in json.load(sys.stdin):
        os.environ.update(environment)
        if kind == "http":
            if "compression" in arguments:
                arguments["compression"] = Compression(arguments["compression"])
            exporter = Http(**arguments)
            client = exporter._client
            headers = {k: v for k, v in client._headers.items() if k.lower() != "content-encoding"}
            results.append(
                [exporter._endpoint, headers, client._timeout, exporter._compression.value]
            )
        else:
            exporter = Grpc(**arguments)
            results.append([
                exporter._endpoint, exporter._insecure, sorted(exporter._headers),
                exporter._timeout, exporter._compression.name,
                sorted(code.value[0] for code in exporter._retryable_error_codes),
            ])
        for name in environment:
            del os.environ[name]
    print(json.dumps(results))
    """
)


def official_settings(official_python: Path, cases: list[Any]) -> list[list[Any]]:
    process = subprocess.run(
        [str(official_python), "-c", EXPORTERS_PROGRAM],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)  # type: ignore[no-any-return]


PREFIX = "OTEL_EXPORTER_OTLP_"
HTTP_CASES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {}),
    ({"ENDPOINT": "http://a:1"}, {}),
    ({"ENDPOINT": "http://a:1/"}, {}),
    ({"ENDPOINT": "https://a/base/"}, {}),
    ({"ENDPOINT": ""}, {}),
    ({"TRACES_ENDPOINT": "http://b:2"}, {}),
    ({"TRACES_ENDPOINT": "http://b:2/x/", "ENDPOINT": "http://a:1"}, {}),
    ({"TRACES_ENDPOINT": "", "ENDPOINT": "http://a:1"}, {}),
    ({"TRACES_ENDPOINT": "http://b:2"}, {"endpoint": "http://c:3/y"}),
    ({"HEADERS": "A=1, b=%20two%2C,c = 3 "}, {}),
    ({"HEADERS": "a=1,b=2", "TRACES_HEADERS": "b=3"}, {}),
    ({"HEADERS": "a=1", "TRACES_HEADERS": ""}, {}),
    ({"HEADERS": "a=1,broken,b=Bearer token with spaces,=x"}, {}),
    ({"HEADERS": "a=1,b=2"}, {"headers": {"B": "argument", "User-Agent": "mine"}}),
    ({"TIMEOUT": "3"}, {}),
    ({"TIMEOUT": "3", "TRACES_TIMEOUT": "0.5"}, {}),
    ({"TIMEOUT": "3"}, {"timeout": 7}),
    ({"TIMEOUT": "3"}, {"timeout": 0}),
    ({"TIMEOUT": "soon"}, {}),
    ({"COMPRESSION": "gzip"}, {}),
    ({"COMPRESSION": " GZip "}, {}),
    ({"COMPRESSION": "deflate", "TRACES_COMPRESSION": "none"}, {}),
    ({"COMPRESSION": "brotli"}, {}),
    ({"COMPRESSION": "gzip"}, {"compression": "none"}),
    ({"TRACES_COMPRESSION": "gzip"}, {"compression": "deflate"}),
]


def _with_prefix(environment: dict[str, str]) -> dict[str, str]:
    return {PREFIX + name: value for name, value in environment.items()}


def test_http_settings_are_the_official_ones(
    official_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [
        ("http", _with_prefix(environment), arguments) for environment, arguments in HTTP_CASES
    ]
    for (_, environment, arguments), official in zip(
        cases, official_settings(official_python, cases), strict=True
    ):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            if "compression" in arguments:
                arguments = arguments | {"compression": Compression(arguments["compression"])}
            exporter = HttpExporter(**arguments)
        endpoint, headers, timeout, compression = official
        agent = headers.pop("user-agent")
        own_headers = dict(exporter._headers)
        own_agent = own_headers.pop("user-agent")
        assert own_agent.endswith(agent), environment
        assert own_headers == headers, (environment, arguments)
        native_settings = settings(exporter)
        assert native_settings["endpoint"] == exporter._endpoint == endpoint
        assert native_settings["timeout_seconds"] == timeout
        assert native_settings["compression"] == compression
        assert native_settings["protocol"] == "http/protobuf"
        own = {name: value.decode() for name, value in native_settings["headers"]}
        sent = {"content-type": headers["content-type"], **own}
        sent.pop("user-agent", None)
        assert sent == headers


GRPC_CASES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {}),
    ({"ENDPOINT": "http://a:1/path"}, {}),
    ({"ENDPOINT": "https://a:1"}, {}),
    ({"ENDPOINT": "a:1"}, {}),
    ({"ENDPOINT": "a:1", "INSECURE": "TRUE"}, {}),
    ({"ENDPOINT": "a:1", "INSECURE": "false"}, {}),
    ({"ENDPOINT": "http://a:1", "INSECURE": "false"}, {}),
    ({"ENDPOINT": "https://a:1", "INSECURE": "true"}, {}),
    ({"ENDPOINT": "a:1", "INSECURE": "true", "TRACES_INSECURE": "false"}, {}),
    ({"ENDPOINT": "a:1", "TRACES_INSECURE": "true"}, {"insecure": False}),
    ({"ENDPOINT": "http://a:1"}, {"insecure": False}),
    ({"ENDPOINT": "https://a:1"}, {"insecure": True}),
    ({"ENDPOINT": "http://a:1", "TRACES_ENDPOINT": "https://b:2"}, {}),
    ({"TRACES_ENDPOINT": "http://b:2"}, {"endpoint": "c:3"}),
    ({}, {"endpoint": "dns:///c:3", "insecure": True}),
    ({"HEADERS": "A=1,b=two%20words"}, {}),
    ({"HEADERS": "a=1", "TRACES_HEADERS": "b=2"}, {}),
    ({"HEADERS": "a=1"}, {"headers": {"b": "2"}}),
    ({"HEADERS": "a=1"}, {"headers": [["b", "2"], ["b", "3"]]}),
    ({"HEADERS": "a=1"}, {"headers": "B=2,c=%41"}),
    ({"TIMEOUT": "3"}, {}),
    ({"TIMEOUT": "3", "TRACES_TIMEOUT": "0.5"}, {}),
    ({"TIMEOUT": "3"}, {"timeout": 7}),
    ({"TIMEOUT": "3"}, {"timeout": 0}),
    ({"COMPRESSION": "gzip"}, {}),
    ({"TRACES_COMPRESSION": " GZIP"}, {}),
]


def test_grpc_settings_are_the_official_ones(
    official_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases: list[Any] = [
        ("grpc", _with_prefix(environment), arguments) for environment, arguments in GRPC_CASES
    ]
    codes = {"OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES": "unavailable, INTERNAL,"}
    cases.append(("grpc", codes, {}))
    for (_, environment, arguments), official in zip(
        cases, official_settings(official_python, cases), strict=True
    ):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            exporter = GrpcExporter(**arguments)
        endpoint, insecure, headers, timeout, compression, retryable = official
        native_settings = settings(exporter)
        assert exporter._endpoint == endpoint, (environment, arguments)
        assert native_settings["endpoint"].endswith(endpoint) or "/path" in str(environment)
        assert native_settings["insecure"] is insecure, (environment, arguments)
        sent = [[name, value.decode()] for name, value in native_settings["headers"]]
        assert sorted(sent) == headers
        assert native_settings["timeout_seconds"] == timeout
        assert native_settings["compression"] == compression_name(compression)
        assert native_settings["retryable_grpc_codes"] == retryable


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), max_size=40)


@hypothesis_settings(deadline=None)
@given(HEADER_TEXT, st.lists(st.tuples(HEADER_TEXT, HEADER_TEXT).map("=".join)).map(",".join))
def test_whatever_is_in_a_headers_variable_makes_an_exporter(text: str, pairs: str) -> None:
    from opentelemetry.util.re import parse_env_headers

    logging.getLogger("opentelemetry.util.re").setLevel(logging.ERROR)
    try:
        for value in (text, pairs):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("OTEL_EXPORTER_OTLP_HEADERS", value)
                headers = dict(settings(HttpExporter())["headers"])
                grpc_headers = dict(settings(GrpcExporter())["headers"])
            expected = dict(parse_env_headers(value, liberal=True)) if value.strip() else {}
            assert headers == {n: encoded(text, "latin-1") for n, text in expected.items()}
            assert grpc_headers == {n: text.encode() for n, text in expected.items()}
    finally:
        logging.getLogger("opentelemetry.util.re").setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("name", "value", "setting", "used"),
    [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "timeout_seconds", 10.0),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-4", "timeout_seconds", 10.0),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", "compression", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "lzma", "compression", "none"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "perhaps", "insecure", True),
        (
            "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES",
            "UNAVAILABLE,NOBODY",
            "retryable_grpc_codes",
            [1, 4, 8, 10, 11, 14, 15],
        ),
    ],
)
def test_what_the_official_grpc_exporter_raises_for_is_a_message_here(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
    setting: str,
    used: object,
) -> None:
    monkeypatch.setenv(name, value)
    assert settings(GrpcExporter())[setting] == used
    assert len(caplog.records) == 1
    assert name in caplog.text


def test_none_and_zstd_are_compressions_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for value in ("none", "zstd", "deflate"):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", value)
        assert settings(GrpcExporter())["compression"] == value
        assert settings(HttpExporter())["compression"] == value
    assert settings(HttpExporter(compression=Compression.Zstd))["compression"] == "zstd"
    assert settings(HttpExporter(compression=CommonCompression.GZIP))["compression"] == "gzip"
    assert caplog.records == []


def test_compressions_of_grpcio_are_known_by_name() -> None:
    names = [
        settings(GrpcExporter(compression=member))["compression"] for member in grpc.Compression
    ]
    assert sorted(names) == ["deflate", "gzip", "none"]


def test_a_compression_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="compression must be one of none, gzip, deflate and zstd"):
        GrpcExporter(compression=17)  # type: ignore[arg-type]


def test_retryable_codes_are_grpcios() -> None:
    codes = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]
    assert settings(GrpcExporter(retryable_error_codes=codes))["retryable_grpc_codes"] == [13, 14]


def test_an_http_endpoint_without_a_scheme_is_taken_as_http_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert settings(HttpExporter("collector:4318/v1/traces"))["endpoint"] == (
        "http://collector:4318/v1/traces"
    )
    assert "collector:4318/v1/traces has no scheme" in caplog.text


CERTIFICATES = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
PEMS = ("ca_pem", "client_certificate_pem", "client_key_pem")


def test_certificates_are_read_from_the_files_that_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in CERTIFICATES:
        for signal in ("", "TRACES_"):
            path = tmp_path / f"{signal}{variable}"
            path.write_text(f"{signal}{variable}")
    for variable in CERTIFICATES:
        monkeypatch.setenv(PREFIX + variable, str(tmp_path / variable))
    for exporter in (HttpExporter("https://a/v1/traces"), GrpcExporter("https://a:1")):
        assert [settings(exporter)[pem] for pem in PEMS] == [v.encode() for v in CERTIFICATES]
    monkeypatch.setenv(PREFIX + "TRACES_CLIENT_KEY", str(tmp_path / "TRACES_CLIENT_KEY"))
    for exporter in (HttpExporter("https://a/v1/traces"), GrpcExporter("https://a:1")):
        assert settings(exporter)["client_key_pem"] == b"TRACES_CLIENT_KEY"
        assert settings(exporter)["ca_pem"] == b"CERTIFICATE"
    arguments = {
        f"{name}_file": str(tmp_path / f"TRACES_{name.upper()}")
        for name in ("certificate", "client_certificate", "client_key")
    }
    exporter = HttpExporter("https://a/v1/traces", **arguments)  # type: ignore[arg-type]
    for pem, variable in zip(PEMS, CERTIFICATES, strict=True):
        assert settings(exporter)[pem] == f"TRACES_{variable}".encode()


def test_an_insecure_grpc_exporter_reads_no_certificates(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PREFIX + "CERTIFICATE", "/nonexistent/ca.pem")
    assert settings(GrpcExporter("http://a:1"))["ca_pem"] is None
    assert caplog.records == []


def test_a_certificate_that_cannot_be_read_is_named(caplog: pytest.LogCaptureFixture) -> None:
    exporter = HttpExporter("https://a/v1/traces", certificate_file="/nonexistent/ca.pem")
    assert settings(exporter)["ca_pem"] is None
    assert "Failed to read file: /nonexistent/ca.pem" in caplog.text


def test_the_size_limit_of_requests_can_be_set_and_switched_off() -> None:
    assert settings(HttpExporter())["max_request_bytes"] == 64 * 1024 * 1024
    assert settings(HttpExporter(max_request_size=100))["max_request_bytes"] == 100
    assert settings(HttpExporter(max_request_size=0))["max_request_bytes"] is None
    assert settings(HttpExporter(max_request_size=-1))["max_request_bytes"] is None


def test_settings_that_cannot_be_used_are_said_and_exports_fail(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(settings: Any) -> None:
        raise ValueError("the port is no number")

    monkeypatch.setattr(otlp_export.native, "Exporter", refuse)
    exporter = HttpExporter("http://host:port")
    assert "http://host:port: the port is no number" in caplog.text
    assert exporter.export([]).name == "FAILURE"


def test_a_credential_provider_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "nobody")
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER", "nobody")
    assert settings(HttpExporter())["protocol"] == "http/protobuf"
    assert settings(GrpcExporter("https://a:1"))["protocol"] == "grpc"
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split(":")[0] for message in messages] == [
        "Invalid value for OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
        "Invalid value for OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER",
    ]


def test_the_environment_can_be_read_on_an_interpreter_without_optional_packages() -> None:
    """What a start of the SDK may import: the rest is loaded when it is used."""
    program = textwrap.dedent(
        """
        import sys
        import opentelemetry.trace
        before = set(sys.modules)
        from oxitel.resources.resource import Resource
        from oxitel.trace import id_generator, limits, sampling
        Resource.create({"service.name": "a"})
        sampling._get_from_env_or_default()
        limits.SpanLimits()
        heavy = {"json", "random", "urllib.parse", "socket", "subprocess", "concurrent.futures",
                 "importlib.metadata", "dataclasses", "datetime", "http", "asyncio", "hashlib"}
        print(sorted(heavy & (set(sys.modules) - before)))
        """
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert process.stdout == "[]\n"
