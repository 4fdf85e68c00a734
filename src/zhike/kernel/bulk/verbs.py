"""What can be done to many records: each verb is one function over a range of ids, the same for ten and for a million."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from django.db import connection

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.lists.engine import Sql, where_sql
from zhike.kernel.models import Record
from zhike.kernel.policy import policy_of

CHANGED = "zhike_bulk_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Chosen records: those of `table` (n bigint, id uuid) with lo < n <= hi, what to do, and who does it."""

    model: type[Record]
    table: str
    lo: int
    hi: int
    values: Mapping[str, Any]
    by: Actor

    @property
    def ids(self) -> str:
        """The chosen ids, as SQL."""
        return f'select id from "{self.table}" where n > {int(self.lo)} and n <= {int(self.hi)}'

    def reach(self, verb: str) -> Sql:
        """The records that the actor may do this to, as a condition on the model's table."""
        return where_sql(self.model, policy_of(self.model).rows(self.by, verb))

    def cut(self, lo: int, hi: int) -> Self:
        return replace(self, lo=lo, hi=hi)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a part: ids changed, and records left alone as (id, reason), with how many for each reason."""

    changed: list[uuid.UUID] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)

    def skip(self, why: str, count: int, ids: list[str]) -> None:
        """Note records that were left alone; ids of the first hundred are enough."""
        self.counts[why] = self.counts.get(why, 0) + count
        self.skipped += [(pk, why) for pk in ids[: max(0, 100 - len(self.skipped))]]

    def add(self, other: Outcome) -> None:
        """Take in what came of another part."""
        self.changed += other.changed
        self.fields = self.fields or other.fields
        for why, count in other.counts.items():
            self.skip(why, count, [pk for pk, reason in other.skipped if reason == why])


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkVerb:
    """A thing to do to many records: the right it needs, what it does, and the verb that its event tells."""

    name: str
    needs: Callable[[Mapping[str, Any]], str]
    apply: Callable[[Part], Outcome]
    tells: str = "changed"


_verbs: dict[str, BulkVerb] = {}


def add_verb(verb: BulkVerb) -> BulkVerb:
    """Declare something that can be done to many records."""
    _verbs[verb.name] = verb
    return verb


def verb_named(name: str) -> BulkVerb:
    """The verb; Refused("verb_unknown")."""
    if name not in _verbs:
        raise Refused("verb_unknown", name=name)
    return _verbs[name]


def note_changed(sql: str, params: list[Any], first: str = "") -> list[uuid.UUID]:
    """Run a statement that gives the ids it changed, and keep them at hand for the rest of the transaction.

    `first` is a common table expression that it reads, when that is what writes.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"create temp table if not exists {CHANGED} (id uuid) on commit drop")
        cursor.execute(f"truncate {CHANGED}")
        cursor.execute(f"with {first + ', ' if first else ''}u (id) as ({sql}) insert into {CHANGED} select id from u returning id", params)
        return [row[0] for row in cursor.fetchall()]


def why_not(part: Part, verb: str, outcome: Outcome, otherwise: str = "same") -> None:
    """Say for each chosen record that was not changed whether it is gone, out of reach, or left for another reason."""
    if len(outcome.changed) == part.hi - part.lo:
        return
    table = f'"{part.model._meta.db_table}"'
    reach, params = part.reach(verb)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select why, count(*), (array_agg(id::text order by id))[1:100] from (select w.id, case when {table}.\"id\" is null then 'gone' "
            f"when not ({reach}) then 'not_permitted' else %s end as why from ({part.ids}) w left join {table} on {table}.\"id\" = w.id "
            f"where not exists (select 1 from {CHANGED} c where c.id = w.id)) x group by why",
            [*params, otherwise],
        )
        for why, count, ids in cursor.fetchall():
            outcome.skip(why, int(count), ids)
