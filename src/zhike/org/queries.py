"""Reading people, teams and what they may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.apps import apps
from django.db import connection

from zhike.kernel.actor import Actor, FieldRules, Rule, Scope
from zhike.kernel.policy import policy_of

from .models import Team, User

# All that an actor is in one round trip: every request asks it.
SQL_ACTOR = """
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
union all select 'apart', 0, label, '', 0 from org_standsapart
union all select 'schema', 0, '', '', version from kernel_fieldcatalogue
"""
MINE = "select team_id as id, is_home from org_membership where user_id = %(user)s"
HELD = "select role_id from org_user_roles where user_id = %(user)s"
AS_IF_IN = "select t.id, false as is_home from org_team t where t.id = any(%(teams)s)"
AS_HOME = "select t.id, true as is_home from org_team t where t.id = any(%(teams)s)"
AS_IF_HELD = "select id as role_id from org_role where id = any(%(roles)s)"


@dataclass(slots=True)
class _Held:
    """The parts of an actor while they are read."""

    teams: dict[int, str] = field(default_factory=dict)
    roles: set[int] = field(default_factory=set)
    grants: dict[tuple[str, str], Scope] = field(default_factory=dict)
    viewers: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    rules: defaultdict[tuple[str, str], dict[int, Rule]] = field(default_factory=lambda: defaultdict(dict))
    shared: dict[str, bool] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    schema: int = 0

    def take(self, row: tuple[str, int, str, str, int]) -> None:
        """Put one row of SQL_ACTOR where it belongs."""
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
        elif what == "apart":
            self.apart.add(name)
        elif what == "schema":
            self.schema = value
        else:
            self.shared[_label_of_table(name)] = bool(value)


def actor_of(user: User, *, source: str = "web") -> Actor:
    """The actor a person is: the widest scope of each grant over all roles, own teams and the teams below them, field
    rules, the object types of which something is shared with him, and the state of the company's own fields."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_ACTOR.format(mine=MINE, held=HELD), {"user": user.pk})
        return _actor(user, cursor.fetchall(), source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What would be otherwise: the person's roles or teams (None: as they are), and what one role holds."""

    roles: Sequence[int] | None = None
    teams: Sequence[int] | None = None
    role_id: int | None = None
    grants: Mapping[tuple[str, str], Scope] = field(default_factory=dict)
    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)


def actor_if(user: User, supposed: Supposed) -> Actor:
    """The actor a person would be."""
    sql = SQL_ACTOR.format(mine=MINE if supposed.teams is None else AS_IF_IN, held=HELD if supposed.roles is None else AS_IF_HELD)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"user": user.pk, "roles": list(supposed.roles or ()), "teams": list(supposed.teams or ())})
        rows = cursor.fetchall()
    if supposed.role_id is not None and ("role", supposed.role_id) in {row[:2] for row in rows}:
        rows = [row for row in rows if row[0] not in ("grant", "field") or row[1] != supposed.role_id]
        rows += [("grant", supposed.role_id, label, verb, int(scope)) for (label, verb), scope in supposed.grants.items()]
        rows += [("field", supposed.role_id, label, name, int(rule)) for (label, name), rule in supposed.rules.items()]
    return _actor(user, rows, "web")


def integration_actor(name: str, role_id: int, team_id: int | None) -> Actor | None:
    """The actor that an integration is: one role, one team as its home; None when the role is gone.

    It is nobody and owns nothing, so "own" in its role means what belongs to its team, and nothing without a team.
    """
    with connection.cursor() as cursor:
        who = {"user": None, "roles": [role_id], "teams": [] if team_id is None else [team_id]}
        cursor.execute(SQL_ACTOR.format(mine=AS_HOME, held=AS_IF_HELD), who)
        rows = cursor.fetchall()
    if not any(row[0] == "role" for row in rows):
        return None
    actor = _actor(User(name=name), rows, "api")
    grants = {key: max(scope, Scope.TEAM) for key, scope in actor.grants.items() if scope is Scope.ALL or team_id is not None}
    return replace(actor, kind="integration", grants=grants)


def _actor(user: User, rows: Sequence[tuple[str, int, str, str, int]], source: str) -> Actor:
    held = _Held()
    for row in rows:
        held.take(row)
    return Actor(
        kind="person",
        user_id=user.pk,
        name=str(user),
        team_ids=frozenset(team for team, place in held.teams.items() if place),
        branch_ids=frozenset(held.teams),
        home_team=next((team for team, place in held.teams.items() if place == "home"), None),
        role_ids=frozenset(held.roles),
        grants=held.grants,
        field_rules=_mildest(held),
        shared=held.shared,
        apart=frozenset(held.apart),
        schema=held.schema,
        source=source,
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
