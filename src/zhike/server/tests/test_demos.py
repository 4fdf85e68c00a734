"""A demo in a company: what the loader wrote equals what the product itself would have worked out."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection
from pytest_django import DjangoDbBlocker

from zhike.customers.models import Customer, CustomerTag
from zhike.demo.size import DemoSize
from zhike.kernel.bulkload import left_aside
from zhike.kernel.models import SearchDoc
from zhike.kernel.search import documents
from zhike.orders.models import Order, OrderLine
from zhike.orders.totals import refresh_facts, refresh_totals
from zhike.org.models import User
from zhike.org.queries import actor_of
from zhike.sales.queries import suggestions
from zhike.server.cli.export import export
from zhike.server.companies import use_company
from zhike.server.control import Company, list_companies
from zhike.server.demos import create_demo
from zhike.server.founding import create_company, drop_company
from zhike.server.processes import ServerError

SIZE = DemoSize(customers=1500, orders=7000, seed=7, end=dt.date(2026, 11, 1))
SHAPE = """
select string_agg(d, E'\\n' order by d) from (
  select indexdef as d from pg_indexes where schemaname = 'public'
  union all select conname || pg_get_constraintdef(oid) from pg_constraint where contype in ('p', 'u', 'f')
  union all select tgname || tgenabled::text || tgrelid::regclass from pg_trigger where not tgisinternal
) x where d not like '%kernel_bulkload_kept%'
"""


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    with django_db_blocker.unblock():
        company = create_demo("试一试", size=SIZE)
        with use_company(company):
            yield company
        drop_company(company.slug)


def _shape(company: Company) -> str:
    with psycopg.connect(company.conninfo()) as session:
        row = session.execute(SHAPE).fetchone()
    assert row
    return str(row[0])


def test_a_demo_has_exactly_as_many_customers_and_orders_as_asked_for(demo: Company) -> None:
    assert (Customer.objects.count(), Order.objects.count()) == (1500, 7000)
    assert OrderLine.objects.count() > 7000
    assert CustomerTag.objects.count() > 300
    assert demo.is_demo


def test_working_out_totals_and_facts_again_changes_nothing(demo: Company) -> None:
    with connection.cursor() as cursor:
        assert refresh_totals(cursor, "select id from orders_order") == 0
        assert refresh_facts(cursor, "select id from customers_customer") == 0


def test_writing_search_documents_again_changes_nothing(demo: Company) -> None:
    before = list(SearchDoc.objects.order_by("id").values_list())
    documents.refresh(Customer, list(Customer.objects.values_list("pk", flat=True)))
    assert list(SearchDoc.objects.order_by("id").values_list()) == before
    assert len(before) > 1500


def test_indexes_constraints_and_triggers_are_those_of_an_empty_company(demo: Company) -> None:
    empty = create_company("空的")
    try:
        assert _shape(demo) == _shape(empty)
    finally:
        drop_company(empty.slug)
    with psycopg.connect(demo.conninfo()) as session:
        assert left_aside(session) == 0


def test_the_next_record_gets_the_next_number(demo: Company) -> None:
    last = User.objects.order_by("-pk").first()
    assert last is not None
    made = User.objects.create(username="neu", name="新人")
    made.delete()
    assert made.username == "neu"
    with connection.cursor() as cursor:
        cursor.execute("select last_value from org_user_id_seq")
        assert cursor.fetchone() == (last.pk + 1,)


def test_all_eight_segments_occur_and_sellers_have_somebody_to_call(demo: Company) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select array_agg(distinct segment order by segment) from customers_customer")
        assert cursor.fetchone() == (list(range(9)),)
    company_today = create_demo("今天")
    try:
        with use_company(company_today):
            for username in ("linyue", "zhouhang"):
                found = suggestions(actor_of(User.objects.get(username=username)))
                assert len({suggestion.rule.code for suggestion in found}) >= 3
                assert len(found) == 20
    finally:
        drop_company(company_today.slug)


def test_export_writes_what_the_list_shows_under_the_same_filters(demo: Company, tmp_path: Path) -> None:
    file = tmp_path / "客户.csv"
    words = [
        "customers",
        str(file),
        "--company",
        demo.slug,
        "--filter",
        "grade.in=key",
        "--columns",
        "code,name,sales",
        "--sort",
        "-sales",
        "--json",
    ]
    done = CliRunner().invoke(export, words)
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(file.open(encoding="utf-8-sig")))
    expected = Customer.objects.filter(grade="key").order_by("-sales", "-pk").values_list("code", "name")
    assert rows[0] == ["客户编号", "客户名称", "累计销售额（元）"]
    assert [tuple(row[:2]) for row in rows[1:]] == list(expected)
    assert json.loads(done.stdout)["rows"] == len(rows) - 1 > 50


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nichts"], "export_object_unknown"),
        (["customers", "--columns", "geheim"], "export_columns_unknown"),
        (["customers", "--filter", "geheim.is=1"], "export_refused"),
        (["customers", "--filter", "sales.ge=viel"], "export_refused"),
    ],
)
def test_export_says_what_it_does_not_know(demo: Company, tmp_path: Path, words: list[str], code: str) -> None:
    done = CliRunner().invoke(export, [words[0], str(tmp_path / "x.csv"), "--company", demo.slug, *words[1:]])
    assert isinstance(done.exception, ServerError)
    assert done.exception.code == code


def test_a_demo_that_fails_leaves_no_company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    def fail(draft: Company) -> None:
        raise ValueError(draft.slug)

    with django_db_blocker.unblock():
        with pytest.raises(ValueError, match=r"^$"):
            create_company("半途", fill=fail)
        assert "半途" not in [company.name for company in list_companies()]
