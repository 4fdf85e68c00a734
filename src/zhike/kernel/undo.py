"""Taking a change back from the history alone: whatever wrote the rows, their old values are there.

A work table names every record of the change with its state before. It is gone through in three steps: deleted rows
come back (parents first), changed values go back, new rows are removed (children first). Each chunk is one
transaction together with its progress, so an undo killed half-way goes on where it was. What a later change touched
stays as it is and is told.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from . import history, locks, undo_steps
from .actor import Actor, Scope
from .errors import Refused
from .followups import follow_up
from .models import Change, HistoryEntry
from .policy import policy_of
from .search.many import drop_gone, refresh_selected
from .undo_steps import STEPS, Kept, Work
from .veil import CUSTOM

DAYS = 30
CHUNK = 20_000
_LOCK_SPACE = 0x7A6C
OnProgress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class UndoReport:
    """What an undo did: records whose values went back, removed, brought back, and those it had to keep (the first 100)."""

    change_id: str = ""
    restored: int = 0
    removed: int = 0
    brought_back: int = 0
    kept_count: int = 0
    kept: list[dict[str, str]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def _silent(_phase: str, _done: int, _total: int) -> None:
    return


def undo_change(change_id: uuid.UUID, *, by: Actor, chunk: int = CHUNK, on_progress: OnProgress = _silent) -> UndoReport:
    """Take a change back, or go on with an undo that was interrupted.

    Raises Refused: gone, not_permitted, undo_too_old (30 days), already_undone, undo_busy.
    """
    number = int.from_bytes(change_id.bytes[-4:], "big", signed=True)
    with locks.held(_LOCK_SPACE, number) as is_mine:
        if not is_mine:
            raise Refused("undo_busy")
        return _undo(change_id, by, chunk, on_progress)


def may_undo(change: Change, by: Actor) -> bool:
    """Whoever made the change, or who may change all such records or the company's settings."""
    if by.kind == "system" or (change.actor_id is not None and change.actor_id == by.user_id):
        return True
    return by.scope("org.settings", "change") is not None or by.scope(_grants_of(change.label), "change") is Scope.ALL


def _grants_of(label: str) -> str:
    """The label whose grants decide about changes of an object type: that of its policy, where it has one."""
    try:
        return policy_of(apps.get_model(label)).label
    except (LookupError, ValueError):
        return label


def _undo(change_id: uuid.UUID, by: Actor, chunk: int, on_progress: OnProgress) -> UndoReport:
    change = Change.objects.filter(pk=change_id).first()
    if change is None:
        raise Refused("gone", label="kernel.change")
    if not may_undo(change, by):
        raise Refused("not_permitted", verb="undo")
    if change.undone_at:
        raise Refused("already_undone")
    _require_open_fields(change, by)
    if guard := _guards.get(change.label):
        guard(change, by)
    if not change.undo_progress and change.at < timezone.now() - dt.timedelta(days=DAYS):
        raise Refused("undo_too_old", days=DAYS)
    progress: dict[str, Any] = change.undo_progress or _begin(change, by)
    table = f"zhike_undo_{change.pk.hex}"
    undo_id = str(progress["change"])
    total = undo_steps.collect(table, change_id)
    quiet = undo_steps.quiet_changes(change, undo_id)
    report = UndoReport(**progress["report"])
    for lo in range(int(progress["done"]), total, chunk):
        hi = min(lo + chunk, total)
        _chunk(change, report, Work(table=table, undo_id=undo_id, quiet=quiet, lo=lo, hi=hi))
        on_progress("undo", hi, total)
    follow_up(undo_id, table, on_progress, is_import=False)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'drop table if exists "{table}"')
        Change.objects.filter(pk=change_id).update(undone_at=timezone.now())
    return report


Guard = Callable[[Change, Actor], None]
_guards: dict[str, Guard] = {}


def guard_undo(label: str, guard: Guard) -> None:
    """Have a check of one's own asked before a change of this label is taken back; it raises Refused."""
    _guards[label] = guard


def _require_open_fields(change: Change, by: Actor) -> None:
    """Refused("field_not_permitted") when values would go back that the actor may not write."""
    for label in by.field_rules:
        model = apps.get_model(label)
        names = [f.column for f in model._meta.concrete_fields if by.rule(label, f.name)]
        names += ["custom"] if any(name.startswith(CUSTOM) for name in by.rules(label)) else []
        entries = HistoryEntry.objects.filter(change=change, kind=history.kind_of(model), op="U", old__has_any_keys=names)
        if names and entries.exists():
            raise Refused("field_not_permitted", field=names[0] if len(names) == 1 else label, label=label)


def _begin(change: Change, by: Actor) -> dict[str, Any]:
    with transaction.atomic():
        undo = history.begin_change(by, verb="undo", label=change.label, object_id=change.object_id, undoes=change.pk)
        report = UndoReport(change_id=str(undo.pk))
        change.undo_progress = {"change": str(undo.pk), "done": 0, "report": report.plain()}
        change.save(update_fields=["undo_progress"])
    return {"change": report.change_id, "done": 0, "report": report.plain()}


def _chunk(change: Change, report: UndoReport, work: Work) -> None:
    """One range in one transaction; a range that breaks a constraint is halved until the record at fault is kept."""
    before = report.plain()
    try:
        with transaction.atomic():
            history.continue_change(uuid.UUID(work.undo_id))
            _steps(report, work)
            with connection.cursor() as cursor:
                cursor.execute("set constraints all immediate")
            _save(change, report, work.hi)
    except DatabaseError as error:
        state = getattr(error.__cause__, "sqlstate", None) or ""
        if state[:2] != "23":
            raise
        for name, value in before.items():
            setattr(report, name, value)
        if work.hi - work.lo > 1:
            middle = (work.lo + work.hi) // 2
            _chunk(change, report, work.part(work.lo, middle))
            _chunk(change, report, work.part(middle, work.hi))
            return
        _keep(report, [undo_steps.first_of(work, "taken")])
        _save(change, report, work.hi)


def _steps(report: UndoReport, work: Work) -> None:
    for model, step in undo_steps.groups(work):
        done, kept = STEPS[step](work, model)
        name = {"back": "brought_back", "values": "restored", "remove": "removed"}[step]
        setattr(report, name, getattr(report, name) + done)
        _keep(report, kept)
        drop_gone(model, undo_steps.ids_sql(work, model))
        refresh_selected(model, undo_steps.ids_sql(work, model))


def _keep(report: UndoReport, kept: list[Kept]) -> None:
    report.kept_count += len(kept)
    report.kept += [asdict(one) for one in kept[: max(0, 100 - len(report.kept))]]


def _save(change: Change, report: UndoReport, done: int) -> None:
    progress = {"change": report.change_id, "done": done, "report": report.plain()}
    Change.objects.filter(pk=change.pk).update(undo_progress=progress)
