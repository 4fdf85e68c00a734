"""Pages of the customer beyond the generic ones: notes, contacts, addresses, tags."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.kernel.actor import Rule
from zhike.kernel.bulk.running import order
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.registry import objects
from zhike.kernel.screens.bulk import chosen_in, ordered
from zhike.kernel.screens.reveal import reveal_url
from zhike.kernel.screens.web import actor_in, record_of, screen, spec_of, toast, trigger
from zhike.kernel.screens.words import add_words, in_words

from .actions import TAG, add_address, add_contact, tag_customer, tags_to_add, write_activity
from .models import ActivityKind, Customer
from .queries import tags_of

add_words({"too_many_tags": gettext_lazy("一家客户最多 %(limit)s 个标签")})


def _customer(request: HttpRequest, pk: uuid.UUID) -> Customer:
    record = record_of(objects.of(Customer), pk, actor_in(request), "change")
    assert isinstance(record, Customer)
    return record


class ActivityForm(forms.Form):
    """What happened and when."""

    body = forms.CharField(
        label=gettext_lazy("说了什么，结果怎样"),
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 4, "autofocus": True}),
        max_length=10_000,
    )
    happened_at = forms.DateTimeField(
        label=gettext_lazy("时间"),
        widget=forms.DateTimeInput(attrs={"class": "form-control", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


@screen
def activity(request: HttpRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    """GET: the dialog. POST: write a call, message or visit."""
    customer = _customer(request, pk)
    if kind not in ActivityKind.values:
        raise Refused("gone")
    form = ActivityForm(request.POST or None, initial={"happened_at": timezone.localtime()})
    if form.is_valid():
        write_activity(customer, by=actor_in(request), kind=kind, **form.cleaned_data)
        return _kept(HttpResponse(status=204), _("记好了"), customer.pk)
    context = {"form": form, "customer": customer, "kind": kind, "kind_label": ActivityKind(kind).label, "first": list(form)}
    context["reveal_url"] = reveal_url(customer, "phone", actor_in(request))
    return render(request, "customers/activity.html", context, status=422 if form.is_bound else 200)


@require_POST
@screen
def note(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A note from the line over the timeline."""
    customer = _customer(request, pk)
    write_activity(customer, by=actor_in(request), kind=ActivityKind.NOTE, body=request.POST.get("body", ""))
    response = render(request, "customers/panels/writer.html", {"record": customer})
    return _kept(response, _("记好了"), customer.pk)


def _kept(response: HttpResponse, text: str, pk: uuid.UUID) -> HttpResponse:
    trigger(response, {"zk:close": {}, "zk:changed": {}})
    return toast(response, text, undo=f"/changes/{last_change_of(pk)}/undo")


class ContactForm(forms.Form):
    """A new contact."""

    name = forms.CharField(
        label=gettext_lazy("姓名"), max_length=100, widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True})
    )
    title = forms.CharField(
        label=gettext_lazy("职务"), max_length=60, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    phone = forms.CharField(
        label=gettext_lazy("电话"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"class": "form-control", "inputmode": "tel"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("邮箱"), max_length=200, required=False, widget=forms.EmailInput(attrs={"class": "form-control"})
    )


class AddressForm(forms.Form):
    """A further place."""

    label = forms.CharField(
        label=gettext_lazy("用途"), max_length=40, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    province = forms.CharField(
        label=gettext_lazy("省份"), max_length=60, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    city = forms.CharField(
        label=gettext_lazy("城市"), max_length=60, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    street = forms.CharField(label=gettext_lazy("详细地址"), max_length=300, widget=forms.TextInput(attrs={"class": "form-control"}))


@screen
def contact(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the dialog. POST: add a contact."""
    return _part(request, _customer(request, pk), ContactForm, add_contact, "contact", _("加联系人"))


@screen
def address(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the dialog. POST: add an address."""
    return _part(request, _customer(request, pk), AddressForm, add_address, "address", _("加地址"))


# Whose field rules hold for a dialog, and what its fields are called there.
RULED: dict[str, tuple[str, dict[str, str]]] = {
    "contact": ("customers.contact", {}),
    "address": ("customers.customer", {"street": "address"}),
}


def _part(request: HttpRequest, customer: Customer, kind: type[forms.Form], rule: Any, name: str, heading: str) -> HttpResponse:
    form = kind(request.POST or None)
    label, names = RULED[name]
    for field in list(form.fields):
        if actor_in(request).rule(label, names.get(field, field)) is Rule.HIDDEN:
            del form.fields[field]
    if form.is_valid():
        try:
            rule(customer, by=actor_in(request), **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, in_words(refusal))
        else:
            response = HttpResponse(status=204)
            trigger(response, {f"zk:{name}": {}})
            return _kept(response, _("加好了"), customer.pk)
    context = {"form": form, "first": list(form), "heading": heading, "action": f"/customers/{customer.pk}/{name}/new"}
    return render(request, "kernel/dialog_form.html", context, status=422 if form.is_bound else 200)


@screen
def tags(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the tags as text. POST: keep exactly these."""
    customer = _customer(request, pk)
    if request.method == "POST":
        tag_customer(customer, by=actor_in(request), names=_names(request))
        return _kept(trigger(HttpResponse(status=204), {"zk:tags": {}}), _("标签改好了"), customer.pk)
    context = {"action": f"/customers/{pk}/tags", "names": "，".join(tags_of(customer)), "heading": _("标签")}
    return render(request, "customers/tags.html", context)


@screen
def bulk_tag(request: HttpRequest) -> HttpResponse:
    """GET: ask for tags. POST: add them to the chosen customers."""
    spec = spec_of("customers", actor_in(request))
    if request.method != "POST":
        return render(
            request,
            "customers/tags.html",
            {"action": f"/customers/bulk/tag?{request.GET.urlencode()}", "heading": _("加标签"), "is_bulk": True},
        )
    done = order(spec, chosen_in(request), TAG.name, tags_to_add(_names(request)), by=actor_in(request))
    return ordered(spec, done, _("给 %(count)s 加了标签"), _("正在给 %(count)s 加标签"))


def _names(request: HttpRequest) -> list[str]:
    return request.POST.get("names", "").replace("，", ",").replace("、", ",").split(",")


urlpatterns = [
    path("customers/bulk/tag", bulk_tag),
    path("customers/<uuid:pk>/activity/<slug:kind>", activity),
    path("customers/<uuid:pk>/note", note),
    path("customers/<uuid:pk>/contact/new", contact),
    path("customers/<uuid:pk>/address/new", address),
    path("customers/<uuid:pk>/tags", tags),
]
