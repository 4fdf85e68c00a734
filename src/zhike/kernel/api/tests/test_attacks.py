"""What an attacker would try at the interface; each is refused in the proper form and changes nothing."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.files.base import ContentFile

from tests.cast import actor
from tests.made import customer, order
from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.api.tests.conftest import MakeProgram
from zhike.kernel.models import Attachment
from zhike.kernel.registry import objects
from zhike.kernel.screens.files import attach
from zhike.kernel.testing.api import Program
from zhike.kernel.testing.proofs import written
from zhike.orders.models import Order

EVIL = (
    "</script><script>alert(1)</script>",
    "' or 1=1 --",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "%00",
    "a\r\nSet-Cookie: x=1",
    "\u202e",
)


@pytest.fixture
def foreign(chen_mo: Actor) -> Customer:
    """A customer of a stranger, with a file."""
    made = customer("番禺丙", chen_mo.user_id, chen_mo.home_team, city="广州")
    attach(made, ContentFile(b"secret quote"), "报价.txt", by=chen_mo)
    return made


def test_a_foreign_id_in_the_path_is_as_unknown_as_none(foreign: Customer, program: MakeProgram) -> None:
    client, file = program("林悦"), Attachment.objects.get()
    before = written()
    for pk in (foreign.pk, uuid.uuid4()):
        base = f"customers/{pk}"
        asked = [
            client.get(base), client.get(f"{base}/history"), client.get(f"{base}/files"), client.get(f"{base}/files/{file.pk}"),
            client.patch(base, {"city": "偷"}, 1), client.delete(base, 1), client.delete(f"{base}/files/{file.pk}"),
            client.post(f"{base}/actions/add_contact", {"name": "x"}),
            client.post(f"{base}/files", b"--b--", **{"Content-Type": "multipart/form-data; boundary=b"}),
        ]  # fmt: skip
        assert {(reply.status, reply.code) for reply in asked} == {(404, "gone")}
        assert not [reply for reply in asked if "番禺丙".encode() in reply.content]
    assert written() == before


def test_a_file_is_only_reached_through_its_own_record(foreign: Customer, lin_yue: Actor, program: MakeProgram) -> None:
    mine = customer("甲", lin_yue.user_id, lin_yue.home_team)
    client, file = program("林悦"), Attachment.objects.get()
    assert client.get(f"customers/{mine.pk}/files/{file.pk}").status == 404
    assert client.delete(f"customers/{mine.pk}/files/{file.pk}").status == 404
    assert Attachment.objects.count() == 1


def test_a_foreign_id_in_the_body_cannot_be_linked(foreign: Customer, lin_yue: Actor, program: MakeProgram) -> None:
    client = program("林悦")
    sold = order("SO-1", lin_yue.user_id, lin_yue.home_team)
    before = written()
    linked = client.patch(f"orders/{sold.pk}", {"customer": str(foreign.pk)}, 1)
    unknown = client.patch(f"orders/{sold.pk}", {"customer": str(uuid.uuid4())}, 1)
    assert linked.wrong == unknown.wrong == {"customer": "link_unknown"}
    told = client.post("orders", {"number": "SO-2", "ordered_at": "2026-03-05T10:30:00Z", "customer": str(foreign.pk)})
    assert told.status == 403
    assert client.post("customers/bulk", {"rows": [{"id": str(foreign.pk), "city": "偷"}]}).data["rows"][0]["code"] == "gone"
    assert written().history == before.history
    assert Order.objects.get().customer_id is None


def test_filters_do_not_reach_what_one_may_not_see(foreign: Customer, program: MakeProgram) -> None:
    client = program("林悦")
    for query in ("city.in=广州", "owner.not=0", "city.any=1", "sales.ge=-1"):
        assert client.get(f"customers?{query}").data["data"] == []
        assert client.get(f"customers/count?{query}").data["count"] == 0
    assert client.get(f"orders?customer.in={foreign.pk}").data["data"] == []


@pytest.mark.parametrize(
    "name",
    ["id", "version", "created_at", "updated_at", "batch_id", "custom", "sales", "name_key", "owner_id", "_state", "__class__", "pk"],
)
def test_nothing_is_written_that_a_person_could_not_write(name: str, lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("林悦")
    before = written()
    for told in (
        client.patch(f"customers/{made.pk}", {name: "1"}, 1),
        client.post("customers", {"name": "x", "kind": "company", name: "1"}),
    ):
        assert (told.status, told.wrong) in [(422, {name: "unknown_field"}), (422, {name: "read_only_field"})]
    assert written() == before


@pytest.mark.parametrize("spec", list(objects), ids=lambda spec: spec.slug)
def test_every_field_that_cannot_be_edited_is_refused_by_name(spec: object, program: MakeProgram, db: None) -> None:
    slug = spec.slug  # type: ignore[attr-defined]
    client = program("管理员")
    properties = client.get("openapi.json").data["components"]["schemas"][slug]["properties"]
    closed = [name for name, schema in properties.items() if schema.get("readOnly")]
    assert {"id", "version", "created_at", "updated_at"} <= set(closed)
    told = client.post(f"{slug}/bulk", {"key": "id", "rows": [{"id": str(uuid.uuid4()), "version": 1}]})
    assert told.data["rows"][0]["code"] == "gone"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"), (b"[1]", 422, "not_an_object"), (b'"x"', 422, "not_an_object"), (b"null", 422, "not_an_object"),
        (b'{"name": NaN}', 400, "bad_json"), (b'{"name": "a", "name": "b"}', 400, "bad_json"),
        (b"\xff\xfe{\x00}", 400, "bad_json"), (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "bad_json"),
        (b"[" * 200_000, 400, "bad_json"), (b'{"name": 1' + b"0" * 10_000 + b"}", 400, "bad_json"), (b'{"name": "\\u0000", "kind": "company"}', 422, "invalid"),
        (b'{"name": "\\ud800", "kind": "company"}', 422, "invalid"), (b'{"x": "' + b"y" * 2_200_000 + b'"}', 413, "too_large"),
    ],
    ids=str,
)  # fmt: skip
def test_bodies_that_are_no_good_are_told_so(body: bytes, status: int, code: str, program: MakeProgram, db: None) -> None:
    told = program("林悦").post("customers", body)
    assert (told.status, told.code) == (status, code)
    assert told.headers["Content-Type"] == "application/problem+json"
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""]
)
def test_other_content_types_are_refused(kind: str, program: MakeProgram, db: None) -> None:
    told = program("林悦").post("customers", json.dumps({"name": "x", "kind": "company"}), **{"Content-Type": kind})
    assert (told.status, told.code) == (415, "wrong_media_type")
    assert not Customer.objects.exists()


@pytest.mark.parametrize("text", EVIL)
def test_texts_come_back_as_they_were_and_run_nowhere(text: str, program: MakeProgram, db: None) -> None:
    client = program("林悦")
    made = client.post("customers", {"name": f"甲{text}", "kind": "company", "remark": text})
    assert made.status == 201
    assert made.headers["Content-Type"] == "application/json"
    assert made.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in made.headers
    assert client.get(f"customers/{made.data['id']}").data["remark"] == text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=-1", "limit=1e9", "limit=x", "limit=٣", "sort=password", "sort=-owner__password", "sort=", "fields=password", "nonsense=1",
        "owner__password.in=x", "city.regex=x", "city.in=%00", "after=x", "after=x~y", "after=x~00000000-0000-4000-8000-000000000000", "labels=yes", "limit=1&limit=2",
        "sales.ge=1e999", "sales.ge=NaN", "created_at.within=999999999999",
        "created_at.ge=99999-01-01", "team.in=-1e5",
    ],
)  # fmt: skip
def test_parameters_that_are_no_good_are_told_so(query: str, program: MakeProgram, db: None) -> None:
    told = program("管理员").get(f"customers?{query}")
    assert (told.status, told.headers["Content-Type"]) == (422, "application/problem+json"), told.content


@pytest.mark.parametrize("name", ["owner", "segment", "tag", "team", "rfm"])
def test_numbers_beyond_the_column_find_nothing(name: str, program: MakeProgram, guan_li: Actor) -> None:
    customer("甲", guan_li.user_id, guan_li.home_team)
    assert program("管理员").get(f"customers?{name}.in={10**20}").data == {"data": [], "next": None}


def test_names_of_files_cannot_leave_their_folder_or_header(lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("林悦")
    for name in ("../../../etc/passwd", "a\\b\\..\\evil.html", 'x"; filename="y.exe', "<svg onload=alert(1)>.svg"):
        body = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.replace('"', "%22").encode()
            + b'"\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n'
        )  # fmt: skip
        told = client.post(f"customers/{made.pk}/files", body, **{"Content-Type": "multipart/form-data; boundary=b"})
        assert told.status == 201, told.content
        assert "/" not in told.data["name"]
        assert "\\" not in told.data["name"]
        read = client.get(f"customers/{made.pk}/files/{told.data['id']}")
        assert read.headers["Content-Disposition"].startswith("attachment")
        assert read.content == b"<script>alert(1)</script>"


def test_prices_that_overflow_are_refused(lin_yue: Actor, program: MakeProgram) -> None:
    sold, goods = order("SO-1", lin_yue.user_id, lin_yue.home_team), Product.objects.create(code="P", name="x", sort_key="x")
    huge = {"product": str(goods.pk), "quantity": "99999999999999", "unit_price": "99999999999999"}
    told = program("林悦").post(f"orders/{sold.pk}/actions/put_line", huge)
    assert told.status == 422
    assert sold.lines.count() == 1


def test_a_token_of_somebody_else_is_not_found_by_trying(db: None, lin_yue: Actor) -> None:
    for text in ("zk_", "zk_%", "zk_" + "*" * 43, "ZK_" + "a" * 43, "zk_" + "a" * 43 + "\n"):
        assert Program(token=text).get("customers").status == 401
    del lin_yue


def test_who_reads_only_changes_nothing(lin_yue: Actor, program: MakeProgram) -> None:
    made, client = customer("甲", lin_yue.user_id, lin_yue.home_team), program("审计")
    before = written()
    asked = [
        client.post("customers", {"name": "x", "kind": "company"}), client.patch(f"customers/{made.pk}", {"city": "x"}, 1), client.delete(f"customers/{made.pk}", 1),
        client.post(f"customers/{made.pk}/actions/tag_customer", {"names": ["x"]}), client.post("customers/bulk", {"rows": [{"id": str(made.pk), "city": "x"}]}),
        client.post(f"customers/{made.pk}/files", b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n',
                    **{"Content-Type": "multipart/form-data; boundary=b"}),
    ]  # fmt: skip
    assert {reply.code for reply in asked} == {"not_permitted"}
    assert written() == before
    assert actor("审计").may("customers.customer", "view")
