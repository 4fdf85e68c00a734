"""Score all customers over the lake and write it back, set-wise; free of Django, so that it runs in a small process."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psycopg

from zhike.kernel.bulkload import copy_frame
from zhike.kernel.errors import Refused
from zhike.kernel.lake.engine import rows_of
from zhike.kernel.later import Later

from .facts import ZONE, Facts
from .rfm import Bands, RfmRule, score

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

CHUNK = 20_000
KEEP_RUNS = 400
LOCK = "select pg_try_advisory_lock(hashtextextended('zhike.value', 0))"
SETTING = "select mode, days, compare_days, high, bands from analytics_valuesetting limit 1"
FRESH = """
create temp table value_fresh (n int, customer_id uuid, segment smallint, before smallint, rfm smallint, orders int,
  sales numeric(18,4), sales_before numeric(18,4), last_day date)
"""
# Whoever was scored and is not any more goes back to nothing.
GONE = """
insert into value_fresh select %(n)s + row_number() over (order by id), id, 0, 0, 0, 0, 0, 0, null from customers_customer c
where (c.rfm <> 0 or c.segment <> 0) and not exists (select 1 from value_fresh f where f.customer_id = c.id)
"""
CUSTOMERS = """
update customers_customer c set rfm = f.rfm, segment = f.segment from value_fresh f
where f.n > %(lo)s and f.n <= %(hi)s and c.id = f.customer_id and (c.rfm, c.segment) is distinct from (f.rfm, f.segment)
"""
SCORES = """
insert into analytics_valuescore as v (customer_id, segment, before, rfm, orders, sales, sales_before, last_day)
select customer_id, segment, before, rfm, orders, sales, sales_before, last_day from value_fresh where n > %(lo)s and n <= %(hi)s
on conflict (customer_id) do update set segment = excluded.segment, before = excluded.before, rfm = excluded.rfm,
  orders = excluded.orders, sales = excluded.sales, sales_before = excluded.sales_before, last_day = excluded.last_day
where (v.segment, v.before, v.rfm, v.orders, v.sales, v.sales_before, v.last_day) is distinct from
  (excluded.segment, excluded.before, excluded.rfm, excluded.orders, excluded.sales, excluded.sales_before, excluded.last_day)
"""
FORGET = (
    "delete from analytics_valuescore v where not exists (select 1 from value_fresh f where f.customer_id = v.customer_id and f.n <= %(n)s)"
)
RUN = """
insert into analytics_valuerun (as_of, compared_to, rule, ranges, watermark, customers, seconds, is_current)
values (%(as_of)s, %(compared_to)s, %(rule)s, %(ranges)s, %(watermark)s, %(customers)s, %(seconds)s, true) returning id
"""
PRUNE = "delete from analytics_valuegroup where run_id in (select id from analytics_valuerun order by id desc offset %s)"
GROUP = ("segment", "before", "r", "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How to score: the rule as of a day, and the day to compare with."""

    rule: RfmRule
    compared_to: dt.date
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueReport:
    """What a run did: as of when, customers scored, rows that changed, seconds of each part."""

    as_of: str
    customers: int
    changed: int
    seconds: Mapping[str, float]


def score_all(uri: str, facts: Facts, *, today: dt.date | None = None) -> ValueReport:
    """Score by the company's rule and write back; Refused("value_running") when another run works on this company.

    Scores are as of the last day with a sale, and of `compare_days` before it, both over the same orders.
    """
    began = time.monotonic()
    with psycopg.connect(uri, autocommit=True) as db:
        if not db.execute(LOCK).fetchone()[0]:  # type: ignore[index]
            raise Refused("value_running")
        asked = _asked(db, _last_sale(facts, today or dt.datetime.now(ZoneInfo(ZONE)).date()))
        frame = _frame(facts, asked)
        scored = time.monotonic()
        changed = _write(db, frame)
        seconds = {"score": round(scored - began, 2), "write": round(time.monotonic() - scored, 2)}
        _finish(db, frame, asked, facts.watermark, time.monotonic() - began)
    customers = frame.filter(pl.col("segment") > 0).height
    return ValueReport(as_of=asked.rule.as_of.isoformat(), customers=customers, changed=changed, seconds=seconds)


def rule_of(told: Mapping[str, Any], as_of: dt.date) -> RfmRule:
    """The rule that a setting stands for; Refused as `RfmRule` and `Bands`."""
    bands = None
    if told["mode"] == "bands":
        given = told["bands"]
        recency = tuple(int(x) for x in given["recency"])
        frequency = tuple(int(x) for x in given["frequency"])
        monetary = tuple(Decimal(x) for x in given["monetary"])
        if not len(recency) == len(frequency) == len(monetary) == 4:
            raise Refused("bands_not_in_order")
        bands = Bands(recency=recency, frequency=frequency, monetary=monetary)
    return RfmRule(as_of=as_of, days=told["days"], bands=bands, high=int(told["high"]))


def _asked(db: psycopg.Connection, as_of: dt.date) -> Asked:
    row = db.execute(SETTING).fetchone() or ("quintile", 365, 90, 4, {})
    told = dict(zip(("mode", "days", "compare_days", "high", "bands"), row, strict=True))
    return Asked(rule=rule_of(told, as_of), compared_to=as_of - dt.timedelta(days=told["compare_days"]), told=told)


def _last_sale(facts: Facts, today: dt.date) -> dt.date:
    """Where orders end earlier than today, today would only say that nobody has bought since."""
    sales: Any = facts.sales
    [found] = rows_of(sales.filter(sales.gross > 0, sales.day <= today).aggregate(last=sales.day.max()))
    return found["last"] or today


def _frame(facts: Facts, asked: Asked) -> pl.DataFrame:
    """Everybody scored now or then, in the order of ids."""
    earlier = RfmRule(as_of=asked.compared_to, days=asked.rule.days, bands=asked.rule.bands, high=asked.rule.high)
    now, then = _scores(facts, asked.rule), _scores(facts, earlier)
    then = then.select("customer_id", before="segment", sales_before="sales")
    frame = now.join(then, on="customer_id", how="full", coalesce=True)
    numbers = [name for name in frame.columns if name not in ("customer_id", "last_day")]
    frame = frame.with_columns(pl.col(numbers).fill_null(0)).sort("customer_id")
    return frame.with_row_index("n", offset=1)


def _scores(facts: Facts, rule: RfmRule) -> pl.DataFrame:
    frame = pl.from_arrow(score(facts, rule))
    assert isinstance(frame, pl.DataFrame)
    return frame.select(
        "customer_id", "segment", "r", "f", rfm=pl.col("r") * 100 + pl.col("f") * 10 + pl.col("m"),
        orders=pl.col("frequency"), sales=pl.col("monetary"), recency_days="recency_days",
        last_day=pl.lit(rule.as_of) - pl.duration(days=pl.col("recency_days")),
    )  # fmt: skip


def _write(db: psycopg.Connection, frame: pl.DataFrame) -> int:
    """Scores of customers and of the analytics table, some thousands at a time so that nobody waits for a lock."""
    money = [pl.col(name).cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, 4)) / pl.lit(10_000) for name in ("sales", "sales_before")]
    rows = frame.select("n", "customer_id", "segment", "before", "rfm", "orders", *money, pl.col("last_day").cast(pl.Date))
    db.execute(FRESH)
    copy_frame(db, "value_fresh", rows)
    db.execute("create index on value_fresh (customer_id)")
    db.execute("analyze value_fresh")
    db.execute(GONE, {"n": frame.height})
    db.execute("create unique index on value_fresh (n)")
    total = db.execute("select coalesce(max(n), 0) from value_fresh").fetchone()[0]  # type: ignore[index]
    changed = 0
    for bounds in _chunks(total):
        changed += db.execute(CUSTOMERS, bounds).rowcount
        if bounds["lo"] < frame.height:
            db.execute(SCORES, {"lo": bounds["lo"], "hi": min(bounds["hi"], frame.height)})
    db.execute(FORGET, {"n": frame.height})
    return changed


def _chunks(total: int) -> Iterator[dict[str, int]]:
    yield from ({"lo": lo, "hi": lo + CHUNK} for lo in range(0, total, CHUNK))


def _finish(db: psycopg.Connection, frame: pl.DataFrame, asked: Asked, watermark: dt.datetime | None, seconds: float) -> None:
    """Name this run the current one, with its groups."""
    run = {
        "as_of": asked.rule.as_of, "compared_to": asked.compared_to, "rule": json.dumps(asked.told), "ranges": json.dumps(_ranges(frame)),
        "watermark": watermark or dt.datetime.now(dt.UTC), "customers": frame.filter(pl.col("segment") > 0).height, "seconds": round(seconds, 3),
    }  # fmt: skip
    with db.transaction():
        db.execute("update analytics_valuerun set is_current = false where is_current")
        number = db.execute(RUN, run).fetchone()[0]  # type: ignore[index]
        copy_frame(db, "analytics_valuegroup", _groups(frame).with_columns(run_id=pl.lit(number)))
        db.execute(PRUNE, [KEEP_RUNS])


def _groups(frame: pl.DataFrame) -> pl.DataFrame:
    sums = frame.group_by(GROUP).agg(
        customers=pl.len(), orders=pl.col("orders").sum(), sales=pl.col("sales").sum(),
        sales_before=pl.col("sales_before").sum(), silent_days=pl.col("recency_days").sum(),
    )  # fmt: skip
    exact = [pl.col(name).map_elements(_yuan, return_dtype=pl.String) for name in ("sales", "sales_before")]
    return sums.sort(GROUP).with_columns(exact)


def _yuan(units: int) -> str:
    return str(Decimal(units).scaleb(-4))


def _ranges(frame: pl.DataFrame) -> dict[str, dict[str, list[int]]]:
    """Lowest and highest days and orders of each score, for the words beside the map."""
    found: dict[str, dict[str, list[int]]] = {}
    for name, column in (("r", "recency_days"), ("f", "orders")):
        bounds = frame.filter(pl.col("segment") > 0).group_by(name).agg(low=pl.col(column).min(), high=pl.col(column).max())
        found[name] = {str(row[name]): [row["low"], row["high"]] for row in bounds.sort(name).to_dicts()}
    return found
