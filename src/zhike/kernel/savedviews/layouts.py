"""How page and form of an object type are laid out for a company or a role: a declaration over another, nothing more.

A layout can only arrange what its reader sees: names that are gone or closed to him are dropped, and what a layout does
not mention, such as a field made later, is shown where it belongs, so that nothing vanishes in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F, Q
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ..actions import action, creation, remove, save_change, save_new
from ..actor import Actor
from ..errors import Refused
from ..registry import objects
from ..spec import ObjectSpec, Panel, Words
from .tables import Layout

MOST_PANELS, LONGEST = 40, 60
STORED = ("panels", "form", "form_more", "form_off")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidPanel:
    """A panel as it was laid out; without a title of its own it has that of the declared panel of the same key."""

    key: str
    fields: tuple[str, ...] = ()
    title: str = ""
    title_en: str = ""
    is_two: bool = False
    is_folded: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A layout: panels in their order, and what a form asks first, later, or not at all. No form: as declared."""

    panels: tuple[LaidPanel, ...] = field(default_factory=tuple)
    form: tuple[str, ...] = ()
    form_more: tuple[str, ...] = ()
    form_off: tuple[str, ...] = ()

    @property
    def has_form(self) -> bool:
        return bool(self.form or self.form_more or self.form_off)


def key_of(panel: Panel) -> str:
    """A declared panel is known by its first field, which stays when panels are added before it."""
    return panel.fields[0] if panel.fields else ""


def laid_out(spec: ObjectSpec, laid: Laid) -> ObjectSpec:
    """The type with panels and form in this order."""
    found = replace(spec, panels=_panels(spec, laid)) if laid.panels else spec
    return _formed(found, laid) if laid.has_form and spec.form else found


def _panels(spec: ObjectSpec, laid: Laid) -> tuple[Panel, ...]:
    known = {name for panel in spec.panels for name in panel.fields}
    mentioned = {name for panel in laid.panels for name in panel.fields}
    late: dict[str, list[str]] = {}
    for panel in spec.panels:
        late.setdefault(key_of(panel), []).extend(name for name in panel.fields if name not in mentioned)
    titles = {key_of(panel): panel.title for panel in (*objects.get(spec.label).panels, *spec.panels)}
    made, homeless = [], []
    placed: set[str] = set()
    for one in laid.panels:
        if one.is_hidden:
            continue
        own = [name for name in one.fields if name in known and name not in placed]
        own += late.pop(one.key, [])
        placed.update(own)
        if own:
            made.append(Panel(title=_title(one, titles), fields=tuple(own), is_two=one.is_two, is_folded=one.is_folded))
    homeless = [name for names in late.values() for name in names]
    if homeless:
        made.append(Panel(title=_("更多"), fields=tuple(homeless)))
    return tuple(made)


def _title(one: LaidPanel, titles: Mapping[str, Words]) -> Words:
    declared = titles.get(one.key, _("资料"))
    if not one.title and not one.title_en:
        return declared
    return _in_language(one.title or one.title_en, one.title_en or one.title)


def _choose(chinese: str, english: str) -> str:
    return chinese if (get_language() or "zh").startswith("zh") else english


_in_language = lazy(_choose, str)


def _formed(spec: ObjectSpec, laid: Laid) -> ObjectSpec:
    offered = form_fields(spec)
    first = [name for name in dict.fromkeys(laid.form) if name in offered]
    more = [name for name in dict.fromkeys(laid.form_more) if name in offered and name not in first]
    first += [name for name in spec.required if name in (*spec.form, *spec.form_more) and name not in (*first, *more)]
    late = [name for name in (*spec.form, *spec.form_more) if name not in (*first, *more, *laid.form_off)]
    return replace(spec, form=tuple(first or spec.form[:1]), form_more=(*more, *late))


def form_fields(spec: ObjectSpec) -> list[str]:
    """What a form may ask: what it asks as declared, and what can be edited on the page."""
    return [
        name for name in dict.fromkeys([*spec.form, *spec.form_more, *spec.editable()]) if name in spec.form or name not in spec.read_only
    ]


def plain(laid: Laid) -> dict[str, Any]:
    """A layout as it is stored and sent."""
    return {
        "panels": [
            {
                "key": one.key, "fields": list(one.fields), "title": one.title, "title_en": one.title_en,
                "two": one.is_two, "folded": one.is_folded, "hidden": one.is_hidden,
            }
            for one in laid.panels
        ],
        "form": list(laid.form), "form_more": list(laid.form_more), "form_off": list(laid.form_off),
    }  # fmt: skip


def read(given: Any) -> Laid:
    """A layout that came from outside; Refused("layout_wrong") when it is none."""
    try:
        panels = tuple(_read_panel(one) for one in given["panels"])
        laid = Laid(panels=panels, **{name: _names(given.get(name, ())) for name in ("form", "form_more", "form_off")})
    except (KeyError, TypeError, AttributeError) as wrong:
        raise Refused("layout_wrong") from wrong
    if len(panels) > MOST_PANELS:
        raise Refused("layout_wrong")
    return laid


def _read_panel(given: Any) -> LaidPanel:
    return LaidPanel(
        key=str(given["key"])[:80],
        fields=_names(given["fields"]),
        title=str(given.get("title", "")).strip()[:LONGEST],
        title_en=str(given.get("title_en", "")).strip()[:LONGEST],
        is_two=bool(given.get("two")),
        is_folded=bool(given.get("folded")),
        is_hidden=bool(given.get("hidden")),
    )


def _names(given: Iterable[Any]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(given)
    return tuple(dict.fromkeys(str(name)[:80] for name in given))


def of_row(row: Layout) -> Laid:
    """A stored layout."""
    return read({"panels": row.panels, "form": row.form, "form_more": row.form_more, "form_off": row.form_off})


def laid_for(spec: ObjectSpec, actor: Actor) -> ObjectSpec:
    """The type as it is laid out for this actor: by one of his roles, otherwise for everybody; one query."""
    mine = Q(role_id__isnull=True) | Q(role_id__in=sorted(actor.role_ids))
    row = Layout.objects.filter(mine, label=spec.label).order_by(F("role_id").asc(nulls_last=True)).first()
    return laid_out(spec, of_row(row)) if row is not None else spec


def now(spec: ObjectSpec) -> Laid:
    """The layout that a type has by its declaration."""
    off = tuple(name for name in form_fields(spec) if name not in (*spec.form, *spec.form_more))
    panels = tuple(LaidPanel(key=key_of(panel), fields=panel.fields) for panel in spec.panels)
    return Laid(panels=panels, form=spec.form, form_more=spec.form_more, form_off=off if spec.form else ())


def completed(spec: ObjectSpec, laid: Laid) -> Laid:
    """A layout with everything that the type has and without what it has not: what an editor shows."""
    known = [name for panel in spec.panels for name in panel.fields]
    panels = [replace(one, fields=tuple(name for name in one.fields if name in known)) for one in laid.panels]
    mentioned = {name for one in panels for name in one.fields}
    for declared in spec.panels:
        late = tuple(name for name in declared.fields if name not in mentioned)
        at = next((n for n, one in enumerate(panels) if one.key == key_of(declared)), None)
        if late and at is not None:
            panels[at] = replace(panels[at], fields=(*panels[at].fields, *late))
        elif late:
            panels.append(LaidPanel(key=key_of(declared), fields=late))
    formed = _formed(spec, laid) if laid.has_form and spec.form else spec
    off = tuple(name for name in form_fields(spec) if name not in (*formed.form, *formed.form_more)) if spec.form else ()
    return Laid(panels=tuple(panels), form=formed.form, form_more=formed.form_more, form_off=off)


def keep_layout(label: str, role_id: int | None, laid: Laid, *, by: Actor) -> Layout:
    """Lay a type out for a role, or with None for everybody; Refused("not_permitted")."""
    row = Layout.objects.filter(label=label, role_id=role_id).first()
    if row is not None:
        return _lay_out_again(row, laid, by=by)
    return _lay_out(label, role_id, laid, by=by)


@creation(Layout)
def _lay_out(label: str, role_id: int | None, laid: Laid, *, by: Actor) -> Layout:
    row = Layout(label=label, role_id=role_id)
    _store(row, laid)
    return save_new(row, by=by)


@action(needs="change")
def _lay_out_again(row: Layout, laid: Laid, *, by: Actor) -> Layout:
    del by
    _store(row, laid)
    return save_change(row, *STORED)


@action(needs="delete")
def reset_layout(row: Layout, *, by: Actor) -> None:
    """Give a type back the layout that it comes with (or, for a role, that of everybody)."""
    del by
    remove(row)


def _store(row: Layout, laid: Laid) -> None:
    stored = plain(laid)
    for name in STORED:
        setattr(row, name, stored[name])
