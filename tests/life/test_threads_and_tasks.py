"""Threads, executors and asyncio: no span gets a wrong parent, and none is lost."""

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]


def by_id(spans: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {span["span_id"]: span for span in spans}
    assert len(found) == len(spans)
    return found


def check_owners(spans: list[dict[str, Any]], roots: int) -> None:
    """Every span with a parent has the same `owner` as the parent, and is one level deeper."""
    known = by_id(spans)
    without_parent = [span for span in spans if not span["parent_span_id"]]
    assert len(without_parent) == roots
    assert len({span["trace_id"] for span in spans}) == roots
    for span in spans:
        level = span["attributes"]["level"]
        if not span["parent_span_id"]:
            assert level == 0
            continue
        parent = known[span["parent_span_id"]]
        assert parent["attributes"]["owner"] == span["attributes"]["owner"]
        assert parent["attributes"]["level"] == level - 1
        assert parent["trace_id"] == span["trace_id"]


def test_eight_threads_make_many_spans_with_the_right_parents(collector: Any, run: Run) -> None:
    run(
        """
        import threading
        from tracing import *

        start(max_queue_size=100_000, max_export_batch_size=5000)
        ready = threading.Barrier(8)

        def work(owner):
            ready.wait()
            for _ in range(300):
                with span("outer", owner=owner, level=0):
                    with span("middle", owner=owner, level=1), span("inner", owner=owner, level=2):
                        pass
                    with span("middle", owner=owner, level=1):
                        pass

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
        timeout=60,
    )
    collector.wait_for_count(8 * 300 * 4, 30)
    spans = collector.spans()
    assert len(spans) == 8 * 300 * 4
    check_owners(spans, roots=8 * 300)


def test_eight_threads_lose_nothing_under_full_load(collector: Any, run: Run) -> None:
    run(
        """
        import threading
        from tracing import *

        start(max_queue_size=200_000, max_export_batch_size=5000)

        def work():
            for _ in range(10_000):
                with tracer.start_as_current_span("work"):
                    pass

        threads = [threading.Thread(target=work) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
        timeout=90,
        env={"OTEL_EXPORTER_OTLP_TIMEOUT": "60"},
    )
    assert collector.wait_for_count(80_000, 30) == 80_000


def test_one_span_shared_by_threads_keeps_every_attribute(collector: Any, run: Run) -> None:
    run(
        """
        import threading
        from tracing import *

        start()

        def work(shared, owner):
            for index in range(10):
                shared.set_attribute(f"{owner}.{index}", index)
                shared.add_event(f"{owner}.{index}")

        with span("shared") as shared:
            threads = [threading.Thread(target=work, args=(shared, n)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """
    )
    (span,) = collector.wait_for(1)
    expected = {f"{owner}.{index}": index for owner in range(8) for index in range(10)}
    assert span["attributes"] == expected
    assert {event["name"] for event in span["events"]} == set(expected)


def test_hundreds_of_interleaved_tasks_keep_their_parents(collector: Any, run: Run) -> None:
    run(
        """
        import asyncio, random
        from tracing import *

        start(max_queue_size=20_000)

        async def nap():
            await asyncio.sleep(random.choice((0, 0, 0.001, 0.003)))

        async def work(owner, level=0):
            with span("work", owner=owner, level=level):
                await nap()
                if level < 3:
                    await work(owner, level + 1)
                    await nap()
                    # Two tasks at once below the same span.
                    await asyncio.gather(leaf(owner, level + 1), leaf(owner, level + 1))

        async def leaf(owner, level):
            await nap()
            with span("leaf", owner=owner, level=level):
                await nap()

        async def main():
            await asyncio.gather(*(work(owner) for owner in range(400)))

        asyncio.run(main())
        """,
        timeout=60,
    )
    collector.wait_for_count(400 * 10, 20)
    spans = collector.spans()
    assert len(spans) == 400 * 10
    check_owners(spans, roots=400)


def test_a_task_that_outlives_the_span_it_was_made_in_keeps_it_as_parent(
    collector: Any, run: Run
) -> None:
    run(
        """
        import asyncio
        from tracing import *

        start()

        async def later(owner):
            await asyncio.sleep(0.05)
            with span("later", owner=owner, level=1):
                await asyncio.sleep(0.01)

        async def request(owner):
            with span("request", owner=owner, level=0):
                return asyncio.create_task(later(owner))

        async def main():
            tasks = [await request(owner) for owner in range(50)]
            with span("other", owner=-1, level=0):
                await asyncio.gather(*tasks)

        asyncio.run(main())
        """
    )
    spans = collector.wait_for(101)
    assert len(spans) == 101
    check_owners(spans, roots=51)
    later = [span for span in spans if span["name"] == "later"]
    assert len(later) == 50
    assert all(span["parent_span_id"] for span in later)


def test_callbacks_and_decorated_functions_keep_the_context(collector: Any, run: Run) -> None:
    run(
        """
        import asyncio
        from tracing import *

        start()

        @tracer.start_as_current_span("decorated", attributes={"owner": 1, "level": 1})
        async def decorated():
            await asyncio.sleep(0)
            with span("inside", owner=1, level=2):
                pass

        @tracer.start_as_current_span("plain", attributes={"owner": 1, "level": 1})
        def plain():
            with span("inside", owner=1, level=2):
                pass

        def callback(done):
            with span("callback", owner=1, level=1):
                done.set_result(None)

        async def main():
            with span("main", owner=1, level=0):
                loop = asyncio.get_running_loop()
                done = loop.create_future()
                loop.call_soon(callback, done)
                await done
                for _ in range(2):
                    await decorated()
                    plain()

        asyncio.run(main())
        """
    )
    spans = collector.wait_for(10)
    assert len(spans) == 10
    check_owners(spans, roots=1)


def test_a_context_copied_into_an_executor_brings_the_parent(collector: Any, run: Run) -> None:
    run(
        """
        import asyncio, contextvars
        from concurrent.futures import ThreadPoolExecutor
        from tracing import *

        start()

        def work(owner, level):
            with span("work", owner=owner, level=level):
                pass

        async def main(owner):
            with span("main", owner=owner, level=0):
                await asyncio.gather(*(asyncio.to_thread(work, owner, 1) for _ in range(10)))

        with ThreadPoolExecutor(4) as executor:
            with span("main", owner=1, level=0):
                # Each call needs a copy of its own: a context is entered by one thread at a time.
                calls = [
                    executor.submit(contextvars.copy_context().run, work, 1, 1) for _ in range(20)
                ]
                # Without a copy there is no parent.
                calls.append(executor.submit(work, 2, 0))
                for call in calls:
                    call.result()
            with span("afterwards", owner=4, level=0):
                pass
        asyncio.run(main(3))
        """
    )
    spans = collector.wait_for(34)
    assert len(spans) == 34
    check_owners(spans, roots=4)
