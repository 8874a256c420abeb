"""opentelemetry-instrumentation-redis: Valkey."""

import os
from typing import Any

from declare import Run, program
from programs.signals import instrumented


def connected(run: Run, library: Any) -> Any:
    port = os.environ["REDIS_PORT"]
    run.hide(port, "<port>")
    return library.Redis(host="127.0.0.1", port=int(port))


@program(
    env={"REDIS_PORT": "{redis}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
    },
)
def commands(run: Run) -> None:
    import redis
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    def on_response(span: Any, connection: Any, response: Any) -> None:
        span.set_attribute("hook.response", type(response).__name__)

    with instrumented(run, RedisInstrumentor(), response_hook=on_response) as signals:
        client = connected(run, redis)
        name = f"program:{os.getpid()}"
        run.hide(name, "<name>")
        with signals.span("work"):
            client.set(name, "value")
            run.observe("value", client.get(name))
            with client.pipeline() as pipeline:
                pipeline.incr(name + ":count").expire(name + ":count", 60)
                run.observe("pipeline", pipeline.execute())
        try:
            client.incr(name)
        except redis.ResponseError as error:
            run.observe("error", str(error))
        client.delete(name)
        client.close()


@program(env={"REDIS_PORT": "{redis}"})
def asynchronous(run: Run) -> None:
    import asyncio

    import redis.asyncio
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    async def main(signals: Any) -> None:
        client = connected(run, redis.asyncio)
        with signals.span("work"):
            run.observe("echo", await client.echo("hello"))
            async with client.pipeline() as pipeline:
                pipeline.echo("a")
                pipeline.echo("b")
                run.observe("pipeline", await pipeline.execute())
        await client.aclose()

    with instrumented(run, RedisInstrumentor()) as signals:
        asyncio.run(main(signals))
