"""What follows the customer and what stands by itself: asked on the real data before it is decided, and taken back like any change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connection, transaction

from zhike.kernel import history
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.events import Event, publish
from zhike.kernel.followups import FollowUp, add_followup, settle
from zhike.kernel.models import Change
from zhike.kernel.policy import set_policy, shared
from zhike.kernel.rights import Follower, follower_of
from zhike.kernel.undo import guard_undo

from .tables import StandsApart

LABEL = "org.standsapart"
CAP = 10_000
SQL_DIFFERENT = """
select count(*), count(distinct mine) filter (where mine is not null), count(distinct above) filter (where above is not null) from (
  select r.owner_id as mine, p.owner_id as above from {table} r join {parent} p on p.id = r.{link}_id
  where (r.owner_id, r.team_id) is distinct from (p.owner_id, p.team_id) limit {limit}) x
"""
set_policy(StandsApart, shared("org.roles"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowingChanged(Event):
    """A type follows the record above it again, or does not any more."""

    name: ClassVar[str] = "org.following_changed"

    label: str
    is_apart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Records kept by others than the record above them (up to CAP + 1), those who keep them, and those who keep what is above."""

    records: int
    own_keepers: int
    keepers_above: int


def difference(follower: Follower) -> Difference:
    """How many records would change hands, and between how many people."""
    sql = SQL_DIFFERENT.format(
        table=follower.model._meta.db_table, parent=follower.parent._meta.db_table, link=follower.link, limit=CAP + 1
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        records, mine, above = cursor.fetchone()
    return Difference(records=int(records), own_keepers=int(mine), keepers_above=int(above))


def stands_apart(label: str) -> bool:
    return StandsApart.objects.filter(label=label).exists()


def let_stand_apart(label: str, is_apart: bool, *, by: Actor) -> None:
    """Let a type stand by itself, or follow again; deciding what holds already does nothing. Refused: not_permitted, gone."""
    if not by.may("org.roles", "change") and by.kind != "system":
        raise Refused("not_permitted", verb="change", label="org.roles")
    if follower_of(label) is None:
        raise Refused("gone", label=label)
    with transaction.atomic():
        known = StandsApart.objects.select_for_update().filter(label=label).first()
        if (known is not None) == is_apart:
            return
        change = history.begin_change(by, verb="let_stand_apart" if is_apart else "let_follow", label=LABEL)
        row = known or StandsApart(label=label)
        Change.objects.filter(pk=change.pk).update(object_id=row.pk)
        if is_apart:
            row.save(force_insert=True)
        else:
            row.delete()
        settle(str(change.pk), LABEL)


def _require_keeper(change: Change, by: Actor) -> None:
    del change
    if not by.may("org.roles", "change") and by.kind != "system":
        raise Refused("not_permitted", verb="change", label="org.roles")


def _tell(cursor: Any, table: str, lo: int, hi: int) -> int:
    """Tell whoever copies owners; a row that is gone says its label in the history."""
    cursor.execute(
        f"select coalesce(s.label, (select h.old->>'label' from kernel_history h where h.object_id = t.id and h.op = 'D' order by h.hid desc limit 1)), "
        f's.id is not null from "{table}" t left join org_standsapart s on s.id = t.id where t.n > %s and t.n <= %s',
        [lo, hi],
    )
    for label, is_apart in cursor.fetchall():
        publish(FollowingChanged(label=label, is_apart=is_apart))
    return hi - lo


TOUCHED = "select object_id as id from kernel_history where change_id = %(change)s and kind = {kind}"
add_followup(
    FollowUp(
        name="following",
        labels=(LABEL,),
        touched=lambda: TOUCHED.format(kind=history.kind_of(StandsApart)),
        apply=_tell,
        done_by_import=True,
    )
)
guard_undo(LABEL, _require_keeper)
