"""Reading what a request brings: its body within bounds, parameters that are known, the version it expects."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from ..errors import Refused

LARGEST = 2 * 1024 * 1024  # bytes of a JSON body
LARGEST_UPLOAD = 26 * 1024 * 1024  # of a form with one file of 25 MB
VERSION = re.compile(r'(?:W/)?"(\d{1,9})"')  # a proxy or our own compression makes a tag weak


def raw_body(request: HttpRequest, limit: int = LARGEST) -> bytes:
    """The body, never more than the limit in memory. Raises Refused("too_large")."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise Refused("too_large", limit=f"{limit >> 20} MB")
    kept: bytes | None = getattr(request, "_body", None)
    found: bytes = request.read(limit + 1) if kept is None else kept
    if len(found) > limit:
        raise Refused("too_large", limit=f"{limit >> 20} MB")
    request._body = found
    return found


def json_object(request: HttpRequest, *media_types: str) -> dict[str, Any]:
    """The body as one JSON object; numbers with a fraction come as decimals.

    Raises Refused: wrong_media_type, too_large, bad_json, not_an_object.
    """
    wanted = ("application/json", *media_types)
    if (request.content_type or "").lower() not in wanted:
        raise Refused("wrong_media_type", wanted=" / ".join(wanted))
    try:
        found = json.loads(
            raw_body(request).decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_no_doubles
        )
    except (ValueError, RecursionError) as wrong:
        raise Refused("bad_json") from wrong
    if not isinstance(found, dict):
        raise Refused("not_an_object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def parameters(request: HttpRequest, known: Sequence[str], *, with_filters: bool = False) -> dict[str, str]:
    """The parameters of the address, each once. Raises Refused: unknown_parameter, parameter_value.

    With filters, names with a dot (`city.in`) are left to the list to judge.
    """
    found: dict[str, str] = {}
    for name, values in request.GET.lists():
        if name not in known and not (with_filters and "." in name):
            raise Refused("unknown_parameter", name=name[:100])
        is_empty_filter = name not in known and not values[0].strip(" ,")
        if len(values) != 1 or "\x00" in values[0] or is_empty_filter:
            raise Refused("parameter_value", name=name[:100], value=",".join(values)[:100])
        found[name] = values[0]
    return found


def whole_number(params: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """A parameter from 1 to a limit. Raises Refused("parameter_value")."""
    text = params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= most:
        raise Refused("parameter_value", name=name, value=text[:100])
    return int(text)


def expected_version(request: HttpRequest, *, is_needed: bool = True) -> int | None:
    """The version in If-Match; None for `*`, or for none where none is needed.

    Raises Refused: if_match_missing, if_match_invalid.
    """
    given = request.headers.get("If-Match")
    if given is None and is_needed:
        raise Refused("if_match_missing")
    if given is None or given.strip() == "*":
        return None
    text = given.strip()
    found = VERSION.fullmatch(text)
    if found is None:
        raise Refused("if_match_invalid")
    return int(found[1])
