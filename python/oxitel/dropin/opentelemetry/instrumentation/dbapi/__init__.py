"""Official path of oxitel.instrumentation.dbapi."""

from oxitel.instrumentation.dbapi import (
    instrument_connection as instrument_connection,
    trace_integration as trace_integration,
    uninstrument_connection as uninstrument_connection,
    unwrap_connect as unwrap_connect,
    wrap_connect as wrap_connect,
)
from oxitel.instrumentation.dbapi_cursors import CursorTracer as CursorTracer
from oxitel.instrumentation.dbapi_integration import (
    DatabaseApiIntegration as DatabaseApiIntegration,
)
from oxitel.instrumentation.dbapi_proxies import (
    TracedConnectionProxy as TracedConnectionProxy,
    TracedCursorProxy as TracedCursorProxy,
    get_traced_connection_proxy as get_traced_connection_proxy,
    get_traced_cursor_proxy as get_traced_cursor_proxy,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
