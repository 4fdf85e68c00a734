"""Formulas: read, refused, told in words, and the same in Python and in the database."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from zhike.kernel.customfields.formula import LONGEST, Ref, in_words, parse, stored
from zhike.kernel.customfields.kinds import in_python
from zhike.kernel.customfields.reading import of_formula, of_own, solved
from zhike.kernel.customfields.sql import on_table
from zhike.kernel.customfields.working_out import compute, to_sql
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import ChoiceDef, CustomDef, FieldDef
from zhike.kernel.ids import uuid7


@dataclass(slots=True)
class Row:
    """A record as formulas see it."""

    custom: dict[str, Any] = field(default_factory=dict)


LABELS = {"a": ("number", "数量"), "b": ("number", "单价"), "t": ("text", "备注一"), "u": ("text", "备注二"), "d": ("date", "开始"), "e": ("date", "结束"),
          "m": ("moment", "签约"), "f": ("yes_no", "急件"), "c": ("choice", "级别")}  # fmt: skip
CHOICES = (ChoiceDef(code="gold", label="金牌"), ChoiceDef(code="silver", label="银牌"))


def _fields() -> dict[str, Ref]:
    found: dict[str, Ref] = {}
    for key, (kind, label) in LABELS.items():
        own = CustomDef(id=uuid7(), choices=CHOICES if kind == "choice" else ())
        ref = of_own(FieldDef(name=f"cf_{key}", label=label, kind=kind, key=key, own=own), label)  # type: ignore[arg-type]
        assert ref is not None
        found[ref.name] = ref
    return found


FIELDS = _fields()


def value(text: str, **custom: Any) -> Any:
    """What a formula gives for these values."""
    return compute(parse(text, FIELDS), Row(custom))


@pytest.mark.parametrize(
    ("text", "custom", "expected"),
    [
        ("{数量} * {单价}", {"a": "3", "b": "0.1"}, Decimal("0.3")),
        ("数量 * 单价 + 1", {"a": "3", "b": "0.1"}, Decimal("1.3")),
        ("({数量}+1)*2-{单价}", {"a": "3", "b": "8"}, Decimal(0)),
        ("{数量} / {单价}", {"a": "1", "b": "3"}, Decimal("0.3333333333")),
        ("{数量} / {单价}", {"a": "2", "b": "3"}, Decimal("0.6666666667")),
        ("{数量} / {单价}", {"a": "1", "b": "0"}, None),
        ("{数量} * 2", {}, None),
        ("四舍五入({数量}, 1)", {"a": "2.25"}, Decimal("2.3")),
        ("round({数量})", {"a": "-2.5"}, Decimal(-3)),
        ('如果({级别} = "金牌", {数量} * 0.9, {数量})', {"c": "gold", "a": "100"}, Decimal(90)),
        ('if({级别} = "金牌", 1, 2)', {"c": "silver"}, Decimal(2)),
        ('if({级别} = "金牌", 1, 2)', {}, Decimal(2)),
        ("{数量}>=10 and ({单价}<5 or {急件})", {"a": "10", "b": "9", "f": True}, True),
        ("not {急件}", {"f": True}, False),
        ("相差天数({开始}, {结束})", {"d": "2026-02-27", "e": "2026-03-01"}, Decimal(2)),
        ("days({签约}, {结束})", {"m": "2026-02-27T17:00:00Z", "e": "2026-03-01"}, Decimal(1)),
        ("连接({备注一}, \"-\", {数量}, {级别})", {"t": "甲", "a": "1.50", "c": "gold"}, "甲-1.5金牌"),
        ("join({备注一}, {备注二})", {}, None),
        ("{备注一} = “甲，乙 = {数量}”", {"t": "甲，乙 = {数量}"}, True),
        ("1 if {急件} else 0", {"f": False}, Decimal(0)),
        ("0.1 + 0.2", {}, Decimal("0.3")),
    ],
)  # fmt: skip
def test_what_a_formula_gives(text: str, custom: dict[str, Any], expected: object) -> None:
    assert value(text, **custom) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "formula_syntax"),
        ("{数量} +", "formula_syntax"),
        ("{数量} ** 9", "formula_syntax"),
        ("{数量} // 2", "formula_syntax"),
        ("[数量]", "formula_syntax"),
        ("(lambda: 1)()", "formula_unknown"),
        ("__import__('os')", "formula_unknown"),
        ("{数量}.real", "formula_syntax"),
        ("{没有}", "formula_unknown"),
        ("exec('1')", "formula_unknown"),
        ("{数量} + {备注一}", "formula_kinds"),
        ("{开始} - {结束}", "formula_kinds"),
        ("{数量} = {备注一}", "formula_kinds"),
        ("{急件} < {急件}", "formula_kinds"),
        ("if({急件}, 1, {备注一})", "formula_kinds"),
        ("round({数量}, {单价})", "formula_syntax"),
        ("round({数量}, 99)", "formula_syntax"),
        ("1 < {数量} < 3", "formula_syntax"),
        ("{数量} + 1e99", "formula_syntax"),
        ("1+" * 300 + "1", "formula_long"),
        ("(" * 60 + "1" + ")" * 60 + "+" + "-" * 50 + "1", "formula_long"),
        ("; drop table", "formula_syntax"),
    ],
)
def test_what_is_not_in_the_language_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(text, FIELDS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("typed", "kept", "told"),
    [
        ("数量*(单价+1)", "{cf_a} * ({cf_b} + 1)", "{数量} * ({单价} + 1)"),
        ("{数量}-(单价-1)", "{cf_a} - ({cf_b} - 1)", "{数量} - ({单价} - 1)"),
        ('如果(级别="金牌",1,2)', 'if({cf_c} = "gold", 1, 2)', 'if({级别} = "金牌", 1, 2)'),
        ("not (急件 or 数量>1)", "not({cf_f} or {cf_a} > 1)", "not({急件} or {数量} > 1)"),
        ("急件 and (数量>1 or 数量<0)", "{cf_f} and ({cf_a} > 1 or {cf_a} < 0)", "{急件} and ({数量} > 1 or {数量} < 0)"),
    ],
)
def test_a_formula_is_kept_by_names_and_told_by_labels(typed: str, kept: str, told: str) -> None:
    assert stored(typed, FIELDS) == kept
    assert in_words(kept, FIELDS) == told
    assert stored(told, FIELDS) == kept


def test_formulas_read_formulas_and_no_circle() -> None:
    nodes, bad = solved({"cf_x": ("合计", "{cf_y} * 2"), "cf_y": ("小计", "{cf_a} * {cf_b}")}, FIELDS)
    assert bad == {}
    assert compute(nodes["cf_x"], Row({"a": "3", "b": "5"})) == 30
    assert nodes["cf_x"].reads == {"cf_y", "cf_a", "cf_b"}
    nodes, bad = solved({"cf_x": ("合计", "{cf_y} + 1"), "cf_y": ("小计", "{cf_x} + 1"), "cf_z": ("自己", "{cf_z} + 1")}, FIELDS)
    assert nodes == {}
    assert {name: refusal.code for name, refusal in bad.items()} == dict.fromkeys(("cf_x", "cf_y", "cf_z"), "formula_cycle")


def test_a_formula_with_today_is_not_fixed() -> None:
    assert not parse("days({开始}, today())", FIELDS).is_fixed
    assert parse("days({开始}, {结束})", FIELDS).is_fixed


# Python and SQL ------------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(["{cf_a}", "{cf_b}", "0", "1", "2.5", "0.0001", "123456.789"])
TEXTS = st.sampled_from(["{cf_t}", "{cf_u}", '"甲"', "'O\"k %s'", '""', '"50%"'])
DATES = st.sampled_from(["{cf_d}", "{cf_e}", "{cf_m}"])


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("-({})".format, inner),
        st.builds("round({}, {})".format, inner, st.integers(0, 6)),
        st.builds("days({}, {})".format, DATES, DATES),
        st.builds("if({} {} {}, {}, {})".format, inner, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), inner, inner, inner),
        st.builds("if({} = {} or not {{cf_f}}, {}, {})".format, TEXTS, TEXTS, inner, inner),
    )


NUMBER_FORMULAS = st.recursive(NUMBERS, _numbers, max_leaves=5)
TRUTHS = st.one_of(
    st.builds("{} {} {}".format, NUMBER_FORMULAS, st.sampled_from(["<", ">=", "="]), NUMBER_FORMULAS),
    st.builds("{} {} {}".format, TEXTS, st.sampled_from(["<", ">=", "=", "!="]), TEXTS),
    st.builds("{} {} {}".format, DATES, st.sampled_from(["<", ">=", "="]), DATES),
    st.just('{cf_c} = "金牌"'),
    st.just("{cf_f}"),
)
FORMULAS = st.one_of(
    NUMBER_FORMULAS,
    st.recursive(TRUTHS, lambda inner: st.builds("({}) {} not ({})".format, inner, st.sampled_from(["and", "or"]), inner), max_leaves=3),
    st.builds("join({}, {}, {}, {{cf_c}})".format, TEXTS, NUMBER_FORMULAS, TEXTS),
)
DIGITS = st.decimals(min_value=-(10**9), max_value=10**9, places=4).map(lambda number: in_python("number", str(number)))
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "a": DIGITS.map(str), "b": st.one_of(DIGITS.map(str), st.just("0")), "t": st.sampled_from(["甲", "乙", "a", "Z", "50%"]), "u": st.text(max_size=3).filter(
            lambda text: text and "\x00" not in text and text.isprintable()),
        "d": st.dates(dt.date(1000, 1, 1), dt.date(2200, 1, 1)).map(str), "e": st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)).map(str),
        "m": st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2030, 1, 1)).map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z"),
        "f": st.booleans(), "c": st.sampled_from(["gold", "silver"]),
    },
)  # fmt: skip


@given(text=FORMULAS, custom=ROWS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_python_and_the_database_give_the_same(db: None, text: str, custom: dict[str, Any]) -> None:
    assume(len(text) <= LONGEST)
    node = parse(text, FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(f"with t as (select %s::jsonb as custom) select {on_table(to_sql(node), 't')} from t", [json.dumps(custom)])
        found = cursor.fetchone()[0]
    assert compute(node, Row(custom)) == (found if found != "" else None), (text, custom)


def test_a_formula_over_a_formula_is_the_same_in_sql(db: None) -> None:
    inner = of_formula("cf_y", "小计", parse("{数量} * {单价}", FIELDS))
    node = parse("{小计} / 3", {**FIELDS, "cf_y": inner})
    with connection.cursor() as cursor:
        cursor.execute(f"with t as (select %s::jsonb as custom) select {on_table(to_sql(node), 't')} from t", ['{"a": "7", "b": "0.1"}'])
        assert cursor.fetchone()[0] == compute(node, Row({"a": "7", "b": "0.1"})) == Decimal("0.2333333333")


def test_an_english_reader_writes_and_reads_english_names() -> None:
    fields = {
        "cf_a": replace(FIELDS["cf_a"], label_en="Number of seats"),
        "cf_c": replace(FIELDS["cf_c"], label_en="Level", words_en={"gold": "Gold", "silver": "Silver"}),
    }
    kept = 'if({cf_c} = "gold", {cf_a} * 2, 1)'
    for typed in ('if(Level = "Gold", {Number of seats} * 2, 1)', 'if({Level} = "金牌", 数量 * 2, 1)', '如果(级别="gold", 数量*2, 1)'):
        assert stored(typed, fields) == kept
    with translation.override("en"):
        assert in_words(kept, fields) == 'if({Level} = "Gold", {Number of seats} * 2, 1)'
        assert stored(in_words(kept, fields), fields) == kept
    assert in_words(kept, fields) == 'if({级别} = "金牌", {数量} * 2, 1)'


def test_a_chinese_label_goes_before_an_english_one_that_says_the_same() -> None:
    fields = {"cf_a": replace(FIELDS["cf_a"], label_en="单价"), "cf_b": FIELDS["cf_b"]}
    assert stored("单价", fields) == "{cf_b}"
