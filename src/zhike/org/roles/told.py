"""Roles in words: the grid of the editor, what differs between two states, and the history of a role."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.actor import Actor, Rule, Scope
from zhike.kernel.history import kind_of
from zhike.kernel.models import HistoryEntry
from zhike.kernel.registry import objects
from zhike.kernel.rights import SCOPES, VERBS, Right, right_of, rights, ruled_fields
from zhike.kernel.spec import ObjectSpec, Words
from zhike.kernel.undo import may_undo

from .asking import Step, steps_between
from .editing import Wish
from .sheets import grants_in, rules_in
from .tables import RoleSheet

RULES: dict[Rule, Words] = {
    Rule.READ_ONLY: gettext_lazy("只读"),
    Rule.MASKED: gettext_lazy("打码"),
    Rule.HIDDEN: gettext_lazy("隐藏"),
}
DEEDS: dict[str, Words] = {
    "make_role": gettext_lazy("建了角色"), "change_role": gettext_lazy("改了权限"), "delete_role": gettext_lazy("删了角色"),
    "undo": gettext_lazy("撤销"),
}  # fmt: skip
SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One verb of one right in the grid; without options the verb does not exist there."""

    name: str
    label: str
    verb: Words
    value: int
    options: tuple[tuple[int, Words], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """A right with a cell for each verb."""

    right: Right
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGroup:
    """The fields of an object type with the rule of each."""

    spec: ObjectSpec
    cells: tuple[Cell, ...]
    ruled: int


def grid(wish: Wish) -> list[tuple[Words, list[GridRow]]]:
    """The grants of a role, by group."""
    groups: dict[str, list[GridRow]] = {}
    for right in rights():
        cells = tuple(_cell(right, verb, wish) for verb in VERBS)
        groups.setdefault(str(right.group), []).append(GridRow(right=right, cells=cells))
    return list(groups.items())


def _cell(right: Right, verb: str, wish: Wish) -> Cell | None:
    if verb not in right.verbs:
        return None
    options = tuple((int(scope), SCOPES[scope] if len(right.scopes) > 1 else _("可以")) for scope in right.scopes)
    value = int(wish.grants.get((right.label, verb), 0))
    if value and value not in dict(options):  # wider than the type knows: all there is
        value = options[-1][0]
    name = f"g:{right.label}:{verb}"
    return Cell(name=name, label=f"{right.title} {VERBS[verb]}", verb=VERBS[verb], value=value, options=options)


def field_groups(wish: Wish, specs: Iterable[ObjectSpec]) -> list[FieldGroup]:
    """The field rules of a role, by object type."""
    found = []
    options = tuple((int(rule), words) for rule, words in RULES.items())
    for spec in specs:
        cells = tuple(
            Cell(
                name=f"f:{spec.label}:{one.name}",
                label=str(one.title),
                verb="",
                value=int(wish.rules.get((spec.label, one.name), 0)),
                options=options,
            )
            for one in ruled_fields(spec)
        )
        found.append(FieldGroup(spec=spec, cells=cells, ruled=sum(1 for cell in cells if cell.value)))
    return found


def wish_from(sent: Mapping[str, str], before: Wish) -> Wish:
    """What a form asks for; rights and fields that it does not show stay as they are."""
    grants, rules = dict(before.grants), dict(before.rules)
    for name, text in sent.items():
        kind, _colon, rest = name.partition(":")
        label, _colon, last = rest.partition(":")
        if kind not in ("g", "f") or not last or not text.isdigit():
            continue
        if kind == "g" and int(text) in (0, *map(int, Scope)):
            grants.pop((label, last), None)
            grants |= {(label, last): Scope(int(text))} if int(text) else {}
        elif kind == "f" and int(text) in (0, *map(int, Rule)):
            rules.pop((label, last), None)
            rules |= {(label, last): Rule(int(text))} if int(text) else {}
    return Wish(grants=grants, rules=rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWords:
    """A change of one right or rule as people read it."""

    what: str
    before: str
    after: str
    opens: bool


def step_words(step: Step) -> StepWords:
    """客户，删除: 本人 → 含下级."""
    title, name = _titles(step)
    scale: Mapping[int, Words] = {int(key): words for key, words in (RULES if step.is_field else SCOPES).items()}
    nothing = _("不限") if step.is_field else _("不可以")
    before, after = (str(scale.get(value, value)) if value else nothing for value in (step.before, step.after))
    return StepWords(what=_("%(object)s，%(name)s") % {"object": title, "name": name}, before=before, after=after, opens=step.opens)


def _titles(step: Step) -> tuple[Words, Words]:
    if not step.is_field:
        right = right_of(step.label)
        return (right.title if right else step.label), VERBS.get(step.name, step.name)
    if not objects.has(step.label):
        return step.label, step.name
    spec = objects.get(step.label)
    try:
        return spec.title, spec.field(step.name).label
    except FieldDoesNotExist:
        return spec.title, step.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One change of a role: who, when, what; with the address that takes it back."""

    at: dt.datetime
    who: str
    deed: Words
    name: str
    steps: tuple[StepWords, ...]
    undo: str
    is_undone: bool


def history_of(sheet: RoleSheet, by: Actor) -> list[Deed]:
    """The newest changes of a role, each with what it was before and became, worked out going back from today."""
    entries = HistoryEntry.objects.filter(object_id=sheet.pk, kind=kind_of(RoleSheet)).select_related("change")
    now, name, found = _state(sheet.grants, sheet.rules), sheet.name, []
    for entry in entries.order_by("-hid")[:SHOWN]:
        old = entry.old or {}
        before = _state(old.get("grants"), old.get("rules"), now) if entry.op != "I" else Wish()
        was = str(old.get("name", name))
        steps = tuple(step_words(step) for step in steps_between(before, now))
        renamed = _("%(before)s 改叫 %(after)s") % {"before": was, "after": name} if was != name else ""
        if entry.change is not None or steps or renamed:
            found.append(_deed(entry, steps, renamed, by))
        now, name = before, was
    return found


def _state(grants: Mapping[str, Mapping[str, int]] | None, rules: Mapping[str, Mapping[str, int]] | None, now: Wish | None = None) -> Wish:
    known = now or Wish()
    return Wish(grants=known.grants if grants is None else grants_in(grants), rules=known.rules if rules is None else rules_in(rules))


def _deed(entry: HistoryEntry, steps: tuple[StepWords, ...], renamed: str, by: Actor) -> Deed:
    change = entry.change
    may = change is not None and change.verb != "undo" and not change.undone_at and may_undo(change, by)
    return Deed(
        at=entry.at, who=(change.actor_name or _("系统")) if change else _("系统"), deed=DEEDS.get(change.verb, change.verb) if change else _("随版本更新"),
        name=renamed, steps=steps, undo=_undo_url(change.pk) if may and change else "", is_undone=bool(change and change.undone_at),
    )  # fmt: skip


def _undo_url(change: uuid.UUID) -> str:
    return f"/changes/{change}/undo"
