"""Traces and metrics of DB-API modules (PEP 249): the functions with which instrumentations of
drivers are made.

Official name: `opentelemetry.instrumentation.dbapi`.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import getLogger
from typing import Any

from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider
from wrapt import wrap_function_wrapper

from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .dbapi_integration import DatabaseApiIntegration
from .dbapi_proxies import BaseObjectProxy, get_traced_connection_proxy

_NAME = "opentelemetry.instrumentation.dbapi"
_logger = getLogger(_NAME)

_instruments = ()
_semconv_status = "migration"

Factory = Callable[..., DatabaseApiIntegration]


def trace_integration(
    connect_module: Any,
    connect_method_name: str,
    database_system: str,
    connection_attributes: dict[str, Any] | None = None,
    tracer_provider: TracerProvider | None = None,
    capture_parameters: bool = False,
    enable_commenter: bool = False,
    db_api_integration_factory: Factory | None = None,
    enable_attribute_commenter: bool = False,
    commenter_options: dict[str, Any] | None = None,
    meter_provider: MeterProvider | None = None,
) -> None:
    """Trace the connections that `connect_module` makes from now on. The arguments are those of
    `DatabaseApiIntegration`, of which `db_api_integration_factory` makes another."""
    wrap_connect(
        _NAME,
        connect_module,
        connect_method_name,
        database_system,
        connection_attributes,
        version=OFFICIAL_CONTRIB_VERSION,
        tracer_provider=tracer_provider,
        capture_parameters=capture_parameters,
        enable_commenter=enable_commenter,
        db_api_integration_factory=db_api_integration_factory,
        enable_attribute_commenter=enable_attribute_commenter,
        commenter_options=commenter_options,
        meter_provider=meter_provider,
    )


def wrap_connect(
    name: str,
    connect_module: Any,
    connect_method_name: str,
    database_system: str,
    connection_attributes: dict[str, Any] | None = None,
    version: str = "",
    tracer_provider: TracerProvider | None = None,
    capture_parameters: bool = False,
    enable_commenter: bool = False,
    db_api_integration_factory: Factory | None = None,
    commenter_options: dict[str, Any] | None = None,
    enable_attribute_commenter: bool = False,
    meter_provider: MeterProvider | None = None,
) -> None:
    """The same under the instrumentation scope `name` of the `version`."""
    factory = db_api_integration_factory or DatabaseApiIntegration

    def connect(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        integration = factory(
            name,
            database_system,
            connection_attributes=connection_attributes,
            version=version,
            tracer_provider=tracer_provider,
            capture_parameters=capture_parameters,
            enable_commenter=enable_commenter,
            commenter_options=commenter_options,
            connect_module=connect_module,
            enable_attribute_commenter=enable_attribute_commenter,
            meter_provider=meter_provider,
        )
        return integration.wrapped_connection(wrapped, args, kwargs)

    try:
        wrap_function_wrapper(connect_module, connect_method_name, connect)
    except Exception as error:
        _logger.warning("Failed to integrate with DB API. %s", error)


def unwrap_connect(connect_module: Any, connect_method_name: str) -> None:
    """Undo `trace_integration` and `wrap_connect`."""
    unwrap(connect_module, connect_method_name)


def instrument_connection(
    name: str,
    connection: Any,
    database_system: str,
    connection_attributes: dict[str, Any] | None = None,
    version: str = "",
    tracer_provider: TracerProvider | None = None,
    capture_parameters: bool = False,
    enable_commenter: bool = False,
    commenter_options: dict[str, Any] | None = None,
    connect_module: Any = None,
    enable_attribute_commenter: bool = False,
    db_api_integration_factory: Factory | None = None,
    meter_provider: MeterProvider | None = None,
) -> Any:
    """A proxy of the connection, whose cursors are traced; the arguments are those of
    `wrap_connect`."""
    if isinstance(connection, BaseObjectProxy):
        _logger.warning("Connection already instrumented")
        return connection
    factory = db_api_integration_factory or DatabaseApiIntegration
    integration = factory(
        name,
        database_system,
        connection_attributes=connection_attributes,
        version=version,
        tracer_provider=tracer_provider,
        capture_parameters=capture_parameters,
        enable_commenter=enable_commenter,
        commenter_options=commenter_options,
        connect_module=connect_module,
        enable_attribute_commenter=enable_attribute_commenter,
        meter_provider=meter_provider,
    )
    integration.get_connection_attributes(connection)
    return get_traced_connection_proxy(connection, integration)


def uninstrument_connection(connection: Any) -> Any:
    """The connection that `instrument_connection` was given."""
    if isinstance(connection, BaseObjectProxy):
        return connection.__wrapped__
    _logger.warning("Connection is not instrumented")
    return connection
