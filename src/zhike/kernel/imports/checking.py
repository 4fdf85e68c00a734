"""What a screen asks of a run before and after the engine works: taken in as a draft, corrected, tried, taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from zhike.kernel.actor import Actor, Scope
from zhike.kernel.errors import Refused
from zhike.kernel.followups import OnProgress
from zhike.kernel.imports import running, staging
from zhike.kernel.imports.plans import Options, Plan, actor_from, actor_plain, check_plan, target_named
from zhike.kernel.imports.tables import BUSY, FINISHED, ImportRun, State
from zhike.kernel.imports.targets import ImportTarget
from zhike.kernel.jobs import job
from zhike.kernel.models import Change
from zhike.kernel.policy import policy_of
from zhike.kernel.undo import DAYS, may_undo

STALLED_SECONDS = 60
SAMPLE_ROWS = 6
SAMPLE_CELL = 80
OPEN = (State.NEW, State.CHECKED, State.REFUSED, State.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How a file looked when it came, kept with its run so that no page has to read the file again."""

    columns: tuple[str, ...] = ()
    kind: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheets: tuple[str, ...] = ()
    rows: int = 0
    warnings: tuple[str, ...] = ()
    sample: tuple[tuple[str, ...], ...] = ()
    guesses: tuple[tuple[str, str, float, str], ...] = ()  # column, field, confidence 0 to 1, what told it
    likelier: str = ""  # another target that more of the columns fit

    @classmethod
    def of(cls, run: ImportRun) -> Seen:
        """The look kept with a run; an empty one for runs that did not come by a screen."""
        plain: dict[str, Any] = run.report.get("seen", {})
        found: dict[str, Any] = {
            name: tuple(tuple(one) if isinstance(one, list) else one for one in value) if isinstance(value, list) else value
            for name, value in plain.items()
        }
        return cls(**found)


def may_see(run: ImportRun, by: Actor) -> bool:
    """A run is seen by who made it and by those who look after the company's settings."""
    return (run.actor_id is not None and run.actor_id == by.user_id) or by.may("org.settings", "view")


def may_set_owner(target: ImportTarget, by: Actor) -> bool:
    """Whether new records may be given to somebody else; others keep what they bring in."""
    return by.scope(policy_of(target.entity(target.main).model).label, "create") is Scope.ALL


def is_busy(run: ImportRun) -> bool:
    """Whether the worker has it, or is about to."""
    return run.state in BUSY or (run.is_wanted and run.state not in FINISHED)


def is_stalled(run: ImportRun) -> bool:
    """Whether nobody has reported on a busy run for a minute."""
    return is_busy(run) and run.heartbeat_at is not None and run.heartbeat_at < timezone.now() - dt.timedelta(seconds=STALLED_SECONDS)


def is_open(run: ImportRun) -> bool:
    """Whether columns and options may still be changed: nothing was written, or all of it was taken back."""
    if run.state == State.FAILED:
        return run.change_id is None
    return (run.state in OPEN and not is_busy(run)) or (run.state == State.CHECKING and is_stalled(run))


def draft(path: Path, *, name: str, target: str, by: Actor, language: str) -> ImportRun:
    """Take a file in with what is guessed of it. Raises what `propose` raises, target_unknown and not_permitted."""
    found = target_named(target)
    policy_of(found.entity(found.main).model).require_any(by, "import")
    options = Options(owner_id=by.user_id, team_id=by.home_team, language=language)
    proposal = running.propose(path, target, options, by=by)
    kept, digest = running.take_in(path)
    return ImportRun.objects.create(
        file_name=name[:255], path=str(kept.relative_to(running.store())), sha256=digest, target=target, mapping=proposal.mapping,
        options=options.plain(), report={"seen": _seen(proposal)}, actor=actor_plain(by), actor_id=by.user_id, actor_name=by.name[:150],
    )  # fmt: skip


def _seen(proposal: running.Proposal) -> dict[str, Any]:
    return asdict(Seen(
        columns=proposal.columns, kind=proposal.kind, encoding=proposal.encoding, delimiter=proposal.delimiter, sheets=proposal.sheets,
        rows=proposal.rows, warnings=proposal.warnings,
        sample=tuple(tuple((cell or "")[:SAMPLE_CELL] for cell in row) for row in proposal.sample[:SAMPLE_ROWS]),
        guesses=tuple((one.column, one.field, one.confidence, one.reason) for one in proposal.guesses),
        likelier=proposal.likelier,
    ))  # fmt: skip


def reread(run: ImportRun, *, target: str, told: Mapping[str, str | None], by: Actor) -> None:
    """Look at the file again as something else, or with another sheet, encoding or delimiter; guesses are made anew.

    Raises what `propose` raises, not_permitted and import_started.
    """
    _require_open(run)
    found = target_named(target)
    policy_of(found.entity(found.main).model).require_any(by, "import")
    options = replace(Options.of(run.options), keys=(), sheet=told["sheet"], encoding=told["encoding"], delimiter=told["delimiter"])
    proposal = running.propose(running.file_of(run), target, options, by=by)
    run.target, run.report = target, {"seen": _seen(proposal)}
    _renew(run, proposal.mapping, options)


def revise(run: ImportRun, *, mapping: Mapping[str, str], options: Options, by: Actor) -> None:
    """Keep corrected columns and options; what an earlier try found is forgotten. Raises what `check_plan` raises, import_started."""
    _require_open(run)
    check_plan(Plan(run_id=str(run.pk), target=target_named(run.target), mapping=mapping, options=options, actor=by))
    run.actor = actor_plain(by)
    _renew(run, mapping, options)


def _require_open(run: ImportRun) -> None:
    if not is_open(run):
        raise Refused("import_started")


def _renew(run: ImportRun, mapping: Mapping[str, str], options: Options) -> None:
    run.mapping, run.options = dict(mapping), options.plain()
    run.report = {"seen": run.report.get("seen", {})}
    run.state, run.is_wanted, run.change_id, run.finished_at = State.NEW, False, None, None
    run.counts, run.progress, run.refused_path, run.error_code, run.error_facts = {}, {}, "", "", {}
    with transaction.atomic():
        run.refusals.all().delete()
        run.save()


def home_team(user_id: int | None) -> int | None:
    """The team that new records of a person go to."""
    if user_id is None:
        return None
    found = get_user_model()._default_manager.filter(pk=user_id, memberships__is_home=True).values_list("memberships__team_id", flat=True)
    return found.first()


def begin_check(run: ImportRun) -> None:
    """Have the worker try the import without writing a record."""
    with transaction.atomic():
        run.state, run.heartbeat_at, run.progress = State.CHECKING, timezone.now(), {"phase": "wait", "done": 0, "total": 0}
        run.save(update_fields=["state", "heartbeat_at", "progress"])
        check_on.defer(run_id=str(run.pk))


@job(queue="imports", retry=False)
def check_on(run_id: str) -> None:
    """Try an import; what refuses the whole file is kept with the run."""
    run = ImportRun.objects.filter(pk=run_id, state=State.CHECKING).first()
    if run is None:
        return
    try:
        running.check(run, _told_to(run))
    except Refused:
        return
    except Exception:
        ImportRun.objects.filter(pk=run_id, state=State.CHECKING).update(state=State.FAILED, error_code="import_broke")
        raise


def _told_to(run: ImportRun) -> OnProgress:
    def told(phase: str, done: int, total: int) -> None:
        progress = {"phase": phase, "done": done, "total": total}
        ImportRun.objects.filter(pk=run.pk).update(progress=progress, heartbeat_at=timezone.now())

    return told


def undo_ends(run: ImportRun) -> dt.datetime | None:
    """Until when the import can be taken back; None when it cannot."""
    change = Change.objects.filter(pk=run.change_id).first() if run.change_id else None
    return change.at + dt.timedelta(days=DAYS) if change and not change.undone_at else None


def may_take_back(run: ImportRun, by: Actor) -> bool:
    """Whether this person may undo the import now."""
    change = Change.objects.filter(pk=run.change_id).first() if run.change_id else None
    return change is not None and run.state == State.DONE and may_undo(change, by) and (undo_ends(run) or timezone.now()) > timezone.now()


def begin_undo(run: ImportRun, by: Actor) -> None:
    """Have the worker take the whole import back; safe to ask again when it stalled. Raises not_permitted, undo_too_old, import_not_done."""
    change = Change.objects.filter(pk=run.change_id).first() if run.change_id else None
    if change is None or not (run.state == State.DONE or (run.state == State.UNDOING and is_stalled(run))):
        raise Refused("already_undone" if run.state == State.UNDONE else "import_not_done")
    if not may_undo(change, by):
        raise Refused("not_permitted", verb="undo")
    if not change.undo_progress and change.at + dt.timedelta(days=DAYS) < timezone.now():
        raise Refused("undo_too_old", days=DAYS)
    with transaction.atomic():
        run.state, run.heartbeat_at, run.progress = State.UNDOING, timezone.now(), {"phase": "undo", "done": 0, "total": 0}
        run.error_code, run.error_facts = "", {}
        run.save(update_fields=["state", "heartbeat_at", "progress", "error_code", "error_facts"])
        undo_on.defer(run_id=str(run.pk), actor=actor_plain(by))


@job(queue="imports")
def undo_on(run_id: str, actor: dict[str, Any]) -> None:
    """Take an import back, or go on where it was interrupted; a refusal is kept with the run."""
    run = ImportRun.objects.filter(pk=run_id, state=State.UNDOING).first()
    if run is None:
        return
    try:
        running.undo(run, actor_from(actor), _told_to(run))
    except Refused as no:
        if no.code == "undo_busy":
            raise
        facts = {name: str(value)[:300] for name, value in no.facts.items()}
        ImportRun.objects.filter(pk=run_id).update(error_code=no.code, error_facts=facts)


def discard(run: ImportRun) -> None:
    """Forget a run that wrote nothing, with all that was staged for it. Raises import_started."""
    if not is_open(run):
        raise Refused("import_started")
    with transaction.atomic():
        staging.drop_tables_of(run.pk.hex)
        run.delete()
