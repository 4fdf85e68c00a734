"""What the customers of a chunk are like before any word is written: common ground of customers, orders, activities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from zhike.demo.arrays import DAY, Flags, Floats, Ints, choose, uuids
from zhike.demo.people import Organisation, Team, organisation
from zhike.demo.size import HORIZON, Chunk, DemoSize
from zhike.demo.words import CITIES

_COMPANIES = 0.35
# The company brought a quarter of its customers along from its old books, in its first six weeks.
_BROUGHT, _BROUGHT_DAYS = 0.25, 45
_GROWTH = 1.2
_AT_HOME = 0.85
_OPENS, _OPEN_FOR = 8.5 / 24, 10.5 / 24
_PROSPECTS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """One row a customer: identity, owner (-1 none), place, and how much and how often they buy."""

    ids: pl.Series
    created: Ints
    is_company: Flags
    owner: Ints
    team: Ints
    city: Ints
    worth: Floats
    activity: Floats
    discount: Ints

    @property
    def owner_ids(self) -> pl.Series:
        """Owners as a column, null for none."""
        return nullable(self.owner)

    @property
    def team_ids(self) -> pl.Series:
        """Teams as a column, null for none."""
        return nullable(self.team)


def nullable(values: Ints) -> pl.Series:
    """The integers as a column in which -1 is null."""
    return pl.select(pl.when(pl.Series(values=values) >= 0).then(pl.Series(values=values))).to_series().cast(pl.Int32)


def traits(size: DemoSize, chunk: Chunk) -> Traits:
    """The customers of a chunk; the same every time it is asked."""
    random = size.random("traits", chunk.index)
    count = chunk.customers
    created = _created(size, chunk, random)
    is_company = random.random(count) < _COMPANIES
    staff = organisation(size)
    place = choose(random, staff.shares, count)
    owner = _lookup([person.id for person in staff.people], place)
    team = _lookup([person.team_id for person in staff.people], place)
    spread = np.where(is_company, 0.9, 0.6)
    worth = np.exp(random.normal(0.0, spread)) * np.where(is_company, 2.2, 0.8)
    activity = random.gamma(0.9, 1.0, count) * np.where(is_company, 1.7, 1.0)
    activity = np.where(random.random(count) < _PROSPECTS, 0.0, activity + 0.05)
    return Traits(
        ids=uuids(created, size.random("customers", chunk.index)),
        created=created,
        is_company=is_company,
        owner=owner,
        team=team,
        city=_cities(staff, place, random),
        worth=worth,
        activity=activity,
        discount=_discounts(worth, random),
    )


def _lookup(ids: list[int], place: Ints) -> Ints:
    return np.array([*ids, -1], dtype=np.int64)[place]


def _created(size: DemoSize, chunk: Chunk, random: np.random.Generator) -> Ints:
    """Creation times rise with the number of the customer, in opening hours, more of them each year."""
    place = (np.arange(chunk.start, chunk.stop) + random.random(chunk.customers)) / size.customers
    later = np.maximum(place - _BROUGHT, 0.0) / (1 - _BROUGHT)
    new = _BROUGHT_DAYS + (HORIZON - 1 - _BROUGHT_DAYS) * later ** (1 / _GROWTH)
    days = np.where(place < _BROUGHT, place / _BROUGHT * _BROUGHT_DAYS, new)
    whole = np.floor(days)
    hours = _OPENS + (days - whole) * _OPEN_FOR
    return size.opening + ((whole + hours) * DAY).astype(np.int64) // 1000 * 1000


def _discounts(worth: Floats, random: np.random.Generator) -> Ints:
    """Agreed discounts in per cent: the more worth, the more discount."""
    level = np.log1p(worth) + random.normal(0.0, 0.3, len(worth))
    return np.array([0, 5, 8, 10, 15], dtype=np.int64)[np.digitize(level, [1.0, 1.5, 2.0, 2.6])]


def _cities(staff: Organisation, place: Ints, random: np.random.Generator) -> Ints:
    """Most customers live where their owner's team sells."""
    count = len(place)
    anywhere = choose(random, [city.weight for city in CITIES], count)
    at_home = random.random(count) < _AT_HOME
    drawn = random.random(count)
    region_of = _regions_of_owners(staff.teams, tuple(person.team_id for person in staff.people))
    regions = np.array(region_of)[place]
    for region in sorted(set(region_of) - {""}):
        here = at_home & (regions == region)
        known = np.array([number for number, city in enumerate(CITIES) if city.region == region])
        totals = np.cumsum([CITIES[number].weight for number in known])
        found = np.searchsorted(totals, drawn[here] * totals[-1], side="right")
        anywhere[here] = known[np.minimum(found, len(known) - 1)]
    return anywhere


@cache
def _regions_of_owners(teams: tuple[Team, ...], team_ids: tuple[int, ...]) -> tuple[str, ...]:
    regions = {team.id: team.region for team in teams}
    return (*(regions[team_id] for team_id in team_ids), "")
