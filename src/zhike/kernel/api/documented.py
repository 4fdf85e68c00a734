"""The OpenAPI 3.1 document of what one caller may do: made from the same declarations that answer his requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from ..actor import Actor
from ..links.inputs import inputs_of
from ..links.shapes import Shape, shapes_for_new, shapes_of
from ..links.tokens import Caller
from ..links.upserting import keys_of
from ..lists.conditions import operators
from ..spec import Filter, ObjectSpec
from . import schemas
from .bulk import MOST as MOST_ROWS
from .components import answers, base_components, json_body
from .reading import parameters
from .records import MOST, PAGE, answer, visible_specs

Node = dict[str, Any]
IF_MATCH: Node = {
    "name": "If-Match", "in": "header", "required": True, "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,9}")$'}, "example": '"3"',
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Type:
    """One object type with what the caller may do."""

    spec: ObjectSpec
    actor: Actor
    shapes: tuple[Shape, ...]

    @property
    def slug(self) -> str:
        return self.spec.slug

    def may(self, verb: str) -> bool:
        return self.actor.may(self.spec.policy.label, verb)

    @property
    def is_creatable(self) -> bool:
        return self.may("create") and (self.spec.api_create is not None or bool(self.spec.form))

    def ref(self, suffix: str = "") -> Node:
        return {"$ref": f"#/components/schemas/{self.slug}{suffix}"}


def document(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The document for a token."""
    parameters(request, ())
    return answer(document_for(caller.actor, company=""))


def document_for(actor: Actor, company: str) -> Node:
    """The whole document: object types and fields that the actor does not see are not in it."""
    types = [_Type(spec=spec, actor=actor, shapes=shapes_of(spec)) for spec in visible_specs(actor)]
    paths: Node = {"/api/v1/": {"get": _index()}}
    components = base_components()
    for kind in types:
        paths |= _collection(kind) | _record(kind) | _parts(kind)
        components["schemas"] |= _schemas(kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": _("知客接口") + (f" {company}" if company else ""), "version": "1", "description": _about()},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": kind.slug, "description": str(kind.spec.plural)} for kind in types],
        "paths": paths,
        "components": components,
    }


def _about() -> str:
    return _(
        "读写都按令牌持有者的权限，看不到的记录和字段不会出现。金额是文字，四位小数；时间是 UTC。每分钟最多 %(limit)s 次请求。出错时答 application/problem+json，code 不会变，文字按 Accept-Language。"
    ) % {"limit": settings.ZHIKE_API_PER_MINUTE}


def _index() -> Node:
    body: Node = {
        "type": "object",
        "required": ["actor", "objects"],
        "properties": {"actor": {"type": "object"}, "objects": {"type": "array"}},
    }
    return {"operationId": "index", "summary": _("谁在用，能读什么"), "responses": answers({"200": json_body(body)}, "405", "422")}


def _schemas(kind: _Type) -> Node:
    found = {kind.slug: schemas.record_schema(kind.shapes), f"{kind.slug}_change": schemas.given_schema(kind.shapes, is_new=False)}
    if kind.is_creatable:
        found[f"{kind.slug}_new"] = _new_schema(kind)
    return found


def _new_schema(kind: _Type) -> Node:
    made_by = kind.spec.api_create
    if made_by is not None:
        return schemas.inputs_schema(inputs_of(made_by))
    return schemas.given_schema(shapes_for_new(kind.spec), is_new=True)


def _new_example(kind: _Type) -> Node:
    made_by = kind.spec.api_create
    return schemas.inputs_example(inputs_of(made_by)) if made_by is not None else schemas.given_example(shapes_for_new(kind.spec))


def _query(name: str, schema: Node, words: str = "") -> Node:
    return {"name": name, "in": "query", "required": False, "schema": schema} | ({"description": words} if words else {})


def _shown() -> list[Node]:
    return [
        _query("fields", {"type": "string"}, _("只要这几项，逗号隔开")),
        _query("labels", {"enum": ["0", "1"]}, _("1：编码旁边带上文字")),
    ]


def _filters(spec: ObjectSpec) -> list[Node]:
    return [_filter(item, op) for item in spec.filters for op in (item.ops or operators(item, may_be_empty=False))]


def _filter(item: Filter, op: str) -> Node:
    schema: Node = {"type": "string", "minLength": 1}
    if item.kind == "range" and item.build is None and item.where is None and op in ("ge", "le", "is", "not"):
        schema = {"type": "number", "exclusiveMinimum": -(10**14), "exclusiveMaximum": 10**14}
    if item.kind == "dates" and op in ("ge", "le", "is"):
        schema = {"type": "string", "format": "date"}
    words = {
        "in": _("是其中之一，逗号隔开"), "not": _("都不是"), "none": _("没有填，值写 1"), "any": _("填了，值写 1"), "ge": _("不小于"), "le": _("不大于"),
        "is": _("等于"), "between": _("在两个之间，逗号隔开"), "within": _("最近几天"), "before": _("几天以前"),
        "this": _("这个 week、month、quarter、year"), "last": _("上个 week、month、quarter、year"),
    }  # fmt: skip
    return _query(f"{item.name}.{op}", schema, f"{item.label} {words.get(op, op)}")


def _collection(kind: _Type) -> Node:
    spec, base = kind.spec, f"/api/v1/{kind.slug}"
    keys = [key for sort in spec.sorts for key in (f"-{sort.key}", sort.key)]
    page: Node = {
        "type": "object", "required": ["data", "next"], "additionalProperties": False,
        "properties": {"data": {"type": "array", "items": kind.ref()}, "next": {"type": ["string", "null"]}},
    }  # fmt: skip
    example = {"data": [schemas.record_example(kind.shapes)], "next": f"2026-03-05T02:30:00+00:00~{schemas.EXAMPLE_ID}"}
    paged = [
        _query("sort", {"enum": keys}, _("次序，减号是从大到小")),
        _query("after", {"type": "string"}, _("上一页答的 next")),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE}),
    ]
    listed: Node = {
        "operationId": f"{kind.slug}_list", "tags": [kind.slug], "summary": _("列表"), "parameters": [*paged, *_shown(), *_filters(spec)],
        "responses": answers({"200": json_body(page, example)}, "403", "404", "405", "422"),
    }  # fmt: skip
    found: Node = {base: {"get": listed}, f"{base}/count": {"get": _count(kind)}}
    if kind.is_creatable:
        found[base]["post"] = _create(kind)
    if kind.may("create") or kind.may("change"):
        found[f"{base}/bulk"] = {"post": _bulk(kind)}
    return found


def _count(kind: _Type) -> Node:
    body: Node = {
        "type": "object", "required": ["count", "is_exact", "counted_up_to"], "additionalProperties": False,
        "properties": {"count": {"type": "integer"}, "is_exact": {"type": "boolean"}, "counted_up_to": {"type": "integer"}},
    }  # fmt: skip
    return {
        "operationId": f"{kind.slug}_count", "tags": [kind.slug], "summary": _("有多少，超过上限是估计"), "parameters": _filters(kind.spec),
        "responses": answers({"200": json_body(body, {"count": 124, "is_exact": True, "counted_up_to": 10000})}, "403", "404", "405", "422"),
    }  # fmt: skip


def _key_header() -> Node:
    return {
        "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"},
        "description": _("同一个键只做一次，一天内再来答一样的"),
    }  # fmt: skip


def _create(kind: _Type) -> Node:
    shown: Node = {"anyOf": [kind.ref(), {"type": "object", "required": ["id", "version"]}]}
    return {
        "operationId": f"{kind.slug}_create", "tags": [kind.slug], "summary": _("新建"), "parameters": [_key_header(), *_shown()],
        "requestBody": {"required": True, **json_body(kind.ref("_new"), _new_example(kind))},
        "responses": answers(
            {"201": json_body(shown, schemas.record_example(kind.shapes))},
            "400", "403", "404", "405", "409", "413", "415", "422",
        ),
    }  # fmt: skip


def _bulk(kind: _Type) -> Node:
    row: Node = {"type": "object"}
    body: Node = {
        "type": "object", "required": ["rows"], "additionalProperties": False,
        "properties": {"key": {"enum": keys_of(kind.spec)}, "rows": {"type": "array", "items": row, "minItems": 1, "maxItems": MOST_ROWS}},
    }  # fmt: skip
    told: Node = {
        "type": "object", "required": ["change", "counts", "rows"], "additionalProperties": False,
        "properties": {"change": schemas.UUID, "counts": {"type": "object"}, "rows": {"type": "array", "items": {"type": "object", "required": ["row", "result"]}}},
    }  # fmt: skip
    key = keys_of(kind.spec)[-1]
    sent = {"key": key, "rows": [{key: schemas.TEXTS.get(key, schemas.EXAMPLE_ID)} | schemas.given_example(kind.shapes, 2)]}
    return {
        "operationId": f"{kind.slug}_bulk", "tags": [kind.slug], "summary": _("批量新建或修改，一次最多 1,000 行"), "parameters": [_key_header()],
        "requestBody": {"required": True, **json_body(body, sent)},
        "responses": answers({"200": json_body(told)}, "400", "403", "404", "405", "409", "413", "415", "422"),
    }  # fmt: skip


def _pk() -> Node:
    return {"name": "id", "in": "path", "required": True, "schema": schemas.UUID, "example": schemas.EXAMPLE_ID}


def _record(kind: _Type) -> Node:
    tagged: Node = {"tags": [kind.slug]}
    shown = {"200": json_body(kind.ref(), schemas.record_example(kind.shapes), etag=True)}
    found: Node = {
        "parameters": [_pk()],
        "get": tagged | {
            "operationId": f"{kind.slug}_read", "summary": _("读一条"), "parameters": _shown(),
            "responses": answers(shown, "403", "404", "405", "422"),
        },
    }  # fmt: skip
    if kind.may("change"):
        changed = shown | {"204": {"description": _("改好了，改后你看不到它")}}
        found["patch"] = tagged | {
            "operationId": f"{kind.slug}_change", "summary": _("改几项"), "parameters": [IF_MATCH, *_shown()],
            "requestBody": {"required": True, **json_body(kind.ref("_change"), schemas.given_example(kind.shapes, 2))},
            "responses": answers(changed, "400", "403", "404", "405", "409", "412", "413", "415", "422", "428"),
        }  # fmt: skip
    if kind.may("delete"):
        found["delete"] = tagged | {
            "operationId": f"{kind.slug}_delete", "summary": _("删除，能在历史里恢复"), "parameters": [IF_MATCH],
            "responses": answers({"204": {"description": _("删掉了")}}, "403", "404", "405", "409", "412", "422", "428"),
        }  # fmt: skip
    return {f"/api/v1/{kind.slug}/{{id}}": found}


def _parts(kind: _Type) -> Node:
    base = f"/api/v1/{kind.slug}/{{id}}"
    found: Node = {f"{base}/history": {"parameters": [_pk()], "get": _history(kind)}} | _files(kind, base)
    if kind.may("change"):
        for action in kind.spec.api_actions:
            inputs = inputs_of(action)
            found[f"{base}/actions/{action.name}"] = {
                "parameters": [_pk()],
                "post": {
                    "operationId": f"{kind.slug}_{action.name}", "tags": [kind.slug], "summary": str(action.label),
                    "parameters": [_key_header(), IF_MATCH | {"required": False}, *_shown()],
                    "requestBody": {"required": True, **json_body(schemas.inputs_schema(inputs), schemas.inputs_example(inputs))},
                    "responses": answers(
                        {"200": json_body(kind.ref(), schemas.record_example(kind.shapes), etag=True)},
                        "400", "403", "404", "405", "409", "412", "413", "415", "422",
                    ),
                },
            }  # fmt: skip
    return found


def _history(kind: _Type) -> Node:
    entry: Node = {
        "type": "object", "required": ["at", "verb", "before"],
        "properties": {"at": {"type": "string", "format": "date-time"}, "verb": {"enum": ["created", "changed", "deleted"]}, "before": {"type": "object"}},
    }  # fmt: skip
    body: Node = {
        "type": "object",
        "required": ["data", "next"],
        "properties": {"data": {"type": "array", "items": entry}, "next": {"type": ["string", "null"]}},
    }
    paged = [_query("after", {"type": "string"}), _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})]
    return {
        "operationId": f"{kind.slug}_history", "tags": [kind.slug], "summary": _("历史：谁、什么时候、改之前是什么"), "parameters": paged,
        "responses": answers({"200": json_body(body)}, "403", "404", "405", "422"),
    }  # fmt: skip


def _files(kind: _Type, base: str) -> Node:
    file = {"$ref": "#/components/schemas/File"}
    listed: Node = {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": file}}}
    content: Node = {"description": _("文件内容"), "content": {"*/*": {}}}
    ops: Node = {"parameters": [_pk()], "get": {
        "operationId": f"{kind.slug}_files", "tags": [kind.slug], "summary": _("附件"),
        "responses": answers({"200": json_body(listed)}, "403", "404", "405", "422"),
    }}  # fmt: skip
    one: Node = {"parameters": [_pk(), _pk() | {"name": "file"}], "get": {
        "operationId": f"{kind.slug}_file", "tags": [kind.slug], "summary": _("下载附件"), "responses": answers({"200": content}, "403", "404", "405", "422"),
    }}  # fmt: skip
    if kind.may("change"):
        form: Node = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
        ops["post"] = {
            "operationId": f"{kind.slug}_add_file", "tags": [kind.slug], "summary": _("加附件，最大 25 MB"), "parameters": [_key_header()],
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
            "responses": answers({"201": json_body(file)}, "400", "403", "404", "405", "409", "413", "415", "422"),
        }  # fmt: skip
        one["delete"] = {
            "operationId": f"{kind.slug}_delete_file", "tags": [kind.slug], "summary": _("删附件"),
            "responses": answers({"204": {"description": _("删掉了")}}, "403", "404", "405", "422"),
        }  # fmt: skip
    return {f"{base}/files": ops, f"{base}/files/{{file}}": one}
