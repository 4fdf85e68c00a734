"""A company's own fields at the interface: read, written, filtered, in bulk, in the document, as one's role may."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.cast import actor
from tests.made import customer
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.api.tests.conftest import MakeProgram
from zhike.kernel.fieldwork.actions import add_field
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.fieldwork.jobs import bring_up_to_date
from zhike.kernel.testing.proofs import queries
from zhike.org.models import FieldRule, Role

LABEL = "customers.customer"


@pytest.fixture
def fields(db: None) -> None:
    """级别 (a choice), 面积 (a number), 验收 (a day), 师傅 (a person), 母公司 (a link)."""
    levels = (("", "金牌", "Gold", "key", False), ("", "银牌", "Silver", "", False))
    wishes = (
        Wish(name="级别", kind="choice", choices=levels, is_filterable=True), Wish(name="面积", kind="number", is_filterable=True),
        Wish(name="验收", kind="date"), Wish(name="师傅", kind="person"), Wish(name="母公司", kind="link", target=LABEL),
    )  # fmt: skip
    for wish in wishes:
        add_field(LABEL, wish, by=actor("管理员"))
    bring_up_to_date()


def test_they_are_written_and_read_like_any_other(fields: None, lin_yue: Actor, chen_mo: Actor, program: MakeProgram) -> None:
    client = program("林悦")
    parent = customer("母", lin_yue.user_id, lin_yue.home_team)
    strange = customer("外", chen_mo.user_id, chen_mo.home_team)
    given = {
        "name": "常州精工", "kind": "company", "cf_ji_bie": "gold", "cf_mian_ji": "1200.5", "cf_yan_shou": "2026-03-05", "cf_shi_fu": lin_yue.user_id,
        "cf_mu_gong_si": str(parent.pk),
    }  # fmt: skip
    made = client.post("customers", given)
    assert made.status == 201, made.content
    read = client.get(f"customers/{made.data['id']}?labels=1").data
    assert (read["cf_ji_bie"], read["labels"]["cf_ji_bie"], read["cf_mian_ji"], read["cf_yan_shou"]) == (
        "gold",
        "金牌",
        "1200.5",
        "2026-03-05",
    )
    assert read["cf_shi_fu"] == {"id": lin_yue.user_id, "name": "林悦"}
    assert read["cf_mu_gong_si"] == {"id": str(parent.pk), "name": "母"}
    path = f"customers/{made.data['id']}"
    assert client.patch(path, {"cf_mu_gong_si": str(strange.pk)}, 1).wrong == {"cf_mu_gong_si": "link_unknown"}
    assert client.patch(path, {"cf_ji_bie": "platin"}, 1).wrong == {"cf_ji_bie": "invalid_value"}
    assert client.patch(path, {"cf_ji_bie": None, "cf_mian_ji": 7}, 1).data["cf_ji_bie"] is None
    assert [row["name"] for row in client.get("customers?cf_mian_ji.le=10&fields=name").data["data"]] == ["常州精工"]
    told = client.get("openapi.json").data["components"]["schemas"]["customers_new"]["properties"]
    assert told["cf_ji_bie"]["description"] == "级别"


def test_bulk_writes_them_in_as_few_queries(fields: None, lin_yue: Actor, program: MakeProgram, system: MakeProgram) -> None:
    def rows(count: int, size: str) -> dict[str, object]:
        made = [{"code": f"C-{n}", "name": f"甲{n}", "kind": "company", "cf_mian_ji": size, "cf_ji_bie": "gold"} for n in range(count)]
        return {"key": "code", "rows": made}

    client = system("仓库", "admin")
    assert client.post("customers/bulk", rows(3, "10")).data["counts"]["created"] == 3
    assert client.post("customers/bulk", rows(3, "10")).data["counts"]["unchanged"] == 3
    with queries() as few:
        assert client.post("customers/bulk", rows(3, "11")).data["counts"]["changed"] == 3
    client.post("customers/bulk", rows(60, "12"))
    with queries() as many:
        assert client.post("customers/bulk", rows(60, "13")).data["counts"]["changed"] == 60
    assert many.count == few.count
    assert {Decimal(row.custom["mian_ji"]) for row in Customer.objects.all()} == {Decimal(13)}
    del lin_yue, program


def test_a_hidden_one_is_not_there(fields: None, lin_yue: Actor, program: MakeProgram) -> None:
    made = customer("甲", lin_yue.user_id, lin_yue.home_team, custom={"mian_ji": "80"})
    FieldRule.objects.create(role=Role.objects.get(code="sales"), label=LABEL, field="cf_mian_ji", rule=Rule.HIDDEN)
    client = program("林悦")
    assert "cf_mian_ji" not in client.get(f"customers/{made.pk}").data
    assert client.get("customers?cf_mian_ji.ge=1").code == "unknown_filter"
    assert client.patch(f"customers/{made.pk}", {"cf_mian_ji": "1"}, 1).wrong == {"cf_mian_ji": "unknown_field"}
    client.patch(f"customers/{made.pk}", {"cf_ji_bie": "gold"}, 1)
    [newest, *_older] = client.get(f"customers/{made.pk}/history").data["data"]
    assert "cf_mian_ji" not in newest["before"]
    assert Customer.objects.get(pk=made.pk).custom == {"mian_ji": "80", "ji_bie": "gold"}
