"""Bytes of a file as they are needed: unpacked under guard, and turned to UTF-8."""

from __future__ import annotations

import codecs
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from zhike.kernel.errors import Refused
from zhike.kernel.imports.limits import Limits

CHUNK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


def is_gzip(path: Path) -> bool:
    """True when the first two bytes say gzip, whatever the name says."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def read_chunks(path: Path, limits: Limits, size: int = CHUNK) -> Iterator[bytes]:
    """Yield the file's bytes, unpacked if gzipped; raises `zip_bomb` or `file_unreadable` (bad or cut gzip)."""
    packed = path.stat().st_size
    unpacked = 0
    try:
        with gzip.open(path, "rb") if is_gzip(path) else path.open("rb") as file:
            while chunk := file.read(size):
                unpacked += len(chunk)
                if limits.is_bomb(packed, unpacked):
                    raise Refused("zip_bomb", packed=packed, unpacked=unpacked)
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refused("file_unreadable", why="gzip", after_bytes=unpacked) from error


def unpacked_copy(path: Path, limits: Limits) -> Path:
    """Unpack a gzipped file into a temporary one that the caller removes; raises as `read_chunks`."""
    with tempfile.NamedTemporaryFile(prefix="zhike-import-", delete=False) as target:
        copy = Path(target.name)
        try:
            for chunk in read_chunks(path, limits):
                target.write(chunk)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
    return copy


def head(path: Path, limits: Limits, size: int = 256 * 1024) -> bytes:
    """Return up to the first `size` unpacked bytes; raises as `read_chunks`."""
    for chunk in read_chunks(path, limits, size):
        return chunk
    return b""


def text_chunks(path: Path, limits: Limits, encoding: str) -> Iterator[str]:
    """Yield the decoded text without its mark; raises UnicodeDecodeError except for a character cut at the end."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    is_first = True
    for chunk in read_chunks(path, limits):
        text = decoder.decode(chunk)
        if is_first and text:
            text, is_first = text.removeprefix("\ufeff"), False
        yield text
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # A file cut inside a character: the row it belongs to is shown as broken, the rows before it are good.
        yield "\ufffd"


def utf8_chunks(path: Path, limits: Limits, encoding: str) -> Iterator[bytes]:
    """Yield the file as UTF-8 bytes without a mark; raises `encoding_broken` when the file changed since the survey."""
    try:
        for text in text_chunks(path, limits, encoding):
            yield text.encode()
    except UnicodeError as error:
        raise Refused("encoding_broken", encoding=encoding) from error


def remove_copy(path: Path) -> None:
    """Remove a temporary copy, if it is still there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
