"""Who can see, change, delete or take out one record, and why: set-wise over all people, from the same policy as every list."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext as _

from zhike.kernel import directory
from zhike.kernel.actor import Scope
from zhike.kernel.models import Record
from zhike.kernel.policy import SHARED_VERBS, Lock, policy_of

from ..models import Team, User
from ..queries import actor_of
from .tables import StandsApart

VERBS = ("view", "change", "delete", "export")
PAGE = 50
# Everybody with a grant, and which of the ways in he has; scopes: 1 own, 2 team, 3 branch, 4 all.
SQL_WHO = """
with recursive above as (select t.id, t.parent_id from org_team t where t.id = %(team)s
  union all select t.id, t.parent_id from org_team t join above a on t.id = a.parent_id),
held as (select h.user_id, g.role_id, g.scope from org_grant g join org_user_roles h on h.role_id = g.role_id
  where g.label = %(label)s and g.verb = %(verb)s),
given as (select s.user_id, s.team_id from kernel_share s where s.object_id = any(%(shared)s) and (s.until is null or s.until > now())
  and (%(verb)s <> 'change' or s.can_change)),
ways as (
  select user_id, role_id, 'all' as way, 4 as rank from held where scope = 4 or %(open)s
  union all select user_id, role_id, 'own', 3 from held where user_id = %(owner)s and not %(open)s
  union all select h.user_id, h.role_id, case when h.scope = 2 then 'team' else 'branch' end, 2 from held h
    where h.scope in (2, 3) and not %(open)s and exists (select 1 from org_membership m where m.user_id = h.user_id
      and (m.team_id = %(team)s or (h.scope = 3 and m.team_id in (select id from above))))
  union all select h.user_id, h.role_id, 'share', 1 from held h where not %(open)s and (
    exists (select 1 from given where given.user_id = h.user_id)
    or exists (select 1 from given join org_membership m on m.team_id = given.team_id where m.user_id = h.user_id)))
select u.id, u.name, u.username, array_agg(distinct w.way), array_agg(distinct w.role_id)
from ways w join org_user u on u.id = w.user_id
where u.is_active and (%(text)s = '' or u.name ilike %(like)s or u.username ilike %(like)s) and (u.name, u.id) > (%(after_name)s, %(after_id)s)
group by u.id order by u.name, u.id limit %(size)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """A person who may, by which roles, and the ways in: all, own, team, branch, share."""

    id: int
    name: str
    username: str
    ways: tuple[str, ...]
    roles: tuple[str, ...]


def lock_of(record: Record, verb: str) -> Lock:
    """What opens a record, read without anybody's eyes."""
    fresh = type(record)._default_manager.get(pk=record.pk)
    return policy_of(type(record)).lock(fresh, verb, apart())


def apart() -> frozenset[str]:
    """Object types that this company lets stand apart."""
    return frozenset(StandsApart.objects.values_list("label", flat=True))


def people_who_may(lock: Lock, verb: str, *, text: str = "", after: tuple[str, int] = ("", 0), size: int = PAGE) -> list[Someone]:
    """Active people who may do `verb` on what a lock holds, by name; `after` is name and id of the last one shown."""
    typed = text.strip()[:60]
    facts: dict[str, Any] = {
        "label": lock.label, "verb": verb, "open": lock.is_open, "owner": lock.owner_id, "team": lock.team_id,
        "shared": list(lock.shared_ids) if verb in SHARED_VERBS else [], "text": typed,
        "like": "%" + typed.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%",
        "after_name": after[0], "after_id": after[1], "size": size,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SQL_WHO, facts)
        found = cursor.fetchall()
    names = directory.roles()
    return [
        Someone(
            id=pk, name=name or username, username=username, ways=tuple(ways), roles=tuple(names[role] for role in roles if role in names)
        )
        for pk, name, username, ways, roles in found
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an explanation; `holds` says whether it opens the record."""

    holds: bool
    text: str
    is_fact: bool = False  # says what is, neither for nor against


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether one person may do `verb` on one record, with every step, and the fields that stay closed to him."""

    verb: str
    may: bool
    steps: tuple[Step, ...]
    fields: tuple[str, ...]


def explain(record: Record, user: User, verb: str) -> Answer:
    """Why somebody may or may not; the answer itself is the policy's own."""
    policy = policy_of(type(record))
    actor = actor_of(user)
    fresh = type(record)._default_manager.get(pk=record.pk)
    lock = policy.lock(fresh, verb, actor.apart)
    scope = actor.scope(policy.label, verb)
    steps = [Step(holds=user.is_active, text=_("在职，可以登录") if user.is_active else _("已停用，不能登录"))]
    steps += _grant_steps(user, policy.label, verb, scope)
    if scope is not None and not lock.is_open and scope is not Scope.ALL:
        steps += [_owner_step(user, lock), *_team_steps(user, lock, scope), *_share_steps(user, lock, verb)]
    may = user.is_active and policy.allows(actor, verb, fresh)
    closed = tuple(name for name, rule in actor.rules(fresh._meta.label_lower).items() if rule)
    return Answer(verb=verb, may=may, steps=tuple(steps), fields=closed)


def _grant_steps(user: User, label: str, verb: str, scope: Scope | None) -> list[Step]:
    roles = user.roles.filter(grants__label=label, grants__verb=verb).order_by("pk").annotate(given=F("grants__scope"))
    if not roles:
        names = _("、").join(str(role) for role in user.roles.order_by("pk"))
        return [Step(holds=False, text=_("角色 %(roles)s 没有这项权限") % {"roles": names} if names else _("没有任何角色"))]
    return [
        Step(
            holds=role.given == Scope.ALL,
            is_fact=role.given != Scope.ALL,
            text=_("角色 %(role)s 可以，范围：%(scope)s") % {"role": role, "scope": scope_words(Scope(role.given))},
        )
        for role in roles
    ]


def scope_words(scope: Scope) -> str:
    """How far a grant reaches, in a sentence."""
    return {Scope.OWN: _("本人负责的"), Scope.TEAM: _("本团队的"), Scope.BRANCH: _("本团队和下级的"), Scope.ALL: _("全部")}[scope]


def _owner_step(user: User, lock: Lock) -> Step:
    if lock.owner_id is None:
        return Step(holds=False, text=_("没有负责人"))
    owner = User.objects.filter(pk=lock.owner_id).first()
    return Step(holds=lock.owner_id == user.pk, text=_("负责人是 %(owner)s") % {"owner": owner or lock.owner_id})


def _team_steps(user: User, lock: Lock, scope: Scope) -> list[Step]:
    if scope is Scope.OWN:
        return []
    if lock.team_id is None:
        return [Step(holds=False, text=_("不属于任何团队"))]
    path = team_path(lock.team_id)
    mine = set(user.memberships.values_list("team_id", flat=True))
    holds = lock.team_id in mine if scope is Scope.TEAM else bool(mine & {team.pk for team in path})
    return [Step(holds=holds, text=_("属于团队 %(path)s") % {"path": " › ".join(str(team) for team in path)})]


def team_path(team_id: int) -> list[Team]:
    """A team with all above it, the highest first."""
    by_id = {team.pk: team for team in Team.objects.all()}
    path: list[Team] = []
    at = by_id.get(team_id)
    while at is not None and at not in path:
        path.insert(0, at)
        at = by_id.get(at.parent_id or 0)
    return path


def _share_steps(user: User, lock: Lock, verb: str) -> list[Step]:
    if verb not in SHARED_VERBS:
        return []
    holds = bool(people_shared_with(lock.shared_ids, user, verb))
    return [Step(holds=holds, text=_("共享给他或他的团队") if holds else _("没有共享给他"))]


def people_shared_with(ids: Sequence[uuid.UUID], user: User, verb: str) -> int:
    """How many shares in force open one of the records to a person."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from kernel_share s where s.object_id = any(%s) and (s.until is null or s.until > now()) and (%s <> 'change' or s.can_change) "
            "and (s.user_id = %s or s.team_id in (select team_id from org_membership where user_id = %s))",
            [list(ids), verb, user.pk, user.pk],
        )
        return int(cursor.fetchone()[0])
