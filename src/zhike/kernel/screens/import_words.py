"""What import pages say: states, phases, warnings, fields and keys in words of the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..errors import Refused
from ..imports.own import find_target
from ..imports.plans import Mode, Plan
from ..imports.tables import ImportRun, State
from ..imports.targets import Entity, ImportTarget, Key
from ..registry import objects
from .words import in_words

STATES = {
    State.NEW: (gettext_lazy("待对列"), "line"),
    State.CHECKING: (gettext_lazy("正在试"), "due"),
    State.CHECKED: (gettext_lazy("试过，待导入"), "line"),
    State.STAGING: (gettext_lazy("正在导入"), "due"),
    State.APPLYING: (gettext_lazy("正在导入"), "due"),
    State.DONE: (gettext_lazy("已导入"), "good"),
    State.REFUSED: (gettext_lazy("没有导入"), "bad"),
    State.UNDOING: (gettext_lazy("正在撤销"), "due"),
    State.UNDONE: (gettext_lazy("已撤销"), ""),
    State.FAILED: (gettext_lazy("没有导入"), "bad"),
}
PHASES = {
    "wait": gettext_lazy("正在准备，前面有别的活就先等它"),
    "read": gettext_lazy("正在读文件"),
    "compare": gettext_lazy("正在和已有的记录比对"),
    "undo": gettext_lazy("正在把记录还原"),
}
WARNINGS = {
    "encoding_guessed": gettext_lazy("文字编码是猜的，看看下面的字对不对，不对就在“怎么读”里换一种"),
    "file_cut_off": gettext_lazy("文件结尾像是被截断了，最后一行可能不全"),
    "title_rows_skipped": gettext_lazy("列名上面还有别的行，已经跳过"),
    "unnamed_headers": gettext_lazy("有的列没有名字，按位置起了名"),
    "duplicate_headers": gettext_lazy("有同名的列，后面的加了序号"),
    "merged_duplicate": gettext_lazy("文件里有 %(count)s 行说的是同一条，已经合并，后面的行优先"),
    "date_ambiguous": gettext_lazy("“%(name)s”里日和月分不清，先按月在前读。要是日在前，请在文件里改成年-月-日"),
}
ENCODINGS = (("utf-8", "UTF-8"), ("gb18030", "GB18030 (GBK)"), ("big5", "Big5"), ("utf-16-le", "UTF-16"), ("cp1252", "Latin (1252)"))
DELIMITERS = {
    "comma": (",", gettext_lazy("逗号")), "tab": ("\t", gettext_lazy("制表符")),
    "semicolon": (";", gettext_lazy("分号")), "pipe": ("|", gettext_lazy("竖线")),
}  # fmt: skip
MODES: tuple[tuple[Mode, str | Promise], ...] = (
    ("upsert", gettext_lazy("有就更新，没有就新增")),
    ("insert", gettext_lazy("只新增，已有的不动")),
    ("update", gettext_lazy("只更新，没有的不收")),
)
PARTIAL = (("rest", gettext_lazy("其余的照样导入")), ("nothing", gettext_lazy("一行都不导")))


def entity_title(entity: Entity) -> str:
    """What people call the records of an entity; those without pages of their own are details."""
    label = entity.model._meta.label_lower
    return str(objects.get(label).title) if objects.has(label) else _("明细")


def field_title(target: ImportTarget, path: str) -> str:
    """A field as people read it; with its entity where the file tells several."""
    found = target.find(path)
    if found is None:
        return path
    entity, one = found
    title, owner = str(one.title), entity_title(entity)
    if len(target.entities) == 1 or title.startswith(owner):
        return title
    return _("%(entity)s，%(field)s") % {"entity": owner, "field": title}


def key_title(entity: Entity, key: Key) -> str:
    """What a key goes by, in words."""
    fields = [one for one in entity.fields if one.name == key.name or one.db_column in key.columns]
    return str(fields[0].title) if fields else key.name


def keys_to_choose(target: ImportTarget) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Entities that can be recognised in more than one way (name and title), with these ways."""
    return [
        (entity.name, entity_title(entity), [(f"{entity.name}.{key.name}", key_title(entity, key)) for key in entity.keys])
        for entity in target.entities
        if len(entity.keys) > 1
    ]


def keys_in_use(plan: Plan, entity: Entity) -> str:
    """How records of an entity are recognised in this plan: 客户编号, 信用代码."""
    return _("，").join(key_title(entity, key) for key in plan.keys(entity))


def phase_words(run: ImportRun, target: ImportTarget | None) -> str:
    """What the worker is doing now."""
    phase = str(run.progress.get("phase", "wait"))
    if run.state in (State.NEW, State.CHECKED):
        phase = "wait"
    if phase == "read" and run.progress.get("total") and run.progress.get("done", 0) >= run.progress["total"]:
        phase = "compare"
    if phase in PHASES:
        return str(PHASES[phase])
    entity = next((one for one in target.entities if one.name == phase), None) if target else None
    return _("正在写入%(entity)s") % {"entity": entity_title(entity)} if entity else _("正在更新合计和搜索")


def warning_words(codes: tuple[str, ...] | list[str], merged: Any = 0) -> Iterator[str]:
    """Warnings of a file, each once."""
    for code in dict.fromkeys(codes):
        kind, _colon, name = code.partition(":")
        words = WARNINGS.get(kind)
        yield str(words) % {"name": name, "count": merged} if words else code


def told(refusal: Refused, target: ImportTarget | None) -> str:
    """A refusal of the whole file, with fields and delimiters named as people know them."""
    facts: dict[str, object] = dict(refusal.facts)
    if target:
        for name in ("field", "key", "fields"):
            if name in facts:
                facts[name] = _("，").join(_one_title(target, path) for path in str(facts[name]).split(", "))
    for name in ("given", "found"):
        known = next((words for sign, words in DELIMITERS.values() if sign == facts.get(name)), None)
        facts |= {name: known} if known else {}
    return in_words(Refused(refusal.code, **facts))


def _one_title(target: ImportTarget, path: str) -> str:
    name, _dot, rest = path.partition(".")
    entity = next((one for one in target.entities if one.name == name), None)
    if entity is None or target.find(path):
        return field_title(target, path)
    found = next((one for one in entity.fields if one.db_column == rest), None)
    key = next((one for one in entity.keys if one.name == rest or rest in one.columns), None)
    return field_title(target, f"{name}.{found.name}") if found else key_title(entity, key) if key else path


def failure_of(run: ImportRun) -> str:
    """Why a run stopped, in words."""
    facts: Mapping[str, str] = run.error_facts
    return told(Refused(run.error_code, **facts), find_target(run.target)) if run.error_code else ""
