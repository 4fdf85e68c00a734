"""`zhike export`: records to a file, as the lists export them."""

import time
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from zhike.server.cli.context import json_option, with_company
from zhike.server.companies import Company
from zhike.server.console import say, show, show_json, words
from zhike.server.processes import ServerError

_FORMATS = ("csv", "xlsx", "parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written where."""

    object: str
    file: str
    format: str
    rows: int
    seconds: float


@click.command(
    help=words(
        zh="导出为文件，例如：zhike export customers 客户.xlsx --filter grade.in=key --filter sales.ge=50000",
        en="Write records to a file: zhike export customers out.xlsx --filter grade.in=key --filter sales.ge=50000",
    )
)
@click.argument("object_name", metavar="OBJECT")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "kind", type=click.Choice(_FORMATS), help=words(zh="格式；默认按文件名", en="Format; default: by the file's name")
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="name.op=value",
    help=words(zh="条件，同列表网址里的写法，可多个", en="Condition as in the address of the list, may be repeated"),
)
@click.option("--columns", help=words(zh="列，用逗号分开；默认同列表", en="Columns, separated by commas; default: those of the list"))
@click.option("--sort", help=words(zh="排序，如 -sales", en="Order, such as -sales"))
@json_option
@with_company
def export(company: Company, /, as_json: bool, **wish: Any) -> None:
    """Write the file and say how many rows went into it."""
    wanted = _Wish(**wish)
    began = time.monotonic()
    say(zh=f"导出“{company.name}”的 {wanted.object_name}……", en=f"Exporting {wanted.object_name} of {company.name} …")
    rows = _write(wanted)
    seconds = round(time.monotonic() - began, 2)
    done = Exported(object=wanted.object_name, file=str(wanted.file), format=wanted.format, rows=rows, seconds=seconds)
    if as_json:
        show_json(asdict(done))
    else:
        show(zh=f"已导出 {rows:,} 行：{wanted.file}", en=f"Wrote {rows:,} rows to {wanted.file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What was asked on the command line."""

    object_name: str
    file: Path
    kind: str | None
    filters: tuple[str, ...]
    columns: str | None
    sort: str | None

    @property
    def format(self) -> str:
        by_name = self.file.suffix[1:].lower()
        return self.kind or (by_name if by_name in _FORMATS else "csv")

    @property
    def params(self) -> dict[str, str]:
        found = {name: value for name, _, value in (item.partition("=") for item in self.filters)}
        return found | ({"sort": self.sort} if self.sort else {})


def _write(wish: _Wish) -> int:
    """Raises `export_object_unknown`, `export_columns_unknown` and `export_refused`. Models are loaded only now."""
    registry, pages, screen = (import_module(f"zhike.kernel.{name}") for name in ("registry", "lists.pages", "screens.export"))
    actors, errors = import_module("zhike.kernel.actor"), import_module("zhike.kernel.errors")
    spec: Any = registry.objects.by_slug(wish.object_name)
    if spec is None:
        raise ServerError("export_object_unknown", object=wish.object_name, objects=", ".join(one.slug for one in registry.objects))
    columns = [path for path in (wish.columns or "").split(",") if path]
    unknown = [path for path in columns if spec.column(path) is None]
    if unknown:
        raise ServerError("export_columns_unknown", columns=", ".join(unknown), known=", ".join(one.path for one in spec.columns))
    query = "&".join(f"{name}={value}" for name, value in wish.params.items())
    try:
        listing = pages.listing(spec, actors.SYSTEM.because("zhike export", source="cli"), wish.params, "export")
        rows: int = screen.write_export(listing, spec.shown(columns), wish.format, wish.file, filters=f"?{query}" if query else "")
    except errors.Refused as refusal:
        raise ServerError("export_refused", detail=str(refusal)) from refusal
    return rows
