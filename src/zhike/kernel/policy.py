"""May: one answer per verb, as rows; lists, counts, pickers, exports and single checks all ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.db import models
from django.db.models import Q

from .actor import Actor, Scope
from .errors import Refused

NO_ROW = Q(pk__in=[])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The rows a grant reaches, kept apart from SQL so that the list engine can make one ordered stream of each part.

    With `link` and `parent` the record's own owner does not count but that of the record behind the link.
    """

    kind: Literal["none", "own", "teams", "all"]
    user_id: int | None = None
    team_ids: tuple[int, ...] = ()
    link: str = ""
    parent: type[models.Model] | None = None

    def q(self) -> Q:
        """The reach as one condition without joins."""
        if self.kind == "all":
            return Q()
        if self.kind == "none":
            return NO_ROW
        own = Q(owner_id=self.user_id)
        within = own if self.kind == "own" else own | Q(team_id__in=self.team_ids)
        if self.parent is None:
            return within
        return Q(**{f"{self.link}_id__in": self.parent._default_manager.filter(within).values("pk")})

    def streams(self) -> tuple[Q, ...]:
        """Parts without overlap whose union is the reach; each is served by one index family."""
        if self.kind == "none":
            return ()
        if self.kind == "all" or self.parent is not None:
            return (self.q(),)
        own = Q(owner_id=self.user_id)
        if self.kind == "own":
            return (own,)
        outside = Q(team_id__isnull=True) | ~Q(team_id__in=self.team_ids)
        return (*(Q(team_id=team) for team in self.team_ids), own & outside)

    def holds(self, record: Any) -> bool:
        """Whether one loaded record is within the reach; the same rule as `q`."""
        if self.kind in ("all", "none"):
            return self.kind == "all"
        kept_by = record if self.parent is None else getattr(record, self.link)
        if kept_by is None:
            return False
        return kept_by.owner_id == self.user_id or (self.kind == "teams" and kept_by.team_id in self.team_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which rows an actor may view, change, delete or export.

    `label` names the grants that decide; `link` leads to the record whose owner and team count
    (a contact follows its customer); `shared` objects such as products have no owner and are seen whole.
    """

    label: str
    link: str = ""
    parent: type[models.Model] | None = None
    shared: bool = False

    def reach(self, actor: Actor, verb: str) -> Reach:
        scope = actor.scope(self.label, verb)
        if scope is None:
            return Reach(kind="none")
        if self.shared or scope is Scope.ALL:
            return Reach(kind="all")
        if scope is Scope.OWN:
            return Reach(kind="own", user_id=actor.user_id, link=self.link, parent=self.parent)
        teams = actor.team_ids if scope is Scope.TEAM else actor.branch_ids
        return Reach(kind="teams", user_id=actor.user_id, team_ids=tuple(sorted(teams)), link=self.link, parent=self.parent)

    def rows(self, actor: Actor, verb: str) -> Q:
        return self.reach(actor, verb).q()

    def allows(self, actor: Actor, verb: str, record: models.Model) -> bool:
        """Whether this one record is within reach."""
        return self.reach(actor, verb).holds(record)

    def require(self, actor: Actor, verb: str, record: models.Model) -> None:
        """Raise Refused("not_permitted") when the record is out of reach."""
        if not self.allows(actor, verb, record):
            raise Refused("not_permitted", verb=verb, label=self.label)

    def require_any(self, actor: Actor, verb: str) -> None:
        """Raise Refused("not_permitted") when the actor has no grant at all for the verb."""
        if not actor.may(self.label, verb):
            raise Refused("not_permitted", verb=verb, label=self.label)


def owned(label: str) -> Policy:
    """The usual policy: owner and team stand on the record itself."""
    return Policy(label=label)


def follows(label: str, link: str, parent: type[models.Model]) -> Policy:
    """The record is seen and changed with the `parent` behind the foreign key `link`, whose grants (`label`) decide."""
    return Policy(label=label, link=link, parent=parent)


def shared(label: str) -> Policy:
    """Everyone with a grant sees all rows."""
    return Policy(label=label, shared=True)


_policies: dict[type[models.Model], Policy] = {}


def set_policy(model: type[models.Model], policy: Policy) -> None:
    _policies[model] = policy


def policy_of(model: type[models.Model]) -> Policy:
    """The policy of a model; a model without one is not readable at all (KeyError)."""
    return _policies[model]
