"""A list in groups: which fields it may be grouped by, the groups of a page, and the first rows of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ..spec import Filter, ObjectSpec, Words

PARTS: tuple[tuple[str, Words], ...] = (("month", _("按月")), ("quarter", _("按季度")), ("year", _("按年")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What a list is grouped by: a filter, and of a date the part that counts."""

    filter: Filter
    part: str = ""

    @property
    def key(self) -> str:
        return f"{self.filter.name}:{self.part}" if self.part else self.filter.name


def groupings(spec: ObjectSpec) -> list[Grouping]:
    """What this list may be grouped by: facets that its indexes hold, and the parts of dates that it is sorted by."""
    sorts = {sort.key for sort in spec.sorts}
    found = []
    for item in spec.filters:
        if item.build is not None:
            continue
        if item.kind == "dates" and item.column in sorts:
            found += [Grouping(filter=item, part=part) for part, _words in PARTS]
        elif item.covered and item.kind in ("choice", "number", "person"):
            found.append(Grouping(filter=item))
    return found


def group_of(spec: ObjectSpec, key: str) -> Grouping | None:
    """The grouping that an address names; None for one that is not offered."""
    return next((one for one in groupings(spec) if one.key == key), None)


def part_words(part: str) -> Words:
    """How a part of a date is called."""
    return dict(PARTS)[part]


Sums = Sequence[str]
