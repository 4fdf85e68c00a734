"""Work that runs outside a request: enqueued in the transaction, run by the worker, safe to run twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import procrastinate
from procrastinate.contrib.django import app

Task = procrastinate.tasks.Task[..., Any, Any]
RETRY = procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4)


def job(*, queue: str = "default", retry: bool = True, lock: str | None = None) -> Callable[[Callable[..., Any]], Task]:
    """Declare a function as a job; `.defer(**plain values)` enqueues it with the current transaction."""

    def declare(function: Callable[..., Any]) -> Task:
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("zhike.")
        task: Task = app.task(name=name, queue=queue, retry=RETRY if retry else False, lock=lock)(function)
        return task

    return declare


def every(cron: str, *, queue: str = "default") -> Callable[[Callable[[], Any]], Task]:
    """Declare a job that runs by the clock (five cron fields, server time)."""

    def declare(function: Callable[[], Any]) -> Task:
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("zhike.")

        def run(timestamp: int) -> None:
            del timestamp
            function()

        task: Task = app.task(name=name, queue=queue, queueing_lock=name)(run)
        return app.periodic(cron=cron)(task)

    return declare
