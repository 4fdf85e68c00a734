"""Jobs of the kernel itself: stalled jobs, unheard events, next month's history, finished jobs."""

from __future__ import annotations

import datetime as dt

from asgiref.sync import async_to_sync
from procrastinate.contrib.django import app

from . import events, history, sharing
from .jobs import every
from .past import keeping

STALLED_AFTER = 30  # seconds without a heartbeat of the worker that took the job
KEEP_FINISHED_HOURS = 72


@every("* * * * *")
def rescue_stalled_jobs() -> None:
    """A job of a killed worker stays "doing" for ever; give it to another."""
    for stalled in async_to_sync(app.job_manager.get_stalled_jobs)(seconds_since_heartbeat=STALLED_AFTER):
        async_to_sync(app.job_manager.retry_job)(stalled)


@every("* * * * *")
def tell_waiting_events() -> None:
    events.tell_waiting()


@every("7 3 * * *")
def prepare_history_months() -> None:
    history.ensure_partitions(dt.datetime.now(tz=dt.UTC).date())


@every("37 3 * * *")
def drop_old_history() -> None:
    """What the company does not keep any longer goes by whole months."""
    keeping.drop_old(dt.datetime.now(tz=dt.UTC).date())


@every("27 3 * * *")
def forget_ended_shares() -> None:
    sharing.forget_ended(dt.datetime.now(tz=dt.UTC))


@every("17 3 * * *")
def forget_finished_jobs() -> None:
    async_to_sync(app.job_manager.delete_old_jobs)(nb_hours=KEEP_FINISHED_HOURS, include_failed=False)
