"""Copy the pinned front-end packages into the product: vendor files, their licences, and the icon sprite.

Run by `make assets` after `npm ci`; the result is kept in the repository, so that running the product needs no Node.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
STATIC = ROOT / "src" / "zhike" / "kernel" / "static" / "zhike"
VENDOR = STATIC / "vendor"
ICON_LIST = ROOT / "tools" / "icons.txt"

VERBATIM = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "echarts/dist/echarts.min.js": "echarts.min.js",
}
LICENCES = {
    "@tabler/core": "MIT",
    "@tabler/icons": "MIT",
    "echarts": "Apache-2.0",
    "htmx.org": "0BSD",
}
MARK = (
    '<rect x="1" y="1" width="22" height="22" rx="6" fill="#0F766E"/>'
    '<path d="M7 6.5v11M7 13l6.2-6.2M9.6 10.6c1.2 3.6 3.6 6 7.4 6.9" fill="none" stroke="#fff" stroke-width="2" '
    'stroke-linecap="round"/><circle cx="16.4" cy="8" r="1.5" fill="#fff"/>'
)

# Only these of Tabler's classes are kept: the parts under our own tokens and the plain utilities. Everything else of
# its 620 KB (flags, payments, carousels, colour ramps) would be sent to every browser and never used.
KEPT_CLASS = re.compile(
    r"^(btn|btn-(primary|danger|secondary|outline-\w+|sm|lg|icon|link|close|group|list)|disabled|active|show|collapse|fade"
    r"|form-(control|select|label|hint|text|check|check-input|check-label|switch|fieldset|range|control-plaintext)"
    r"|form-(control|select)-(sm|lg)|form-check-inline|form-check-label-\w+|input-group|input-group-text"
    r"|(is|was)-(valid|invalid|validated)|invalid-feedback|required|row|col|col-(sm|md|lg)|col-((sm|md|lg)-)?(auto|\d+)"
    r"|container-fluid|visually-hidden|visually-hidden-focusable|stretched-link|text-(start|center|end|truncate|wrap|nowrap|break|muted|secondary)"
    r"|d-((sm|md|lg|print)-)?(none|inline|inline-block|block|grid|flex|inline-flex|table-cell)"
    r"|flex-(row|column|wrap|nowrap|fill|grow-[01]|shrink-[01])|(justify-content|align-(items|self|content))-\w+"
    r"|gap-\d|row-gap-\d|column-gap-\d|[mp][tbsexy]?-(n?\d|auto)|[wh]-(25|50|75|100|auto)|(min-)?v[wh]-100"
    r"|fs-[1-5]|fw-(normal|medium|bold)|lh-\w+|position-(relative|absolute|sticky|static)|(top|bottom|start|end)-0"
    r"|overflow-(auto|hidden|visible)|border|border-(0|top|bottom|start|end)|border-(top|bottom|start|end)-0|rounded"
    r"|bg-transparent|list-unstyled|list-inline(-item)?|opacity-\d+|order-\d|user-select-none|ratio|placeholder)$"
)
CLASS_NAME = re.compile(r"\.(-?[A-Za-z_][\w-]*)")


def blocks(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield (prelude, body) of each top-level rule of minified CSS; body is None for a statement such as @charset."""
    start = depth = opened = 0
    for at, char in enumerate(css):
        if char == "{":
            depth += 1
            opened = at if depth == 1 else opened
        elif char == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened].strip(), css[opened + 1 : at]
                start = at + 1
        elif char == ";" and depth == 0:
            yield css[start:at].strip(), None
            start = at + 1


def selectors(prelude: str) -> list[str]:
    """Split a selector list at its top-level commas, so that `:is(a, b)` stays whole."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(prelude):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(prelude[start:at])
            start = at + 1
    return [*parts, prelude[start:]]


def purge(css: str) -> str:
    """Return minified CSS without the rules whose selectors all name a class that KEPT_CLASS does not know."""
    out: list[str] = []
    for prelude, body in blocks(re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        if body is None:
            out.append(f"{prelude};")
        elif prelude.startswith(("@media", "@supports", "@layer", "@container")):
            inner = purge(body)
            out.append(f"{prelude}{{{inner}}}" if inner else "")
        elif prelude.startswith("@"):
            out.append("" if prelude.startswith("@keyframes") else f"{prelude}{{{body}}}")
        else:
            kept = [one for one in selectors(prelude) if all(map(KEPT_CLASS.match, CLASS_NAME.findall(one)))]
            out.append(f"{','.join(kept)}{{{body}}}" if kept else "")
    return "".join(out)


def write_tabler() -> None:
    """Write the purged Tabler stylesheet, keeping the notice of its licence."""
    source = (MODULES / "@tabler/core/dist/css/tabler.min.css").read_text(encoding="utf-8")
    notice = re.search(r"/\*!.*?\*/", source, flags=re.DOTALL)
    head = '@charset "UTF-8";' + (notice.group(0) if notice else "") + "\n"
    body = purge(source.replace('@charset "UTF-8";', ""))
    (VENDOR / "tabler.min.css").write_text(f"{head}{body}\n", encoding="utf-8")


def symbol(name: str) -> str:
    """Return one icon as an SVG symbol without size and stroke, which the stylesheet gives."""
    source = (MODULES / "@tabler/icons/icons/outline" / f"{name}.svg").read_text(encoding="utf-8")
    inner = re.sub(r"^.*?<svg.*?>|</svg>.*$", "", source, flags=re.DOTALL)
    inner = re.sub(r'<path stroke="none".*?/>', "", inner)
    inner = re.sub(r"\s*\n\s*", "", inner).replace(" />", "/>")
    return f'  <symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>'


def write_sprite() -> None:
    """Write icons.svg from tools/icons.txt; a name that Tabler does not know stops the run."""
    names = sorted(set(ICON_LIST.read_text(encoding="utf-8").split()))
    head = "  <!-- Subset of Tabler Icons 3 (MIT), plus the Zhike mark. Stroke and size come from .icon. -->"
    mark = f'  <symbol id="zhike" viewBox="0 0 24 24">{MARK}</symbol>'
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', head, mark, *map(symbol, names), "</svg>", ""]
    (STATIC / "icons.svg").write_text("\n".join(lines), encoding="utf-8")
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{MARK}</svg>\n'
    (STATIC / "mark.svg").write_text(picture, encoding="utf-8")


def write_licences() -> None:
    """Write vendor/README.md: what is here, which version, under which licence."""
    rows = ["| package | version | licence |", "|---|---|---|"]
    for package, licence in LICENCES.items():
        version = json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))["version"]
        rows.append(f"| {package} | {version} | {licence} |")
    text = (
        "# Third-party files\n\nWritten by `make assets` (tools/copy_assets.py); do not edit. "
        "`tabler.min.css` holds only the classes that the script names; `../icons.svg` is a subset of Tabler Icons.\n\n"
    )
    (VENDOR / "README.md").write_text(text + "\n".join(rows) + "\n", encoding="utf-8")


def main() -> int:
    """Copy everything; answer 1 when the packages are not installed."""
    if not MODULES.is_dir():
        print("node_modules is missing: run `npm ci` first", file=sys.stderr)
        return 1
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in VERBATIM.items():
        (VENDOR / target).write_bytes((MODULES / source).read_bytes())
    write_tabler()
    write_sprite()
    write_licences()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
