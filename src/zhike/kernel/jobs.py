"""Work that runs outside a request: enqueued in the transaction, run by the worker, safe to run twice.

A job carries the number of the request that asked for it, so that its log lines can be joined with that request's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import procrastinate
from procrastinate.contrib.django import app

from .tracing import new_id, request_id, traced

Task = procrastinate.tasks.Task[..., Any, Any]
RETRY = procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4)
TRACE = "trace"  # the argument that holds the number; no job may have one of that name for itself


def job(*, queue: str = "default", retry: bool = True, lock: str | None = None) -> Callable[[Callable[..., Any]], Task]:
    """Declare a function as a job; `.defer(**plain values)` enqueues it with the current transaction."""

    def declare(function: Callable[..., Any]) -> Task:
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("zhike.")

        @wraps(function)
        def run(**values: Any) -> Any:
            with traced(new_id(str(values.pop(TRACE, "")))):
                return function(**values)

        task: Task = app.task(name=name, queue=queue, retry=RETRY if retry else False, lock=lock)(run)
        task.configure = partial(_configure, task.configure)  # type: ignore[method-assign]
        return task

    return declare


def _configure(configure: Callable[..., Any], **options: Any) -> Any:
    """The task's own `configure`, with the number of the request at work among the arguments."""
    given = dict(options.pop("task_kwargs", None) or {})
    return configure(task_kwargs=given | ({TRACE: request_id()} if request_id() else {}), **options)


def every(cron: str, *, queue: str = "default") -> Callable[[Callable[[], Any]], Task]:
    """Declare a job that runs by the clock (five cron fields, server time)."""

    def declare(function: Callable[[], Any]) -> Task:
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("zhike.")

        def run(timestamp: int) -> None:
            del timestamp
            with traced(new_id()):
                function()

        task: Task = app.task(name=name, queue=queue, queueing_lock=name)(run)
        return app.periodic(cron=cron)(task)

    return declare
