"""Texts that leave the product: cells that no spreadsheet runs, names of files that stay names."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

# Full-width signs count too: spreadsheets set to Chinese or Japanese read them as the plain ones.
_FORMULA = re.compile(r"[\s\x00-\x20]*[=+\-@＝＋－＠]|[\t\r\n]")
_HARMLESS = re.compile(r"[+-]?[\d.,]*%?|\+[\d\s()-]+")
_LONGEST = 200


def safe_cell(text: str | None) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers and phones with a sign stay as they are."""
    if not text:
        return ""
    if _FORMULA.match(text) and not _HARMLESS.fullmatch(text):
        return "'" + text
    return text


def file_name(text: str) -> str:
    """The last part of a path without what cannot be seen, at most 200 characters with its ending kept; "file" for nothing."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    name = PurePath(seen.replace("\\", "/")).name.strip(" .")
    if len(name) > _LONGEST:
        ending = PurePath(name).suffix[:20]
        name = name[: _LONGEST - len(ending)] + ending
    return name if name.strip(".") else "file"
