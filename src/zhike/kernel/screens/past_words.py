"""What history rows say, in the reader's words: which fields, from what to what, as far as he may see them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from .. import directory
from ..actor import Actor, Rule
from ..fielddefs import FieldDef, is_custom_name
from ..fields import MoneyField
from ..history import model_of_kind
from ..models import Tracked
from ..past.deleted import gone_within
from ..past.entries import Step
from ..past.states import State
from ..policy import has_policy, policy_of
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec, Words
from ..templatetags.zhike_ui import money, num
from .own import Names, names_for, plain_own

SKIPPED = {"id", "version", "created_at", "updated_at", "custom"}
EMPTY = "—"
# Tables that no screen shows as records: what they are called, and which of their fields say something to a reader.
KINDS: Mapping[str, Words] = {"kernel.attachment": gettext_lazy("附件"), "kernel.share": gettext_lazy("共享")}
WORDS: Mapping[str, Mapping[str, Words]] = {
    "kernel.attachment": {"name": gettext_lazy("文件名")},
    "kernel.share": {"can_change": gettext_lazy("能改"), "until": gettext_lazy("到期"), "note": gettext_lazy("说明")},
}
LONGEST = 300
NEVER_YEAR = 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One field: what it held before and holds after; `is_covered` when this reader may know only that it changed."""

    label: Words
    old: str = ""
    new: str = ""
    is_covered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row of a change in words; `op` is I, U or D. Name and address are empty for what has no page of its own."""

    op: str
    kind: Words
    name: str
    url: str
    lines: list[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Names that the values of some steps need."""

    people: Mapping[int, str]
    teams: Mapping[int, str]
    links: Mapping[tuple[str, str], str]
    own: Mapping[str, Names] = field(default_factory=dict)


def told(steps: Sequence[Step], actor: Actor) -> dict[int, Told]:
    """Steps in words by the number of their entry, without rows that are out of this reader's reach."""
    reach = _in_reach(steps, actor)
    steps = [step for step in steps if (step.entry.model, step.entry.pk) in reach]
    specs = {step.entry.model: _spec(step.entry.model, actor) for step in steps}
    known = _names(steps, specs, actor)
    return {step.entry.hid: _told(step, specs[step.entry.model], known, actor) for step in steps}


def _spec(model: type[Tracked], actor: Actor) -> ObjectSpec | None:
    label = model._meta.label_lower
    return seen(objects.get(label), actor) if objects.has(label) else None


def _in_reach(steps: Sequence[Step], actor: Actor) -> set[tuple[type[Tracked], uuid.UUID]]:
    """Rows that the actor may see today, and those that are gone but were within his reach at the end."""
    found: set[tuple[type[Tracked], uuid.UUID]] = set()
    for model in {step.entry.model for step in steps}:
        if not has_policy(model):
            found |= {(model, pk) for pk in _hanging(model, [step for step in steps if step.entry.model is model], actor)}
            continue
        ids = {step.entry.pk for step in steps if step.entry.model is model}
        there = set(model._default_manager.filter(pk__in=ids).values_list("pk", flat=True))
        allowed = set(model._default_manager.filter(policy_of(model).rows(actor, "view"), pk__in=there).values_list("pk", flat=True))
        allowed |= gone_within(model, ids - there, actor) if ids - there else set()
        found |= {(model, pk) for pk in allowed}
    return found


def _hanging(model: type[Tracked], steps: Sequence[Step], actor: Actor) -> set[uuid.UUID]:
    """Of tables without a policy only those have readers whose rows hang on a record (files, shares): who sees that one."""
    if not {"kind", "object_id"} <= {stored.name for stored in model._meta.concrete_fields}:
        return set()
    on = {step.entry.pk: (step.after or step.before or {}) for step in steps}
    seen_ids: set[str] = set()
    for kind in {int(state["kind"]) for state in on.values() if state.get("kind") is not None}:
        above = model_of_kind(kind)
        ids = [state["object_id"] for state in on.values() if state.get("kind") == kind]
        rows = above._default_manager.filter(policy_of(above).rows(actor, "view"), pk__in=ids)
        seen_ids |= {str(pk) for pk in rows.values_list("pk", flat=True)}
    return {pk for pk, state in on.items() if str(state.get("object_id")) in seen_ids}


def _told(step: Step, spec: ObjectSpec | None, known: _Known, actor: Actor) -> Told:
    model = step.entry.model
    state = step.after or step.before or {}
    is_there = isinstance(spec, ObjectSpec) and spec.name not in spec.hidden
    name = str(state.get(spec.name) or "") if spec is not None and is_there else ""
    return Told(
        op=step.entry.op,
        kind=spec.title if spec else KINDS.get(model._meta.label_lower, model._meta.verbose_name or model.__name__),
        name=name,
        url=f"/{spec.slug}/{step.entry.pk}/" if spec else "",
        lines=lines_of(step, spec, known, actor),
    )


def lines_of(step: Step, spec: ObjectSpec | None, known: _Known, actor: Actor) -> list[Line]:
    """The fields that differ: of a change those it wrote, of a new or deleted row all that hold something."""
    before, after = step.before or {}, step.after or {}
    names = list(step.entry.old or {}) if step.entry.op == "U" else _filled(after if step.entry.op == "I" else before)
    rules = actor.rules(step.entry.model._meta.label_lower)
    found = []
    for name in names:
        line = _line(step.entry.model, spec, name, (before, after), known, rules)
        if line is not None and (line.is_covered or line.old != line.new):
            found.append(line)
    return found


def _filled(state: State) -> list[str]:
    own = [f"cf_{key}" for key in state.get("custom") or {}]
    return [name for name, value in state.items() if value not in (None, "", [], {})] + [name for name in own if name not in state]


def _line(
    model: type[Tracked], spec: ObjectSpec | None, name: str, states: tuple[State, State], known: _Known, rules: Mapping[str, Rule]
) -> Line | None:
    if is_custom_name(name):
        return _own_line(spec, name, states, known)
    stored = next((one for one in model._meta.concrete_fields if one.column == name), None)
    words = WORDS.get(model._meta.label_lower)
    if stored is not None and words is not None:
        if stored.name not in words:
            return None
        old, new = (_text(stored, state.get(name), known) for state in states)
        return Line(label=words[stored.name], old=old, new=new)
    if stored is None or stored.name in SKIPPED or not (stored.editable or stored.is_relation):
        return None
    rule = rules.get(stored.name)
    if rule is Rule.HIDDEN:
        return None
    if rule is Rule.MASKED:
        return Line(label=stored.verbose_name, is_covered=True)
    old, new = (_text(stored, state.get(name), known) for state in states)
    return Line(label=stored.verbose_name, old=old, new=new)


def _own_line(spec: ObjectSpec | None, name: str, states: tuple[State, State], known: _Known) -> Line | None:
    own = next((one for one in spec.custom if one.name == name), None) if spec else None
    if spec is None or own is None:
        return None
    if name in spec.covered:
        return Line(label=own.label, is_covered=True)
    old, new = (_own_text(own, own_value(state, name), known.own.get(spec.label, Names())) for state in states)
    return Line(label=own.label, old=old, new=new)


def own_value(state: State, name: str) -> Any:
    """The value of a company's own field in a state: beside the columns where it was laid over, else in `custom`."""
    return state[name] if name in state else (state.get("custom") or {}).get(name.removeprefix("cf_"))


def _own_text(own: FieldDef, value: Any, names: Names) -> str:
    if value in (None, "", []):
        return EMPTY
    shown = plain_own(own, SimpleNamespace(custom={own.key: value}), names)
    return EMPTY if shown is None else _plain(shown)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return pgettext("answer", "是") if value else pgettext("answer", "否")
    if isinstance(value, Decimal | int | float):
        return str(num(value))
    return str(value)[:LONGEST]


def _text(stored: models.Field[Any, Any], value: Any, known: _Known) -> str:
    """A stored value as people read it."""
    if value in (None, ""):
        return EMPTY
    if stored.choices:
        return str(dict(stored.flatchoices).get(value, value))
    if stored.is_relation:
        return _name(stored, value, known)
    if isinstance(stored, MoneyField):
        return str(money(value))
    if isinstance(stored, models.DateTimeField):
        moment = stored.to_python(value)
        return EMPTY if moment is None or moment.year <= NEVER_YEAR else f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
    if isinstance(stored, models.JSONField):
        return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]
    return _plain(value)


def _name(stored: models.Field[Any, Any], value: Any, known: _Known) -> str:
    if stored.name == "owner":
        return known.people.get(value, f"{value}")
    if stored.name == "team":
        return known.teams.get(value, f"{value}")
    return known.links.get((stored.column or "", str(value)), str(_("无权查看")))


def _names(steps: Sequence[Step], specs: Mapping[type[Tracked], ObjectSpec | None], actor: Actor) -> _Known:
    """Names for everything these steps mention: a query for people, teams and each table that is linked to."""
    people: set[int] = set()
    teams: set[int] = set()
    wanted: dict[tuple[str, type[models.Model]], set[Any]] = {}
    for step in steps:
        for stored, value in _links_of(step):
            if stored.name == "owner":
                people.add(value)
            elif stored.name == "team":
                teams.add(value)
            elif isinstance(stored.related_model, type):
                wanted.setdefault((stored.column or "", stored.related_model), set()).add(value)
    return _Known(
        people=directory.people(people) if people else {},
        teams=directory.teams(teams) if teams else {},
        links={key: name for (column, model), ids in wanted.items() for key, name in _linked(column, model, ids, actor)},
        own={spec.label: _own_names(spec, steps, actor) for spec in specs.values() if spec is not None and spec.custom},
    )


def _links_of(step: Step) -> Iterable[tuple[models.Field[Any, Any], Any]]:
    for stored in step.entry.model._meta.concrete_fields:
        if stored.is_relation:
            for state in (step.before, step.after):
                value = (state or {}).get(stored.column or "")
                if value is not None:
                    yield stored, value


def _linked(column: str, model: type[models.Model], ids: set[Any], actor: Actor) -> Iterable[tuple[tuple[str, str], str]]:
    rows = model._default_manager.filter(pk__in=ids)
    if issubclass(model, Tracked):
        rows = rows.filter(policy_of(model).rows(actor, "view"))
    for row in rows:
        yield (column, str(row.pk)), str(row)


def _own_names(spec: ObjectSpec, steps: Sequence[Step], actor: Actor) -> Names:
    states = [state for step in steps if step.entry.model is spec.model for state in (step.before, step.after) if state]
    fields = [one for one in spec.custom if one.kind in ("person", "link")]
    rows: list[Any] = [SimpleNamespace(custom={one.key: own_value(state, one.name) for one in fields}) for state in states]
    return names_for(actor, fields, rows) if fields else Names()


def moment_in(text: str) -> dt.datetime | None:
    """A moment from an address, in the reader's time zone when it names none; None for nonsense."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return timezone.make_aware(found) if timezone.is_naive(found) else found
