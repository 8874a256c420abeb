"""What is put around the blocks of the chapter because they cannot run by themselves: each with the
block that needs it and the reason. A program may give a block nothing that is not listed here."""

from __future__ import annotations

STAND_INS: dict[str, tuple[str, str, str]] = {
    # name: (headings of the blocks, what stands in, why)
    "collector_endpoint": (
        "Initialize OpenTelemetry; Setting Up Metrics",
        "the default of the argument is the test's receiver",
        "no host is called otel-collector, and the calls leave the argument out",
    ),
    "otel_setup": (
        "SQLAlchemy Example; Manual Instrumentation; Structured Logging; Context Propagation",
        "setup_opentelemetry is called first",
        "the blocks make spans and set nothing up: the chapter did so at its beginning",
    ),
    "setup_metrics": (
        "Recording Metrics; Complete Example: Flask API",
        "setup_metrics is called first",
        "the blocks measure and set nothing up: the chapter did so earlier",
    ),
    "api.example.com": (
        "Flask Example; FastAPI Example",
        "HTTPS_PROXY leads to a server with fixed answers and a certificate of the test's",
        "the host does not exist",
    ),
    "inventory-service": (
        "Complete Example: Flask API",
        "HTTP_PROXY leads to a server with fixed answers",
        "the host does not exist",
    ),
    "a free port": (
        "Flask Example; FastAPI Example; Complete Example: Flask API",
        "the application is imported and served by werkzeug or uvicorn on a free port",
        "port 5000 may be taken, and main.py starts no server",
    ),
    "mydb": (
        "SQLAlchemy Example",
        "a PostgreSQL server with the user, the database and a table; PGPORT names its port",
        "no database is told how to come by",
    ),
    "Connection.execute": (
        "SQLAlchemy Example",
        "takes a text with question marks, as exec_driver_sql takes one with %s",
        "SQLAlchemy 2 refuses texts, and psycopg2 does not know question marks",
    ),
    "user_id": ("SQLAlchemy Example", "a number", "the name is not defined"),
    "process_item": (
        "Decorators for Cleaner Code",
        "keeps what it gets",
        "the name is not defined",
    ),
    "time": ("Recording Metrics", "the module", "it is not imported"),
    "process_request": (
        "Recording Metrics; HTTP Propagation",
        "answers with the status 200",
        "the name is not defined",
    ),
    "requests": ("HTTP Propagation", "the module", "it is not imported in the block"),
    "tracer": (
        "Structured Logging; Context Propagation",
        "of the blocks before",
        "the name is not defined in the block",
    ),
    "json": ("Kafka Propagation", "the module", "it is not imported in the block"),
    "producer": (
        "Kafka Propagation",
        "send() as kafka-python has it, over confluent-kafka, to a broker in memory",
        "the name is not defined",
    ),
    "process_message": (
        "Kafka Propagation",
        "keeps what it gets",
        "the name is not defined",
    ),
}


def table() -> str:
    """The stand-ins as text, for whoever reads the test's output."""
    lines = ["Stand-ins around the chapter's blocks:"]
    for name, (blocks, what, why) in STAND_INS.items():
        lines.append(f"  {name}: {what}\n    for {blocks}: {why}")
    return "\n".join(lines)
