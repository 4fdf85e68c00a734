"""Keys of a divided figure as people call them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from zhike.kernel import directory
from zhike.kernel.metrics import Dimension

from .compute import Key, Table
from .periods import period_of

NO_VALUE = ("", None)


def key_names(table: Table, at: int) -> dict[Key, str]:
    """Names of the keys of one dimension of an answer; those without one of their own are left out."""
    dimension = table.by[at]
    keys = {row.keys[at] for row in table.rows} - {None}
    if dimension.kind in ("user", "team"):
        return _people(dimension, keys)
    if dimension.choices:
        return {key: str(words) for key, words in dimension.choices if key in keys}
    if dimension.kind == "period":
        return {key: period_of(key, dimension.unit).code for key in keys}  # type: ignore[arg-type]
    if dimension.kind == "yes_no":
        return {True: _("是"), False: _("否")}
    return {row.keys[at]: row.labels[at] for row in table.rows if row.labels[at]}


def _people(dimension: Dimension, keys: set[Any]) -> dict[Key, str]:
    named = directory.people(keys) if dimension.kind == "user" else directory.teams(keys)
    return dict(named.items())


def name_of(names: dict[Key, str], key: Key) -> str:
    """A key by its name, as it is, or that there is none."""
    return names.get(key) or (_("没填的") if key in NO_VALUE else str(key))
