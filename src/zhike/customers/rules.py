"""What follows from a customer's own facts: search and sort keys, normal forms of numbers."""

from __future__ import annotations

from typing import Any

from zhike.kernel.errors import Refused
from zhike.kernel.text.identifiers import is_credit_code
from zhike.kernel.text.names import name_key
from zhike.kernel.text.phones import normalise
from zhike.kernel.text.pinyin import sort_key

from .models import Kind


def prepare_customer(values: dict[str, Any]) -> dict[str, Any]:
    """Customer values as stored. Refused("invalid_value") for a credit code whose check character is wrong."""
    if "name" in values:
        name = " ".join(str(values["name"]).split())
        if not name:
            raise Refused("invalid_value", field="name", why="blank")
        is_person = values.get("kind") == Kind.PERSON
        values["name"] = name
        values["name_key"] = name_key(name, "person" if is_person else "company")[:200]
        values["sort_key"] = sort_key(name, is_person=is_person)[:200]
    if "phone" in values:
        values["phone_raw"] = str(values["phone"] or "")[:60]
        values["phone"] = normalise(values["phone_raw"])
    if values.get("credit_code"):
        values["credit_code"] = str(values["credit_code"]).strip().upper()
        if not is_credit_code(values["credit_code"]):
            raise Refused("invalid_value", field="credit_code", why="check_character")
    if "code" in values:
        values["code"] = str(values["code"] or "").strip() or None
    return values


def prepare_contact(values: dict[str, Any]) -> dict[str, Any]:
    """Contact values as stored."""
    if "phone" in values:
        values["phone"] = normalise(str(values["phone"] or ""))
    return values
