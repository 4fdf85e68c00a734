"""What came of a run, in counts for people and in a file of refused rows with reasons in the reader's language."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import override

from zhike.kernel.imports.building import Built
from zhike.kernel.imports.plans import Plan
from zhike.kernel.imports.refusals import Problem, RefusedRows, RefusedState, Words
from zhike.kernel.imports.staging import open_for, shown_row
from zhike.kernel.imports.tables import ImportRun
from zhike.kernel.imports.words import reason

SHOWN = 20


def words_for(language: str) -> Words:
    """Codes into words of a language."""

    def words(code: str, facts: Mapping[str, object]) -> str:
        with override(language):
            return reason(code, facts)

    return words


def parse_refusals(run: ImportRun, folder: Path) -> Path:
    """The file of rows refused while reading; written anew at each reading."""
    place = folder / "refused"
    place.mkdir(exist_ok=True)
    return place / f"{run.pk}.reading.csv"


def report(run: ImportRun, plan: Plan, built: Mapping[str, Built]) -> None:
    """Counts of what would happen or is about to happen: a record left alone counts as unchanged."""
    for name, found in built.items():
        run.counts[name] = {
            "records": found.records, "to_insert": found.new, "to_update": found.changed, "refused": found.refused,
            "unchanged": found.records - found.new - found.changed - found.refused,
        }  # fmt: skip
    main = built[plan.target.main]
    if len(plan.entities) == 1 and main.merged:
        run.report = {**run.report, "warnings": [*run.report.get("warnings", []), "merged_duplicate"], "merged": main.merged}
    _refused(run)
    run.save(update_fields=["counts", "report"])


def settle(run: ImportRun, plan: Plan) -> None:
    """Final counts: what was not written and not refused was as the file says."""
    for entity in plan.entities:
        counts = run.counts[entity.name]
        written = counts.setdefault("inserted", 0) + counts.setdefault("updated", 0)
        counts["unchanged"] = counts["records"] - written - counts["refused"]
        counts.pop("to_insert", None)
        counts.pop("to_update", None)
    _refused(run)


def _refused(run: ImportRun) -> None:
    later = Counter(run.refusals.values_list("code", flat=True))
    codes = Counter(run.counts.get("codes_reading", {})) + later
    run.counts["codes"] = dict(codes)
    run.counts["refused"] = int(run.counts.get("refused_reading", 0)) + later.total()


def write_refused(run: ImportRun, plan: Plan, source: Path, folder: Path) -> None:
    """Put rows refused while reading and those refused later into one file, in the order of the file."""
    reading = parse_refusals(run, folder)
    if not run.counts.get("refused"):
        run.refused_path = ""
        reading.unlink(missing_ok=True)
        run.save(update_fields=["refused_path", "report"])
        return
    whole = reading.with_name(f"{run.pk}.csv")
    part = whole.with_suffix(".part")
    shutil.copyfile(reading, part)
    shown = [*run.report.get("first", []), *(_append(run, plan, source, part) if run.refusals.exists() else [])]
    part.replace(whole)
    run.refused_path = str(whole.relative_to(folder))
    run.report = {**run.report, "first": sorted(shown, key=lambda row: row["row"])[:SHOWN]}
    run.save(update_fields=["refused_path", "report"])


def _append(run: ImportRun, plan: Plan, source: Path, part: Path) -> list[dict[str, Any]]:
    column_of = {path: column for column, path in plan.mapping.items()}
    state = RefusedState(bytes=part.stat().st_size)
    words = words_for(plan.options.language)
    with open_for(plan, source) as opened, RefusedRows(part, opened.columns, words=words, state=state) as file:
        for row, cells, refusal in _cells(run, opened.batches(plan.batch)):
            facts = {"detail": refusal.detail} if refusal.detail else {}
            file.add(
                row, cells, [Problem(column=column_of.get(refusal.field) or _title(plan, refusal.field), code=refusal.code, facts=facts)]
            )
        return [shown_row(row) for row in file.first]


def _title(plan: Plan, path: str) -> str:
    """A field that no column of the file fills, by its name in the product."""
    found = plan.target.find(path)
    return str(found[1].title) if found else ""


def _cells(run: ImportRun, batches: Iterator[Any]) -> Iterator[tuple[int, tuple[str | None, ...], Any]]:
    for batch in batches:
        if not batch.rows.len():
            continue
        first, last = int(batch.rows[0]), int(batch.rows[-1])
        wanted = {one.row: one for one in run.refusals.filter(row__gte=first, row__lte=last)}
        if not wanted:
            continue
        mask = batch.rows.is_in(list(wanted))
        for row, cells in zip(batch.rows.filter(mask), batch.frame.filter(mask).iter_rows(), strict=True):
            yield row, cells, wanted[row]
