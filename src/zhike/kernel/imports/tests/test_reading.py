"""Files of every kind and every fault, read as they are."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from zhike.kernel.errors import Refused
from zhike.kernel.imports.batches import Batch, Broken
from zhike.kernel.imports.limits import Limits
from zhike.kernel.imports.reading import Source, Told, open_source

TABLE = "编号,名称,金额\nC1,张广胜,12.50\nC2,单雄信,-3\n"
ROWS = [("C1", "张广胜", "12.50"), ("C2", "单雄信", "-3")]


def written(folder: Path, content: str | bytes, *, name: str = "file.dat", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def only_batch(source: Source) -> Batch:
    (batch,) = source.batches()
    return batch


def refusal(path: Path, *, limits: Limits | None = None, told: Told | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        open_source(path, limits=limits or Limits(), told=told)
    return caught.value


@pytest.mark.parametrize(
    ("encoding", "mark", "found"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("gb18030", b"", "gb18030"),
        ("gbk", b"", "gb18030"),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("utf-16-be", b"\xfe\xff", "utf-16-be"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_encodings_are_found_from_the_bytes(tmp_path: Path, encoding: str, mark: bytes, found: str, is_packed: bool) -> None:
    raw = mark + TABLE.encode(encoding)
    source = open_source(written(tmp_path, gzip.compress(raw) if is_packed else raw))
    assert (source.encoding, source.columns, source.row_estimate) == (found, ("编号", "名称", "金额"), 2)
    assert only_batch(source).frame.rows() == ROWS
    assert source.warnings == ()


def test_western_letters_are_read_with_a_warning(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "name,city\nJosé,Zürich\nBjörn,Málaga\n", encoding="latin-1"))
    assert source.encoding == "cp1252"
    assert source.warnings == ("encoding_guessed",)
    assert only_batch(source).frame.rows() == [("José", "Zürich"), ("Björn", "Málaga")]


def test_bytes_of_no_encoding_are_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, b"a,b\n1,\xff\xff\xff\xff\n")).code == "encoding_unknown"


def test_one_damaged_byte_in_good_chinese_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    raw = TABLE.encode() * 50 + b"C3,\xe5\xbc,1\n" + TABLE.encode() * 50
    assert refusal(written(tmp_path, raw)).code == "encoding_broken"


def test_a_wrong_encoding_told_by_a_person_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE, encoding="gb18030")
    assert refusal(path, told=Told(encoding="utf-8")).code == "encoding_broken"
    assert refusal(path, told=Told(encoding="klingon")).code == "encoding_unknown"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_with_quotes_respected(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["编号", "名称", "地址"]) + "\n"
    text += "".join(delimiter.join([f"C{n}", f'"甲, 乙; 丙|{n}"', f"路{n}"]) + "\n" for n in range(5))
    source = open_source(written(tmp_path, text))
    assert source.delimiter == delimiter
    assert only_batch(source).frame["名称"].to_list() == [f"甲, 乙; 丙|{n}" for n in range(5)]


def test_decimal_commas_do_not_look_like_delimiters(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a;b;c\n" + "1,5;2,5;3,5\n" * 40))
    assert (source.delimiter, source.columns) == (";", ("a", "b", "c"))


def test_a_wrong_delimiter_told_by_a_person_is_refused(tmp_path: Path) -> None:
    refused = refusal(written(tmp_path, TABLE), told=Told(delimiter=";"))
    assert (refused.code, refused.facts) == ("wrong_delimiter", {"given": ";", "found": ","})


def test_half_a_row_and_too_much_of_a_row_are_told_apart_and_lose_nothing(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a,b,c\n1,2,3\n4,5\n\n6,7,8,9\n10,11,12,,\n13,14,15"))
    batch = only_batch(source)
    assert batch.frame.rows() == [("1", "2", "3"), ("10", "11", "12"), ("13", "14", "15")]
    assert batch.rows.to_list() == [1, 5, 6]
    assert batch.broken == (
        Broken(row=2, text="4,5", code="row_too_short"),
        Broken(row=4, text="6,7,8,9", code="row_too_long"),
    )


def test_line_ends_and_doubled_quotes_inside_quotes_belong_to_the_cell(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, 'a,b,c\r\n1,"第一行\r\n第二行",x\r\n2,"他说""好""",\r\n'))
    assert only_batch(source).frame.rows() == [("1", "第一行\r\n第二行", "x"), ("2", '他说"好"', None)]


def test_a_quote_that_never_closes_costs_its_own_row_only(tmp_path: Path) -> None:
    text = 'a,b,c\n1,"x",y\n2,"open,z\n3,"q",r\n4,5" pipe,s\n5,"u",v\n' + "".join(f"{n},k,l\n" for n in range(6, 200))
    batch = only_batch(open_source(written(tmp_path, text)))
    assert batch.broken == (Broken(row=2, text='2,"open,z', code="row_quote_unclosed"),)
    assert batch.rows.to_list() == [1, *range(3, 200)]
    assert batch.frame.row(2) == ("4", '5" pipe', "s")


def test_a_zero_byte_in_a_row_is_shown_and_the_others_stay(tmp_path: Path) -> None:
    batch = only_batch(open_source(written(tmp_path, b"a,b\n" + b"1,x\n" * 50 + b"2,y\0z\n3,w\n")))
    assert [(bad.row, bad.code) for bad in batch.broken] == [(51, "row_has_nul")]
    assert batch.frame.height == 51


def test_a_file_cut_inside_a_character_keeps_its_good_rows(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, TABLE.encode() + "C3,林".encode()[:-1]))
    assert source.warnings == ("file_cut_off",)
    batch = only_batch(source)
    assert batch.frame.rows() == ROWS
    assert [(bad.row, bad.code) for bad in batch.broken] == [(3, "row_too_short")]


def test_old_line_ends_and_the_telling_first_line(tmp_path: Path) -> None:
    assert only_batch(open_source(written(tmp_path, TABLE.replace("\n", "\r")))).frame.rows() == ROWS
    source = open_source(written(tmp_path, "sep=;\n编号;名称\nC1;甲,乙\n"))
    assert (source.columns, only_batch(source).frame.rows()) == (("编号", "名称"), [("C1", "甲,乙")])


@pytest.mark.parametrize("content", [b"", b"  \n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(written(tmp_path, content)).code == "empty_file"


def test_a_file_without_headings_is_refused(tmp_path: Path) -> None:
    refused = refusal(written(tmp_path, "4,1,1997-01-01,2,29.33\n4,1,1997-01-18,2,29.73\n"))
    assert (refused.code, refused.facts["first_row"]) == ("no_header", "4, 1, 1997-01-01, 2, 29.33")


def test_headings_alone_are_a_table_of_no_rows(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "编号,名称\n"))
    assert (source.row_estimate, list(source.batches()), source.sample().height) == (0, [], 0)


def test_thousands_of_columns_are_refused(tmp_path: Path) -> None:
    names = ",".join(f"列{n}" for n in range(3000))
    refused = refusal(written(tmp_path, names + "\n" + "," * 2999 + "\n"))
    assert (refused.code, refused.facts) == ("too_many_columns", {"columns": 3000, "limit": 500})


def test_equal_and_missing_headings_get_names_of_their_own(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "名称,名称,,金额\n甲,乙,丙,1\n"))
    assert source.columns == ("名称", "名称_2", "column_3", "金额")
    assert set(source.warnings) == {"duplicate_headers", "unnamed_headers"}


@pytest.mark.parametrize("content", [b"%PDF-1.7 x", b"<html><table>", bytes(range(1, 32)) * 20, b"\x89PNG\r\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(written(tmp_path, content)).code == "not_a_table"


def test_a_gzip_bomb_is_refused_while_it_unpacks(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 500_000))
    refused = refusal(path, limits=Limits(max_ratio=50, ratio_counts_from=100_000))
    assert refused.code == "zip_bomb"
    assert refusal(path, limits=Limits(max_unpacked=1_000_000)).code == "zip_bomb"


def test_a_cut_gzip_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, gzip.compress(TABLE.encode() * 1000)[:-20])).code == "file_unreadable"


def test_batches_are_the_same_each_time_and_can_go_on_from_a_row(tmp_path: Path) -> None:
    text = "n,t\n" + "".join(f"{n},x{n}\n" if n % 10 else f"{n}\n" for n in range(1, 101))
    source = open_source(written(tmp_path, text))
    batches = list(source.batches(40))
    assert [(batch.first_row, batch.frame.height, len(batch.broken)) for batch in batches] == [
        (1, 40, 4),
        (45, 40, 4),
        (89, 10, 2),
    ]
    assert [batch.first_row for batch in source.batches(40, after_row=44)] == [45, 89]


def workbook(folder: Path) -> Path:
    path = folder / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet = book.add_worksheet("订单")
    sheet.write(0, 0, "2024 年订单")
    sheet.write_row(1, 0, ["编号", "数量", "金额", "日期", "时间", "已发"])
    sheet.write_row(2, 0, ["C1", 2, 60.704])
    sheet.write_datetime(2, 3, dt.datetime(2024, 3, 5), day)
    sheet.write_datetime(2, 4, dt.datetime(2024, 3, 5, 13, 30, 15), moment)
    sheet.write_boolean(2, 5, True)
    sheet.write_row(4, 0, [13800138000, "007"])
    book.add_worksheet("客户").write_row(0, 0, ["名称", "电话"])
    book.close()
    return path


@pytest.mark.parametrize("is_packed", [False, True])
def test_workbook_cells_come_as_exact_text(tmp_path: Path, is_packed: bool) -> None:
    path = workbook(tmp_path)
    if is_packed:
        path = written(tmp_path, gzip.compress(path.read_bytes()))
    with open_source(path) as source:
        assert (source.kind, source.sheet, source.sheets) == ("xlsx", "订单", ("订单", "客户"))
        assert source.warnings == ("title_rows_skipped",)
        batch = only_batch(source)
        assert source.sample().rows() == batch.frame.rows()
    assert batch.frame.rows() == [
        ("C1", "2", "60.704", "2024-03-05", "2024-03-05T13:30:15", "true"),
        ("13800138000", "007", None, None, None, None),
    ]
    assert batch.rows.to_list() == [1, 3]
    assert source.unpacked is None or not source.unpacked.exists()


def test_another_sheet_can_be_chosen_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    assert open_source(workbook(tmp_path), sheet="客户").columns == ("名称", "电话")
    with pytest.raises(Refused, match="sheet_unknown"):
        open_source(tmp_path / "book.xlsx", sheet="产品")


def altered_workbook(folder: Path, sheet_xml: bytes) -> Path:
    path = folder / "altered.xlsx"
    with zipfile.ZipFile(workbook(folder)) as book, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in book.namelist():
            target.writestr(name, sheet_xml if name.endswith("sheet1.xml") else book.read(name))
    return path


def test_workbooks_that_ask_for_all_memory_are_refused(tmp_path: Path) -> None:
    start, end = b'<worksheet><sheetData><row r="1">', b"</row></sheetData></worksheet>"
    far_column = start + b'<c r="XFD1"><v>1</v></c>' + end
    assert refusal(altered_workbook(tmp_path, far_column)).code == "too_many_columns"
    far_row = start + b'<c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>1</v></c>' + end
    assert refusal(altered_workbook(tmp_path, far_row)).code == "sheet_too_sparse"
    bomb = altered_workbook(tmp_path, start + b" " * 5_000_000 + end)
    assert refusal(bomb, limits=Limits(max_ratio=50, ratio_counts_from=1_000_000)).code == "zip_bomb"


def test_a_zip_of_other_things_and_a_cut_workbook_are_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders.csv", TABLE)
    assert refusal(written(tmp_path, packed.getvalue())).code == "not_a_table"
    cut = workbook(tmp_path).read_bytes()[:-100]
    assert refusal(written(tmp_path, cut)).code == "file_unreadable"


ORDER_TEXT = (
    '[{"number": "A1", "customer": {"code": "C1"}, "lines": [{"quantity": 2.0, "amount": 0.10}, '
    '{"quantity": 1, "amount": 1e400}]},\n {"number": "A2", "paid": true, "tags": ["急", "老客"], "note": NaN}]'
)


@pytest.mark.parametrize("shape", ["array", "lines", "wrapped"])
def test_json_objects_are_flattened_and_their_lines_become_rows(tmp_path: Path, shape: str) -> None:
    text = {
        "array": ORDER_TEXT,
        "lines": ORDER_TEXT.strip("[]").replace(",\n ", "\n"),
        "wrapped": '{"total": 2,\n "data": ' + ORDER_TEXT + "}",
    }[shape]
    source = open_source(written(tmp_path, text))
    assert source.kind == ("jsonl" if shape == "lines" else "json")
    batch = only_batch(source)
    assert batch.frame.select("number", "customer.code", "lines.quantity", "lines.amount", "paid", "tags").rows() == [
        ("A1", "C1", "2", "0.10", None, None),
        ("A1", "C1", "1", "1e400", None, None),
        ("A2", None, None, None, "true", "急;老客"),
    ]
    assert batch.rows.to_list() == [1, 2, 3]
    assert batch.frame["note"].to_list() == [None, None, None]


def test_a_bad_line_of_json_lines_is_shown_and_the_others_stay(tmp_path: Path) -> None:
    batch = only_batch(open_source(written(tmp_path, '{"a": 1}\n{"a": 2\n[3]\n{"a": 4}\n')))
    assert batch.frame["a"].to_list() == ["1", "4"]
    assert [(bad.row, bad.code) for bad in batch.broken] == [(2, "row_unreadable"), (3, "row_unreadable")]


def test_a_cut_json_array_is_refused_and_long_ones_stream(tmp_path: Path) -> None:
    items = [{"n": n, "t": "文" * 50} for n in range(30_000)]
    text = json.dumps(items, ensure_ascii=False)
    assert sum(batch.frame.height for batch in open_source(written(tmp_path, text)).batches(7_000)) == 30_000
    refused = refusal(written(tmp_path, text[:-10]))
    assert (refused.code, refused.facts) == ("file_unreadable", {"why": "json", "row": 30_000})


def test_one_json_object_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, '{\n"data": [' + ",".join('{"a": 1}' for _ in range(1000)) + "]}")
    assert refusal(path, limits=Limits(max_json_object=1000)).code == "too_large_for_json"


def test_parquet_values_come_as_exact_text(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    pl.DataFrame(
        {
            "id": [17850.0, 2.5, None, float("nan")],
            "n": [1, -2, 3, None],
            "at": [dt.datetime(2010, 12, 1, 8, 26), dt.datetime(2010, 12, 1, 8, 26, 0, 5000), None, None],
            "day": [dt.date(2024, 2, 29), None, None, None],
            "ok": [True, False, None, None],
            "customer": [{"code": "C1"}, {"code": ""}, None, None],
        }
    ).write_parquet(path)
    source = open_source(path)
    assert source.columns == ("id", "n", "at", "day", "ok", "customer.code")
    assert only_batch(source).frame.rows() == [
        ("17850", "1", "2010-12-01T08:26:00", "2024-02-29", "true", "C1"),
        ("2.5", "-2", "2010-12-01T08:26:00.005", None, "false", None),
        (None, "3", None, None, None, None),
        (None, None, None, None, None, None),
    ]


def test_parquet_lists_of_objects_become_rows_and_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    pl.DataFrame({"number": ["A1", "A2"], "lines": [[{"q": 1}, {"q": 2}], [{"q": 3}]]}).write_parquet(path)
    assert only_batch(open_source(path)).frame.rows() == [("A1", "1"), ("A1", "2"), ("A2", "3")]
    assert refusal(written(tmp_path, path.read_bytes()[:-30])).code == "file_unreadable"
