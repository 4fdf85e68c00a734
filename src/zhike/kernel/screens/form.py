"""Create a record: required facts first, the rest folded."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from ..actions import create_record
from ..addresses import url_of
from ..errors import Refused
from ..savedviews.layouts import laid_for
from .edit import form_class, stored_values
from .web import actor_in, screen, spec_of, toast, trigger
from .words import in_words


@screen
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the form as a dialog. POST: make the record; 422 with what is missing."""
    actor = actor_in(request)
    spec = laid_for(spec_of(slug, actor), actor)
    spec.policy.require_any(actor, "create")
    kind = form_class(spec, (*spec.form, *spec.form_more), request)
    form = kind(request.POST) if request.method == "POST" else kind(initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in stored_values(form).items() if value not in (None, "", [])}
        try:
            record = create_record(spec.model, values, by=actor)
        except Refused as refusal:
            field = str(refusal.facts.get("field", ""))
            form.add_error(field if field in form.fields else None, in_words(refusal))
        else:
            response = HttpResponse(status=204)
            again = request.POST.get("again") == "on"
            trigger(response, {"zk:changed": {}} if again else {"zk:close": {}, "zk:changed": {}})
            if not again:
                response["HX-Location"] = url_of(record)
            return toast(response, _("已建好 %(name)s") % {"name": record}, link=url_of(record), link_text=_("打开"))
    context = {
        "spec": spec,
        "form": form,
        "first": [form[name] for name in spec.form],
        "more": [form[name] for name in spec.form_more],
    }
    return render(request, "kernel/form.html", context, status=422 if form.is_bound else 200)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.GET.items()}
