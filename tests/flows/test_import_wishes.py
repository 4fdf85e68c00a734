"""Keys, modes, owners, tags, contacts and rights: what a person asks of an import is what happens."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.cast import user_of
from tests.flows.bringing_in import bring_in, history_count, one, rows, written
from tests.made import customer
from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.errors import Refused
from zhike.kernel.imports import running
from zhike.kernel.imports.plans import Options
from zhike.kernel.imports.tables import ImportRun


def test_empty_cells_keep_what_is_stored_unless_asked_to_clear(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户编号,客户名称,城市\nK1,甲,南京\n"), "customers")
    path = written(tmp_path, "客户编号,客户名称,城市\nK1,甲乙,\n")
    bring_in(path, "customers")
    assert rows("select name, city, version from customers_customer") == [("甲乙", "南京", 2)]
    bring_in(path, "customers", clear_empty=True)
    assert rows("select name, city, version from customers_customer") == [("甲乙", "", 3)]


def test_only_new_or_only_known_records(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户编号,客户名称\nK1,甲\n"), "customers")
    path = written(tmp_path, "客户编号,客户名称\nK1,甲甲\nK2,乙\n")
    added = bring_in(path, "customers", mode="insert")
    assert (added.counts["codes"], added.counts["customer"]["inserted"]) == ({"exists_already": 1}, 1)
    assert rows("select code, name from customers_customer order by 1") == [("K1", "甲"), ("K2", "乙")]
    path = written(tmp_path, "客户编号,客户名称\nK1,甲甲\nK3,丙\n")
    changed = bring_in(path, "customers", mode="update")
    assert (changed.counts["codes"], changed.counts["customer"]["updated"]) == ({"not_found": 1}, 1)
    assert rows("select code, name from customers_customer order by 1") == [("K1", "甲甲"), ("K2", "乙")]


def test_customers_are_known_by_phone_where_there_is_no_number(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户名称,手机\n甲,138 1234 0001\n"), "customers")
    bring_in(written(tmp_path, "客户名称,手机,城市\n甲某,+86 13812340001,南京\n乙,13812340002,北京\n"), "customers")
    assert rows("select name, phone, city from customers_customer order by phone") == [
        ("甲某", "+8613812340001", "南京"), ("乙", "+8613812340002", "北京"),
    ]  # fmt: skip


def test_same_names_are_not_one_customer_unless_the_name_is_the_key(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户编号,客户名称\nK1,张伟\nK2,张伟\n"), "customers")
    assert one("select count(*) from customers_customer") == 2
    run = bring_in(written(tmp_path, "客户名称,城市\n张伟,南京\n李娜,北京\n"), "customers")
    assert run.counts["codes"] == {"key_ambiguous": 1}
    assert one("select count(*) from customers_customer") == 3


def test_owner_column_tags_and_contacts(db: None, tmp_path: Path) -> None:
    text = (
        "客户编号,客户名称,负责人,标签,联系人,联系人电话\n"
        "K1,恒砺机电有限公司,林悦,老客户；展会,王五,13812340009\n"
        "K2,乙,没有这人,x,赵六,\n"
        "K1,恒砺机电有限公司,linyue,展会,孙七,\n"
    )
    path = written(tmp_path, text)
    run = bring_in(path, "customers")
    assert run.counts["codes"] == {"owner_unknown": 1}
    yue = user_of("林悦")
    home = yue.memberships.get(is_home=True).team_id
    assert rows("select code, owner_id, team_id from customers_customer") == [("K1", yue.pk, home)]
    assert rows("select name, phone, owner_id from customers_contact order by name desc") == [
        ("王五", "+8613812340009", yue.pk),
        ("孙七", "", yue.pk),
    ]
    assert rows("select t.name from customers_customertag x join customers_tag t on t.id = x.tag_id order by t.name") == [
        ("展会",),
        ("老客户",),
    ]
    entries = history_count()
    bring_in(path, "customers")
    assert history_count() == entries


def test_orders_follow_the_owner_of_their_customer(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户编号,客户名称,负责人\nK1,甲,林悦\n"), "customers")
    bring_in(written(tmp_path, "订单编号,订单日期,客户编号,金额\nS1,2026-01-05,K1,10\nS2,2026-01-05,,5\n"), "orders")
    yue, mo = user_of("林悦").pk, user_of("陈默").pk
    assert rows("select number, owner_id from orders_order order by 1") == [("S1", yue), ("S2", None)]
    run = bring_in(written(tmp_path, "客户编号,客户名称,负责人\nK1,甲,陈默\n"), "customers")
    assert rows("select number, owner_id from orders_order order by 1") == [("S1", mo), ("S2", None)]
    running.undo(run, SYSTEM)
    assert rows("select number, owner_id, version from orders_order order by 1") == [("S1", yue, 1), ("S2", None, 1)]


def test_amounts_are_worked_out_where_the_file_has_none(db: None, tmp_path: Path) -> None:
    bring_in(
        written(tmp_path, "订单编号,订单日期,产品编号,数量,单价,折扣\nS1,2026-01-05,P1,3,9.99,0.1\nS1,2026-01-05,P1,1,10,\n"), "orders"
    )
    assert rows("select line_key, amount from orders_orderline order by 1") == [("P1#1", Decimal("26.9730")), ("P1#2", Decimal("10.0000"))]
    assert rows("select lines_count, amount, gross, quantity from orders_order") == [
        (2, Decimal("36.9730"), Decimal("36.9730"), Decimal("4.0000"))
    ]


def test_a_sales_person_changes_only_own_customers(lin_yue: Actor, chen_mo: Actor, tmp_path: Path) -> None:
    customer("甲", lin_yue.user_id, lin_yue.home_team, code="K1")
    customer("乙", chen_mo.user_id, chen_mo.home_team, code="K2")
    run = bring_in(written(tmp_path, "客户编号,客户名称,城市\nK1,甲,南京\nK2,乙,南京\nK3,丙,南京\n"), "customers", by=lin_yue)
    assert run.counts["codes"] == {"not_permitted_row": 1}
    assert rows("select code, city, owner_id from customers_customer order by 1") == [
        ("K1", "南京", lin_yue.user_id), ("K2", "", chen_mo.user_id), ("K3", "南京", lin_yue.user_id),
    ]  # fmt: skip


def test_orders_of_a_customer_out_of_reach_are_refused_whole(lin_yue: Actor, chen_mo: Actor, tmp_path: Path) -> None:
    customer("乙", chen_mo.user_id, chen_mo.home_team, code="K2")
    run = bring_in(written(tmp_path, "订单编号,订单日期,客户编号,金额\nS1,2026-01-05,K2,10\nS2,2026-01-05,K9,5\n"), "orders", by=lin_yue)
    assert run.counts["codes"] == {"not_permitted_row": 1}
    assert rows("select number, owner_id from orders_order") == [("S2", lin_yue.user_id)]
    assert one("select sales from customers_customer where code = 'K2'") == 0


def test_without_the_right_to_import_nothing_is_even_kept(shen_ji: Actor, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not_permitted"):
        bring_in(written(tmp_path, "客户编号,客户名称\nK1,甲\n"), "customers", by=shen_ji)
    assert ImportRun.objects.count() == 0


@pytest.mark.parametrize(
    ("mapping", "keys", "code"),
    [
        ({"客户编号": "customer.nothing"}, (), "field_unknown"),
        ({"没有": "customer.code"}, (), "column_unknown"),
        ({"客户编号": "customer.code"}, ("customer.city",), "key_unknown"),
        ({"客户编号": "customer.code"}, ("customer.phone",), "key_not_in_file"),
        ({"客户编号": "customer.city"}, (), "fields_missing"),
        ({}, (), "nothing_mapped"),
    ],
)
def test_wishes_that_cannot_be_met_are_said_so(db: None, tmp_path: Path, mapping: dict[str, str], keys: tuple[str, ...], code: str) -> None:
    path = written(tmp_path, "客户编号,客户名称\nK1,甲\n")
    with pytest.raises(Refused, match=code):
        running.work(running.new_run(path, target="customers", mapping=mapping, by=SYSTEM, options=Options(keys=keys)))
    assert one("select count(*) from customers_customer") == 0


def test_a_dry_run_counts_and_writes_nothing(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户编号,客户名称\nK1,甲\nK2,乙\n"), "customers")
    entries = history_count()
    path = written(tmp_path, "客户编号,客户名称,邮箱\nK1,甲甲,\nK2,乙,\nK3,丙,\nK4,丁,没有\n")
    run = running.new_run(
        path, target="customers", mapping=running.propose(path, "customers").mapping | {"邮箱": "customer.email"}, by=SYSTEM
    )
    running.check(run)
    assert run.state == "checked"
    assert run.counts["customer"] == {"records": 3, "to_insert": 1, "to_update": 1, "refused": 0, "unchanged": 1}
    assert [row["row"] for row in run.report["first"]] == [4]
    assert history_count() == entries
    assert running.work(run).counts["customer"]["inserted"] == 1
