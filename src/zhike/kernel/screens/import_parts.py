"""What import pages show: a run in the list, its columns to match, its progress, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..actor import Actor
from ..imports import checking
from ..imports.own import find_target
from ..imports.plans import Options, Plan, actor_from, may_fill, may_import, target_named
from ..imports.tables import ImportRun, State
from ..imports.targets import ImportTarget, all_targets
from ..imports.words import reason
from ..registry import objects
from . import import_words as words
from .pick_person import PersonWidget
from .web import actor_in

SURE = 0.8
BAD_ROWS_SHOWN = 10
CELLS_SHOWN = 8
Part = Callable[[HttpRequest, ImportRun], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A run as the list of runs shows it."""

    run: ImportRun
    target: str
    state: str
    tone: str
    counts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRow:
    """A column of the file and where it goes: `doubt` says what an unsure guess rests on ("name", "content")."""

    index: int
    name: str
    examples: str
    chosen: str
    guessed: str
    doubt: str
    is_double: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A refused row: its number, what is wrong, and cells as (column, text, is the one at fault)."""

    number: int
    reasons: list[tuple[str, str]]
    cells: list[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What happens to the records of one entity."""

    title: str
    url: str
    new: int
    changed: int
    same: int
    refused: int


def targets_for(actor: Actor) -> list[ImportTarget]:
    """What somebody may bring in, in the order it is offered."""
    return [target for target in all_targets() if may_import(target, actor)]


def line_of(run: ImportRun) -> Line:
    """A run for the list of runs."""
    target = find_target(run.target)
    label, tone = words.STATES[State(run.state)]
    state = str(label)
    if checking.is_busy(run) and run.state in (State.NEW, State.CHECKED):
        state, tone = _("排队"), "due"
    return Line(run=run, target=str(target.title) if target else run.target, state=state, tone=tone, counts=_short_counts(run))


def _short_counts(run: ImportRun) -> str:
    if run.state not in (State.DONE, State.CHECKED, State.REFUSED):
        return ""
    by_entity: list[dict[str, int]] = [one for one in run.counts.values() if isinstance(one, dict) and "records" in one]
    parts = [
        (_("新增"), sum(one.get("inserted", one.get("to_insert", 0)) for one in by_entity)),
        (_("更新"), sum(one.get("updated", one.get("to_update", 0)) for one in by_entity)),
        (_("没收"), int(run.counts.get("refused", 0))),
    ]
    return _("，").join(f"{label} {count:,}" for label, count in parts if count) or _("没有变化")


def step_of(run: ImportRun, *, wants_mapping: bool) -> str:
    """Which face of a run is shown: map, busy, checked, done, refused, undone or failed."""
    if checking.is_busy(run) and not wants_mapping:
        return "busy"
    if wants_mapping or run.state in (State.NEW, State.FAILED):
        can_map = run.change_id is None and find_target(run.target) and run.report.get("seen")
        return "map" if can_map else "failed"
    return str(run.state)


def _map_part(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    target, options, seen = target_named(run.target), Options.of(run.options), checking.Seen.of(run)
    guesses = {column: (field, confidence, why) for column, field, confidence, why in seen.guesses}
    earlier = (
        ImportRun.objects.filter(sha256=run.sha256, target=run.target, state=State.DONE).exclude(pk=run.pk).order_by("-created_at").first()
    )
    actor = actor_in(request)
    may_give = checking.may_set_owner(target, actor)
    return {
        "rows": [_column_row(run, index, seen, guesses.get(name)) for index, name in enumerate(seen.columns)],
        "groups": [
            (words.entity_title(entity), [(f"{entity.name}.{one.name}", words.field_title(target, f"{entity.name}.{one.name}")) for one in entity.fields if may_fill(entity, one, actor)])
            for entity in target.entities
        ],
        "options": options, "warnings": list(words.warning_words(seen.warnings)), "earlier": earlier if earlier and checking.may_see(earlier, actor) else None,
        "modes": words.MODES, "partial": words.PARTIAL, "keys": words.keys_to_choose(target), "may_give": may_give,
        "owner": PersonWidget(nobody="", form="map").render("owner", options.owner_id, {"id": "owner"}) if may_give else "",
        "targets": targets_for(actor), "encodings": words.ENCODINGS, "delimiters": [(key, name, sign) for key, (sign, name) in words.DELIMITERS.items()],
        "preview": [list(row) for row in seen.sample[:5]], "likelier": find_target(seen.likelier) if seen.likelier else None,
    }  # fmt: skip


def _column_row(run: ImportRun, index: int, seen: checking.Seen, guess: tuple[str, float, str] | None) -> ColumnRow:
    name = seen.columns[index]
    chosen = run.mapping.get(name, "")
    is_double = bool(chosen) and list(run.mapping.values()).count(chosen) > 1
    cells = dict.fromkeys(row[index] for row in seen.sample if index < len(row) and row[index])
    field, confidence, why = guess or ("", 1.0, "")
    doubt = "content" if why == "content" else "name" if field and confidence < SURE else ""
    return ColumnRow(
        index=index, name=name, examples=_("，").join(list(cells)[:3]), chosen=chosen, guessed=field, doubt=doubt, is_double=is_double
    )


def _busy_part(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    done, total = int(run.progress.get("done", 0)), int(run.progress.get("total", 0))
    phase = words.phase_words(run, find_target(run.target))
    return {
        "phase": phase, "done": done, "total": total, "percent": min(100, done * 100 // total) if total else None,
        "is_stalled": checking.is_stalled(run), "is_waiting": phase == str(words.PHASES["wait"]),
        "doing": words.STATES[State.APPLYING if run.state == State.CHECKED else State(run.state)][0],
    }  # fmt: skip


def _report_part(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    actor = actor_in(request)
    codes: Mapping[str, int] = run.counts.get("codes", {})
    counted = _counted(run)
    return {
        "read": int(run.counts.get("read", 0)), "good": int(run.counts.get("read", 0)) - int(run.counts.get("refused", 0)),
        "refused": int(run.counts.get("refused", 0)), "counted": counted, "is_same": bool(counted) and not any(one.new or one.changed for one in counted),
        "reasons": [(reason(code, {}), count) for code, count in sorted(codes.items(), key=lambda item: -item[1])],
        "bad_rows": [_bad_row(run, row) for row in run.report.get("first", [])[:BAD_ROWS_SHOWN]],
        "warnings": list(words.warning_words(run.report.get("warnings", []), run.report.get("merged", 0))),
        "may_undo": checking.may_take_back(run, actor), "undo_ends": checking.undo_ends(run), "undo": run.report.get("undo", {}),
        "has_file": bool(run.refused_path), "options": Options.of(run.options), "keys_used": _keys_used(run),
        "will_stop": run.options.get("on_refused") == "nothing" and bool(run.counts.get("refused")),
    }  # fmt: skip


def _counted(run: ImportRun) -> list[Counted]:
    target = find_target(run.target)
    found = []
    for entity in target.entities if target else ():
        counts: dict[str, int] = run.counts.get(entity.name, {})
        if not counts:
            continue
        label = entity.model._meta.label_lower
        slug = objects.get(label).slug if objects.has(label) else ""
        batch = objects.has(label) and objects.get(label).filter("batch") is not None
        found.append(Counted(
            title=words.entity_title(entity), url=f"/{slug}/?batch.is={run.pk}" if batch else f"/{slug}/" if slug else "",
            new=counts.get("inserted", counts.get("to_insert", 0)), changed=counts.get("updated", counts.get("to_update", 0)),
            same=counts.get("unchanged", 0), refused=counts.get("refused", 0),
        ))  # fmt: skip
    return found


def _keys_used(run: ImportRun) -> list[tuple[str, str]]:
    target = find_target(run.target)
    if target is None or run.state not in (State.CHECKED, State.DONE):
        return []
    plan = Plan(run_id=str(run.pk), target=target, mapping=run.mapping, options=Options.of(run.options), actor=actor_from(run.actor))
    return [(words.entity_title(entity), words.keys_in_use(plan, entity)) for entity in plan.entities if len(entity.keys) > 1]


def _bad_row(run: ImportRun, row: Mapping[str, Any]) -> BadRow:
    columns = checking.Seen.of(run).columns
    wrong = {problem["column"]: reason(problem["code"], {}) for problem in row["problems"]}
    order = [name for name in wrong if name] + [name for name in columns if name in run.mapping and name not in wrong]
    cells = dict(zip(columns, row["cells"], strict=False))
    # A row whose cells could not be told apart has all its text in the first one.
    shown = [(name, str(cells.get(name) or ""), name in wrong) for name in (order if any(wrong) else columns[:1] or order)][:CELLS_SHOWN]
    return BadRow(number=row["row"], reasons=list(wrong.items()), cells=shown)


PARTS: dict[str, Part] = {"map": _map_part, "busy": _busy_part} | dict.fromkeys(
    ("checked", "done", "refused", "undone", "failed"), _report_part
)
