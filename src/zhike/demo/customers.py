"""Customers and contacts of the demo company in frames with the columns of their tables."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from zhike.demo.arrays import Flags, Ints, choose, fixed_text, moments, pick, some, uuids
from zhike.demo.size import Chunk, DemoSize
from zhike.demo.traits import Traits, traits
from zhike.demo.words import (
    BRAND_FIRST,
    BRAND_LAST,
    CITIES,
    COMPANY_CATEGORIES,
    COMPANY_CATEGORY_WEIGHTS,
    COMPANY_FORM_WEIGHTS,
    COMPANY_FORMS,
    CUSTOMER_REMARKS,
    DISTRICTS,
    GIVEN_FIRST,
    GIVEN_LAST,
    PERSON_CATEGORIES,
    PERSON_CATEGORY_WEIGHTS,
    PERSON_INDUSTRIES,
    ROADS,
    SOURCE_WEIGHTS,
    SOURCES,
    SURNAME_WEIGHTS,
    SURNAMES,
    TITLES,
    TRADES,
)
from zhike.kernel.text.identifiers import CREDIT_ALPHABET, CREDIT_WEIGHTS
from zhike.kernel.text.names import Kind, name_keys
from zhike.kernel.text.pinyin import sort_keys

# Number ranges nobody has been given (numbering plan of the ministry, 2024), so no call reaches a stranger.
_UNUSED_RANGES = (142, 143, 154, 160, 161, 163, 164)
_ALPHABET = np.frombuffer(CREDIT_ALPHABET.encode(), dtype=np.uint8)
_FIRST_BIRTHDAY, _LAST_BIRTHDAY = date(1955, 1, 1), date(2003, 12, 31)


def customer_frame(size: DemoSize, chunk: Chunk) -> pl.DataFrame:
    """The customers of one chunk, in order of creation; facts derived from orders are not here."""
    who = traits(size, chunk)
    random = size.random("words", chunk.index)
    names = _names(who, random)
    people = (~who.is_company).tolist()
    kinds: list[Kind] = ["person" if person else "company" for person in people]
    listed = names.to_list()
    code = _codes(chunk)
    phone = _phones(len(listed), random)
    last_seen = who.created + (random.beta(2.5, 1.0, len(listed)) * (_now(size) - who.created)).astype(np.int64)
    frame = pl.DataFrame(
        {
            "id": who.ids,
            "owner_id": who.owner_ids,
            "team_id": who.team_ids,
            "created_at": moments(who.created),
            "updated_at": moments(last_seen),
            "code": code,
            "kind": kinds,
            "name": names,
            "name_key": name_keys(listed, kinds),
            "sort_key": sort_keys(listed, people),
            "phone": "+86" + phone,
            "phone_raw": _as_typed(phone, random),
            "credit_code": some(_credit_codes(who, random), who.is_company & (random.random(len(listed)) < 0.8)),
        }
    )
    frame = frame.with_columns(**_classes(who, random), **_places(who, random), **_reach(code, who, random))
    return frame.with_columns(**_birthdays(who, random), **plain_record())


def plain_record() -> dict[str, pl.Expr]:
    """The columns every record begins its life with."""
    return {"version": pl.lit(1, dtype=pl.Int32), "custom": pl.lit("{}"), "batch_id": pl.lit(None, dtype=pl.String)}


def _now(size: DemoSize) -> int:
    return size.opening + (size.end - size.first_day).days * 86_400_000_000


def _codes(chunk: Chunk) -> pl.Series:
    return "KH" + pl.Series(values=np.arange(chunk.start + 1, chunk.stop + 1)).cast(pl.String).str.zfill(7)


def person_names(count: int, random: np.random.Generator) -> pl.Series:
    """Names of people: surnames as common as in China, one or two characters after them."""
    surname = pick(SURNAMES, choose(random, SURNAME_WEIGHTS, count))
    first = pick(GIVEN_FIRST, random.integers(0, len(GIVEN_FIRST), count))
    last = pick(GIVEN_LAST, random.integers(0, len(GIVEN_LAST), count))
    return surname + some(first, random.random(count) < 0.8) + last


def _names(who: Traits, random: np.random.Generator) -> pl.Series:
    count = len(who.created)
    people = person_names(count, random)
    city = some(pick([city.name for city in CITIES], who.city), random.random(count) < 0.85)
    brand = pick(BRAND_FIRST, random.integers(0, len(BRAND_FIRST), count))
    brand += pick(BRAND_LAST, random.integers(0, len(BRAND_LAST), count))
    words = [word for trade in TRADES for word in trade.words]
    form = pick(COMPANY_FORMS, choose(random, COMPANY_FORM_WEIGHTS, count))
    companies = city + brand + pick(words, _trade_words(count, random)[0]) + form
    return pl.select(pl.when(pl.Series(values=who.is_company)).then(companies).otherwise(people)).to_series()


def _trade_words(count: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Places of a word among all words of all trades, and of its trade."""
    weights = [trade.weight / len(trade.words) for trade in TRADES for _ in trade.words]
    trade_of = np.array([place for place, trade in enumerate(TRADES) for _ in trade.words])
    word = choose(random, weights, count)
    return word, trade_of[word]


def _phones(count: int, random: np.random.Generator) -> pl.Series:
    ranges = np.array(_UNUSED_RANGES)[random.integers(0, len(_UNUSED_RANGES), count)]
    numbers = ranges * 100_000_000 + random.integers(0, 100_000_000, count)
    # A few customers share a number: the same shop under two names, which the search for duplicates should find.
    shared = random.random(count) < 0.004
    numbers[shared] = np.roll(numbers, 7)[shared]
    return pl.Series(values=numbers).cast(pl.String)


def _as_typed(phone: pl.Series, random: np.random.Generator) -> pl.Series:
    style = pl.Series(values=choose(random, [80, 8, 6, 6], len(phone)))
    head, middle, tail = phone.str.slice(0, 3), phone.str.slice(3, 4), phone.str.slice(7, 4)
    return pl.select(
        pl.when(style == 0)
        .then(phone)
        .when(style == 1)
        .then(head + "-" + middle + "-" + tail)
        .when(style == 2)
        .then(head + " " + middle + " " + tail)
        .otherwise("+86 " + phone)
    ).to_series()


def _credit_codes(who: Traits, random: np.random.Generator) -> pl.Series:
    """Well-formed 统一社会信用代码: 91, division, MA and seven places, check character."""
    count = len(who.created)
    values = random.integers(0, len(CREDIT_ALPHABET), size=(count, 18))
    division = np.array([city.code for city in CITIES])[who.city] * 100
    values[:, 0], values[:, 1] = 9, 1
    for place in range(6):
        values[:, 2 + place] = division // 10 ** (5 - place) % 10
    values[:, 8], values[:, 9] = CREDIT_ALPHABET.index("M"), CREDIT_ALPHABET.index("A")
    values[:, 17] = -(values[:, :17] @ np.array(CREDIT_WEIGHTS)) % 31
    return fixed_text(_ALPHABET[values])


def _classes(who: Traits, random: np.random.Generator) -> dict[str, pl.Series]:
    count = len(who.created)
    value = who.worth * (who.activity + 0.1)
    grade = np.digitize(value * np.exp(random.normal(0, 0.4, count)), [0.12, 2.2, 6.0])
    grade = np.where(random.random(count) < 0.07, 4, grade)
    company = pick(COMPANY_CATEGORIES, choose(random, COMPANY_CATEGORY_WEIGHTS, count))
    person = pick(PERSON_CATEGORIES, choose(random, PERSON_CATEGORY_WEIGHTS, count))
    is_company = pl.Series(values=who.is_company)
    industry = pick([trade.industry for trade in TRADES], choose(random, [trade.weight for trade in TRADES], count))
    workshop = pick(PERSON_INDUSTRIES, random.integers(0, len(PERSON_INDUSTRIES), count))
    return {
        "grade": pick(("low", "normal", "potential", "key", ""), grade),
        "category": pl.select(pl.when(is_company).then(company).otherwise(person)).to_series(),
        "industry": pl.select(pl.when(is_company).then(industry).otherwise(workshop)).to_series(),
        "source": pick(SOURCES, choose(random, SOURCE_WEIGHTS, count)),
        "remark": some(pick(CUSTOMER_REMARKS, random.integers(0, len(CUSTOMER_REMARKS), count)), random.random(count) < 0.2),
    }


def _places(who: Traits, random: np.random.Generator) -> dict[str, pl.Series | pl.Expr]:
    count = len(who.created)
    city = pick([city.name for city in CITIES], who.city)
    district = pick(DISTRICTS, random.integers(0, len(DISTRICTS), count))
    road = pick(ROADS, random.integers(0, len(ROADS), count))
    number = pl.Series(values=random.integers(1, 1200, count)).cast(pl.String)
    return {
        "country": pl.lit("中国"),
        "region": pick([city.region for city in CITIES], who.city),
        "province": pick([city.province for city in CITIES], who.city),
        "city": city,
        "district": district,
        "address": some(city + "市" + district + road + number + "号", random.random(count) < 0.75),
    }


def _reach(code: pl.Series, who: Traits, random: np.random.Generator) -> dict[str, pl.Series]:
    count = len(who.created)
    lower = code.str.to_lowercase()
    has_mail = random.random(count) < np.where(who.is_company, 0.6, 0.2)
    return {
        "email": some(lower + "@example.com", has_mail),
        "wechat": some("wx_" + lower, random.random(count) < 0.45),
    }


def _birthdays(who: Traits, random: np.random.Generator) -> dict[str, pl.Series | pl.Expr]:
    count = len(who.created)
    first = (_FIRST_BIRTHDAY - date(1970, 1, 1)).days
    last = (_LAST_BIRTHDAY - date(1970, 1, 1)).days
    days = pl.Series(values=random.integers(first, last, count).astype(np.int32)).cast(pl.Date)
    known: Flags = ~who.is_company & (random.random(count) < 0.35)
    lunar = known & (random.random(count) < 0.2)
    return {
        "birthday": pl.select(pl.when(pl.Series(values=known)).then(days)).to_series(),
        "birthday_calendar": pick(("solar", "lunar"), lunar.astype(np.int64)),
    }


def contact_frame(size: DemoSize, chunk: Chunk) -> pl.DataFrame:
    """One to three contacts for each company of a chunk, the first of them the main one."""
    who = traits(size, chunk)
    random = size.random("contacts", chunk.index)
    counts = np.where(who.is_company, 1 + choose(random, [62, 28, 10], len(who.created)), 0)
    row = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    made = who.created[row] + within * 3_600_000_000
    phone = _phones(len(row), random)
    places = pl.Series(values=row)
    return pl.DataFrame(
        {
            "id": uuids(made, random),
            "owner_id": who.owner_ids.gather(places),
            "team_id": who.team_ids.gather(places),
            "created_at": moments(made),
            "updated_at": moments(made),
            "customer_id": who.ids.gather(places),
            "name": person_names(len(row), random),
            "title": pick(TITLES, random.integers(0, len(TITLES), len(row))),
            "phone": "+86" + phone,
            "email": some("c" + phone + "@example.com", random.random(len(row)) < 0.4),
            "wechat": some("wx_" + phone, random.random(len(row)) < 0.4),
            "is_primary": within == 0,
        }
    ).with_columns(remark=pl.lit(""), **plain_record())
