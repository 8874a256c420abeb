"""Generators that are broken off inside a span: no noise, and the right parent afterwards."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


def parents(spans: list[dict[str, Any]]) -> dict[str, str | None]:
    """Each span's name with its parent's name; None for a root."""
    names = {span["span_id"]: span["name"] for span in spans}
    assert len({*names.values()}) == len(names)
    return {
        span["name"]: names[span["parent_span_id"]] if span["parent_span_id"] else None
        for span in spans
    }


def test_a_generator_that_runs_to_its_end(collector: Any, run: Run) -> None:
    run(
        """
        from tracing import *

        start()

        def numbers():
            with span("generator"):
                yield 1
                with span("between"):
                    pass
                yield 2

        with span("outer"):
            for number in numbers():
                pass
            with span("after"):
                pass
        """
    )
    assert parents(collector.wait_for(4)) == {
        "outer": None,
        "generator": "outer",
        "between": "generator",
        "after": "outer",
    }


@pytest.mark.parametrize(
    "leave",
    [
        "for number in numbers(): break",
        "opened = numbers(); next(opened); opened.close()",
        "opened = numbers(); next(opened); del opened",
        """try:
                opened = numbers(); next(opened); opened.throw(KeyError("left"))
            except KeyError: pass""",
    ],
    ids=["break", "close", "forgotten", "throw"],
)
def test_a_generator_that_is_broken_off(leave: str, collector: Any, run: Run) -> None:
    run(
        f"""
        from tracing import *

        start()

        def numbers():
            with span("generator"):
                yield 1
                yield 2

        with span("outer"):
            {leave}
            with span("after"):
                pass
        with span("at the end"):
            pass
        """
    )
    assert parents(collector.wait_for(4)) == {
        "outer": None,
        "generator": "outer",
        "after": "outer",
        "at the end": None,
    }


def test_a_generator_that_outlives_the_block_it_was_made_in(collector: Any, run: Run) -> None:
    run(
        """
        from tracing import *

        start()

        def numbers():
            with span("generator"):
                yield 1
                yield 2

        with span("outer"):
            opened = numbers()
            next(opened)
        with span("between"):
            opened.close()
        with span("at the end"):
            pass
        """
    )
    found = parents(collector.wait_for(4))
    assert found["generator"] == "outer"
    assert found["between"] is None
    assert found["at the end"] is None


def test_a_generator_closed_by_another_thread(collector: Any, run: Run) -> None:
    run(
        """
        import threading
        from tracing import *

        start()

        def numbers():
            with span("generator"):
                yield 1
                yield 2

        with span("outer"):
            opened = numbers()
            next(opened)
            thread = threading.Thread(target=opened.close)
            thread.start()
            thread.join()
            with span("after"):
                pass
        with span("at the end"):
            pass
        """
    )
    assert parents(collector.wait_for(4)) == {
        "outer": None,
        "generator": "outer",
        "after": "outer",
        "at the end": None,
    }


def test_an_async_generator_that_is_broken_off(collector: Any, run: Run) -> None:
    run(
        """
        import asyncio
        from tracing import *

        start()

        async def numbers():
            with span("generator"):
                yield 1
                await asyncio.sleep(0)
                yield 2

        async def main():
            with span("outer"):
                async for number in numbers():
                    break
                # The event loop closes the generator, in a task and a context of its own.
                await asyncio.sleep(0.05)
                with span("after"):
                    pass
            with span("at the end"):
                pass

        asyncio.run(main())
        """
    )
    assert parents(collector.wait_for(4)) == {
        "outer": None,
        "generator": "outer",
        "after": "outer",
        "at the end": None,
    }


def test_an_async_generator_that_is_closed_where_it_was_used(collector: Any, run: Run) -> None:
    run(
        """
        import asyncio, contextlib
        from tracing import *

        start()

        async def numbers():
            with span("generator"):
                yield 1
                yield 2

        async def main():
            with span("outer"):
                async with contextlib.aclosing(numbers()) as opened:
                    async for number in opened:
                        break
                with span("after"):
                    pass

        asyncio.run(main())
        """
    )
    assert parents(collector.wait_for(3)) == {
        "outer": None,
        "generator": "outer",
        "after": "outer",
    }


def test_an_async_generator_closed_by_another_task(collector: Any, run: Run) -> None:
    # As a web framework does with a streaming answer whose client went away.
    run(
        """
        import asyncio
        from tracing import *

        start()

        async def numbers():
            with span("generator"):
                yield 1
                yield 2

        async def main():
            opened = numbers()
            with span("outer"):
                await opened.__anext__()
            await asyncio.create_task(opened.aclose())
            with span("at the end"):
                pass

        asyncio.run(main())
        """
    )
    found = parents(collector.wait_for(3))
    assert found == {"outer": None, "generator": "outer", "at the end": None}


def test_hundreds_of_broken_off_async_generators_make_no_noise(collector: Any, run: Run) -> None:
    run(
        """
        import asyncio, gc
        from tracing import *

        start()

        async def numbers():
            with span("generator"):
                for number in range(10):
                    await asyncio.sleep(0)
                    yield number

        async def work():
            async for number in numbers():
                if number == 3:
                    break

        async def main():
            await asyncio.gather(*(work() for _ in range(200)))
            gc.collect()

        asyncio.run(main())
        """
    )
    assert len(collector.wait_for(200)) == 200


def test_a_decorated_generator_is_inside_its_span_while_it_runs(collector: Any, run: Run) -> None:
    run(
        """
        from tracing import *

        # A tracer from before the provider was set would be the API's, with its own decorator.
        tracer = start().get_tracer("life")

        @tracer.start_as_current_span("decorated")
        def numbers():
            with span("inside"):
                yield 1
                yield 2

        with span("outer"):
            for number in numbers():
                break
            with span("after"):
                pass
        """
    )
    assert parents(collector.wait_for(4)) == {
        "outer": None,
        "decorated": "outer",
        "inside": "decorated",
        "after": "outer",
    }


def test_a_decorated_async_generator_is_inside_its_span_while_it_runs(
    collector: Any, run: Run
) -> None:
    run(
        """
        import asyncio
        from tracing import *

        # A tracer from before the provider was set would be the API's, with its own decorator.
        tracer = start().get_tracer("life")

        @tracer.start_as_current_span("decorated")
        async def numbers():
            with span("inside"):
                yield 1
                await asyncio.sleep(0)
                yield 2

        async def main():
            with span("outer"):
                async for number in numbers():
                    break
                await asyncio.sleep(0.05)
                with span("after"):
                    pass

        asyncio.run(main())
        """
    )
    assert parents(collector.wait_for(4)) == {
        "outer": None,
        "decorated": "outer",
        "inside": "decorated",
        "after": "outer",
    }
