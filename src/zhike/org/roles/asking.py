"""What if: which records, verbs and fields a change of rights would open and close, worked out on the real data before it is saved."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from zhike.kernel.actor import Actor, Rule, Scope
from zhike.kernel.errors import Refused
from zhike.kernel.lists import engine
from zhike.kernel.policy import Reach
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec

from ..models import Role, User
from ..queries import Supposed, actor_if, actor_of
from .editing import Wish, wish_of

LOOKED_AT = 40  # people whose rights are compared
COUNTED = 5  # people whose records are counted
CAP = 10_000
BUDGET = 0.8  # seconds that counting may take before the rest is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """Records of one type that a person would see more and less of; above `CAP` there are more."""

    spec: ObjectSpec
    more: int
    less: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What would change for one person; `deltas` is None when there was no time to count."""

    user: User
    deltas: tuple[Delta, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One right or rule that changes: whose, which, from and to in numbers (None: not at all)."""

    label: str
    name: str
    before: int | None
    after: int | None
    is_field: bool = False

    @property
    def opens(self) -> bool:
        """Whether more becomes possible by it."""
        wider = (self.after or 0) > (self.before or 0)
        return not wider if self.is_field else wider


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """All that a change would do. Of `holders` people `looked_at` were compared and `changed` of those would notice."""

    steps: tuple[Step, ...]
    holders: int
    looked_at: int
    changed: int
    people: tuple[Person, ...]


def impact_on_role(role: Role, wish: Wish) -> Impact:
    """What a role with other contents would do to those who have it."""
    holders = User.objects.filter(roles=role, is_active=True)
    supposed = Supposed(role_id=role.pk, grants=wish.grants, rules=wish.rules)
    pairs = [(user, actor_of(user), actor_if(user, supposed)) for user in holders.order_by("name", "pk")[:LOOKED_AT]]
    return _impact(tuple(steps_between(wish_of(role), wish)), holders.count(), pairs)


def impact_on_person(user: User, *, roles: Sequence[int] | None = None, teams: Sequence[int] | None = None) -> Impact:
    """What other roles or teams would do to one person."""
    before, after = actor_of(user), actor_if(user, Supposed(roles=roles, teams=teams))
    steps = steps_between(_wish(before), _wish(after))
    return _impact(tuple(steps), 1, [(user, before, after)])


def _wish(actor: Actor) -> Wish:
    rules = {(label, name): rule for label, names in actor.field_rules.items() for name, rule in names.items()}
    return Wish(grants=actor.grants, rules=rules)


def steps_between(before: Wish, after: Wish) -> Iterable[Step]:
    """Rights and rules that differ, in the order of their names."""
    yield from _differing(before.grants, after.grants, is_field=False)
    yield from _differing(before.rules, after.rules, is_field=True)


def _differing(
    before: Mapping[tuple[str, str], Scope | Rule], after: Mapping[tuple[str, str], Scope | Rule], *, is_field: bool
) -> Iterable[Step]:
    for label, name in sorted(before.keys() | after.keys()):
        was, now = before.get((label, name)), after.get((label, name))
        if was != now:
            yield Step(label=label, name=name, before=was, after=now, is_field=is_field)


def _impact(steps: tuple[Step, ...], holders: int, pairs: Sequence[tuple[User, Actor, Actor]]) -> Impact:
    changed = [(user, before, after) for user, before, after in pairs if _rights(before) != _rights(after)]
    ends = time.monotonic() + BUDGET
    people = [Person(user=user, deltas=_deltas(before, after, ends)) for user, before, after in changed[:COUNTED]]
    return Impact(steps=steps, holders=holders, looked_at=len(pairs), changed=len(changed), people=tuple(people))


def _rights(actor: Actor) -> object:
    return actor.grants, actor.field_rules, actor.team_ids, actor.branch_ids


def _deltas(before: Actor, after: Actor, ends: float) -> tuple[Delta, ...] | None:
    found = []
    for spec in objects:
        if spec.policy.parent is not None:
            continue
        was, now = spec.policy.reach(before, "view"), spec.policy.reach(after, "view")
        if time.monotonic() > ends:
            return None
        try:
            more, less = _count(spec, gained(was, now)), _count(spec, gained(now, was))
        except Refused:
            return None
        if more or less:
            found.append(Delta(spec=spec, more=more, less=less))
    return tuple(found)


def _count(spec: ObjectSpec, condition: Q | None) -> int:
    return 0 if condition is None else engine.count(spec.model, condition, CAP)


def gained(before: Reach, after: Reach) -> Q | None:
    """The rows that one reach has beyond another of the same person, as a condition that indexes serve; None for none.

    Teams are compared, not rows: "in these teams and not in those" would read all of them.
    """
    if after.kind == "none" or before.kind == "all":
        return None
    if before.kind == "none":
        return after.within()
    if after.kind == "all":
        return ~before.within()
    teams = sorted(set(after.team_ids) - set(before.team_ids))
    return Q(team_id__in=teams) & ~Q(owner_id=after.user_id) if teams else None
