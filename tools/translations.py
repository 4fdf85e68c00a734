"""Words of the screens: Chinese in the source, English in locale/en.

`translations.py` collects every text from Python and templates into django.po and compiles django.mo.
`--missing` prints as JSON what has no English yet; `--fill FILE` takes such a JSON object back, with the English in it.
`--check` changes nothing and fails when a text has no English, lost a placeholder, or the compiled file is old.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "zhike"
PO = PACKAGE / "locale" / "en" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
# Functions that mark a text, and what their first arguments are: context, singular, plural.
MARKS = {
    "_": "s", "gettext": "s", "gettext_lazy": "s", "gettext_noop": "s", "ngettext": "sp", "ngettext_lazy": "sp",
    "pgettext": "cs", "pgettext_lazy": "cs", "npgettext": "csp",
}  # fmt: skip
CALL = re.compile(r"\b(npgettext|pgettext|ngettext|gettext|_)\(")
LITERAL = re.compile(r"\s*u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\s*,?")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


class Text(NamedTuple):
    """A text as the source has it; plural and context are mostly empty."""

    one: str
    many: str = ""
    context: str = ""

    @property
    def name(self) -> str:
        """How the text is called in a file of translations."""
        return f"{self.context}|{self.one}" if self.context else self.one


def text_of(mark: str, values: list[str]) -> Text | None:
    """The text that a call marks; None when its arguments are no plain texts."""
    roles = MARKS[mark]
    if len(values) < len(roles) or not all(values):
        return None
    given = dict(zip(roles, values, strict=False))
    return Text(given["s"], given.get("p", ""), given.get("c", ""))


def collect() -> dict[Text, set[str]]:
    """Every text with the files it stands in."""
    found: dict[Text, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if not {"tests", "migrations", "testing"} & set(path.parts):
            for key in _in_python(path.read_text()):
                found.setdefault(key, set()).add(path.relative_to(ROOT).as_posix())
    for path in sorted(PACKAGE.rglob("*.html")):
        for key in _in_template(path.read_text()):
            found.setdefault(key, set()).add(path.relative_to(ROOT).as_posix())
    return found


def _in_python(source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and names.get(node.func.id) in MARKS:
            values = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if text := text_of(names[node.func.id], values):
                yield text


def _in_template(source: str) -> Iterator[Text]:
    # Django turns the template into calls of gettext, so that its own rules of trimming and escaping hold.
    python = templatize(source)
    for call in CALL.finditer(python):
        values: list[str] = []
        place = call.end()
        while literal := LITERAL.match(python, place):
            values.append(ast.literal_eval(literal[1]))
            place = literal.end()
        if text := text_of(call[1], values):
            yield text


def load() -> Catalog:
    """The catalogue as it is kept."""
    if not PO.exists():
        return Catalog(locale="en", domain="django", project="Zhike", fuzzy=False, charset="utf-8")
    with PO.open("rb") as file:
        return read_po(file, locale="en", domain="django")


def renewed(old: Catalog, texts: dict[Text, set[str]], english: dict[str, Any]) -> Catalog:
    """A catalogue of exactly these texts, with the English that is known."""
    new = Catalog(locale="en", domain="django", project="Zhike", fuzzy=False, charset="utf-8", creation_date=old.creation_date)
    for text in sorted(texts):
        kept = old.get(text.one, text.context or None)
        given = english.get(text.name) or (kept.string if kept else "")
        if text.many:
            given = tuple(given) if isinstance(given, list | tuple) else (given, given)
        key = (text.one, text.many) if text.many else text.one
        new.add(key, given, locations=[(path, 0) for path in sorted(texts[text])], context=text.context or None)
    new.revision_date = old.revision_date
    return new


def texts_of(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string]


def problems(catalogue: Catalog) -> Iterator[str]:
    """What is wrong with the English: missing, or with other placeholders than the Chinese."""
    for message in catalogue:
        if not message.id:
            continue
        source = message.id if isinstance(message.id, str) else message.id[1]
        for text in texts_of(message):
            if not text:
                yield f"no English: {source}"
            elif set(PLACEHOLDER.findall(source)) != set(PLACEHOLDER.findall(text)):
                yield f"placeholders differ: {source} | {text}"


def rendered(catalogue: Catalog) -> tuple[bytes, bytes]:
    """The two files as they should be."""
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalogue, width=120, include_lineno=False, ignore_obsolete=True, sort_output=False)
    write_mo(mo, catalogue)
    return po.getvalue(), mo.getvalue()


def main(arguments: list[str]) -> int:
    """Collect, fill or check; 1 when something is missing."""
    english = json.loads(Path(arguments[arguments.index("--fill") + 1]).read_text()) if "--fill" in arguments else {}
    catalogue = renewed(load(), collect(), english)
    if "--missing" in arguments:
        kept = {(m.id if isinstance(m.id, str) else m.id[0], m.context or "") for m in catalogue if m.id and not all(texts_of(m))}
        names = {text.name: "" for text in sorted(collect()) if (text.one, text.context) in kept}
        print(json.dumps(names, ensure_ascii=False, indent=0))
        return 0
    po, mo = rendered(catalogue)
    wrong = list(problems(catalogue))
    if "--check" in arguments:
        stale = not (PO.exists() and MO.exists() and PO.read_bytes() == po and MO.read_bytes() == mo)
        wrong += ["django.po or django.mo is old: run tools/translations.py"] if stale else []
    else:
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(po)
        MO.write_bytes(mo)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
