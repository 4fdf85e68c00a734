"""What a file is, from its bytes and not from its name: packing, kind, encoding, delimiter."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from zhike.kernel.errors import Refused
from zhike.kernel.imports.encodings import survey_text
from zhike.kernel.imports.limits import DEFAULT_LIMITS, Limits
from zhike.kernel.imports.streams import GZIP_MAGIC, head, text_chunks

DELIMITERS = (",", "\t", ";", "|")
WRAPPERS = frozenset({"data", "items", "list", "records", "result", "results", "rows", "value"})
_SAMPLE_CHARACTERS = 128 * 1024
_NO_TABLE = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x7fELF", "program"),
    (b"MZ\x90", "program"),
    (GZIP_MAGIC, "gzip_in_gzip"),
)
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|table|head|meta|body|style)", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0"


class FileKind(StrEnum):
    """The shapes of table files that can be read; `XLS` is the old binary workbook."""

    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """The answer of `sniff`; encoding and delimiter are empty where the kind has none, `lines` is 0 when unknown."""

    kind: FileKind
    encoding: str = ""
    delimiter: str = ""
    lines: int = 0
    has_nul: bool = False
    has_only_cr: bool = False
    head_text: str = ""
    warnings: tuple[str, ...] = ()


def sniff(path: Path, *, limits: Limits = DEFAULT_LIMITS, encoding: str | None = None, delimiter: str | None = None) -> Sniffed:
    """Tell what the file is; raises `empty_file`, `not_a_table`, `file_encrypted`, `encoding_*`, `zip_bomb`."""
    start = head(path, limits)
    if not start.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise Refused("empty_file")
    kind = _kind_by_magic(path, start)
    if kind is not None:
        return Sniffed(kind=kind)
    return _sniff_text(path, start, limits=limits, encoding=encoding, delimiter=delimiter)


def _kind_by_magic(path: Path, start: bytes) -> FileKind | None:
    for magic, what in _NO_TABLE:
        if start.startswith(magic):
            raise Refused("not_a_table", found=what)
    if start.startswith(b"PAR1"):
        return FileKind.PARQUET
    if start.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in start:
            raise Refused("file_encrypted")
        return FileKind.XLS
    if start.startswith(b"PK\x03\x04"):
        # Packed once more by gzip, the inner directory is looked at when the copy is opened.
        if not zipfile.is_zipfile(path) or _is_workbook(path):
            return FileKind.XLSX
        raise Refused("not_a_table", found="zip")
    return None


def _is_workbook(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.startswith("xl/") for name in archive.namelist())


def _sniff_text(path: Path, start: bytes, *, limits: Limits, encoding: str | None, delimiter: str | None) -> Sniffed:
    survey = survey_text(path, start, limits, encoding)
    text = next((chunk for chunk in text_chunks(path, limits, survey.encoding) if chunk), "")[:_SAMPLE_CHARACTERS]
    if not text.strip():
        raise Refused("empty_file")
    if _MARKUP.match(text):
        raise Refused("not_a_table", found="markup")
    if _is_binary(text):
        raise Refused("not_a_table", found="binary")
    kind = _json_kind(text) or FileKind.CSV
    return Sniffed(
        kind=kind,
        encoding=survey.encoding,
        delimiter=_chosen_delimiter(text, delimiter) if kind is FileKind.CSV else "",
        lines=survey.lines,
        has_nul=survey.has_nul,
        has_only_cr=survey.has_only_cr,
        head_text=text.replace("\r", "\n") if survey.has_only_cr else text,
        warnings=survey.warnings,
    )


def _is_binary(text: str) -> bool:
    controls = sum(1 for character in text[:4096] if ord(character) < 32 and character not in "\t\r\n\f")
    return controls > min(len(text), 4096) * 0.05


def _json_kind(text: str) -> FileKind | None:
    start = text.lstrip()
    if re.match(r"\[\s*(?:\{|\]\s*$)", start):
        return FileKind.JSON
    if not re.match(r'\{\s*(?:"|\})', start):
        return None
    first, _, rest = start.partition("\n")
    try:
        value = json.loads(first)
    except ValueError:
        return FileKind.JSONL if len(start) == len(first) or rest.lstrip().startswith("{") else FileKind.JSON
    is_wrapper = not rest.strip() and any(isinstance(value.get(name), list) for name in WRAPPERS)
    return FileKind.JSON if is_wrapper else FileKind.JSONL


def _chosen_delimiter(text: str, wanted: str | None) -> str:
    found = find_delimiter(text)
    if wanted is None or wanted == found:
        return found
    if _score(text, wanted)[0] == 0 < _score(text, found)[0]:
        raise Refused("wrong_delimiter", given=wanted, found=found)
    return wanted


def find_delimiter(text: str) -> str:
    """Return the delimiter that splits the sample into most equal rows, quotes respected; a comma when none does."""
    told = re.match(r"sep=(.)\r?\n", text)
    if told:
        return told.group(1)
    return max(DELIMITERS, key=lambda candidate: (*_score(text, candidate), -DELIMITERS.index(candidate)))


def _score(text: str, delimiter: str) -> tuple[float, int]:
    """Return (share of rows of the usual width, that width); (0, 1) when the delimiter splits nothing.

    The share counts half when the first row has another width, which tells decimal commas from delimiters.
    """
    sample = text if len(text) < _SAMPLE_CHARACTERS else text[: text.rfind("\n") + 1]
    try:
        rows = csv.reader(io.StringIO(sample.replace("\0", ""), newline=""), delimiter=delimiter)
        found = [len(row) for row in rows if row]
    except csv.Error:
        return (0.0, 1)
    widths = Counter(found)
    if not widths:
        return (0.0, 1)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width == 1:
        return (0.0, 1)
    share = round(count / widths.total(), 1)
    return (share if found[0] == width else share / 2, width)
