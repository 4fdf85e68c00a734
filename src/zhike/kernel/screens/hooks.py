"""Webhooks: which address hears of which changes, as which integration; the log of what was sent, and sending again."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ..errors import Refused
from ..hooks import actions, delivering
from ..hooks.actions import hook_of
from ..hooks.jobs import later
from ..links.shapes import shapes_of
from ..links.tables import Hook, HookMessage, HookTry, Integration, MessageState
from ..links.tokens import require_integrations
from ..registry import objects
from . import hook_words as words
from .integrations import require_view
from .settings import SettingPage, add_setting
from .web import actor_in, is_fragment, screen, toast, trigger
from .words import in_words

MOST = 200
PAGE = 50

add_setting(
    SettingPage(
        key="webhooks",
        label=gettext_lazy("变更通知"),
        hint=gettext_lazy("有变化就告诉别的系统（Webhook）：签名、重试、发送记录"),
        url="/settings/webhooks/",
        icon="bell",
        group="links",
        needs=("org.integrations", "view"),
        rank=20,
    )
)


class HookForm(forms.Form):
    """Name, address, integration; for each object type which changes and which fields."""

    name = forms.CharField(
        label=gettext_lazy("叫什么"),
        max_length=80,
        widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True, "placeholder": gettext_lazy("比如：通知仓库")}),
    )
    url = forms.CharField(
        label=gettext_lazy("接收地址"),
        max_length=500,
        widget=forms.URLInput(attrs={"class": "form-control", "placeholder": "https://example.com/zhike"}),
    )
    integration = forms.ModelChoiceField(
        label=gettext_lazy("以谁的身份"), queryset=Integration.objects.none(), widget=forms.Select(attrs={"class": "form-select"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["integration"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = Integration.objects.order_by("name")
        for spec in objects:
            self.fields[f"events_{spec.slug}"] = forms.MultipleChoiceField(choices=words.verbs(), required=False)
            named = [(shape.name, str(shape.field.label)) for shape in shapes_of(spec)]
            self.fields[f"fields_{spec.slug}"] = forms.MultipleChoiceField(choices=named, required=False)

    def put_on(self, hook: Hook) -> None:
        """Set what was chosen; the action checks it."""
        given = self.cleaned_data
        hook.name, hook.url, hook.integration = given["name"], given["url"], given["integration"]
        hook.events = {spec.label: given[f"events_{spec.slug}"] for spec in objects if given[f"events_{spec.slug}"]}
        hook.fields = {spec.label: given[f"fields_{spec.slug}"] for spec in objects if given[f"fields_{spec.slug}"]}

    def rows(self) -> list[dict[str, Any]]:
        """The object types with what is ticked."""
        found = []
        for spec in objects:
            events, fields = self[f"events_{spec.slug}"], self[f"fields_{spec.slug}"]
            ticked, chosen = set(events.value() or ()), set(fields.value() or ())
            found.append(
                {
                    "spec": spec,
                    "events": [(events.html_name, verb, label, verb in ticked) for verb, label in words.verbs()],
                    "fields": [(fields.html_name, shape.name, shape.field.label, shape.name in chosen) for shape in shapes_of(spec)],
                    "is_narrowed": bool(chosen),
                }
            )
        return found


@never_cache
@screen
@require_GET
def hooks(request: HttpRequest) -> HttpResponse:
    """All webhooks with how they fare."""
    require_view(request)
    told = [_told(hook) for hook in Hook.objects.select_related("integration").order_by("name")[:MOST]]
    return render(request, "kernel/links/hooks.html", {"lines": told, "may_change": _may_change(request)})


def _told(hook: Hook) -> dict[str, Any]:
    counts = delivering.counts(hook)
    state, tone = words.state_of(hook, counts.get(MessageState.DEAD, 0))
    return {
        "hook": hook,
        "events": words.events_of(hook),
        "waiting": counts.get(MessageState.WAITING, 0),
        "dead": counts.get(MessageState.DEAD, 0),
        "state": state,
        "tone": tone,
    }


def _changeable(request: HttpRequest, pk: uuid.UUID) -> Hook:
    """A webhook for who may change it; who may not does not learn whether it exists."""
    require_integrations(actor_in(request))
    return hook_of(pk)


def _may_change(request: HttpRequest) -> bool:
    return actor_in(request).may("org.integrations", "change")


@never_cache
@screen
@require_GET
def hook_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One webhook and its log, newest first; `?only=dead` shows what was given up, `?before=` what is older."""
    require_view(request)
    hook = hook_of(pk)
    kept = HookMessage.objects.filter(hook=hook).order_by("-number")
    only = request.GET.get("only", "")
    if only == "dead":
        kept = kept.filter(state=MessageState.DEAD)
    before = request.GET.get("before", "")
    if before.isdigit():
        kept = kept.filter(number__lt=min(int(before), 2**63 - 1))
    found = list(kept.defer("body")[: PAGE + 1])
    context = _told(hook) | {
        "url": f"/settings/webhooks/{hook.pk}/",
        "sent": [words.message_line(message) for message in found[:PAGE]],
        "next": found[PAGE - 1].number if len(found) > PAGE else None,
        "only": only,
        "notice": words.notice_of(hook),
        "may_change": _may_change(request),
        "reach": words.reach_of(hook),
    }
    part = is_fragment(request) and bool(before)
    return render(request, "kernel/links/hook_messages.html" if part else "kernel/links/hook.html", context)


@never_cache
@screen
@require_GET
def message_dialog(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """What one message said and what came back at each try."""
    require_view(request)
    message = HookMessage.objects.filter(hook_id=pk, number=min(number, 2**63 - 1)).first()
    if message is None:
        raise Refused("gone", label="kernel.hookmessage")
    tries = [words.try_line(row) for row in HookTry.objects.filter(message=message).order_by("-id")[:PAGE]]
    context = {"message": message, "line": words.message_line(message), "body": words.pretty(message.body), "tries": tries}
    return render(request, "kernel/links/message.html", context)


@never_cache
@screen
@require_http_methods(["GET", "POST"])
def new_hook(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: make a webhook; the answer shows its secret, once."""
    return _edited(request, Hook(events={"customers.customer": ["created", "changed", "deleted"]}))


@never_cache
@screen
@require_http_methods(["GET", "POST"])
def edit_hook(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the dialog. POST: change it."""
    return _edited(request, _changeable(request, pk))


def _edited(request: HttpRequest, hook: Hook) -> HttpResponse:
    if not _may_change(request):
        raise Refused("not_permitted", verb="change", label="org.integrations")
    is_new = hook._state.adding
    form = HookForm(request.POST or None, initial=_initial(hook))
    if form.is_bound and form.is_valid():
        form.put_on(hook)
        try:
            secret = actions.save_hook(hook, by=actor_in(request))
        except Refused as refusal:
            field = str(refusal.facts.get("field", "url"))
            form.add_error(field if field in form.fields else None, in_words(refusal))
        else:
            if is_new:
                response = render(
                    request, "kernel/links/secret.html", {"text": secret, "heading": _("“%(name)s”的密钥") % {"name": hook.name}}
                )
                return trigger(response, {"zk:changed": {}})
            return toast(trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}}), _("已保存"))
    context = {
        "form": form,
        "rows": form.rows(),
        "action": request.path,
        "is_new": is_new,
        "has_integrations": Integration.objects.exists(),
    }
    return render(request, "kernel/links/hook_form.html", context, status=422 if form.is_bound else 200)


def _initial(hook: Hook) -> dict[str, Any]:
    found: dict[str, Any] = {f"events_{spec.slug}": hook.events.get(spec.label, []) for spec in objects}
    found |= {f"fields_{spec.slug}": hook.fields.get(spec.label, []) for spec in objects}
    return found | {"name": hook.name, "url": hook.url, "integration": hook.integration_id}


@require_POST
@screen
def switch(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Start or stop telling."""
    is_on = request.POST.get("on") == "1"
    hook = _changeable(request, pk)
    actions.switch_hook(hook, is_on=is_on, by=actor_in(request))
    if is_on:
        later(str(hook.pk))
    return toast(trigger(HttpResponse(status=204), {"zk:changed": {}}), _("已启用") if is_on else _("已停用"))


@never_cache
@require_POST
@screen
def secret(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Another secret, shown once."""
    hook = _changeable(request, pk)
    text = actions.new_secret(hook, by=actor_in(request))
    return render(request, "kernel/links/secret.html", {"text": text, "heading": _("“%(name)s”的新密钥") % {"name": hook.name}})


@require_POST
@screen
def test(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Send a test message and say what came back."""
    answer = actions.try_hook(_changeable(request, pk), by=actor_in(request))
    response = trigger(HttpResponse(status=204), {"zk:changed": {}})
    if answer is not None and answer.is_good:
        return toast(response, _("收到了：%(status)s，%(ms)s 毫秒") % {"status": answer.status, "ms": answer.milliseconds})
    return toast(response, _("没有发到：%(why)s") % {"why": words.why(answer.error, answer.status) if answer else ""}, tone="bad")


@require_POST
@screen
def again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Send one message again (`number`), or all that were given up."""
    hook = _changeable(request, pk)
    one = request.POST.get("number", "")
    sent = actions.send_again(hook, [int(one)] if one.isdigit() and len(one) < 19 else None, by=actor_in(request))
    later(str(hook.pk))
    text = ngettext("%(count)s 条马上再发", "%(count)s 条马上再发", sent) % {"count": sent}
    return toast(trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}}), text)


@require_POST
@screen
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete it with its log."""
    hook = _changeable(request, pk)
    actions.delete_hook(hook, by=actor_in(request))
    return toast(HttpResponse(status=204, headers={"HX-Location": "/settings/webhooks/"}), _("已删除 %(name)s") % {"name": hook.name})
