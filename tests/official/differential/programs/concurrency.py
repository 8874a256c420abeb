"""Threads, tasks and executors: every span has the right parent."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

from declare import Run, program


@program()
def interleaved_tasks(run: Run) -> None:
    tracer = run.tracer()
    order = asyncio.Lock

    async def step(name: str, events: list[asyncio.Event], index: int) -> None:
        with tracer.start_as_current_span(f"{name} step {index}"):
            events[index].set()
            if index + 1 < len(events):
                await events[index + 1].wait()

    async def main() -> None:
        with tracer.start_as_current_span("main"):
            for name in ("a", "b"):
                events = [asyncio.Event() for _ in range(4)]
                with tracer.start_as_current_span(name):
                    await asyncio.gather(*(step(name, events, index) for index in range(4)))

    asyncio.run(main())
    run.observe("lock type", order.__name__)


@program()
def tasks_take_the_context_of_their_start(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()

    async def work(gate: asyncio.Event) -> bool:
        await gate.wait()
        with tracer.start_as_current_span("in the task") as span:
            return trace.get_current_span() is span

    async def main() -> list[bool]:
        gate = asyncio.Event()
        with tracer.start_as_current_span("starter"):
            task = asyncio.create_task(work(gate))
        tracer.start_span("meanwhile").end()
        gate.set()
        return [await task]

    run.observe("results", asyncio.run(main()))


@program()
def a_cancelled_task(run: Run) -> None:
    tracer = run.tracer()

    async def work() -> None:
        with tracer.start_as_current_span("cancelled"):
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            tracer.start_span("after").end()

    asyncio.run(main())


@program()
def a_broken_off_async_generator(run: Run) -> None:
    tracer = run.tracer()

    async def numbers() -> object:
        with tracer.start_as_current_span("async generator"):
            yield 1
            yield 2

    async def main() -> None:
        generator = numbers()
        async for _ in generator:
            break
        await generator.aclose()
        tracer.start_span("after").end()

    asyncio.run(main())


@program()
def threads_start_without_a_context(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()
    seen: list[bool] = []

    def work() -> None:
        seen.append(trace.get_current_span() is trace.INVALID_SPAN)
        with tracer.start_as_current_span("in a thread"):
            tracer.start_span("below").end()

    with tracer.start_as_current_span("main"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        copied = contextvars.copy_context()
        thread = threading.Thread(target=copied.run, args=(work,))
        thread.start()
        thread.join()
    run.observe("seen", seen)


@program()
def executors(run: Run) -> None:
    from opentelemetry import context

    tracer = run.tracer()

    def work(given: object, number: int) -> int:
        token = context.attach(given)
        try:
            with tracer.start_as_current_span(f"work {number}"):
                return number
        finally:
            context.detach(token)

    with tracer.start_as_current_span("main"), ThreadPoolExecutor(1) as pool:
        current = context.get_current()
        run.observe("results", [pool.submit(work, current, n).result() for n in range(3)])


@program()
def many_threads_lose_nothing(run: Run) -> None:
    tracer = run.tracer()

    def work() -> None:
        for _ in range(50):
            # The order of the threads is left to chance, so nothing may depend on it.
            span = tracer.start_span("work", start_time=1_600_000_000_000_000_000)
            span.set_attribute("a", 1)
            span.end(1_600_000_001_000_000_000)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@program()
def a_span_ended_by_another_thread(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("handed over")

    def finish() -> None:
        span.set_attribute("thread", "other")
        span.end()

    thread = threading.Thread(target=finish)
    thread.start()
    thread.join()
    run.observe("ended", span.is_recording())
