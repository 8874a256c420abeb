"""Where ours differs from the official packages on purpose. Each row is one of the differences
of docs/compatibility.md, and is itself checked: a row that no longer holds fails its tests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from official.differential.comparison import MISSING, DiffList


def _fits(name: str, pattern: str) -> bool:
    """Shell patterns with `*` and `?`: brackets stand for themselves."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


@dataclass(frozen=True)
class Difference:
    """One deliberate difference.

    `programs` and `path` are patterns (`*`). `official` and `oxitel` are regular expressions
    found in the JSON of the value on each side, None for whatever it is, MISSING for no value.
    """

    reason: str
    programs: tuple[str, ...]
    path: str
    official: str | None = None
    oxitel: str | None = None

    def concerns(self, program: str) -> bool:
        return any(_fits(program, pattern) for pattern in self.programs)

    def covers(self, path: str, official: Any, oxitel: Any) -> bool:
        return (
            _fits(path, self.path)
            and _value_fits(self.official, official)
            and _value_fits(self.oxitel, oxitel)
        )


def _value_fits(pattern: str | None, value: Any) -> bool:
    if pattern is None:
        return True
    if pattern == MISSING or value == MISSING:
        return pattern == value
    return re.search(pattern, json.dumps(value, ensure_ascii=False)) is not None


def unexpected(program: str, found: DiffList) -> tuple[DiffList, list[Difference]]:
    """What no row covers, and the rows for this program that cover nothing."""
    rows = [row for row in DIFFERENCES if row.concerns(program)]
    uncovered = [item for item in found if not any(row.covers(*item) for row in rows)]
    stale = [row for row in rows if not any(row.covers(*item) for item in found)]
    return uncovered, stale


def _rows(
    reason: str, programs: str, *paths: tuple[str, str | None, str | None]
) -> list[Difference]:
    """Rows with one reason; programs are separated by white space and commas."""
    names = tuple(name.strip() for name in programs.replace("\n", " ").split(",") if name.strip())
    return [Difference(reason, names, path, official, oxitel) for path, official, oxitel in paths]


DIFFERENCES: list[Difference] = [
    *_rows(
        "What a provider has lost is said when it is shut down, with numbers and causes: telemetry "
        "would be lost without a word.",
        """
        exporters.grpc_by_variable[insecure is false but the scheme is http],
        exporters.http_gives_up_at_once, exporters.grpc_gives_up_at_once,
        exporters.a_partial_success, exporters.nobody_listens,
        processors.exporters_that_fail, processors.a_full_queue_drops
        """,
        ("logs", MISSING, "not delivered to|were not exported"),
    ),
    *_rows(
        "The same misuse at the same line of a program is said once, as Python's own warnings are: "
        "a line each time costs the application more than the call.",
        """
        metrics_callbacks.failures, metrics_instruments.amounts_that_are_refused,
        readers.times_by_variable[unset], readers.times_by_variable[numbers],
        status.descriptions
        """,
        (
            "logs",
            "non-finite value|amount must be non-negative|is not finite|Cannot call collect"
            "|Description argument ignored",
            MISSING,
        ),
    ),
    *_rows(
        "A limit that is reached is said once, not with every value: a line in the log for each "
        "attribute costs the application more than the attribute.",
        """
        limits.attributes_of_all_kinds, limits.span_attributes, limits.event_attributes,
        limits.link_attributes, limits.value_lengths, limits.span_value_lengths,
        limits.value_length_counts_characters, limits.the_defaults_hold_128,
        limits.eviction_order, limits.a_sampler_may_fill_the_span, limits.by_variable[count],
        limits.by_variable[count and span count], limits.by_variable[length],
        limits.by_variable[length is zero], limits.by_variable[span length],
        limits.by_variable[length and span length], limits.by_variable[span count],
        limits.by_variable[event attribute count], limits.by_variable[link attribute count],
        limits.an_argument_wins_over_a_variable, redaction.spans_by_their_constructor,
        exceptions.value_length_limit_cuts_the_stacktrace,
        logs_handler.limits[count], logs_handler.limits[length], logs_handler.limits[general],
        configuration_files.everything_over_http
        """,
        ("logs", "Attributes dict is full|exceeds max length", MISSING),
    ),
    *_rows(
        "A value that cannot be encoded is dropped with one warning that names its key and type, "
        "and is counted.",
        """
        attributes.huge_integers, attributes.huge_integer_elsewhere, attributes.lone_surrogates,
        attributes.lone_surrogates_in_a_list, attributes.lone_surrogates_in_a_key
        """,
        ("logs", "Failed to encode key", MISSING),
        ("logs", MISSING, "attribute '.*' of type .* cannot be encoded and is dropped"),
        ("*dropped_attributes_count", MISSING, r"^\d+$"),
    ),
    *_rows(
        "One field that cannot be encoded does not cost the whole batch: the spans are sent, "
        "the field replaced or left out.",
        """
        attributes.lone_surrogates_in_a_name, spans.kinds, spans.names_that_are_no_text,
        timestamps.negative, timestamps.too_large, timestamps.fractions_and_texts
        """,
        ("logs", "Failed to encode span batch", MISSING),
        ("requests[0]", MISSING, '"name": "(whole|after)"'),
    ),
    *_rows(
        "One field that cannot be encoded does not cost the whole batch: the spans are sent, "
        "the field replaced or left out.",
        "attributes.lone_surrogates_in_an_event, exceptions.surrogates_in_the_text",
        ("logs", "Failed to encode (span batch|key)", MISSING),
        ("logs", MISSING, "cannot be encoded and is dropped"),
        ("requests[0]", MISSING, '"name": "(span|after)"'),
    ),
    *_rows(
        "A queue whose size nobody says is bounded in bytes, so that no batch is larger than it.",
        "batches.by_variable[batch is larger than the queue]",
        ("observations[0][1]", "must be less than or equal to max_queue_size", "null"),
        ("requests[0]", MISSING, "span 2"),
    ),
    *_rows(
        "An entry of a variable's headers that cannot be read is named by its place and what is "
        "wrong with its form, without its text, which may be a credential.",
        "exporters.http_by_variable[wrong headers]",
        ("logs", "Header format invalid", MISSING),
        ("logs", MISSING, "entry [0-9] is left out: it"),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        """
        batches.by_variable[delay is text], batches.by_variable[delay is a fraction],
        batches.by_variable[timeout is text], batches.by_variable[queue is text],
        batches.by_variable[batch is text], samplers.by_variable[unknown],
        samplers.by_variable[wrong ratio], samplers.by_variable[ratio too large],
        samplers.by_variable[wrong parentbased ratio],
        exporters.http_by_variable[compression unknown],
        exporters.http_by_variable[timeout is text],
        exporters.http_by_variable[traces timeout is text]
        """,
        (
            "logs",
            "Unable to parse value for OTEL_BSP|TRACES_SAMPLER_ARG|recognize sampler"
            "|Unsupported compression|Invalid timeout",
            MISSING,
        ),
        ("logs", MISSING, "Invalid value for OTEL_"),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        "tracers.disabled_by_variable[one], tracers.disabled_by_variable[nonsense]",
        ("logs", MISSING, "Invalid value for OTEL_SDK_DISABLED"),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        """
        batches.by_variable[delay is zero], batches.by_variable[queue is negative],
        batches.by_variable[queue is smaller than the batch],
        batches.by_variable[batch is zero],
        exporters.grpc_by_variable[compression unknown],
        exporters.grpc_by_variable[timeout is text]
        """,
        ("observations[0][1]", '"raised"', "null"),
        ("logs", MISSING, "Invalid value for OTEL_"),
        ("requests[0]", MISSING, '"name": "span'),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        "limits.wrong_variables[*",
        ("observations[0]*", None, None),
        ("observations[?]", MISSING, None),
        ("logs", MISSING, "Invalid value for OTEL_"),
        ("requests[0]", MISSING, '"name": "full"'),
    ),
    *_rows(
        "An empty variable is an unset one (specification, environment variables).",
        """
        batches.by_variable[delay is empty], samplers.by_variable[empty],
        samplers.by_variable[ratio empty]
        """,
        ("logs", "Unable to parse|TRACES_SAMPLER_ARG|recognize sampler", MISSING),
    ),
    *_rows(
        "The sampler's argument is optional (specification): its default needs no warning.",
        "samplers.by_variable[traceidratio without]",
        ("logs", "Could not convert TRACES_SAMPLER_ARG", MISSING),
    ),
    *_rows(
        "gRPC takes the values of OTEL_EXPORTER_OTLP_COMPRESSION that the specification names.",
        "exporters.grpc_by_variable[compression none]",
        ("observations[0][1]", "InvalidCompressionValueException", "null"),
        ("requests[0]", MISSING, '"name": "span"'),
    ),
    *_rows(
        "What a sampler, processor or id generator raises does not reach the application; "
        "it is logged, and the span is made.",
        """
        samplers.a_sampler_that_raises, samplers.a_sampler_that_returns_nonsense,
        processors.one_that_raises_at_the_start, ids.a_generator_that_raises
        """,
        ("observations[0][1]", '"raised"', '"worked"'),
        ("logs", MISSING, '"exception"'),
        ("requests[0]", MISSING, '"name": "span"'),
    ),
    *_rows(
        "What a processor raises does not reach the application; it is logged.",
        "processors.one_that_raises_at_the_end, processors.one_that_raises_when_flushed",
        ("observations[0][1]", '"raised"', '"worked"|false'),
        ("logs", MISSING, '"exception"'),
    ),
    *_rows(
        "The trace state of a link is exported: the specification and the protocol have it.",
        """
        console.a_live_span_as_json, exporters.grpc_and_http_send_the_same, links.at_the_start,
        links.invalid_contexts, frameworks.configuration
        """,
        ("*.links[?].trace_state", MISSING, "="),
    ),
    *_rows(
        "A partial success is said, with the number of rejected spans and the receiver's reason.",
        "exporters.a_partial_success",
        ("logs", MISSING, "rejected 1 span: too old"),
    ),
    *_rows(
        "Ids come from a generator of their own: seeding the random module for a simulation must "
        "not make trace ids repeat.",
        "ids.the_random_module_can_be_seeded",
        ("observations[0][1]", "true", "false"),
    ),
    *_rows(
        "A decorated generator function is covered by its span while it runs, not only while it "
        "is called.",
        "decorators.generator_functions",
        ("requests[0].body.resource_spans[0].scope_spans[0].spans[*", None, None),
    ),
    *_rows(
        "CPython names an extension type with its module in the texts of its own errors.",
        "context.given_contexts, spans.what_a_live_span_tells",
        (
            "*.raised.message",
            "^\"'_Span' object has no attribute",
            "^\"'opentelemetry.sdk.trace._Span' object has no attribute",
        ),
    ),
    *_rows(
        "CPython words its own errors differently for extension types.",
        "memory.finished_spans_are_immutable",
        ("*.raised.message", "property 'name' of", "attribute 'name' of"),
    ),
    *_rows(
        "CPython counts the arguments of extension methods without self.",
        "context.keyword_and_positional_arguments",
        ("*.raised.message", "from 2 to 9 .* 11 were given", "from 1 to 8 .* 10 were given"),
    ),
    *_rows(
        "An unknown resource detector is one line that names the variable and those there are.",
        "resources.detectors_by_variable[unknown], "
        "resources.detectors_by_variable[unknown and known]",
        ("logs", "StopIteration", MISSING),
        ("logs", MISSING, "Invalid value for OTEL_EXPERIMENTAL_RESOURCE_DETECTORS: 'moon'"),
    ),
    *_rows(
        "A wrong pair of OTEL_RESOURCE_ATTRIBUTES is named with what is done about it.",
        "resources.by_variable[wrong], resources.by_variable[only wrong]",
        ("logs", "not enough values to unpack|Invalid key value", MISSING),
        ("logs", MISSING, "it is left out of OTEL_RESOURCE_ATTRIBUTES"),
    ),
    *_rows(
        "A value is cut where it contains itself, where it is nested deeper than receivers decode, "
        "and beyond 262,144 parts or 64 MiB, which is said; nothing is raised.",
        "attributes.deep_nesting",
        ("logs", "Failed to encode key deep", MISSING),
        ("logs", MISSING, "The value of deep is cut, since it is nested deeper"),
        ("requests[0].*.attributes", MISSING, '"key": "deep"'),
    ),
    *_rows(
        "A value is cut where it contains itself, where it is nested deeper than receivers decode, "
        "and beyond 262,144 parts or 64 MiB, which is said; nothing is raised.",
        "attributes.a_value_that_contains_itself",
        ("observations[0][1]", "RecursionError", "null"),
        ("logs", MISSING, "The value of cycle is cut, since it contains itself"),
        ("requests[0].*.attributes[?]*", None, None),
    ),
    *_rows(
        "What a value's own code raises does not reach the application: the attribute is dropped "
        "with one warning that names its key and type.",
        "attributes.objects_whose_text_fails",
        ("observations[?][1]", '"raised"', "null"),
        ("logs", MISSING, "attribute '.*' of type .* cannot be encoded and is dropped"),
        ("*dropped_attributes_count", MISSING, r"^\d+$"),
    ),
    *_rows(
        "An exception whose text cannot be made is recorded as far as it can be, as the traceback "
        "module does, and the application sees its own exception.",
        "exceptions.an_exception_whose_text_fails",
        ("observations[0][1]", "class RuntimeError", "class Unprintable"),
        ("observations[1]", "raised by hand", MISSING),
        ("requests[0].*.status.message", MISSING, r"Unprintable: <exception str\(\) failed>"),
        ("requests[0].*.status.code", MISSING, "STATUS_CODE_ERROR"),
        ("requests[0].*.events", MISSING, "programs.exceptions.Unprintable"),
    ),
    *_rows(
        "The context manager may be entered again, and leaving one that was not entered does "
        "nothing.",
        "context.the_context_manager_itself",
        ("observations[2][1]", "AttributeError", "null"),
        ("observations[3][1]", "generator didn't stop", "false"),
        ("requests[0].*.spans[1].name", "x", "late start"),
    ),
    *_rows(
        "An empty batch is not sent.",
        "console.a_readable_span_made_by_hand",
        ("requests[1]", '"body": {}', MISSING),
    ),
    *_rows(
        "An id that does not fit is replaced by a random one, and said: the span is not lost.",
        "ids.ids_out_of_range",
        ("logs", "Failed to encode span batch", MISSING),
        ("logs", MISSING, "the id generator failed; a random id is used instead"),
        ("observations[?][1]", "false", "true"),
        ("requests[?]", MISSING, '"name": "(large trace|large span|negative)"'),
    ),
    *_rows(
        "A certificate that cannot be read is said even if the endpoint needs none.",
        "exporters.http_by_variable[certificate is missing]",
        ("logs", MISSING, "Failed to read file: nowhere.pem"),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        "exporters.grpc_by_variable[insecure is nonsense]",
        ("logs", "Tls handshake failed", MISSING),
        ("logs", MISSING, "Invalid value for OTEL_EXPORTER_OTLP_INSECURE: 'perhaps'"),
        ("requests[0]", MISSING, '"name": "span"'),
    ),
    *_rows(
        "A link given to several spans is limited for each of them by itself: it is not changed "
        "in place.",
        "links.a_link_is_shared_by_spans",
        ("requests[0].*.links[0].dropped_attributes_count", MISSING, "^1$"),
    ),
    *_rows(
        "A wrong link raises the same error by the name of another field.",
        "links.other_containers",
        ("*.raised.message", "no attribute 'context'", "no attribute 'attributes'"),
    ),
    *_rows(
        "A processor's `on_end` and exporters get the span itself, which is a `ReadableSpan` and "
        "takes no more changes, not a copy of another class.",
        "memory.what_a_finished_span_tells",
        ("observations[*][1].list[1]", "ReadableSpan", "_Span"),
        ("observations[*][1].list[0]", "false", "true"),
        ("observations[*][1].list[2]", "false", "true"),
    ),
    *_rows(
        "A processor's `on_end` and exporters get the span itself, which is a `ReadableSpan` and "
        "takes no more changes, not a copy of another class.",
        """
        processors.one_in_python, processors.python_before_and_after_native,
        processors.added_while_spans_live, processors.multi_processors, spans.readable_copies
        """,
        ("observations[*][1].list[2]", "ReadableSpan", "_Span"),
    ),
    *_rows(
        "A processor's `on_end` and exporters get the span itself, which is a `ReadableSpan` and "
        "takes no more changes, not a copy of another class.",
        "processors.what_on_end_may_do",
        ("logs", MISSING, "Setting attribute on ended span"),
        ("observations[0][1]", "has no attribute 'set_attribute'", "null"),
    ),
    *_rows(
        "Messages about exports name the whole endpoint and what it answered.",
        """
        exporters.http_is_told_to_wait, exporters.http_tries_again,
        exporters.http_gives_up_at_once, exporters.grpc_tries_again,
        exporters.grpc_gives_up_at_once, exporters.nobody_listens,
        exporters.grpc_by_variable[insecure is false but the scheme is http]
        """,
        ("logs", "Transient error|Failed to export", MISSING),
        ("logs", MISSING, "Transient error|Failed to export|nothing listens at"),
    ),
    *_rows(
        "White space around a variable's value does not count.",
        "samplers.by_variable[spaces]",
        ("logs", "Couldn't recognize sampler", MISSING),
        ("observations[0][1]", "ParentBased", "^.AlwaysOffSampler.$"),
        ("observations[*][1].list[0]", "true", "false"),
        ("observations[*][1].list[1]", "^[13]$", "^[02]$"),
        ("requests[0]", None, MISSING),
    ),
    *_rows(
        "A time that is no number, or below zero, is the present time, which is said; the batch "
        "is not lost.",
        "timestamps.a_text_as_time",
        ("logs", "Failed to encode span batch", MISSING),
        ("logs", MISSING, "A time must be a number of nanoseconds"),
        ("requests[0]", MISSING, None),
    ),
    *_rows(
        "A time that is no number, or below zero, is the present time, which is said; the batch "
        "is not lost.",
        "timestamps.negative",
        ("logs", MISSING, "A time must be a number of nanoseconds"),
    ),
    *_rows(
        "Attributes that are no mapping raise errors with other texts.",
        "attributes.wrong_containers",
        ("observations[*].raised.type", "TypeError", "AttributeError"),
        ("observations[*].raised.message", "mappingproxy", None),
    ),
    *_rows(
        "A counter's total that falls was counted anew: it begins a new series with a new start, "
        "and no delta is negative.",
        "metrics_aggregation.totals_that_begin_anew",
        ("requests[2].*.as_int", "-6", "2"),
    ),
    *_rows(
        "Where minimum and maximum are not recorded, they are not exported as infinities.",
        "metrics_aggregation.extremes_that_are_not_recorded",
        ("requests[0].*.min", "inf", MISSING),
        ("requests[0].*.max", "-inf", MISSING),
    ),
    *_rows(
        "Where minimum and maximum are not recorded, they are not exported as infinities.",
        "configuration_files.everything_over_grpc",
        ("requests[2].*.min", "inf", MISSING),
        ("requests[2].*.max", "-inf", MISSING),
    ),
    *_rows(
        "A metric has at most 2,000 series unless its view or reader says otherwise (the official "
        "SDK has that limit since 1.45.2). One warning names the metric and the attribute with "
        "the most values.",
        "metrics_limits.many_series",
        ("requests[0].*.data_points[200*]*", None, None),
        ("logs", MISSING, "requests has reached its limit of 2000 .*user"),
    ),
    *_rows(
        "A sum of integers that no longer fits 64 bits goes on as a double, which is said, and the "
        "other metrics are exported.",
        "metrics_limits.integers_beyond_64_bits",
        ("requests[*]", MISSING, None),
        ("logs", None, MISSING),
        ("logs", MISSING, "no longer fits a 64-bit integer"),
    ),
    *_rows(
        "An amount that is no number is said and ignored; nothing is raised into the program.",
        "metrics_limits.amounts_that_are_no_numbers",
        ("observations[*]*", "TypeError|OverflowError|raised|must be|too large", None),
        ("logs", MISSING, "is not a number|is not finite"),
    ),
    *_rows(
        "A view whose aggregation cannot be made is said when the instrument first measures; "
        "nothing is raised into the program.",
        "metrics_limits.bounds_that_are_wrong",
        ("observations[*]*", "ValueError|raised|strictly increasing", None),
        ("logs", MISSING, "Metric wrong cannot be aggregated"),
    ),
    *_rows(
        "A log message that cannot be made is said as `logging` says it (`Handler.handleError`) "
        "instead of being raised into the program, and is exported without its arguments.",
        "logs_handler.messages_that_cannot_be_made",
        ("observations[*][1]", "TypeError", "null"),
        ("requests[*]", MISSING, "%s %s"),
    ),
    *_rows(
        "A record that is logged while another one is being handled is exported too, up to three "
        "deep; there are no locks on which that could wait.",
        "logs_handler.an_attribute_that_logs",
        ("stderr", "recursive logging", '""'),
        ("requests[0].body.*string_value", "outside", "inside"),
        ("requests[0].body.*attributes", "chatty", MISSING),
        ("requests[0].body.*log_records[1]", MISSING, "outside"),
    ),
    *_rows(
        "A body that cannot be encoded becomes its text; officially it takes its whole batch "
        "with it.",
        "logs_sdk.bodies_that_cannot_be_encoded",
        ("logs", "Failed to encode logs batch", MISSING),
        ("logs", MISSING, "Invalid type"),
        ("requests[0]", MISSING, "fine"),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        "logs_sdk.wrong_variables[count], logs_sdk.wrong_variables[length]",
        ("logs", MISSING, "Invalid value for OTEL_LOGRECORD_"),
        ("observations[0]*", None, None),
        ("observations[1]", MISSING, "emitted"),
        ("requests[0]", MISSING, '"string_value": "body"'),
    ),
    *_rows(
        "A wrong variable is named in one message, with its value and what is used instead; "
        "it stops nothing.",
        "logs_sdk.wrong_variables[queue], logs_sdk.wrong_variables[delay]",
        ("logs", "Unable to parse value for OTEL_BLRP_", MISSING),
        ("logs", MISSING, "Invalid value for OTEL_BLRP_"),
    ),
    *_rows(
        "What a log record processor raises is logged, once for each processor and method, and "
        "never reaches the code that logged.",
        "logs_sdk.a_processor_that_raises",
        ("observations[0][1]", "ValueError", "null"),
        ("logs", MISSING, "Exception while calling on_emit of log record processor"),
    ),
    *_rows(
        "An exporter, id generator or protocol that does not exist is named in one message, and "
        "the rest of the SDK is set up; officially nothing is.",
        """
        configurator.wrong_names[an exporter that is none],
        configurator.wrong_names[an id generator that is none],
        configurator.wrong_names[a protocol that is none]
        """,
        ("logs", MISSING, "Invalid value for OTEL_"),
        ("observations[0][1]", "RuntimeError", "null"),
        ("observations[1][1].list[?]", "Proxy", "Provider"),
        ("observations[2]", MISSING, "traces"),
    ),
    *_rows(
        "An exporter, id generator or protocol that does not exist is named in one message, and "
        "the rest of the SDK is set up; officially nothing is.",
        "configurator.wrong_names[a protocol that is none]",
        ("requests[0]", MISSING, "TraceService"),
    ),
    *_rows(
        "A sampler that does not exist is said once, not twice.",
        "configurator.from_variables[a sampler that is none]",
        ("logs", "Couldn't recognize sampler", MISSING),
    ),
    *_rows(
        "With a configuration file the OTEL_* variables do not count, as the specification has it; "
        "officially some fill in what the file leaves out.",
        "configuration_files.other_variables",
        ("requests[*].headers.from", "variable", MISSING),
    ),
    *_rows(
        "What is wrong in a configuration file is named by its path, and the rest is set up; "
        "officially nothing is.",
        "configuration_files.wrong_parts",
        ("logs", MISSING, r"otel.yaml: tracer_provider\."),
        ("observations[*]*", None, None),
        ("requests[*]", MISSING, "spans"),
    ),
    *_rows(
        "A configuration file that cannot be used at all is said in one error; nothing is raised.",
        "configuration_files.other_formats",
        ("logs", "Failed to parse YAML|must be a mapping", MISSING),
        ("logs", MISSING, "otel.yaml cannot be used, no telemetry is set up"),
        ("observations[?][1]", "ConfigurationError", "null"),
    ),
    *_rows(
        "What is streamed belongs to its request: span and duration last as long as the body.",
        "deliberate_servers.a_wsgi_body",
        ("observations.the duration lasts as long as the body", "false", "true"),
    ),
    *_rows(
        "A body that nobody reads is closed, and a status needs no reason.",
        "deliberate_servers.a_wsgi_body",
        ("observations.a status without a reason", "unpack", "answered"),
        ("observations.a body that is not read is closed.list*", MISSING, "true"),
    ),
    *_rows(
        "A part of a streamed answer is a child of its request, not a trace of its own.",
        "deliberate_servers.flask_answers, deliberate_servers.django_answers,"
        "deliberate_servers.aiohttp_applications",
        ("observations.a part of a stream is in its request", "false", "true"),
    ),
    *_rows(
        "Nothing that an excluded request does is recorded, as a trace of its own.",
        "deliberate_servers.flask_answers",
        ("observations.what an excluded request does is recorded", "true", "false"),
    ),
    *_rows(
        "A request whose exception is propagated has a duration.",
        "deliberate_servers.flask_answers",
        ("observations.requests that are measured", "1", "2"),
    ),
    *_rows(
        "Applications and classes that were made or imported before are instrumented.",
        "deliberate_servers.flask_switched_on_late, deliberate_servers.django_answers,"
        "deliberate_servers.aiohttp_applications",
        ("observations.a* before*", None, None),
    ),
    *_rows(
        "An application that has its stack already is instrumented.",
        "deliberate_servers.asgi_answers",
        ("observations.an application that has answered already", "false", "true"),
    ),
    *_rows(
        "Beside Starlette's own middleware, a request has one server span.",
        "deliberate_servers.starlettes_own_middleware",
        ("observations.server spans", "2", "1"),
    ),
    *_rows(
        "What a hook raises is logged, and the request goes on.",
        "deliberate_servers.hooks_that_raise",
        ("observations.Flask answers", "500", "200"),
        ("observations.WSGI answers", "RuntimeError", "200"),
    ),
    *_rows(
        "An answer without a length has no size: not that of another answer before it.",
        "asgi_servers.asgi[*]",
        ("*http.server.response.*size*", "count", MISSING),
    ),
    *_rows(
        "An answer without a length has no size: not that of another answer before it.",
        "deliberate_servers.asgi_answers",
        ("observations.sizes of answers*", None, None),
    ),
    *_rows(
        "The duration of a request ends with its answer, as its span does, and not with what is "
        "done in the background.",
        "deliberate_servers.asgi_answers",
        ("observations.the duration has what follows the answer", "true", "false"),
    ),
    *_rows(
        "Django's middleware is asynchronous where Django is: no request goes through a thread.",
        "deliberate_servers.django_answers",
        ("observations.parts of a request that run in threads", "[1-9]", "0"),
    ),
    *_rows(
        "What a middleware of Django's raises is recorded as what a view raises.",
        "deliberate_servers.django_answers",
        ("observations.events of what a middleware raises", "0", "1"),
    ),
    *_rows(
        "A request of one of aiohttp's sub-applications is one span.",
        "deliberate_servers.aiohttp_applications",
        ("observations.spans of a sub-application's request", "2", "1"),
    ),
    *_rows(
        "A `Host` that is none, and middlewares that are a tuple, are no error of ours.",
        "deliberate_servers.aiohttp_applications",
        ("observations.a host that is none", "500", "200"),
        ("observations.a tuple of middlewares", "raised", "taken"),
    ),
    *_rows(
        "An exception that leaves a websocket is an error of its type.",
        "asgi_servers.websockets[new names], asgi_servers.websockets[both names]",
        ("*attributes.error.type", MISSING, "ValueError"),
    ),
    *_rows(
        "An exception is recorded once on the span that it leaves.",
        "asgi_servers.websockets[*]",
        ("*.events[1]", "exception", MISSING),
    ),
    *_rows(
        "An exception that nobody handles is an error of its type, in the metrics too.",
        "asgi_servers.asgi[new names], asgi_servers.asgi[both names]",
        ("*attributes.error.type", MISSING, "ValueError"),
        ("*.data_points.*", MISSING, "count"),
        ("*.data_points.*", "count", MISSING),
    ),
    *_rows(
        "An exception that nobody handles has its text, and the status that is answered.",
        "aiohttp_servers.aiohttp[*]",
        ("*attributes.http.*status_code", MISSING, "500"),
        ("*status.message", "Non-integer HTTP status: ValueError", "ValueError: broken view"),
        ("*.data_points.*", MISSING, "count"),
        ("*.data_points.*", "count", MISSING),
    ),
    *_rows(
        "An exception says more than the 500 that is made of it: its text stays the status's.",
        "asgi_servers.fastapi[*]",
        ("*status.message", MISSING, "ValueError: broken view"),
    ),
    *_rows(
        "An answer of no bytes has a size: 0.",
        "asgi_servers.fastapi[*], asgi_servers.starlette[*]",
        ("*http.server.response.*size*", MISSING, '"count": 2, "sum": 0.0'),
    ),
    *_rows(
        "The rest of a query stays as it is when a signature in it is redacted.",
        "aiohttp_servers.aiohttp[*]",
        ("*string_value", "r=a\\+b&sig=REDACTED", "r=a%20b&sig=REDACTED"),
    ),
    *_rows(
        "Classes of aiohttp stay what they are; the official one warns of its own making.",
        "aiohttp_servers.aiohttp[*], deliberate_servers.aiohttp_applications",
        ("warnings[0]", "Inheritance", MISSING),
    ),
    *_rows(
        "A request of Django's without a route has no `http.target` in its duration: each URL that "
        "somebody asks for would be a series of its own.",
        "wsgi_servers.django[old names], wsgi_servers.django[both names],"
        "asgi_servers.django[old names], asgi_servers.django[both names]",
        ("*http.server.duration*", "count", MISSING),
        ("*http.server.duration*", MISSING, "count"),
    ),
    *_rows(
        "A request of an HTTP client that gets no answer is measured, and its span and duration "
        "say why: requests that fail would be missing from the duration.",
        """
        http_clients.failures_are_measured[old names],
        http_clients.failures_are_measured[new names]
        """,
        ("observations.urllib3: points.list[0]", MISSING, "http.client"),
        ("observations.httpx: points.list[0]", MISSING, "http.client"),
    ),
    *_rows(
        "A request of an HTTP client that gets no answer is measured, and its span and duration "
        "say why: requests that fail would be missing from the duration.",
        "http_clients.failures_are_measured[new names]",
        ("observations.urllib3: error.type", "null", "NewConnectionError"),
    ),
    *_rows(
        "The old duration of httpx says the server, as those of all other clients do: without it, "
        "all servers are one series.",
        "http_clients.httpx[old names], http_clients.httpx_async[old names]",
        ("*http.client.duration*", None, None),
    ),
    *_rows(
        "The span of a publication lasts as long as it does, also where the task has a name that "
        "the process does not know, and ends where it fails.",
        "celery_tasks.publications",
        ("observations.published inside its span.list[0]", "false", "true"),
        ("observations.a span stays current", "true", "false"),
    ),
    *_rows(
        "The exemplar of a task's run is its own span.",
        "celery_tasks.tasks[links]",
        ("*flower.task.runtime.seconds*exemplars", MISSING, "some"),
    ),
    *_rows(
        "The durations of a database's operations and the rows that they return have buckets of "
        "the semantic conventions, and not 0, 5, 10 seconds and more.",
        """
        databases.sqlite3[new names], databases.sqlite3[both names],
        databases.sqlite3[new names of databases], databases.psycopg2[new names],
        databases.psycopg2[both names], databases.psycopg[new names], databases.psycopg[both names]
        """,
        ("*bucket_counts*", None, None),
        ("*explicit_bounds*", None, None),
    ),
    *_rows(
        "In the new conventions, the span of a failed call to a database has `error.type` too.",
        """
        databases.sqlite3[new names], databases.sqlite3[both names],
        databases.sqlite3[new names of databases], databases.psycopg2[new names],
        databases.psycopg2[both names], databases.psycopg[new names], databases.psycopg[both names],
        databases.sqlalchemy_with_sqlite3[new names],
        databases.sqlalchemy_with_sqlite3[both names], databases.redis[new names],
        databases.redis[both names]
        """,
        ("*spans*.attributes.error.type", MISSING, "Error|UndefinedTable"),
    ),
]
