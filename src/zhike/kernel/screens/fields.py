"""Settings of fields: the company's own fields of each object type, in their order, made, arranged, archived, removed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from ..actor import Actor
from ..customfields.catalogue import Definitions, catalogue
from ..customfields.formula import in_words as formula_in_words
from ..customfields.formula import parse
from ..customfields.tables import CustomField, FieldWork, Kind
from ..customfields.working_out import compute
from ..errors import Refused
from ..fieldwork import actions, checks
from ..fieldwork.conversion import converter_of, dry_run, targets_of
from ..fieldwork.jobs import building
from ..fieldwork.works import busy, last_work
from ..history import last_change_of
from ..policy import policy_of
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec
from ..templatetags.zhike_ui import wan
from .field_forms import TONES, ChoiceRow, form_context, wish_from
from .own import form_field
from .settings import SettingPage, add_setting
from .web import actor_in, screen, toast, trigger
from .words import add_words, in_words

add_setting(
    SettingPage(
        key="fields",
        label=gettext_lazy("字段"),
        hint=gettext_lazy("给客户、订单加自己的字段：单选、日期、公式，能筛能排能导入"),
        url="/settings/fields/",
        icon="adjustments-horizontal",
        group="data",
        needs=("org.fields", "view"),
        rank=10,
    )
)
Words = str | Promise
SAMPLES = 3
LOSSES: dict[str, Words] = {
    "number": gettext_lazy("不是数字"), "decimals": gettext_lazy("小数位太多"), "range": gettext_lazy("超出范围"), "date": gettext_lazy("不是日期"),
    "moment": gettext_lazy("不是时间"), "choice": gettext_lazy("不在选项里"), "several": gettext_lazy("选了不止一个"), "too_long": gettext_lazy("太长"),
    "yes_no": gettext_lazy("看不出是还是否"), "person": gettext_lazy("没有这个人"), "text": gettext_lazy("有不能存的字符"),
    "retired": gettext_lazy("这个选项已停用"), "link": gettext_lazy("没有这条记录"),
}  # fmt: skip
add_words(
    {
        "field_busy": gettext_lazy("这个字段正在处理，等它做完"),
        "name_missing": gettext_lazy("起个名字，60 个字以内，不带引号和花括号"),
        "key_wrong": gettext_lazy("内部名只能用小写字母、数字和下划线：%(key)s"),
        "kind_unknown": gettext_lazy("选一种类型"),
        "target_missing": gettext_lazy("选一种要关联的记录"),
        "choices_missing": gettext_lazy("至少写一个选项"),
        "choice_twice": gettext_lazy("“%(name)s”写了两次"),
        "too_many_choices": gettext_lazy("选项最多 %(limit)s 个"),
        "limits_crossed": gettext_lazy("最小比最大还大"),
        "too_many_fields": gettext_lazy("一种记录最多 %(limit)s 个字段，先删掉停用的"),
        "too_many_sorted": gettext_lazy("可排序的最多 %(limit)s 个，先关掉一个"),
        "too_many_filtered": gettext_lazy("可筛选的最多 %(limit)s 个，先关掉一个"),
        "number_wrong": gettext_lazy("这不是数字：%(value)s"),
        "values_twice": gettext_lazy("已有 %(count)s 条记录的值重复，先改掉再打开“不许重复”"),
        "values_lost": gettext_lazy("有 %(count)s 条记录的值转不过去，确认不要了再转"),
        "still_read": gettext_lazy("公式“%(names)s”还在用它，先改公式"),
        "conversion_refused": gettext_lazy("“%(old)s”不能变成“%(new)s”，另建一个字段再导入"),
        "formula_syntax": gettext_lazy("公式没写对，检查括号、引号和运算符"),
        "formula_unknown": gettext_lazy("公式里没有“%(name)s”这个字段或函数"),
        "formula_kinds": gettext_lazy("公式里的类型对不上：数字只能和数字算，日期用“相差天数”"),
        "formula_cycle": gettext_lazy("公式绕了一圈又用到自己"),
        "formula_long": gettext_lazy("公式太长，最多 %(limit)s 个字"),
        "formula_needs": gettext_lazy("公式“%(name)s”会算不出来，先改那个公式"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A field in the list: what it is, how it is used, and what the worker is doing for it."""

    field: CustomField
    kind: str
    flags: list[tuple[Words, str]]
    work: str
    error: str
    about: str
    undo_url: str = ""


def _own_spec(slug: str, actor: Actor, verb: str = "change") -> ObjectSpec:
    policy_of(CustomField).require_any(actor, verb)
    spec = objects.by_slug(slug)
    if spec is None:
        raise Http404(slug)
    return spec


def _field(request: HttpRequest, pk: uuid.UUID) -> tuple[CustomField, ObjectSpec]:
    policy_of(CustomField).require_any(actor_in(request), "change")
    field = CustomField.objects.filter(pk=pk).first()
    if field is None or not objects.has(field.label):
        raise Refused("gone", label="kernel.customfield")
    return field, objects.get(field.label)


@screen
def fields_page(request: HttpRequest) -> HttpResponse:
    """The fields of one object type (`?of=`); as a fragment only the list, which is asked for while the worker is busy."""
    policy_of(CustomField).require_any(actor_in(request), "view")
    specs = list(objects)
    spec = objects.by_slug(request.GET.get("of", "")) or specs[0]
    rows = list(CustomField.objects.order_by("label", "position", "id"))
    lines = [_line(row) for row in rows if row.label == spec.label]
    context = {
        "spec": spec,
        "tabs": [(one, sum(row.label == one.label and not row.is_archived for row in rows)) for one in specs],
        "lines": [line for line in lines if not line.field.is_archived or line.work],
        "archived": [line for line in lines if line.field.is_archived and not line.work],
        "is_busy": any(line.work for line in lines),
        "may_change": actor_in(request).may("org.fields", "change"),
    }
    part = request.headers.get("HX-Target") == "own-fields"
    return render(request, "kernel/fields/list.html" if part else "kernel/fields/page.html", context)


def _line(row: CustomField) -> Line:
    at_work, last = busy(row), last_work(row)
    index = building(row) if not row.is_archived else None
    return Line(
        field=row,
        kind=str(Kind(row.kind).label),
        flags=_flags(row),
        work=_work_words(at_work) if at_work else _index_words(index) if index and not index.error else "",
        error=in_words(Refused("values_twice", count=checks.twice(row).count)) if index and index.error == "values_twice" else "",
        about=_about(row),
        undo_url=f"/changes/{last.change_id}/undo" if last and last.state == FieldWork.State.DONE and last.change_id else "",
    )


def _work_words(work: FieldWork) -> str:
    percent = min(99, work.done * 100 // work.total) if work.total else 0
    words = {"clear": _("正在清空，%(percent)s%%"), "convert": _("正在转换，%(percent)s%%"), "words": _("正在更新搜索，%(percent)s%%")}
    return words[work.kind] % {"percent": percent}


def _index_words(index: Any) -> str:
    if index.percent is None:
        return _("正在建索引，%(made)s/%(wanted)s") % {"made": index.made, "wanted": index.wanted}
    return _("正在建索引，%(made)s/%(wanted)s，%(percent)s%%") % {"made": index.made, "wanted": index.wanted, "percent": index.percent}


def _flags(row: CustomField) -> list[tuple[Words, str]]:
    required = _("部分人必填") if row.required_roles else _("必填")
    found = [
        (required, "key") if row.is_required else None,
        (_("不重复"), "key") if row.is_unique else None,
        (_("可筛选"), "") if row.is_filterable else None,
        (_("可排序"), "") if row.is_sortable else None,
        (_("可搜索"), "") if row.is_searchable else None,
        (_("手工不能改"), "line") if row.is_read_only else None,
    ]
    return [flag for flag in found if flag]


def _about(row: CustomField) -> str:
    """What the field holds, in a few words: its choices, its formula, what it links to."""
    if row.kind in (Kind.CHOICE, Kind.CHOICES):
        names = [one["name"] for one in row.choices if not one.get("retired")]
        return "、".join(names[:4]) + (_(" 等 %(count)s 个") % {"count": len(names)} if len(names) > 4 else "")
    if row.kind == Kind.FORMULA:
        return words_of_formula(row)
    if row.kind == Kind.LINK and objects.has(row.target):
        return str(objects.get(row.target).title)
    return row.help


def words_of_formula(row: CustomField) -> str:
    """A stored formula with the fields called as people call them."""
    rows = list(CustomField.objects.filter(label=row.label, is_archived=False))
    try:
        return formula_in_words(row.formula, Definitions(objects.get(row.label).model, rows).fields)
    except Refused:
        return row.formula


@screen
def new_field(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the form as a dialog. POST: make the field."""
    spec = _own_spec(slug, actor_in(request))
    field = CustomField(label=spec.label, kind=request.POST.get("kind", "text"))
    if request.method != "POST":
        return _form(request, spec, field)
    wish = None
    try:
        wish = wish_from(request, CustomField(label=spec.label))
        made = actions.add_field(spec.label, wish, by=actor_in(request))
    except Refused as refusal:
        return _form(request, spec, CustomField(label=spec.label, kind=request.POST.get("kind", "")), wish, refusal)
    return _done(_("字段“%(name)s”建好了") % {"name": made.name}, made)


@screen
def edit_field(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the form as a dialog. POST: arrange the field anew."""
    field, spec = _field(request, pk)
    if request.method != "POST":
        return _form(request, spec, field)
    wish = None
    try:
        wish = wish_from(request, field)
        actions.arrange_field(field, wish, by=actor_in(request))
    except Refused as refusal:
        return _form(request, spec, field, wish, refusal)
    return _done(_("已保存"), field)


def _form(request: HttpRequest, spec: ObjectSpec, field: CustomField, wish: Any = None, refusal: Refused | None = None) -> HttpResponse:
    if refusal is not None and refusal.code == "not_permitted":
        raise refusal
    rows = list(CustomField.objects.filter(label=spec.label, is_archived=False).exclude(pk=field.pk))
    known = Definitions(spec.model, rows).fields
    context = form_context(spec, field, wish) | {
        "refusal": in_words(refusal) if refusal else "",
        "door": refusal.facts.get("url", "") if refusal else "",
        "readable": [(ref.shown, ref.kind) for ref in known.values()],
        "example": next((f"{{{ref.shown}}}" for ref in reversed(known.values()) if ref.kind == "number"), ""),
        "formula_words": wish.formula if wish else words_of_formula(field) if field.formula else "",
        "action": f"/settings/fields/{spec.slug}/new" if field._state.adding else f"/settings/fields/{field.pk}/",
    }
    return render(request, "kernel/fields/form.html", context, status=422 if refusal else 200)


@screen
def choice_row(request: HttpRequest) -> HttpResponse:
    """One more empty row of the editor of choices."""
    policy_of(CustomField).require_any(actor_in(request), "change")
    return render(request, "kernel/fields/choice.html", {"choice": ChoiceRow(), "tones": TONES})


@screen
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """How the field of the form would look: its input, or for a formula what it gives for some records of the reader."""
    spec = _own_spec(slug, actor_in(request))
    kept = CustomField.objects.filter(label=spec.label, is_archived=False)
    field = next((row for row in kept if str(row.pk) == request.POST.get("id")), None) or CustomField(
        label=spec.label, kind=request.POST.get("kind", "")
    )
    try:
        if field.kind == Kind.FORMULA:
            return render(request, "kernel/fields/preview.html", _formula_preview(request, spec, field))
        wish = wish_from(request, field)
        sample = CustomField(
            label=spec.label, key="x", name=wish.name or _("新字段"), kind=field.kind, help=wish.help, decimals=wish.decimals
        )
        sample.choices = [
            {"code": str(at), "name": name, "tone": tone} for at, (_c, name, _e, tone, off) in enumerate(wish.choices) if name and not off
        ]
        if field.kind == Kind.LINK:
            sample.target = wish.target if objects.has(wish.target) else spec.label
        own = Definitions(spec.model, [sample]).made()[sample.pk]
        form = type("Sample", (forms.Form,), {"x": form_field(own, spec, actor_in(request))})()
    except (Refused, KeyError) as problem:
        text = in_words(problem) if isinstance(problem, Refused) else ""
        return render(request, "kernel/fields/preview.html", {"problem": text})
    return render(request, "kernel/fields/preview.html", {"field": form["x"], "help": wish.help})


def _formula_preview(request: HttpRequest, spec: ObjectSpec, field: CustomField) -> dict[str, Any]:
    rows = list(CustomField.objects.filter(label=spec.label, is_archived=False).exclude(pk=field.pk))
    node = parse(request.POST.get("formula", ""), Definitions(spec.model, rows).fields)
    rules = seen(spec, actor_in(request))
    hidden = node.reads & (rules.covered | ({one.name for one in catalogue().of(spec.label)} - {one.name for one in rules.custom}))
    found = spec.model.objects.visible_to(actor_in(request)).order_by(f"-{spec.sorts[0].key}")[:SAMPLES] if not hidden else []
    return {
        "result": {"number": _("数字"), "text": _("文字"), "date": _("日期"), "yes_no": _("是或否")}[node.kind],
        "is_fixed": node.is_fixed,
        "samples": [(str(record), _sample_text(compute(node, record))) for record in found],
    }


def _sample_text(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return f"{value:,f}".rstrip("0").rstrip(".") if hasattr(value, "as_tuple") and "." in f"{value:f}" else str(value)


@require_POST
@screen
def order(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the order of the fields as it was put by hand."""
    spec = _own_spec(slug, actor_in(request))
    try:
        ids = [uuid.UUID(text) for text in request.POST.getlist("field")]
    except ValueError as wrong:
        raise Refused("gone") from wrong
    actions.put_in_order(spec.label, ids, by=actor_in(request))
    return toast(HttpResponse(status=204), _("次序已保存"))


@require_POST
@screen
def archive(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a field out of use."""
    field, _spec = _field(request, pk)
    actions.archive_field(field, by=actor_in(request))
    return _done(_("“%(name)s”停用了，值还留着") % {"name": field.name}, field)


@require_POST
@screen
def restore(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Use an archived field again."""
    field, _spec = _field(request, pk)
    actions.restore_field(field, by=actor_in(request))
    return _done(_("“%(name)s”又能用了") % {"name": field.name}, field)


@screen
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: what would be lost. POST: remove the field and all its values."""
    field, spec = _field(request, pk)
    if request.method == "POST":
        actions.remove_field(field, by=actor_in(request))
        return _done(_("正在删除“%(name)s”，做完前可以离开") % {"name": field.name}, None)
    filled = checks.filled(field) if field.kind != Kind.FORMULA else 0
    context = {"field": field, "spec": spec, "filled": filled, "filled_words": wan(filled)}
    return render(request, "kernel/fields/remove.html", context)


@screen
def usage(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """About how many records have a value."""
    policy_of(CustomField).require_any(actor_in(request), "view")
    field = CustomField.objects.filter(pk=pk).first()
    if field is None:
        raise Refused("gone", label="kernel.customfield")
    if field.kind == Kind.FORMULA:
        return HttpResponse("—")
    filled = checks.filled(field)
    return HttpResponse(_("约 %(count)s") % {"count": wan(filled)} if filled >= checks.CAP else f"{filled:,}")


@screen
def convert(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: choose another kind and see what would become of the values. POST: have them converted."""
    field, spec = _field(request, pk)
    to = request.POST.get("to") or request.GET.get("to", "")
    if request.method == "POST":
        actions.convert_field(field, to, by=actor_in(request), accept_loss=request.POST.get("accept") == "on")
        return _done(_("正在转换“%(name)s”，做完前它暂时不显示") % {"name": field.name}, None)
    offered = targets_of(field.kind)
    context: dict[str, Any] = {
        "field": field, "spec": spec, "to": to, "kind": Kind(field.kind).label,
        "offered": [(kind, Kind(kind).label) for kind in offered],
        "refused": [Kind(kind).label for kind in Kind.values if kind not in offered and kind != field.kind],
    }  # fmt: skip
    if to in offered:
        found = dry_run(field, to)
        context |= {
            "found": found,
            "examples": [(text, LOSSES.get(why, why), count) for text, why, count in found.examples],
            "new_choices": [one["name"] for one in converter_of(field, to, {}).choices] if to in ("choice", "choices") else [],
        }
    return render(request, "kernel/fields/convert.html", context)


def _done(text: str, field: CustomField | None) -> HttpResponse:
    response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
    change = last_change_of(field.pk) if field is not None else None
    return toast(response, text, undo=f"/changes/{change}/undo" if change else "")
