"""Records at the interface: listed, made, changed and deleted as their holder may."""

from __future__ import annotations

import uuid

from tests.made import customer, order
from zhike.catalog.models import Product
from zhike.customers.models import Contact, Customer
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.api.tests.conftest import MakeProgram
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.testing.proofs import written
from zhike.org.models import FieldRule, Role


def test_who_calls_and_what_there_is(db: None, program: MakeProgram) -> None:
    told = program("林悦").get("").data
    assert told["actor"]["name"] == "林悦"
    assert [item["object"] for item in told["objects"]] == ["customers", "contacts", "products", "orders"]


def test_a_list_is_what_the_screen_would_show(lin_yue: Actor, chen_mo: Actor, program: MakeProgram) -> None:
    for number, city in enumerate(("苏州", "无锡", "苏州")):
        customer(f"甲{number}", lin_yue.user_id, lin_yue.home_team, city=city, sales=number)
    customer("外人", chen_mo.user_id, chen_mo.home_team, city="苏州")
    client = program("林悦")
    found = client.get("customers?city.in=苏州&sort=-sales&fields=name,city")
    assert found.status == 200
    assert [(row["name"], set(row)) for row in found.data["data"]] == [
        ("甲2", {"id", "version", "name", "city"}),
        ("甲0", {"id", "version", "name", "city"}),
    ]
    assert client.get("customers/count?city.in=苏州").data == {"count": 2, "is_exact": True, "counted_up_to": 10000}


def test_pages_follow_each_other_without_gap_or_double(lin_yue: Actor, program: MakeProgram) -> None:
    for number in range(7):
        customer(f"甲{number}", lin_yue.user_id, lin_yue.home_team, sales=number // 2)
    client, after, names = program("林悦"), "", []
    while True:
        page = client.get(f"customers?sort=-sales&limit=3{after}").data
        names += [row["name"] for row in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}".replace("+", "%2B")
    assert sorted(names) == [f"甲{number}" for number in range(7)]
    assert len(names) == 7


def test_values_are_typed(lin_yue: Actor, program: MakeProgram) -> None:
    made = customer("常州精工", lin_yue.user_id, lin_yue.home_team, sales="1234567890123.4567", grade="key")
    read = program("林悦").get(f"customers/{made.pk}?labels=1")
    assert read.etag == '"1"'
    assert read.data["sales"] == "1234567890123.4567"
    assert read.data["created_at"].endswith("Z")
    assert read.data["last_order_at"] is None
    assert read.data["owner"] == {"id": lin_yue.user_id, "name": "林悦"}
    assert (read.data["grade"], read.data["labels"]["grade"]) == ("key", "重要")


def test_a_link_names_only_what_its_reader_may_see(lin_yue: Actor, chen_mo: Actor, program: MakeProgram) -> None:
    strange = customer("番禺丙", chen_mo.user_id, chen_mo.home_team)
    sold = order("SO-1", lin_yue.user_id, lin_yue.home_team)
    type(sold).objects.filter(pk=sold.pk).update(customer=strange)
    assert program("林悦").get(f"orders/{sold.pk}").data["customer"] == {"id": str(strange.pk), "name": None}
    assert program("管理员").get(f"orders/{sold.pk}").data["customer"]["name"] == "番禺丙"


def test_making_one_says_where_it_is_and_who_did_it(lin_yue: Actor, program: MakeProgram) -> None:
    made = program("林悦").post("customers", {"name": " 常州精工 ", "kind": "company", "phone": "138 1234 5678"})
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/customers/{made.data['id']}"
    stored = Customer.objects.get()
    assert (stored.name, stored.phone, stored.owner_id) == ("常州精工", "+8613812345678", lin_yue.user_id)
    change = Change.objects.get(label="customers.customer")
    assert (change.verb, change.source, change.actor_name) == ("create", "api", "林悦")


def test_several_faults_are_told_at_once_and_nothing_is_kept(db: None, program: MakeProgram) -> None:
    client = program("林悦")
    before = written()
    told = client.post(
        "customers",
        {"name": "x", "kind": "shop", "owner": 999999, "sales": "5", "id": str(uuid.uuid4()), "nonsense": 1, "birthday": "heute"},
    )
    assert (told.status, told.code) == (422, "invalid")
    assert told.wrong == {
        "kind": "invalid_value", "owner": "link_unknown", "sales": "read_only_field", "id": "read_only_field", "nonsense": "unknown_field",
        "birthday": "invalid_value",
    }  # fmt: skip
    assert client.post("customers", {"kind": "company"}).wrong == {"name": "required"}
    assert written() == before


def test_a_change_needs_the_version_that_was_read(lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("林悦")
    path = f"customers/{made.pk}"
    assert client.patch(path, {"city": "无锡"}).code == "if_match_missing"
    assert client.patch(path, {"city": "无锡"}, 1).data["city"] == "无锡"
    stale = client.patch(path, {"city": "苏州"}, 1)
    assert (stale.status, stale.code, stale.data["version"], stale.etag) == (412, "changed_meanwhile", 2, '"2"')
    assert client.patch(path, {"city": "苏州"}, "2", If_Match='W/"2"').status == 200
    assert Customer.objects.get().city == "苏州"
    assert client.patch(path, {"city": "苏州"}, 3).data["version"] == 3
    assert HistoryEntry.objects.filter(object_id=made.pk, op="U").count() == 2


def test_deleting_needs_the_version_too(lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("林悦")
    assert client.delete(f"customers/{made.pk}").status == 428
    assert client.delete(f"customers/{made.pk}", 7).status == 412
    assert client.delete(f"customers/{made.pk}", 1).status == 204
    assert client.get(f"customers/{made.pk}").status == 404


def test_handing_over_needs_its_right(lin_yue: Actor, zhou_hang: Actor, zhu_guan: Actor, program: MakeProgram) -> None:
    made = customer("甲", lin_yue.user_id, lin_yue.home_team)
    assert program("林悦").patch(f"customers/{made.pk}", {"owner": zhou_hang.user_id}, 1).status == 403
    assert program("主管").patch(f"customers/{made.pk}", {"owner": {"id": zhou_hang.user_id}}, 1).data["owner"]["name"] == "周航"


def test_actions_do_what_the_buttons_do(lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("林悦")
    base = f"customers/{made.pk}/actions"
    noted = client.post(f"{base}/write_activity", {"kind": "call", "body": "要报价"})
    assert noted.status == 200, noted.content
    assert made.activities.get(pk=noted.headers["Zhike-Made"]).body == "要报价"
    client.post(f"{base}/add_contact", {"name": "王工", "phone": "13812345678"})
    assert Contact.objects.get().phone == "+8613812345678"
    client.post(f"{base}/tag_customer", {"names": ["老客户", "展会"]})
    assert made.tagged.count() == 2
    assert client.post(f"{base}/write_activity", {"kind": "call"}).wrong == {"body": "required"}
    assert client.post(f"{base}/write_activity", {"kind": "call", "body": "x", "rule": "thank3"}).wrong == {"rule": "unknown_field"}
    assert client.post(f"{base}/delete_everything", {}).status == 404


def test_orders_are_entered_with_their_lines(lin_yue: Actor, program: MakeProgram) -> None:
    buyer, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("林悦")
    sold = Product.objects.create(code="P-1", name="减速机", sort_key="jsj", price=10)
    made = client.post("orders", {"number": "SO-9", "ordered_at": "2026-03-05T10:30:00+08:00", "customer": str(buyer.pk)})
    assert made.status == 201, made.content
    assert made.data["ordered_at"] == "2026-03-05T02:30:00Z"
    line = client.post(f"orders/{made.data['id']}/actions/put_line", {"product": str(sold.pk), "quantity": "2", "unit_price": "49.75"})
    assert (line.data["amount"], line.data["version"]) == ("99.5000", 2)


def test_history_tells_who_and_what_was_before(lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team, city="无锡"), program("林悦")
    client.patch(f"customers/{made.pk}", {"city": "苏州"}, 1)
    [changed, created] = client.get(f"customers/{made.pk}/history").data["data"]
    assert (changed["verb"], changed["by"]["name"], changed["source"], changed["before"]["city"]) == ("changed", "林悦", "api", "无锡")
    assert (created["verb"], created["before"]) == ("created", {})


def test_hidden_and_masked_fields_are_so_here_too(lin_yue: Actor, program: MakeProgram) -> None:
    made = customer("甲", lin_yue.user_id, lin_yue.home_team, city="松江区", phone="+8613812346021", remark="压价狠")
    role = Role.objects.get(code="sales")
    FieldRule.objects.create(role=role, label="customers.customer", field="city", rule=Rule.HIDDEN)
    FieldRule.objects.create(role=role, label="customers.customer", field="phone", rule=Rule.MASKED)
    client = program("林悦")
    read = client.get(f"customers/{made.pk}").data
    assert "city" not in read
    assert read["phone"] == "+86138****6021"
    assert client.get("customers?city.in=松江区").code == "unknown_filter"
    assert client.get("customers?fields=city").code == "parameter_value"
    assert client.patch(f"customers/{made.pk}", {"city": "x"}, 1).wrong == {"city": "unknown_field"}
    assert client.patch(f"customers/{made.pk}", {"phone": "1"}, 1).wrong == {"phone": "read_only_field"}
    program("管理员").patch(f"customers/{made.pk}", {"city": "青浦", "phone": "13900000000"}, 1)
    [newest, *_older] = client.get(f"customers/{made.pk}/history").data["data"]
    assert set(newest["before"]) == {"phone", "version", "updated_at"}
    assert newest["before"]["phone"] is None
    assert "city" not in client.get("openapi.json").data["components"]["schemas"]["customers"]["properties"]
