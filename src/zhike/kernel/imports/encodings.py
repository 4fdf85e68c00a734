"""Which encoding a text file is in: strict decoding of all of it decides, the look of its bytes orders the tries."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from zhike.kernel.errors import Refused
from zhike.kernel.imports.limits import Limits
from zhike.kernel.imports.streams import read_chunks, text_chunks

EVIDENCE_BYTES = 64 * 1024
LATIN = "cp1252"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSurvey:
    """What one pass over a whole text file found; `lines` counts the last one also when it has no end."""

    encoding: str
    lines: int
    characters: int
    has_nul: bool
    has_only_cr: bool
    is_cut: bool
    warnings: tuple[str, ...]


def survey_text(path: Path, head: bytes, limits: Limits, encoding: str | None = None) -> TextSurvey:
    """Find the encoding and verify it over the whole file; raises `encoding_unknown` or `encoding_broken`."""
    if encoding is not None:
        return _verified(path, limits, _known(encoding))
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None) or _utf16_by_zeros(head)
    if marked is not None:
        return _verified(path, limits, marked)
    try:
        return _count(path, limits, "utf-8", ())
    except UnicodeDecodeError as error:
        evidence = _high_bytes(path, limits)
        if _is_mostly_utf8(evidence):
            raise Refused("encoding_broken", encoding="utf-8", byte=error.object[error.start]) from error
    return _legacy(path, limits, evidence)


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise Refused("encoding_unknown", encoding=encoding) from error
    return {"gbk": "gb18030", "gb2312": "gb18030", "utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(name, name)


def _verified(path: Path, limits: Limits, encoding: str) -> TextSurvey:
    try:
        return _count(path, limits, encoding, ())
    except UnicodeDecodeError as error:
        raise Refused("encoding_broken", encoding=encoding) from error


def _legacy(path: Path, limits: Limits, evidence: bytes) -> TextSurvey:
    names = (LATIN, "gb18030") if _looks_latin(evidence) else ("gb18030",)
    for name in names:
        try:
            return _count(path, limits, name, ("encoding_guessed",) if name == LATIN else ())
        except UnicodeDecodeError:
            continue
    raise Refused("encoding_unknown")


def _count(path: Path, limits: Limits, encoding: str, warnings: tuple[str, ...]) -> TextSurvey:
    lines = returns = characters = 0
    has_nul = False
    last = ""
    for text in text_chunks(path, limits, encoding):
        lines += text.count("\n")
        returns += text.count("\r")
        characters += len(text)
        has_nul = has_nul or "\0" in text
        last = text or last
    is_cut = last.endswith("\ufffd")
    has_only_cr = bool(returns) and not lines
    lines = (lines or returns) + (0 if last.endswith(("\n", "\r")) else 1)
    return TextSurvey(
        encoding=encoding,
        lines=lines,
        characters=characters,
        has_nul=has_nul,
        has_only_cr=has_only_cr,
        is_cut=is_cut,
        warnings=(*warnings, "file_cut_off") if is_cut else warnings,
    )


def _utf16_by_zeros(head: bytes) -> str | None:
    half = len(head) // 2
    if half < 4:
        return None
    even, odd = head[0 : half * 2 : 2].count(0), head[1 : half * 2 : 2].count(0)
    # Delimiters, digits and line ends have a zero half even in a purely Chinese table.
    if odd > half * 0.02 and even < odd * 0.1:
        return "utf-16-le"
    if even > half * 0.02 and odd < even * 0.1:
        return "utf-16-be"
    return None


def _high_bytes(path: Path, limits: Limits) -> bytes:
    """Collect the lines that hold non-ASCII bytes, up to a bound."""
    found = bytearray()
    for chunk in read_chunks(path, limits):
        if chunk.isascii():
            continue
        for line in chunk.splitlines()[1:-1] or [chunk]:
            if not line.isascii():
                found += line + b"\n"
            if len(found) > EVIDENCE_BYTES:
                return bytes(found)
    return bytes(found)


def _is_mostly_utf8(evidence: bytes) -> bool:
    """True when most multi-byte characters decode as UTF-8: then a few bytes are damaged, it is no other encoding."""
    text = evidence.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text if ord(character) > 0x7F) - bad
    return good > 0 and bad * 5 <= good


def _looks_latin(evidence: bytes) -> bool:
    """True for accented letters among ASCII ones; Chinese in GB18030 has nearly all second bytes above 0xA0."""
    low = high = position = 0
    while position < len(evidence) - 1:
        if evidence[position] < 0x80:
            position += 1
            continue
        if evidence[position + 1] >= 0xA1:
            high += 1
        else:
            low += 1
        position += 2
    return low > high
