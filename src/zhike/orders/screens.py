"""Pages of the order beyond the generic ones: entering an order and its lines."""

from __future__ import annotations

import uuid

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.actor import Rule
from zhike.kernel.addresses import url_of
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.registry import objects
from zhike.kernel.screens.pick import PickField
from zhike.kernel.screens.web import actor_in, record_of, screen, toast, trigger
from zhike.kernel.screens.words import in_words

from .actions import enter_order, next_number, put_line, remove_line
from .models import Order

TEXT = {"class": "form-control"}


class OrderForm(forms.Form):
    """A new order; its lines follow on its page."""

    number = forms.CharField(label=gettext_lazy("订单编号"), max_length=80, widget=forms.TextInput(attrs=TEXT))
    ordered_at = forms.DateTimeField(
        label=gettext_lazy("下单时间"), widget=forms.DateTimeInput(attrs={**TEXT, "type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    remark = forms.CharField(label=gettext_lazy("备注"), required=False, widget=forms.TextInput(attrs=TEXT))


class LineForm(forms.Form):
    """One line of an order."""

    quantity = forms.DecimalField(
        label=gettext_lazy("数量"),
        max_digits=18,
        decimal_places=4,
        initial=1,
        widget=forms.TextInput(attrs={**TEXT, "inputmode": "decimal"}),
    )
    unit_price = forms.DecimalField(
        label=gettext_lazy("单价"),
        max_digits=18,
        decimal_places=4,
        widget=forms.TextInput(attrs={**TEXT, "inputmode": "decimal", "data-price": ""}),
    )
    discount = forms.DecimalField(
        label=gettext_lazy("折扣（0.1 是减一成）"), required=False, min_value=0, max_value=1, max_digits=7, decimal_places=4,
        widget=forms.TextInput(attrs={**TEXT, "inputmode": "decimal"}),
    )  # fmt: skip


@screen
def new_order(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: enter the order and open it."""
    actor = actor_in(request)
    objects.of(Order).policy.require_any(actor, "create")
    initial = {"number": next_number(), "ordered_at": timezone.localtime(), "customer": request.GET.get("customer", "")}
    form = OrderForm(request.POST or None, initial=initial)
    form.fields["customer"] = PickField(Customer, actor, required=False, label=_("客户"), initial=initial["customer"])
    form.order_fields(["customer", "number", "ordered_at", "remark"])
    for name in ("customer", "remark"):
        if actor.rule("orders.order", name) is Rule.HIDDEN:
            del form.fields[name]
    if form.is_valid():
        try:
            order = enter_order(by=actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, in_words(refusal))
        else:
            response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
            response["HX-Location"] = url_of(order)
            return toast(response, _("已建好 %(name)s") % {"name": order})
    return _dialog(request, form, _("新建订单"), "/orders/new", _("建好"))


@screen
def new_line(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the dialog. POST: add a line."""
    actor = actor_in(request)
    order = _order(request, pk)
    form = LineForm(request.POST or None)
    form.fields["product"] = PickField(Product, actor, label=_("产品"))
    form.order_fields(["product", "quantity", "unit_price", "discount"])
    if form.is_valid():
        try:
            put_line(order, by=actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, in_words(refusal))
        else:
            return _changed(HttpResponse(status=204), order, _("加好了"))
    return _dialog(request, form, _("加一行"), f"/orders/{pk}/line/new")


@require_POST
@screen
def delete_line(request: HttpRequest, pk: uuid.UUID, line: uuid.UUID) -> HttpResponse:
    """Take a line off; the toast puts it back."""
    order = _order(request, pk)
    remove_line(order, by=actor_in(request), line=line)
    return _changed(HttpResponse(status=204), order, _("删掉了一行"))


def _order(request: HttpRequest, pk: uuid.UUID) -> Order:
    record = record_of(objects.of(Order), pk, actor_in(request), "change")
    assert isinstance(record, Order)
    return record


def _changed(response: HttpResponse, order: Order, text: str) -> HttpResponse:
    trigger(response, {"zk:close": {}, "zk:changed": {}, "zk:lines": {}})
    return toast(response, text, undo=f"/changes/{last_change_of(order.pk)}/undo")


def _dialog(request: HttpRequest, form: forms.Form, heading: str, action: str, verb: str = "") -> HttpResponse:
    context = {"form": form, "first": list(form), "heading": heading, "action": action, "verb": verb}
    return render(request, "kernel/dialog_form.html", context, status=422 if form.is_bound else 200)


urlpatterns = [
    path("orders/new", new_order),
    path("orders/<uuid:pk>/line/new", new_line),
    path("orders/<uuid:pk>/line/<uuid:line>/delete", delete_line),
]
