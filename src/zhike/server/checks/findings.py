"""What a check answers, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhike.server.console import words

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict on one part, what was seen, and what to do about it."""

    check: str
    verdict: Verdict
    seen: str
    advice: str = ""


def good(check: str, seen: str) -> Finding:
    """All is well."""
    return Finding(check=check, verdict="ok", seen=seen)


def warn(check: str, seen: str, *, zh: str, en: str) -> Finding:
    """It works, but somebody should do something."""
    return Finding(check=check, verdict="warn", seen=seen, advice=words(zh=zh, en=en))


def fail(check: str, seen: str, *, zh: str, en: str) -> Finding:
    """It does not work until somebody does something."""
    return Finding(check=check, verdict="fail", seen=seen, advice=words(zh=zh, en=en))
