"""An import from start to end: taken in, looked at, checked, applied, taken up again after a crash, undone."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from zhike.kernel import history, holding
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, room_on_disk
from zhike.kernel.events import Event, publish
from zhike.kernel.followups import OnProgress
from zhike.kernel.imports import reporting, staging
from zhike.kernel.imports.applying import Applying, apply
from zhike.kernel.imports.building import build
from zhike.kernel.imports.guessing import Guess
from zhike.kernel.imports.plans import Options, Plan, actor_plain, check_plan, guess, likelier, plan_of, target_named
from zhike.kernel.imports.reading import Told, open_source
from zhike.kernel.imports.tables import FINISHED, ImportRun, State
from zhike.kernel.jobs import every, job
from zhike.kernel.places import folder_here
from zhike.kernel.policy import policy_of
from zhike.kernel.undo import UndoReport, undo_change

LOCK_SPACE = 0x7A6B
SILENT_SECONDS = 30
LOOKED_AT_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished(Event):
    """An import has written its rows; listeners of single records are not called for them."""

    name: ClassVar[str] = "kernel.import_finished"

    run_id: str
    target: str
    change_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a file looks like: columns, first rows, guessed fields, warnings, and the target it fits better than the one asked for."""

    columns: tuple[str, ...]
    kind: str
    encoding: str
    delimiter: str
    sheets: tuple[str, ...]
    rows: int
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...]
    sample: tuple[tuple[str | None, ...], ...]
    likelier: str = ""

    @property
    def mapping(self) -> dict[str, str]:
        return {one.column: one.field for one in self.guesses}


def silent(_phase: str, _done: int, _total: int) -> None:
    """Progress that nobody follows."""


def store() -> Path:
    """The folder of the company's imported files."""
    folder = folder_here(Path(settings.ZHIKE_IMPORTS))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def take_in(path: Path) -> tuple[Path, str]:
    """Keep a file under the hash of its contents; answers where, and the SHA-256. Refused("file_unreadable"), ("disk_full")."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Refused("file_unreadable", why=error.strerror or "missing") from error
    kept = store() / digest[:2] / f"{digest}{''.join(path.suffixes[-2:])[-20:]}"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        partial = kept.with_name(f"{kept.name}.{uuid.uuid4().hex}.part")
        try:
            with room_on_disk():
                shutil.copyfile(path, partial)
                partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)
    return kept, digest


def propose(path: Path, target: str, options: Options | None = None, *, by: Actor | None = None) -> Proposal:
    """Look at a file and guess what its columns are; raises what `open_source` raises and `target_unknown`."""
    chosen = options or Options()
    told = Told(sheet=chosen.sheet, encoding=chosen.encoding, delimiter=chosen.delimiter)
    with open_source(path, sheet=chosen.sheet, told=told) as source:
        sample, wanted = source.sample(8), target_named(target)
        guesses = guess(wanted, source, by)
        return Proposal(
            columns=source.columns, kind=str(source.kind), encoding=source.encoding, delimiter=source.delimiter,
            sheets=source.sheets, rows=source.row_estimate, guesses=guesses,
            warnings=source.warnings, sample=tuple(sample.rows()[:8]), likelier=likelier(wanted, source, guesses, by) if by else "",
        )  # fmt: skip


def new_run(path: Path, *, target: str, mapping: Mapping[str, str], by: Actor, options: Options | None = None, name: str = "") -> ImportRun:
    """Take a file in and note what is wanted; raises what `check_plan` raises, and `not_permitted`."""
    wanted = options or Options()
    found = target_named(target)
    policy_of(found.entity(found.main).model).require_any(by, "import")
    wanted = _with_owner(wanted, by)
    plan = Plan(run_id=str(uuid.uuid4()), target=found, mapping=mapping, options=wanted, actor=by)
    check_plan(plan)
    kept, digest = take_in(path)
    return ImportRun.objects.create(
        file_name=(name or path.name)[:255], path=str(kept.relative_to(store())), sha256=digest, target=target, mapping=dict(mapping),
        options=wanted.plain(), actor=actor_plain(by), actor_id=by.user_id, actor_name=by.name[:150],
    )  # fmt: skip


def _with_owner(options: Options, by: Actor) -> Options:
    """New records belong to whoever brings them in, unless somebody else was named."""
    if options.owner_id is not None or by.kind != "person":
        return options
    return Options.of(options.plain() | {"owner_id": by.user_id, "team_id": options.team_id or by.home_team})


def unfinished(sha256: str, target: str, mapping: Mapping[str, str], options: Options) -> ImportRun | None:
    """A run of the same file with the same wishes that a crash left half done."""
    runs = ImportRun.objects.filter(sha256=sha256, target=target, is_wanted=True).exclude(state__in=FINISHED).order_by("-created_at")
    return next((run for run in runs if run.mapping == dict(mapping) and Options.of(run.options) == options), None)


def held(run: ImportRun) -> AbstractContextManager[bool]:
    """Hold a run against other processes; answers whether it could be had."""
    return holding.held(LOCK_SPACE, run.pk)


def check(run: ImportRun, on_progress: OnProgress = silent) -> ImportRun:
    """Dry run: counts of what would be inserted, updated, left and refused, and the first bad rows. Writes no record."""
    with held(run) as is_mine:
        if not is_mine:
            raise Refused("import_busy")
        run.refresh_from_db()
        if run.state not in (State.NEW, State.CHECKED, State.CHECKING, State.FAILED):
            raise Refused("import_started")
        _guarded(run, State.CHECKED, lambda: _check(run, on_progress))
    return run


def _check(run: ImportRun, on_progress: OnProgress) -> None:
    plan = plan_of(run)
    _state(run, State.CHECKING)
    _stage(run, plan, on_progress)
    on_progress("compare", 0, 1)
    built = build(plan)
    reporting.report(run, plan, built)
    reporting.write_refused(run, plan, store() / run.path, store())


def start(run: ImportRun) -> None:
    """Have the worker do the import; safe to ask twice."""
    with transaction.atomic():
        run.is_wanted = True
        run.save(update_fields=["is_wanted"])
        work_on.defer(run_id=str(run.pk))


@job(queue="imports")
def work_on(run_id: str) -> None:
    """Do or go on with an import that was asked for."""
    run = ImportRun.objects.filter(pk=run_id).first()
    if run is not None and run.is_wanted and run.state not in FINISHED:
        work(run)


def work(run: ImportRun, on_progress: OnProgress = silent) -> ImportRun:
    """Do an import, or go on where a crash left it. Raises Refused("import_busy") while another process works on it."""
    with held(run) as is_mine:
        if not is_mine:
            raise Refused("import_busy")
        run.refresh_from_db()
        if run.state in FINISHED:
            return run
        _guarded(run, State.DONE, lambda: _work(run, on_progress))
    return run


def _work(run: ImportRun, on_progress: OnProgress) -> None:
    plan = plan_of(run)
    run.is_wanted = True
    run.save(update_fields=["is_wanted"])
    if not staging.is_staged(plan, int(run.counts.get("good", -1))):
        _state(run, State.STAGING if run.change_id is None else State.APPLYING)
        _stage(run, plan, on_progress)
    on_progress("compare", 0, 1)
    built = build(plan)
    if run.change_id is None:
        reporting.report(run, plan, built)
        if plan.options.on_refused == "nothing" and run.counts.get("refused"):
            _end(run, plan, State.REFUSED)
            return
        _begin(run, plan)
    change_id = run.change_id
    assert change_id is not None
    apply(Applying(run=run, plan=plan, change_id=str(change_id), on_progress=on_progress))
    if plan.options.on_refused == "nothing" and run.refusals.filter(while_applying=True).exists():
        undo_change(change_id, by=plan.actor)
        _end(run, plan, State.REFUSED)
        return
    with transaction.atomic():
        reporting.settle(run, plan)
        publish(ImportFinished(run_id=str(run.pk), target=run.target, change_id=str(run.change_id)))
        _end(run, plan, State.DONE)


def _begin(run: ImportRun, plan: Plan) -> None:
    """One change for all rows, noted in the transaction that makes it, so that a crash cannot make two."""
    with transaction.atomic():
        label = plan.target.entity(plan.target.main).model._meta.label_lower
        by = plan.actor.because(plan.actor.reason or run.file_name, source="import")
        run.change_id = history.begin_change(by, verb="import", label=label).pk
        run.state = State.APPLYING
        run.save(update_fields=["change_id", "state"])


def _end(run: ImportRun, plan: Plan, state: State) -> None:
    reporting.write_refused(run, plan, store() / run.path, store())
    staging.drop_tables(plan)
    run.state = state
    run.finished_at = timezone.now()
    run.save()


def _stage(run: ImportRun, plan: Plan, on_progress: OnProgress) -> None:
    def told(done: int, total: int) -> None:
        _beat(run, "read", done, total)
        on_progress("read", done, total)

    path = store() / run.path
    found = staging.stage(plan, path, reporting.parse_refusals(run, store()), reporting.words_for(plan.options.language), told)
    run.counts = {
        **run.counts,
        "read": found.read,
        "good": found.good,
        "refused_reading": found.refused,
        "codes_reading": dict(found.codes),
    }
    run.report = {**run.report, "first": found.first, "warnings": list(found.warnings)}
    run.save(update_fields=["counts", "report"])


def _beat(run: ImportRun, phase: str, done: int, total: int) -> None:
    run.progress = {**run.progress, "phase": phase, "done": done, "total": total}
    run.heartbeat_at = timezone.now()
    run.save(update_fields=["progress", "heartbeat_at"])


def _state(run: ImportRun, state: State) -> None:
    run.state = state
    run.heartbeat_at = timezone.now()
    run.error_code = ""
    run.save(update_fields=["state", "heartbeat_at", "error_code"])


def _guarded(run: ImportRun, good: State, body: Callable[[], None]) -> None:
    """Run a phase; a refusal of the whole file is noted on the run and raised."""
    try:
        # Once rows are being written the run stays as it is, and goes on when there is room again.
        with room_on_disk() if run.change_id is None else nullcontext():
            body()
        if good is State.CHECKED:
            _state(run, State.CHECKED)
    except Refused as no:
        ImportRun.objects.filter(pk=run.pk).update(
            state=State.FAILED, error_code=no.code, error_facts={k: str(v)[:300] for k, v in no.facts.items()}, finished_at=timezone.now()
        )
        staging.drop_tables_of(run.pk.hex)
        raise


@every("* * * * *")
def resume_stalled() -> None:
    """Imports whose process died go on by themselves."""
    silent_since = timezone.now() - dt.timedelta(seconds=SILENT_SECONDS)
    for run in ImportRun.objects.filter(is_wanted=True, heartbeat_at__lt=silent_since).exclude(state__in=FINISHED):
        with held(run) as is_free:
            stalled = is_free
        if stalled:
            work_on.defer(run_id=str(run.pk))


@every("27 3 * * *")
def forget_staged() -> None:
    """Staging tables of runs that are finished, gone, or were only looked at a week ago are dropped."""
    old = timezone.now() - dt.timedelta(days=LOOKED_AT_DAYS)
    needed = ImportRun.objects.exclude(state__in=FINISHED).exclude(state=State.CHECKED, created_at__lt=old)
    staging.drop_tables_but({pk.hex for pk in needed.values_list("pk", flat=True)})


def undo(run: ImportRun, by: Actor, on_progress: OnProgress = silent) -> UndoReport:
    """Take a whole import back, for 30 days. Raises Refused: import_not_done, and what `undo_change` raises."""
    if run.change_id is None or run.state not in (State.DONE, State.UNDOING):
        raise Refused("already_undone" if run.state == State.UNDONE else "import_not_done")
    ImportRun.objects.filter(pk=run.pk).update(state=State.UNDOING)
    try:
        report = undo_change(run.change_id, by=by, on_progress=on_progress)
    except Refused:
        ImportRun.objects.filter(pk=run.pk).update(state=State.DONE)
        raise
    ImportRun.objects.filter(pk=run.pk).update(state=State.UNDONE, report={**run.report, "undo": report.plain()})
    run.refresh_from_db()
    return report


def file_of(run: ImportRun) -> Path:
    """The imported file as it came."""
    return store() / run.path


def refused_file_of(run: ImportRun) -> Path | None:
    """The file of refused rows, if there are any."""
    return store() / run.refused_path if run.refused_path else None
