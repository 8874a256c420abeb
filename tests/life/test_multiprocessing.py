"""Worker processes of the standard library, under each of its ways to start them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

pytestmark = pytest.mark.fork


@pytest.fixture(params=["fork", "forkserver", "spawn"])
def method(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_process_exports_what_it_finishes(
    method: str, protocol: str, run: Run, arrived: Arrived
) -> None:
    # A spawned child imports this file anew, and so sets up a provider of its own.
    run(
        f"""
        import multiprocessing
        from tracing import *

        start()

        def work():
            spans("child", 10)

        if __name__ == "__main__":
            spans("before", 5)
            children = [
                multiprocessing.get_context({method!r}).Process(target=work) for _ in range(3)
            ]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0
            spans("after", 5)
        """,
        protocol=protocol,
    )
    assert arrived(40) == {"before": 5, "child": 30, "after": 5}


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_process_that_flushes_itself_loses_nothing(
    method: str, run: Run, arrived: Arrived
) -> None:
    run(
        f"""
        import multiprocessing
        from tracing import *

        provider = start()

        def work():
            spans("child", 10)
            assert provider.force_flush()

        if __name__ == "__main__":
            child = multiprocessing.get_context({method!r}).Process(target=work)
            child.start()
            child.join()
            assert child.exitcode == 0
        """
    )
    assert arrived(10) == {"child": 10}


def test_a_pool_that_is_closed_exports_every_task(method: str, run: Run, arrived: Arrived) -> None:
    run(
        f"""
        import multiprocessing
        from tracing import *

        start()

        def work(number):
            spans("task", 1)
            return number

        if __name__ == "__main__":
            spans("before", 5)
            pool = multiprocessing.get_context({method!r}).Pool(3)
            assert pool.map(work, range(60), chunksize=5) == list(range(60))
            pool.close()
            pool.join()
        """,
        timeout=60,
    )
    assert arrived(65) == {"before": 5, "task": 60}


def test_an_executor_exports_every_task(method: str, run: Run, arrived: Arrived) -> None:
    run(
        f"""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from tracing import *

        start()

        def work(number):
            spans("task", 1)
            return number

        if __name__ == "__main__":
            spans("before", 5)
            context = multiprocessing.get_context({method!r})
            with ProcessPoolExecutor(3, mp_context=context) as executor:
                assert list(executor.map(work, range(30))) == list(range(30))
            spans("after", 5)
        """,
        timeout=60,
    )
    assert arrived(40) == {"before": 5, "task": 30, "after": 5}


def test_workers_that_are_replaced_after_each_task_lose_nothing(run: Run, arrived: Arrived) -> None:
    # As Celery does with max_tasks_per_child=1.
    run(
        """
        import multiprocessing
        from tracing import *

        start()

        def work(number):
            spans("task", 1)

        if __name__ == "__main__":
            pool = multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1)
            pool.map(work, range(10), chunksize=1)
            pool.close()
            pool.join()
        """,
        timeout=60,
    )
    assert arrived(10) == {"task": 10}
