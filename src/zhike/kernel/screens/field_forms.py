"""Forms of the settings of fields: a definition as it is asked for, and read from what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import directory
from ..customfields.catalogue import FILTERED, SORTED, UNIQUE
from ..customfields.tables import CustomField, Kind
from ..errors import Refused
from ..fieldwork.definitions import NOT_REQUIRED, Wish
from ..registry import objects
from ..spec import ObjectSpec

Words = str | Promise
TONES: tuple[tuple[str, Words], ...] = (
    ("", _("灰")), ("key", _("青")), ("good", _("绿")), ("due", _("黄")), ("bad", _("红")), ("line", _("线框")),
)  # fmt: skip
HINTS: Mapping[str, Words] = {
    "text": _("一行以内，如编号、型号"), "long": _("可以分段，如要求、说明"), "number": _("数量、面积、比例"), "money": _("按元，保留分"),
    "date": _("哪一天"), "moment": _("哪天几点"), "choice": _("几个里面选一个"), "choices": _("可以选几个"), "yes_no": _("两者之一"),
    "person": _("公司里的人"), "link": _("别的记录，如客户、订单"), "formula": _("由别的字段算出来，不用填"),
}  # fmt: skip
SWITCHES: tuple[tuple[str, Words, Words, tuple[str, ...]], ...] = (
    ("is_in_list", _("放进列表"), _("默认就是一列，各人可以再选"), ()),
    ("is_in_form", _("新建时就问"), _("不勾也能在记录页上填"), ("formula",)),
    ("is_filterable", _("可筛选"), _("会建索引，建好后出现在条件里"), tuple(k for k in Kind.values if k not in FILTERED)),
    ("is_sortable", _("可排序"), _("每种记录最多 4 个，会让写入慢一点"), tuple(k for k in Kind.values if k not in SORTED)),
    ("is_searchable", _("可搜索"), _("搜索框里能按它找到"), tuple(k for k in Kind.values if k not in ("text", "long"))),
    ("is_unique", _("不许重复"), _("每个值只能出现一次"), tuple(k for k in Kind.values if k not in UNIQUE)),
    ("is_read_only", _("手工不能改"), _("只由导入、接口或公式写"), ("formula",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A tick of the form: its name, words, whether it is on, kinds that do not have it."""

    name: str
    label: Words
    hint: Words
    is_on: bool
    but_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow:
    """A choice as a row of its editor."""

    code: str = ""
    name: str = ""
    name_en: str = ""
    tone: str = ""
    is_retired: bool = False


def form_context(spec: ObjectSpec, field: CustomField, wish: Wish | None = None) -> dict[str, Any]:
    """What the form shows: the field as stored, or as somebody just sent it."""
    shown: Any = wish or field
    choices = [ChoiceRow(code=c, name=n, name_en=e, tone=t, is_retired=r) for c, n, e, t, r in wish.choices] if wish else _rows(field)
    return {
        "field": field,
        "shown": shown,
        "is_new": field._state.adding,
        "kinds": [(kind, label, HINTS[kind]) for kind, label in Kind.choices],
        "switches": [
            Switch(name=name, label=label, hint=hint, is_on=bool(getattr(shown, name)), but_not=" ".join(but_not))
            for name, label, hint, but_not in SWITCHES
        ],
        "no_required": " ".join(NOT_REQUIRED),
        "choices": choices or [ChoiceRow(), ChoiceRow(), ChoiceRow()],
        "tones": TONES,
        "targets": [(one.label, one.title) for one in objects if one.in_menu or one.search],
        "roles": [(pk, name, pk in shown.required_roles) for pk, name in directory.roles().items()],
        "default_text": default_text(field if wish is None else shown),
        "spec": spec,
    }


def _rows(field: CustomField) -> list[ChoiceRow]:
    return [
        ChoiceRow(
            code=one["code"],
            name=one["name"],
            name_en=one.get("name_en", ""),
            tone=one.get("tone", ""),
            is_retired=bool(one.get("retired")),
        )
        for one in field.choices
    ]


def default_text(shown: Any) -> str:
    """A default as it is typed: several choices with commas."""
    if isinstance(shown.default, bool):
        return str(shown.default).lower()
    return ",".join(shown.default) if isinstance(shown.default, list) else str(shown.default or "")


def wish_from(request: HttpRequest, field: CustomField) -> Wish:
    """What was sent; Refused("number_wrong") for a limit that is no number."""
    sent = request.POST
    kind = field.kind or sent.get("kind", "")
    return Wish(
        name=sent.get("name", ""),
        name_en=sent.get("name_en", ""),
        kind=kind,
        key=field.key,
        target=sent.get("target", "") or field.target,
        formula=sent.get("formula", ""),
        choices=_choices(sent),
        help=sent.get("help", "")[:200],
        default=_default(sent, kind),
        low=_number(sent, "low"),
        high=_number(sent, "high"),
        decimals=int(sent.get("decimals", "2")) if sent.get("decimals", "2").isdigit() else 2,
        is_required=sent.get("required", "") in ("all", "roles"),
        required_roles=_ids(sent.getlist("role")) if sent.get("required") == "roles" else (),
        **{name: sent.get(name) == "on" for name, *_rest in SWITCHES},
    )


def _ids(texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(text) for text in texts if text.isdigit())


def _default(sent: QueryDict, kind: str) -> Any:
    text = sent.get("default", "").strip()
    return [part.strip() for part in text.split(",") if part.strip()] if kind == Kind.CHOICES else text


def _choices(sent: QueryDict) -> tuple[tuple[str, str, str, str, bool], ...]:
    columns = [sent.getlist(f"choice_{part}") for part in ("code", "name", "en", "tone", "state")]
    return tuple((code, name, name_en, tone, state == "off") for code, name, name_en, tone, state in zip(*columns, strict=False))


def _number(sent: QueryDict, name: str) -> Decimal | None:
    text = sent.get(name, "").strip().replace(",", "")
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as wrong:
        raise Refused("number_wrong", value=text) from wrong
    if not number.is_finite() or abs(number) >= Decimal(10) ** 14:
        raise Refused("number_wrong", value=text)
    return number
