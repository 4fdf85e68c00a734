"""Reading people, teams and grants."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from zhike.kernel.actor import Actor, Scope

from .models import Grant, Team, User

SQL_TEAMS = """
with recursive mine as (select team_id as id, is_home from org_membership where user_id = %s),
below as (select id from mine union select t.id from org_team t join below b on t.parent_id = b.id)
select b.id, m.id is not null, coalesce(m.is_home, false) from below b left join mine m on m.id = b.id
"""


def actor_of(user: User, *, source: str = "web") -> Actor:
    """The actor a person is: the widest scope of each grant over all roles, own teams and the teams below them."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_TEAMS, [user.pk])
        teams = cursor.fetchall()
    grants: dict[tuple[str, str], Scope] = {}
    for label, verb, scope in Grant.objects.filter(role__users=user).values_list("label", "verb", "scope"):
        grants[label, verb] = max(Scope(scope), grants.get((label, verb), Scope.OWN))
    return Actor(
        kind="person",
        user_id=user.pk,
        name=str(user),
        team_ids=frozenset(team for team, is_mine, _ in teams if is_mine),
        branch_ids=frozenset(team for team, _, _ in teams),
        home_team=next((team for team, _, is_home in teams if is_home), None),
        grants=grants,
        source=source,
    )


def people(ids: Sequence[int] | None = None) -> dict[int, str]:
    """Names of people by id, of all active ones when no ids are given (a company's staff, at most some thousands)."""
    rows = User.objects.filter(pk__in=ids) if ids is not None else User.objects.filter(is_active=True)
    return dict(rows.order_by("name").values_list("pk", "name"))


def team_names() -> dict[int, str]:
    """All teams by id."""
    return dict(Team.objects.order_by("name").values_list("pk", "name"))
