"""The logger provider: processors and limits."""

from __future__ import annotations

from opentelemetry import _logs

from oxitel.export.signal import LOGS
from oxitel.logs.batch import BatchLogRecordProcessor
from oxitel.logs.export import SimpleLogRecordProcessor
from oxitel.logs.limits import LogRecordLimits
from oxitel.logs.older_api import serve_events
from oxitel.logs.provider import LoggerProvider, _LoggerConfig
from oxitel.resources.resource import Resource

from .processors import add_processors
from .scopes import scope_configurator
from .section import Section


def set_logger_provider(section: Section, resource: Resource, limits: Section | None) -> None:
    """Make the provider that the section describes, and set it as the global one."""
    provider = LoggerProvider(
        resource=resource,
        log_record_limits=_limits(section.section("limits"), limits),
        _logger_configurator=scope_configurator(
            section, "logger_configurator/development", "loggers", _LoggerConfig
        ),
    )
    add_processors(
        section,
        LOGS,
        SimpleLogRecordProcessor,
        BatchLogRecordProcessor,
        provider.add_log_record_processor,
    )
    _logs.set_logger_provider(provider)
    serve_events(provider)


def _limits(section: Section | None, general: Section | None) -> LogRecordLimits:
    def limit(key: str) -> int | None:
        own = section and section.integer(key, 0)
        return general and general.integer(key, 0) if own is None else own

    count, length = limit("attribute_count_limit"), limit("attribute_value_length_limit")
    return LogRecordLimits(
        max_attributes=count,
        max_attribute_length=length,
        max_log_record_attributes=count,
        max_log_record_attribute_length=length,
    )
