"""A small language over the fields of one record: read with Python's grammar, checked against a list, never run as code.

Numbers are exact decimals; a division is rounded to ten places, and by zero it is empty. What is empty stays empty in
sums and comparisons, as NULL does in SQL, so that a formula says the same in Python and in the database.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.utils.translation import get_language

from zhike.kernel.errors import Refused

ValueKind = Literal["number", "text", "date", "yes_no"]
LONGEST = 500
DEEPEST = 30
BINARY: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARE: Mapping[type[ast.cmpop], str] = {ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
# What may be written for a function, in both languages.
NAMES = {
    "if_": "if", "如果": "if", "round": "round", "四舍五入": "round", "days": "days", "相差天数": "days", "today": "today", "今天": "today",
    "join": "join", "连接": "join", "and_": "and", "并且": "and", "or_": "or", "或者": "or", "not_": "not", "不是": "not",
}  # fmt: skip
# `if(` where a value is expected is the function; in "a and (b)" and "a if (b)" the word is an operator.
FUNCTION = re.compile(r"(^\s*|[(,=<>+\-*/]\s*|\b(?:and|or|not)\s+)(if|and|or)\s*\(")
SIGNS = str.maketrans("（），；＋－×÷＜＞＝“”‘’", "(),;+-*/<>=\"\"''")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A field that formulas may read: kind of its value, expression, how a row tells it, words of a choice by its code.

    What is written may call a field and a choice in either language; what is shown, in the reader's. The words of a
    result are the Chinese ones for everybody: they are kept and found. `is_fixed` False: the value changes by itself
    (today), so no index can hold it.
    """

    name: str
    label: str
    kind: ValueKind
    sql: str
    read: Callable[[Any], Any]
    words: Mapping[str, str] | None = None
    is_fixed: bool = True
    reads: frozenset[str] = frozenset()
    label_en: str = ""
    words_en: Mapping[str, str] | None = None

    @property
    def shown(self) -> str:
        """Its label for the reader of the moment."""
        return self.label_en or self.label if _is_english() else self.label

    @property
    def shown_words(self) -> Mapping[str, str]:
        """Its choices for the reader of the moment."""
        return {**(self.words or {}), **((self.words_en or {}) if _is_english() else {})}


Fields = Mapping[str, Ref]


def _is_english() -> bool:
    return (get_language() or "").startswith("en")


def _by_label(fields: Fields) -> dict[str, str]:
    """Names of fields by their labels; a Chinese one goes before an English one."""
    return {ref.label_en: name for name, ref in fields.items() if ref.label_en} | {ref.label: name for name, ref in fields.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of a formula: what is done with which parts, and the kind of the result."""

    op: str
    kind: ValueKind
    args: tuple[Node, ...] = ()
    value: Any = None
    ref: Ref | None = None

    def walk(self) -> Iterator[Node]:
        yield self
        for part in self.args:
            yield from part.walk()

    @property
    def is_fixed(self) -> bool:
        """Whether the result follows from the record alone."""
        return all(part.op != "today" and (part.ref is None or part.ref.is_fixed) for part in self.walk())

    @property
    def reads(self) -> frozenset[str]:
        """Names of all fields read, also through other formulas."""
        refs = [part.ref for part in self.walk() if part.ref is not None]
        return frozenset({ref.name for ref in refs}.union(*(ref.reads for ref in refs)))


def parse(text: str, fields: Fields) -> Node:
    """The formula as a checked tree. Names are those of `fields`, or their labels: bare or in braces.

    Raises Refused: formula_syntax, formula_unknown (no such field or function), formula_kinds, formula_long.
    """
    if len(text) > LONGEST:
        raise Refused("formula_long", limit=LONGEST)
    try:
        tree = ast.parse(_plain(text, fields).strip() or "#", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        raise Refused("formula_syntax", formula=text) from wrong
    return _Reader(fields, text).node(tree.body, 0)


def _plain(text: str, fields: Fields) -> str:
    """Braces, Chinese signs, a single `=` and `if(` as Python's grammar wants them; what stands in quotes stays."""
    by_label = _by_label(fields)
    kept: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        part = found.group()
        if part[0] != "{":
            kept.append(repr(part[1:-1]))
            return f"\x02{len(kept) - 1}\x02"
        inner = part[1:-1].strip()
        name = inner if inner in fields else by_label.get(inner)
        if name is None:
            raise Refused("formula_unknown", name=inner, formula=text)
        return f" {name} "

    bare = re.sub(r"\"[^\"]*\"|'[^']*'|\{[^{}]*\}", put_aside, _quotes(text.replace("\x02", "")))
    bare = bare.translate(SIGNS).replace("<>", "!=").replace("≥", ">=").replace("≤", "<=").replace("\n", " ")
    bare = re.sub(r"(?<![<>=!])=(?!=)", "==", bare)
    while (named := FUNCTION.sub(r"\1\2_(", bare)) != bare:  # again for one function right inside another
        bare = named
    return re.sub("\x02(\\d+)\x02", lambda found: kept[int(found.group(1))], bare)


def _quotes(text: str) -> str:
    return re.sub("[“”]", '"', re.sub("[‘’]", "'", text))


class _Reader:
    """Turns Python's tree into nodes, refusing whatever is not in the language."""

    def __init__(self, fields: Fields, text: str) -> None:
        self.fields, self.text = fields, text
        self.by_label = _by_label(fields)

    def node(self, tree: ast.expr, depth: int) -> Node:
        if depth > DEEPEST:
            raise Refused("formula_long", limit=LONGEST)
        known: Mapping[type[ast.expr], Callable[[Any, int], Node]] = {
            ast.Constant: self._literal, ast.Name: self._name, ast.BinOp: self._binary, ast.UnaryOp: self._unary,
            ast.BoolOp: self._logic, ast.Compare: self._compare, ast.Call: self._call, ast.IfExp: self._choice,
        }  # fmt: skip
        make = known.get(type(tree))
        if make is None:
            raise Refused("formula_syntax", formula=self.text)
        return make(tree, depth + 1)

    def _literal(self, tree: ast.Constant, depth: int) -> Node:
        del depth
        if isinstance(tree.value, bool):
            return Node(op="lit", kind="yes_no", value=tree.value)
        if isinstance(tree.value, int | float):
            # The digits as they were typed: a float would already have lost some.
            typed = ast.unparse(tree)
            number = Decimal(typed)
            if not number.is_finite() or abs(number) >= Decimal(10) ** 14:
                raise Refused("formula_syntax", formula=self.text)
            return Node(op="lit", kind="number", value=number)
        if isinstance(tree.value, str) and "\x00" not in tree.value and "\x01" not in tree.value:
            return Node(op="lit", kind="text", value=tree.value)
        raise Refused("formula_syntax", formula=self.text)

    def _name(self, tree: ast.Name, depth: int) -> Node:
        del depth
        ref = self.fields.get(tree.id) or self.fields.get(self.by_label.get(tree.id, ""))
        if ref is None:
            raise Refused("formula_unknown", name=tree.id, formula=self.text)
        return Node(op="field", kind=ref.kind, value=ref.name, ref=ref)

    def _binary(self, tree: ast.BinOp, depth: int) -> Node:
        op = BINARY.get(type(tree.op))
        if op is None:
            raise Refused("formula_syntax", formula=self.text)
        return Node(op=op, kind="number", args=self._args([tree.left, tree.right], depth, "number"))

    def _unary(self, tree: ast.UnaryOp, depth: int) -> Node:
        if isinstance(tree.op, ast.Not):
            return Node(op="not", kind="yes_no", args=self._args([tree.operand], depth, "yes_no"))
        if not isinstance(tree.op, ast.USub):
            raise Refused("formula_syntax", formula=self.text)
        return Node(op="neg", kind="number", args=self._args([tree.operand], depth, "number"))

    def _logic(self, tree: ast.BoolOp, depth: int) -> Node:
        op = "and" if isinstance(tree.op, ast.And) else "or"
        return Node(op=op, kind="yes_no", args=self._args(tree.values, depth, "yes_no"))

    def _compare(self, tree: ast.Compare, depth: int) -> Node:
        op = COMPARE.get(type(tree.ops[0]))
        if op is None or len(tree.ops) != 1:
            raise Refused("formula_syntax", formula=self.text)
        left, right = self.node(tree.left, depth), self.node(tree.comparators[0], depth)
        left, right = _as_code(left, right), _as_code(right, left)
        if left.kind != right.kind or (left.kind == "yes_no" and op not in ("=", "!=")):
            raise Refused("formula_kinds", formula=self.text)
        return Node(op=op, kind="yes_no", args=(left, right))

    def _choice(self, tree: ast.IfExp, depth: int) -> Node:
        return self._if([tree.test, tree.body, tree.orelse], depth)

    def _if(self, parts: list[ast.expr], depth: int) -> Node:
        if len(parts) != 3:
            raise Refused("formula_syntax", formula=self.text)
        (test,) = self._args(parts[:1], depth, "yes_no")
        one, other = (_in_words(self.node(part, depth)) for part in parts[1:])
        if one.kind != other.kind:
            raise Refused("formula_kinds", formula=self.text)
        return Node(op="if", kind=one.kind, args=(test, one, other))

    def _call(self, tree: ast.Call, depth: int) -> Node:
        name = NAMES.get(tree.func.id) if isinstance(tree.func, ast.Name) else None
        if name is None or tree.keywords:
            raise Refused("formula_unknown", name=ast.unparse(tree.func), formula=self.text)
        if name == "if":
            return self._if(tree.args, depth)
        if name == "join":
            parts = tuple(_in_words(self.node(part, depth)) for part in tree.args)
            if not parts or any(part.kind not in ("text", "number") for part in parts):
                raise Refused("formula_kinds", formula=self.text)
            return Node(op="join", kind="text", args=parts)
        kind, takes, counts = _FUNCTIONS[name]
        if len(tree.args) not in counts:
            raise Refused("formula_syntax", formula=self.text)
        args = self._args(tree.args, depth, takes)
        if name == "round" and len(args) == 2 and not _is_places(args[1]):
            raise Refused("formula_syntax", formula=self.text)
        return Node(op=name, kind=kind, args=args)

    def _args(self, trees: list[ast.expr], depth: int, kind: ValueKind) -> tuple[Node, ...]:
        found = tuple(self.node(tree, depth) for tree in trees)
        if any(part.kind != kind for part in found):
            raise Refused("formula_kinds", formula=self.text)
        return found


_FUNCTIONS: Mapping[str, tuple[ValueKind, ValueKind, range]] = {
    "round": ("number", "number", range(1, 3)),
    "days": ("number", "date", range(2, 3)),
    "today": ("date", "date", range(1)),
    "and": ("yes_no", "yes_no", range(1, 20)),
    "or": ("yes_no", "yes_no", range(1, 20)),
    "not": ("yes_no", "yes_no", range(1, 2)),
}


def _is_places(node: Node) -> bool:
    return node.op == "lit" and isinstance(node.value, Decimal) and node.value == int(node.value) and 0 <= node.value <= 10


def _as_code(node: Node, beside: Node) -> Node:
    """A word compared with a choice stands for its code."""
    if node.op != "lit" or node.kind != "text" or beside.ref is None or beside.ref.words is None:
        return node
    codes = {word: code for words in (beside.ref.words_en or {}, beside.ref.words) for code, word in words.items()}
    return Node(op="lit", kind="text", value=codes.get(node.value, node.value))


def _in_words(node: Node) -> Node:
    """A choice as a result is told by its word."""
    return Node(op="word", kind="text", args=(node,), value=node.ref.words) if node.ref and node.ref.words is not None else node


def stored(text: str, fields: Fields) -> str:
    """The formula as it is kept: fields by their names, which do not change, in braces."""
    node = parse(text, fields)
    return written(node, lambda ref: ref.name, as_words=False)


def in_words(text: str, fields: Fields) -> str:
    """A kept formula as people read it: fields by their labels."""
    return written(parse(text, fields), lambda ref: ref.shown)


def written(node: Node, name: Callable[[Ref], str], *, as_words: bool = True) -> str:
    """A tree as text again, with as few brackets as it can bear; choices by their words, or by their codes, which do not change."""
    if node.op == "lit":
        return _literal_text(node)
    if node.op == "field":
        assert node.ref is not None
        return "{" + name(node.ref) + "}"
    if node.op == "word":
        return written(node.args[0], name, as_words=as_words)
    parts = [written(part, name, as_words=as_words) for part in (_words_again(node) if as_words else node).args]
    if node.op in _RANKS and len(parts) > 1:
        return f" {node.op} ".join(
            _bracketed(text, part, node, place) for place, (text, part) in enumerate(zip(parts, node.args, strict=True))
        )
    if node.op == "neg":
        return f"-({parts[0]})" if node.args[0].op in _RANKS else f"-{parts[0]}"
    return f"{node.op}({', '.join(parts)})"


_RANKS = {"or": 1, "and": 2, **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), 3), "+": 4, "-": 4, "*": 5, "/": 5}


def _bracketed(text: str, part: Node, above: Node, place: int) -> str:
    rank, own = _RANKS.get(part.op, 9), _RANKS[above.op]
    needs = rank < own or (rank == own and (place > 0 or own == 3))
    return f"({text})" if needs else text


def _words_again(node: Node) -> Node:
    """Codes in comparisons with a choice as their words."""
    if node.op not in COMPARE.values():
        return node
    refs = [part.ref for part in node.args if part.ref is not None and part.ref.words is not None]
    if not refs:
        return node
    known = refs[0].shown_words
    args = tuple(Node(op="lit", kind="text", value=known.get(part.value, part.value)) if part.op == "lit" else part for part in node.args)
    return Node(op=node.op, kind=node.kind, args=args)


def _literal_text(node: Node) -> str:
    if isinstance(node.value, Decimal):
        return format(node.value, "f")
    if isinstance(node.value, bool):
        return str(node.value)
    return f"'{node.value}'" if '"' in node.value else f'"{node.value}"'
