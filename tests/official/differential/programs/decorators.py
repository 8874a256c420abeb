"""`start_as_current_span` as a decorator, and generators that leave spans behind."""

import asyncio

from declare import Run, program


@program()
def functions(run: Run) -> None:
    tracer = run.tracer()

    @tracer.start_as_current_span("decorated", attributes={"a": 1})
    def work(number: int, *, more: int = 0) -> int:
        """Works."""
        tracer.start_span("inside").end()
        return number + more

    run.observe("results", [work(1), work(2, more=3)])
    run.observe("name", [work.__name__, work.__doc__, work.__wrapped__.__name__])

    @tracer.start_as_current_span("failing")
    def fail() -> None:
        raise ValueError("decorated")

    run.attempt("fail", fail)

    @tracer.start_as_current_span("recursive")
    def count(number: int) -> int:
        return number and count(number - 1) + 1

    run.observe("recursive", count(3))


@program()
def methods(run: Run) -> None:
    tracer = run.tracer()

    class Service:
        @tracer.start_as_current_span("method")
        def method(self, x: int) -> int:
            return x

        @classmethod
        @tracer.start_as_current_span("class method")
        def made(cls) -> str:
            return cls.__name__

        @staticmethod
        @tracer.start_as_current_span("static method")
        def plain() -> int:
            return 5

    service = Service()
    run.observe("results", [service.method(1), Service.made(), Service.plain()])


@program()
def coroutines(run: Run) -> None:
    tracer = run.tracer()

    @tracer.start_as_current_span("coroutine")
    async def work(number: int) -> int:
        with tracer.start_as_current_span(f"inside {number}"):
            await asyncio.sleep(0)
        return number * 2

    @tracer.start_as_current_span("failing coroutine")
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("async")

    async def main() -> list[int]:
        first = await work(1)
        try:
            await fail()
        except ValueError:
            pass
        return [first, await work(2)]

    run.observe("is coroutine", asyncio.iscoroutinefunction(work))
    run.observe("results", asyncio.run(main()))


@program()
def generator_functions(run: Run) -> None:
    tracer = run.tracer()

    @tracer.start_as_current_span("generator")
    def numbers() -> object:
        with tracer.start_as_current_span("inside the generator"):
            yield 1
            yield 2

    run.observe("numbers", list(numbers()))

    @tracer.start_as_current_span("async generator")
    async def letters() -> object:
        with tracer.start_as_current_span("inside the async generator"):
            yield "a"
            yield "b"

    async def main() -> list[str]:
        return [letter async for letter in letters()]

    run.observe("letters", asyncio.run(main()))


@program()
def a_span_inside_a_generator(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()

    def numbers() -> object:
        with tracer.start_as_current_span("generator"):
            for number in range(3):  # noqa: UP028  (the loop's body is the point)
                yield number

    with tracer.start_as_current_span("consumer") as consumer:
        for number in numbers():
            tracer.start_span(f"body {number}").end()
        run.observe("back", trace.get_current_span() is consumer)


@program()
def a_generator_that_is_closed(run: Run) -> None:
    tracer = run.tracer()

    def numbers() -> object:
        with tracer.start_as_current_span("generator"):
            yield 1
            yield 2

    generator = numbers()
    next(generator)
    generator.close()
    tracer.start_span("after").end()


@program()
def contextlib_helpers(run: Run) -> None:
    import contextlib

    tracer = run.tracer()
    with contextlib.ExitStack() as stack:
        for name in ("a", "b", "c"):
            stack.enter_context(tracer.start_as_current_span(name))
    with contextlib.suppress(ValueError), tracer.start_as_current_span("suppressed"):
        raise ValueError("hidden")

    @contextlib.contextmanager
    def around() -> object:
        with tracer.start_as_current_span("around") as span:
            yield span

    with around():
        tracer.start_span("within").end()
