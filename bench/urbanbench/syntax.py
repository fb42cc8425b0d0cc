"""Syntax trees as text that every supported Python writes alike, to be hashed."""

from __future__ import annotations

import ast
import unicodedata
from typing import Any

__all__ = ["syntax_text"]

_MAY_BE_NONE = frozenset({("Constant", "value"), ("MatchSingleton", "value")})
"""Fields whose None is a value; any other None stands for what is not there."""
_ABSENT_IF_EMPTY = frozenset({"type_params"})
"""Lists that came after Python 3.11."""
_LONG_BITS = 10_000
"""Longer whole numbers are written in hexadecimal: Python refuses to write them in digits."""

_Part = ast.AST | str


def syntax_text(tree: ast.AST) -> str:
    """Write a syntax tree in one line, the same under every Python that can read its source.

    The text is that of `ast.dump` in Python 3.11, so hashes of before hold. Later versions added fields, leave empty lists out of the dump and know more
    characters as printable; here a field that came later is left out where it is empty, and characters that Unicode 3.2 did not have are written by
    their number. Texts between the braces of an f-string are joined however a parser cut them.

    Examples
    --------
    >>> syntax_text(ast.parse("f(x)").body[0])
    "Expr(value=Call(func=Name(id='f', ctx=Load()), args=[Name(id='x', ctx=Load())], keywords=[]))"
    """
    written: list[str] = []
    left: list[_Part] = [tree]
    while left:
        one = left.pop()
        if isinstance(one, str):
            written.append(one)
        else:
            left.extend(reversed(_parts_of(one)))
    return "".join(written)


def _parts_of(node: ast.AST) -> list[_Part]:
    """Return the text of a node, with its children in their places."""
    kind = type(node).__name__
    fields = [(name, getattr(node, name, None)) for name in node._fields]
    shown = [
        [
            f"{name}=",
            *_value(_whole_texts(value) if kind == "JoinedStr" and isinstance(value, list) else value),
        ]
        for name, value in fields
        if not _is_absent(kind, name, value)
    ]
    return [f"{kind}(", *_listed(shown), ")"]


def _is_absent(kind: str, name: str, value: Any) -> bool:
    if value is None:
        return (kind, name) not in _MAY_BE_NONE
    return name in _ABSENT_IF_EMPTY and not value


def _value(value: Any) -> list[_Part]:
    if isinstance(value, ast.AST):
        return [value]
    if isinstance(value, list):
        return ["[", *_listed([_value(one) for one in value]), "]"]
    return [_constant(value)]


def _listed(items: list[list[_Part]]) -> list[_Part]:
    """Put commas between items."""
    return [part for number, item in enumerate(items) for part in (", " if number else "", *item)]


def _constant(value: Any) -> str:
    """Write a constant as `repr` does, but for what that writes differently in different Pythons."""
    if isinstance(value, str):
        return "".join(map(_sign, repr(value)))
    if isinstance(value, int) and value.bit_length() > _LONG_BITS:
        return hex(value)
    return repr(value)


def _sign(sign: str) -> str:
    if sign.isascii() or unicodedata.ucd_3_2_0.category(sign) != "Cn":
        return sign
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _whole_texts(values: list[ast.expr]) -> list[ast.expr]:
    """Join neighbouring texts of an f-string, and leave empty ones out."""
    found: list[ast.expr] = []
    for one in values:
        text = one.value if isinstance(one, ast.Constant) else None
        if not isinstance(text, str):
            found.append(one)
        elif text and found and isinstance(last := found[-1], ast.Constant):
            found[-1] = ast.Constant(str(last.value) + text, kind=last.kind)
        elif text:
            found.append(one)
    return found
