"""Two companies on one server: nothing of one is reachable from the other, whatever is sent to whichever host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.cast import actor, user_of
from tests.made import customer
from zhike.analytics.place import lake_here
from zhike.customers.models import Customer
from zhike.kernel import history
from zhike.kernel.imports import running
from zhike.kernel.models import Attachment, TableKind
from zhike.kernel.screens.files import attach
from zhike.server.companies import Company, forget_companies, get_company, use_company
from zhike.server.control import control
from zhike.server.postgres.base import close_pools

PASSWORD = "warm-rain-27-bamboo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Two companies with the same people, hosts of their own, and one customer each."""

    first: Company
    second: Company


@pytest.fixture
def two(committed: Company, django_db_blocker: DjangoDbBlocker) -> Iterator[Two]:
    """甲 at a.example and jia.localhost, 乙 at b.example and yi.localhost."""
    del committed
    names = [databases.copy_of(databases.template(), name) for name in ("apart_a", "apart_b")]
    with control() as session:
        session.execute("delete from company")
        for slug, name, database, host in (("jia", "甲公司", names[0], "a.example"), ("yi", "乙公司", names[1], "b.example")):
            session.execute("insert into company (slug, name, database) values (%s, %s, %s)", [slug, name, database])
            session.execute("insert into company_host values (%s, %s)", [host, slug])
    forget_companies()
    found = Two(first=get_company("jia"), second=get_company("yi"))
    for company, name in ((found.first, "甲方客户"), (found.second, "乙方客户")):
        with use_company(company):
            user = user_of("林悦")
            user.set_password(PASSWORD)
            user.save()
            customer(name, user.pk)
    yield found
    for name in names:
        close_pools(name)
        databases.drop(name)


def _client(host: str) -> Client:
    return Client(headers={"host": host})


def _logged_in(host: str) -> Client:
    client = _client(host)
    answer = client.post("/login/", {"login": user_of_name(), "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def user_of_name() -> str:
    """The log-in name of 林悦, the same in both companies."""
    with use_company("jia"):
        return str(user_of("林悦").username)


def test_each_host_shows_its_own_company_only(two: Two) -> None:
    for host, own, foreign in (("a.example", "甲方客户", "乙方客户"), ("yi.localhost", "乙方客户", "甲方客户")):
        text = _logged_in(host).get("/customers/").content.decode()
        assert own in text
        assert foreign not in text
    del two


def test_a_session_of_one_company_is_nobody_at_the_other(two: Two) -> None:
    first = _logged_in("a.example")
    assert first.get("/customers/").status_code == 200
    stolen = _client("b.example")
    for name, morsel in first.cookies.items():
        stolen.cookies[name] = morsel.value
    answer = stolen.get("/customers/")
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/login/")
    assert stolen.get("/search/suggest?q=甲方").status_code == 302
    del two


def test_cookies_are_for_one_host_and_an_unknown_host_is_refused(two: Two) -> None:
    client = _logged_in("a.example")
    assert {morsel["domain"] for morsel in client.cookies.values()} == {""}
    for host in ("c.example", "a.example.evil.test", "xa.example"):
        assert _client(host).get("/login/").status_code == 400
    assert _client("A.Example:8443").get("/login/").status_code == 200
    del two


def test_addresses_of_records_and_files_of_the_other_company_lead_nowhere(two: Two) -> None:
    with use_company(two.first):
        foreign = Customer.objects.get(name="甲方客户")
        kept = attach(foreign, ContentFile("合同".encode(), name="合同.txt"), "合同.txt", by=actor("林悦"))
    second = _logged_in("b.example")
    for path in (f"/customers/{foreign.pk}/", f"/customers/{foreign.pk}/peek", f"/customers/{foreign.pk}/files/{kept.pk}"):
        assert second.get(path).status_code == 404
    assert _logged_in("a.example").get(f"/customers/{foreign.pk}/files/{kept.pk}").status_code == 200


def test_a_row_that_names_a_file_of_the_other_company_does_not_get_it(two: Two) -> None:
    with use_company(two.first):
        kept = attach(Customer.objects.get(name="甲方客户"), ContentFile("机密".encode(), name="a.txt"), "a.txt", by=actor("林悦"))
        stored = f"attachments/{kept.sha256[:2]}/{kept.sha256}"
        assert default_storage.exists(stored)
    with use_company(two.second):
        assert not default_storage.exists(stored)
        own = Customer.objects.get(name="乙方客户")
        forged = Attachment.objects.create(
            kind=history.kind_of(Customer), object_id=own.pk, name="a.txt", size=6, sha256=kept.sha256, media_type="text/plain"
        )
        with pytest.raises(FileNotFoundError):
            default_storage.open(stored)
    answer = _logged_in("b.example").get(f"/customers/{own.pk}/files/{forged.pk}")
    assert answer.status_code == 404
    assert "机密" not in answer.content.decode()


def test_folders_of_files_imports_and_lake_are_apart(two: Two, tmp_path: Path) -> None:
    sheet = tmp_path / "客户.csv"
    sheet.write_text("名称\n苏州恒远\n")
    with use_company(two.first):
        kept, _digest = running.take_in(sheet)
        first = {Path(default_storage.path("x")).parent, running.store(), lake_here()}
    with use_company(two.second):
        assert not any(running.store().rglob("*.csv"))
        second = {Path(default_storage.path("x")).parent, running.store(), lake_here()}
    assert kept.is_file()
    assert {path.name for path in first} == {two.first.database}
    assert {path.name for path in second} == {two.second.database}


def test_caches_of_the_process_do_not_answer_for_the_other_company(two: Two) -> None:
    with use_company(two.first):
        cache.set("tries:林悦", 5)
        kinds = {model: history.kind_of(model) for model in history.tracked_models()}
    with use_company(two.second):
        assert cache.get("tries:林悦") is None
        # The numbers of tables are given by each company itself: here they are others.
        TableKind.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("select setval(pg_get_serial_sequence('kernel_tablekind', 'kind'), 200)")
        history._kind_cache.pop(two.second.database, None)
        others = {model: history.kind_of(model) for model in history.tracked_models()}
    with use_company(two.first):
        assert cache.get("tries:林悦") == 5
        assert {model: history.kind_of(model) for model in history.tracked_models()} == kinds
    assert set(kinds.values()).isdisjoint(others.values())


def test_a_company_that_is_not_open_says_so_and_the_other_works(two: Two) -> None:
    client = _logged_in("a.example")
    with control() as session:
        session.execute("update company set state = 'updating' where slug = 'jia'")
    forget_companies()
    for path in ("/login/", "/customers/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "正在更新，马上回来" in answer.content.decode()
    assert client.get("/customers/rows", headers={"HX-Request": "true"}).status_code == 503
    assert client.get("/api/x", headers={"Accept": "application/json"}).json()["code"] == "updating"
    assert 'lang="en"' in client.get("/login/", headers={"Accept-Language": "en"}).content.decode()
    assert _logged_in("b.example").get("/customers/").status_code == 200
    with control() as session:
        session.execute("update company set state = 'open' where slug = 'jia'")
    forget_companies()
    assert client.get("/customers/").status_code == 200
