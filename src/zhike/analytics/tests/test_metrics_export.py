"""Orders on their way to the lake: what counts, and which months a change touches."""

from __future__ import annotations

import uuid
from decimal import Decimal as D
from pathlib import Path

import psycopg
import pytest

from zhike.analytics import metrics as declared
from zhike.analytics.compute import MetricQuery, compute
from zhike.analytics.facts import Kinds, export_facts, open_facts
from zhike.kernel.lake import export

Database = tuple[psycopg.Connection, str]
KINDS = Kinds(order=4, line=5, product=6)
TABLES = """
create table catalog_product (id uuid primary key, name text, category text, sub_category text);
create table customers_customer (id uuid primary key, code text, kind text default 'company', grade text default '',
  category text default '', region text default '', province text default '', city text default '',
  segment int default 0, owner_id int, team_id int, created_at timestamptz default now(), first_order_at timestamptz);
create table orders_order (id uuid primary key, number text, part text default '', customer_id uuid, ordered_at timestamptz,
  status text default 'done', region text default '', province text default '', city text default '',
  country text default '', channel text default '', owner_id int, team_id int);
create table orders_orderline (id uuid primary key, order_id uuid references orders_order on delete cascade,
  product_id uuid, name text default '',  quantity numeric(18, 4), amount numeric(18, 4), profit numeric(18, 4));
create table kernel_history (at timestamptz not null default now(), hid bigint generated always as identity,
  kind smallint, object_id uuid, change_id uuid, op "char", old jsonb);
create function note() returns trigger language plpgsql as $$ begin
  insert into kernel_history (kind, object_id, op, old) select tg_argv[0]::smallint,
    coalesce(new.id, old.id), left(tg_op, 1), case tg_op when 'DELETE' then to_jsonb(old) when 'UPDATE' then
      (select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(old))
        where value is distinct from to_jsonb(new)->key) end;
  return null; end $$;
create trigger t after insert or update or delete on orders_order for each row execute function note(4);
create trigger t after insert or update or delete on orders_orderline for each row execute function note(5);
create trigger t after insert or update or delete on catalog_product for each row execute function note(6);
"""
CUSTOMER, PUMP, OIL = (str(uuid.UUID(int=n)) for n in (1, 2, 3))
JANUARY, FEBRUARY, MARCH, MOVED = (str(uuid.UUID(int=n)) for n in (11, 12, 13, 14))


def order(db: psycopg.Connection, key: str, at: str, *amounts: str, product: str = PUMP, status: str = "done") -> None:
    db.execute(
        "insert into orders_order (id, number, customer_id, ordered_at, status, region, owner_id) values (%s, %s, %s, %s, %s, '华东', 1)",
        [key, f"N{key[-2:]}", CUSTOMER, at, status],
    )
    for amount in amounts:
        db.execute(
            "insert into orders_orderline (id, order_id, product_id, name, quantity, amount) values (%s, %s, %s, '旧名', 1, %s)",
            [uuid.uuid4(), key, product, amount],
        )


@pytest.fixture
def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(export, "OVERLAP", export.OVERLAP * 0)
    db = database[0]
    db.execute(TABLES)
    db.execute("insert into customers_customer (id, code) values (%s, 'K1')", [CUSTOMER])
    products = "insert into catalog_product values (%s, '空压机', '设备', '螺杆'), (%s, '机油', '耗材', '油品')"
    db.execute(products, [PUMP, OIL])
    order(db, JANUARY, "2024-01-31 23:59:59+08", "100.1234", "50")
    order(db, FEBRUARY, "2024-01-31 16:00:00+00", "200", product=OIL)
    order(db, MARCH, "2024-03-01 12:00:00+08", "300", status="returned")
    return database


def touched(shop: Database, lake: Path) -> tuple[str, ...]:
    report = export_facts(shop[1], lake, kinds=KINDS)
    assert not report.full
    return report.months["sales"]


def by_month(lake: Path) -> dict[str, D | None]:
    assert declared.ALL
    table = compute(open_facts(lake), MetricQuery(metrics=("orders.sales",), by=("month",)))
    return {str(row.keys[0])[:7]: row.values[0] for row in table.rows}


def test_days_are_those_of_shanghai_and_cancelled_orders_stay_out(shop: Database, tmp_path: Path) -> None:
    order(shop[0], MOVED, "2024-05-01 00:00+08", "999", status="cancelled")
    report = export_facts(shop[1], tmp_path, kinds=KINDS)
    assert (report.full, report.months["sales"]) == (True, ("2024-01", "2024-02", "2024-03"))
    assert by_month(tmp_path) == {"2024-01": D("150.1234"), "2024-02": D(200), "2024-03": D(0)}
    lines = open_facts(tmp_path).sales.order_by("amount").to_pyarrow().to_pylist()
    assert [(x["amount"], x["gross"], x["sales"], x["product_name"]) for x in lines] == [
        (500_000, 500_000, 500_000, "空压机"), (1_001_234, 1_001_234, 1_001_234, "空压机"),
        (2_000_000, 2_000_000, 2_000_000, "机油"), (3_000_000, 3_000_000, 0, "空压机"),
    ]  # fmt: skip
    assert sum(x["first_sale"] for x in lines) == 3


@pytest.mark.parametrize(
    ("sql", "months"),
    [
        ("update orders_order set region = '华南' where id = %(january)s", ("2024-01",)),
        ("update orders_order set ordered_at = '2024-07-01 08:00+08' where id = %(january)s", ("2024-01", "2024-07")),
        ("update orders_orderline set amount = 1 where order_id = %(february)s", ("2024-02",)),
        ("update orders_orderline set order_id = %(march)s where order_id = %(january)s", ("2024-01", "2024-03")),
        ("delete from orders_orderline where order_id = %(march)s", ("2024-03",)),
        ("delete from orders_order where id = %(february)s", ("2024-02",)),
        ("update orders_order set status = 'cancelled' where id = %(january)s", ("2024-01",)),
        ("update catalog_product set category = '油' where id = %(oil)s", ("2024-02",)),
        ("update customers_customer set segment = 3", ()),
    ],
)
def test_a_change_touches_the_months_it_was_and_is_in(shop: Database, tmp_path: Path, sql: str, months: tuple[str, ...]) -> None:
    export_facts(shop[1], tmp_path / "lake", kinds=KINDS)
    names = {"january": JANUARY, "february": FEBRUARY, "march": MARCH, "oil": OIL}
    shop[0].execute(sql, names)
    assert touched(shop, tmp_path / "lake") == months
    export_facts(shop[1], tmp_path / "fresh", kinds=KINDS)
    assert whole(tmp_path / "lake") == whole(tmp_path / "fresh")


def whole(lake: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Everything in a lake, in a fixed order."""
    facts = open_facts(lake)
    return (
        facts.sales.order_by("line_id").to_pyarrow().to_pylist(),
        facts.customers.order_by("customer_id").to_pyarrow().to_pylist(),
    )


def test_new_orders_and_lines_arrive(shop: Database, tmp_path: Path) -> None:
    export_facts(shop[1], tmp_path, kinds=KINDS)
    order(shop[0], MOVED, "2024-06-01 00:00+08", "1.5", "-0.5")
    assert touched(shop, tmp_path) == ("2024-06",)
    assert by_month(tmp_path)["2024-06"] == D(1)
