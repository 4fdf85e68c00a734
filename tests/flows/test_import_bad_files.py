"""Bad input gets a clear message and loses nothing."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from tests.flows.bringing_in import bring_in, history_count, one, rows, written
from zhike.kernel.errors import Refused
from zhike.kernel.imports import running
from zhike.kernel.imports.tables import ImportRun

HEAD = "订单编号,订单日期,客户编号,客户名称,产品编号,产品名称,数量,单价,币种\n"


def refused_rows(run: ImportRun) -> list[list[str]]:
    path = running.refused_file_of(run)
    assert path is not None
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"%PDF-1.4 nothing", "not_a_table"),
        ((",".join(f"c{n}" for n in range(3000)) + "\n").encode(), "too_many_columns"),
        (b"1,2,3\n4,5,6\n", "no_header"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(db: None, tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(Refused, match=code):
        bring_in(path, "orders")
    assert one("select count(*) from kernel_importrun") == 0
    assert history_count() == 0


def test_a_zip_bomb_is_refused(db: None, tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b"a,b\n")
        for _ in range(1100):
            file.write(b"0" * (1 << 20))
    with pytest.raises(Refused, match="zip_bomb"):
        bring_in(path, "orders")


def test_bad_rows_are_told_and_the_rest_goes_in(db: None, tmp_path: Path) -> None:
    body = (
        "S1,2026-01-05,K1,甲公司,P1,螺丝,2,1.5,CNY\n"
        "S2,2026-02-31,K1,甲公司,P1,螺丝,1,1,CNY\n"
        "S3,2026-01-06,K1,甲公司,P1,螺丝,1e400,1,CNY\n"
        "S4,2026-01-06,K1,甲公司,P1,螺丝,=cmd(),1,CNY\n"
        "S5,2026-01-06,K1,甲公司,P1,螺丝,1,1,XXY\n"
        "S6,2026-01-06,K1\n"
        "S7,2026-01-07,,,P1,螺丝,3,1,CNY\n"
        "S8,2026-01-08,K1,甲公司,P1,螺丝,-1,1.5,CNY\n"
        "S9,2026-01-09,K2,=cmd()|calc,P1,螺丝,1,1,CNY\n"
    )
    run = bring_in(written(tmp_path, HEAD + body), "orders")
    assert run.state == "done"
    assert run.counts["codes"] == {
        "date_invalid": 1,
        "number_out_of_range": 1,
        "number_invalid": 1,
        "currency_unknown": 1,
        "row_too_short": 1,
    }
    assert (run.counts["read"], run.counts["refused"]) == (9, 5)
    assert [(row[0], row[-2]) for row in sorted(refused_rows(run)[1:])] == [
        ("2", "订单日期"), ("3", "数量"), ("4", "数量"), ("5", "币种"), ("6", ""),
    ]  # fmt: skip
    assert rows("select number, amount, quantity from orders_order order by 1") == [
        ("S1", Decimal("3.0000"), Decimal("2.0000")), ("S7", Decimal("3.0000"), Decimal("3.0000")),
        ("S8", Decimal("-1.5000"), Decimal("-1.0000")), ("S9", Decimal("1.0000"), Decimal("1.0000")),
    ]  # fmt: skip
    assert one("select customer_id from orders_order where number = 'S7'") is None
    assert one("select name from customers_customer where code = 'K2'") == "=cmd()|calc"
    assert next(row for row in refused_rows(run) if row[0] == "4")[7] == "'=cmd()"


def test_reasons_are_in_the_language_asked_for(db: None, tmp_path: Path) -> None:
    run = bring_in(written(tmp_path, HEAD + "S1,2026-01-05,K1,甲,P1,螺丝,2,1.5,CNY\nS2,2026-02-31,K1,甲,P1,螺丝,1,1,CNY\n"), "orders")
    assert refused_rows(run)[1][-1] == "没有这一天或不是日期：2026-02-31"


def test_nothing_goes_in_when_that_was_asked(db: None, tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "S1,2026-01-05,K1,甲,P1,螺丝,2,1.5,CNY\nS2,2026-02-31,K1,甲,P1,螺丝,1,1,CNY\n")
    run = bring_in(path, "orders", on_refused="nothing")
    assert (run.state, run.change_id) == ("refused", None)
    assert history_count() == 0
    assert len(refused_rows(run)) == 2


def test_gb18030_and_utf16_are_read_as_what_they_are(db: None, tmp_path: Path) -> None:
    for number, encoding in enumerate(("gb18030", "utf-16")):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(f"客户编号,客户名称\nE{number},北京恒砺机电有限公司\n".encode(encoding))
        assert bring_in(path, "customers").counts["customer"]["inserted"] == 1
    assert rows("select distinct name from customers_customer") == [("北京恒砺机电有限公司",)]


def test_twins_in_one_file_are_merged_and_told(db: None, tmp_path: Path) -> None:
    text = "客户编号,客户名称,城市,邮箱\nK1,甲,南京,\nK2,乙,,\nK1,甲公司,,a@example.com\n"
    run = bring_in(written(tmp_path, text), "customers")
    assert "merged_duplicate" in run.report["warnings"]
    assert rows("select code, name, city, email from customers_customer order by 1") == [
        ("K1", "甲公司", "南京", "a@example.com"),
        ("K2", "乙", "", ""),
    ]


def test_a_value_the_database_refuses_costs_only_its_row(db: None, tmp_path: Path) -> None:
    one_bad = "".join(f"K{n},客户{n}\n" for n in range(50))
    with_check = "alter table customers_customer add constraint no_seven check (code <> 'K7')"
    with connection.cursor() as cursor:
        cursor.execute(with_check)
    run = bring_in(written(tmp_path, "客户编号,客户名称\n" + one_bad), "customers")
    assert (run.state, run.counts["customer"]["inserted"], run.counts["refused"]) == ("done", 49, 1)
    assert run.counts["codes"] == {"database_refused": 1}
    assert refused_rows(run)[1][:3] == ["8", "K7", "客户7"]
    assert "no_seven" in refused_rows(run)[1][-1]
