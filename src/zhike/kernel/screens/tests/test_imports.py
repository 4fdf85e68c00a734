"""Import in the browser: from the dropped file to the undo, who may do it, and what is said of bad files."""

from __future__ import annotations

import datetime as dt
import gzip
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings

from zhike.customers.models import Customer
from zhike.kernel.imports import checking, running
from zhike.kernel.imports.tables import ImportRun
from zhike.kernel.models import Change
from zhike.kernel.testing.web import Answer, Web
from zhike.org.models import Grant

LIST = (
    "客户编号,客户名称,电话,生日,备用\n"
    "K1,苏州启衡精密,13912340001,1990-02-03,x\n"
    "K2,无锡澄远材料,13912340002,1990-02-31,x\n"
    "K3,常州半行\n"
    "K4,张广胜,13912340004,1991-05-06,x\n"
)
People = Callable[[str], Web]


def drop(web: Web, content: bytes | str, *, name: str = "名单.csv", target: str = "customers") -> Answer:
    data = content.encode() if isinstance(content, str) else content
    return web.post("/imports/new", {"target": target, "file": SimpleUploadedFile(name, data)})


def dropped(web: Web, content: bytes | str = LIST, *, target: str = "customers") -> ImportRun:
    answer = drop(web, content, target=target)
    assert answer.status == 204, answer.text
    return ImportRun.objects.get(pk=answer.headers["HX-Redirect"].split("/")[2])


def form_of(run: ImportRun, **changes: str) -> dict[str, str]:
    columns = checking.Seen.of(run).columns
    return (
        {f"column-{index}": run.mapping.get(name, "") for index, name in enumerate(columns)} | {"owner": "me", "mode": "upsert"} | changes
    )


def tried(web: Web, run: ImportRun, **changes: str) -> ImportRun:
    answer = web.post(f"/imports/{run.pk}/check", form_of(run, **changes))
    assert answer.status == 200, answer.text
    checking.check_on(run_id=str(run.pk))
    run.refresh_from_db()
    return run


def imported(web: Web, run: ImportRun) -> ImportRun:
    assert web.post(f"/imports/{run.pk}/start").status == 200
    run.refresh_from_db()
    running.work(run)
    return run


def test_a_dropped_file_is_taken_in_with_guessed_columns_and_the_rest_left_out(web: People) -> None:
    person = web("林悦")
    run = dropped(person)
    assert run.mapping == {"客户编号": "customer.code", "客户名称": "customer.name", "电话": "customer.phone", "生日": "customer.birthday"}
    page = person.get(f"/imports/{run.pk}/").text
    assert '<option value="customer.code" selected data-guess>客户编号</option>' in page
    assert "K1，K2，K4" in page
    assert "试一遍" in page


ORDERS = "订单号,日期,客户编号,客户名称,产品编号,数量,金额\nD1,2026-03-01,K1,苏州启衡精密,P1,2,30.00\nD2,2026-03-02,K4,张广胜,P2,1,12.00\n"


def test_a_file_dropped_as_what_it_is_not_is_told_and_changed_by_one_button(web: People) -> None:
    person = web("林悦")
    run = dropped(person, ORDERS, target="customers")
    assert checking.Seen.of(run).likelier == "orders"
    assert "这份文件更像订单" in person.get(f"/imports/{run.pk}/").text
    answer = person.post(f"/imports/{run.pk}/reread", {"target": "orders", "encoding": "utf-8", "delimiter": "comma"})
    assert "更像" not in answer.text
    run.refresh_from_db()
    assert (run.target, len(run.mapping)) == ("orders", 7)
    assert [checking.Seen.of(dropped(person, LIST, target=one)).likelier for one in ("customers", "orders", "contacts")] == [
        "", "customers", "customers",
    ]  # fmt: skip


def test_what_somebody_may_not_import_is_not_proposed(web: People) -> None:
    person = web("林悦")
    Grant.objects.filter(label="orders.order", verb="import").delete()
    assert checking.Seen.of(dropped(person, ORDERS, target="customers")).likelier == ""


def test_a_try_counts_good_and_refused_rows_and_writes_no_customer(web: People) -> None:
    person = web("林悦")
    run = dropped(person)
    waiting = person.post(f"/imports/{run.pk}/check", form_of(run)).text
    assert 'hx-trigger="every 1s"' in waiting
    assert "正在试" in waiting
    checking.check_on(run_id=str(run.pk))
    body = person.part(f"/imports/{run.pk}/body").text
    assert "2 行没问题，2 行不收，还没有写入任何记录" in body
    assert '<span class="zk-wrong">1990-02-31</span>' in body
    assert "没有这一天或不是日期" in body
    assert "这一行的单元格太少（半行）" in body
    assert "every 1s" not in body
    assert Customer.objects.count() == 0


def test_going_ahead_writes_the_good_rows_and_undo_takes_them_away_again(web: People) -> None:
    person = web("林悦")
    run = imported(person, tried(person, dropped(person)))
    assert {(one.code, one.owner_id) for one in Customer.objects.all()} == {("K1", run.actor_id), ("K4", run.actor_id)}
    done = person.get(f"/imports/{run.pk}/").text
    assert "导入好了，2 行进来了，2 行没收" in done
    assert "撤销整个导入" in done
    assert "正在撤销" in person.post(f"/imports/{run.pk}/undo").text
    checking.undo_on(run_id=str(run.pk), actor=run.actor)
    assert Customer.objects.count() == 0
    assert "删掉新增的 2 条，还原改过的 0 条" in person.get(f"/imports/{run.pk}/").text
    assert person.post(f"/imports/{run.pk}/undo").refused == "already_undone"


def test_refused_rows_come_as_a_file_with_reasons(web: People) -> None:
    person = web("林悦")
    run = tried(person, dropped(person))
    answer = person.get(f"/imports/{run.pk}/refused")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    lines = answer.text.splitlines()
    assert lines[0] == "\ufeff行号,客户编号,客户名称,电话,生日,备用,列,原因"
    assert sorted(lines[1:]) == [
        "2,K2,无锡澄远材料,13912340002,1990-02-31,x,生日,没有这一天或不是日期：1990-02-31",
        '3,"K3,常州半行",,,,,,这一行的单元格太少（半行）',
    ]


def test_two_columns_for_one_field_are_told_and_the_choice_stays_on_the_page(web: People) -> None:
    person = web("林悦")
    run = dropped(person)
    answer = person.post(f"/imports/{run.pk}/check", form_of(run) | {"column-4": "customer.name"})
    assert answer.status == 422
    assert "“客户名称”选了两次，只留一列" in answer.text
    assert answer.text.count('<option value="customer.name" selected') == 2
    assert answer.text.count('<tr class="bad">') == 2


def test_no_column_at_all_is_told(web: People) -> None:
    person = web("林悦")
    run = dropped(person)
    answer = person.post(f"/imports/{run.pk}/check", {f"column-{index}": "" for index in range(5)})
    assert answer.status == 422
    assert "每一列都选了“不要”，至少选一列" in answer.text


def test_the_same_file_read_as_orders_is_guessed_anew(web: People) -> None:
    person = web("林悦")
    run = dropped(person, "订单编号,下单时间,客户编号,金额\nD1,2026-01-02,K1,10\n")
    assert run.mapping == {"客户编号": "customer.code"}
    assert person.post(f"/imports/{run.pk}/reread", {"target": "orders", "encoding": "utf-8", "delimiter": "comma"}).status == 200
    run.refresh_from_db()
    assert (run.target, run.mapping["订单编号"], run.mapping["金额"]) == ("orders", "order.number", "line.amount")


def test_all_or_nothing_does_not_offer_to_import_while_rows_are_refused(web: People) -> None:
    person = web("林悦")
    run = tried(person, dropped(person), on_refused="nothing")
    body = person.part(f"/imports/{run.pk}/body").text
    assert "有 2 行不对，按你选的，一行都不会导" in body
    assert f'hx-post="/imports/{run.pk}/start" disabled' in body


def test_changing_the_columns_after_a_try_forgets_what_the_try_found(web: People) -> None:
    person = web("林悦")
    run = tried(person, dropped(person))
    assert "每列放到哪里" in person.part(f"/imports/{run.pk}/body?step=map").text
    run = tried(person, run, **{"column-3": ""})
    assert (run.counts["good"], run.counts["refused"]) == (3, 1)


def test_what_was_started_can_neither_be_changed_nor_started_again(web: People) -> None:
    person = web("林悦")
    run = tried(person, dropped(person))
    assert person.post(f"/imports/{run.pk}/start").status == 200
    assert person.post(f"/imports/{run.pk}/start").refused == "import_started"
    assert person.post(f"/imports/{run.pk}/discard").refused == "import_started"
    assert "正在准备，前面有别的活就先等它" in person.part(f"/imports/{run.pk}/body").text


def test_a_draft_can_be_thrown_away(web: People) -> None:
    person = web("林悦")
    run = dropped(person)
    assert person.post(f"/imports/{run.pk}/discard").headers["HX-Redirect"] == "/imports/"
    assert not ImportRun.objects.filter(pk=run.pk).exists()


def test_only_those_with_the_right_import_and_only_what_they_may(web: People) -> None:
    assert web("访客").get("/imports/new").status == 403
    assert drop(web("访客"), LIST).refused == "not_permitted"
    assert drop(web("林悦"), "产品编号,产品名称\nP1,轴承\n", target="products").refused == "not_permitted"
    assert 'value="products"' not in web("林悦").get("/imports/new").text
    assert 'value="products"' in web("管理员").get("/imports/new").text
    assert ImportRun.objects.count() == 0


def test_a_run_is_seen_by_its_maker_and_by_admins_and_gone_on_with_by_its_maker_only(web: People) -> None:
    run = tried(web("林悦"), dropped(web("林悦")))
    url = f"/imports/{run.pk}/"
    assert web("周航").get(url).status == 403
    assert web("周航").get(f"{url}refused").status == 403
    assert "名单.csv" not in web("周航").get("/imports/").text
    assert "名单.csv" in web("管理员").get("/imports/").text
    assert web("管理员").get(url).status == 200
    assert web("管理员").post(f"{url}start").refused == "not_permitted"
    run.refresh_from_db()
    assert run.is_wanted is False


def test_only_who_sees_everything_gives_new_records_to_others(web: People) -> None:
    owner = web("林悦").user
    assert owner is not None
    admin = web("管理员")
    run = tried(admin, dropped(admin), owner=str(owner.pk))
    assert run.options["owner_id"] == owner.pk
    run = tried(admin, run, owner="")
    assert run.options["owner_id"] is None
    seller = web("周航")
    run = tried(seller, dropped(seller), owner=str(owner.pk))
    assert run.options["owner_id"] == run.actor_id


def test_undo_is_offered_for_thirty_days(web: People) -> None:
    person = web("林悦")
    run = imported(person, tried(person, dropped(person)))
    assert run.change_id is not None
    Change.objects.filter(pk=run.change_id).update(at=timezone.now() - dt.timedelta(days=31))
    assert "撤销整个导入" not in person.get(f"/imports/{run.pk}/").text
    assert person.post(f"/imports/{run.pk}/undo").refused == "undo_too_old"
    assert Customer.objects.count() == 2


def test_the_empty_list_says_what_to_do_and_a_finished_run_tells_its_counts(web: People) -> None:
    person = web("林悦")
    assert "还没有导入过" in person.get("/imports/").text
    imported(person, tried(person, dropped(person)))
    page = person.get("/imports/").text
    assert "新增 2，没收 2" in page
    assert "已导入" in page


def _zip() -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.txt", "a")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"\n\n", "empty_file", "文件是空的，换一个有内容的"),
        (b"%PDF-1.7 nothing", "not_a_table", "这不是表格。可以传 CSV、Excel、JSON、Parquet，也可以是它们的 gz"),
        (_zip(), "not_a_table", "这不是表格。可以传 CSV、Excel、JSON、Parquet，也可以是它们的 gz"),
        ("客户名称\n".encode() * 50 + b"\xff\xfe\xfd\n" + "苏州启衡\n".encode() * 50, "encoding_broken", "有的字按 utf-8 读不出来"),
        (",".join(f"c{n}" for n in range(3000)).encode() + b"\n1\n", "too_many_columns", "列太多，最多 500 列"),
        (gzip.compress(b"a,b\n1,2\n" * 100)[:-12], "file_unreadable", "文件读不了，可能没传完或者坏了"),
    ],
    ids=["empty", "pdf", "zip", "encoding", "columns", "half_gzip"],
)
def test_a_bad_file_is_told_at_the_drop_and_leaves_nothing(web: People, content: bytes, code: str, said: str) -> None:
    answer = drop(web("林悦"), content)
    assert (answer.status, answer.refused) == (422, code)
    assert answer.text.startswith(said)
    assert ImportRun.objects.count() == 0


def test_a_file_above_the_limit_and_no_file_are_told(web: People, settings: Settings) -> None:
    settings.ZHIKE_IMPORT_MAX_MB = 0
    assert drop(web("林悦"), LIST).text == "文件超过 0 MB，压缩后再传"
    assert web("林悦").post("/imports/new", {"target": "customers"}).text == "先选一个文件"


def test_another_encoding_that_does_not_fit_is_told_and_the_old_reading_stays(web: People) -> None:
    person = web("林悦")
    run = dropped(person, LIST.encode("gb18030"))
    answer = person.post(f"/imports/{run.pk}/reread", {"target": "customers", "encoding": "utf-8", "delimiter": "comma"})
    assert answer.status == 422
    assert "有的字按 utf-8 读不出来" in answer.text
    run.refresh_from_db()
    assert checking.Seen.of(run).encoding == "gb18030"
