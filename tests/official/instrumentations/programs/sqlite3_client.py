"""opentelemetry-instrumentation-sqlite3: SQLite."""

from declare import Run, program
from programs.signals import Signals, instrumented


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
    }
)
def statements(run: Run) -> None:
    import sqlite3

    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

    with instrumented(run, SQLite3Instrumentor()) as signals, signals.span("work"):
        connection = sqlite3.connect(":memory:")
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE orders (id INTEGER, item TEXT)")
        cursor.executemany("INSERT INTO orders VALUES (?, ?)", [(1, "ä"), (2, "b")])
        run.observe("rows", cursor.execute("SELECT * FROM orders WHERE id = ?", (1,)).fetchall())
        try:
            cursor.execute("SELECT * FROM nowhere")
        except sqlite3.OperationalError as error:
            run.observe("error", str(error))
        connection.commit()
        connection.close()


@program()
def one_connection(run: Run) -> None:
    import sqlite3

    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

    signals = Signals(run)
    connection = SQLite3Instrumentor().instrument_connection(
        sqlite3.connect(":memory:"), tracer_provider=signals.tracer_provider
    )
    connection.cursor().execute("SELECT 1")
    SQLite3Instrumentor().uninstrument_connection(connection).cursor().execute("SELECT 2")
