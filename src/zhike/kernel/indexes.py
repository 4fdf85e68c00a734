"""Indexes that lists of every object type need."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models


def index_family(name: str, key: str, facets: Sequence[str] = ("owner", "team")) -> list[models.Index]:
    """One order of a list as three indexes: within an owner, within a team, over all; the facets are included.

    `name` is that of the object type and of the order: shop_updated gives shop_own_updated, shop_team_updated, shop_all_updated.
    """
    kind, _line, order = name.partition("_")
    keys, down = list(facets), f"-{key}"
    return [
        models.Index(fields=["owner", down, "-id"], include=[one for one in keys if one != "owner"], name=f"{kind}_own_{order}"),
        models.Index(fields=["team", down, "-id"], include=[one for one in keys if one != "team"], name=f"{kind}_team_{order}"),
        models.Index(fields=[down, "-id"], include=keys, name=f"{kind}_all_{order}"),
    ]
