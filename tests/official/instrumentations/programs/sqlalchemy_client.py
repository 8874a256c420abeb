"""opentelemetry-instrumentation-sqlalchemy, SQLAlchemy 2.0: SQLite."""

from typing import Any

from declare import Run, program


def make_engine(run: Run, provider: Any, **options: Any) -> Any:
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from sqlalchemy import create_engine

    engine = create_engine("sqlite:///:memory:")
    SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=provider, **options)
    return engine


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup"},
    }
)
def statements(run: Run) -> None:
    from sqlalchemy import text

    provider = run.provider()
    engine = make_engine(run, provider)
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("work"), engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER, item TEXT)"))
        connection.execute(
            text("INSERT INTO orders VALUES (:id, :item)"),
            [{"id": 1, "item": "ä"}, {"id": 2, "item": "b"}],
        )
        rows = connection.execute(text("SELECT * FROM orders WHERE id = :id"), {"id": 1})
        run.observe("rows", [list(row) for row in rows])
    engine.dispose()


@program()
def errors(run: Run) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    engine = make_engine(run, run.provider())
    with engine.connect() as connection:
        try:
            connection.execute(text("SELECT * FROM nowhere"))
        except OperationalError as error:
            run.observe("error", type(error.orig).__name__)
    engine.dispose()


@program()
def comments(run: Run) -> None:
    from sqlalchemy import event, text

    provider = run.provider()
    engine = make_engine(
        run, provider, enable_commenter=True, commenter_options={"db_framework": False}
    )
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, executemany):
        seen.append(statement)

    with provider.get_tracer("t").start_as_current_span("work"), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    run.observe("statements", seen)
    engine.dispose()


@program()
def the_mapper(run: Run) -> None:
    from sqlalchemy import select
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        item: Mapped[str]

    provider = run.provider()
    engine = make_engine(run, provider)
    Base.metadata.create_all(engine)
    with provider.get_tracer("t").start_as_current_span("work"), Session(engine) as session:
        session.add(Order(id=1, item="a"))
        session.commit()
        run.observe("items", [order.item for order in session.scalars(select(Order))])
    engine.dispose()
