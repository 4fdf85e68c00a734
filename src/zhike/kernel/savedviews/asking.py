"""What an address asks of a list: a view, and what was changed on top of it.

`?view=<key>` is the view as it stands. Filters beside it are added to those of the view, and with `only=1` they are all
there are; `sort` and `group` replace those of the view (`group=none` takes the groups away). An address without any of
these begins where the reader, or his role, begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..actor import Actor
from ..errors import Refused
from ..lists.conditions import chosen_from, condition
from ..lists.groups import group_of
from ..spec import ObjectSpec
from .arranged import ALL, Arrangement, Columns, View, ready_views

NO_GROUP = "none"
ASKING = ("view", "only", "sort", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A list as it is asked for: the view it came from and what holds now. `left_out` names what the reader may not use."""

    spec: ObjectSpec
    view: View
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    grouping: str = ""
    columns: Columns = field(default_factory=Columns)
    left_out: tuple[str, ...] = ()

    @property
    def params(self) -> dict[str, str]:
        """Everything spelled out, for what knows no views: filters, order, and the view for its columns."""
        found = {"view": self.view.key, "only": "1"} if self.view.key != ALL else {}
        found |= self.filters
        if self.sort:
            found["sort"] = self.sort
        if self.grouping:
            found["group"] = self.grouping
        return found

    def address(self, **changes: Any) -> dict[str, str]:
        """The shortest parameters that ask for this list with some changes: filters=, sort=, grouping=."""
        filters = dict(changes.get("filters", self.filters))
        found: dict[str, str] = {} if self.view.key == ALL else {"view": self.view.key}
        if self.view.filters.items() <= filters.items():
            found |= {name: value for name, value in filters.items() if self.view.filters.get(name) != value}
        else:
            found |= {"only": "1"} | filters
        sort, grouping = changes.get("sort", self.sort), changes.get("grouping", self.grouping)
        if sort != self.view.sort:
            found["sort"] = sort or f"-{self.spec.sorts[0].key}"
        if grouping != self.view.grouping:
            found["group"] = grouping or NO_GROUP
        return found or {"view": ALL}

    @property
    def is_changed(self) -> bool:
        """Whether the list shows something else than its view."""
        rows = (dict(self.filters), self.sort, self.grouping)
        kept = (dict(self.view.filters), self.view.sort, self.view.grouping)
        return rows != kept or self.has_own_columns

    @property
    def has_own_columns(self) -> bool:
        """Whether the reader sees other columns than the view has; the list itself is everybody's own."""
        if not self.view.is_saved:
            return False
        widths = dict(self.view.widths) | dict(self.columns.widths)
        return bool(self.columns.paths and self.columns.paths != self.view.columns) or widths != dict(self.view.widths)


def asked(spec: ObjectSpec, actor: Actor, kept: Arrangement, params: Mapping[str, str]) -> Asked:
    """Read an address; Refused("view_gone") for a view that is not there for this reader."""
    view, left_out = within_sight(spec, actor, _view(spec, actor, kept, params))
    filters = {name: value for name, value in params.items() if "." in name}
    if params.get("only") != "1":
        filters = {**view.filters, **filters}
    grouping = params.get("group", view.grouping)
    return Asked(
        spec=spec,
        view=view,
        filters=filters,
        sort=params.get("sort", view.sort),
        grouping="" if grouping == NO_GROUP else grouping,
        columns=kept.columns.get("" if view.key == ALL else view.key, Columns()),
        left_out=left_out,
    )


def _view(spec: ObjectSpec, actor: Actor, kept: Arrangement, params: Mapping[str, str]) -> View:
    key = params.get("view", "")
    if key:
        found = kept.view(key)
        if found is None:
            raise Refused("view_gone")
        return found
    everything = kept.view(ALL) or ready_views(spec)[0]
    if any("." in name or name in ASKING for name in params):
        return everything
    start = kept.start or kept.role_start
    return (kept.view(start) if start else None) or everything


def within_sight(spec: ObjectSpec, actor: Actor, view: View) -> tuple[View, tuple[str, ...]]:
    """A view without what this reader may not see or what is gone, and the names of that: fields, orders, columns."""
    filters, left_out = usable(spec, actor, view.filters)
    sort, grouping = view.sort, view.grouping
    if sort and sort.removeprefix("-") not in {one.key for one in spec.sorts}:
        sort, left_out = "", (*left_out, sort.removeprefix("-"))
    if grouping and group_of(spec, grouping) is None:
        grouping, left_out = "", (*left_out, grouping.partition(":")[0])
    columns = tuple(path for path in view.columns if spec.column(path))
    left_out = (*left_out, *(path for path in view.columns if path not in columns))
    return replace(view, filters=filters, sort=sort, grouping=grouping, columns=columns), tuple(dict.fromkeys(left_out))


def usable(spec: ObjectSpec, actor: Actor, filters: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The filters of a view that this reader may use, and the names of those that he may not see or that are gone."""
    found, left_out = {}, []
    for param, value in filters.items():
        if _means_something(spec, actor, param, value):
            found[param] = value
        else:
            left_out.append(param.partition(".")[0])
    return found, tuple(left_out)


def _means_something(spec: ObjectSpec, actor: Actor, param: str, value: str) -> bool:
    try:
        for chosen in chosen_from(spec, {param: value}):
            condition(chosen, actor)
    except Refused:
        return False
    return True


def columns_shown(one: Asked, fallback: Columns) -> Columns:
    """Columns and widths that hold: the reader's own for this view, those of the view, his own for the list."""
    paths = one.columns.paths or one.view.columns or fallback.paths
    widths = {**(fallback.widths if not one.view.is_saved else {}), **one.view.widths, **one.columns.widths}
    return Columns(paths=tuple(paths), widths=widths)
