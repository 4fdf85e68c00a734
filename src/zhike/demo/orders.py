"""Orders and lines: each customer in a rhythm of its own, with season, growth, returns and cancellations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from zhike.demo.arrays import DAY, Flags, Floats, Ints, choose, decimals, moments, pick, some, uuids
from zhike.demo.customers import plain_record
from zhike.demo.products import Catalogue, catalogue, product_ids
from zhike.demo.size import HORIZON, Chunk, DemoSize
from zhike.demo.traits import Traits, traits
from zhike.demo.words import CITIES, ORDER_REMARKS
from zhike.kernel.text.lunar import birthdays_in_year

_RETURNS = 0.029
_CANCELLED = 0.008
_LINES = (0.62, 0.22, 0.1, 0.06)
_CHANNELS = (("业务员", 46.0), ("电话", 20.0), ("小程序", 18.0), ("门店", 10.0), ("网店", 6.0))
_SHIP_MODES = (("物流", 42.0), ("快递", 30.0), ("专车", 18.0), ("自提", 10.0))
_STATUSES = ("done", "open", "cancelled")
# Days since the last purchase that the page of today asks about; some customers are put there on purpose.
_ASKED_ABOUT = (3, 7, 30, 91)
_MONTHS = {10: 0.95, 11: 1.35, 12: 1.15, 7: 0.92, 8: 0.92}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Orders:
    """One row an order: place of its customer in the chunk, moment, and what kind of order it is."""

    customer: Ints
    ordered: Ints
    shipped: Ints
    is_return: Flags
    status: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """One row a line: place of its order, product, pieces, and money in ten-thousandths."""

    order: Ints
    within: Ints
    product: Ints
    quantity: Ints
    discount: Ints
    amount: Ints
    profit: Ints


def order_frames(size: DemoSize, chunk: Chunk) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders of a chunk's customers, sorted by customer and time, and their lines; totals agree to the last digit."""
    who = traits(size, chunk)
    random = size.random("orders", chunk.index)
    orders = _orders(size, chunk, who, random)
    lines = _lines(orders, who, random)
    ids = uuids(orders.ordered, random)
    return _order_frame(chunk, who, orders, lines, ids, random), _line_frame(size, orders, lines, ids, random)


def _orders(size: DemoSize, chunk: Chunk, who: Traits, random: np.random.Generator) -> _Orders:
    customer, position = _counts(size, chunk, who, random)
    ordered = _moments(size, who, customer, position, random)
    is_return = _returns(position, random)
    before = np.roll(ordered, 1)
    soon = before + (random.uniform(2, 20, len(ordered)) * DAY).astype(np.int64) // 1_000_000 * 1_000_000
    ordered = np.where(is_return, np.minimum(ordered, soon), ordered)
    shipped = ordered + (random.uniform(0.2, 3.5, len(ordered)) * DAY).astype(np.int64) // 1_000_000 * 1_000_000
    status = np.where((shipped > size.opening + HORIZON * DAY) & ~is_return, 1, 0)
    free = ~is_return & ~np.roll(is_return, -1)
    status[free & (random.random(len(ordered)) < _CANCELLED)] = 2
    return _Orders(customer=customer, ordered=ordered, shipped=shipped, is_return=is_return, status=status)


def _counts(size: DemoSize, chunk: Chunk, who: Traits, random: np.random.Generator) -> tuple[Ints, Ints]:
    """The customer of each order and the order's place among the customer's orders; exactly as many as asked for."""
    age = (size.opening + HORIZON * DAY - who.created) / (HORIZON * DAY)
    weights = who.activity * (age + 0.03) ** 0.6
    if not weights.sum():
        weights = np.ones_like(weights)
    counts = random.multinomial(chunk.orders, weights / weights.sum())
    customer = np.repeat(np.arange(len(counts)), counts)
    position = np.arange(len(customer)) - np.repeat(np.cumsum(counts) - counts, counts)
    return customer, position


def _moments(size: DemoSize, who: Traits, customer: Ints, position: Ints, random: np.random.Generator) -> Ints:
    """Gamma gaps between a first and a last purchase, bent so that busy weeks get more of them."""
    busy = _busy_days(size.first_day)
    joined = (who.created - size.opening) / DAY
    first, last = _first_and_last(joined, random)
    start, stop = (np.interp(days, np.arange(HORIZON + 1), busy)[customer] for days in (first, last))
    gaps = random.gamma(2.0, 1.0, len(customer))
    total = np.cumsum(gaps)
    begins = np.flatnonzero(position == 0)
    counts = np.diff([*begins, len(customer)])
    along = total - np.repeat(total[begins], counts)
    whole = np.repeat(along[begins + counts - 1], counts)
    # Who bought once bought either at the start or at the end, never in between.
    once = np.where(random.random(len(customer)) < 0.5, 0.0, 1.0)
    share = np.divide(along, whole, out=once, where=whole > 0)
    days = np.floor(np.interp(start + share * (stop - start), busy, np.arange(HORIZON + 1)) + 1e-9)
    hours = 8 / 24 + random.beta(2.0, 2.2, len(customer)) * 12 / 24
    found = size.opening + ((np.minimum(days, HORIZON - 1) + hours) * DAY).astype(np.int64)
    found = np.maximum(found, who.created[customer] + 600_000_000) // 1_000_000 * 1_000_000
    # Two purchases on one day keep their order.
    return found[np.lexsort((found, customer))]


def _first_and_last(joined: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Days of first and last purchase: half of the customers are active, some are slipping, some are gone."""
    count = len(joined)
    first = np.minimum(joined + random.exponential(6.0, count), HORIZON - 1.0)
    silent = 1 + random.exponential(22.0, count)
    state = random.random(count)
    silent = np.where(state < 0.08, np.array(_ASKED_ABOUT)[random.integers(0, len(_ASKED_ABOUT), count)], silent)
    silent = np.where(state > 0.58, random.uniform(45, 200, count), silent)
    silent = np.where(state > 0.84, random.uniform(200, HORIZON, count), silent)
    return first, np.maximum(np.floor(HORIZON - silent), first)


@cache
def _busy_days(first_day: date) -> Floats:
    """How much business was done up to each day: growth, seasons, weekends, holidays."""
    weights = []
    for number in range(HORIZON):
        day = first_day + timedelta(days=number)
        weight = (1 + 0.15 * number / 365) * _MONTHS.get(day.month, 1.0)
        weight *= {5: 0.7, 6: 0.45}.get(day.weekday(), 1.0)
        weights.append(weight * _holiday(day))
    return np.concatenate([[0.0], np.cumsum(weights)])


def _holiday(day: date) -> float:
    if day.month == 10 and day.day <= 7:
        return 0.35
    festival = birthdays_in_year(1, 1, False, day.year)[0]
    away = (day - festival).days
    if -3 <= away <= 8:
        return 0.08
    return 0.5 if -10 <= away <= 15 else 1.0


def _returns(position: Ints, random: np.random.Generator) -> Flags:
    """Returns follow an ordinary order of the same customer."""
    drawn: Flags = (position > 0) & (random.random(len(position)) < _RETURNS)
    return drawn & ~np.roll(drawn, 1)


def _lines(orders: _Orders, who: Traits, random: np.random.Generator) -> _Lines:
    count = len(orders.customer)
    lines = np.where(orders.is_return, 1, 1 + choose(random, _LINES, count))
    order = np.repeat(np.arange(count), lines)
    within = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines)
    goods = catalogue()
    buyer = orders.customer[order]
    product = _products(goods, orders, order, within, who.is_company, random)
    quantity = _quantities(goods.price[product], who.worth[buyer], random)
    begins = np.cumsum(lines) - lines
    # A return brings back all or half of the first line of the order before it.
    returned = np.flatnonzero(orders.is_return)
    source = begins[returned - 1]
    taken = np.where(random.random(len(returned)) < 0.6, quantity[source], (quantity[source] + 1) // 2)
    quantity[begins[returned]] = -taken
    discount = who.discount[buyer]
    amount = quantity * goods.price[product] * (100 - discount)
    return _Lines(
        order=order,
        within=within,
        product=product,
        quantity=quantity,
        discount=discount,
        amount=amount,
        profit=amount - quantity * goods.cost[product] * 100,
    )


def _products(goods: Catalogue, orders: _Orders, order: Ints, within: Ints, is_company: Flags, random: np.random.Generator) -> Ints:
    """A first product by how often it is bought, then others of the catalogue, no product twice in an order."""
    count, known = len(orders.customer), len(goods.names)
    company, person = choose(random, goods.company, count), choose(random, goods.person, count)
    first = np.where(is_company[orders.customer], company, person)
    first = np.where(orders.is_return, np.roll(first, 1), first)
    step = random.integers(1, known // (len(_LINES) + 1), count)
    return np.asarray((first[order] + within * step[order]) % known, dtype=np.int64)


def _quantities(price: Ints, worth: Floats, random: np.random.Generator) -> Ints:
    """Pieces: many of what is cheap, mostly one machine; more for customers worth more."""
    wanted = worth * 900_00 / price * np.exp(random.normal(0.0, 0.6, len(price)))
    return np.clip(np.round(wanted), 1, np.where(price > 5000_00, 4, 200)).astype(np.int64)


def _order_frame(chunk: Chunk, who: Traits, orders: _Orders, lines: _Lines, ids: pl.Series, random: np.random.Generator) -> pl.DataFrame:
    count = len(ids)
    buyer = pl.Series(values=orders.customer)
    ordered = moments(orders.ordered)
    frame = pl.DataFrame(
        {
            "id": ids,
            "owner_id": who.owner_ids.gather(buyer),
            "team_id": who.team_ids.gather(buyer),
            "created_at": ordered,
            "updated_at": ordered,
            "number": _numbers(chunk, orders, ordered),
            "customer_id": who.ids.gather(buyer),
            "ordered_at": ordered,
            "shipped_at": _shipped(orders),
            "status": pick(_STATUSES, orders.status),
            "channel": _drawn(_CHANNELS, count, random),
            "ship_mode": _drawn(_SHIP_MODES, count, random),
        }
    )
    return frame.with_columns(**_places(who.city[orders.customer]), **_totals(count, lines), **_remarks(count, random), **plain_record())


def _numbers(chunk: Chunk, orders: _Orders, ordered: pl.Series) -> pl.Series:
    serial = pl.Series(values=np.arange(chunk.orders_start + 1, chunk.orders_stop + 1)).cast(pl.String).str.zfill(7)
    day = ordered.dt.convert_time_zone("Asia/Shanghai").dt.strftime("%y%m%d")
    return pick(("XS", "TH"), orders.is_return.astype(np.int64)) + day + "-" + serial


def _shipped(orders: _Orders) -> pl.Series:
    sent = (orders.status == 0) & ~orders.is_return
    return pl.select(pl.when(pl.Series(values=sent)).then(moments(orders.shipped))).to_series()


def _drawn(pool: tuple[tuple[str, float], ...], count: int, random: np.random.Generator) -> pl.Series:
    return pick([word for word, _ in pool], choose(random, [weight for _, weight in pool], count))


def _remarks(count: int, random: np.random.Generator) -> dict[str, pl.Series]:
    words = pick(ORDER_REMARKS, random.integers(0, len(ORDER_REMARKS), count))
    return {"remark": some(words, random.random(count) < 0.06)}


def _places(city: Ints) -> dict[str, pl.Series | pl.Expr]:
    return {
        "currency": pl.lit("CNY"),
        "country": pl.lit("中国"),
        "region": pick([one.region for one in CITIES], city),
        "province": pick([one.province for one in CITIES], city),
        "city": pick([one.name for one in CITIES], city),
    }


def _totals(count: int, lines: _Lines) -> dict[str, pl.Series]:
    begins = np.flatnonzero(lines.within == 0)

    def total(values: Ints) -> Ints:
        return np.add.reduceat(values, begins) if count else values

    return {
        "lines_count": pl.Series(values=total(np.ones_like(lines.amount))).cast(pl.Int32),
        "quantity": decimals(total(lines.quantity) * 10_000),
        "amount": decimals(total(lines.amount)),
        "gross": decimals(total(np.maximum(lines.amount, 0))),
        "profit": decimals(total(lines.profit)),
    }


def _line_frame(size: DemoSize, orders: _Orders, lines: _Lines, ids: pl.Series, random: np.random.Generator) -> pl.DataFrame:
    goods = catalogue()
    product = pl.Series(values=lines.product)
    return pl.DataFrame(
        {
            "id": uuids(orders.ordered[lines.order], random),
            "order_id": ids.gather(pl.Series(values=lines.order)),
            "line_key": pl.Series(values=lines.within + 1).cast(pl.String),
            "product_id": product_ids(size).gather(product),
            "name": pick(goods.names, lines.product),
            "quantity": decimals(lines.quantity * 10_000),
            "unit_price": decimals(goods.price[lines.product] * 100),
            "discount": decimals(lines.discount * 100).cast(pl.Decimal(7, 4)),
            "amount": decimals(lines.amount),
            "profit": decimals(lines.profit),
        }
    )
