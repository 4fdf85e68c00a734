"""Who a job acts for: an actor kept with the job, and read anew whenever it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .actor import Actor, Rule, Scope
from .errors import Refused

ReadAgain = Callable[[int], Actor | None]
_readers: list[ReadAgain] = []


def know_people(reader: ReadAgain) -> None:
    """Let a domain say who a person is by now: None for one who has left."""
    _readers[:] = [reader]


def kept(by: Actor) -> dict[str, Any]:
    """An actor as it is stored with a job."""
    return {
        "kind": by.kind, "user_id": by.user_id, "name": by.name, "team_ids": sorted(by.team_ids), "branch_ids": sorted(by.branch_ids),
        "home_team": by.home_team, "role_ids": sorted(by.role_ids), "source": by.source, "reason": by.reason, "shared": dict(by.shared),
        "grants": [[label, verb, int(scope)] for (label, verb), scope in by.grants.items()], "apart": sorted(by.apart), "schema": by.schema,
        "field_rules": {label: {name: int(rule) for name, rule in rules.items()} for label, rules in by.field_rules.items()},
    }  # fmt: skip


def as_kept(plain: Mapping[str, Any]) -> Actor:
    """The actor with the rights of the moment when it was stored."""
    rules = {label: {name: Rule(rule) for name, rule in found.items()} for label, found in plain["field_rules"].items()}
    return Actor(
        kind=plain["kind"], user_id=plain["user_id"], name=plain["name"], team_ids=frozenset(plain["team_ids"]),
        branch_ids=frozenset(plain["branch_ids"]), home_team=plain["home_team"], role_ids=frozenset(plain["role_ids"]),
        grants={(label, verb): Scope(scope) for label, verb, scope in plain["grants"]}, field_rules=rules, shared=plain["shared"],
        apart=frozenset(plain["apart"]), schema=plain["schema"], source=plain["source"], reason=plain["reason"],
    )  # fmt: skip


def as_now(plain: Mapping[str, Any]) -> Actor:
    """The same actor with today's rights; Refused("not_permitted") for a person who has left."""
    before = as_kept(plain)
    if before.kind != "person" or before.user_id is None or not _readers:
        return before
    found = _readers[0](before.user_id)
    if found is None:
        raise Refused("not_permitted", verb="work")
    return replace(found, source=before.source, reason=before.reason)
