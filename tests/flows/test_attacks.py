"""Attacks on one place each: files, exports, names in headers, ways elsewhere, fields nobody offered, tables made to break.

Attacks that every address has to bear are in tests/contract/test_safety.py; docs/safety.md tells where the others are.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from python_calamine import CalamineWorkbook

from tests.cast import user_of
from tests.flows.bringing_in import bring_in
from tests.made import customer, make
from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.models import Attachment, Record
from zhike.kernel.registry import objects
from zhike.kernel.screens.files import attach
from zhike.kernel.testing.proofs import written
from zhike.kernel.testing.web import BACKEND, Web

LogIn = Callable[[str], Web]
RUNS = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
FORMULAS = ("=1+1", "+SUM(1)", "-2+3", "@now()", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "＋1", "－1+1", "＠x", '=HYPERLINK("//e")')


def _mine(lin_yue: Actor) -> Customer:
    return customer("苏州恒远", lin_yue.user_id, lin_yue.home_team)


# Files


@pytest.mark.parametrize(
    "name", ["a.svg", "a.svgz", "a.html", "a.htm", "a.xhtml", "a.xml", "a.xsl", "a.js", "a.mht", "a", "a.png.html", "A.HTML"]
)
def test_a_file_that_could_run_is_only_a_download(name: str, lin_yue: Actor) -> None:
    record = _mine(lin_yue)
    kept = attach(record, ContentFile(RUNS), name, by=lin_yue)
    client = Client()
    client.force_login(user_of("林悦"), backend=BACKEND)
    answer = client.get(f"/customers/{record.pk}/files/{kept.pk}")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_picture_that_is_a_page_stays_a_picture(lin_yue: Actor) -> None:
    record = _mine(lin_yue)
    kept = attach(record, ContentFile(RUNS), "a.png", by=lin_yue)
    client = Client()
    client.force_login(user_of("林悦"), backend=BACKEND)
    answer = client.get(f"/customers/{record.pk}/files/{kept.pk}")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"), ("C:\\temp\\报价.txt", "报价.txt"),
        ("a\r\nSet-Cookie: own=1.txt", "aSet-Cookie: own=1.txt"), ("a\x00.txt", "a.txt"), ("..", "file"), ("", "file"),
        ("报价\u202egpj.exe", "报价gpj.exe"), ("\u200b.txt", "txt"), ("x" * 300 + ".pdf", "x" * 196 + ".pdf"), ("CON", "CON"), ("a;b\".txt", "a;b\".txt"),
    ],
)  # fmt: skip
def test_names_of_files_are_only_names(given: str, kept: str, lin_yue: Actor) -> None:
    record = _mine(lin_yue)
    made = attach(record, ContentFile(b"x"), given, by=lin_yue)
    assert made.name == kept
    client = Client()
    client.force_login(user_of("林悦"), backend=BACKEND)
    answer = client.get(f"/customers/{record.pk}/files/{made.pk}")
    assert (answer.status_code, answer.getvalue()) == (200, b"x")
    assert "own" not in answer.cookies


def test_uploads_by_the_screen_keep_no_path_either(lin_yue: Actor, web: LogIn) -> None:
    record = _mine(lin_yue)
    web("林悦").client.post(f"/customers/{record.pk}/files", {"file": SimpleUploadedFile("../../../x\u202e.txt", b"x")})
    assert [kept.name for kept in Attachment.objects.all()] == ["x.txt"]


# What leaves for a spreadsheet


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_of_an_export_is_a_formula(kind: str, guan_li: Actor) -> None:
    for number, text in enumerate(FORMULAS):
        customer(text, guan_li.user_id, city=text[:40], code=f"F{number}")
    client = Client()
    client.force_login(user_of("管理员"), backend=BACKEND)
    content = client.get(f"/customers/export?format={kind}").getvalue()
    cells = _cells(kind, content)
    assert len([cell for cell in cells if cell.startswith("'")]) >= len(FORMULAS)
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@＝＋－＠]", cell) and not re.fullmatch(r"[+-]?[\d .]+", cell)]


def _cells(kind: str, content: bytes) -> list[str]:
    if kind == "csv":
        return [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    return [str(cell) for row in CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python() for cell in row]


# Headers, addresses, hosts, cookies


def test_a_name_cannot_add_a_header(lin_yue: Actor, web: LogIn) -> None:
    record = customer("甲\r\nSet-Cookie: own=1\r\n\r\n<script>", lin_yue.user_id, lin_yue.home_team)
    person = web("林悦")
    for answer in (
        person.post(f"/customers/{record.pk}/edit/city", {"city": "无锡\r\nX-Own: 1", "value": "无锡\r\nX-Own: 1"}),
        person.post(f"/customers/{record.pk}/delete"),
    ):
        assert answer.status in (200, 204, 422)
        assert not {"X-Own", "Set-Cookie"} & set(answer.headers)
        assert "\n" not in answer.headers.get("HX-Trigger", "")


ELSEWHERE = ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example", "\t//evil.example"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_address_leads_elsewhere(target: str, db: None) -> None:
    client = Client()
    told = client.post("/i18n/setlang/", {"language": "en", "next": target}, headers={"Referer": "https://evil.example/"})
    assert "evil" not in told.get("Location", "")
    assert "javascript" not in told.get("Location", "")
    part = client.get("/customers/", headers={"HX-Request": "true", "HX-Current-URL": target})
    assert part["HX-Redirect"].startswith("/login/?next=")
    page = client.get(part["HX-Redirect"]).content.decode()
    assert not re.search(r'(href|action|value)="\s*(https?:|/[/\\]|javascript:)', page)


def test_hosts_are_taken_from_the_list_alone(db: None) -> None:
    assert Client().get("/login/", headers={"host": "evil.example"}).status_code == 400
    assert Client().get("/login/", headers={"host": "127.0.0.1@evil.example"}).status_code == 400
    page = Client().get("/login/", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    assert (page.status_code, b"evil" in page.content) == (200, False)


def test_a_link_by_mail_names_the_host_that_was_asked_for(guan_li: Actor, web: LogIn) -> None:
    answer = web("管理员").client.post(f"/settings/people/{user_of('林悦').pk}/link", headers={"X-Forwarded-Host": "evil.example"})
    assert b"evil" not in answer.content


def test_cookies_are_kept_from_scripts_and_from_other_sites(db: None) -> None:
    client = Client()
    client.get("/login/join/abc")
    client.get("/login/")
    session, token = client.cookies["zhike_session"], client.cookies["zhike_csrf"]
    assert (session["httponly"], session["samesite"], session["domain"], session["path"]) == (True, "Lax", "", "/")
    assert (token["samesite"], token["domain"]) == ("Lax", "")


def test_logging_out_leaves_nothing_to_go_back_to(web: LogIn) -> None:
    client = web("林悦").client
    before = client.cookies["zhike_session"].value
    assert client.post("/logout/")["Clear-Site-Data"] == '"cache"'
    client.cookies["zhike_session"] = before
    assert client.get("/customers/").status_code == 302


# Fields nobody offered


@pytest.mark.parametrize("slug", [spec.slug for spec in objects])
def test_further_fields_of_a_form_are_not_taken(slug: str, guan_li: Actor, web: LogIn) -> None:
    spec = objects.by_slug(slug)
    assert spec is not None
    made: Record = make(spec.label, "甲")
    before = written()
    for field in spec.model._meta.fields:
        if field.name in spec.editable():
            continue
        answer = web("管理员").post(f"/{slug}/{made.pk}/edit/{field.name}", {field.name: "1", "value": "1"})
        assert answer.status in (403, 404, 422), field.name
        assert web("管理员").post(f"/{slug}/bulk/set/{field.name}?ids={made.pk}", {field.name: "1", "value": "1"}).status in (403, 404, 422)
    assert written() == before


def test_a_new_record_takes_nothing_but_its_form(lin_yue: Actor, web: LogIn) -> None:
    sent = {
        "code": "P-1", "name": "减速机", "price": "12", "id": "00000000-0000-7000-8000-000000000001", "version": "99",
        "owner": str(user_of("陈默").pk), "owner_id": str(user_of("陈默").pk), "team": "1", "team_id": "1", "batch_id": "7", "sort_key": "zz",
        "created_at": "1999-01-01", "custom": '{"x": 1}', "by": "1",
    }  # fmt: skip
    assert web("管理员").post("/products/new", sent).status == 204
    made = Product.objects.get(code="P-1")
    assert (str(made.pk) != sent["id"], made.version, made.owner_id != user_of("陈默").pk, made.sort_key != "zz") == (True, 1, True, True)
    assert (made.created_at.year > 2000, made.custom) == (True, {})


# Tables made to break who reads them

SHEETS = {
    "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}
ROW = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>{1}</t></is></c><c r="B{0}" t="inlineStr"><is><t>{2}</t></is></c></row>'


def _book(folder: Path, before: str, name: str) -> Path:
    path = folder / "book.xlsx"
    sheet = f'<?xml version="1.0"?>{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    sheet += ROW.format(1, "客户编号", "客户名称") + ROW.format(2, "K1", name) + "</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w") as book:
        for part, text in (SHEETS | {"xl/worksheets/sheet1.xml": sheet}).items():
            book.writestr(part, text)
    return path


def test_a_book_cannot_read_files_of_the_server(db: None, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("geheim")
    path = _book(tmp_path, f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>', "甲&e;")
    with suppress(Refused):  # read without the entity, or not read at all
        bring_in(path, "customers")
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from customers_customer where name like '%%geheim%%'")
        assert cursor.fetchone() == (0,)


def test_a_book_of_entities_that_multiply_is_not_unfolded(db: None, tmp_path: Path) -> None:
    many = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    path = _book(tmp_path, f'<!DOCTYPE x [<!ENTITY e0 "ha">{many}]>', "甲&e11;")
    with suppress(Refused):  # read without the entity, or not read at all
        bring_in(path, "customers")
    assert not [name for name in Customer.objects.values_list("name", flat=True) if "haha" in name]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wide.csv", (",".join(f"c{n}" for n in range(1_000_000)) + "\n").encode()),
        ("deep.json", b"[" * 200_000 + b"]" * 200_000),
        ("deep.json", b'[{"a":' * 50_000 + b"1" + b"}]" * 50_000),
        ("quote.csv", b'a,b\n"' + b"x" * 3_000_000),
        ("nul.csv", b"a,b\n\x00,\x00\n" * 10),
        ("book.xlsx", b"PK\x03\x04" + b"\x00" * 1000),
        ("table.parquet", b"PAR1" + b"\xff" * 1000 + b"PAR1"),
    ],
)
def test_a_table_made_to_break_its_reader_is_refused(name: str, content: bytes, db: None, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Refused):
        bring_in(path, "customers")
    assert not Customer.objects.exists()


# What errors tell


def test_an_error_tells_a_number_and_nothing_else(web: LogIn) -> None:
    client = web("管理员").client
    client.raise_request_exception = False
    make("catalog.product", "减速机")
    with connection.cursor() as cursor:
        cursor.execute("alter table catalog_product rename column code to was_code")
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get("/products/", headers=headers)
        assert answer.status_code == 500
        text = answer.content.decode() + str(dict(answer.items()))
        assert not re.search(r"Traceback|psycopg|was_code|catalog_product|\.py|/src/|select ", text, re.IGNORECASE)
