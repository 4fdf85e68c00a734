"""Which field a file column is meant for, from its heading first and its cells second."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zhike.kernel.imports.headers import LONGEST_NAME
from zhike.kernel.imports.values import FieldShape, Kind, column_evidence, parse_column
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

ACCEPTED = 0.55
_BY_CONTENT = 0.56
_BRACKETS = re.compile(r"[(\[{<【「《〔][^)\]}>】」》〕]*[)\]}>】」》〕]")
_NOT_LETTERS = re.compile(r"[\W_]+")
_CJK = re.compile(r"[\u3400-\u9fff]")
_ID_LIKE = r"^[^\s]*\d[^\s]*$"
_MOBILE = r"^\+861[3-9]\d{9}$"
_CHECKED = frozenset(Kind) - {Kind.TEXT, Kind.LONG_TEXT, Kind.CODE, Kind.PHONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessable:
    """A field that a file can fill: its API name, the headings people give it (best first), its shape, its weight."""

    field: str
    names: tuple[str, ...]
    shape: FieldShape
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A proposal: this file column fills this field, with a confidence from 0 to 1 and what told it."""

    column: str
    field: str
    confidence: float
    reason: Literal["name", "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    rank: float
    column_place: int
    target_place: int
    guess: Guess


def header_key(name: str, fold: Callable[[str], str] = str) -> str:
    """Reduce a heading to its letters: width, case, spaces, punctuation and bracketed units gone, then `fold`ed."""
    plain = unicodedata.normalize("NFKC", name[:LONGEST_NAME]).lower()
    bare = _NOT_LETTERS.sub("", _BRACKETS.sub("", plain)) or _NOT_LETTERS.sub("", plain)
    return fold(bare)


def guess_mapping(
    columns: Sequence[str], sample: pl.DataFrame, targets: Sequence[Guessable], *, fold: Callable[[str], str] = str
) -> tuple[Guess, ...]:
    """Propose at most one field a column and one column a field, in the order of the columns.

    `fold` makes traditional and simplified spellings equal. Headings decide; cells that do not fit the field refuse it,
    and cells of an unmistakable kind (mail, mobile phone, the only date) speak where the heading says nothing.
    """
    candidates = sorted(_candidates(columns, sample, targets, fold), key=lambda one: (-one.rank, one.column_place, one.target_place))
    by_column: dict[str, Guess] = {}
    taken: set[str] = set()
    for candidate in candidates:
        guess = candidate.guess
        if guess.column not in by_column and guess.field not in taken:
            by_column[guess.column] = guess
            taken.add(guess.field)
    rest = [name for name in columns if name not in by_column]
    for guess in _by_content(rest, sample, targets, taken):
        by_column[guess.column] = guess
    return tuple(by_column[name] for name in columns if name in by_column)


def _candidates(
    columns: Sequence[str], sample: pl.DataFrame, targets: Sequence[Guessable], fold: Callable[[str], str]
) -> Iterator[_Candidate]:
    keys = [[header_key(name, fold) for name in target.names] for target in targets]
    for column_place, column in enumerate(columns):
        key = header_key(column, fold)
        for target_place, target in enumerate(targets):
            named = max((_likeness(key, name) - 0.002 * place for place, name in enumerate(keys[target_place])), default=0)
            if named < ACCEPTED:
                continue
            score = named * _fit(column, sample, target.shape)
            if score >= ACCEPTED:
                guess = Guess(column=column, field=target.field, confidence=round(min(score, 1.0), 2), reason="name")
                yield _Candidate(rank=score * target.weight, column_place=column_place, target_place=target_place, guess=guess)


def _likeness(key: str, name: str) -> float:
    """Return 1 for equal headings, less where one holds the other; the end of a Chinese heading is its noun."""
    if not key or not name:
        return 0.0
    if key == name:
        return 1.0
    short, long = sorted((key, name), key=len)
    if len(short) < (2 if _CJK.search(short) else 4) or short not in long:
        return 0.0
    at_end = 0.1 if long.endswith(short) else 0.0
    return 0.4 + at_end + 0.4 * len(short) / len(long)


def _fit(column: str, sample: pl.DataFrame, shape: FieldShape) -> float:
    """Return how well the sample's cells suit the shape, from 0.3 to 1; 0.95 when there is nothing to judge by."""
    cells = sample[column].drop_nulls() if column in sample.columns else pl.Series([], dtype=pl.String)
    if not cells.len():
        return 0.95
    frame = cells.to_frame(column)
    if shape.kind is Kind.CODE:
        return 0.8 + 0.2 * _share(cells.str.contains(_ID_LIKE))
    if shape.kind is Kind.PHONE:
        return 0.3 + 0.7 * _share(cells.str.contains(r"\d{5,}|\d[\d\s-]{6,}"))
    if shape.kind not in _CHECKED:
        is_number = _share(cells.str.contains(r"^[-+]?\d+(?:\.\d+)?$"))
        return 1.0 - 0.2 * is_number
    evidence = column_evidence(frame)[column]
    _, errors = parse_column(frame, column, FieldShape(kind=shape.kind, choices=shape.choices), evidence)
    good = _share(errors.is_null())
    # A few bad cells are the very rows the report is for; a column that is mostly bad is another thing.
    return 1.0 if good >= 0.8 else 0.3 + 0.7 * good


def _share(hits: pl.Series) -> float:
    return float(hits.sum()) / hits.len()


def _by_content(columns: Sequence[str], sample: pl.DataFrame, targets: Sequence[Guessable], taken: set[str]) -> Iterator[Guess]:
    left = list(columns)
    for kinds in ((Kind.EMAIL,), (Kind.PHONE,), (Kind.DATE, Kind.DATETIME)):
        wanted = [target for target in targets if target.shape.kind in kinds]
        if any(target.field in taken for target in wanted):
            continue
        found = [name for name in left if wanted and _is_surely(name, sample, wanted[0].shape)]
        if not found or (kinds[0] is Kind.DATE and (len(found) > 1 or len(wanted) > 1)):
            continue
        left.remove(found[0])
        yield Guess(column=found[0], field=wanted[0].field, confidence=_BY_CONTENT, reason="content")


def _is_surely(column: str, sample: pl.DataFrame, shape: FieldShape) -> bool:
    cells = sample[column].drop_nulls() if column in sample.columns else pl.Series([], dtype=pl.String)
    if cells.len() < 2:
        return False
    frame = cells.to_frame(column)
    values, errors = parse_column(frame, column, FieldShape(kind=shape.kind), column_evidence(frame)[column])
    if shape.kind is Kind.PHONE:
        return _share(values.str.contains(_MOBILE).fill_null(value=False)) >= 0.8
    # Digits alone may be sheet serials or any other number: no date from them.
    is_date = shape.kind in (Kind.DATE, Kind.DATETIME)
    if is_date and _share(cells.str.contains(r"^\d+(?:\.\d+)?$")) > 0.2:
        return False
    return _share(errors.is_null()) >= 0.9
