"""Groupings in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ..lists.groups import Grouping, part_words


def grouping_words(item: Grouping) -> str:
    """等级, 最近购买（按月）."""
    if not item.part:
        return str(item.filter.label)
    return _("%(field)s（%(part)s）") % {"field": item.filter.label, "part": part_words(item.part)}
