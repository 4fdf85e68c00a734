"""Parts of the OpenAPI document that all object types share: problems, headers, the token."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from .problems import MEDIA_TYPE, TITLES
from .schemas import EXAMPLE_ID, UUID

Node = dict[str, Any]
EXAMPLES = {
    "400": "bad_json", "401": "token_invalid", "403": "not_permitted", "404": "gone", "405": "method_not_allowed", "409": "taken",
    "412": "changed_meanwhile", "413": "too_large", "415": "wrong_media_type", "422": "invalid_value", "428": "if_match_missing",
    "429": "too_many_requests", "500": "failed", "503": "unavailable",
}  # fmt: skip


def base_components() -> Node:
    """Schemas, responses, headers and the way to log in."""
    return {
        "schemas": {"Problem": _problem(), "File": _file()},
        "responses": {f"Problem{status}": _response(int(status), code) for status, code in EXAMPLES.items()},
        "headers": {
            "ETag": {"description": _("版本，改和删时放进 If-Match"), "schema": {"type": "string"}},
            "RateLimit-Limit": {"description": _("一分钟最多几次"), "schema": {"type": "integer"}},
            "RateLimit-Remaining": {"description": _("这一分钟还能几次"), "schema": {"type": "integer"}},
            "RateLimit-Reset": {"description": _("几秒后重新数"), "schema": {"type": "integer"}},
        },
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _("在“设置”的“接口令牌”里新建")}},
    }


def _problem() -> Node:
    error: Node = {
        "type": "object", "required": ["field", "code", "detail"], "additionalProperties": False,
        "properties": {"field": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}},
    }  # fmt: skip
    return {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
        "additionalProperties": False,
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string", "description": _("不会变，程序按它判断")},
            "errors": {"type": "array", "items": error},
            "version": {"type": "integer", "description": _("412 时：现在的版本")},
            "request_id": {"type": "string"},
        },
    }


def _response(status: int, code: str) -> Node:
    example = {
        "type": f"/api/#{code}", "title": str(TITLES[status]), "status": status, "detail": str(TITLES[status]), "code": code, "errors": [],
        "request_id": "5f0c2a7e9b1d4c3f",
    }  # fmt: skip
    schema: Node = {"$ref": "#/components/schemas/Problem"}
    return {"description": str(TITLES[status]), "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


def _file() -> Node:
    text: Node = {"type": "string"}
    properties: Node = {
        "id": UUID, "name": text, "media_type": text, "size": {"type": "integer"}, "sha256": text, "added_at": {"type": "string", "format": "date-time"},
        "added_by": {"type": ["integer", "null"]}, "url": text,
    }  # fmt: skip
    example = {"id": EXAMPLE_ID, "name": "报价.pdf", "media_type": "application/pdf", "size": 48211, "sha256": "9f2c…", "added_at": "2026-03-05T02:30:00Z",
               "added_by": 7, "url": f"/api/v1/customers/{EXAMPLE_ID}/files/{EXAMPLE_ID}"}  # fmt: skip
    return {"type": "object", "required": list(properties), "additionalProperties": False, "properties": properties, "example": example}


def json_body(schema: Node, example: Any = None, *, etag: bool = False) -> Node:
    """A body of JSON; as an answer it gets its description later."""
    content: Node = {"schema": schema} | ({} if example is None else {"example": example})
    found: Node = {"content": {"application/json": content}}
    if etag:
        found["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
    return found


def answers(good: Node, *problems: str) -> Node:
    """All answers of an operation: the good ones, its problems, and those that every operation has."""
    limits = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")}
    found: Node = {}
    for status, body in good.items():
        told = {"description": body.get("description") or _("好了"), **body}
        found[status] = told | {"headers": {**body.get("headers", {}), **limits}}
    for status in ("401", *problems, "429", "500", "503"):
        found[status] = {"$ref": f"#/components/responses/Problem{status}"}
    return found
