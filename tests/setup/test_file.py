"""Configuration files: values and types, variables in them, and what is said of what is wrong.

What such a file sets up is compared with the official package in
differential/programs/configuration_files.py.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry import _logs, metrics, propagate, trace
from opentelemetry.trace import SpanKind

from oxitel.metrics.otlp_grpc import OTLPMetricExporter as GrpcMetricExporter
from oxitel.metrics.periodic import PeriodicExportingMetricReader
from oxitel.resources.resource import Resource
from oxitel.setup.file import configure_from_file
from oxitel.setup.file.document import Unusable, read
from oxitel.setup.file.substitution import substituted
from oxitel.trace.batch import BatchSpanProcessor
from oxitel.trace.otlp_grpc import OTLPSpanExporter as GrpcSpanExporter
from oxitel.trace.otlp_http import OTLPSpanExporter as HttpSpanExporter
from oxitel.variables.variable import reading

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "configuration-file.md"


class Made:
    """The providers and the propagator that a file set up, in place of the global ones."""

    tracer_provider: Any = None
    meter_provider: Any = None
    logger_provider: Any = None
    propagator: Any = None

    @property
    def exporters(self) -> list[Any]:
        processors = self.tracer_provider._active_span_processor._span_processors
        return [processor.span_exporter for processor in processors]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Made]]:
    """Sets up from a file with the given text."""
    made: list[Made] = []

    def configure(text: str) -> Made:
        result = Made()
        made.append(result)

        def keep(name: str) -> Callable[[Any], None]:
            return lambda value: setattr(result, name, value)

        monkeypatch.setattr(trace, "set_tracer_provider", keep("tracer_provider"))
        monkeypatch.setattr(metrics, "set_meter_provider", keep("meter_provider"))
        monkeypatch.setattr(_logs, "set_logger_provider", keep("logger_provider"))
        monkeypatch.setattr("oxitel.setup.file.propagators.set_global_textmap", keep("propagator"))
        path = tmp_path / "otel.yaml"
        path.write_text(text, encoding="utf-8")
        configure_from_file(str(path))
        return result

    yield configure
    for result in made:
        for provider in (result.tracer_provider, result.meter_provider, result.logger_provider):
            if provider is not None:
                # Nothing was recorded, so nothing is exported.
                provider.shutdown()


def said(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> list[str]:
    """What was said of the file, without its name."""
    prefix = f"{tmp_path / 'otel.yaml'}: "
    return [
        record.getMessage().removeprefix(prefix)
        for record in caplog.records
        if record.name == "opentelemetry.configuration"
    ]


VARIABLES = {
    "STRING_VALUE": "value",
    "BOOL_VALUE": "true",
    "INT_VALUE": "1",
    "FLOAT_VALUE": "1.1",
    "HEX_VALUE": "0xdeadbeef",
    "INVALID_MAP_VALUE": "value\nkey:value",
    "REPLACE_ME": "${DO_NOT_REPLACE_ME}",
    "DO_NOT_REPLACE_ME": "never",
    "VALUE_WITH_ESCAPE": "value$$",
    "EMPTY": "",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The table of the specification ("Configuration data model").
        ("${STRING_VALUE}", "value"),
        ("${BOOL_VALUE}", True),
        ("${INT_VALUE}", 1),
        ("${FLOAT_VALUE}", 1.1),
        ("${HEX_VALUE}", 0xDEADBEEF),
        ('"${STRING_VALUE}"', "value"),
        ('"${BOOL_VALUE}"', "true"),
        ('"${INT_VALUE}"', "1"),
        ('"${FLOAT_VALUE}"', "1.1"),
        ('"${HEX_VALUE}"', "0xdeadbeef"),
        ("${env:STRING_VALUE}", "value"),
        ("${INVALID_MAP_VALUE}", "value\nkey:value"),
        ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"),
        ("${UNDEFINED_KEY}", None),
        ("${UNDEFINED_KEY:-fallback}", "fallback"),
        ("${REPLACE_ME}", "${DO_NOT_REPLACE_ME}"),
        ("${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}"),
        ("$${STRING_VALUE}", "${STRING_VALUE}"),
        ("$$${STRING_VALUE}", "$value"),
        ("$$$${STRING_VALUE}", "$${STRING_VALUE}"),
        ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"),
        ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"),
        ("${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "${UNDEFINED_KEY:-${UNDEFINED_KEY}}"),
        ("${VALUE_WITH_ESCAPE}", "value$$"),
        ("a $$ b", "a $ b"),
        ("a $ b", "a $ b"),
        # An empty variable gives way to the default too.
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY}", None),
        ("${UNDEFINED_KEY:-}", None),
        # The types of YAML 1.2.
        ("no", "no"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        ("010", 10),
        ("0o10", 8),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("~", None),
        ("True", True),
        ("!!str 1", "1"),
    ],
)
def test_a_value_is_what_the_specification_makes_of_it(
    text: str, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UNDEFINED_KEY", raising=False)
    path = tmp_path / "otel.yaml"
    path.write_text(f"${{STRING_VALUE}}: {text}\n# ${{1}}\n", encoding="utf-8")
    content = read(str(path))
    # A key is no place for a variable, and a comment is none.
    assert list(content) == ["${STRING_VALUE}"]
    value = content["${STRING_VALUE}"]
    assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize("text", ["${STRING_VALUE:?error}", "${1API_KEY}", "${API_$KEY}", "${ }"])
def test_a_reference_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text(f"key: {text!r}\n", encoding="utf-8")
    with pytest.raises(Unusable, match=re.escape(text)):
        read(str(path))


@given(st.text())
def test_a_text_without_dollars_stays_as_it_is(text: str) -> None:
    text = text.replace("$", "")
    assert substituted(text) == text


@given(st.text(alphabet="${}:-aA_1 \n", max_size=30))
def test_no_text_breaks_the_substitution(text: str) -> None:
    try:
        substituted(text)
    except ValueError:
        # The only error there is; it is named (above).
        pass


def test_aliases_and_merged_mappings_are_substituted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALUE_WITH_ESCAPE", "$${STRING_VALUE}")
    path = tmp_path / "otel.yaml"
    path.write_text(
        "a: &a {b: '${VALUE_WITH_ESCAPE}'}\nc: *a\nd: {<<: *a, e: 1}\n", encoding="utf-8"
    )
    same = {"b": "$${STRING_VALUE}"}
    assert read(str(path)) == {"a": same, "c": same, "d": {**same, "e": 1}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "it cannot be read: No such file or directory"),
        (b"file_format: [", "while parsing"),
        (b"- a", "it has to hold a mapping, not list"),
        (b"", "it has to hold a mapping, not NoneType"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"a: !!python/object:os.system {}", "could not determine a constructor"),
        (b"file_format: '2.0'", "file_format 2.0 is not supported; 1.x is"),
        (b"file_format: '0.3'", "file_format 0.3 is not supported; 1.x is"),
        (b"file_format: one", "file_format has to be a version, not 'one'"),
        (b"a: " + b"[" * 10_000, "it is nested too deeply"),
    ],
)
def test_an_unusable_file_is_one_error_and_sets_nothing_up(
    content: bytes | None, problem: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "otel.yaml"
    if content is not None:
        path.write_bytes(content)
    before = propagate.get_global_textmap()
    configure_from_file(str(path))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(
        f"OTEL_CONFIG_FILE: {path} cannot be used, no telemetry is set up: {problem}"
    )
    assert propagate.get_global_textmap() is before


def test_without_pyyaml_a_message_says_how_to_install_it_and_json_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "otel.yml"
    path.write_text("file_format: '1.0'", encoding="utf-8")
    configure_from_file(str(path))
    assert "pip install 'oxitel[yaml]'" in caplog.text
    path = tmp_path / "otel.json"
    path.write_text(json.dumps({"a": ["${MISSING:-b}"], "${c}": 1}), encoding="utf-8")
    assert read(str(path)) == {"a": ["b"], "${c}": 1}


def test_the_documents_example_is_understood_whole(
    configured: Callable[[str], Made], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    made = configured(example)
    assert said(caplog, tmp_path) == []
    assert made.tracer_provider.sampler.get_description().startswith(
        "ParentBased{root:TraceIdRatioBased{0.25}"
    )
    assert made.tracer_provider.resource.attributes["service.name"] == "orders"
    assert sorted(made.propagator.fields) == ["baggage", "traceparent", "tracestate"]
    (reader,) = made.meter_provider._metric_readers
    assert reader._export_interval_millis == 30000
    assert made.logger_provider is not None


def test_absent_sections_set_nothing_up(configured: Callable[[str], Made]) -> None:
    made = configured('file_format: "1.0"\n')
    assert (made.tracer_provider, made.meter_provider, made.logger_provider) == (None, None, None)
    # What you see is what you get: not the default propagators.
    assert made.propagator.fields == set()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("trace_provider: {}", "trace_provider: not known or not supported; it is ignored"),
        ("disabled: 'yes'", "disabled: has to be true or false, not 'yes'; it is ignored"),
        ("log_level: loud", "log_level: has to be one of trace, trace2"),
        ("resource: []", "resource: has to be a mapping, not a list; it is ignored"),
        (
            "resource: {attributes: [{name: a, value: 1}, 5]}",
            "resource.attributes[1]: has to be a mapping, not 5; it is left out",
        ),
        (
            "resource: {attributes: [{value: 1}]}",
            "resource.attributes[0].name: missing; the attribute is left out",
        ),
        (
            "resource: {attributes: [{name: a, value: x, type: int}]}",
            "resource.attributes[0]: invalid literal for int() with base 10: 'x'; going on without"
            " the attribute a",
        ),
        (
            "resource: {detection/development: {detectors: [{container: }]}}",
            "resource.detection/development.detectors[0].container: no installed package has this"
            " detector",
        ),
        (
            "propagator: {composite: [{carrier_pigeon: }]}",
            "propagator.composite[0].carrier_pigeon: no installed package has the propagator"
            " carrier_pigeon",
        ),
        (
            "propagator: {composite_list: 'baggage,other'}",
            "propagator.composite_list: no installed package has the propagator other",
        ),
        (
            "tracer_provider: {processors: [{batch: {}}]}",
            "tracer_provider.processors[0].batch.exporter: missing; nothing is exported here",
        ),
        (
            "tracer_provider: {processors: [{instant: {exporter: {console: }}}]}",
            "tracer_provider.processors[0].instant: not known; batch and simple are",
        ),
        (
            "tracer_provider: {processors: [{batch: {schedule_delay: soon, exporter:"
            " {console: }}}]}",
            "tracer_provider.processors[0].batch.schedule_delay: has to be an integer of at least"
            " 0, not 'soon'; it is ignored",
        ),
        (
            "tracer_provider: {processors: [{batch: {max_queue_size: 9, max_export_batch_size:"
            " 10, exporter: {console: }}}]}",
            "tracer_provider.processors[0].batch.max_export_batch_size: 10 is more than"
            " max_queue_size; 9 is used",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {otlp_http: {compression:"
            " brotli}}}}]}",
            "tracer_provider.processors[0].simple.exporter.otlp_http.compression: has to be none,"
            " gzip, deflate or zstd, not 'brotli'; none",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {otlp_http: {encoding: json}}}}]}",
            "tracer_provider.processors[0].simple.exporter.otlp_http.encoding: json is not"
            " supported; protobuf is used",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: , otlp_http: }}}]}",
            "tracer_provider.processors[0].simple.exporter: has to name one component; otlp_http is"
            " ignored",
        ),
        (
            "tracer_provider: {sampler: {trace_id_ratio_based: {ratio: 2}}}",
            "tracer_provider.sampler.trace_id_ratio_based: ratio has to be a number from 0 to 1,"
            " not 2; going on without this sampler; nothing is recorded where it would decide",
        ),
        (
            "tracer_provider: {sampler: {mine: {key: 1}}}",
            "tracer_provider.sampler.mine: no installed package has a sampler of this name; going"
            " on without this sampler; nothing is recorded where it would decide",
        ),
        (
            "meter_provider: {readers: [{periodic: {producers: [{opencensus: }], exporter:"
            " {console: }}}]}",
            "meter_provider.readers[0].periodic.producers: not supported; it is ignored",
        ),
        (
            "meter_provider: {views: [{stream: {name: a}}]}",
            "meter_provider.views[0]: Some instrument selection criteria must be provided for View"
            " a; going on without this view",
        ),
        (
            "meter_provider: {views: [{selector: {unit: s}, stream: {attribute_keys: {excluded:"
            " [a]}}}]}",
            "meter_provider.views[0].stream.attribute_keys.excluded: not supported; it is ignored",
        ),
        (
            "instrumentation/development: {python: {nothing: {}}}",
            "instrumentation/development.python.nothing: no installed package has this"
            " instrumentation",
        ),
        (
            "instrumentation/development: {general: {http: {semconv: {version: 1}}}}",
            "instrumentation/development.general: not supported; it is ignored",
        ),
    ],
)
def test_what_is_wrong_is_named_once_and_the_rest_is_set_up(
    section: str,
    message: str,
    configured: Callable[[str], Made],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rest = (
        'file_format: "1.0"\nlogger_provider: {processors: [{simple: {exporter: {console: }}}]}\n'
    )
    made = configured(rest + section)
    (warning,) = said(caplog, tmp_path)
    assert warning.startswith(message)
    assert len(made.logger_provider._multi_log_record_processor._log_record_processors) == 1


def test_other_formats_of_the_same_major_version_are_read(
    configured: Callable[[str], Made], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for version in ('"1.0"', "1.0", '"1.1"', '"1.0-rc.3"', '"1"'):
        configured(f"file_format: {version}\n")
    assert said(caplog, tmp_path) == []
    configured('file_format: "1.7"\n')
    configured("disabled: false\n")
    assert said(caplog, tmp_path) == [
        "file_format: 1.7 is newer than 1.1; what that does not have is ignored",
        "file_format: missing; the file is read as 1.1",
    ]


ALL_SETTINGS = """
file_format: "1.0"
tracer_provider:
  processors:
    - batch:
        schedule_delay: 0
        export_timeout: 0
        max_queue_size: 20
        exporter:
          otlp_grpc:
            endpoint: https://localhost:4317
            tls: {ca_file: CA, cert_file: CERTIFICATE, key_file: KEY}
            timeout: 0
            compression: gzip
            headers_list: One=1%202,two=hidden
            headers: [{name: Two, value: "2"}, {name: three, value: }]
    - simple:
        exporter:
          otlp_http:
            tls: {ca_file: CA, cert_file: CERTIFICATE, key_file: KEY}
            timeout: 2500
    - simple: {exporter: {otlp_grpc: {endpoint: localhost:4317, tls: {insecure: true}}}}
    - simple: {exporter: {otlp_grpc: }}
meter_provider:
  readers:
    - periodic:
        interval: 5000
        timeout: 0
        max_export_batch_size/development: 7
        cardinality_limits: {default: 100, counter: 5}
        exporter: {otlp_grpc: {default_histogram_aggregation: base2_exponential_bucket_histogram}}
  views:
    - selector: {meter_name: m}
      stream: {aggregation_cardinality_limit: 3}
"""


def test_every_setting_of_an_exporter_reaches_it(
    configured: Callable[[str], Made],
    certificates: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # None of these counts.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "from=variable")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    text = ALL_SETTINGS.replace("CA,", f"{certificates.authority},")
    text = text.replace("CERTIFICATE", str(certificates.client_certificate))
    made = configured(text.replace("KEY", str(certificates.client_key)))
    assert said(caplog, tmp_path) == []
    assert [record.getMessage() for record in caplog.records] == []

    secure, http, insecure, plain = made.exporters
    assert isinstance(secure, GrpcSpanExporter)
    assert secure._native is not None
    assert (secure._endpoint, secure._insecure) == ("localhost:4317", False)
    assert (secure._timeout, secure._compression) == (1e9, "gzip")
    assert dict(secure._headers) == {"one": "1 2", "two": "2", "three": ""}
    assert isinstance(http, HttpSpanExporter)
    assert http._endpoint == "http://localhost:4318/v1/traces"
    assert (http._timeout, http._compression) == (2.5, "none")
    assert http._certificate_file == str(certificates.authority)
    assert http._client_certificate_file == str(certificates.client_certificate)
    assert http._client_key_file == str(certificates.client_key)
    assert insecure._insecure is True
    assert (plain._endpoint, plain._insecure, plain._timeout) == ("localhost:4317", True, 10.0)
    (batch, *_) = made.tracer_provider._active_span_processor._span_processors
    assert isinstance(batch, BatchSpanProcessor)
    assert batch._export_timeout_millis == 1e12

    (reader,) = made.meter_provider._metric_readers
    assert isinstance(reader, PeriodicExportingMetricReader)
    assert isinstance(reader._exporter, GrpcMetricExporter)
    assert reader._exporter._max_export_batch_size == 7
    limits = {
        cls.__name__: limit for cls, limit in reader._instrument_class_cardinality_limit.items()
    }
    assert limits.pop("Counter") == 5
    assert set(limits.values()) == {100}
    # Recorded, though OTEL_SDK_DISABLED says otherwise.
    assert isinstance(made.tracer_provider.get_tracer("t"), trace.Tracer)
    assert not isinstance(made.tracer_provider.get_tracer("t"), trace.NoOpTracer)


def test_the_environment_counts_again_afterwards(
    configured: Callable[[str], Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    made = configured('file_format: "1.0"\ntracer_provider: {processors: []}\n')
    assert made.tracer_provider.resource.attributes["service.name"].startswith("unknown_service")
    assert Resource.create().attributes["service.name"] == "shop"
    with reading({"OTEL_RESOURCE_ATTRIBUTES": "a=1"}):
        assert Resource.create().attributes["a"] == "1"
    assert "a" not in Resource.create().attributes


def test_components_of_other_packages_get_their_settings(
    configured: Callable[[str], Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    class Component:
        def __init__(self, **settings: Any) -> None:
            given.append(settings)

        def shutdown(self) -> None:
            pass

    from oxitel.setup import plugins

    find = plugins.find

    def found(group: str, name: str) -> Any:
        return Component if name == "mine" else find(group, name)

    monkeypatch.setattr(plugins, "find", found)
    made = configured(
        """
file_format: "1.0"
tracer_provider:
  sampler: {mine: {key: 1}}
  id_generator: {mine: {key: 2}}
  processors:
    - simple: {exporter: {mine: {url: there}}}
    - simple: {exporter: {mine: }}
"""
    )
    assert given == [{"key": 1}, {"key": 2}, {"url": "there"}, {}]
    assert isinstance(made.tracer_provider.sampler, Component)
    assert [type(exporter) for exporter in made.exporters] == [Component, Component]


COMPOSITE = """
file_format: "1.0"
tracer_provider:
  sampler:
    composite/development:
      rule_based:
        rules:
          - attribute_values: {key: http.route, values: [/health]}
            sampler: {always_off: }
          - attribute_patterns: {key: url.path, included: [/api/*], excluded: [/api/quiet]}
            span_kinds: [server]
            parent: [none]
            sampler: {always_on: }
          - sampler: {parent_threshold: {root: {probability: {ratio: 0}}}}
"""


@pytest.mark.parametrize(
    ("attributes", "kind", "is_sampled"),
    [
        ({"http.route": "/health", "url.path": "/api/health"}, SpanKind.SERVER, False),
        ({"url.path": "/api/orders"}, SpanKind.SERVER, True),
        ({"url.path": "/api/orders"}, SpanKind.CLIENT, False),
        ({"url.path": "/api/quiet"}, SpanKind.SERVER, False),
        ({}, SpanKind.SERVER, False),
    ],
)
def test_a_composite_sampler_decides_by_its_rules(
    attributes: dict[str, str],
    kind: SpanKind,
    is_sampled: bool,
    configured: Callable[[str], Made],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = configured(COMPOSITE)
    span = made.tracer_provider.get_tracer("test").start_span("n", kind=kind, attributes=attributes)
    assert span.get_span_context().trace_flags.sampled is is_sampled
    assert said(caplog, tmp_path) == []


@pytest.mark.parametrize(
    "sampler",
    [
        "always_off",
        "{}",
        "{unknown_sampler: }",
        "{trace_id_ratio_based: {ratio: 0,1}}",
        "{trace_id_ratio_based: {ratio: '0.1'}}",
        "{parent_based: {root: {unknown_sampler: }}}",
        "{parent_based: {root: always_off}}",
        "{composite/development: }",
        "{composite/development: {unknown: }}",
        "{composite/development: {rule_based: {rules: [always_off]}}}",
        "{composite/development: {rule_based: {rules: [{sampler: {always_on: },"
        " span_kinds: servers}]}}}",
        "{composite/development: {rule_based: {rules: [{sampler: {always_on: }, parent: [far]}]}}}",
        "{composite/development: {rule_based: {rules: [{sampler: {always_on: },"
        " attribute_patterns: {key: k, included: a*}}]}}}",
        "{composite/development: {parent_threshold: }}",
        "{jaeger_remote/development: {endpoint: http://localhost:1, interval: 1}}",
    ],
)
def test_a_sampler_that_cannot_be_made_is_named_and_nothing_is_recorded(
    sampler: str,
    configured: Callable[[str], Made],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = configured(f'file_format: "1.0"\ntracer_provider: {{sampler: {sampler}}}\n')
    assert not made.tracer_provider.get_tracer("test").start_span("n").is_recording()
    assert any("tracer_provider.sampler" in text for text in said(caplog, tmp_path)) or any(
        text.startswith("tracer_provider: ") for text in said(caplog, tmp_path)
    )


@pytest.mark.parametrize(
    "exporter",
    [
        "{otlp_http: {headers_list: [authorization=hunter2]}}",
        "{otlp_http: {headers: authorization=hunter2}}",
        "{otlp_http: {headers: [authorization=hunter2]}}",
        "{otlp_http: {headers: [{name: authorization, value: [hunter2]}]}}",
        "{otlp_http: {headers: {authorization: hunter2}}}",
        "{otlp_grpc: {headers_list: 'authorization: hunter2'}}",
        "[{otlp_http: {headers_list: authorization=hunter2}}]",
    ],
)
def test_no_value_of_a_header_is_repeated(
    exporter: str,
    configured: Callable[[str], Made],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configured(
        'file_format: "1.0"\n'
        f"tracer_provider: {{processors: [{{simple: {{exporter: {exporter}}}}}]}}\n"
    )
    assert said(caplog, tmp_path) != []
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "document",
    [
        # 9 to the power of 9 values.
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{here}: &{here} [{', '.join(f'*{before}' for _ in range(9))}]\n"
            for before, here in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "a: &a {k: v}\n"
        + "".join(
            f"{here}: &{here} {{<<: [{', '.join(f'*{before}' for _ in range(9))}]}}\n"
            for before, here in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "a: &a [*a]\n",
    ],
)
def test_aliases_that_stand_for_too_much_make_a_file_unusable(
    document: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text(f'file_format: "1.0"\n{document}')
    configure_from_file(str(path))
    assert "its aliases stand for more than 100000 values" in caplog.text


@pytest.mark.parametrize("special", ["pipe", "/dev/zero"])
def test_a_file_without_an_end_is_not_read(
    special: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = special
    if special == "pipe":
        path = str(tmp_path / "otel.yaml")
        os.mkfifo(path)
    configure_from_file(path)
    assert "it is not a regular file" in caplog.text


def test_an_instrumentation_that_is_listed_is_switched_on(
    configured: Callable[[str], Made],
) -> None:
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    text = """
file_format: "1.0"
instrumentation/development:
  python:
    logging: {enabled: ENABLED, set_logging_format: false}
  java: {anything: {}}
"""
    try:
        configured(text.replace("ENABLED", "false"))
        assert not LoggingInstrumentor().is_instrumented_by_opentelemetry
        configured(text.replace("ENABLED", "true"))
        assert LoggingInstrumentor().is_instrumented_by_opentelemetry
    finally:
        LoggingInstrumentor().uninstrument()
