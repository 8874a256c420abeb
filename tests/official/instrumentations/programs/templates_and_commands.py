"""opentelemetry-instrumentation-jinja2, -click, -asyncio and -dbapi: this process."""

import asyncio
from typing import Any

from declare import Run, program
from programs.signals import Signals, instrumented


@program()
def jinja2(run: Run) -> None:
    import jinja2 as library
    from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor

    with instrumented(run, Jinja2Instrumentor()) as signals, signals.span("work"):
        templates = library.DictLoader({"page": "{% extends 'base' %}", "base": "{{ item }}"})
        environment = library.Environment(loader=templates)
        run.observe("page", environment.get_template("page").render(item="ä"))
        run.observe("text", library.Template("{{ 1 + 1 }}").render())
        try:
            library.Template("{{ nothing.inside }}").render()
        except library.UndefinedError as error:
            run.observe("error", str(error))


@program()
def click(run: Run) -> None:
    import click as library
    from click.testing import CliRunner
    from opentelemetry.instrumentation.click import ClickInstrumentor

    @library.command()
    @library.argument("word")
    def shout(word: str) -> None:
        if word == "broken":
            raise ValueError("broken command")
        library.echo(word.upper())

    with instrumented(run, ClickInstrumentor()):
        for word in ("hello", "broken"):
            result = CliRunner().invoke(shout, [word])
            run.observe(word, [result.exit_code, result.output])


@program(
    env={
        "OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE": "work,fail",
        "OTEL_PYTHON_ASYNCIO_FUTURE_TRACE_ENABLED": "true",
        "OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE": "block",
    }
)
def asyncio_tasks(run: Run) -> None:
    from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    async def fail() -> None:
        raise ValueError("broken")

    def block() -> str:
        return "in a thread"

    async def main(signals: Any) -> None:
        with signals.span("main"):
            run.observe("task", await asyncio.create_task(work()))
            run.observe("thread", await asyncio.to_thread(block))
            try:
                await asyncio.wait_for(fail(), 5)
            except ValueError as error:
                run.observe("error", str(error))

    with instrumented(run, AsyncioInstrumentor()) as signals:
        asyncio.run(main(signals))


@program()
def dbapi(run: Run) -> None:
    import sqlite3

    from opentelemetry.instrumentation import dbapi as library

    signals = Signals(run)
    library.wrap_connect(
        "opentelemetry.instrumentation.dbapi",
        sqlite3,
        "connect",
        "sqlite",
        {"database": "path"},
        version="1.0",
        tracer_provider=signals.tracer_provider,
        meter_provider=signals.meter_provider,
        capture_parameters=True,
    )
    with signals.span("work"):
        cursor = sqlite3.connect(":memory:").cursor()
        cursor.execute("SELECT ?", (5,))
        run.observe("rows", cursor.fetchall())
    library.unwrap_connect(sqlite3, "connect")
