"""Who acts: every read and every change names its actor; nothing takes it from a request or a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Literal, Self


class Scope(IntEnum):
    """How far a grant reaches, from narrow to wide."""

    OWN = 1
    TEAM = 2
    BRANCH = 3
    ALL = 4


class Rule(IntEnum):
    """What a person may not do with one field, from mild to strict."""

    READ_ONLY = 1
    MASKED = 2
    HIDDEN = 3


Grants = Mapping[tuple[str, str], Scope]
FieldRules = Mapping[str, Mapping[str, Rule]]  # object label -> field -> rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person, job, integration or agent with its teams and grants ((object label, verb) -> scope).

    `shared` names the object types of which single records are shared with the actor, with whether some of them may be
    changed; `apart` those that do not follow the record above them; `schema` is the state of the company's fields.
    """

    kind: Literal["person", "job", "integration", "agent", "system"]
    user_id: int | None = None
    name: str = ""
    team_ids: frozenset[int] = frozenset()
    branch_ids: frozenset[int] = frozenset()
    home_team: int | None = None
    role_ids: frozenset[int] = frozenset()
    grants: Grants = field(default_factory=dict)
    field_rules: FieldRules = field(default_factory=dict)
    shared: Mapping[str, bool] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    schema: int = 0
    source: str = "web"
    reason: str = ""

    def scope(self, label: str, verb: str) -> Scope | None:
        """The widest scope in which the actor may do `verb` on objects of `label`; None when not at all."""
        return Scope.ALL if self.kind == "system" else self.grants.get((label, verb))

    def may(self, label: str, verb: str) -> bool:
        return self.scope(label, verb) is not None

    def rules(self, label: str) -> Mapping[str, Rule]:
        """The field rules of one object type (its own label, not that of its policy)."""
        return self.field_rules.get(label, NO_RULES)

    def rule(self, label: str, field: str) -> Rule | None:
        return self.rules(label).get(field)

    def closed(self) -> frozenset[str]:
        """Fields whose values the actor may not see in full, as "label.field"; figures and orders must not tell them either."""
        return frozenset(
            f"{label}.{name}" for label, rules in self.field_rules.items() for name, rule in rules.items() if rule >= Rule.MASKED
        )

    def sees(self, *fields: str) -> bool:
        """Whether all of these fields ("label.field") are open to the actor."""
        return not self.field_rules or not self.closed().intersection(fields)

    def because(self, reason: str, *, source: str | None = None) -> Self:
        """The same actor with a reason that the history keeps."""
        return replace(self, reason=reason, source=source or self.source)


NO_RULES: Mapping[str, Rule] = {}
SYSTEM = Actor(kind="system", name="system", source="job")
