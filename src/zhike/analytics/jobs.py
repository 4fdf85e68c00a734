"""Bringing the lake up to date and scoring customers, by the clock and after imports."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued

from zhike.kernel.errors import Refused
from zhike.kernel.jobs import every, job

from .own import columns_here
from .place import kinds_here, lake_here, replica_uri_here, uri_here
from .run import REFUSED, Work

log = logging.getLogger("zhike.analytics")


def refresh_lake(*, full: bool = False) -> dict[str, Any]:
    """Export what changed, in a process of its own; Refused("lake_export_running"), ("analytics_failed")."""
    return _apart(_work("lake", full=full))


def refresh_value() -> dict[str, Any]:
    """Export what changed, score all customers and write it back; Refused as `refresh_lake`, and ("value_running")."""
    return _apart(_work("value"))


def refresh_all() -> dict[str, Any]:
    """Everything that is worked out from orders, for the company at hand."""
    return refresh_value()


def _work(what: Any, *, full: bool = False) -> Work:
    where = {"uri": uri_here(), "replica": replica_uri_here(), "lake": str(lake_here())}
    return Work(what=what, **where, kinds=asdict(kinds_here()), own=asdict(columns_here()), full=full)


def _apart(work: Work) -> dict[str, Any]:
    # Not by multiprocessing: a forked child would share the parent's connections, a spawned one would load all of it.
    done = subprocess.run(
        [sys.executable, "-m", "zhike.analytics.run"], input=json.dumps(asdict(work)), capture_output=True, text=True, check=False
    )
    if done.returncode == REFUSED:
        raise Refused(json.loads(done.stdout)["code"])
    if done.returncode:
        raise Refused("analytics_failed", detail=done.stderr.strip().rpartition("\n")[2])
    report: dict[str, Any] = json.loads(done.stdout)
    log.info("analytics_done", extra={"what": work.what, **report})
    return report


@job(lock="analytics")
def refresh_value_later() -> None:
    """After an import, or when somebody asks."""
    _unless_running(refresh_value)


@every("5 8-20 * * *")
def refresh_lake_hourly() -> None:
    """Figures of the day are an hour old at most."""
    _unless_running(refresh_lake)


@every("12 2 * * *")
def refresh_nightly() -> None:
    """Scores of the day before, when nobody works."""
    _unless_running(refresh_all)


def _unless_running(refresh: Any) -> None:
    try:
        refresh()
    except Refused as refusal:
        if refusal.code not in ("lake_export_running", "value_running"):
            raise


def ask_for_value() -> bool:
    """Enqueue the scoring unless it waits already; whether it was enqueued now."""
    try:
        with transaction.atomic():
            refresh_value_later.configure(queueing_lock="analytics.value", lock="analytics").defer()
    except AlreadyEnqueued:
        return False
    return True
