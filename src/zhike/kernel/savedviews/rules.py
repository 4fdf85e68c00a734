"""Who sees and keeps saved views and layouts.

A view is seen by whoever made it, by the people of its team, of the teams below and above that one, or by everybody.
A team's views are kept by those who may change records of that type throughout the team; views for everybody,
the starts of roles and layouts by those who look after the company's fields.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from ..actor import Actor, Scope
from ..errors import Refused
from ..policy import NO_ROW, Policy, set_policy
from ..registry import objects
from .tables import Audience, Layout, RoleStart, SavedView

FIELDS = "org.fields"
SQL_ABOVE = """
with recursive up as (select id, parent_id from {table} where id = any(%s)
union select t.id, t.parent_id from {table} t join up on t.id = up.parent_id) select id from up
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPolicy(Policy):
    """Rows of saved views by audience; who may change one is asked of the object type that it lists."""

    def rows(self, actor: Actor, verb: str) -> Q:
        if actor.kind == "system":
            return Q()
        mine = Q(audience=Audience.OWN, owner_id=actor.user_id)
        if verb == "view":
            return mine | Q(audience=Audience.ALL) | Q(audience=Audience.TEAM, team_id__in=_teams_above(actor)) | _of_branch(actor)
        kept = Q(audience=Audience.ALL) if looks_after(actor) else NO_ROW
        for spec in objects:
            kept |= Q(audience=Audience.TEAM, label=spec.label) & _teams_kept(actor, spec.policy.label)
        return mine | kept

    def allows(self, actor: Actor, verb: str, record: models.Model) -> bool:
        return SavedView.objects.filter(self.rows(actor, verb), pk=record.pk).exists()

    def require_any(self, actor: Actor, verb: str) -> None:
        """Whoever works here may have views of his own; the audience is asked when one is kept."""
        if actor.user_id is None and actor.kind != "system":
            raise Refused("not_permitted", verb=verb, label=self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class HousePolicy(Policy):
    """Everyone is shown what the company arranged; those with the grant change it."""

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q() if verb == "view" or looks_after(actor) else NO_ROW

    def allows(self, actor: Actor, verb: str, record: models.Model) -> bool:
        del record
        return verb == "view" or looks_after(actor)

    def require_any(self, actor: Actor, verb: str) -> None:
        if verb != "view" and not looks_after(actor):
            raise Refused("not_permitted", verb=verb, label=self.label)


def looks_after(actor: Actor) -> bool:
    """Whether the actor looks after the company's fields, layouts and views for everybody."""
    return actor.may(FIELDS, "change")


def may_keep(actor: Actor, label: str, audience: str, team_id: int | None) -> bool:
    """Whether the actor may keep a view of this object type for this audience."""
    if audience == Audience.OWN:
        return actor.user_id is not None
    if audience == Audience.ALL:
        return looks_after(actor)
    kept = teams_kept(actor, objects.get(label).policy.label)
    return team_id is not None and (kept is None or team_id in kept)


def teams_kept(actor: Actor, policy_label: str) -> frozenset[int] | None:
    """The teams whose views of a type the actor may keep; None for all of them."""
    scope = actor.scope(policy_label, "change")
    if scope is Scope.ALL:
        return None
    return {Scope.TEAM: actor.team_ids, Scope.BRANCH: actor.branch_ids}.get(scope or Scope.OWN, frozenset())


def _teams_kept(actor: Actor, policy_label: str) -> Q:
    kept = teams_kept(actor, policy_label)
    if kept is None:
        return Q()
    return Q(team_id__in=sorted(kept)) if kept else NO_ROW


def _teams_above(actor: Actor) -> RawSQL:
    """The actor's teams and all above them, found by the database: a tree has no depth that an actor could carry."""
    table = apps.get_model(settings.ZHIKE_TEAM_MODEL)._meta.db_table
    return RawSQL(SQL_ABOVE.format(table=f'"{table}"'), [sorted(actor.team_ids)])


def _of_branch(actor: Actor) -> Q:
    return Q(audience=Audience.TEAM, team_id__in=sorted(actor.branch_ids)) if actor.branch_ids else NO_ROW


set_policy(SavedView, ViewPolicy(label="kernel.savedview"))
set_policy(RoleStart, HousePolicy(label=FIELDS))
set_policy(Layout, HousePolicy(label=FIELDS))
