"""Procrastinate workers of all companies, side by side in one event loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.db import connections
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import procrastinate_app
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker

from zhike.kernel.jobs import TRACE
from zhike.kernel.tracing import new_id, traced
from zhike.server import measures
from zhike.server.companies import Company, list_companies, use_company

log = structlog.get_logger(__name__)
job_log = structlog.get_logger("zhike.job")

JOBS_AT_ONCE = 2
SECONDS_BETWEEN_LOOKS = 4.0
SECONDS_TO_FINISH = 5.0
_POOL: dict[str, Any] = {"min_size": 1, "max_size": 2, "num_workers": 1, "timeout": 15.0}


@dataclass(slots=True)
class Crew:
    """One procrastinate worker a company, all sharing a limit of jobs at once."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(JOBS_AT_ONCE))
    tasks: dict[Company, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Keep a worker running for each company until `stop` is set."""
        while not self.stop.is_set():
            await self._look()
            await _wait(self.stop, SECONDS_BETWEEN_LOOKS)
        for task in self.tasks.values():
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=SECONDS_TO_FINISH + 1)

    async def _look(self) -> None:
        try:
            companies = {company for company in await asyncio.to_thread(list_companies) if company.is_open}
        except Exception as error:
            log.warning("companies_not_read", error=type(error).__name__)
            return
        for company in [gone for gone in self.tasks if gone not in companies]:
            self.tasks.pop(company).cancel()
        for company in companies:
            task = self.tasks.get(company)
            if task is None or task.done():
                self.tasks[company] = asyncio.create_task(self._work(company), name=company.slug)

    async def _work(self, company: Company) -> None:
        """Run one company's worker; when it fails, the next look starts it again."""
        with use_company(company):
            # The connection this thread was left with may belong to a server that is gone.
            await sync_to_async(connections.close_all)()
            try:
                connector = PsycopgConnector(conninfo=company.conninfo(), **_POOL)
                app = _app_of(connector)
                async with app.open_async():
                    await app.run_worker_async(
                        name=f"zhike-{company.slug}",
                        concurrency=1,
                        install_signal_handlers=False,
                        shutdown_graceful_timeout=SECONDS_TO_FINISH,
                        task_middleware=[_for_company(company)],
                        worker_middleware=[self._one_of_few],
                    )
            except Exception as error:
                log.warning("worker_failed", company=company.slug, error=type(error).__name__)

    async def _one_of_few(self, call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        async with self.slots:
            return await call_next()


def _app_of(connector: PsycopgConnector) -> App:
    """The tasks of the installed apps on a connector of their own."""
    return procrastinate_app.current_app.with_connector(connector)


def _for_company(company: Company) -> Callable[[Callable[[], Any], JobContext, Worker], Any]:
    def run(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
        """Run a job in its company's database, say how it ended, and give the thread's connection back."""
        del worker
        number = new_id(str(context.job.task_kwargs.get(TRACE, "")))
        with use_company(company), traced(number):
            began, outcome = time.perf_counter(), "failed"
            try:
                answer = call_next()
                outcome = "done"
                return answer
            finally:
                _tell(context, outcome, time.perf_counter() - began)
                connections.close_all()

    return run


def _tell(context: JobContext, outcome: str, seconds: float) -> None:
    """One line and the figures of a job; its arguments are nobody's business."""
    task = context.job.task_name
    measures.jobs.labels(task, outcome).inc()
    measures.job_seconds.labels(task).observe(seconds)
    tell = job_log.info if outcome == "done" else job_log.warning
    tell(outcome, task=task, job=context.job.id, attempt=context.job.attempts, seconds=round(seconds, 3))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
