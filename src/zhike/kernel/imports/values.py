"""Text columns of a file turned into the normal form of a field, each refused cell with a stable code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from zhike.kernel.imports.batches import Batch, by_unique
from zhike.kernel.imports.currencies import CODES, NAMES
from zhike.kernel.imports.dates import moments
from zhike.kernel.imports.numbers import decimals, integers
from zhike.kernel.imports.phones import phone_numbers
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

_EMAIL = r"^[^\s@<>(),;:=\"]+@(?:[^\s@<>(),;:=\".]+\.)+[^\s@<>(),;:=\".\d]{2,24}$"
_NOTHING = ("null", "NULL", "Null", "None", "N/A", "n/a", "#N/A", r"\N", "NaT")
_TRUE = ("true", "t", "yes", "y", "1", "是", "真", "对", "有", "√", "✓", "on", "已", "启用")
_FALSE = ("false", "f", "no", "n", "0", "否", "假", "错", "无", "×", "✗", "off", "未", "停用")
_CONTROLS = r"[\x00-\x1f\x7f\u200b\ufeff]"
_CONTROLS_BUT_LINES = r"[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff]"
_COMMA_DECIMAL = r"^[-+]?(?:\d{1,3}(?:\.\d{3})+,\d+|\d+,\d{1,2})$"
_POINT_DECIMAL = r"^[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.(?:\d{1,2}|\d{4,}))$"
_YEAR_LAST = r"^(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})(?:[^\d].*)?$"


class Kind(StrEnum):
    """What a cell has to be; CODE is a name for machines (full width folded), RATE a share from 0 to 1."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CODE = "code"
    INTEGER = "integer"
    DECIMAL = "decimal"
    RATE = "rate"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    PHONE = "phone"
    EMAIL = "email"
    CHOICE = "choice"
    CURRENCY = "currency"
    CHOICES = "choices"


_FOLDED = frozenset(Kind) - {Kind.TEXT, Kind.LONG_TEXT}
_TEXTS = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.CODE, Kind.CHOICE, Kind.CHOICES})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShape:
    """What a field takes: kind, longest text in characters (0: any), words for each choice, must it be filled."""

    kind: Kind
    max_length: int = 0
    choices: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    places: int | None = None  # decimals of a number, any when not said
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEvidence:
    """What the cells of one column say about its way of writing; add two to join what two parts of a file say."""

    comma_decimals: int = 0
    point_decimals: int = 0
    first_above_12: int = 0
    second_above_12: int = 0
    both_within_12: int = 0
    told_decimal_comma: bool | None = None
    told_day_first: bool | None = None

    def __add__(self, other: ColumnEvidence) -> ColumnEvidence:
        return ColumnEvidence(
            comma_decimals=self.comma_decimals + other.comma_decimals,
            point_decimals=self.point_decimals + other.point_decimals,
            first_above_12=self.first_above_12 + other.first_above_12,
            second_above_12=self.second_above_12 + other.second_above_12,
            both_within_12=self.both_within_12 + other.both_within_12,
            told_decimal_comma=self.told_decimal_comma if other.told_decimal_comma is None else other.told_decimal_comma,
            told_day_first=self.told_day_first if other.told_day_first is None else other.told_day_first,
        )

    @property
    def decimal_comma(self) -> bool:
        """True when 1.234,56 is how this column writes numbers."""
        if self.told_decimal_comma is not None:
            return self.told_decimal_comma
        return self.comma_decimals > self.point_decimals

    @property
    def day_first(self) -> bool:
        """True when 20/10/2016 is how this column writes days; the month is first when nothing tells."""
        if self.told_day_first is not None:
            return self.told_day_first
        return self.first_above_12 > self.second_above_12

    @property
    def is_date_ambiguous(self) -> bool:
        """True when every such day could be read both ways, or some only one way and some only the other."""
        if self.told_day_first is not None:
            return False
        is_untold = self.both_within_12 > 0 and self.first_above_12 == self.second_above_12 == 0
        return is_untold or (self.first_above_12 > 0 and self.second_above_12 > 0)


NO_EVIDENCE = ColumnEvidence()


def column_evidence(sample: pl.DataFrame) -> dict[str, ColumnEvidence]:
    """Read the evidence of every column from some rows."""
    return {name: _evidence(sample[name]) for name in sample.columns}


def file_evidence(batches: Iterable[Batch], columns: Iterable[str]) -> dict[str, ColumnEvidence]:
    """Read the evidence of the named columns from all rows: a day above 12 may come late in a file."""
    found = dict.fromkeys(columns, NO_EVIDENCE)
    for batch in batches:
        for name, known in found.items():
            if name in batch.frame.columns:
                found[name] = known + _evidence(batch.frame[name])
    return found


def _evidence(column: pl.Series) -> ColumnEvidence:
    texts = _folded(column.str.strip_chars()).alias("text").to_frame()
    parts = pl.col("text").str.extract_groups(_YEAR_LAST).struct
    first, second = (parts.field(name).cast(pl.Int32, strict=False) for name in ("1", "2"))
    counted = texts.select(
        comma=pl.col("text").str.contains(_COMMA_DECIMAL).sum(),
        point=pl.col("text").str.contains(_POINT_DECIMAL).sum(),
        first=(first > 12).sum(),
        second=(second > 12).sum(),
        both=((first <= 12) & (second <= 12)).sum(),
    ).row(0)
    comma, point, first_above, second_above, both = (int(value) for value in counted)
    return ColumnEvidence(
        comma_decimals=comma,
        point_decimals=point,
        first_above_12=first_above,
        second_above_12=second_above,
        both_within_12=both,
    )


def parse_column(
    frame: pl.DataFrame, column: str, shape: FieldShape, evidence: ColumnEvidence = NO_EVIDENCE
) -> tuple[pl.Series, pl.Series]:
    """Return normal texts and error codes of one column, both as long as the frame; a refused cell has no value.

    Days are ISO, moments ISO in UTC, numbers plain decimals, booleans true or false. Codes: text_has_nul,
    text_too_long, required_missing, number_invalid, number_out_of_range, integer_invalid, date_invalid,
    date_out_of_range, boolean_invalid, email_invalid, choice_unknown, currency_unknown.
    """
    raw = frame[column]
    texts = _tidied(raw, shape)
    read = _PARSERS[shape.kind](texts, shape, evidence)
    has_nul = raw.str.contains("\0", literal=True).fill_null(value=False)
    checked = read.with_columns(nul=has_nul).select(value=pl.col("value"), error=_checked(shape))
    values = checked.select(pl.when(pl.col("error").is_null()).then(pl.col("value")).alias(column)).to_series()
    return values, checked["error"]


def _checked(shape: FieldShape) -> pl.Expr:
    error = pl.when(pl.col("nul")).then(pl.lit("text_has_nul")).otherwise(pl.col("error"))
    if shape.max_length:
        is_long = pl.col("value").str.len_chars() > shape.max_length
        error = pl.when(error.is_null() & is_long).then(pl.lit("text_too_long")).otherwise(error)
    if shape.places is not None:
        is_fine = pl.col("value").str.contains(rf"\.\d{{{shape.places}}}\d*[1-9]").fill_null(value=False)
        error = pl.when(error.is_null() & is_fine).then(pl.lit("number_too_fine")).otherwise(error)
    if shape.low is not None or shape.high is not None:
        number = pl.col("value").cast(pl.Float64, strict=False)
        is_out = (number < float(shape.low) if shape.low is not None else pl.lit(False)) | (
            number > float(shape.high) if shape.high is not None else pl.lit(False)
        )
        error = pl.when(error.is_null() & is_out.fill_null(value=False)).then(pl.lit("number_out_of_range")).otherwise(error)
    if shape.required:
        is_missing = error.is_null() & pl.col("value").is_null()
        error = pl.when(is_missing).then(pl.lit("required_missing")).otherwise(error)
    return error


def _folded(texts: pl.Series) -> pl.Series:
    """Fold full-width forms; skipped where all is ASCII, which is most columns and saves most of the time."""
    is_ascii = texts.str.len_bytes().sum() == texts.str.len_chars().sum()
    return texts if is_ascii else texts.str.normalize("NFKC")


def _tidied(raw: pl.Series, shape: FieldShape) -> pl.Series:
    texts = _folded(raw) if shape.kind in _FOLDED else raw
    if texts.str.contains(_CONTROLS).any():
        is_long = shape.kind is Kind.LONG_TEXT
        texts = texts if is_long else texts.str.replace_all(r"[\t\r\n]+", " ")
        texts = texts.str.replace_all(_CONTROLS_BUT_LINES if is_long else _CONTROLS, "")
    texts = texts.str.strip_chars()
    gone = ("", *(() if shape.kind in _TEXTS else _NOTHING))
    return texts.to_frame("text").select(pl.when(~pl.col("text").is_in(gone)).then(pl.col("text"))).to_series()


def _plain(texts: pl.Series, error: pl.Expr | None = None) -> pl.DataFrame:
    value = pl.col("value")
    code = error if error is not None else pl.lit(None, dtype=pl.String)
    return texts.rename("value").to_frame().select(value=value, error=code.cast(pl.String))


def _as_text(texts: pl.Series, _shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    return _plain(texts)


def _as_number(texts: pl.Series, shape: FieldShape, evidence: ColumnEvidence) -> pl.DataFrame:
    is_rate = shape.kind is Kind.RATE
    return by_unique(texts, partial(decimals, decimal_comma=evidence.decimal_comma, is_rate=is_rate))


def _as_integer(texts: pl.Series, _shape: FieldShape, evidence: ColumnEvidence) -> pl.DataFrame:
    return by_unique(texts, partial(integers, decimal_comma=evidence.decimal_comma))


def _as_date(texts: pl.Series, _shape: FieldShape, evidence: ColumnEvidence) -> pl.DataFrame:
    read = by_unique(texts, partial(moments, day_first=evidence.day_first))
    return read.select(value=pl.col("day").dt.to_string("%Y-%m-%d"), error="error")


def _as_datetime(texts: pl.Series, _shape: FieldShape, evidence: ColumnEvidence) -> pl.DataFrame:
    read = by_unique(texts, partial(moments, day_first=evidence.day_first))
    return read.select(value=pl.col("moment").dt.to_string("%Y-%m-%dT%H:%M:%S%.f+00:00"), error="error")


def _as_boolean(texts: pl.Series, _shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    words = {**dict.fromkeys(_TRUE, "true"), **dict.fromkeys(_FALSE, "false")}
    return _mapped(texts.str.to_lowercase(), words, "boolean_invalid")


def _as_choice(texts: pl.Series, shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    return _mapped(texts.str.to_lowercase().str.replace_all(r"\s+", " "), _choice_words(shape), "choice_unknown")


def _choice_words(shape: FieldShape) -> dict[str, str]:
    words = {choice_key(word): value for word, value in shape.choices.items()}
    return {**{choice_key(value): value for value in shape.choices.values()}, **words}


def _as_choices(texts: pl.Series, shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    """Several words apart by commas and the like, as their codes in order; one that is unknown refuses the cell."""
    return by_unique(texts, partial(_several, words=_choice_words(shape)))


def _several(texts: pl.Series, words: Mapping[str, str]) -> pl.DataFrame:
    values: list[str | None] = []
    errors: list[str | None] = []
    for text in texts.to_list():
        parts = [choice_key(part) for part in re.split(r"[,，;；、|/]", text or "") if part.strip()]
        is_known = all(part in words for part in parts)
        values.append(",".join(sorted({words[part] for part in parts})) if parts and is_known else None)
        errors.append(None if is_known else "choice_unknown")
    return pl.DataFrame({"value": values, "error": errors}, schema={"value": pl.String, "error": pl.String})


def choice_key(word: str) -> str:
    """Fold a word as the cells of a choice column are folded (lower case, single spaces)."""
    return re.sub(r"\s+", " ", word.strip().lower())


def _as_currency(texts: pl.Series, _shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    return _mapped(texts.str.to_uppercase(), {**{code: code for code in CODES}, **NAMES}, "currency_unknown")


def _mapped(texts: pl.Series, words: Mapping[str, str], code: str) -> pl.DataFrame:
    value = pl.col("text").replace_strict(words, default=None, return_dtype=pl.String)
    read = texts.rename("text").to_frame().with_columns(value=value)
    is_unknown = pl.col("text").is_not_null() & pl.col("value").is_null()
    return read.select(value="value", error=pl.when(is_unknown).then(pl.lit(code)))


def _as_email(texts: pl.Series, _shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    plain = texts.str.replace(r"(?i)^mailto:\s*", "").str.to_lowercase()
    return _plain(plain, pl.when(~pl.col("value").str.contains(_EMAIL)).then(pl.lit("email_invalid")))


def _as_phone(texts: pl.Series, _shape: FieldShape, _evidence: ColumnEvidence) -> pl.DataFrame:
    return _plain(phone_numbers(texts))


_PARSERS: Mapping[Kind, Callable[[pl.Series, FieldShape, ColumnEvidence], pl.DataFrame]] = {
    Kind.TEXT: _as_text,
    Kind.LONG_TEXT: _as_text,
    Kind.CODE: _as_text,
    Kind.INTEGER: _as_integer,
    Kind.DECIMAL: _as_number,
    Kind.RATE: _as_number,
    Kind.DATE: _as_date,
    Kind.DATETIME: _as_datetime,
    Kind.BOOLEAN: _as_boolean,
    Kind.PHONE: _as_phone,
    Kind.EMAIL: _as_email,
    Kind.CHOICE: _as_choice,
    Kind.CURRENCY: _as_currency,
    Kind.CHOICES: _as_choices,
}
