"""People and teams of the demo company, and which share of the customers each of them keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhike.demo.arrays import Floats, choose, pick
from zhike.demo.logins import DEMO_LOGINS
from zhike.demo.size import DemoSize
from zhike.demo.words import GIVEN_FIRST, GIVEN_LAST, SURNAME_WEIGHTS, SURNAMES

# Team, the team above, and the regions it sells in. Small demos have the first seven.
_TEAMS = (
    ("恒砺机电", "", ""), ("华东大区", "恒砺机电", "华东"), ("销售一部", "华东大区", "华东"),
    ("销售二部", "华东大区", "华东"),
    ("华南大区", "恒砺机电", "中南"), ("销售三部", "华南大区", "中南"), ("客服部", "恒砺机电", ""),
    ("销售四部", "华东大区", "华东"), ("销售五部", "华东大区", "华东"), ("销售六部", "华南大区", "中南"),
    ("销售七部", "华南大区", "中南"),
    ("华北大区", "恒砺机电", "华北"), ("销售八部", "华北大区", "华北"), ("销售九部", "华北大区", "东北"),
    ("西部大区", "恒砺机电", "西南"), ("销售十部", "西部大区", "西南"), ("销售十一部", "西部大区", "西北"),
    ("销售十二部", "西部大区", "西南"),
    ("大客户部", "恒砺机电", ""),
)  # fmt: skip
_SMALL_TEAMS = 7
_SMALL_UNTIL = 20_000
_UNOWNED = 0.02
_BRANCH = 0.35
_BRANCH_TEAM = "华东大区"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team, the id of the team above it, and the region it sells in ("" for everywhere)."""

    id: int
    name: str
    parent_id: int | None
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user, the team, and the share (0 to 1) of all customers kept."""

    id: int
    username: str
    name: str
    role: str
    team_id: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Teams and people of one demo; shares of people and of `unowned` add up to 1."""

    teams: tuple[Team, ...]
    people: tuple[Person, ...]
    unowned: float

    @property
    def shares(self) -> Floats:
        """Shares in order of people, those without owner last."""
        return np.array([*(person.share for person in self.people), self.unowned])


def organisation(size: DemoSize) -> Organisation:
    """Teams and people for a demo of this size: more sellers and teams the more customers there are."""
    teams = _teams(size)
    logins = _logins(size, teams)
    extra = _sellers(size, teams, logins)
    return Organisation(teams=teams, people=(*logins, *extra), unowned=_UNOWNED)


def _teams(size: DemoSize) -> tuple[Team, ...]:
    is_small = size.customers < _SMALL_UNTIL
    rows = _TEAMS[:_SMALL_TEAMS] if is_small else _TEAMS
    ids = {name: place for place, (name, _, _) in enumerate(rows, start=1)}
    # With three departments only, the one in the south sells everywhere, so that no region is empty.
    return tuple(
        Team(id=ids[name], name=name, parent_id=ids.get(above), region="" if is_small and region != "华东" else region)
        for name, above, region in rows
    )


def _logins(size: DemoSize, teams: tuple[Team, ...]) -> tuple[Person, ...]:
    ids = {team.name: team.id for team in teams}
    count = max(size.customers, 1)
    # Enough to look alive in a small demo, never more than one person could know in a big one.
    first = min(4800.0, max(0.02 * count, min(0.15 * count, 300.0))) / count
    shares = {"linyue": first, "zhouhang": 0.6 * first, "manager": min(0.01, 200 / count)}
    return tuple(
        Person(
            id=place,
            username=login.username,
            name=login.name,
            role=login.role,
            team_id=ids[login.team],
            share=shares.get(login.username, 0.0),
        )
        for place, login in enumerate(DEMO_LOGINS, start=1)
    )


def _sellers(size: DemoSize, teams: tuple[Team, ...], logins: tuple[Person, ...]) -> tuple[Person, ...]:
    count = int(np.clip(size.customers // 400, 4, 200))
    inside = [team for team in teams if _is_inside(team, teams) and team.name.startswith("销售")]
    outside = [team for team in teams if team.name.startswith(("销售", "大客户")) and team not in inside]
    kept = sum(person.share for person in logins)
    here = max(count // 3, 2)
    shares = [*_spread(size, here, _BRANCH - kept), *_spread(size, count - here, 1 - _UNOWNED - _BRANCH)]
    homes = [inside[place % len(inside)] for place in range(here)]
    homes += [outside[place % len(outside)] for place in range(count - here)]
    names = _names(size, count)
    return tuple(
        Person(id=len(logins) + place, username=f"xs{place:03d}", name=name, role="sales", team_id=home.id, share=share)
        for place, (name, home, share) in enumerate(zip(names, homes, shares, strict=True), start=1)
    )


def _is_inside(team: Team, teams: tuple[Team, ...]) -> bool:
    return any(above.id == team.parent_id and above.name == _BRANCH_TEAM for above in teams)


def _spread(size: DemoSize, count: int, total: float) -> list[float]:
    """Shares from small to large in equal steps of ratio, so that scopes of every size exist."""
    ratio = float(np.clip(size.customers / 600, 3, 1700))
    weights = np.geomspace(1.0, ratio, count)
    return [float(weight) for weight in weights / weights.sum() * max(total, 0.0)]


def _names(size: DemoSize, count: int) -> list[str]:
    random = size.random("people")
    surnames = pick(SURNAMES, choose(random, SURNAME_WEIGHTS, count))
    first = pick(GIVEN_FIRST, random.integers(0, len(GIVEN_FIRST), count))
    last = pick(GIVEN_LAST, random.integers(0, len(GIVEN_LAST), count))
    return [str(name) for name in surnames + first + last]
