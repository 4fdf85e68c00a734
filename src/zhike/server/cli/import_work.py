"""What `zhike import` does once the company's database is open."""

import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import override

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.imports import running
from zhike.kernel.imports.plans import Options, target_named
from zhike.kernel.imports.tables import ImportRun, State
from zhike.kernel.imports.words import explain, reason, warning
from zhike.org.models import User
from zhike.server.console import Progress, is_chinese, say, show, show_json, show_table, words

PHASES = {
    "read": ("读取", "Reading"), "compare": ("比对", "Comparing"), "customer": ("写入客户", "Writing customers"),
    "product": ("写入产品", "Writing products"), "order": ("写入订单", "Writing orders"), "line": ("写入明细", "Writing lines"),
    "contact": ("写入联系人", "Writing contacts"), "tags": ("写入标签", "Writing tags"), "customer_facts": ("汇总客户", "Summing up customers"),
    "order_totals": ("汇总订单", "Summing up orders"), "undo": ("撤销", "Taking back"),
}  # fmt: skip
ENTITIES = {
    "customer": ("客户", "customers"), "product": ("产品", "products"), "order": ("订单", "orders"), "line": ("明细", "lines"),
    "contact": ("联系人", "contacts"), "tags": ("标签", "tags"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of the command as they were typed."""

    file: Path | None
    target: str | None
    pairs: tuple[str, ...]
    only_mapped: bool
    keys: tuple[str, ...]
    mode: Literal["insert", "update", "upsert"]
    on_refused: Literal["rest", "nothing"]
    clear_empty: bool
    owner: str | None
    sheet: str | None
    encoding: str | None
    delimiter: str | None
    language: str
    refused_to: Path | None
    dry_run: bool
    undo_id: str | None
    is_list: bool
    as_json: bool


@dataclass(slots=True)
class Steps:
    """One line of progress a phase."""

    lines: dict[str, Progress] = field(default_factory=dict)

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase not in self.lines:
            self.end()
            zh, en = PHASES.get(phase, (phase, phase))
            self.lines[phase] = Progress(zh=zh, en=en, total=max(total, 1))
        self.lines[phase].at(done)

    def end(self) -> None:
        for line in list(self.lines.values())[-1:]:
            line.end()


def run(wish: Wish) -> int:
    """Do it and answer the exit code."""
    with override("zh-hans" if is_chinese() else "en"):
        try:
            if wish.is_list:
                return _list(wish)
            return _undo(wish) if wish.undo_id else _import(wish)
        except Refused as no:
            if wish.as_json:
                show_json({"error": no.code, "facts": {k: str(v) for k, v in no.facts.items()}, "message": explain(no)})
            else:
                say(zh=f"没有导入：{explain(no)}", en=f"Nothing was imported: {explain(no)}")
            return 1


def _import(wish: Wish) -> int:
    assert wish.file is not None
    assert wish.target is not None
    options = _options(wish)
    proposal = running.propose(wish.file, wish.target, options)
    mapping = _mapping(wish, proposal.mapping)
    if not wish.as_json:
        _show_mapping(wish, proposal, mapping)
    _, digest = running.take_in(wish.file)
    found = running.unfinished(digest, wish.target, mapping, options)
    if found:
        say(zh="继续上次没有完成的导入", en="Going on with the import that was not finished")
    actor = Actor(kind="system", name="zhike import", source="cli")
    made = found or running.new_run(wish.file, target=wish.target, mapping=mapping, by=actor, options=options)
    steps = Steps()
    (running.check if wish.dry_run else running.work)(made, steps)
    steps.end()
    return _report(wish, made)


def _options(wish: Wish) -> Options:
    target = target_named(wish.target or "")
    owner = _owner(wish.owner) if wish.owner else None
    home = owner.memberships.filter(is_home=True).first() if owner else None
    return Options(
        mode=wish.mode, keys=tuple(key if "." in key else f"{target.main}.{key}" for key in wish.keys), on_refused=wish.on_refused,
        clear_empty=wish.clear_empty, owner_id=owner.pk if owner else None, team_id=home.team_id if home else None,
        language=wish.language, sheet=wish.sheet, encoding=wish.encoding, delimiter=wish.delimiter,
    )  # fmt: skip


def _owner(username: str) -> User:
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise Refused("owner_unknown", value=username)
    return found


def _mapping(wish: Wish, guessed: dict[str, str]) -> dict[str, str]:
    """What was guessed, with what was told laid over it."""
    mapping = {} if wish.only_mapped else dict(guessed)
    for pair in wish.pairs:
        column, equals, path = pair.rpartition("=")
        if not equals:
            raise Refused("map_unreadable", value=pair)
        mapping = {name: there for name, there in mapping.items() if there != path and name != column}
        if path:
            mapping[column] = path
    return mapping


def _show_mapping(wish: Wish, proposal: running.Proposal, mapping: dict[str, str]) -> None:
    why = {one.column: one for one in proposal.guesses}
    rows = []
    for column in proposal.columns:
        path = mapping.get(column, "")
        guess = why.get(column)
        how = words(zh="指定", en="told") if path and (guess is None or guess.field != path) else ""
        if path and guess and guess.field == path:
            by = words(zh="列名", en="heading") if guess.reason == "name" else words(zh="内容", en="contents")
            how = f"{by} {guess.confidence:.0%}"
        rows.append((column, path or "—", how))
    show_table((words(zh="文件的列", en="column"), words(zh="字段", en="field"), words(zh="依据", en="by")), rows)
    for code in proposal.warnings:
        say(zh=warning(code), en=warning(code))


def _report(wish: Wish, made: ImportRun) -> int:
    refused = running.refused_file_of(made)
    if refused and wish.refused_to:
        shutil.copyfile(refused, wish.refused_to)
        refused = wish.refused_to
    if wish.as_json:
        show_json({
            "run": str(made.pk), "state": made.state, "counts": made.counts, "warnings": made.report.get("warnings", []), "mapping": made.mapping,
            "first_refused": made.report.get("first", []), "refused_file": str(refused) if refused else None,
        })  # fmt: skip
    else:
        _show_counts(wish, made)
        if refused:
            _show_refused(made, refused)
        if made.state == State.DONE:
            show(zh=f"完成。撤销：zhike import --undo {made.pk}", en=f"Done. To take it back: zhike import --undo {made.pk}")
        if made.state == State.REFUSED:
            show(zh="有行被拒绝，按要求什么也没有导入。", en="Rows were refused, so nothing was imported, as asked.")
    return 1 if made.state == State.REFUSED else 0


def _show_counts(wish: Wish, made: ImportRun) -> None:
    verbs = ("to_insert", "to_update") if wish.dry_run else ("inserted", "updated")
    header = ("", "将新增", "将更新", "不变", "拒绝") if wish.dry_run else ("", "新增", "更新", "不变", "拒绝")
    if not is_chinese():
        header = (
            ("", "to insert", "to update", "unchanged", "refused") if wish.dry_run else ("", "inserted", "updated", "unchanged", "refused")
        )
    rows = []
    for name, (zh, en) in ENTITIES.items():
        counts = made.counts.get(name)
        if counts:
            rows.append((words(zh=zh, en=en), *(f"{counts.get(verb, 0):,}" for verb in (*verbs, "unchanged", "refused"))))
    show_table(header, rows)
    read, refused = made.counts.get("read", 0), made.counts.get("refused", 0)
    show(zh=f"读了 {read:,} 行，拒绝 {refused:,} 行", en=f"{read:,} rows read, {refused:,} refused")
    for code in made.report.get("warnings", []):
        say(zh=warning(code), en=warning(code))


def _show_refused(made: ImportRun, path: Path) -> None:
    for row in made.report.get("first", [])[:20]:
        why = "；".join(f"{one['column']} {reason(one['code'], one['facts'])}".strip() for one in row["problems"])
        show(zh=f"  第 {row['row']} 行：{why}", en=f"  row {row['row']}: {why}")
    show(zh=f"被拒绝的行：{path}", en=f"Refused rows: {path}")


def _undo(wish: Wish) -> int:
    try:
        made = ImportRun.objects.filter(pk=uuid.UUID(wish.undo_id)).first()
    except (ValueError, ValidationError):
        made = None
    if made is None:
        raise Refused("gone", label="kernel.importrun")
    steps = Steps()
    report = running.undo(made, Actor(kind="system", name="zhike import", source="cli"), steps)
    steps.end()
    if wish.as_json:
        show_json(report.plain())
        return 0
    show(
        zh=f"已撤销：删去 {report.removed:,}，恢复 {report.restored:,}，保留 {report.kept_count:,}（后来又改过，或还有别的记录用到）",
        en=f"Taken back: {report.removed:,} removed, {report.restored:,} restored, {report.kept_count:,} kept (changed later or still needed)",
    )
    return 0


def _list(wish: Wish) -> int:
    runs = list(ImportRun.objects.order_by("-created_at")[:50])
    rows: list[tuple[Any, ...]] = [
        (
            one.pk,
            f"{one.created_at.astimezone():%Y-%m-%d %H:%M}",
            one.target,
            one.state,
            one.counts.get("read", 0),
            one.counts.get("refused", 0),
            one.file_name,
        )
        for one in runs
    ]
    if wish.as_json:
        names = ("run", "at", "as", "state", "read", "refused", "file")
        show_json([dict(zip(names, row, strict=True)) for row in rows])
        return 0
    show_table(
        ("编号", "时间", "类型", "状态", "行", "拒绝", "文件") if is_chinese() else ("run", "at", "as", "state", "rows", "refused", "file"),
        rows,
    )
    return 0
