"""Rows of a list as they are drawn, and sizes in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .. import directory
from ..addresses import url_of
from ..lists.pages import Size
from ..models import Record
from ..spec import Column, ObjectSpec
from ..templatetags.zhike_ui import wan
from .cells import NUMERIC, Reader, drawer
from .own import names_for, own_of
from .web import actor_in


def reader_for(request: HttpRequest, records: Sequence[Record], columns: Sequence[Column], spec: ObjectSpec) -> Reader:
    """Names that the cells of these records need: two small queries at most, and those of own fields that hold ids."""
    actor = actor_in(request)
    kinds = {column.cell for column in columns}
    owners = {r.owner_id for r in records if r.owner_id} if "person" in kinds else set()
    team_ids = {r.team_id for r in records if r.team_id} if "team" in kinds else set()
    own = [found for column in columns if (found := own_of(spec, column.path)) and column.path not in spec.covered]
    return Reader(
        user_id=actor.user_id,
        people=directory.people(owners) if owners else {},
        teams=directory.teams(team_ids) if team_ids else {},
        own=names_for(actor, own, records),
    )


def draw_rows(records: Iterable[Record], columns: Sequence[Column], spec: ObjectSpec, reader: Reader, query: str) -> list[SafeString]:
    """Rows of the table. Made in Python: a template would spend half of the page's time on its 450 cells.

    `query` names the view whose columns a row is drawn in again.
    """
    drawers = [(f'<td class="{_css(column)}">', drawer(column, spec, reader)) for column in columns]
    choose = _("选择")
    return [_row(record, url_of(record), drawers, choose, query) for record in records]


def _row(record: Record, url: str, drawers: list[tuple[str, Callable[[Any], str]]], choose: str, query: str) -> SafeString:
    cells = "".join([f"{begin}{draw(record)}</td>" for begin, draw in drawers])
    return SafeString(
        f'<tr data-row data-id="{record.pk}" data-peek="{url}peek" data-open="{url}" data-row-url="{url}row{query}">'
        f'<td class="ck"><input class="form-check-input" type="checkbox" data-select value="{record.pk}" '
        f'aria-label="{choose} {escape(str(record))}"></td>{cells}</tr>\n'
    )


def _css(column: Column) -> str:
    numeric = "num " if column.cell in NUMERIC else ""
    return f"{numeric}{column.phone}" if column.phone or numeric else "mut2"


def size_words(spec: ObjectSpec, size: Size) -> str:
    """1,840 家, or 约 12.4万 家."""
    if size.is_exact:
        return _("%(count)s %(unit)s") % {"count": f"{size.count:,}", "unit": spec.unit}
    return _("约 %(count)s %(unit)s") % {"count": wan(size.count), "unit": spec.unit}


def label_in(spec: ObjectSpec, path: str) -> object:
    """What a column or field is called in lists."""
    column = spec.column(path)
    if column is not None and column.label:
        return column.label
    return spec.field(path.split("__")[0]).label


def label_of_name(spec: ObjectSpec, name: str) -> object:
    """What a name that a view mentions is called, even where this reader's type does not have it: the words are no secret."""
    try:
        return label_in(spec, name)
    except FieldDoesNotExist:
        return name
