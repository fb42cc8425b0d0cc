"""The board as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from urllib.parse import quote

from tabulate import tabulate

from urbanbench.board.layout import Board, Entry, Picture, Section, Table
from urbanbench.board.leading import BEST, TIED
from urbanbench.board.text import one_line

__all__ = ["to_markdown"]

_WRAP = {BEST: ("**<ins>", "</ins>**"), TIED: ("**", "**"), "": ("", "")}
_WIDE = 200
_PAD, _RULE = re.compile(" {2,}"), re.compile("-{4,}")
_ACTIVE = re.compile(r"([\\`*\[\]|~#!$])|(?<![^\W_])(_)|(_)(?![^\W_])")


def to_markdown(board: Board) -> str:
    """Print a board; means not separable from the best are bold, the best is underlined with <ins> too."""
    footer = "\n".join(f"- {_escape(sentence)}" for sentence in board.footer)
    parts = [
        f"# {_escape(board.title)}",
        _entry(board.back) if board.back else "",
        _escape(board.lead),
        *(_section(section) for section in board.sections),
        footer,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> str:
    parts = [f"## {_escape(section.title)}", _escape("; ".join(section.facts))]
    parts.extend(f"> **Warning:** {_escape(warning)}" for warning in section.warnings)
    parts.extend(_table(table) for table in section.tables)
    parts.extend(_picture(picture) for picture in section.pictures)
    return "\n\n".join(part for part in parts if part)


def _table(table: Table) -> str:
    body = _brief(
        tabulate(
            [[_entry(entry) for entry in line.entries] for line in table.lines],
            headers=[_escape(column.title) for column in table.columns],
            tablefmt="pipe",
            colalign=["right" if column.number else "left" for column in table.columns]
            if table.lines
            else None,
            disable_numparse=True,
        )
    )
    caption = "; ".join([table.title, *table.units()])
    return f"### {_escape(caption)}\n\n{body}"


def _brief(body: str) -> str:
    """Return a table without what pads its cells, where its lines are too long to be read as they stand."""
    head, rule, *lines = body.split("\n")
    if len(head) <= _WIDE:
        return body
    return "\n".join(_PAD.sub(" ", line) for line in (head, _RULE.sub("---", rule), *lines))


def _picture(picture: Picture) -> str:
    title = _escape(picture.title)
    return (
        f"![{title}](<{_address(picture.source)}>)\n\n*{title}*" if picture.source else f"*Figure: {title}*"
    )


def _entry(entry: Entry) -> str:
    before, after = _WRAP[entry.mark]
    text = f"[{_escape(entry.text)}](<{_address(entry.link)}>)" if entry.link else _escape(entry.text)
    return f"{before}{text}{after}" if entry.text else ""


def _address(place: str) -> str:
    return quote(place, safe="/:.")


def _escape(text: str) -> str:
    """Make text stand for itself: one line, no markup, no HTML."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ACTIVE.sub(lambda found: f"\\{found.group(0)}", line)
