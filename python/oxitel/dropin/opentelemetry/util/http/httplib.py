"""Official path of oxitel.instrumentation.http.peer_address."""

from oxitel.instrumentation.http.peer_address import (
    HttpClientInstrumentor as HttpClientInstrumentor,
    instrument_connect as instrument_connect,
    set_ip_on_next_http_connection as set_ip_on_next_http_connection,
    trysetip as trysetip,
)
