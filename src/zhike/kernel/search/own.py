"""Words of a company's own fields that are marked as searchable, beside those of the record's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..customfields.catalogue import catalogue
from ..customfields.kinds import arranged
from ..fielddefs import FieldDef
from ..text.folding import fold_key
from .tokens import NAME_LENGTH, SearchParts, tokens

LONGEST = 2_000  # characters of one value that can be found


def searchable(label: str, version: int = 0) -> tuple[FieldDef, ...]:
    """Own fields of an object type whose texts are found; `version` is that of the catalogue where the reader knows it."""
    return tuple(own for own in catalogue(version).of(label) if arranged(own).is_searchable)


def own_words(texts: Iterable[str]) -> tuple[str, str]:
    """Lexemes of some texts, and their folded form for the second look; both begin with what sets them apart from names."""
    parts: list[str] = []
    keys: list[str] = []
    for text in texts:
        short = text[:LONGEST]
        keys.append(fold_key(short))
        for sentence in re.split(r"[，。；！？、,.;!?\n]+", short):
            parts += [sentence[start : start + NAME_LENGTH] for start in range(0, len(sentence), NAME_LENGTH - 1)]
    found = tokens(SearchParts(names=tuple(part for part in parts if part.strip())))
    return (f" {found}" if found else ""), "".join(f"\n{key}" for key in keys if key)


def texts_of(custom: Mapping[str, object], fields: Iterable[FieldDef]) -> list[str]:
    """The texts of these fields in what a record holds."""
    return [str(value) for own in fields if (value := custom.get(own.key)) not in (None, "")]
