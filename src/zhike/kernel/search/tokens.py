"""Search tokens: the text of a `tsvector` for a record, and the `tsquery` for what a person typed.

Lexemes carry a letter for their kind, so that kinds never meet:
b张广 two neighbouring characters, b胜 the last one (so the prefix b胜 finds a character anywhere);
pzhangguang pinyin from each syllable on; igs initials from each on; w a Latin word from each letter on;
n a code or number; r the digits of a phone backwards (so its last four or more are a prefix).
A lexeme of its own for each record costs most in the index: hence one a phone, and none for a phone's first digits.
All characters of a lexeme are letters or digits, so nothing needs quoting and nothing can break out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from zhike.kernel.text.folding import fold, fold_key
from zhike.kernel.text.phones import digits
from zhike.kernel.text.pinyin import Syllables, readings

NAME_LENGTH = 80
_PINYIN_SYLLABLES = 6
_INITIALS = 8
_WORD_LENGTH = 24
_PHONE_TAIL = 4
_LONG_NUMBER = 8
# One lexeme stands for all bigrams of the suffix nearly every company has; queries for its parts name it too.
_SUFFIX = "有限公司"
_SUFFIX_PARTS = frozenset({"有限", "限公", "公司", "有", "限", "公", "司"})
_RUNS = re.compile(r"[a-z0-9]+|[^\x00-\x7f]+")
_JOINED_CODE = re.compile(r"(?<=[a-z0-9])[-_/.#](?=[a-z0-9])")
_TYPED_PHONE = re.compile(r"^\+?[0-9][0-9 ()-]{5,}$")
_LONGEST_QUERY = 100
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParts:
    """What can be found of one record: its names (of people or not), codes and phones as stored."""

    names: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A typed text as `tsquery` text ("" finds nothing), with the runs of characters a hit must really hold.

    Only three or more neighbouring characters need the second look: their bigrams could stand apart in a name.
    """

    tsquery: str
    substrings: tuple[str, ...] = ()

    def keeps(self, *names: str) -> bool:
        """Whether a hit with these names (as stored) stands the second look."""
        if not self.substrings:
            return True
        keys = [fold_key(name) for name in names]
        return all(any(part in key for key in keys) for part in self.substrings)

    @property
    def like(self) -> tuple[str, ...]:
        """The second look as LIKE patterns, for a column that holds `fold_key(name)`."""
        return tuple(f"%{part}%" for part in self.substrings)


def tokens(parts: SearchParts) -> str:
    """The text of the `tsvector` of one record; cast it with ::tsvector."""
    found = [_name_lexemes(name, False) for name in parts.names if name]
    found += [_name_lexemes(name, True) for name in parts.people if name]
    found += [_code_lexemes(code) for code in parts.codes if code]
    found += [_phone_lexemes(phone) for phone in parts.phones if phone]
    return " ".join(filter(None, found))


def documents(
    names: Sequence[str],
    codes: Sequence[str | None],
    phones: Sequence[str | None],
    are_people: Sequence[bool] | None = None,
) -> list[str]:
    """`tokens` of many records with one name, code and phone each; ValueError if the lists differ in length."""
    marks: Iterable[bool] = are_people if are_people is not None else [False] * len(names)
    return [
        f"{_name_lexemes(name, mark)} {_code_lexemes(code) if code else ''} {_phone_lexemes(phone) if phone else ''}"
        for name, code, phone, mark in zip(names, codes, phones, marks, strict=True)
    ]


# Names of people repeat a lot in any big table, so a cache beats every faster loop.
@lru_cache(maxsize=131072)
def _name_lexemes(name: str, is_person: bool) -> str:
    key = fold_key(name[:NAME_LENGTH])
    if not key:
        return ""
    if not key.encode("ascii", "ignore"):
        return " ".join(_han_lexemes(key, is_person))
    found: list[str] = []
    for run in _runs(name[:NAME_LENGTH]):
        found += _word_lexemes(run) if run.isascii() else _han_lexemes(run, is_person and not found)
    return " ".join(found)


def _runs(text: str) -> list[str]:
    """Latin words and stretches of other characters; a space or dot between two Chinese characters divides nothing."""
    pieces: list[str] = []
    for part in re.split(r"[^\w]|_", fold(text)):
        for run in _RUNS.findall("".join(filter(str.isalnum, part))):
            if pieces and not (run.isascii() or pieces[-1].isascii()):
                pieces[-1] += run
            else:
                pieces.append(run)
    return pieces


def _han_lexemes(key: str, is_person: bool) -> list[str]:
    has_suffix = len(key) > 4 and key.endswith(_SUFFIX)
    body = key[:-4] if has_suffix else key
    after = key[1 : len(body) + 1]
    found = ["b" + one + two for one, two in zip(body, after, strict=False)]
    found.append("b" + (_SUFFIX if has_suffix else key[-1]))
    for reading in readings(body, is_person=is_person):
        found += _sound_lexemes(reading)
    return found


def _sound_lexemes(reading: Syllables) -> list[str]:
    count = len(reading)
    letters = "".join([part[0] for part in reading])
    if count <= 3:
        # The usual name: written out, because this line runs a million times in an import.
        whole = "p" + "".join(reading)
        found = [whole, "p" + whole[1 + len(reading[0]) :], "p" + reading[-1]] if count > 1 else [whole]
        return [*found, "i" + letters, "i" + letters[1:]] if count == 3 else [*found, "i" + letters]
    found = ["p" + "".join(reading[start : start + _PINYIN_SYLLABLES]) for start in range(count)]
    found += ["i" + letters[start : start + _INITIALS] for start in range(count - 1)]
    return found


def _word_lexemes(word: str) -> list[str]:
    short = word[:_WORD_LENGTH]
    return ["w" + short[start:] for start in range(max(1, len(short) - 1))]


def _code_lexemes(code: str) -> str:
    if code.isascii() and code.isalnum():
        key = code.lower()
        tail = key.lstrip("abcdefghijklmnopqrstuvwxyz")
        # XS20240001 is also looked for as 20240001; short running numbers (KH0123) are not worth a second lexeme.
        return f"n{key} n{tail}" if _LONG_NUMBER <= len(tail) < len(key) else "n" + key
    folded = fold(code)
    pieces = [piece for piece in (fold_key(part) for part in re.split(r"[^\w]|_", folded)) if piece]
    starts = ["".join(pieces[start:]) for start in range(len(pieces))]
    found = ["n" + start for start in starts[:4]]
    # A code may hold a name (曾惠-14485): its characters are found like a name's.
    return " ".join(found if folded.isascii() else [*found, _name_lexemes(code, False)])


def _phone_lexemes(phone: str) -> str:
    number = digits(phone)
    return "r" + number[::-1] if number else ""


def query(text: str) -> SearchQuery:
    """What to look for when a person typed `text`: all of its words, each a name, pinyin, initials, code or phone."""
    folded = fold(text[:_LONGEST_QUERY])
    if _TYPED_PHONE.match(folded):
        return SearchQuery(tsquery=_number_query(digits(folded.replace(" ", ""))))
    words = [run for word in _JOINED_CODE.sub("", folded).split() for run in _runs(word)][:_MOST_WORDS]
    clauses = [_clause(word) for word in words]
    long = tuple(word for word in words if not word.isascii() and len(word) > 2)
    return SearchQuery(tsquery=" & ".join(clauses), substrings=long)


def _clause(word: str) -> str:
    if not word.isascii():
        return _han_query(word)
    if word.isdigit():
        return _number_query(word)
    return _latin_query(word)


def _han_query(word: str) -> str:
    if len(word) == 1:
        return _one_of(f"'b{word}':*", word)
    pairs = dict.fromkeys(word[place : place + 2] for place in range(len(word) - 1))
    return " & ".join(_one_of(f"'b{pair}'", pair) for pair in pairs)


def _one_of(clause: str, part: str) -> str:
    return f"({clause} | 'b{_SUFFIX}')" if part in _SUFFIX_PARTS else clause


def _number_query(number: str) -> str:
    clauses = [f"'n{number}':*", f"'w{number}':*"]
    if len(number) >= _PHONE_TAIL:
        clauses.append(f"'r{number[::-1]}':*")
    return f"({' | '.join(clauses)})"


def _latin_query(word: str) -> str:
    clauses = [f"'n{word}':*", f"'w{word[:_WORD_LENGTH]}':*"]
    if word.isalpha():
        clauses += [f"'p{_first_syllables(word)}':*", f"'i{word[:_INITIALS]}':*"]
    return f"({' | '.join(clauses)})"


def _first_syllables(word: str) -> str:
    """The part of typed pinyin that surely lies within the syllables one lexeme holds."""
    # Typed letters divide in several ways (xian, xi an): the nearest end of six syllables is safe for all of them.
    ends = {0}
    for _ in range(_PINYIN_SYLLABLES):
        ends = {end + size for end in ends for size in range(1, 7) if word[end : end + size] in _syllable_set()}
        ends = {end for end in ends if end <= len(word)}
    return word[: min(ends)] if ends else word


@lru_cache(maxsize=1)
def _syllable_set() -> frozenset[str]:
    return frozenset(part[0] for part in (readings(chr(code))[0] for code in range(0x4E00, 0x9FA6)) if part and part[0].isascii())
