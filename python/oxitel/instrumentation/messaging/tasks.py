"""Tasks of asyncio, as those that work on what an asynchronous consumer has handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task


def running_task() -> Task[Any] | None:
    # Not above: switching an instrumentation on does not import asyncio.
    from asyncio import current_task

    return current_task()


def task_is_gone(task: Task[Any] | None) -> bool:
    return task is None or task.done()
