"""Official path of oxitel.instrumentation.sqlalchemy_engine."""

from oxitel.instrumentation.sqlalchemy_engine import (
    EngineTracer as EngineTracer,
    _after_cur_exec as _after_cur_exec,
    _get_attributes_from_engine as _get_attributes_from_engine,
    _get_connection_string as _get_connection_string,
    _get_db_name_from_cursor_or_conn as _get_db_name_from_cursor_or_conn,
    _handle_error as _handle_error,
    _normalize_vendor as _normalize_vendor,
)
