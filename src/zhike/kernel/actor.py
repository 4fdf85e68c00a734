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


Grants = Mapping[tuple[str, str], Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person, job, integration or agent with its teams and grants ((object label, verb) -> scope)."""

    kind: Literal["person", "job", "integration", "agent", "system"]
    user_id: int | None = None
    name: str = ""
    team_ids: frozenset[int] = frozenset()
    branch_ids: frozenset[int] = frozenset()
    home_team: int | None = None
    grants: Grants = field(default_factory=dict)
    source: str = "web"
    reason: str = ""

    def scope(self, label: str, verb: str) -> Scope | None:
        """The widest scope in which the actor may do `verb` on objects of `label`; None when not at all."""
        return Scope.ALL if self.kind == "system" else self.grants.get((label, verb))

    def may(self, label: str, verb: str) -> bool:
        return self.scope(label, verb) is not None

    def because(self, reason: str, *, source: str | None = None) -> Self:
        """The same actor with a reason that the history keeps."""
        return replace(self, reason=reason, source=source or self.source)


SYSTEM = Actor(kind="system", name="system", source="job")
