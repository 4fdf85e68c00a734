"""The jobs of webhooks: deliver what waits, take up what a killed worker left, forget what is old."""

from __future__ import annotations

import uuid

from django.db import transaction
from procrastinate import exceptions

from ..jobs import every, job
from . import delivering


@job(retry=False)
def deliver(hook: str) -> None:
    """Send what waits for one address; what failed is taken up when its wait is over."""
    seconds = delivering.work(uuid.UUID(hook))
    if seconds is not None:
        later(hook, seconds)


def later(hook: str, seconds: int = 0) -> None:
    """Have an address worked on, at once or in some seconds; one job waiting for it is enough."""
    lock = f"hook:{hook}:{'now' if seconds == 0 else 'later'}"
    try:
        with transaction.atomic():
            deliver.configure(queueing_lock=lock, schedule_in={"seconds": seconds} if seconds else None).defer(hook=hook)
    except exceptions.AlreadyEnqueued:
        return


@every("* * * * *")
def deliver_what_is_due() -> None:
    """A wait that is over, or a job that died with its worker: nothing depends on one job alone."""
    for hook in delivering.due():
        later(str(hook))


@every("23 * * * *")
def forget_old_messages() -> None:
    delivering.forget()
