"""The file of refused rows, as a person opens it in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from zhike.kernel.imports.batches import Broken
from zhike.kernel.imports.refusals import Problem, RefusedRows
from zhike.kernel.text.safe import safe_cell

WORDS = {"date_invalid": "没有这一天", "row_too_short": "只有半行", "number_invalid": "不是数字"}


def words(code: str, facts: Mapping[str, object]) -> str:
    return f"{WORDS[code]}：{facts['value']}" if "value" in facts else WORDS[code]


def lines(path: Path) -> list[list[str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(raw.decode("utf-8-sig").splitlines()))


def test_refused_rows_keep_their_cells_and_say_why(tmp_path: Path) -> None:
    path = tmp_path / "refused.csv"
    frame = pl.DataFrame({"日期": ["2024-02-31", "2024-02-01", "x"], "金额": ["1", "-2", "=cmd()"]})
    errors = {
        "日期": pl.Series(["date_invalid", None, "date_invalid"]),
        "金额": pl.Series([None, None, "number_invalid"]),
    }
    with RefusedRows(path, ("日期", "金额"), words=words, headings=("行号", "列", "原因")) as refused:
        is_good = refused.add_errors(frame, pl.Series([7, 8, 9]), errors)
        refused.add_broken([Broken(row=10, text="2024", code="row_too_short")])
        assert is_good.to_list() == [False, True, False]
        assert (refused.rows, refused.counts) == (3, {"date_invalid": 2, "number_invalid": 1, "row_too_short": 1})
        assert refused.first[0].problems == (Problem(column="日期", code="date_invalid", facts={"value": "2024-02-31"}),)
    assert lines(path) == [
        ["行号", "日期", "金额", "列", "原因"],
        ["7", "2024-02-31", "1", "日期", "没有这一天：2024-02-31"],
        ["9", "x", "'=cmd()", "日期; 金额", "没有这一天：x; 不是数字：=cmd()"],
        ["10", "2024", "", "", "只有半行"],
    ]


def test_a_resumed_file_is_cut_back_to_its_last_finished_batch(tmp_path: Path) -> None:
    path = tmp_path / "refused.csv"
    problem = [Problem(column="a", code="date_invalid")]
    first = RefusedRows(path, ("a",), words=words)
    first.add(1, ["一"], problem)
    state = first.state()
    first.add(2, ["写到一半"], problem)
    first.close()
    with RefusedRows(path, ("a",), words=words, state=state) as again:
        again.add(2, ["二"], problem)
        assert (again.rows, again.counts, [row.row for row in again.first]) == (2, {"date_invalid": 2}, [1, 2])
    assert [line[:2] for line in lines(path)] == [["row", "a"], ["1", "一"], ["2", "二"]]


def test_only_the_first_rows_are_held(tmp_path: Path) -> None:
    with RefusedRows(tmp_path / "refused.csv", ("a",), words=words) as refused:
        for number in range(1, 101):
            refused.add(number, ["x"], [Problem(column="a", code="date_invalid")])
        assert (refused.rows, len(refused.first), refused.first[-1].row) == (100, 20, 20)


def test_cells_that_start_a_formula_are_made_safe_and_numbers_stay() -> None:
    cells = ["=cmd()", "+1 650", "-5", "@x", "-1+cmd", "张三", None, "-12.5%"]
    assert [safe_cell(cell) for cell in cells] == ["'=cmd()", "+1 650", "-5", "'@x", "'-1+cmd", "张三", "", "-12.5%"]
