"""Who may do what, worked out in plain Python from roles, teams and shares: the independent answer that rights are tested against.

Nothing here calls the product's rules. It reads the rows as they are stored and thinks in sets.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from zhike.kernel.models import Share
from zhike.org.models import FieldRule, Grant, Membership, Role, Team, User
from zhike.org.roles.tables import StandsApart

# What decides about a type: whose grants, and which link leads to the record whose owner and team count.
BELOW: dict[str, tuple[str, str]] = {"customers.contact": ("customers.customer", "customer")}
OPEN_TO_ALL = {"catalog.product"}
SHARED_BELOW: dict[str, str] = {"orders.order": "customer"}  # shares of the record behind the link count too
OWN, TEAM, BRANCH, ALL = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Owner, team and the ids whose shares open a record."""

    owner: int | None
    team: int | None
    shared_by: tuple[Any, ...]


class Reference:
    """The stored rights, read once."""

    def __init__(self) -> None:
        self.grants = list(Grant.objects.values_list("role_id", "label", "verb", "scope"))
        self.roles_of: dict[int, set[int]] = {}
        for user, role in User.roles.through.objects.values_list("user_id", "role_id"):
            self.roles_of.setdefault(user, set()).add(role)
        self.teams_of: dict[int, set[int]] = {}
        for user, team in Membership.objects.values_list("user_id", "team_id"):
            self.teams_of.setdefault(user, set()).add(team)
        self.above: dict[int, int | None] = dict(Team.objects.values_list("pk", "parent_id"))
        self.shares = list(Share.objects.values_list("object_id", "user_id", "team_id", "can_change", "until"))
        self.apart = set(StandsApart.objects.values_list("label", flat=True))
        self.active = set(User.objects.filter(is_active=True).values_list("pk", flat=True))
        self.now = dt.datetime.now(tz=dt.UTC)

    def label(self, label: str) -> str:
        return BELOW.get(label, (label, ""))[0]

    def scope(self, user: int, label: str, verb: str) -> int:
        """The widest scope of a person, 0 for none."""
        roles = self.roles_of.get(user, set())
        return max((scope for role, on, can, scope in self.grants if role in roles and on == self.label(label) and can == verb), default=0)

    def known(self, label: str, record: Any) -> Known:
        above, link = BELOW.get(label, ("", ""))
        if link and label not in self.apart:
            behind = getattr(record, link)
            return Known(owner=behind.owner_id, team=behind.team_id, shared_by=(behind.pk,))
        also = getattr(record, f"{SHARED_BELOW[label]}_id") if label in SHARED_BELOW and label not in self.apart else None
        del above
        return Known(owner=record.owner_id, team=record.team_id, shared_by=tuple(pk for pk in (record.pk, also) if pk))

    def may(self, user: int, label: str, verb: str, record: Any) -> bool:
        """Whether a person may do this with this record."""
        scope = self.scope(user, label, verb)
        if not scope:
            return False
        if scope == ALL or label in OPEN_TO_ALL:
            return True
        known = self.known(label, record)
        if known.owner is not None and known.owner == user:
            return True
        mine = self.teams_of.get(user, set())
        if scope == TEAM and known.team in mine:
            return True
        if scope == BRANCH and mine & self._path(known.team):
            return True
        return verb in ("view", "change", "reveal") and self._is_shared(user, mine, verb, known)

    def _path(self, team: int | None) -> set[int]:
        path: set[int] = set()
        while team is not None:
            path.add(team)
            team = self.above[team]
        return path

    def _is_shared(self, user: int, mine: set[int], verb: str, known: Known) -> bool:
        return any(
            pk in known.shared_by
            and (to_user == user or to_team in mine)
            and (until is None or until > self.now)
            and (verb != "change" or change)
            for pk, to_user, to_team, change, until in self.shares
        )


def closed_fields(user: int, label: str) -> dict[str, int]:
    """Field -> strictest thing that every viewing role of a person says (1 read-only, 2 masked, 3 hidden); open ones are left out."""
    on = BELOW.get(label, (label, ""))[0]
    viewing = set(Role.objects.filter(users=user, grants__label=on, grants__verb="view").values_list("pk", flat=True))
    found: dict[str, dict[int, int]] = {}
    for role, name, rule in FieldRule.objects.filter(label=label).values_list("role_id", "field", "rule"):
        if role in viewing:
            found.setdefault(name, {})[role] = rule
    return {name: min(by.values()) for name, by in found.items() if set(by) == viewing}
