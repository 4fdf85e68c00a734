"""People and roles as the kernel's links to other systems need them; named in the settings."""

from __future__ import annotations

from django.db import connection

from zhike.kernel.actor import Actor, Scope

from .models import Grant, Role, User
from .queries import actor_of

SQL_BELOW = """
with recursive below as (select id from org_team where id = %s union select t.id from org_team t join below b on t.parent_id = b.id)
select id from below
"""


def person_of(user_id: int) -> tuple[Actor, str] | None:
    """An active person as the actor behind a token, and the person's language."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return (actor_of(user, source="api"), user.language) if user else None


def integration_of(*, name: str, role_id: int, team_id: int | None) -> Actor | None:
    """An actor with the grants of one role, at home in one team; None when the role is gone."""
    if not Role.objects.filter(pk=role_id).exists():
        return None
    grants = {
        (label, verb): Scope(scope) for label, verb, scope in Grant.objects.filter(role_id=role_id).values_list("label", "verb", "scope")
    }
    branch: frozenset[int] = frozenset()
    if team_id is not None:
        with connection.cursor() as cursor:
            cursor.execute(SQL_BELOW, [team_id])
            branch = frozenset(row[0] for row in cursor.fetchall())
    # Nobody's records are not its own: without a team a narrow grant reaches nothing.
    grants = {key: scope for key, scope in grants.items() if scope is not Scope.OWN or team_id is not None}
    return Actor(
        kind="integration",
        name=name,
        team_ids=branch & {team_id} if team_id is not None else frozenset(),
        branch_ids=branch,
        home_team=team_id,
        grants={key: max(scope, Scope.TEAM) for key, scope in grants.items()},
        source="api",
    )


def roles() -> dict[int, str]:
    """Names of all roles by id."""
    return dict(Role.objects.order_by("name").values_list("pk", "name"))
