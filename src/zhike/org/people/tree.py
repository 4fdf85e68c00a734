"""The teams in the order of their tree, each with its depth and how many people are in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q

from ..models import Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A team in the tree: depth from 0, people right in it (who may log in), teams below."""

    team: Team
    depth: int
    people: int
    below: int

    @property
    def pk(self) -> int:
        return self.team.pk

    @property
    def indent(self) -> str:
        """Its depth for a select, where nothing else shows it."""
        return "\u3000" * self.depth


def tree() -> list[Branch]:
    """All teams, each followed by those below it; two queries."""
    people = Count("memberships", filter=Q(memberships__user__is_active=True))
    below: defaultdict[int | None, list[Team]] = defaultdict(list)
    counted: dict[int, int] = {}
    for team in Team.objects.annotate(people=people).order_by("name"):
        below[team.parent_id].append(team)
        counted[team.pk] = team.people
    found: list[Branch] = []

    def walk(parent: int | None, depth: int) -> None:
        for team in below[parent]:
            found.append(Branch(team=team, depth=depth, people=counted[team.pk], below=len(below[team.pk])))
            walk(team.pk, depth + 1)

    walk(None, 0)
    return found
