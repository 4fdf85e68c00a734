"""Folding: one spelling for everything a person would call the same text."""

from __future__ import annotations

import unicodedata
from functools import cache

import opencc

_FIRST_HAN, _LAST_HAN = 0x3400, 0x9FFF
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_FULL_WIDTH_OFFSET = 0xFEE0
_SPACES = (*range(0x09, 0x0E), 0x85, 0xA0, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x3000)
_INVISIBLE = (0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF)
_LATIN = range(0x00C0, 0x0250)
# Dots and dashes of minority names and codes come in many shapes and mean the same.
_SAME = {
    "•": "·",
    "‧": "·",
    "・": "·",
    "․": "·",
    "—": "-",
    "–": "-",
    "―": "-",
    "‐": "-",
    "−": "-",
    "【": "[",
    "】": "]",
}


@cache
def _table() -> dict[int, str | None]:
    """The one translation table: traditional to simplified, full to half width, accents and case dropped."""
    table: dict[int, str | None] = {}
    table.update(_traditional())
    table.update({code: chr(code - _FULL_WIDTH_OFFSET).lower() for code in _FULL_WIDTH})
    for code in _LATIN:
        base = unicodedata.normalize("NFKD", chr(code))[0]
        if base.isascii():
            table[code] = base.lower()
    table.update({code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
    table.update(dict.fromkeys(_SPACES, " "))
    table.update({ord(one): other for one, other in _SAME.items()})
    table.update(dict.fromkeys(code for code in range(0x20) if code not in table))
    table.update(dict.fromkeys(_INVISIBLE))
    return table


def _traditional() -> dict[int, str]:
    """Every traditional character with its simplified form, one by one (a phrase would change with its neighbours)."""
    characters = [chr(code) for code in range(_FIRST_HAN, _LAST_HAN + 1)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, simplified, strict=True)
    # 著 and 乾 stand for themselves in simplified names (乾坤, 名著); folding both sides alike keeps them findable.
    return {ord(one): other for one, other in pairs if one != other and len(other) == 1}


def fold(text: str) -> str:
    """The folded text: simplified, half width, lower case, no accents, single spaces, nothing invisible."""
    folded = text.translate(_table())
    return " ".join(folded.split()) if " " in folded else folded


def fold_key(text: str) -> str:
    """The folded text with letters and digits only: what two spellings of one name have in common."""
    folded = text.translate(_table())
    return folded if folded.isalnum() else "".join(filter(str.isalnum, folded))


def simplify(text: str) -> str:
    """The text in simplified characters, everything else as it was (for names shown, not for keys)."""
    return text.translate(_simplify_table())


@cache
def _simplify_table() -> dict[int, str]:
    return _traditional()
