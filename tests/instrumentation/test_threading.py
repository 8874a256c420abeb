"""ThreadingInstrumentor: the context goes along into threads and pools, and nothing is kept."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.instrumentation.threading.package import _instruments, _supports_metrics
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util._importlib_metadata import entry_points

tracer = TracerProvider(shutdown_on_exit=False).get_tracer("threads")
START, SUBMIT = threading.Thread.start, ThreadPoolExecutor.submit
# What free-threaded interpreters do unless told otherwise, and others when told to.
THREADS_INHERIT = bool(getattr(sys.flags, "thread_inherit_context", False))


@pytest.fixture
def instrumented() -> Iterator[None]:
    ThreadingInstrumentor().instrument()
    yield
    if ThreadingInstrumentor().is_instrumented_by_opentelemetry:
        ThreadingInstrumentor().uninstrument()
    assert threading.Thread.start is START
    assert ThreadPoolExecutor.submit is SUBMIT


pytestmark = pytest.mark.usefixtures("instrumented")


def current() -> int:
    """The id of the current span, zero without one."""
    return trace.get_current_span().get_span_context().span_id


def without_us() -> int:
    """The id of the span that a thread started here is in by itself, zero without one."""
    return current() if THREADS_INHERIT else 0


def run_on(make: Callable[[Callable[[], None]], threading.Thread]) -> int:
    found: list[int] = []
    thread = make(lambda: found.append(current()))
    thread.start()
    thread.join()
    return found[0]


class OwnRun(threading.Thread):
    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__()
        self.function = function

    def run(self) -> None:
        self.function()


class OwnStart(OwnRun):
    def start(self) -> None:
        self.name = "started"
        super().start()


def with_own_attribute(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread()
    thread.run = function  # type: ignore[method-assign]
    return thread


@pytest.mark.parametrize(
    "make",
    [
        lambda function: threading.Thread(target=function),
        lambda function: threading.Timer(0, function),
        OwnRun,
        OwnStart,
        with_own_attribute,
    ],
    ids=["thread", "timer", "own run", "own start", "own attribute"],
)
def test_a_thread_runs_in_the_context_it_was_started_in(make: Any) -> None:
    with tracer.start_as_current_span("made"):
        thread = make(lambda: found.append(current()))
    found: list[int] = []
    with tracer.start_as_current_span("started"):
        span = current()
        thread.start()
    thread.join()
    assert found == [span]
    assert "run" not in vars(thread) or make is with_own_attribute
    assert run_on(make) == 0


def test_baggage_goes_along() -> None:
    token = context.attach(baggage.set_baggage("shop", "oxen"))
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(baggage.get_baggage("shop")))
    thread.start()
    thread.join()
    context.detach(token)
    assert found == ["oxen"]


def test_tasks_run_in_the_context_they_were_submitted_in() -> None:
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            with tracer.start_as_current_span("task"):
                assert pool.submit(current).result() == current()
                assert list(pool.map(lambda _: current(), range(3))) == [current()] * 3
        assert pool.submit(current).result() == 0


def test_pools_in_pools_keep_the_context() -> None:
    with ThreadPoolExecutor(2) as outer, ThreadPoolExecutor(2) as inner:
        with tracer.start_as_current_span("task"):
            task = outer.submit(lambda: inner.submit(lambda: run_on(OwnRun)).result())
            assert task.result() == current()


def test_a_worker_is_in_no_context_of_the_task_it_was_started_for() -> None:
    found: list[int] = []
    with tracer.start_as_current_span("first"):
        first = current()
        pool = ThreadPoolExecutor(1, initializer=lambda: found.append(current()))
        # A task that was not submitted our way runs as its worker is.
        task = pool.submit(current)
        plain = SUBMIT(pool, current)
        assert (task.result(), plain.result(), found) == (first, 0, [0])
        with ThreadPool(1) as other:
            assert other.apply(current) == 0
    pool.shutdown()


def test_asyncios_threads_keep_the_context() -> None:
    async def main() -> None:
        with tracer.start_as_current_span("main"):
            loop = asyncio.get_running_loop()
            with ThreadPoolExecutor(1) as pool:
                assert await loop.run_in_executor(pool, current) == current()
            assert await loop.run_in_executor(None, current) == current()
            assert await asyncio.to_thread(current) == current()

    asyncio.run(main())


def test_nothing_of_the_context_is_kept() -> None:
    pool = ThreadPoolExecutor(1)
    with tracer.start_as_current_span("span") as span:
        threads = [threading.Thread(target=int), OwnRun(lambda: None), threading.Timer(0, int)]
        for thread in threads:
            thread.start()
        result = pool.submit(int)
    for thread in threads:
        thread.join()
    result.result()
    kept = weakref.ref(span)
    del span
    if THREADS_INHERIT:
        # A thread keeps what it inherited for as long as there is the object.
        del thread, threads
    # The worker lets go of a task just after its result is there.
    end = time.monotonic() + 10
    while kept() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert kept() is None
    assert pool.submit(current).result() == 0
    pool.shutdown()


def test_a_thread_that_is_started_again_says_so_and_keeps_nothing() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    with tracer.start_as_current_span("span"), pytest.raises(RuntimeError) as error:
        thread.start()
    assert str(error.value) == "threads can only be started once"
    assert "run" not in vars(thread)


def test_a_thread_that_cannot_be_started_can_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(current()))

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("can't start new thread")

    for name in ("_start_new_thread", "_start_joinable_thread"):
        monkeypatch.setattr(threading, name, fail, raising=False)
    with tracer.start_as_current_span("span"), pytest.raises(RuntimeError):
        thread.start()
    assert "run" not in vars(thread)
    thread.run()
    assert found == [0]


def test_a_thread_that_was_not_initialized_says_so() -> None:
    class Forgetful(threading.Thread):
        def __init__(self) -> None:
            pass

    with tracer.start_as_current_span("span"), pytest.raises(RuntimeError, match="__init__"):
        Forgetful().start()


def test_wrong_calls_raise_as_without_us() -> None:
    with tracer.start_as_current_span("span"), ThreadPoolExecutor(1) as pool:
        with pytest.raises(TypeError, match=r"submit\(\) missing 1 required positional"):
            pool.submit()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="'int' object is not callable"):
            pool.submit(3).result()  # type: ignore[arg-type]
    with tracer.start_as_current_span("span"), pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(int)


def test_exceptions_arrive_as_they_were_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    error = KeyError("lost")

    def fail() -> None:
        raise error

    said: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    with tracer.start_as_current_span("span"), ThreadPoolExecutor(1) as pool:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        assert pool.submit(fail).exception() is error
    assert [(hook.exc_value, hook.thread) for hook in said] == [(error, thread)]
    assert traceback.extract_tb(error.__traceback__)[-1].name == "fail"


def test_a_thread_started_before_goes_on_as_it_was() -> None:
    ThreadingInstrumentor().uninstrument()
    go, found = threading.Event(), []
    thread = threading.Thread(target=lambda: (go.wait(), found.append(current())))
    with tracer.start_as_current_span("span"):
        thread.start()
        ThreadingInstrumentor().instrument()
        go.set()
        thread.join()
        assert found == [without_us()]


def test_uninstrumented_threads_begin_as_the_interpreter_has_it() -> None:
    pool = ThreadPoolExecutor(1)
    with tracer.start_as_current_span("span"):
        assert pool.submit(current).result() == current()
        ThreadingInstrumentor().uninstrument()
        assert pool.submit(current).result() == 0
        assert run_on(OwnRun) == without_us()
        ThreadingInstrumentor().instrument()
        assert run_on(OwnRun) == current()
    pool.shutdown()


def test_what_somebody_put_over_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = threading.Thread.start
    calls: list[threading.Thread] = []

    def start(self: threading.Thread) -> None:
        calls.append(self)
        ours(self)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        ThreadingInstrumentor().uninstrument()
        assert threading.Thread.start is start
        with tracer.start_as_current_span("span"):
            assert run_on(OwnRun) == without_us()
        ThreadingInstrumentor().instrument()
        with tracer.start_as_current_span("span"):
            assert run_on(OwnRun) == current()
        ThreadingInstrumentor().uninstrument()
    assert len(calls) == 2
    threading.Thread.start = START  # type: ignore[method-assign]


def test_it_is_found_by_its_official_names() -> None:
    (entry_point,) = entry_points(group="opentelemetry_instrumentor", name="threading")
    assert entry_point.load() is ThreadingInstrumentor
    assert ThreadingInstrumentor().instrumentation_dependencies() == _instruments == ()
    assert _supports_metrics is False
