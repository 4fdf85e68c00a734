"""What people do with shops, the object type of `docs/add-an-object.md`; run by `test_add_an_object.py` with the package installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from django.apps import apps

from tests.cast import actor, user_of
from tests.flows.bringing_in import bring_in, written
from zhike.kernel.imports import running
from zhike.kernel.links.tokens import NewToken, make_token
from zhike.kernel.registry import objects
from zhike.kernel.testing.api import Program
from zhike.kernel.testing.web import Web
from zhike.server.control import Company

LogIn = Callable[[str], Web]
FILE = "店号,门店名称,性质,城市,电话,月租,开业日期,负责人\nS-1,观前街店,直营,苏州,0512-65001234,12000.50,2024-03-05,林悦\nS-2,崇安寺店,加盟,无锡,,,,\n"
FORM = {"code": "S-9", "name": "山塘街店", "kind": "own", "city": "苏州"}


@pytest.fixture
def web(committed: Company) -> LogIn:
    """Somebody of the cast at the screens; transactions commit."""
    return lambda name: Web(user=user_of(name))


def model() -> type:
    """The model of the package."""
    found: type = apps.get_model("shops.shop")
    return found


def made(web: LogIn, **values: str) -> str:
    """A shop made by 林悦 with the form; its id."""
    answer = web("林悦").post("/shops/new", FORM | values)
    assert answer.status in (200, 204), answer.text
    return str(model().objects.get(code=(FORM | values)["code"]).pk)  # type: ignore[attr-defined]


def test_a_shop_is_made_listed_opened_and_changed(web: LogIn) -> None:
    pk = made(web, name="山塘街店")
    client = web("林悦")
    assert "山塘街店" in client.get(f"/shops/?city.in={quote('苏州')}&kind.in=own").text
    assert "山塘街店" not in client.get("/shops/?kind.in=partner").text
    for path in (f"/shops/{pk}/", f"/shops/{pk}/peek", "/search/suggest?q=stj", f"/search/suggest?q={quote('山塘')}"):
        assert "山塘街店" in client.part(path).text, path
    version = model().objects.get(pk=pk).version  # type: ignore[attr-defined]
    assert client.post(f"/shops/{pk}/edit/city", {"city": "无锡", "version": version}).status == 200
    assert model().objects.get(pk=pk).city == "无锡"  # type: ignore[attr-defined]
    history = client.get(f"/shops/{pk}/history").text
    assert "<del>苏州</del>" in history
    assert "<ins>无锡</ins>" in history
    assert 'href="/shops/"' in client.get("/").text


def test_a_code_is_taken_once(web: LogIn) -> None:
    made(web)
    answer = web("林悦").post("/shops/new", FORM)
    assert answer.status == 422
    assert model().objects.count() == 1  # type: ignore[attr-defined]


def test_many_are_changed_deleted_and_brought_back(web: LogIn) -> None:
    first, second = made(web), made(web, code="S-10", name="平江路店")
    client = web("林悦")
    answer = client.post(f"/shops/bulk/set/city?ids={first},{second}", {"city": "常州"})
    assert {row.city for row in model().objects.all()} == {"常州"}  # type: ignore[attr-defined]
    client.post(answer.undo_url)
    assert {row.city for row in model().objects.all()} == {"苏州"}  # type: ignore[attr-defined]
    client.post(f"/shops/{first}/delete")
    assert "山塘街店" in client.get("/bin/shops/").text
    client.post(f"/bin/shops/{first}/restore")
    assert model().objects.filter(pk=first).exists()  # type: ignore[attr-defined]


def test_a_file_is_brought_in_again_and_taken_back(web: LogIn, tmp_path: Path) -> None:
    path = written(tmp_path, FILE)
    run = bring_in(path, "shops", by=actor("管理员"))
    shop = model().objects.get(code="S-1")  # type: ignore[attr-defined]
    assert (shop.name, shop.kind, shop.city, f"{shop.rent:.2f}", f"{shop.opened_on}") == (
        "观前街店",
        "own",
        "苏州",
        "12000.50",
        "2024-03-05",
    )
    assert shop.owner_id == actor("林悦").user_id
    assert model().objects.get(code="S-2").kind == "partner"  # type: ignore[attr-defined]
    again = bring_in(path, "shops", by=actor("管理员"))
    assert model().objects.count() == 2  # type: ignore[attr-defined]
    assert again.counts["shop"]["unchanged"] == 2
    running.undo(run, actor("管理员"))
    assert model().objects.count() == 0  # type: ignore[attr-defined]


def test_a_list_leaves_as_a_file(web: LogIn) -> None:
    made(web)
    text = web("林悦").get("/shops/export?format=csv").text.lstrip("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["店名"] for row in rows] == ["山塘街店"]


def test_programs_do_the_same(web: LogIn) -> None:
    program = Program(token=make_token(NewToken(name="试用"), by=actor("管理员"))[1])
    reply = program.post("shops", {"code": "S-3", "name": "金鸡湖店", "rent": "8000.00"})
    assert reply.status == 201, reply.content
    pk = reply.data["id"]
    assert program.patch(f"shops/{pk}", {"city": "苏州"}, If_Match="*").data["city"] == "苏州"
    assert [row["name"] for row in program.get(f"shops?city.in={quote('苏州')}").data["data"]] == ["金鸡湖店"]
    done = program.post("shops/bulk", {"key": "code", "rows": [{"code": "S-3", "city": "昆山"}, {"code": "S-4", "name": "观澜店"}]})
    assert done.status == 200, done.data
    assert {row.code: row.city for row in model().objects.all()} == {"S-3": "昆山", "S-4": ""}  # type: ignore[attr-defined]
    assert program.get(f"shops/{pk}/history").data["data"]
    assert program.delete(f"shops/{pk}", If_Match="*").status == 204
    assert "/api/v1/shops" in program.get("openapi.json").content.decode()


def test_rights_follow_owner_team_and_branch(web: LogIn) -> None:
    pk = made(web)
    for name, status in (("林悦", 200), ("主管", 200), ("管理员", 200), ("周航", 403), ("陈默", 403), ("访客", 403)):
        assert web(name).get(f"/shops/{pk}/").status == status, name
    assert web("审计").post(f"/shops/{pk}/delete").status == 403
    assert "山塘街店" not in web("陈默").part(f"/search/suggest?q={quote('山塘')}").text


def test_a_shop_has_a_manager(web: LogIn, tmp_path: Path) -> None:
    """Only with the field that `test_a_new_field_touches_four_places` adds."""
    if "manager" not in {field.name for field in objects.get("shops.shop").model._meta.concrete_fields}:
        pytest.skip("needs the field of the other test")
    bring_in(written(tmp_path, "店号,店名,店长\nS-1,观前街店,王工\n"), "shops", by=actor("管理员"))
    shop = model().objects.get()  # type: ignore[attr-defined]
    assert shop.manager == "王工"
    assert "王工" in web("管理员").get(f"/shops/{shop.pk}/").text
