"""What went wrong, as RFC 9457 says it: application/problem+json with a stable code and words in the caller's language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from ..errors import Refused
from ..links.values import Wrong
from ..screens.words import add_words, in_words
from ..spec import Words
from ..tracing import request_id

MEDIA_TYPE = "application/problem+json"
TITLES: dict[int, Words] = {
    400: _("请求读不懂"),
    401: _("没有登录"),
    403: _("没有权限"),
    404: _("没有找到"),
    405: _("这个地址不能这样用"),
    409: _("和现有的冲突"),
    412: _("已经被改过"),
    413: _("太大"),
    415: _("内容类型不对"),
    422: _("内容不对"),
    428: _("缺少 If-Match"),
    429: _("请求太密"),
    500: _("服务器出错"),
    503: _("暂时不能用"),
}
STATUS = {
    "bad_json": 400,
    "bad_form": 400,
    "token_missing": 401,
    "token_invalid": 401,
    "not_permitted": 403,
    "field_not_permitted": 403,
    "gone": 404,
    "no_such_address": 404,
    "method_not_allowed": 405,
    "taken": 409,
    "still_needed": 409,
    "key_in_use": 409,
    "changed_meanwhile": 412,
    "too_large": 413,
    "file_too_large": 413,
    "wrong_media_type": 415,
    "if_match_missing": 428,
    "too_many_requests": 429,
    "failed": 500,
    "unavailable": 503,
}
add_words(
    {
        "bad_json": _("正文不是能读的 JSON"),
        "bad_form": _("正文不是能读的表单"),
        "token_missing": _("请求头里没有 Authorization: Bearer 令牌"),
        "token_invalid": _("令牌不对，或者已经停用、过期"),
        "no_such_address": _("没有这个地址"),
        "method_not_allowed": _("这个地址只接受 %(allowed)s"),
        "key_in_use": _("同一个 Idempotency-Key 的请求还在处理，等一下再试"),
        "key_used": _("这个 Idempotency-Key 已经用在另一个请求上"),
        "bad_key": _("Idempotency-Key 要是 1 到 200 个可见的 ASCII 字符"),
        "too_large": _("正文超过 %(limit)s"),
        "wrong_media_type": _("请用 %(wanted)s"),
        "if_match_missing": _("改和删要带 If-Match，写上读到的版本，如 If-Match: \"3\""),
        "if_match_invalid": _("If-Match 要写成 \"3\" 这样"),
        "too_many_requests": _("一分钟最多 %(limit)s 次，过一会儿再试"),
        "unavailable": _("数据库暂时连不上，过几秒再试"),
        "failed": _("出了错，已经记下来。报修时请说 request_id"),
        "invalid": _("有几项不对：%(fields)s"),
        "unknown_field": _("没有这一项：%(field)s"),
        "read_only_field": _("%(field)s 不能改"),
        "link_unknown": _("%(field)s 指的那条没有，或者你看不到"),
        "unknown_parameter": _("没有这个参数：%(name)s"),
        "parameter_value": _("参数 %(name)s 的值不对：%(value)s"),
        "not_creatable": _("%(object)s 不能这样新建"),
        "not_an_object": _("正文要是一个 JSON 对象"),
        "key_ambiguous": _("按 %(field)s 找到不止一条"),
        "key_missing": _("这一行没有 %(field)s"),
        "key_twice": _("%(field)s 在这批里出现过"),
        "too_many_rows": _("一次最多 %(limit)s 行"),
    }
)  # fmt: skip


def status_of(refusal: Refused) -> int:
    """The HTTP status of a refusal; what is not told apart by name is 422."""
    return STATUS.get(refusal.code, 422)


def problem(refusal: Refused) -> HttpResponse:
    """The answer to a refusal."""
    status = status_of(refusal)
    body = problem_body(refusal, status) | {"request_id": request_id()}
    response = HttpResponse(json.dumps(body, ensure_ascii=False, default=str), status=status, content_type=MEDIA_TYPE)
    response._has_been_logged = status < 500  # type: ignore[attr-defined]  # a refusal is an answer, not a fault to warn of
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if refusal.code == "changed_meanwhile" and "version" in refusal.facts:
        response["ETag"] = f'"{refusal.facts["version"]}"'
    if refusal.code == "method_not_allowed":
        response["Allow"] = str(refusal.facts["allowed"])
    if "seconds" in refusal.facts:
        response["Retry-After"] = str(refusal.facts["seconds"])
    return response


def problem_body(refusal: Refused, status: int) -> dict[str, Any]:
    """The members of a problem but the request's id."""
    body: dict[str, Any] = {
        "type": f"/api/#{refusal.code}",
        "title": str(TITLES.get(status, "")),
        "status": status,
        "detail": in_words(refusal),
        "code": refusal.code,
        "errors": [_error(name, inner) for name, inner in _inner(refusal).items()],
    }
    if refusal.code == "changed_meanwhile" and "version" in refusal.facts:
        body["version"] = refusal.facts["version"]
    return body


def _inner(refusal: Refused) -> Mapping[str, Refused]:
    if isinstance(refusal, Wrong):
        return refusal.errors
    field = refusal.facts.get("field")
    return {str(field): refusal} if field else {}


def _error(name: str, refusal: Refused) -> dict[str, str]:
    return {"field": name, "code": refusal.code, "detail": in_words(refusal)}
