"""Field rules over every object type, field and address: what is closed is not shown, filtered by, sorted by, found or written.

Every field of a record holds something that occurs nowhere else; then all addresses of the type are asked for.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.db import models
from python_calamine import CalamineWorkbook

from tests.cast import actor
from tests.contract.routes import ROUTES, Route
from tests.made import FORMS, findable, make
from zhike.analytics.cards import cards_for
from zhike.analytics.compute import MetricQuery, Where, compute
from zhike.analytics.facts import Facts
from zhike.customers.models import Contact, Customer
from zhike.kernel.actions import change_record, create_record
from zhike.kernel.actor import Rule
from zhike.kernel.errors import Refused
from zhike.kernel.fields import MoneyField
from zhike.kernel.history import last_change_of
from zhike.kernel.imports import running
from zhike.kernel.imports.plans import actor_from, actor_plain, may_fill
from zhike.kernel.imports.targets import all_targets
from zhike.kernel.lists.groups import groupings
from zhike.kernel.metrics import metrics
from zhike.kernel.models import Record
from zhike.kernel.policy import Reach
from zhike.kernel.registry import objects
from zhike.kernel.screens.files import attach
from zhike.kernel.search.finding import find
from zhike.kernel.seen import never_ruled
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import refused, written
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.orders.models import Order
from zhike.org.models import FieldRule, Role

LogIn = Callable[[str], Web]
WHO = "管理员"
NO_FACTS: Any = Facts(sales=None, customers=None)
PHONE = "+8613987659876"
CLOSED = (Rule.MASKED, Rule.HIDDEN)
each_rule = pytest.mark.parametrize("rule", CLOSED, ids=[rule.name.lower() for rule in CLOSED])
# Asked for with every single field closed: these draw records in full.
SINGLY = ("/{slug}/", "/{slug}/{pk}/", "/{slug}/{pk}/peek", "/{slug}/{pk}/timeline", "/{slug}/pick?q={q}", "/")


READERS: dict[str, Callable[[bytes], str]] = {
    "csv": lambda content: content.decode("utf-8-sig"),
    "xlsx": lambda content: str(CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()),
    "parquet": lambda content: str(pl.read_parquet(io.BytesIO(content)).rows()),
}


def rulable(spec: ObjectSpec) -> list[str]:
    """Fields of a type that a rule may close: all that people see of it."""
    named = {path.partition("__")[0] for path in spec.paths()} - never_ruled(spec) - {"id"}
    return sorted(name for name in named if isinstance(spec.model._meta.get_field(name), models.Field))


def telling(field: models.Field[Any, Any], n: int) -> tuple[Any, tuple[str, ...]]:
    """The n-th value for a field, and how it would show; nothing for what is not told apart from other text."""
    if field.name == "phone":
        return PHONE, ("3987659", "9876598")
    if field.choices or field.is_relation or isinstance(field, models.BooleanField):
        return None, ()
    if isinstance(field, models.DateTimeField):
        return dt.datetime(1972 + n, 8, 18, 4, tzinfo=dt.UTC), (f"{1972 + n}-08", f"{1972 + n}年")
    if isinstance(field, models.DateField):
        return dt.date(1972 + n, 8, 18), (f"{1972 + n}-08", f"{1972 + n}年")
    if isinstance(field, MoneyField | models.DecimalField):
        value = Decimal(f"{n + 10}65432.25")
        return value, (f"{n + 10}65432", f"{value:,}", f"{n + 10}6.5")
    if isinstance(field, models.IntegerField):
        return (555, ("5-5-5", ",555,", " 555,")) if field.name == "rfm" else (76430 + n, (f"{76430 + n}", f"{76430 + n:,}"))
    if isinstance(field, models.EmailField):
        return "qqmailqq@zzplacezz.cn", ("qqmailqq",)
    text = f"q{n + 10}zq{field.name}"[: field.max_length or 20]
    return (text, (text[1:],)) if len(text) > 5 else (None, ())


def fill(record: Record, spec: ObjectSpec) -> dict[str, tuple[str, ...]]:
    """Give every field that a rule may close its value; what must not be read of each."""
    told: dict[str, tuple[str, ...]] = {}
    for n, name in enumerate(rulable(spec)):
        field = record._meta.get_field(name)
        assert isinstance(field, models.Field)
        value, shown = telling(field, n)
        if shown and name != "updated_at":
            rows = type(record).objects.filter(pk=record.pk)
            before = rows.values_list(field.attname, flat=True).get()
            for stored in (value, before, value):  # so the history holds it too
                rows.update(**{field.attname: stored})
            told[name] = shown
    return told


def close(label: str, names: list[str], rule: Rule) -> None:
    """Close fields to all people of the administrators' role."""
    role = Role.objects.get(code="admin")
    FieldRule.objects.bulk_create(FieldRule(role=role, label=label, field=name, rule=rule) for name in names)


@pytest.fixture
def filled(db: None) -> Callable[[ObjectSpec], tuple[Record, dict[str, tuple[str, ...]]]]:
    """A record of 周航 with every field filled, and what belongs to it."""

    def made(spec: ObjectSpec) -> tuple[Record, dict[str, tuple[str, ...]]]:
        record = make(spec.label, "松江甲", actor("周航"))
        told = fill(record, spec)
        if isinstance(record, Customer):
            order = make("orders.order", "SO-1", actor("周航"))
            Order.objects.filter(pk=order.pk).update(customer=record, amount=Decimal("8765432.25"))
        attach(record, ContentFile(b"x"), "报价.txt", by=actor(WHO))
        findable([type(record).objects.get(pk=record.pk)])
        return record, told

    return made


# Addresses that the walk below leaves out because they take more than a record, and where they are tested instead.
ELSEWHERE = {
    "<slug:slug>/filter/<slug:name>": "test_what_is_closed_neither_filters_nor_sorts",
    "<slug:slug>/filter/<slug:name>/row": "test_what_is_closed_neither_filters_nor_sorts",
    "<slug:slug>/bulk/set/<slug:name>": "test_what_is_closed_or_kept_is_not_written",
    "<slug:slug>/<uuid:pk>/edit/<slug:name>": "test_what_is_closed_or_kept_is_not_written",
    "<slug:slug>/<uuid:pk>/panel/<str:key>": "each panel is asked for below",
    "<slug:slug>/<uuid:pk>/files/<uuid:file_id>": "holds no field",
}
FACTS = {"slug", "pk", "q", "view", "group"}


def holes(path: str) -> set[str]:
    """What an address takes."""
    return {name for _text, name, _spec, _conversion in Formatter().parse(path) if name}


def readable() -> list[tuple[str, Route]]:
    """Addresses that a person reads."""
    kinds = [(name, route) for name, route in ROUTES.items() if route.form is None and not (route.is_open or route.is_run or route.is_api)]
    return [(name, route) for name, route in kinds if name != "logout/"]


def addresses(spec: ObjectSpec, record: Record, paths: list[str] | None = None) -> Iterator[str]:
    """Every address that reads and concerns this type, filled in for a record."""
    facts = {"slug": spec.slug, "pk": record.pk, "q": str(record), "view": "all"}
    walked = [route.path for _name, route in readable() if (not route.slugs or spec.slug in route.slugs) and holes(route.path) <= FACTS]
    for path in paths or walked:
        for group in [one.key for one in groupings(spec)] if "{group}" in path else [""]:
            yield path.format(**facts, group=group)
    for panel in objects.panels(spec.label) if paths is None else ():
        yield f"/{spec.slug}/{record.pk}/panel/{panel.key}"


@each_rule
def test_no_address_shows_what_is_closed(rule: Rule, spec: ObjectSpec, filled: Any, web: LogIn) -> None:
    record, told = filled(spec)
    close(spec.label, rulable(spec), rule)
    if spec.label == "customers.customer":  # the figures of a customer are also those of its orders
        close("orders.order", rulable(objects.of(Order)), rule)
    client = web(WHO)
    for path in addresses(spec, record):
        answer = client.get(path)
        assert answer.status in (200, 204, 302, 403, 404, 405, 422), (path, answer.status)
        for name, shown in told.items():
            assert not [text for text in shown if text in answer.text], (path, name)


@each_rule
def test_no_file_holds_what_is_closed(rule: Rule, spec: ObjectSpec, filled: Any, web: LogIn) -> None:
    record, told = filled(spec)
    close(spec.label, rulable(spec), rule)
    client = web(WHO)
    client.post(f"/{spec.slug}/columns", {"column": [column.path for column in spec.columns]})
    for kind, read in READERS.items():
        answer = client.client.get(f"/{spec.slug}/export?format={kind}")
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        text = read(content)
        assert str(record) in text
        assert "None" not in text.replace("None, ", "").replace(", None", "") or kind == "parquet"
        assert not [name for name, shown in told.items() if any(part in text for part in shown)], kind


@each_rule
def test_each_field_alone_is_closed_without_harm(rule: Rule, spec: ObjectSpec, filled: Any, web: LogIn) -> None:
    record, told = filled(spec)
    client = web(WHO)
    for name in rulable(spec):
        FieldRule.objects.all().delete()
        close(spec.label, [name], rule)
        for path in addresses(spec, record, list(SINGLY)):
            answer = client.get(path)
            assert answer.status == 200, (name, path, answer.status)
            assert not [text for text in told.get(name, ()) if text in answer.text], (name, path)


@each_rule
def test_what_is_closed_neither_filters_nor_sorts(rule: Rule, spec: ObjectSpec, filled: Any, web: LogIn) -> None:
    filled(spec)
    close(spec.label, rulable(spec), rule)
    client = web(WHO)
    for item in spec.filters:
        if item.column in rulable(spec):
            for place in ("", "rows", "count", "export"):
                answer = client.get(f"/{spec.slug}/{place}?{item.name}.in=1")
                assert (answer.status, answer.refused) == (422, "unknown_filter"), (item.name, place)
            for place in (f"filter/{item.name}", f"filter/{item.name}/row"):
                assert client.get(f"/{spec.slug}/{place}").refused == "unknown_filter", place
    for sort in spec.sorts:
        if sort.key in rulable(spec):
            assert client.get(f"/{spec.slug}/?sort=-{sort.key}").refused == "unknown_sort"


def test_what_is_closed_or_kept_is_not_written(spec: ObjectSpec, filled: Any, web: LogIn) -> None:
    record, _told = filled(spec)
    client = web(WHO)
    for rule in Rule:
        FieldRule.objects.all().delete()
        names = [name for name in rulable(spec) if name not in spec.required]
        close(spec.label, names, rule)
        now = actor(WHO)
        before = written()
        for name in names:
            assert client.post(f"/{spec.slug}/{record.pk}/edit/{name}", {name: "1"}).refused == "not_permitted", (rule, name)
            assert client.post(f"/{spec.slug}/bulk/set/{name}?ids={record.pk}", {name: "1"}).refused == "not_permitted", (rule, name)
            with refused("field_not_permitted", field=name):
                change_record(record, {name: "1"}, by=now)
            if rule is Rule.HIDDEN and spec.form:
                with refused("field_not_permitted", field=name):
                    create_record(spec.model, {name: "1"}, by=now)
        assert written() == before


@each_rule
def test_search_does_not_find_by_what_is_closed(rule: Rule, spec: ObjectSpec, filled: Any) -> None:
    if spec.search is None or spec.search.by_prefix:
        pytest.skip("is found by its name alone")
    record, told = filled(spec)
    asked = [PHONE, "13987659876", "9876598", *([told[spec.search.code][0]] if spec.search.code else [])]
    found = [text for text in asked if any(hits.spec.label == spec.label for hits in find(actor(WHO), text))]
    assert found, "nothing is found even when all is open"
    close(spec.label, rulable(spec), rule)
    for text in asked:
        assert not [hits for hits in find(actor(WHO), text) if hits.spec.label == spec.label], text
    assert [hit.pk for hits in find(actor(WHO), "松江甲") for hit in hits.records] == [record.pk]


def test_a_masked_phone_is_found_by_the_digits_it_shows(db: None) -> None:
    make("customers.customer", "松江甲", actor("周航"))
    Customer.objects.update(phone=PHONE)
    findable(Customer.objects.all())
    close("customers.customer", ["phone"], Rule.MASKED)
    assert [hits.records[0].pk for hits in find(actor(WHO), "9876")] == [Customer.objects.get().pk]
    assert not find(actor(WHO), "59876")


@each_rule
def test_phones_of_contacts_do_not_lead_to_customers(rule: Rule, db: None) -> None:
    contact = make("customers.contact", "黄工", actor("周航"))
    assert isinstance(contact, Contact)
    findable([contact.customer])
    assert find(actor(WHO), "13812340077")
    close("customers.contact", ["phone"], rule)
    assert not find(actor(WHO), "13812340077")
    assert find(actor(WHO), "黄工")
    close("customers.customer", ["phone", "code"], rule)
    assert find(actor(WHO), "黄工")


def test_an_import_offers_and_takes_no_field_under_a_rule(spec: ObjectSpec, db: None) -> None:
    for rule in Rule:
        FieldRule.objects.all().delete()
        close(spec.label, rulable(spec), rule)
        now = actor_from(actor_plain(actor(WHO)))
        ruled = {f.column for f in spec.model._meta.concrete_fields if f.name in rulable(spec)} | set(rulable(spec))
        for target in all_targets():
            for entity, field in target.fields():
                if entity.model is spec.model:
                    expected = field.name not in ruled and field.db_column not in ruled
                    assert may_fill(entity, field, now) == expected, (target.name, field.name)


def test_every_address_that_reads_is_walked_or_tested_elsewhere() -> None:
    """A new screen that takes more than a record has to say where its closed fields are tested."""
    left_out = {name for name, route in readable() if not holes(route.path) <= FACTS and "{slug}" in route.path}
    assert left_out <= ELSEWHERE.keys()


@pytest.mark.parametrize("rule", list(Rule))
def test_an_import_of_a_closed_field_is_refused_by_the_engine(rule: Rule, tmp_path: Path, db: None) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("客户编号,客户名称,城市\nK1,松江甲,无锡\n", encoding="utf-8")
    mapping = {"客户编号": "customer.code", "客户名称": "customer.name", "城市": "customer.city"}
    assert running.propose(file, "customers", by=actor(WHO)).mapping == mapping
    close("customers.customer", ["city"], rule)
    assert "城市" not in running.propose(file, "customers", by=actor(WHO)).mapping
    with refused("field_not_permitted", field="customer.city"):
        running.new_run(file, target="customers", mapping=mapping, by=actor(WHO))


def test_no_figure_is_worked_out_of_a_closed_field() -> None:
    """Asked for with each field closed that it tells, a metric or dimension is refused; a page offers only open ones."""
    for one in (*metrics, *metrics.dimensions()):
        for field in metrics.told_by(one.name):
            reach = Reach(kind="all", closed=frozenset({field}))
            is_metric = one in tuple(metrics)
            query = MetricQuery(metrics=(one.name,) if is_metric else ("orders.count",), by=() if is_metric else (one.name,), scope=reach)
            with pytest.raises(Refused) as said:
                compute(NO_FACTS, query)
            assert (said.value.code, said.value.facts) == ("field_not_permitted", {"field": one.name})
            where = Where(dimension=one.name, op="equals", values=(None,))
            if not is_metric:
                with pytest.raises(Refused):
                    compute(NO_FACTS, MetricQuery(metrics=("orders.count",), where=(where,), scope=reach))
    closed = Reach(kind="all", closed=frozenset({"orders.order.amount", "customers.customer.segment"}))
    assert [name for name, _title in cards_for(closed)] == ["buyers"]
    assert [name for name, _title in cards_for(Reach(kind="all", closed=frozenset({"catalog.product.category"})))] == [
        "sales", "orders", "buyers", "places", "categories", "segments",
    ]  # fmt: skip


def test_every_figure_names_the_fields_it_tells() -> None:
    """A dimension or metric over a column of an object type without saying so would tell a closed field."""
    fields = {f.name for spec in objects for f in spec.model._meta.concrete_fields}
    silent = [d.name for d in metrics.dimensions() if d.kind not in ("period", "product") and not d.tells]
    silent += [m.name for m in metrics if not metrics.told_by(m.name) and m.name != "orders.count"]
    assert silent == []
    told = {path.rpartition(".") for one in (*metrics, *metrics.dimensions()) for path in one.tells}
    assert [path for path in told if not objects.has(path[0]) or path[2] not in fields] == []


def test_forms_ask_for_nothing_hidden(spec: ObjectSpec, web: LogIn, db: None) -> None:
    if not spec.form:
        pytest.skip("is made with something else")
    names = [name for name in rulable(spec) if name not in spec.required and name in {*spec.form, *spec.form_more}]
    close(spec.label, names, Rule.HIDDEN)
    form = web(WHO).get(f"/{spec.slug}/new").text
    assert not [name for name in names if f'name="{name}"' in form]
    values = {name: value for name, value in FORMS[spec.label].items() if name not in names}
    assert web(WHO).post(f"/{spec.slug}/new", values).status == 204


@pytest.mark.parametrize("rule", list(Rule))
def test_undo_puts_no_closed_value_back(rule: Rule, db: None) -> None:

    made = make("customers.customer", "松江甲", actor("周航"))
    change_record(made, {"city": "无锡"}, by=actor("周航"))
    close("customers.customer", ["city"], rule)
    change = last_change_of(made.pk)
    assert change is not None
    with refused("field_not_permitted"):
        undo_change(change, by=actor(WHO))
    assert Customer.objects.get(pk=made.pk).city == "无锡"
