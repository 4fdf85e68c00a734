"""Layouts arrange what a reader may see anyway: by role, with a way back, and a new field never vanishes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.utils import translation

from tests.cast import actor
from tests.made import make
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.errors import Refused
from zhike.kernel.registry import objects
from zhike.kernel.savedviews.layouts import Laid, LaidPanel, completed, keep_layout, laid_out, now, plain, read, reset_layout
from zhike.kernel.savedviews.tables import Layout
from zhike.kernel.spec import ObjectSpec, Panel
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.org.models import FieldRule, Role

LogIn = Callable[[str], Web]
LABEL = "customers.customer"
SHORT = Laid(
    panels=(
        LaidPanel(key="remark", fields=("remark", "phone"), is_two=True),
        LaidPanel(key="own", fields=("industry",), title="行业", title_en="Industry", is_folded=True),
        LaidPanel(key="-", fields=("wechat", "nonsense"), is_hidden=True),
    ),
    form=("name", "city"),
    form_more=("phone",),
    form_off=("email",),
)


@pytest.fixture
def spec() -> ObjectSpec:
    return objects.get(LABEL)


def headings(web: Web, customer: Customer) -> list[str]:
    """The panels of a customer's page, from top to bottom."""
    facts = web.get(f"/customers/{customer.pk}/").text.partition('id="facts"')[2].partition('id="attachments"')[0]
    return re.findall(r"<h3>([^<]+)</h3><dl|<h3>([^<]+)</h3></summary>", facts) and [
        a or b for a, b in re.findall(r"<h3>([^<]+)</h3>(?:<dl)|<h3>([^<]+)</h3></summary>", facts)
    ]


def test_what_a_type_declares_is_a_layout_that_changes_nothing(spec: ObjectSpec) -> None:
    same = laid_out(spec, now(spec))
    assert [panel.fields for panel in same.panels] == [panel.fields for panel in spec.panels]
    assert [str(panel.title) for panel in same.panels] == [str(panel.title) for panel in spec.panels]
    assert (same.form, same.form_more) == (spec.form, spec.form_more)
    assert read(json.loads(json.dumps(plain(now(spec))))) == now(spec)


def test_panels_come_in_the_order_laid_and_what_nobody_mentions_stays(spec: ObjectSpec) -> None:
    laid = laid_out(spec, SHORT)
    assert laid.panels[0].fields == ("remark", "phone")
    assert (laid.panels[0].is_two, laid.panels[1].is_folded) == (True, True)
    shown = [name for panel in laid.panels for name in panel.fields]
    assert sorted(shown) == sorted({name for panel in spec.panels for name in panel.fields} - {"wechat"})
    assert len(shown) == len(set(shown))
    with translation.override("en"):
        assert str(laid.panels[1].title) == "Industry"
    with translation.override("zh-hans"):
        assert [str(panel.title) for panel in laid.panels] == ["备注", "行业", "更多"]


def test_a_field_made_later_appears_in_its_own_panel(spec: ObjectSpec) -> None:
    laid = now(spec)
    first, *rest = spec.panels
    grown = replace(spec, panels=(replace(first, fields=(*first.fields, "cf_wheels")), *rest, Panel(title="新的", fields=("cf_doors",))))
    found = laid_out(grown, laid)
    assert found.panels[0].fields[-1] == "cf_wheels"
    assert found.panels[-1].fields == ("cf_doors",)
    hidden = replace(laid, panels=(replace(laid.panels[0], is_hidden=True), *laid.panels[1:]))
    assert "cf_wheels" in [name for panel in laid_out(grown, hidden).panels for name in panel.fields]
    assert [one.fields[-1] for one in completed(grown, laid).panels if "cf_wheels" in one.fields] == ["cf_wheels"]


def test_a_form_asks_what_is_required_and_what_nobody_took_out(spec: ObjectSpec) -> None:
    laid = laid_out(spec, SHORT)
    assert laid.form == ("name", "city", "kind"), "the kind is required"
    assert laid.form_more[0] == "phone"
    assert "email" not in (*laid.form, *laid.form_more)
    assert set(laid.form_more) == {"phone", "grade", *spec.form_more} - {"email", "city"}
    assert laid_out(spec, replace(SHORT, form=("sales", "nonsense"), form_more=())).form == ("name", "kind"), (
        "nothing worked out, nothing unknown"
    )


@pytest.mark.parametrize(
    "given", [None, [], {}, {"panels": 1}, {"panels": [{"key": "a"}]}, {"panels": [{"key": "a", "fields": "name"}]}, {"panels": [1]}]
)
def test_what_is_no_layout_is_refused(given: object) -> None:
    with pytest.raises(Refused, match="layout_wrong"):
        read(given)


@pytest.mark.parametrize("who", ["林悦", "主管", "审计", "访客"])
def test_only_those_who_look_after_fields_lay_out(who: str, guan_li: Actor, web: LogIn) -> None:
    with refused("not_permitted"):
        keep_layout(LABEL, None, SHORT, by=actor(who))
    row = keep_layout(LABEL, None, SHORT, by=guan_li)
    with refused("not_permitted"):
        reset_layout(row, by=actor(who))
    assert web(who).post("/settings/layouts/customers", {"layout": json.dumps(plain(SHORT))}).refused == "not_permitted"


def test_a_layout_is_in_force_for_everybody_until_a_role_has_its_own(guan_li: Actor, web: LogIn) -> None:
    lin_yue = actor("林悦")
    customer = make(LABEL, "客户甲", lin_yue)
    assert isinstance(customer, Customer)
    keep = web("管理员").post("/settings/layouts/customers", {"layout": json.dumps(plain(SHORT))})
    assert keep.toast == "布局已存好"
    assert headings(web("林悦"), customer) == ["备注", "行业", "更多"]
    sales = Role.objects.get(code="sales").pk
    own = Laid(panels=(LaidPanel(key="country", fields=("city",), title="在哪"),))
    web("管理员").post(f"/settings/layouts/customers?role={sales}", {"layout": json.dumps(plain(own))})
    assert headings(web("林悦"), customer)[0] == "在哪"
    assert headings(web("管理员"), customer)[0] == "备注"
    form = web("林悦").part("/customers/new").text
    assert form.index('name="kind"') < form.index('name="phone"')
    undone = web("管理员").post(f"/settings/layouts/customers/reset?role={sales}")
    assert headings(web("林悦"), customer)[0] == "备注"
    web("管理员").post(undone.undo_url)
    assert headings(web("林悦"), customer)[0] == "在哪"
    web("管理员").post(keep.undo_url)
    assert Layout.objects.get().role_id == sales


def test_a_layout_shows_nobody_what_he_may_not_see(guan_li: Actor, web: LogIn) -> None:
    customer = make(LABEL, "客户甲", actor("林悦"))
    Customer.objects.filter(pk=customer.pk).update(remark="底价八折", phone="+8613812340001")
    keep_layout(LABEL, None, SHORT, by=guan_li)
    FieldRule.objects.create(role=Role.objects.get(code="sales"), label=LABEL, field="remark", rule=Rule.HIDDEN)
    page = web("林悦").get(f"/customers/{customer.pk}/").text
    assert "底价八折" not in page
    assert f"/customers/{customer.pk}/edit/remark" not in page
    assert f"/customers/{customer.pk}/edit/phone" in page


def test_the_preview_keeps_nothing(web: LogIn, db: None) -> None:
    make(LABEL, "客户甲")
    shown = web("管理员").post("/settings/layouts/customers/preview", {"layout": json.dumps(plain(SHORT))})
    assert "行业" in shown.text
    assert not Layout.objects.exists()
    assert web("管理员").post("/settings/layouts/customers/preview", {"layout": "{"}).refused == "layout_wrong"
    assert web("管理员").get("/settings/layouts/contacts").status == 200
    assert web("管理员").get("/settings/layouts/customers?role=99999").refused == "gone"
