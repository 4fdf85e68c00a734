"""Which records a bulk change is about: ticked ones, or all that match a list as it was when the change was ordered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import QuerySet

from zhike.kernel.actor import Actor
from zhike.kernel.lists.pages import listing
from zhike.kernel.models import Record
from zhike.kernel.spec import ObjectSpec

NOW = "zhike_bulk_now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Ids, or with `filters` (the parameters of a list's address, {} for the whole list) all that match."""

    ids: Sequence[uuid.UUID] = ()
    filters: Mapping[str, str] | None = field(default=None)

    def rows(self, spec: ObjectSpec, by: Actor, verb: str) -> QuerySet[Record]:
        """The chosen records within reach of the verb; raises what `listing` raises."""
        if self.filters is None:
            return spec.model.objects.allowed(by, verb).filter(pk__in=self.ids)
        return spec.model.objects.filter(listing(spec, by, self.filters, verb).matching())


def hold_now(ids: Sequence[uuid.UUID]) -> str:
    """Put ids into a table of this transaction; its name."""
    with connection.cursor() as cursor:
        cursor.execute(f"create temp table if not exists {NOW} (n bigint, id uuid) on commit drop")
        cursor.execute(f"truncate {NOW}")
        cursor.execute(f"insert into {NOW} select n, id from unnest(%s::uuid[]) with ordinality as u (id, n)", [list(ids)])
    return NOW


def write_down(rows: QuerySet[Record], table: str) -> int:
    """Keep the ids of these records in a table of their own, in the order in which they were made; how many."""
    sql, params = rows.order_by().values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        # Not unlogged: after a crash of the database it has to say the same.
        cursor.execute(f'create table "{table}" as select row_number() over (order by id) as n, id from ({sql}) x (id)', params)
        cursor.execute(f'create unique index on "{table}" (n)')
        cursor.execute(f'analyze "{table}"')
        cursor.execute(f'select count(*) from "{table}"')
        return int(cursor.fetchone()[0])
