"""What was: a record's history, the auditors' log, the bin, a record and a list as of a moment, how long it is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from tests.cast import actor, user_of
from tests.made import customer, order
from zhike.customers.actions import add_contact
from zhike.customers.models import Contact, Customer
from zhike.kernel.actions import change_record, delete_record
from zhike.kernel.actor import Rule
from zhike.kernel.history import ensure_partitions
from zhike.kernel.models import Change, ExportRecord
from zhike.kernel.past.deleted import in_bin, restore
from zhike.kernel.past.keeping import arrange, drop_old, first_kept, months
from zhike.kernel.past.log import Asked, changes
from zhike.kernel.past.tables import RETENTION_ID, Retention
from zhike.kernel.registry import objects
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.org.models import FieldRule, Role
from zhike.server.control import Company

LogIn = Callable[[str], Web]


@pytest.fixture
def client() -> LogIn:
    """Somebody of the cast at the screens of a company whose transactions commit."""
    return lambda name: Web(user=user_of(name))


def hers(name: str = "松江甲", **values: object) -> Customer:
    """A customer of 林悦."""
    her = actor("林悦")
    return customer(name, her.user_id, her.home_team, **values)


def moment() -> str:
    """Now, for an address."""
    return quote(timezone.now().isoformat())


# -- the history of a record ---------------------------------------------------------------------------------------


def test_a_record_tells_who_changed_what_from_what_to_what(committed: Company, client: LogIn) -> None:
    made = hers(city="苏州", grade="normal")
    change_record(made, {"city": "无锡", "grade": "key"}, by=actor("林悦"))
    change_record(made, {"owner": None}, by=actor("管理员"))
    page = client("林悦").get(f"/customers/{made.pk}/history")
    assert page.status == 403  # it is nobody's now, so it is out of her reach
    page = client("管理员").get(f"/customers/{made.pk}/history")
    assert page.status == 200
    assert "<del>苏州</del>" in page.text
    assert "<ins>无锡</ins>" in page.text
    assert "<ins>重要</ins>" in page.text
    assert "<del>林悦</del>" in page.text
    assert page.text.index("<del>林悦</del>") < page.text.index("<del>苏州</del>")  # newest first
    assert page.text.count('hx-post="/changes/') == 2


def test_a_change_is_taken_back_from_the_history(committed: Company, client: LogIn) -> None:
    made = hers(city="苏州")
    change_record(made, {"city": "无锡"}, by=actor("林悦"))
    change = Change.objects.latest("at")
    assert f"/changes/{change.pk}/undo" in client("林悦").get(f"/customers/{made.pk}/history").text
    client("林悦").post(f"/changes/{change.pk}/undo")
    assert Customer.objects.get(pk=made.pk).city == "苏州"
    page = client("林悦").get(f"/customers/{made.pk}/history").text
    assert "已撤销" in page
    assert f"/changes/{change.pk}/undo" not in page


def test_what_was_written_past_the_product_is_told_too(committed: Company, client: LogIn) -> None:
    made = hers(city="苏州")
    with connection.cursor() as cursor:
        cursor.execute("update customers_customer set city = '常州' where id = %s", [made.pk])
    page = client("林悦").get(f"/customers/{made.pk}/history").text
    assert "直接在数据库里" in page
    assert "<ins>常州</ins>" in page
    log = client("管理员").get("/settings/history/?source=database").text
    assert "数据库" in log
    address = log[log.index("/settings/history/database/") :].partition('"')[0].replace("&amp;", "&")
    assert "<ins>常州</ins>" in client("管理员").get(address).text


def test_a_closed_field_is_not_told_by_its_past(committed: Company, client: LogIn) -> None:
    made = hers(city="苏州", remark="压价狠")
    change_record(made, {"city": "无锡", "remark": "爽快"}, by=actor("管理员"))
    role = Role.objects.get(code="sales")
    FieldRule.objects.create(role=role, label="customers.customer", field="remark", rule=Rule.MASKED)
    FieldRule.objects.create(role=role, label="customers.customer", field="city", rule=Rule.HIDDEN)
    for path in ("history", f"as-of?at={moment()}"):
        page = client("林悦").get(f"/customers/{made.pk}/{path}").text
        assert not [word for word in ("压价狠", "爽快", "苏州", "无锡") if word in page], path
    assert "你看不到内容" in client("林悦").get(f"/customers/{made.pk}/history").text
    told = client("管理员").get(f"/customers/{made.pk}/history").text
    assert "压价狠" in told


def test_long_histories_come_in_pages(committed: Company, client: LogIn) -> None:
    made = hers(city="0")
    for number in range(1, 36):
        change_record(made, {"city": str(number)}, by=actor("林悦"))
    page = client("林悦").get(f"/customers/{made.pk}/history").text
    assert page.count('class="ev"') == 30
    following = page[page.index("history?before=") :].partition('"')[0]
    rest = client("林悦").part(f"/customers/{made.pk}/{following}").text
    assert rest.count('class="ev"') == 6
    assert "<html" not in rest
    assert client("林悦").get(f"/customers/{made.pk}/history?before=abc").refused == "filter_value"


# -- the log -------------------------------------------------------------------------------------------------------


def test_auditors_find_changes_and_open_their_rows(committed: Company, client: LogIn) -> None:
    made, other = hers(city="苏州"), order("SO-1")
    change_record(made, {"city": "无锡"}, by=actor("林悦"))
    change_record(other, {"channel": "门店"}, by=actor("管理员"))
    auditor = client("管理员")
    assert auditor.get("/settings/history/").text.count('<tr><td class="name">') == 2
    mine = actor("林悦").user_id
    found = auditor.get(f"/settings/history/?person={mine}&label=customers.customer&since=2026-01-01").text
    assert found.count('<tr><td class="name">') == 1
    assert "没有找到" in auditor.get("/settings/history/?until=2020-01-01").text
    assert auditor.get(f"/settings/history/?record={made.pk}").text.count('<tr><td class="name">') == 1
    change = Change.objects.get(label="customers.customer")
    rows = auditor.get(f"/settings/history/{change.pk}/").text
    assert "松江甲" in rows
    assert "<ins>无锡</ins>" in rows
    for wrong in ("person=abc", "record=1", "since=x", "before=nonsense"):
        assert auditor.get(f"/settings/history/?{wrong}").refused == "filter_value", wrong


def test_the_log_is_for_auditors_alone(committed: Company, client: LogIn) -> None:
    change_record(hers(), {"city": "无锡"}, by=actor("林悦"))
    change = Change.objects.latest("at")
    for path in ("", "export", f"{change.pk}/", "database/1/?at=2026-01-01"):
        assert client("林悦").get(f"/settings/history/{path}").refused == "not_permitted", path


def test_an_auditor_sees_rows_only_within_his_reach(committed: Company, client: LogIn) -> None:
    role = Role.objects.get(code="sales")
    role.grants.create(label="org.audit", verb="view", scope=4)
    change_record(hers(city="苏州"), {"city": "无锡"}, by=actor("林悦"))
    change = Change.objects.latest("at")
    page = client("陈默").get(f"/settings/history/{change.pk}/")
    assert page.status == 200
    assert "无锡" not in page.text
    assert "松江甲" not in page.text
    assert "1 行不在你能看的范围里" in page.text


def test_of_a_deleted_record_the_state_in_which_it_went_decides(committed: Company, client: LogIn) -> None:
    Role.objects.get(code="sales").grants.create(label="org.audit", verb="view", scope=4)
    made = hers(city="苏州")
    change_record(made, {"city": "无锡"}, by=actor("林悦"))
    change = Change.objects.latest("at")
    change_record(Customer.objects.get(pk=made.pk), {"owner": None, "team": None}, by=actor("管理员"))
    delete_record(Customer.objects.get(pk=made.pk), by=actor("管理员"))
    page = client("林悦").get(f"/settings/history/{change.pk}/").text
    assert "1 行不在你能看的范围里" in page
    assert "无锡" not in page
    assert "无锡" in client("管理员").get(f"/settings/history/{change.pk}/").text


def test_pages_of_the_log_follow_each_other(committed: Company) -> None:
    made = hers()
    for city in "甲乙丙丁戊":
        change_record(made, {"city": city}, by=actor("林悦"))
    Change.objects.update(at=timezone.now())  # one moment for all of them: the number decides
    first, following = changes(Asked(label="customers.customer"), size=2)
    second, following = changes(Asked(label="customers.customer"), following, size=2)
    last, end = changes(Asked(label="customers.customer"), following, size=2)
    assert [one.pk for one in (*first, *second, *last)] == list(Change.objects.order_by("-at", "-pk").values_list("pk", flat=True))
    assert (len(last), end) == (1, "")


def test_the_log_leaves_as_a_safe_file(committed: Company, client: LogIn) -> None:
    change_record(hers(), {"city": "无锡"}, by=actor("林悦").because("=1+1"))
    text = client("管理员").get("/settings/history/export").text
    assert "林悦" in text
    assert "'=1+1" in text
    noted = ExportRecord.objects.get()
    assert (noted.label, noted.actor_name, noted.rows) == ("kernel.change", "管理员", 1)


# -- the bin -------------------------------------------------------------------------------------------------------


def test_a_deleted_record_is_found_in_the_bin_and_comes_back_with_what_was_its(committed: Company, client: LogIn) -> None:
    made = hers()
    add_contact(made, name="王工", by=actor("林悦"))
    delete_record(made, by=actor("林悦"))
    assert Contact.objects.count() == 0
    page = client("林悦").get("/bin/customers/")
    assert "松江甲" in page.text
    assert "松江甲" in client("林悦").get("/bin/customers/?q=江甲").text
    assert "松江甲" not in client("林悦").get("/bin/customers/?q=别的").text
    assert "松江甲" not in client("陈默").get("/bin/customers/").text
    assert client("林悦").get(f"/customers/{made.pk}/history").text.count("松江甲") > 1
    back = client("林悦").post(f"/bin/customers/{made.pk}/restore")
    assert back.toast == "已找回"
    assert Customer.objects.get(pk=made.pk).owner_id == actor("林悦").user_id
    assert Contact.objects.get().name == "王工"
    assert "松江甲" not in client("林悦").get("/bin/customers/").text
    client("林悦").post(back.undo_url)
    assert Customer.objects.count() == 0


def test_nobody_brings_back_what_he_could_not_delete(committed: Company, client: LogIn) -> None:
    made = hers()
    delete_record(made, by=actor("林悦"))
    for name in ("陈默", "周航", "审计"):
        with refused("gone" if name != "审计" else "not_permitted"):
            restore(objects.get("customers.customer"), made.pk, by=actor(name))
    assert client("陈默").post(f"/bin/customers/{made.pk}/restore").refused == "gone"


def test_what_came_back_by_undo_is_no_longer_in_the_bin(committed: Company) -> None:
    made = hers()
    change = delete_record(made, by=actor("林悦"))
    spec = objects.get("customers.customer")
    assert [one.pk for one in in_bin(spec, actor("林悦")).found] == [made.pk]
    undo_change(change, by=actor("林悦"))
    assert in_bin(spec, actor("林悦")).found == []


# -- as of a moment ------------------------------------------------------------------------------------------------


def test_a_record_is_shown_as_it_was(committed: Company, client: LogIn) -> None:
    made = hers(city="苏州")
    then = moment()
    change_record(made, {"city": "无锡"}, by=actor("林悦"))
    page = client("林悦").get(f"/customers/{made.pk}/as-of?at={then}").text
    assert "苏州" in page
    assert "无锡" not in page
    delete_record(Customer.objects.get(pk=made.pk), by=actor("林悦"))
    assert "苏州" in client("林悦").get(f"/customers/{made.pk}/as-of?at={then}").text
    assert client("林悦").get(f"/customers/{made.pk}/as-of?at={moment()}").refused == "as_of_not_there"
    assert client("林悦").get(f"/customers/{made.pk}/as-of?at=2020-01-01").refused == "as_of_not_there"
    assert client("林悦").get(f"/customers/{made.pk}/as-of?at=2999-01-01").refused == "as_of_moment"
    assert client("陈默").get(f"/customers/{made.pk}/as-of?at={then}").refused == "gone"


def test_a_list_is_shown_as_it_was(committed: Company, client: LogIn) -> None:
    moved, gone, same = hers("甲公司", city="苏州"), hers("乙公司", city="苏州"), hers("丙公司", city="苏州")
    other = hers("丁公司", city="无锡")
    then = moment()
    change_record(moved, {"city": "无锡"}, by=actor("林悦"))
    change_record(other, {"city": "苏州"}, by=actor("林悦"))
    delete_record(gone, by=actor("林悦"))
    hers("戊公司", city="苏州")
    page = client("林悦").get(f"/customers/as-of?at={then}&city.in={quote('苏州')}").text
    assert [name for name in ("甲公司", "乙公司", "丙公司", "丁公司", "戊公司") if name in page] == ["甲公司", "乙公司", "丙公司"]
    assert same.name in page
    now = client("林悦").get(f"/customers/as-of?at={moment()}&city.in={quote('苏州')}").text
    assert [name for name in ("甲公司", "乙公司", "丙公司", "丁公司", "戊公司") if name in now] == ["丙公司", "丁公司", "戊公司"]
    assert "甲公司" not in client("陈默").get(f"/customers/as-of?at={then}").text


def test_who_lost_a_record_does_not_see_its_past(committed: Company, client: LogIn) -> None:
    made = hers("甲公司")
    then = moment()
    change_record(made, {"owner": None, "team": None}, by=actor("管理员"))
    assert "甲公司" not in client("林悦").get(f"/customers/as-of?at={then}").text
    assert client("林悦").get(f"/customers/{made.pk}/as-of?at={then}").refused == "not_permitted"
    assert "甲公司" in client("管理员").get(f"/customers/as-of?at={then}").text


def test_figures_that_are_worked_out_have_no_past(committed: Company, client: LogIn) -> None:
    hers()
    for query in ("sort=-sales", "sales.ge=1"):
        assert client("林悦").get(f"/customers/as-of?at={moment()}&{query}").refused == "as_of_untracked", query


def test_pages_of_a_past_list_follow_each_other(committed: Company, client: LogIn) -> None:
    names = [f"公司{number:03}" for number in range(60)]
    for name in names:
        hers(name)
    then = moment()
    for made in Customer.objects.filter(name__endswith="5"):
        change_record(made, {"name": f"改名{made.name}"}, by=actor("林悦"))
    page = client("林悦").get(f"/customers/as-of?at={then}").text
    following = page[page.index('hx-get="/customers/as-of') + 8 :].partition('"')[0].replace("&amp;", "&")
    both = page + client("林悦").part(following).text
    assert [name for name in names if both.count(f">{name}<") != 1] == []
    assert "改名" not in both


# -- how long ------------------------------------------------------------------------------------------------------


def test_old_months_go_when_they_are_not_kept(committed: Company) -> None:
    today = dt.date(2027, 6, 15)
    ensure_partitions(dt.date(2026, 1, 1), months=12)
    with connection.cursor() as cursor:
        cursor.execute("insert into kernel_history (at, kind, object_id, op) values ('2026-02-03', 1, gen_random_uuid(), 'I')")
    assert drop_old(today) == []
    arrange(6, 90, by=actor("管理员"))
    with connection.cursor() as cursor:
        cursor.execute("select op, change_id is null from kernel_history where object_id = %s order by hid", [RETENTION_ID])
        assert cursor.fetchall() == [("I", False), ("U", False)]
    assert first_kept(Retention(months=6, bin_days=90), today) == dt.date(2026, 12, 1)
    goes = [month.table for month in months(today) if month.goes]
    assert "kernel_history_202602" in goes
    assert set(drop_old(today)) == set(goes)
    assert not [month for month in months(today) if month.goes]
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from kernel_history where at < '2026-12-01'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(("kept", "days", "code"), [(2, 90, "months_too_few"), (6, 5, "bin_days_range"), (6, 9_999, "bin_days_range")])
def test_too_short_is_refused(db: None, kept: int, days: int, code: str) -> None:
    with refused(code):
        arrange(kept, days, by=actor("管理员"))
    with refused("not_permitted"):
        arrange(6, 90, by=actor("林悦"))


def test_the_page_says_what_would_go_before_it_goes(db: None, web: LogIn) -> None:
    page = web("管理员").get("/settings/retention/?months=3&bin_days=30")
    assert page.status == 200
    assert "以前的历史在今晚去掉" in page.text
    assert not Retention.objects.exists()
    assert web("林悦").get("/settings/retention/").refused == "not_permitted"
    answer = web("管理员").client.post("/settings/retention/", {"months": "12", "bin_days": "60"})
    assert answer.status_code == 302
    assert Retention.objects.get().months == 12
