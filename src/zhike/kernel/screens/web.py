"""What every screen shares: the actor, the answer to a refusal, toasts, and the object type an address names."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from ..actor import Actor
from ..errors import Refused
from ..models import Record
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec
from .words import in_words

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
STATUS = {"not_permitted": 403, "gone": 404, "changed_meanwhile": 409}


def actor_in(request: HttpRequest) -> Actor:
    """Who asks; the middleware put it on the request."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def is_fragment(request: HttpRequest) -> bool:
    """Whether a part of a page is asked for (an htmx request that does not restore history)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def screen(view: View[P]) -> View[P]:
    """A view whose refusals are told in words: a page, or a toast for a fragment."""

    @wraps(view)
    def run(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Refused as refusal:
            return refused(request, refusal)

    return run


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The answer to a refusal, with its stable code in a header."""
    status = STATUS.get(refusal.code, 422)
    if is_fragment(request):
        response = HttpResponse(status=status)
        toast(response, in_words(refusal), tone="bad")
    else:
        response = render(request, "kernel/error.html", _error_words(refusal, status) | _why(request, status), status=status)
    response["X-Refused"] = refusal.code
    return response


RECORD = re.compile(r"^(/[\w-]+/[0-9a-f-]{36}/)(?!who)")


def _why(request: HttpRequest, status: int) -> dict[str, str]:
    """Where the refusal of a record is explained, for those who look after the rights."""
    found = RECORD.match(request.path)
    actor = getattr(request, "actor", None)
    if status != 403 or found is None or actor is None or not (actor.may("org.roles", "view") or actor.may("org.audit", "view")):
        return {}
    return {"why_url": f"{found.group(1)}who?person={actor.user_id}"}


def _error_words(refusal: Refused, status: int) -> dict[str, str]:
    if status in (403, 404):
        return {"code": str(status)}
    return {"code": "", "title": _("这样做不了"), "text": in_words(refusal), "button_label": _("回到今日"), "button_url": "/"}


def trigger(response: HttpResponse, events: Mapping[str, Any]) -> HttpResponse:
    """Fire events in the page that receives the answer."""
    told = json.loads(response.get("HX-Trigger", "{}")) | dict(events)
    # Events fire on the element that asked, in this order; one that removes it would keep the toast from being heard.
    response["HX-Trigger"] = json.dumps(dict(sorted(told.items(), key=lambda event: event[0] != "zk:toast")))
    return response


def toast(response: HttpResponse, text: str, *, undo: str = "", link: str = "", link_text: str = "", tone: str = "") -> HttpResponse:
    """Say what was done, with the address that takes it back."""
    facts = {"text": text, "undo_url": undo, "link_url": link, "link_text": link_text, "tone": tone}
    return trigger(response, {"zk:toast": {name: value for name, value in facts.items() if value}})


def spec_of(slug: str, actor: Actor) -> ObjectSpec:
    """The object type that an address names, as this actor sees it; 404 for none."""
    spec = objects.by_slug(slug)
    if spec is None:
        raise Http404(slug)
    return seen(spec, actor)


def record_of(spec: ObjectSpec, pk: uuid.UUID, actor: Actor, verb: str = "view") -> Record:
    """A record the actor may see; "gone" and "not_permitted" are told apart only to those who may see it."""
    model = spec.model
    joins = sorted({path for column in spec.columns for path in column.join})
    record = model.objects.visible_to(actor).select_related(*joins).filter(pk=pk).first()
    if record is None:
        raise Refused("not_permitted" if model.objects.filter(pk=pk).exists() else "gone", label=spec.label)
    if verb != "view":
        spec.policy.require(actor, verb, record)
    return record


def address_params(request: HttpRequest, *leave_out: str) -> dict[str, str]:
    """The parameters of the address as plain text, without those named."""
    return {name: str(value) for name, value in request.GET.items() if name not in leave_out and value}


def with_params(params: Mapping[str, str]) -> str:
    """Parameters as the query part of an address, readable: commas and colons stay."""
    query = QueryDict(mutable=True)
    query.update(dict(params))
    encoded = query.urlencode(safe=",:")
    return f"?{encoded}" if encoded else ""
