"""The tracer provider: processors, sampler, limits, id generator."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace

from oxitel.export.signal import TRACES
from oxitel.resources.resource import Resource
from oxitel.setup import plugins
from oxitel.trace import sampling
from oxitel.trace.batch import BatchSpanProcessor
from oxitel.trace.export import SimpleSpanProcessor
from oxitel.trace.id_generator import RandomIdGenerator
from oxitel.trace.limits import SpanLimits
from oxitel.trace.provider import TracerProvider, _TracerConfig

from .processors import add_processors
from .samplers import make_sampler
from .scopes import scope_configurator
from .section import Section


def set_tracer_provider(section: Section, resource: Resource, limits: Section | None) -> None:
    """Make the provider that the section describes, and set it as the global one."""
    generator = section.section("id_generator")
    provider = TracerProvider(
        sampler=make_sampler(section, "sampler", sampling.DEFAULT_ON),
        resource=resource,
        id_generator=(generator and _id_generator(generator)) or RandomIdGenerator(),
        span_limits=_limits(section.section("limits"), limits),
        _tracer_configurator=scope_configurator(
            section, "tracer_configurator/development", "tracers", _TracerConfig
        ),
    )
    add_processors(
        section, TRACES, SimpleSpanProcessor, BatchSpanProcessor, provider.add_span_processor
    )
    trace.set_tracer_provider(provider)


def _id_generator(section: Section) -> Any:
    chosen = section.only()
    if chosen is None:
        return None
    name, settings = chosen
    with settings.going_on("this id generator"):
        try:
            return plugins.find("opentelemetry_id_generator", name)(**settings.rest())
        except LookupError:
            settings.messages.say(settings.path, "no id generator of this name; random is used")
    return None


def _limits(section: Section | None, general: Section | None) -> SpanLimits:
    length = general and general.integer("attribute_value_length_limit", 0)
    count = general and general.integer("attribute_count_limit", 0)

    def own(key: str) -> int | None:
        return section and section.integer(key, 0)

    def first(*limits: int | None) -> int | None:
        return next((limit for limit in limits if limit is not None), None)

    span_length = first(own("attribute_value_length_limit"), length)
    return SpanLimits(
        max_events=own("event_count_limit"),
        max_links=own("link_count_limit"),
        max_span_attributes=first(own("attribute_count_limit"), count),
        max_event_attributes=own("event_attribute_count_limit"),
        max_link_attributes=own("link_attribute_count_limit"),
        max_attribute_length=span_length,
        max_span_attribute_length=span_length,
    )
