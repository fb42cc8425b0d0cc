"""The board as one self-contained HTML page that opens from a file, in light and dark, and reads well without its script."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from urbanbench.board.layout import Board, Column, Entry, Line, Picture, Section, Table
from urbanbench.board.page_parts import SCRIPT, STYLE
from urbanbench.board.text import one_line

__all__ = ["to_html"]

_SORTED = ("model", "floor", "elsewhere")
"""Kinds of lines that stand in the order of their scores and that sorting moves; the others stay below."""


def to_html(board: Board) -> str:
    """Print a board.

    Every text is escaped, and the page's policy allows only its own style and script, by their hashes, and pictures that
    stand in the page itself.
    """
    body = [f"<h1>{_text(board.title)}</h1>"]
    if board.back:
        body.append(f"<p>{_linked(board.back)}</p>")
    if board.lead:
        body.append(f"<p>{_text(board.lead)}</p>")
    anchors = _anchors(board.sections)
    sections = [_section(section, anchor) for section, anchor in zip(board.sections, anchors, strict=True)]
    # what the board says stands in front, the list of where to find it after its first section
    contents = [_contents(board.sections, anchors)] if len(sections) > 1 else []
    body.extend([*sections[:1], *contents, *sections[1:]])
    if board.footer:
        sentences = "\n".join(f"<li>{_text(sentence)}</li>" for sentence in board.footer)
        body.append(f"<footer><h2>How to read this</h2>\n<ul>\n{sentences}\n</ul></footer>")
    return (
        "\n".join([*_head(board), "<body>", *body, f"<script>{SCRIPT}</script>", "</body>", "</html>"]) + "\n"
    )


def _head(board: Board) -> list[str]:
    pictures = "img-src data:; " if any(section.pictures for section in board.sections) else ""
    policy = f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; {pictures}base-uri 'none'; form-action 'none'"
    return [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(board.title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
    ]


def _hash(part: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(part.encode()).digest()).decode()}"


def _contents(sections: Sequence[Section], anchors: Sequence[str]) -> str:
    links = "\n".join(
        f'<li><a href="#{anchor}">{_text(section.title)}</a></li>'
        for section, anchor in zip(sections, anchors, strict=True)
    )
    return f'<nav aria-label="Contents"><h2>Contents</h2><ul>\n{links}\n</ul></nav>'


def _anchors(sections: Sequence[Section]) -> list[str]:
    """Return a name for each section, its title's letters and digits, which stays whatever else is on the page; a second alike title has a 2 behind."""
    found: list[str] = []
    for section in sections:
        letters = (sign if sign.isascii() and sign.isalnum() else " " for sign in section.title.lower())
        name = "-".join("".join(letters).split()) or "section"
        same = sum(one == name or one.rpartition("--")[0] == name for one in found)
        found.append(f"{name}--{same + 1}" if same else name)
    return found


def _section(section: Section, anchor: str) -> str:
    parts = [
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">',
        f'<h2 id="{anchor}-title">{_text(section.title)}</h2>',
    ]
    parts.append(f'<p class="facts">{_text("; ".join(section.facts))}</p>')
    parts.extend(
        f'<p class="warning" role="note"><strong>Warning:</strong> {_text(one)}</p>'
        for one in section.warnings
    )
    parts.extend(_table(table) for table in section.tables)
    parts.extend(_picture(picture) for picture in section.pictures if picture.source)
    return "\n".join([*parts, "</section>"])


def _table(table: Table) -> str:
    kept = [place for place, column in enumerate(table.columns) if not column.prose]
    head = "".join(_heading(table.columns[place]) for place in kept)
    bodies = [
        _placed([line for line in table.lines if line.kind in _SORTED], table.columns),
        [line for line in table.lines if line.kind not in _SORTED],
    ]
    rows = ["\n".join(_line(line, table.columns, kept) for line in lines) for lines in bodies if lines]
    inner = "\n".join(f"<tbody>\n{part}\n</tbody>" for part in rows)
    return (
        f'<div class="frame" tabindex="0" role="region" aria-label="{_text(table.title)}">'
        f"<table>\n<caption>{_text(table.title)}</caption>\n<thead><tr>{head}</tr></thead>\n{inner}\n</table></div>"
    )


def _placed(lines: Sequence[Line], columns: Sequence[Column]) -> list[Line]:
    """Put floors of other inputs among the others, before the first line with a worse score: nothing stands above a better floor."""
    at = next((k for k, column in enumerate(columns) if column.number and _sign(column)), None)
    placed = [line for line in lines if line.kind != "elsewhere"]
    for line in (line for line in lines if line.kind == "elsewhere"):
        value = None if at is None else line.entries[at].value
        worse = (
            k
            for k, other in enumerate(placed)
            if at is not None
            and value is not None
            and (theirs := other.entries[at].value) is not None
            and _sign(columns[at]) * theirs < _sign(columns[at]) * value
        )
        placed.insert(next(worse, len(placed)), line)
    return placed


def _sign(column: Column) -> int:
    """Return 1 of a column in which more is better, -1 where less is, 0 of others, by its arrow."""
    return {"\N{UPWARDS ARROW}": 1, "\N{DOWNWARDS ARROW}": -1}.get(column.title[-1:], 0)


def _picture(picture: Picture) -> str:
    title = _text(picture.title)
    return (
        f'<figure><img src="{_text(picture.source)}" alt="{title}"><figcaption>{title}</figcaption></figure>'
    )


def _heading(column: Column) -> str:
    return f'<th scope="col"{_class(_classes(column))}><button type="button">{_text(column.full_title)}</button></th>'


def _classes(column: Column) -> list[str]:
    named = {"number": column.number, "published-cell": column.published}
    return [name for name, holds in named.items() if holds]


def _line(line: Line, columns: Sequence[Column], kept: Sequence[int]) -> str:
    """Print a line; its notes stand under its name, where they are seen without scrolling."""
    name = line.entries[0]
    said = f"<small>{_text('; '.join(line.notes))}</small>" if line.notes else ""
    first = f'<th scope="row"{_tip(name)}><span>{_linked(name)}</span>{said}</th>'
    rest = "".join(_cell(line.entries[place], columns[place]) for place in kept[1:])
    return f'<tr class="{line.kind}">{first}{rest}</tr>'


def _cell(entry: Entry, column: Column) -> str:
    classes = [*_classes(column), *([entry.mark] if entry.mark else [])]
    value = "" if entry.value is None else f"{entry.value!r}"
    data = f' data-value="{value}"' if column.number else ""
    mark = f'<span class="spoken"> ({entry.mark})</span>' if entry.mark else ""
    return f"<td{_class(classes)}{data}{_tip(entry)}>{_linked(entry)}{mark}</td>"


def _linked(entry: Entry) -> str:
    text = _text(entry.text)
    return f'<a href="{_text(quote(entry.link, safe="/."))}">{text}</a>' if entry.link else text


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def _tip(entry: Entry) -> str:
    return f' title="{_text(entry.tip)}"' if entry.tip else ""


def _text(text: str) -> str:
    return escape(one_line(text), quote=True)
