"""By what a list may be grouped, and what each group means as a filter of an address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..fields import field_of
from ..spec import Filter, ObjectSpec, Words
from ..text.spans import whole
from .conditions import Chosen
from .pages import Listing

PARTS: Mapping[str, Words] = {"month": _("按月"), "quarter": _("按季度"), "year": _("按年")}
Value = str | int | dt.date | None  # None: nothing is known, the last group


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What a list is grouped by: a filter, and of a date the part that counts."""

    filter: Filter
    part: str = ""

    @property
    def key(self) -> str:
        return f"{self.filter.name}:{self.part}" if self.part else self.filter.name

    def filters(self, value: Value, now: Mapping[str, str]) -> dict[str, str]:
        """The filters of a list with those that leave one group of it."""
        name = self.filter.name
        if value is None:
            return {**now, f"{name}.none": "1"}
        if not isinstance(value, dt.date):
            return {**now, f"{name}.in": str(value)}
        first, after = whole(self.part, value)
        last = after - dt.timedelta(days=1)
        chosen = now.get(f"{name}.between")
        if chosen:
            given = sorted(dt.date.fromisoformat(text) for text in chosen.split(","))
            first, last = max(first, given[0]), min(last, given[-1])
        return {**now, f"{name}.between": f"{first},{last}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """A list and what it is grouped by. Groups of a date are in the order of that date."""

    wanted: Listing
    grouping: Grouping
    sums: Sequence[str] = field(default_factory=tuple)

    @property
    def column(self) -> str:
        return str(field_of(self.wanted.spec.model, self.grouping.filter.column).column)

    @property
    def listing(self) -> Listing:
        return replace(self.wanted, sort=f"-{self.grouping.filter.column}") if self.grouping.part else self.wanted

    def of(self, value: Value) -> Listing:
        """The list of one group."""
        now = {chosen.param: chosen.text for chosen in self.wanted.chosen}
        chosen = [
            Chosen(filter=self._filter(param), op=param.partition(".")[2], values=tuple(text.split(",")))
            for param, text in self.grouping.filters(value, now).items()
        ]
        return replace(self.listing, chosen=tuple(chosen))

    def _filter(self, param: str) -> Any:
        found = self.wanted.spec.filter(param.partition(".")[0])
        assert found is not None
        return found


def groupings(spec: ObjectSpec) -> list[Grouping]:
    """What this list may be grouped by: facets that its indexes hold, and the parts of dates that it is sorted by."""
    sorts = {sort.key for sort in spec.sorts}
    found = []
    for item in spec.filters:
        if item.build is not None or item.where is not None:
            continue
        if item.kind == "dates" and item.column in sorts:
            found += [Grouping(filter=item, part=part) for part in PARTS]
        elif item.covered and item.kind in ("choice", "number", "person"):
            found.append(Grouping(filter=item))
    return found


def group_of(spec: ObjectSpec, key: str) -> Grouping | None:
    """The grouping that an address names; None for one that is not offered."""
    return next((one for one in groupings(spec) if one.key == key), None)
