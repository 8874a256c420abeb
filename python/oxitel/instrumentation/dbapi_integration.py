"""DatabaseApiIntegration: what the connections and cursors of one DB-API module (PEP 249) are
traced with. Other distributions derive from it; what they override is asked.

Official name: `opentelemetry.instrumentation.dbapi.DatabaseApiIntegration`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version as version_of
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from oxitel import _native

from .database.instruments import DatabaseInstruments, port_of

_DISTRIBUTIONS = {"MySQLdb": "mysqlclient"}
_CONNECTION_ATTRIBUTES = {"database": "database", "port": "port", "host": "host", "user": "user"}


class DatabaseApiIntegration:
    """Made once for each connection, by its arguments:

    - `name`, `version`: the instrumentation scope;
    - `database_system`: the database, as semantic conventions call it;
    - `connection_attributes`: where a connection has `database`, `port`, `host` and `user`, as
      dotted paths;
    - `capture_parameters`: whether parameters of statements become `db.statement.parameters`;
    - `enable_commenter`, `commenter_options`: whether statements get a comment of sqlcommenter's,
      and which of its keys are switched off; `enable_attribute_commenter`: whether the recorded
      statement has it too;
    - `connect_module`: the DB-API module, of which the comment tells;
    - `tracer_provider`, `meter_provider`: the global ones if not given.

    `sanitize_query` may be set afterwards: whether statements are recorded without their literals;
    None is what `OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL` says.
    """

    def __init__(
        self,
        name: str,
        database_system: str,
        connection_attributes: dict[str, Any] | None = None,
        version: str = "",
        tracer_provider: TracerProvider | None = None,
        capture_parameters: bool = False,
        enable_commenter: bool = False,
        commenter_options: dict[str, Any] | None = None,
        connect_module: Any = None,
        enable_attribute_commenter: bool = False,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        if connection_attributes is None:
            connection_attributes = dict(_CONNECTION_ATTRIBUTES)
        self.connection_attributes = connection_attributes
        self._name = name
        self._version = version
        instruments = DatabaseInstruments(
            name, version, tracer_provider, meter_provider, is_measured=True
        )
        self._instruments = instruments
        self._sem_conv_opt_in_mode_db = instruments.conventions.mode
        self._sem_conv_opt_in_mode_http = instruments.network.mode
        self._tracer = instruments.tracer
        self._meter = instruments.meter
        self._duration_histogram = instruments.duration
        self._returned_rows_histogram = instruments.returned_rows
        self.capture_parameters = capture_parameters
        self.enable_commenter = enable_commenter
        self.commenter_options = commenter_options
        self.enable_attribute_commenter = enable_attribute_commenter
        self.database_system = database_system
        self.connection_props: dict[str, Any] = {}
        self.span_attributes: dict[str, Any] = {}
        self.name = ""
        self.database = ""
        self._server_address: Any = None
        self._server_port: Any = None
        self._user: str | None = None
        self.connect_module = connect_module
        self.sanitize_query: bool | None = None
        # By the kind of tracer: native sides, which know what the connection is to.
        self._databases: dict[Any, _native.Database] = {}
        self.commenter_data = self.calculate_commenter_data()

    def _get_db_version(self, db_driver: str) -> str:
        if db_driver in _DISTRIBUTIONS:
            return version_of(_DISTRIBUTIONS[db_driver])
        return getattr(self.connect_module, "__version__", "unknown")

    def calculate_commenter_data(self) -> dict[str, Any]:
        """What comments say of the driver."""
        if not self.enable_commenter:
            return {}
        module = self.connect_module
        driver = getattr(module, "__name__", "unknown")
        # `str` would be asked of what a program puts there.
        driver_version = self._get_db_version(driver).split(" ")[0]
        data = {
            "db_driver": f"{driver}:{driver_version}",
            "dbapi_threadsafety": getattr(module, "threadsafety", "unknown"),
            "dbapi_level": getattr(module, "apilevel", "1.0"),
            "driver_paramstyle": getattr(module, "paramstyle", "unknown"),
        }
        if self.database_system == "postgresql":
            try:
                libpq = module.pq.version()
            except AttributeError:
                libpq = getattr(module, "__libpq_version__", None)
            if libpq is not None:
                data["libpq_version"] = libpq
        elif self.database_system == "mysql":
            client = ""
            if driver == "MySQLdb":
                client = module._mysql.get_client_info()
            elif driver == "pymysql":
                client = module.get_client_info()
            data["mysql_client_version"] = client
        return data

    def wrapped_connection(
        self, connect_method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[Any, Any]
    ) -> Any:
        """Connect, and give a proxy of the connection whose cursors are traced."""
        from .dbapi_proxies import get_traced_connection_proxy

        connection = connect_method(*args, **kwargs)
        self.get_connection_attributes(connection)
        return get_traced_connection_proxy(connection, self)

    def get_connection_attributes(self, connection: object) -> None:
        """Read from the connection what it is to."""
        for key, path in self.connection_attributes.items():
            value: Any = connection
            for attribute in path.split("."):
                value = getattr(value, attribute, None)
            if value:
                self.connection_props[key] = value
        self.name = self.database_system
        database = self.connection_props.get("database", "")
        if database:
            # Some drivers have bytes.
            database = _text(database)
            self.name += "." + database
        self.database = database
        instruments = self._instruments
        user = self.connection_props.get("user")
        if user is not None:
            self._user = str(_text(user))
            if instruments.conventions.old and self._user:
                self.span_attributes["db.user"] = self._user
        host = self.connection_props.get("host")
        if host is not None:
            self._server_address = host
            self._set_network("net.peer.name", "server.address", host)
        port = self.connection_props.get("port")
        if port is not None:
            self._server_port = port
            number = port_of(port)
            if number is not None:
                self._set_network("net.peer.port", "server.port", number)
        self._databases.clear()

    def _set_network(self, old: str, new: str, value: Any) -> None:
        network = self._instruments.network
        if network.old:
            self.span_attributes[old] = value
        if network.new:
            self.span_attributes[new] = value

    def native(self, **parts: Any) -> _native.Database:
        """The native side of this connection. Attributes that a class of somebody else's has set
        are added to those that are known here."""
        known = {
            "db.user": self._user,
            "net.peer.name": self._server_address,
            "server.address": self._server_address,
            "net.peer.port": port_of(self._server_port),
            "server.port": port_of(self._server_port),
        }
        further = {
            key: value
            for key, value in self.span_attributes.items()
            if key not in known or known[key] != value
        }
        return self._instruments.native(
            self.database_system,
            self.database or self.name,
            name=self.database or None,
            user=self._user,
            address=self._server_address,
            port=port_of(self._server_port),
            captures_parameters=bool(self.capture_parameters),
            is_sanitized=self.sanitize_query,
            attributes=further or None,
            **parts,
        )


def _text(value: Any) -> Any:
    return value.decode(errors="ignore") if hasattr(value, "decode") else value
