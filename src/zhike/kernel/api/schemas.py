"""JSON schemas and examples of what the interface reads and writes, from the shapes of an object type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..links.inputs import Input
from ..links.shapes import Shape

Schema = dict[str, Any]
UUID: Schema = {"type": "string", "format": "uuid"}
DECIMAL = r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$"
EXAMPLE_ID = "0199e0a2-7c1e-7b3a-9c54-2f6b8a1d0e77"
EXAMPLES: dict[str, Any] = {
    "id": EXAMPLE_ID,
    "text": "",
    "integer": 1,
    "decimal": "12500.0000",
    "boolean": True,
    "date": "2026-03-05",
    "time": "2026-03-05T02:30:00Z",
    "link": {"id": EXAMPLE_ID, "name": "常州精工机械有限公司"},
    "person": {"id": 7, "name": "林悦"},
    "team": {"id": 3, "name": "上海组"},
    "texts": ["老客户", "展会"],
    "choices": [],
    "json": {},
}
TEXTS = {
    "name": "常州精工机械有限公司", "code": "C-1024", "number": "SO-20260305-001", "phone": "+8613812345678", "email": "wang@example.com",
    "city": "无锡", "province": "江苏", "title": "采购", "currency": "CNY", "kind": "call", "body": "要一份减速机的报价", "street": "工业园区 8 号",
}  # fmt: skip


def read_schema(shape: Shape) -> Schema:
    """A field as it is read."""
    known: dict[str, Schema] = {
        "id": UUID,
        "integer": {"type": "integer"},
        "decimal": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
        "boolean": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "time": {"type": "string", "format": "date-time"},
        "link": _linked(UUID),
        "person": _linked({"type": "integer"}),
        "team": _linked({"type": "integer"}),
        "choices": {"type": "array", "items": {}},
        "json": {},
        "choice": {"type": _choice_type(shape)},
    }
    return _described(shape, _nullable(known.get(shape.kind, {"type": "string"}), is_nullable=shape.is_nullable))


def _linked(pk: Schema) -> Schema:
    name: Schema = {"type": ["string", "null"]}
    return {"type": "object", "required": ["id", "name"], "properties": {"id": pk, "name": name}, "additionalProperties": False}


def _choice_type(shape: Shape) -> str:
    return "integer" if shape.field.choices and all(isinstance(code, int) for code, _label in shape.field.choices) else "string"


def _described(shape: Shape, schema: Schema) -> Schema:
    words = str(shape.field.label)
    if shape.kind in ("choice", "choices"):
        words += "：" + "，".join(f"{code} {label}" for code, label in shape.field.choices if code not in ("", None))
    return schema | {"description": words, "readOnly": True} if not shape.is_writable else schema | {"description": words}


def _nullable(schema: Schema, *, is_nullable: bool) -> Schema:
    if not is_nullable or not schema:
        return dict(schema)
    kind = schema.get("type")
    if kind == "object" or "enum" in schema or "anyOf" in schema:
        return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}
    return schema | {"type": [kind, "null"]}


def write_schema(shape: Shape, *, is_new: bool) -> Schema:
    """A field as it is written."""
    longest = shape.field.max_length or (200 if shape.field.is_custom and shape.field.kind == "text" else 10_000)
    text: Schema = {"type": "string", "maxLength": longest}
    must = shape.is_required
    known: dict[str, Schema] = {
        "text": text | ({"pattern": r"\S"} if must else {}),
        "integer": {"type": "integer", "minimum": -(2**31) + 1, "maximum": 2**31 - 1},
        "decimal": {"anyOf": [{"type": "string", "pattern": DECIMAL}, {"type": "integer", "minimum": -(10**13), "maximum": 10**13}]},
        "boolean": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "time": {"type": "string", "format": "date-time"},
        "link": {"anyOf": [UUID, {"type": "object", "required": ["id"], "properties": {"id": UUID}}]},
        "person": {"anyOf": [_small(), {"type": "object", "required": ["id"], "properties": {"id": _small()}}]},
        "team": {"anyOf": [_small(), {"type": "object", "required": ["id"], "properties": {"id": _small()}}]},
        "choice": _choice_schema(shape),
        "choices": {"type": "array", "items": _choice_schema(shape), "maxItems": 1000},
        "id": UUID,
    }
    del is_new
    may_be_null = (shape.is_nullable or shape.kind in ("text", "choice")) and not must
    return _nullable(known.get(shape.kind, {}), is_nullable=may_be_null) | {"description": str(shape.field.label)}


def _small() -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}


def _choice_schema(shape: Shape) -> Schema:
    codes = [code for code, _label in shape.field.choices if code is not None]
    blank = [""] if "" not in codes and not shape.is_required else []
    return {"enum": [*codes, *blank]}


def record_schema(shapes: Sequence[Shape]) -> Schema:
    """A record as it is read; with `fields=` only id, version and what was asked for."""
    properties = {shape.name: read_schema(shape) for shape in shapes}
    properties["labels"] = {"type": "object", "additionalProperties": {"type": "string"}}
    return {"type": "object", "required": ["id", "version"], "properties": properties, "additionalProperties": False}


def given_schema(shapes: Sequence[Shape], *, is_new: bool) -> Schema:
    """A record as it is written: only what may be, and what is required of a new one."""
    properties = {shape.name: write_schema(shape, is_new=is_new) for shape in shapes if shape.is_writable}
    required = [shape.name for shape in shapes if shape.is_writable and shape.is_required] if is_new else []
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def inputs_schema(inputs: Sequence[Input]) -> Schema:
    """The inputs of an action."""
    known: dict[str, Schema] = {
        "text": {"type": "string", "maxLength": 10_000},
        "decimal": {"anyOf": [{"type": "string", "pattern": DECIMAL}, {"type": "integer", "minimum": -(10**13), "maximum": 10**13}]},
        "integer": {"type": "integer", "minimum": -(2**31) + 1, "maximum": 2**31 - 1},
        "boolean": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "time": {"type": "string", "format": "date-time"},
        "id": UUID,
        "texts": {"type": "array", "items": {"type": "string"}, "maxItems": 1000},
    }
    properties = {item.name: _nullable(known[item.kind], is_nullable=item.is_nullable and not item.is_required) for item in inputs}
    required = [item.name for item in inputs if item.is_required]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def record_example(shapes: Sequence[Shape]) -> dict[str, Any]:
    """A record as an answer shows it."""
    return {shape.name: _example(shape) for shape in shapes if shape.name != "labels"}


def _example(shape: Shape) -> Any:
    if shape.name == "version":
        return 3
    if shape.kind == "choice":
        return next((code for code, _label in shape.field.choices if code not in ("", None)), "")
    return TEXTS.get(shape.name, "") if shape.kind == "text" else EXAMPLES[shape.kind]


def given_example(shapes: Sequence[Shape], most: int = 4) -> dict[str, Any]:
    """What a program sends: what is required first."""
    able = sorted((shape for shape in shapes if shape.is_writable and shape.kind != "json"), key=lambda shape: not shape.is_required)
    found = {}
    for shape in able[:most]:
        value = _example(shape)
        found[shape.name] = value["id"] if isinstance(value, dict) and "id" in value else value
    return found


def inputs_example(inputs: Sequence[Input]) -> dict[str, Any]:
    """What a program sends to an action."""
    return {item.name: TEXTS.get(item.name, "") if item.kind == "text" else EXAMPLES[item.kind] for item in inputs if item.is_required}
