"""Fuzzy keys of names: two spellings of one company, or of one person, get one key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from zhike.kernel.text.folding import fold, fold_key
from zhike.kernel.text.regions import CITIES, PROVINCES

Kind = Literal["company", "person"]

# Longest first: a suffix must not be cut out of a longer one.
_SUFFIXES = (
    "股份有限责任公司", "有限责任公司", "股份有限公司", "集团有限公司", "控股有限公司", "集团股份公司", "有限公司",
    "股份公司",
    "有限合伙", "合伙企业", "分公司", "总公司", "子公司", "办事处", "集团", "公司", "股份", "有限", "控股",
    "coltd", "company", "limited", "corporation", "corp", "inc", "llc", "gmbh", "plc", "ltd", "co",
)  # fmt: skip
_BRACKETS = re.compile(r"[(\[<{《〈「『][^)\]>}》〉」』]*[)\]>}》〉」』]")
_LATIN_SUFFIXES = frozenset(suffix for suffix in _SUFFIXES if suffix.isascii())
# A region before one of these is the name itself: 上海银行 and 北京银行 are two.
_GENERIC = frozenset(
    {
        "银行",
        "大学",
        "医院",
        "饭店",
        "宾馆",
        "地铁",
        "电网",
        "电力",
        "机场",
        "港口",
        "燃气",
        "烟草",
        "石油",
        "移动",
        "电信",
        "联通",
    }
)
_SHORTEST = 2


def name_key(name: str, kind: Kind) -> str:
    """The key under which spellings of one name meet; empty only for a name without any letter or digit."""
    return company_key(name) if kind == "company" else person_key(name)


def name_keys(names: Iterable[str], kinds: Iterable[Kind]) -> list[str]:
    """`name_key` of many names."""
    return [name_key(name, kind) for name, kind in zip(names, kinds, strict=True)]


def person_key(name: str) -> str:
    """A person's name folded, without spaces and dots (买买提·吐尔逊 and 买买提吐尔逊 are one)."""
    return fold_key(name)


@lru_cache(maxsize=65536)
def company_key(name: str) -> str:
    """A company's name folded, without legal suffix, brackets and region; never shorter than two characters for it."""
    folded = fold(name)
    whole = fold_key(folded)
    outside = fold_key(_BRACKETS.sub("", folded)) if "(" in folded or "[" in folded or "《" in folded else whole
    key = outside if len(outside) >= _SHORTEST else whole
    if folded.isascii():
        return _without_latin_suffixes(folded) or whole
    key = _without_suffixes(key)
    return _without_region(key) or whole


def _without_latin_suffixes(folded: str) -> str:
    words = re.findall(r"[a-z0-9]+", _BRACKETS.sub(" ", folded))
    while len(words) > 1 and words[-1] in _LATIN_SUFFIXES:
        words.pop()
    return "".join(words)


def _without_suffixes(key: str) -> str:
    while True:
        for suffix in _SUFFIXES:
            rest = key.removesuffix(suffix)
            if rest != key and len(rest) >= _SHORTEST and rest not in _SUFFIXES:
                key = rest
                if suffix in ("分公司", "办事处"):
                    key = _without_branch_place(key)
                break
        else:
            return key


def _without_branch_place(key: str) -> str:
    """恒砺机电有限公司上海 (of …上海分公司) becomes 恒砺机电有限公司."""
    for legal in ("有限公司", "有限责任公司", "股份公司", "集团"):
        head, found, tail = key.rpartition(legal)
        if found and head and len(tail) <= 8:
            return head + legal
    return key


def _without_region(key: str) -> str:
    rest = key
    for _ in range(3):
        cut = _cut_region(rest)
        if cut == rest or len(cut) < _SHORTEST or cut in _GENERIC:
            break
        rest = cut
    return rest


def _cut_region(key: str) -> str:
    for length in (8, 7, 6, 5, 4, 3, 2):
        if key[:length] in PROVINCES or key[:length] in CITIES:
            rest = key[length:]
            return rest[1:] if rest[:1] in ("省", "市", "县", "区") and len(rest) > _SHORTEST else rest
    return key
