"""Stored values of filters as a reader knows them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from .. import directory
from ..actor import Actor
from ..spec import Filter
from ..templatetags.zhike_ui import wan


def names_of(actor: Actor, item: Filter, values: Sequence[str]) -> list[str]:
    """Stored values of a filter as a reader knows them."""
    if item.names:
        return item.names(actor, values)
    if item.kind == "person":
        ids = [int(v) for v in values if v.isdigit()]
        known = directory.teams(ids) if item.column == "team" else directory.people(ids)
        return [_("我") if v == "me" else known.get(int(v), v) if v.isdigit() else v for v in values]
    if item.choices:
        known_choices = {key: str(label) for key, label in item.choices()}
        return [known_choices.get(v, v) for v in values]
    if item.kind == "range":
        return [wan(v) for v in values]
    return list(values)
