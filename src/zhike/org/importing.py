"""People named in files: whom a record shall belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhike.kernel.imports.declared import offer_lookup
from zhike.kernel.imports.targets import Lookup
from zhike.kernel.later import Later

from .models import User

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")


def _people() -> pl.DataFrame:
    """Owners by user name and by name (a name that two people have stands for neither)."""
    rows: dict[str, tuple[int, int | None] | None] = {}
    users = User.objects.filter(is_active=True).values_list("username", "name", "pk", "memberships__team_id", "memberships__is_home")
    homes = {pk: team for _u, _n, pk, team, is_home in users if is_home}
    for username, name, pk in {row[:3] for row in users}:
        rows[username] = (pk, homes.get(pk))
        if name and name != username:
            rows[name] = None if name in rows else (pk, homes.get(pk))
    known = {word: found for word, found in rows.items() if found}
    return pl.DataFrame(
        {"word": list(known), "owner_id": [f[0] for f in known.values()], "team_id": [f[1] for f in known.values()]},
        schema={"word": pl.String, "owner_id": pl.Int64, "team_id": pl.Int64},
    )


OWNER = offer_lookup("person", Lookup(make=_people, writes={"owner_id": "integer", "team_id": "integer"}, code="owner_unknown"))
