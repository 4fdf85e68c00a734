"""Filters set in words: one row each with field, operator and value; several at once, or one of them from its chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from .. import directory
from ..actor import Actor
from ..errors import Refused
from ..lists.conditions import SPANS, Chosen, chosen_from, operators
from ..registry import objects
from ..savedviews.asking import Asked
from ..spec import Filter, ObjectSpec, Words
from . import pick_person, pick_team
from .asked import part_asked
from .names import names_of
from .pick_person import number_of
from .web import actor_in, screen, spec_of

FEW = 20  # so many people or teams are all offered at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition as it is being set: the filter, the operators it knows, and what is chosen."""

    item: Filter
    operators: list[tuple[str, str]]
    op: str
    values: tuple[str, ...]
    options: Sequence[tuple[str, Words]]
    input: str
    picker: str = ""  # the object type whose records are searched for
    picked: str = ""
    adds: str = ""  # where more choices are found by typing

    @property
    def text(self) -> str:
        return ",".join(self.values)

    @property
    def first(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def second(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def span(self) -> str:
        """This or last week, month, quarter or year, as one choice: this:month."""
        return f"{self.op}:{self.first}" if self.op in ("this", "last") else ""


@screen
def dialog(request: HttpRequest, slug: str) -> HttpResponse:
    """All conditions of the list at once; a first one is offered where there is none."""
    spec, one = _asked(request, slug)
    rows = [_row(actor_in(request), spec, chosen) for chosen in chosen_from(spec, one.filters)]
    return _render(request, spec, one, rows, {})


@screen
def one(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One condition, from its chip; the others stay as they are."""
    spec, asked = _asked(request, slug)
    item = _filter(spec, name)
    chosen = [one for one in chosen_from(spec, asked.filters) if one.filter.name == item.name]
    rows = [_row(actor_in(request), spec, one) for one in chosen] or [_row(actor_in(request), spec, Chosen(filter=item, op="", values=()))]
    others = {param: value for param, value in asked.filters.items() if param.partition(".")[0] != item.name}
    return _render(request, spec, asked, rows, others)


@screen
def row(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A fresh row for one filter."""
    spec, _one = _asked(request, slug)
    fresh = _row(actor_in(request), spec, Chosen(filter=_filter(spec, name), op="", values=()))
    return render(request, "kernel/filter_row.html", {"row": fresh, "spec": spec, "spans": spans()})


def _asked(request: HttpRequest, slug: str) -> tuple[ObjectSpec, Asked]:
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    return spec, part_asked(request, spec)


def _filter(spec: ObjectSpec, name: str) -> Filter:
    item = spec.filter(name)
    if item is None:
        raise Refused("unknown_filter", name=name)
    return item


def _render(request: HttpRequest, spec: ObjectSpec, asked: Asked, rows: list[Row], others: dict[str, str]) -> HttpResponse:
    kept = {name: value for name, value in asked.params.items() if "." not in name}
    context = {
        "spec": spec,
        "rows": rows,
        "kept": kept | others,
        "filters": [item for item in spec.filters if item.in_menu],
        "is_one": bool(rows) and not request.path.endswith("/filters"),
        "spans": spans(),
    }
    return render(request, "kernel/filter.html", context)


def _row(actor: Actor, spec: ObjectSpec, chosen: Chosen) -> Row:
    item = chosen.filter
    offered = operators(item, may_be_empty=_may_be_empty(spec, item))
    op = {"is": "in"}.get(chosen.op, chosen.op) if offered[0] == "in" else chosen.op
    options, adds = _options(item, chosen.values)
    words = operator_words(item)
    return Row(
        item=item,
        operators=[(name, words[name]) for name in offered if name not in ("last",)],
        op=op or offered[0],
        values=chosen.values,
        options=options,
        adds=adds,
        input=item.kind if item.kind in ("range", "dates") else "options" if options else "text",
        picker=objects.of(item.model).slug if item.model is not None and objects.has(item.model._meta.label_lower) else "",
        picked="、".join(names_of(actor, item, chosen.values)) if item.model is not None and chosen.values else "",
    )


def _may_be_empty(spec: ObjectSpec, item: Filter) -> bool:
    try:
        return bool(getattr(spec.model._meta.get_field(item.column), "null", False))
    except FieldDoesNotExist:
        return False


def _options(item: Filter, values: Sequence[str]) -> tuple[list[tuple[str, Words]], str]:
    """What can be ticked, and where more is found by typing; of many people or teams only oneself and the chosen ones stand there at once."""
    if item.kind != "person":
        return list(item.choices()) if item.choices else [], ""
    of_teams = item.column == "team"
    first = directory.find_teams("", FEW + 1) if of_teams else {one.pk: one.name for one in directory.find_people("", FEW + 1)}
    shown = dict(first) if len(first) <= FEW else {}
    chosen = [pk for pk in map(number_of, values) if pk is not None and pk not in shown]
    shown |= directory.teams(chosen) if of_teams else directory.people(chosen)
    options: list[tuple[str, Words]] = [(str(pk), name) for pk, name in shown.items()]
    more = "" if len(first) <= FEW else pick_team.URL if of_teams else pick_person.URL
    return (options if of_teams else [("me", _("我")), *options]), more


def operator_words(item: Filter) -> dict[str, str]:
    """The operators of a filter as a person reads them between field and value."""
    if item.kind == "dates":
        return {
            "within": _("在最近"), "before": _("早于"), "this": _("是"), "between": _("在这些天"), "ge": _("从这天起"), "le": _("到这天止"),
            "is": _("是这天"), "any": _("已填"), "none": _("没有填"),
        }  # fmt: skip
    return {
        "in": _("是"), "not": _("不是"), "ge": _("不少于"), "le": _("不多于"), "between": _("在两数之间"), "is": _("等于"),
        "starts": _("开头是"), "any": _("已填"), "none": _("没有填"),
    }  # fmt: skip


def spans() -> list[tuple[str, Words]]:
    """This and last week, month, quarter and year, to choose from."""
    return [(f"{op}:{part}", words) for (op, part), words in SPANS.items()]
