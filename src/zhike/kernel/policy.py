"""May: one answer per verb, as rows; lists, counts, pickers, exports and single checks all ask it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .actor import Actor, Scope
from .errors import Refused

NO_ROW = Q(pk__in=[])
SHARED_VERBS = ("view", "change", "reveal")  # what a share opens; only "change" needs one to change


def shares_of(actor: Actor, verb: str) -> Any:
    """Ids of the records shared with the actor or his teams up to now, as a subquery."""
    to = Q(team_id__in=sorted(actor.team_ids))
    if actor.user_id is not None:
        to |= Q(user_id=actor.user_id)
    given = apps.get_model("kernel", "Share")._default_manager.filter(to, Q(until=None) | Q(until__gt=timezone.now()))
    return (given.filter(can_change=True) if verb == "change" else given).values("object_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The rows a grant reaches, kept apart from SQL so that the list engine can make one ordered stream of each part.

    With `link` and `parent` the record's own owner does not count but that of the record behind the link.
    `shared` adds single records that were shared with the actor; it stays apart from the scope, because a list that
    asks "in scope or shared" can use no index.
    """

    kind: Literal["none", "own", "teams", "all"]
    user_id: int | None = None
    team_ids: tuple[int, ...] = ()
    link: str = ""
    parent: type[models.Model] | None = None
    shared: Q | None = None
    closed: frozenset[str] = frozenset()  # fields ("label.field") that figures over these rows must not tell

    def q(self) -> Q:
        """The reach as one condition without joins."""
        return self.within() if self.shared is None or self.kind == "all" else self.within() | self.shared

    def within(self) -> Q:
        """What owner and team reach, without what is shared."""
        if self.kind == "all":
            return Q()
        if self.kind == "none":
            return NO_ROW
        own = self.own()
        within = own if self.kind == "own" else own | Q(team_id__in=self.team_ids)
        if self.parent is None:
            return within
        return Q(**{f"{self.link}_id__in": self.parent._default_manager.filter(within).values("pk")})

    def own(self) -> Q:
        """What belongs to the actor; an integration has nothing of its own, and records of nobody are not its."""
        return NO_ROW if self.user_id is None else Q(owner_id=self.user_id)

    def streams(self) -> tuple[Q, ...]:
        """Parts without overlap whose union is `within`; each is served by one index family."""
        if self.kind == "none":
            return ()
        if self.kind == "all" or self.parent is not None:
            return (self.within(),)
        own = self.own()
        if self.kind == "own":
            return (own,)
        outside = Q(team_id__isnull=True) | ~Q(team_id__in=self.team_ids)
        return (*(Q(team_id=team) for team in self.team_ids), own & outside)

    def holds(self, record: Any) -> bool:
        """Whether one loaded record is within the reach; the same rule as `q`."""
        if self.kind in ("all", "none"):
            return self.kind == "all"
        return self._holds(record) or (self.shared is not None and self._is_shared(record))

    def _holds(self, record: Any) -> bool:
        kept_by = record if self.parent is None else getattr(record, self.link)
        if kept_by is None:
            return False
        owner, team = held_by(kept_by)
        is_own = self.user_id is not None and owner == self.user_id
        return is_own or (self.kind == "teams" and team in self.team_ids)

    def _is_shared(self, record: Any) -> bool:
        return bool(type(record)._default_manager.filter(self.shared, pk=record.pk).exists())


def held_by(record: Any) -> tuple[int | None, int | None]:
    """Owner and team of a record, also of a row whose reader may not see them."""
    return getattr(record, "held_by", None) or (record.owner_id, record.team_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Whose grants of `label` open one record: everybody's, its owner's, its team's, or those of whom one of `shared_ids` is shared with."""

    label: str
    is_open: bool = False
    owner_id: int | None = None
    team_id: int | None = None
    shared_ids: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which rows an actor may view, change, delete or export.

    `label` names the grants that decide; `link` leads to the record whose owner and team count
    (a contact follows its customer); `shared` objects such as products have no owner and are seen whole.
    `below` is a link to a record whose shares open this one too (an order of a shared customer).
    A `part` is no object type of its own: field rules of the record it belongs to hold for its fields of the same name.
    """

    label: str
    link: str = ""
    parent: type[models.Model] | None = None
    below: str = ""
    shared: bool = False
    is_part: bool = False
    of: str = ""  # the object type itself, where its grants are those of another

    def follows_parent(self, actor: Actor) -> bool:
        """Whether owner and team of the record behind `link` count, and not its own: a company may let a type stand apart."""
        return self.parent is not None and self.of not in actor.apart

    def reach(self, actor: Actor, verb: str) -> Reach:
        """The rows within the actor's scope, and those shared with him; a share says where, a grant says what."""
        scope, closed = actor.scope(self.label, verb), actor.closed()
        if scope is None:
            return Reach(kind="none", closed=closed)
        if self.shared or scope is Scope.ALL:
            return Reach(kind="all", closed=closed)
        is_own = scope is Scope.OWN
        teams = () if is_own else tuple(sorted(actor.team_ids if scope is Scope.TEAM else actor.branch_ids))
        follows = self.follows_parent(actor)
        return Reach(
            kind="own" if is_own else "teams", user_id=actor.user_id, team_ids=teams, link=self.link if follows else "",
            parent=self.parent if follows else None, shared=self.opened(actor, verb), closed=closed,
        )  # fmt: skip

    def opened(self, actor: Actor, verb: str) -> Q | None:
        """Records open to the actor by shares, None when there can be none."""
        if not actor.shared or verb not in SHARED_VERBS:
            return None
        if self.parent is not None and self.follows_parent(actor):
            above = policy_of(self.parent).opened(actor, verb)
            return None if above is None else Q(**{f"{self.link}_id__in": self.parent._default_manager.filter(above).values("pk")})
        found = None
        own = self.of or self.label
        above_label = "" if own in actor.apart else self._label_above()
        for label, column in ((own, "pk"), (above_label, f"{self.below}_id")):
            if label and label in actor.shared and (verb != "change" or actor.shared[label]):
                some = Q(**{f"{column}__in": shares_of(actor, verb)})
                found = some if found is None else found | some
        return found

    def _label_above(self) -> str:
        if not self.below:
            return ""
        target = apps.get_model(self.label)._meta.get_field(self.below).related_model
        return target._meta.label_lower if isinstance(target, type) and issubclass(target, models.Model) else ""

    def lock(self, record: Any, verb: str, apart: frozenset[str]) -> Lock:
        """What opens one record for a verb: the other side of `reach`, asked of the record and not of an actor."""
        if self.shared:
            return Lock(label=self.label, is_open=True)
        follows = self.parent is not None and self.of not in apart
        kept_by = getattr(record, self.link) if follows else record
        owner, team = held_by(kept_by) if kept_by is not None else (None, None)
        if verb not in SHARED_VERBS:
            return Lock(label=self.label, owner_id=owner, team_id=team)
        if follows and self.parent is not None:
            above = policy_of(self.parent).lock(kept_by, verb, apart).shared_ids if kept_by is not None else ()
            return Lock(label=self.label, owner_id=owner, team_id=team, shared_ids=above)
        below = getattr(record, f"{self.below}_id", None) if self.below and (self.of or self.label) not in apart else None
        return Lock(label=self.label, owner_id=owner, team_id=team, shared_ids=tuple(pk for pk in (record.pk, below) if pk))

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


def owned(label: str, *, below: str = "") -> Policy:
    """The usual policy: owner and team stand on the record itself; shares of the record behind `below` open it too."""
    return Policy(label=label, below=below)


def follows(label: str, link: str, parent: type[models.Model]) -> Policy:
    """The record is seen and changed with the `parent` behind the foreign key `link`, whose grants (`label`) decide."""
    return Policy(label=label, link=link, parent=parent)


def part_of(label: str, link: str, parent: type[models.Model]) -> Policy:
    """As `follows`, for what is a part of the parent and no object type: its field rules hold here too."""
    return Policy(label=label, link=link, parent=parent, is_part=True)


def shared(label: str) -> Policy:
    """Everyone with a grant sees all rows."""
    return Policy(label=label, shared=True)


_policies: dict[type[models.Model], Policy] = {}


def set_policy(model: type[models.Model], policy: Policy) -> Policy:
    """Let a policy hold for a model; the answer is the policy as it holds, which knows whose it is."""
    _policies[model] = replace(policy, of=model._meta.label_lower)
    return _policies[model]


def has_policy(model: type[models.Model]) -> bool:
    """Whether anybody but the system may read rows of a model by grants of its own."""
    return model in _policies


def policy_of(model: type[models.Model]) -> Policy:
    """The policy of a model; a model without one is not readable at all (KeyError)."""
    return _policies[model]
