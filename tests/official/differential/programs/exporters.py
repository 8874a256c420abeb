"""The OTLP exporters: arguments, variables right and wrong, answers of the receiver."""

from declare import Run, program


def export_with(run: Run, protocol: str, **arguments: object) -> None:
    """One span by an exporter with these arguments."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def work() -> None:
        provider = run.bare_provider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(**arguments)))
        provider.get_tracer("t").start_span("span", attributes={"a": 1}).end()

    run.attempt(protocol, work)


@program(
    variants={
        "endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{http}"},
        "endpoint with slash": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{http}/"},
        "endpoint with path": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{http}/prefix"},
        "traces endpoint": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{http}/exactly/this"},
        "both endpoints": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{http}/v1/traces",
        },
        "headers": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_HEADERS": "X-One=1,x-two=two%20words, x-three = 3 ",
        },
        "traces headers": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-one=1",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-two=2",
        },
        "wrong headers": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_HEADERS": "novalue,=x,x-ok=1,a b=c,x-equals=a=b",
        },
        "user agent header": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc",
        },
        "gzip": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        },
        "deflate": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "deflate",
        },
        "compression none": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        },
        "compression in capitals": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "GZIP",
        },
        "compression unknown": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "brotli",
        },
        "timeout": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        },
        "timeout is text": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
        },
        "traces timeout is text": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "1s",
        },
        "certificate is missing": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "nowhere.pem",
        },
        "empty values": {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{http}/v1/traces",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
            "OTEL_EXPORTER_OTLP_HEADERS": "",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "",
        },
        "insecure has no meaning": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_INSECURE": "false",
        },
    }
)
def http_by_variable(run: Run) -> None:
    export_with(run, "http")


@program(
    variants={
        "endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}"},
        "endpoint with path": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}/ignored"},
        "traces endpoint": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{grpc}",
        },
        "headers": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_HEADERS": "X-One=1,x-two=two%20words, x-three = 3 ",
        },
        "traces headers": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-one=1",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-two=2",
        },
        "gzip": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        },
        "compression none": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        },
        "compression unknown": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "brotli",
        },
        "timeout": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        },
        "timeout is text": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
        },
        "insecure": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
        },
        "insecure is false but the scheme is http": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5",
            "OTEL_EXPORTER_OTLP_INSECURE": "false",
        },
        "insecure is nonsense": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5",
            "OTEL_EXPORTER_OTLP_INSECURE": "perhaps",
        },
        "certificate is missing": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "nowhere.pem",
        },
    }
)
def grpc_by_variable(run: Run) -> None:
    export_with(run, "grpc")


@program()
def http_by_argument(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression

    where = run.traces_endpoint
    export_with(run, "http", endpoint=where, headers={"X-One": "1"}, timeout=5)
    export_with(run, "http", endpoint=where, compression=Compression.Gzip)
    export_with(run, "http", endpoint=where, compression=Compression.Deflate)
    export_with(run, "http", endpoint=where, compression=Compression.NoCompression)
    export_with(run, "http", endpoint=run.http_endpoint + "/other?query=1")
    export_with(run, "http", endpoint=where, headers="x-text=1,x-more=2")


@program()
def grpc_by_argument(run: Run) -> None:
    where = run.grpc_endpoint
    export_with(run, "grpc", endpoint=where, insecure=True, headers={"x-one": "1"}, timeout=5)
    export_with(run, "grpc", endpoint=where, headers=(("x-one", "1"), ("x-two", "2")))
    export_with(run, "grpc", endpoint=where, headers="x-one=1,x-two=2")
    export_with(run, "grpc", endpoint=where.removeprefix("http://"), insecure=True)


@program(env={"OTEL_EXPORTER_OTLP_HEADERS": "x-variable=1,x-both=variable"})
def arguments_and_variables_together(run: Run) -> None:
    export_with(run, "http", endpoint=run.traces_endpoint, headers={"x-both": "argument"})
    export_with(run, "grpc", endpoint=run.grpc_endpoint, headers={"x-both": "argument"})


@program()
def wrong_arguments(run: Run) -> None:
    export_with(run, "http", endpoint=run.traces_endpoint, colour="red")
    export_with(run, "grpc", endpoint=run.grpc_endpoint, colour="red")


@program(script=[{"do": "http_status", "status": 503, "headers": {"Retry-After": "1"}}])
def http_is_told_to_wait(run: Run) -> None:
    export_with(run, "http", endpoint=run.traces_endpoint)


@program(
    script=[
        {"do": "http_status", "status": 429},
        {"do": "http_status", "status": 502},
    ]
)
def http_tries_again(run: Run) -> None:
    export_with(run, "http", endpoint=run.traces_endpoint)


@program(
    script=[
        {"do": "http_status", "status": 400, "body": "bad request body"},
        {"do": "http_status", "status": 401},
        {"do": "http_status", "status": 404},
        {"do": "http_status", "status": 500},
    ]
)
def http_gives_up_at_once(run: Run) -> None:
    for _ in range(4):
        export_with(run, "http", endpoint=run.traces_endpoint)


@program(
    script=[
        {"do": "grpc_status", "code": "UNAVAILABLE", "message": "soon"},
        {"do": "grpc_status", "code": "RESOURCE_EXHAUSTED", "retry_delay": 0.1},
    ]
)
def grpc_tries_again(run: Run) -> None:
    export_with(run, "grpc", endpoint=run.grpc_endpoint)


@program(
    script=[
        {"do": "grpc_status", "code": "INVALID_ARGUMENT", "message": "wrong"},
        {"do": "grpc_status", "code": "UNAUTHENTICATED", "message": "who"},
        {"do": "grpc_status", "code": "UNIMPLEMENTED", "message": "what"},
        {"do": "grpc_status", "code": "INTERNAL", "message": "oh"},
    ]
)
def grpc_gives_up_at_once(run: Run) -> None:
    for _ in range(4):
        export_with(run, "grpc", endpoint=run.grpc_endpoint)


@program(script=[{"do": "partial_success", "rejected": 1, "message": "too old", "times": 2}])
def a_partial_success(run: Run) -> None:
    export_with(run, "http", endpoint=run.traces_endpoint)
    export_with(run, "grpc", endpoint=run.grpc_endpoint)


@program()
def nobody_listens(run: Run) -> None:
    export_with(run, "http", endpoint="http://127.0.0.1:1/v1/traces", timeout=0.5)
    export_with(run, "grpc", endpoint="http://127.0.0.1:1", timeout=0.5)


@program()
def exporting_after_shutdown(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    span = run.bare_provider().get_tracer("t").start_span("span")
    span.end()
    for exporter in (Http(endpoint=run.traces_endpoint), Grpc(endpoint=run.grpc_endpoint)):
        run.observe("first", exporter.export([span]))
        run.observe("flush", exporter.force_flush())
        exporter.shutdown()
        run.observe("second", exporter.export([span]))
        exporter.shutdown()


@program()
def grpc_and_http_send_the_same(run: Run) -> None:
    from programs.console import rich_span

    span = rich_span(run)
    span.end(1_600_000_002_000_000_001)
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

    exporter = Grpc(endpoint=run.grpc_endpoint)
    run.observe("result", exporter.export([span]))
    exporter.shutdown()
