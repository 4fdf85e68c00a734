"""The page /api/: what the interface offers the reader, with examples to copy, made from the same document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from ..screens.web import actor_in, screen
from ..screens.words import WORDS
from .documented import document_for
from .problems import STATUS

METHODS = ("get", "post", "patch", "delete")
API_CODES = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as the page shows it."""

    key: str
    method: str
    path: str
    summary: str
    parameters: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    fields: list[tuple[str, str, str, bool]]
    curl: str
    answer: str
    statuses: list[tuple[str, str]]


@never_cache
@screen
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """What the reader's own token could do, by object type."""
    told = document_for(actor_in(request), "")
    base = f"{request.scheme}://{request.get_host()}"
    groups = [(tag["name"], tag["description"], list(_operations(told, tag["name"], base))) for tag in told["tags"]]
    return render(
        request, "kernel/links/api.html", {"about": told["info"]["description"], "groups": groups, "codes": _codes(), "base": base}
    )


@never_cache
@screen
@require_GET
def document(request: HttpRequest) -> JsonResponse:
    """The document itself, for a reader who is logged in."""
    return JsonResponse(document_for(actor_in(request), ""), json_dumps_params={"ensure_ascii": False, "indent": 1})


def _operations(told: dict[str, Any], tag: str, base: str) -> Iterator[Operation]:
    for path, item in told["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation and tag in operation.get("tags", ()):
                yield _operation(told, path, method, operation, base)


def _operation(told: dict[str, Any], path: str, method: str, operation: dict[str, Any], base: str) -> Operation:
    given = operation.get("parameters", [])
    body = operation.get("requestBody", {}).get("content", {})
    sent = body.get("application/json", {})
    return Operation(
        key=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        parameters=[item for item in given if "." not in item["name"]],
        filters=[item for item in given if "." in item["name"]],
        fields=_fields(told, sent.get("schema", {})),
        curl=_curl(method, base + _filled(path), operation, sent.get("example")),
        answer=_answer(operation),
        statuses=[(status, _said(told, answer)) for status, answer in operation["responses"].items()],
    )


def _filled(path: str) -> str:
    return path.replace("{id}", "$ID").replace("{file}", "$FILE")


def _curl(method: str, url: str, operation: dict[str, Any], example: Any) -> str:
    lines = [f'curl "{url}"', '-H "Authorization: Bearer $TOKEN"']
    if method != "get":
        lines[0] = f'curl -X {method.upper()} "{url}"'
    headers = {item["name"]: item for item in operation.get("parameters", ()) if item["in"] == "header"}
    if headers.get("If-Match", {}).get("required"):
        lines.append("-H 'If-Match: \"3\"'")
    if "Idempotency-Key" in headers:
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if example is not None:
        lines += ['-H "Content-Type: application/json"', f"-d '{json.dumps(example, ensure_ascii=False)}'"]
    elif "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        lines.append("-F file=@报价.pdf")
    return " \\\n  ".join(lines)


def _answer(operation: dict[str, Any]) -> str:
    for status in ("200", "201"):
        example = operation["responses"].get(status, {}).get("content", {}).get("application/json", {}).get("example")
        if example is not None:
            return json.dumps(example, ensure_ascii=False, indent=2)
    return ""


def _said(told: dict[str, Any], answer: dict[str, Any]) -> str:
    name = answer.get("$ref", "").rpartition("/")[2]
    found = told["components"]["responses"][name] if name else answer
    return str(found["description"])


def _fields(told: dict[str, Any], schema: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Name, words, kind and whether it is needed, of what is sent."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found = told["components"]["schemas"][name] if name else schema
    needed = set(found.get("required", ()))
    return [(key, str(item.get("description", "")), _kind(item), key in needed) for key, item in found.get("properties", {}).items()]


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(code) for code in schema["enum"] if code != "")
    if "anyOf" in schema:
        return _kind(schema["anyOf"][0])
    kind = schema.get("type", "any")
    named = schema.get("format") or ("decimal" if "pattern" in schema and "[0-9]" in schema["pattern"] else "")
    return named or (kind if isinstance(kind, str) else kind[0])


def _codes() -> list[tuple[str, int, str]]:
    """Stable codes with status and words: those of the interface, then all others."""
    return [
        (code, STATUS.get(code, API_CODES), str(words))
        for code, words in sorted(WORDS.items(), key=lambda item: (STATUS.get(item[0], 999), item[0]))
    ]
