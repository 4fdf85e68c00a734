"""Numbers of companies and people with check characters: whether they are well formed, and why not."""

from __future__ import annotations

from datetime import date
from typing import Literal

from zhike.kernel.text.folding import fold

Fault = Literal["", "length_wrong", "character_wrong", "check_wrong", "date_wrong"]

# GB 32100-2015: no I, O, S, V, Z; weight of place i is 3**(i-1) mod 31.
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
# GB 11643-1999: weight of place i is 2**(18-i) mod 11.
_ID_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_ID_CHECKS = "10X98765432"
_CREDIT_VALUES = {character: value for value, character in enumerate(CREDIT_ALPHABET)}


def clean(text: str) -> str:
    """The identifier as it is stored: half width, upper case, no spaces or dashes."""
    return fold(text).replace(" ", "").replace("-", "").upper()


def credit_code(first17: str) -> str:
    """The whole 统一社会信用代码 from its first 17 characters (GB 32100-2015); KeyError for a character it lacks."""
    total = sum(_CREDIT_VALUES[one] * weight for one, weight in zip(first17, CREDIT_WEIGHTS, strict=True))
    return first17 + CREDIT_ALPHABET[-total % 31]


def credit_code_fault(text: str) -> Fault:
    """Why `text` is no company number, "" if it is one: 18 characters (GB 32100), or the old 15 digits (GS 15-2006)."""
    code = clean(text)
    if len(code) == 15:
        return registration_number_fault(code)
    if len(code) != 18:
        return "length_wrong"
    if any(one not in _CREDIT_VALUES for one in code) or not code[2:8].isdigit():
        return "character_wrong"
    return "" if credit_code(code[:17]) == code else "check_wrong"


def registration_number_fault(text: str) -> Fault:
    """Why `text` is no 15-digit registration number, "" if it is one (check digit by ISO 7064 MOD 11,10)."""
    code = clean(text)
    if len(code) != 15:
        return "length_wrong"
    if not (code.isascii() and code.isdigit()):
        return "character_wrong"
    product = 10
    for digit in code[:14]:
        product = (int(digit) + product) % 10 or 10
        product = product * 2 % 11
    return "" if (int(code[14]) + product) % 10 == 1 else "check_wrong"


def id_number_fault(text: str) -> Fault:
    """Why `text` is no 居民身份证 number, "" if it is one: 18 characters with a real birth date (GB 11643-1999)."""
    number = clean(text)
    if len(number) != 18:
        return "length_wrong"
    if not (number.isascii() and number[:17].isdigit() and (number[17].isdigit() or number[17] == "X")):
        return "character_wrong"
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "date_wrong"
    return "" if _id_check(number[:17]) == number[17] else "check_wrong"


def _id_check(first17: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first17, _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11]


def is_credit_code(text: str) -> bool:
    """Whether `text` is a well-formed company number, new or old."""
    return credit_code_fault(text) == ""


def is_id_number(text: str) -> bool:
    """Whether `text` is a well-formed identity number."""
    return id_number_fault(text) == ""
