"""Telephone numbers as people in China type them, brought to E.164; what was typed is never lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from zhike.kernel.text.folding import fold

PhoneKind = Literal["mobile", "landline", "service", "foreign", "unknown"]

_NOISE = str.maketrans("", "", " -.()/_·\t")
_EXTENSION = re.compile(r"\s*(?:ext\.?|extension|x|转分机|转|分机|#|\*)\s*(\d{1,6})\s*$")
_DASHED_EXTENSION = re.compile(r"^(.*\d{7,8})\s*-\s*(\d{1,6})$")
_MOBILE = re.compile(r"^1[3-9]\d{9}$")
_LANDLINE = re.compile(r"^0(10|2\d|[3-9]\d{2})([2-9]\d{6,7})$")
_SERVICE = re.compile(r"^([48]00\d{7}|95\d{3,6}|96\d{3,4}|1[0-2]\d|1[0-2]\d{3})$")
_SHORTEST_KNOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One number: `e164` (with +) or "" where no such form exists, its kind, extension, and what was typed."""

    raw: str
    kind: PhoneKind
    e164: str = ""
    extension: str = ""

    @property
    def stored(self) -> str:
        """What the column `phone` holds: E.164 when there is one, otherwise the text as typed."""
        return self.e164 or self.raw.strip()


def parse_phone(text: str, region: str = "CN") -> Phone:
    """The number in `text`; never raises: what cannot be read is kept as typed with kind "unknown"."""
    folded = fold(text)
    domestic, extension = _split_extension(folded)
    digits = _domestic(domestic)
    found = _chinese(digits) if region == "CN" else None
    if found:
        kind, e164 = found
        return Phone(raw=text, kind=kind, e164=e164, extension=extension)
    return _foreign(text, domestic, extension, region)


def normalise(text: str) -> str:
    """The text to store for a number: E.164, or as typed (stripped) when it is none."""
    # Nearly all numbers in bulk are plain mobiles: no pattern, no folding for them.
    if len(text) == 11 and text.isascii() and text.isdigit() and text[0] == "1" and text[1] >= "3":
        return "+86" + text
    return parse_phone(text).stored


def digits(text: str) -> str:
    """The digits of a number as dialled in China: no +86, landlines with their leading 0, others as they are."""
    if text.startswith("+861") and len(text) == 14:
        return text[3:]
    only = "".join([one for one in text if "0" <= one <= "9"])
    if not text.startswith(("+86", "0086")):
        return only
    rest = only[4:] if text.startswith("0086") else only[2:]
    is_whole = rest.startswith("0") or (len(rest) == 11 and rest[0] == "1") or (len(rest) == 10 and rest.startswith(("400", "800")))
    return rest if is_whole else "0" + rest


def last4(text: str) -> str:
    """The last four digits, or "" when there are fewer."""
    only = digits(text)
    return only[-4:] if len(only) >= 4 else ""


def _split_extension(folded: str) -> tuple[str, str]:
    match = _EXTENSION.search(folded)
    if match:
        return folded[: match.start()], match.group(1)
    dashed = _DASHED_EXTENSION.match(folded)
    if dashed and _LANDLINE.match(_domestic(dashed.group(1))):
        return dashed.group(1), dashed.group(2)
    return folded, ""


def _domestic(folded: str) -> str:
    plain = folded.translate(_NOISE)
    for prefix in ("+86", "0086"):
        if plain.startswith(prefix):
            return _with_zero(plain[len(prefix) :])
    if plain.startswith("86") and len(plain) == 13 and _MOBILE.match(plain[2:]):
        return plain[2:]
    return plain


def _with_zero(national: str) -> str:
    # Behind the country code a landline has lost its 0; 10 (Beijing) would otherwise look like a short mobile.
    if _MOBILE.match(national) or _SERVICE.match(national) or national.startswith("0"):
        return national
    return "0" + national


def _chinese(plain: str) -> tuple[PhoneKind, str] | None:
    if _MOBILE.match(plain):
        return "mobile", "+86" + plain
    if _LANDLINE.match(plain):
        return "landline", "+86" + plain[1:]
    if _SERVICE.match(plain):
        # Short service numbers cannot be dialled from abroad and so have no E.164 form.
        return "service", "+86" + plain if len(plain) == 10 else ""
    return None


def _foreign(text: str, number: str, extension: str, region: str) -> Phone:
    plain = number.translate(_NOISE)
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    if len(plain) < _SHORTEST_KNOWN or not (plain.startswith("+") or region != "CN"):
        return Phone(raw=text, kind="unknown", extension="")
    try:
        parsed = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        return Phone(raw=text, kind="unknown")
    if not phonenumbers.is_valid_number(parsed):
        return Phone(raw=text, kind="unknown")
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Phone(raw=text, kind="foreign", e164=e164, extension=extension)
