"""A bulk change from order to end: at once when it is small, else a job that goes on after a crash, stops when told, and is undone."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from django.utils.http import urlencode

from zhike.kernel import history, holding
from zhike.kernel.acting import as_now, kept
from zhike.kernel.actor import Actor
from zhike.kernel.bulk.choosing import Chosen, hold_now, write_down
from zhike.kernel.bulk.engine import apply, require_verb
from zhike.kernel.bulk.tables import BUSY, WORKING, BulkRun, BulkState
from zhike.kernel.bulk.verbs import BulkVerb, Outcome, Part, verb_named
from zhike.kernel.errors import Refused
from zhike.kernel.followups import OnProgress, follow_up, settle
from zhike.kernel.jobs import every, job
from zhike.kernel.models import Change, Record
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.undo import DAYS, may_undo, undo_change

LOCK_SPACE = 0x7A6D
AT_ONCE = 500
CHUNK = 10_000
SKIPPED_KEPT = 100
SILENT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What became of an order: done at once as `change` with `count` records, or a `run` that works on so many."""

    count: int
    change: uuid.UUID | None = None
    run: BulkRun | None = None


def order(spec: ObjectSpec, chosen: Chosen, verb: str, values: Mapping[str, Any], *, by: Actor) -> Ordered:
    """Do something to the chosen records, or have the worker do it. Raises not_permitted, nothing_selected, and what the verb raises."""
    what = verb_named(verb)
    require_verb(what, Part(model=spec.model, table="", lo=0, hi=0, values=values, by=by))
    rows = chosen.rows(spec, by, what.needs(values))
    few = list(rows.order_by().values_list("pk", flat=True)[: AT_ONCE + 1])
    if not few:
        raise Refused("nothing_selected")
    if len(few) <= AT_ONCE:
        change, outcome = at_once(spec.model, few, what, values, by=by)
        return Ordered(count=outcome.counts["changed"], change=change)
    with transaction.atomic():
        run = BulkRun(
            label=spec.label, verb=verb, values=json.loads(DjangoJSONEncoder().encode(dict(values))), actor=kept(by), actor_id=by.user_id,
            actor_name=by.name[:150], filters="" if chosen.filters is None else urlencode(chosen.filters) or "-", heartbeat_at=timezone.now(),
        )  # fmt: skip
        run.total = write_down(rows, run.table)
        run.save(force_insert=True)
        work_on.defer(run_id=str(run.pk))
    return Ordered(count=run.total, run=run)


def at_once(
    model: type[Record], ids: Sequence[uuid.UUID], verb: BulkVerb, values: Mapping[str, Any], *, by: Actor
) -> tuple[uuid.UUID, Outcome]:
    """Do a verb to a few records in one transaction; the change that undo takes back, and what came of it."""
    with transaction.atomic():
        change = history.begin_change(by, verb=f"{verb.name}_many", label=model._meta.label_lower)
        outcome = apply(verb, Part(model=model, table=hold_now(ids), lo=0, hi=len(ids), values=values, by=by))
        settle(str(change.pk), model._meta.label_lower)
    return change.pk, outcome


def held(run: BulkRun) -> AbstractContextManager[bool]:
    """Hold a run against other processes; answers whether it could be had."""
    return holding.held(LOCK_SPACE, run.pk)


@job(queue="imports")
def work_on(run_id: str) -> None:
    """Do or go on with a bulk change."""
    run = BulkRun.objects.filter(pk=run_id).first()
    if run is not None and run.state in WORKING:
        work(run)


def work(run: BulkRun, chunk: int = CHUNK) -> BulkRun:
    """Do a bulk change, or go on where a crash left it. Raises Refused("work_busy") while another process works on it."""
    with held(run) as is_mine:
        if not is_mine:
            raise Refused("work_busy")
        run.refresh_from_db()
        if run.state not in WORKING:
            return run
        try:
            _rows(run, chunk)
            _finish(run)
        except Refused as no:
            _end(run, BulkState.FAILED, error_code=no.code)
    return run


def _rows(run: BulkRun, chunk: int) -> None:
    verb = verb_named(run.verb)
    for lo in range(run.done, run.total, chunk):
        run.refresh_from_db(fields=["is_stop_wanted"])
        if run.is_stop_wanted:
            return
        by = as_now(run.actor)
        hi = min(lo + chunk, run.total)
        part = Part(model=objects.get(run.label).model, table=run.table, lo=lo, hi=hi, values=run.values, by=by)
        with transaction.atomic():
            _continue(run, verb, by)
            _save(run, apply(verb, part), hi)


def _continue(run: BulkRun, verb: BulkVerb, by: Actor) -> None:
    """One change for all rows, begun in the transaction of the first, so that a crash cannot make two."""
    if run.change_id is None:
        run.change_id = history.begin_change(by, verb=f"{verb.name}_many", label=run.label).pk
    else:
        history.continue_change(run.change_id)


def _save(run: BulkRun, outcome: Outcome, done: int) -> None:
    for why, count in outcome.counts.items():
        run.counts[why] = run.counts.get(why, 0) + count
    run.skipped = [*run.skipped, *([pk, why] for pk, why in outcome.skipped)][:SKIPPED_KEPT]
    run.done, run.state, run.heartbeat_at = done, BulkState.RUNNING, timezone.now()
    run.save(update_fields=["change_id", "counts", "skipped", "done", "state", "heartbeat_at"])


def _finish(run: BulkRun) -> None:
    """What follows from the rows, then the end; safe to do again."""
    if run.change_id is not None:
        follow_up(str(run.change_id), run.table, _told_to(run), is_import=False)
    _end(run, BulkState.STOPPED if run.done < run.total else BulkState.DONE)


def _end(run: BulkRun, state: BulkState, error_code: str = "") -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        run.state, run.error_code, run.finished_at, run.progress = state, error_code, timezone.now(), {}
        run.save(update_fields=["state", "error_code", "finished_at", "progress"])
        cursor.execute(f'drop table if exists "{run.table}"')


def _told_to(run: BulkRun) -> OnProgress:
    def told(phase: str, done: int, total: int) -> None:
        BulkRun.objects.filter(pk=run.pk).update(progress={"phase": phase, "done": done, "total": total}, heartbeat_at=timezone.now())

    return told


def may_see(run: BulkRun, by: Actor) -> bool:
    """A run is seen by who ordered it and by those who look through the log of changes."""
    return (run.actor_id is not None and run.actor_id == by.user_id) or by.may("org.audit", "view")


def stop(run: BulkRun, *, by: Actor) -> None:
    """Let a run end after the part it works on; what is done stays. Raises not_permitted, work_over."""
    if run.actor_id != by.user_id and not by.may("org.settings", "change"):
        raise Refused("not_permitted", verb="stop")
    if not BulkRun.objects.filter(pk=run.pk, state__in=WORKING).update(is_stop_wanted=True):
        raise Refused("work_over")


def change_of(run: BulkRun) -> Change | None:
    """The change that its rows belong to; None before the first."""
    return Change.objects.filter(pk=run.change_id).first() if run.change_id else None


def undo_ends(run: BulkRun) -> dt.datetime | None:
    """Until when a run can be taken back; None when it cannot."""
    change = change_of(run)
    over = run.state in (BulkState.DONE, BulkState.STOPPED, BulkState.FAILED)
    return change.at + dt.timedelta(days=DAYS) if change and over and not change.undone_at else None


def begin_undo(run: BulkRun, *, by: Actor) -> None:
    """Have the worker take a run back. Raises not_permitted, undo_too_old, already_undone, work_not_over."""
    change = change_of(run)
    if change is None or run.state in BUSY:
        raise Refused("work_not_over")
    if change.undone_at:
        raise Refused("already_undone")
    if not may_undo(change, by):
        raise Refused("not_permitted", verb="undo")
    if change.at + dt.timedelta(days=DAYS) < timezone.now():
        raise Refused("undo_too_old", days=DAYS)
    with transaction.atomic():
        run.state, run.heartbeat_at, run.progress = BulkState.UNDOING, timezone.now(), {"phase": "undo", "done": 0, "total": run.changed}
        run.error_code = ""
        run.save(update_fields=["state", "heartbeat_at", "progress", "error_code"])
        undo_on.defer(run_id=str(run.pk), actor=kept(by))


@job(queue="imports")
def undo_on(run_id: str, actor: dict[str, Any]) -> None:
    """Take a run back, or go on where that was interrupted; a refusal is kept with the run."""
    run = BulkRun.objects.filter(pk=run_id, state=BulkState.UNDOING).first()
    if run is None or run.change_id is None:
        return
    try:
        report = undo_change(run.change_id, by=as_now(actor), on_progress=_told_to(run))
    except Refused as no:
        if no.code == "undo_busy":
            raise
        state = BulkState.UNDONE if no.code == "already_undone" else BulkState.DONE
        BulkRun.objects.filter(pk=run_id).update(state=state, error_code="" if state == BulkState.UNDONE else no.code)
        return
    BulkRun.objects.filter(pk=run_id).update(state=BulkState.UNDONE, report=report.plain(), progress={})


@every("* * * * *")
def resume_stalled() -> None:
    """Runs whose process died go on by themselves."""
    silent_since = timezone.now() - dt.timedelta(seconds=SILENT_SECONDS)
    for run in BulkRun.objects.filter(state__in=WORKING, heartbeat_at__lt=silent_since):
        with held(run) as is_free:
            stalled = is_free
        if stalled:
            work_on.defer(run_id=str(run.pk))
