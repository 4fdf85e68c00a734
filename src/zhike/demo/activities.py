"""What was said and done with customers: notes, calls, messages, visits; and the tags put on them."""

from __future__ import annotations

import numpy as np
import polars as pl

from zhike.demo.arrays import DAY, Ints, choose, moments, pick, uuids
from zhike.demo.customers import plain_record
from zhike.demo.logins import DEMO_LOGINS
from zhike.demo.size import HORIZON, Chunk, DemoSize
from zhike.demo.traits import nullable, traits
from zhike.demo.words import CALLS, MESSAGES, NOTES, OUTCOMES, SUBJECTS, TAGS, VISITS

_KINDS = ("call", "message", "visit", "note")
_KIND_WEIGHTS = (38.0, 30.0, 14.0, 18.0)
_OPENINGS = (CALLS, MESSAGES, VISITS, NOTES)
_A_CUSTOMER = 1.1
_SERVICE = next(place for place, login in enumerate(DEMO_LOGINS, start=1) if login.username == "service")


def activity_frame(size: DemoSize, chunk: Chunk) -> pl.DataFrame:
    """Activities of the customers of a chunk, about one each, more for those who buy much."""
    who = traits(size, chunk)
    random = size.random("activities", chunk.index)
    counts = random.poisson(_A_CUSTOMER * np.minimum(0.35 + 0.6 * who.activity, 6.0))
    row = np.repeat(np.arange(len(counts)), counts)
    count = len(row)
    end = size.opening + HORIZON * DAY
    happened = end - ((end - who.created[row]) * random.beta(1.0, 1.6, count)).astype(np.int64)
    happened = _in_opening_hours(size, happened, random)
    happened = np.maximum(happened, who.created[row] + 60_000_000)
    kind = choose(random, _KIND_WEIGHTS, count)
    by_service = (random.random(count) < 0.12) | (who.owner[row] < 0)
    places = pl.Series(values=row)
    return pl.DataFrame(
        {
            "id": uuids(happened, random),
            "owner_id": who.owner_ids.gather(places),
            "team_id": who.team_ids.gather(places),
            "created_at": moments(happened),
            "updated_at": moments(happened),
            "customer_id": who.ids.gather(places),
            "kind": pick(_KINDS, kind),
            "body": _bodies(kind, random),
            "happened_at": moments(happened),
            "author_id": nullable(np.where(by_service, _SERVICE, who.owner[row])),
        }
    ).with_columns(rule=pl.lit(""), **plain_record())


def _in_opening_hours(size: DemoSize, happened: Ints, random: np.random.Generator) -> Ints:
    days = np.minimum((happened - size.opening) // DAY, HORIZON - 1)
    hours = 8.5 / 24 + random.random(len(happened)) * 9.5 / 24
    return size.opening + days * DAY + (hours * DAY).astype(np.int64) // 1_000_000 * 1_000_000


def _bodies(kind: Ints, random: np.random.Generator) -> pl.Series:
    """Natural sentences: how it began, and what came of it."""
    starts = [opening for openings in _OPENINGS for opening in openings]
    sizes = np.array([len(openings) for openings in _OPENINGS])
    begin = (np.cumsum(sizes) - sizes)[kind] + (random.random(len(kind)) * sizes[kind]).astype(np.int64)
    ends = [outcome.format(subject) for outcome in OUTCOMES for subject in SUBJECTS]
    return pick(starts, begin) + pick(ends, random.integers(0, len(ends), len(kind)))


def tag_frame(size: DemoSize) -> pl.DataFrame:
    """The tags in use: id and name."""
    made = size.opening + np.arange(len(TAGS), dtype=np.int64) * 1_000_000
    return pl.DataFrame({"id": uuids(made, size.random("tags")), "name": list(TAGS)})


def customer_tag_frame(size: DemoSize, chunk: Chunk) -> pl.DataFrame:
    """Which customer of a chunk bears which tag: about a third bear one, some two."""
    who = traits(size, chunk)
    random = size.random("customer-tags", chunk.index)
    count = len(who.created)
    first = random.integers(0, len(TAGS), count)
    second = (first + random.integers(1, len(TAGS), count)) % len(TAGS)
    has_first = random.random(count) < 0.3
    has_second = has_first & (random.random(count) < 0.25)
    row = np.concatenate([np.flatnonzero(has_first), np.flatnonzero(has_second)])
    tag = np.concatenate([first[has_first], second[has_second]])
    order = np.lexsort((tag, row))
    return pl.DataFrame(
        {
            "customer_id": who.ids.gather(pl.Series(values=row[order])),
            "tag_id": tag_frame(size)["id"].gather(pl.Series(values=tag[order])),
        }
    )
