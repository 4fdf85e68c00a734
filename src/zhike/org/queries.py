"""Reading people, teams and what they may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.apps import apps
from django.db import connection

from zhike.kernel.actor import Actor, FieldRules, Rule, Scope
from zhike.kernel.policy import policy_of

from .models import Team, User

# All that an actor is in one round trip: every request asks it. Who is meant stands in `mine` (teams) and `held` (roles).
SQL_HELD = """
with recursive mine as ({mine}),
below as (select id from mine union select t.id from org_team t join below b on t.parent_id = b.id),
held as ({held})
select 'team', b.id, '', case when m.is_home then 'home' when m.id is not null then 'mine' else '' end, 0
  from below b left join mine m on m.id = b.id
union all select 'role', role_id, '', '', 0 from held
union all select 'grant', g.role_id, g.label, g.verb, g.scope from org_grant g join held using (role_id)
union all select 'field', f.role_id, f.label, f.field, f.rule from org_fieldrule f join held using (role_id)
union all select 'share', 0, k."table", '', max(s.can_change::int) from kernel_share s join kernel_tablekind k using (kind)
  where (s.user_id = %(user)s or s.team_id in (select id from mine)) and (s.until is null or s.until > now()) group by k."table"
"""
SQL_PERSON = SQL_HELD.format(
    mine="select team_id as id, is_home from org_membership where user_id = %(user)s",
    held="select role_id from org_user_roles where user_id = %(user)s",
)
# Without a team the first list is empty; `user` is null, so that only shares with the team count.
SQL_INTEGRATION = SQL_HELD.format(
    mine="select %(team)s::int as id, true as is_home where %(team)s::int is not null",
    held="select id as role_id from org_role where id = %(role)s",
)


@dataclass(slots=True)
class _Held:
    """The parts of an actor while they are read."""

    teams: dict[int, str] = field(default_factory=dict)
    roles: set[int] = field(default_factory=set)
    grants: dict[tuple[str, str], Scope] = field(default_factory=dict)
    viewers: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    rules: defaultdict[tuple[str, str], dict[int, Rule]] = field(default_factory=lambda: defaultdict(dict))
    shared: dict[str, bool] = field(default_factory=dict)

    def take(self, row: tuple[str, int, str, str, int]) -> None:
        """Put one row of SQL_HELD where it belongs."""
        what, number, name, word, value = row
        if what == "team":
            self.teams[number] = word
        elif what == "role":
            self.roles.add(number)
        elif what == "grant":
            self.grants[name, word] = max(Scope(value), self.grants.get((name, word), Scope.OWN))
            if word == "view":
                self.viewers[name].add(number)
        elif what == "field":
            self.rules[name, word][number] = Rule(value)
        else:
            self.shared[_label_of_table(name)] = bool(value)


def actor_of(user: User, *, source: str = "web") -> Actor:
    """The actor a person is: the widest scope of each grant over all roles, own teams and the teams below them, field
    rules, and the object types of which something is shared with him."""
    held = _read(SQL_PERSON, {"user": user.pk})
    return replace(_actor(held), kind="person", user_id=user.pk, name=str(user), source=source)


def integration_actor(name: str, role_id: int, team_id: int | None) -> Actor | None:
    """The actor that an integration is: one role, one team as its home; None when the role is gone.

    It is nobody and owns nothing, so "own" in its role means what belongs to its team, and nothing without a team.
    """
    held = _read(SQL_INTEGRATION, {"user": None, "role": role_id, "team": team_id})
    if not held.roles:
        return None
    actor = _actor(held)
    grants = {key: max(scope, Scope.TEAM) for key, scope in actor.grants.items() if scope is Scope.ALL or team_id is not None}
    return replace(actor, kind="integration", name=name, grants=grants, source="api")


def _read(sql: str, who: dict[str, int | None]) -> _Held:
    with connection.cursor() as cursor:
        cursor.execute(sql, who)
        rows = cursor.fetchall()
    held = _Held()
    for row in rows:
        held.take(row)
    return held


def _actor(held: _Held) -> Actor:
    return Actor(
        kind="integration",
        team_ids=frozenset(team for team, place in held.teams.items() if place),
        branch_ids=frozenset(held.teams),
        home_team=next((team for team, place in held.teams.items() if place == "home"), None),
        role_ids=frozenset(held.roles),
        grants=held.grants,
        field_rules=_mildest(held),
        shared=held.shared,
    )


def _mildest(held: _Held) -> FieldRules:
    """A field is closed only when every role that shows the object type closes it, and then as mildly as one of them."""
    found: dict[str, dict[str, Rule]] = {}
    for (label, name), by_role in held.rules.items():
        viewers = held.viewers[policy_of(apps.get_model(label)).label]
        if viewers and viewers <= by_role.keys():
            found.setdefault(label, {})[name] = min(by_role[role] for role in viewers)
    return found


def _label_of_table(table: str) -> str:
    return next((model._meta.label_lower for model in apps.get_models() if model._meta.db_table == table), table)


def people(ids: Sequence[int] | None = None) -> dict[int, str]:
    """Names of people by id, of all active ones when no ids are given (a company's staff, at most some thousands)."""
    rows = User.objects.filter(pk__in=ids) if ids is not None else User.objects.filter(is_active=True)
    return dict(rows.order_by("name").values_list("pk", "name"))


def team_names() -> dict[int, str]:
    """All teams by id."""
    return dict(Team.objects.order_by("name").values_list("pk", "name"))
