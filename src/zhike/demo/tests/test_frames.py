"""The demo company: the same seed gives the same bytes, totals agree, and every list has something to show."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import NamedTuple

import polars as pl
import pytest

from zhike.demo import frames, size
from zhike.demo.frames import DemoSize
from zhike.demo.logins import DEMO_LOGINS
from zhike.kernel.text.identifiers import credit_code_fault
from zhike.kernel.text.names import name_key
from zhike.kernel.text.phones import normalise

END = date(2026, 11, 22)
SMALL = DemoSize(customers=3000, orders=12000, end=END)


class Made(NamedTuple):
    """All frames of one demo."""

    customers: pl.DataFrame
    orders: pl.DataFrame
    lines: pl.DataFrame
    contacts: pl.DataFrame
    activities: pl.DataFrame
    tags: pl.DataFrame
    products: pl.DataFrame


def make(wanted: DemoSize) -> Made:
    chunks = list(frames.order_chunks(wanted))
    return Made(
        customers=pl.concat(frames.customer_chunks(wanted)),
        orders=pl.concat([chunk.orders for chunk in chunks]),
        lines=pl.concat([chunk.lines for chunk in chunks]),
        contacts=pl.concat(frames.contact_chunks(wanted)),
        activities=pl.concat(frames.activity_chunks(wanted)),
        tags=pl.concat(frames.customer_tag_chunks(wanted)),
        products=frames.product_frame(wanted),
    )


@cache
def small() -> Made:
    return make(SMALL)


def as_bytes(made: Made) -> list[bytes]:
    found = []
    for frame in made:
        target = BytesIO()
        frame.write_csv(target)
        found.append(target.getvalue())
    return found


def days_since(made: Made) -> pl.DataFrame:
    local = pl.col("ordered_at").dt.convert_time_zone("Asia/Shanghai").dt.date()
    last = made.orders.group_by("customer_id", "owner_id").agg(local.max().alias("last"))
    return last.with_columns(ago=(pl.lit(END) - pl.col("last")).dt.total_days())


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    wanted = DemoSize(customers=400, orders=1500, end=END)
    assert as_bytes(make(wanted)) == as_bytes(make(wanted))
    other = make(DemoSize(customers=400, orders=1500, end=END, seed=8))
    assert as_bytes(other)[0] != as_bytes(make(wanted))[0]


def test_counts_are_exactly_those_asked_for_over_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "CHUNK", 300)
    made = make(DemoSize(customers=1000, orders=4321, end=END))
    assert (made.customers.height, made.orders.height) == (1000, 4321)
    assert made.customers["code"].to_list() == [f"KH{number:07d}" for number in range(1, 1001)]
    assert set(made.orders["customer_id"]) <= set(made.customers["id"])
    assert made.orders["number"].n_unique() == 4321


@pytest.mark.parametrize(("customers", "orders"), [(1, 0), (1, 1), (5, 0), (2, 40)])
def test_the_smallest_demos_are_whole(customers: int, orders: int) -> None:
    made = make(DemoSize(customers=customers, orders=orders, end=END))
    assert (made.customers.height, made.orders.height) == (customers, orders)
    assert made.orders.columns == small().orders.columns
    assert made.orders.schema == small().orders.schema


def test_identifiers_are_version_7_unique_and_in_order_of_creation() -> None:
    made = small()
    for frame in (made.customers, made.orders, made.lines, made.contacts, made.activities, made.products):
        assert frame["id"].n_unique() == frame.height
        assert frame["id"].str.contains("^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").all()
    assert made.customers["id"].is_sorted()
    assert made.customers["created_at"].is_sorted()


def test_orders_are_the_sums_of_their_lines() -> None:
    made = small()
    sums = made.lines.group_by("order_id", maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("lines_count"),
        pl.col("quantity").sum(),
        pl.col("amount").sum(),
        pl.col("profit").sum(),
        pl.col("amount").filter(pl.col("amount") > 0).sum().alias("gross"),
    )
    joined = made.orders.join(sums, left_on="id", right_on="order_id", suffix="_sum")
    assert joined.height == made.orders.height
    for column in ("lines_count", "quantity", "amount", "profit", "gross"):
        assert (joined[column] == joined[f"{column}_sum"]).all(), column
    assert made.orders["amount"].sum() == made.lines["amount"].sum()


def test_a_line_is_pieces_times_price_less_discount_to_the_last_digit() -> None:
    for line in small().lines.head(500).iter_rows(named=True):
        assert line["amount"] == line["quantity"] * line["unit_price"] * (1 - line["discount"])
    assert small().lines["amount"].dtype == pl.Decimal(18, 4)


def test_lines_name_a_product_once_an_order() -> None:
    made = small()
    assert set(made.lines["product_id"]) <= set(made.products["id"])
    assert made.lines.select("order_id", "product_id").is_unique().all()
    assert made.lines.select("order_id", "line_key").is_unique().all()


def test_returns_are_negative_follow_a_sale_of_the_same_product_and_stay_few() -> None:
    made = small()
    returned = made.orders.filter(pl.col("number").str.starts_with("TH"))
    assert 0.015 < returned.height / made.orders.height < 0.035
    assert (returned["amount"] < Decimal(0)).all()
    assert (returned["gross"] == Decimal(0)).all()
    assert (made.orders.filter(~pl.col("number").str.starts_with("TH"))["amount"] > Decimal(0)).all()
    bought = made.lines.join(made.orders, left_on="order_id", right_on="id").select("customer_id", "product_id", "quantity")
    net = bought.group_by("customer_id", "product_id").agg(pl.col("quantity").sum())
    assert (net["quantity"] >= Decimal(0)).all()


def test_nothing_happens_before_the_customer_or_after_the_end() -> None:
    made = small()
    joined = made.orders.join(made.customers.select("id", pl.col("created_at").alias("known")), left_on="customer_id", right_on="id")
    assert (joined["ordered_at"] > joined["known"]).all()
    end = pl.Series([END]).cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")[0]
    for frame, column in (
        (made.orders, "ordered_at"),
        (made.orders, "shipped_at"),
        (made.activities, "happened_at"),
        (made.customers, "updated_at"),
    ):
        assert (frame[column].drop_nulls() <= end).all(), column
    assert (made.orders.filter(pl.col("shipped_at").is_null() & ~pl.col("number").str.starts_with("TH"))["status"] != "done").all()


def test_every_list_of_today_has_somebody_for_each_seller() -> None:
    since = days_since(small())
    for owner in (3, 4):
        mine = since.filter(pl.col("owner_id") == owner)["ago"]
        for low, high in ((3, 6), (7, 13), (28, 40), (90, 400)):
            assert mine.is_between(low, high).any(), (owner, low)
    assert since.filter(pl.col("ago") == 3).height >= 10
    assert since.filter(pl.col("ago") == 7).height >= 10


def test_a_fifth_of_the_buyers_brings_most_of_the_sales_and_most_come_back() -> None:
    made = small()
    worth = made.orders.group_by("customer_id").agg(pl.col("amount").sum().cast(pl.Float64), pl.len())
    ranked = worth["amount"].sort(descending=True).to_list()
    assert 0.6 < sum(ranked[: len(ranked) // 5]) / sum(ranked) < 0.85
    assert worth.filter(pl.col("len") > 1).height > 0.6 * worth.height


def test_the_spring_festival_is_quiet_and_november_busy() -> None:
    local = pl.col("ordered_at").dt.convert_time_zone("Asia/Shanghai").dt.date()
    days = small().orders.select(local.alias("day"))["day"]
    festival = days.is_between(date(2026, 2, 15), date(2026, 2, 24)).sum()
    usual = days.is_between(date(2026, 3, 15), date(2026, 3, 24)).sum()
    assert festival * 2 < usual
    assert days.is_between(date(2025, 11, 1), date(2025, 11, 30)).sum() > days.is_between(date(2025, 9, 1), date(2025, 9, 30)).sum()


def test_numbers_are_well_formed_and_keys_are_those_of_the_rules() -> None:
    made = small().customers
    for row in made.head(300).iter_rows(named=True):
        assert normalise(row["phone_raw"]) == row["phone"]
        assert not row["credit_code"] or credit_code_fault(row["credit_code"]) == ""
        assert row["name_key"] == name_key(row["name"], row["kind"])
        assert row["phone"][3:6] in {"142", "143", "154", "160", "161", "163", "164"}
        assert row["email"] == "" or row["email"].endswith("@example.com")
    assert 0.3 < made.filter(pl.col("kind") == "company").height / made.height < 0.4
    assert set(made["region"]) == {"华东", "中南", "华北", "东北", "西南", "西北"}


def test_companies_have_one_main_contact_and_people_none() -> None:
    made = small()
    companies = set(made.customers.filter(pl.col("kind") == "company")["id"])
    assert set(made.contacts["customer_id"]) == companies
    assert made.contacts.filter("is_primary")["customer_id"].n_unique() == len(companies) == made.contacts["is_primary"].sum()


def test_owners_are_people_of_the_company_in_their_own_team() -> None:
    made, org = small(), frames.org(SMALL)
    teams = {person.id: person.team_id for person in org.people}
    pairs = made.customers.select("owner_id", "team_id").unique().rows()
    assert all(team == teams.get(owner) for owner, team in pairs)
    assert org.shares.sum() == pytest.approx(1.0)
    assert [person.name for person in org.people[:6]] == [login.name for login in DEMO_LOGINS]


def test_a_big_demo_has_scopes_of_every_size() -> None:
    org = frames.org(DemoSize(customers=1_000_000, orders=0, end=END))
    assert (len(org.teams), len(org.people)) == (19, 206)
    sizes = sorted(round(person.share * 1_000_000) for person in org.people if person.share)
    assert sizes[0] < 50
    assert sizes[-1] > 30_000
    assert max(person.share for person in org.people if person.username == "linyue") * 1_000_000 <= 5000
    branch = {team.id for team in org.teams if "华东大区" in (team.name, org.teams[(team.parent_id or 1) - 1].name)}
    assert sum(person.share for person in org.people if person.team_id in branch) == pytest.approx(0.35)
