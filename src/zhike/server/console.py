"""Words and progress for people at a terminal; results for machines."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from unicodedata import east_asian_width

_LANGUAGE_VARIABLES = ("ZHIKE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def is_chinese(env: Mapping[str, str] = os.environ) -> bool:
    """True when the first language variable that is set names Chinese."""
    return next((env[name] for name in _LANGUAGE_VARIABLES if env.get(name)), "").lower().startswith("zh")


def words(*, zh: str, en: str) -> str:
    """The text in the terminal's language."""
    return zh if is_chinese() else en


def say(*, zh: str, en: str) -> None:
    """Write one line for people to standard error, so that results on standard output stay clean."""
    print(words(zh=zh, en=en), file=sys.stderr, flush=True)


def show(*, zh: str, en: str) -> None:
    """Write one line of the answer to standard output."""
    print(words(zh=zh, en=en), flush=True)


def show_json(value: object) -> None:
    """Write one JSON document to standard output; dates and decimals become strings."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str), flush=True)


def show_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a plain table; Chinese characters count as two columns."""
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip(), flush=True)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


@dataclass(slots=True, kw_only=True)
class Progress:
    """A line that grows on a terminal; silent when standard error is a file or a pipe."""

    zh: str
    en: str
    total: int | None = None
    _last: float = field(default=0.0)

    def at(self, done: int) -> None:
        """Show how many are done; at most ten times a second."""
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self._last < 0.1 and done != self.total):
            return
        self._last = now
        share = f" {done / self.total:6.1%}" if self.total else ""
        count = f"{done:,}/{self.total:,}" if self.total else f"{done:,}"
        print(f"\r{words(zh=self.zh, en=self.en)} {count}{share}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Close the line."""
        if sys.stderr.isatty() and self._last:
            print(file=sys.stderr, flush=True)
