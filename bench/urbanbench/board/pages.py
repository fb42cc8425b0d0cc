"""A board in several pages: one for each city and task, and one that leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from urbanbench.board import EMPTY, printer
from urbanbench.board.assemble import assemble
from urbanbench.board.blocks import Group, make_groups
from urbanbench.board.footer import footer
from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.overview import overview
from urbanbench.board.rows import read_rows
from urbanbench.errors import UnknownName
from urbanbench.result import safe_name

__all__ = ["FRONT", "render_pages"]

FRONT = {"md": "README.md", "html": "index.html"}
"""Formats that pages are made in, and the name of the page that leads to the others."""

_BACK = "All tables"


def render_pages(
    results: Sequence[Mapping[str, Any]],
    *,
    format: str,  # noqa: A002 - the word of the command line
    published: bool = False,
    each_training: bool = False,
) -> dict[str, str]:
    """Write results as linked pages, so that none is too long for a browser or for what shows a repository's Markdown.

    Parameters
    ----------
    results, published, each_training
        As `urbanbench.board.render` takes them. Rows and marks are those of the board of all results; each page says how to read what stands on it.
    format
        "md" or "html".

    Returns
    -------
    dict
        Path in the folder ("README.md", "singapore/popdensity.md") to the page's text, the page that leads to the others first.

    Raises
    ------
    UnknownName
        A format without pages.
    BadInput
        A result that is not of schema 1.
    """
    if format not in FRONT:
        raise UnknownName("format of pages", format, tuple(FRONT))
    write = printer(format)
    groups = make_groups(read_rows(results), each_training=each_training)
    pages = _pages(groups, format)
    written = {FRONT[format]: write(_front(groups, pages, format, published))}
    for place, members in pages.items():
        page = assemble(
            members,
            title=_title(members),
            metrics=None,
            published=published,
            back=Entry(_BACK, link=f"../{FRONT[format]}"),
        )
        written[place] = write(page)
    return written


def _pages(groups: Sequence[Group], format: str) -> dict[str, list[Group]]:  # noqa: A002 - as above
    """Return the groups of every page; tasks whose names make one file name share a page."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(_place(group, format), []).append(group)
    return found


def _title(groups: Sequence[Group]) -> str:
    return ", ".join(dict.fromkeys(f"{one.city} · {one.task}" for one in groups))


def _place(group: Group, format: str) -> str:  # noqa: A002 - as above
    return f"{safe_name(group.city)}/{safe_name(group.task)}.{format}"


def _front(
    groups: Sequence[Group],
    pages: Mapping[str, Sequence[Group]],
    format: str,  # noqa: A002 - as above
    published: bool,
) -> Board:
    first = overview(groups, place_of=lambda one: _place(one, format))
    sections = [*([_contents(pages)] if pages else []), *([first] if first else [])]
    said = tuple(footer(groups, published=published)) if groups else ()
    return Board("Leaderboard", "" if groups else EMPTY, tuple(sections), said)


def _contents(pages: Mapping[str, Sequence[Group]]) -> Section:
    columns = (
        Column("city and task"),
        Column("splits and protocols"),
        Column("tables", number=True),
        Column("rows", number=True),
    )
    lines = []
    for place, groups in pages.items():
        counts = (sum(len(one.blocks) for one in groups), sum(len(one.rows) for one in groups))
        entries = (
            Entry(_title(groups), link=place),
            Entry(", ".join(dict.fromkeys(one.split for one in groups))),
            *(Entry(str(count), value=count) for count in counts),
        )
        lines.append(Line("model", entries))
    facts = ("a page has all tables of its city and task, whatever the split, and says how to read them",)
    return Section("Pages", facts, (), (Table("Every city and task", columns, tuple(lines)),))
