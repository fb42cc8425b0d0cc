"""The board for a terminal: tables that fit, notes below them, and no markup."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.leading import BEST, TIED
from urbanbench.board.marks import BELOW, OWN, UNCONVERGED
from urbanbench.board.text import one_line
from urbanbench.board.versions import OLDER
from urbanbench.terminal import Cell, Head, Screen, fitting, paragraph, styled, table

__all__ = ["to_terminal"]

_SIGN = {BEST: "\N{BLACK CIRCLE}", TIED: "\N{WHITE CIRCLE}"}
"""Stand behind a number, so that a screen without styles tells the best as well."""
_STYLE = {BEST: "bold underline", TIED: "bold", "": ""}
_FAINT = frozenset({"floor", "elsewhere", "ceiling", "published", "unscored"})
_KEY = {
    _SIGN[BEST]: "best mean",
    _SIGN[TIED]: "chance does not separate it from the best",
    BELOW: "a model, learned or frozen, below the best floor of its inputs and head",
    UNCONVERGED: "not converged when its training ended",
    OLDER: "of an older version than the newest of its table",
    OWN: "your own run, from runs/",
}
_MORE = "What the columns and marks mean in full: --wide, or docs/reading_the_board.md."


def to_terminal(board: Board, screen: Screen) -> str:
    """Print a board in the width of a screen.

    Columns that have no room are left out, those that matter least first, and named below the table; a wide cell is folded. Floors stand in
    the order of scores like every row, and say in the column `kind` what they are. A screen without a width gets every column and how to read them.
    """
    parts = [styled(one_line(board.title), "bold", screen)]
    parts.extend([paragraph(one_line(board.lead), screen)] if board.lead else [])
    sections = [_section(section, screen) for section in board.sections]
    parts.extend([*sections, _foot(board, "\n".join(sections), screen)])
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section, screen: Screen) -> str:
    parts = [styled(paragraph(one_line(section.title), screen), "bold", screen)]
    if section.facts:
        parts.append(paragraph(one_line("; ".join(section.facts)), screen))
    head = "\n".join(parts)
    warnings = [paragraph(one_line(one), screen, first="Warning: ", then="  ") for one in section.warnings]
    tables = [_table(one, screen) for one in section.tables]
    pictures = [paragraph(one_line(f"Figure: {one.title}"), screen, then="  ") for one in section.pictures]
    return "\n\n".join([head, *warnings, *tables, *pictures])


def _table(made: Table, screen: Screen) -> str:
    caption = paragraph(one_line("; ".join([made.title, *made.units()])), screen)
    shown, left_out = _with_room(made, screen)
    heads = [_head(made.columns[place]) for place in shown]
    rows = [[_cell(line, place, made) for place in shown] for line in made.lines]
    notes = [
        paragraph(one_line(_note(line)), screen, first="  ", then="    ") for line in made.lines if line.notes
    ]
    if left_out:
        said = f"Without room here: {', '.join(left_out)} (--wide shows them)."
        notes.append(paragraph(said, screen, first="  ", then="    "))
    body = table(heads, rows, screen) if made.lines else ""
    return "\n".join(part for part in (caption, "", body, *notes) if part or part == "").rstrip()


def _with_room(made: Table, screen: Screen) -> tuple[list[int], list[str]]:
    """Choose the columns that fit, in their order, and name the others; prose stands below the table anyway, and what is empty nowhere."""
    shown = [
        place
        for place, column in enumerate(made.columns)
        if not column.prose and (place == 0 or any(line.entries[place].text for line in made.lines))
    ]
    left_out: list[int] = []
    while len(shown) > 1 and not fitting(*_texts(made, shown), screen.width):
        last = max(shown[1:], key=lambda place: (_loss(made.columns[place]), place))
        shown.remove(last)
        left_out.append(last)
    return shown, [made.columns[place].title for place in sorted(left_out)]


def _loss(column: Column) -> tuple[int, bool]:
    return (column.rank, not column.brief)


def _texts(made: Table, shown: Sequence[int]) -> tuple[list[Head], list[list[str]]]:
    heads = [_head(made.columns[place]) for place in shown]
    return heads, [[_cell(line, place, made).text for place in shown] for line in made.lines]


def _head(column: Column) -> Head:
    return Head(one_line(column.title), column.number)


def _cell(line: Line, place: int, made: Table) -> Cell:
    entry = line.entries[place]
    style = _STYLE[entry.mark] or ("dim" if line.kind in _FAINT else "")
    return Cell(_signed(entry, [one.entries[place] for one in made.lines]), style)


def _signed(entry: Entry, column: Sequence[Entry]) -> str:
    """Return the text of a cell with its sign; where others of the column have one, a blank keeps numbers under one another.

    A list without blanks gets some, so that it may be broken between its parts.
    """
    text = one_line(entry.text)
    text = text if " " in text else text.replace(",", ", ")
    if entry.mark:
        return f"{text} {_SIGN[entry.mark]}"
    return f"{text}  " if text and any(one.mark for one in column) else text


def _note(line: Line) -> str:
    told = "; ".join(line.notes).rstrip(".")
    return f"{line.entries[0].text.removesuffix(f' {BELOW}')}: {told}."


def _foot(board: Board, printed: str, screen: Screen) -> str:
    """Explain the signs that are printed; how to read everything else is told where there is room, and where to find it otherwise."""
    key = [f"{sign} {words}" for sign, words in _KEY.items() if sign in printed]
    lines = [paragraph("; ".join(key) + ".", screen)] if key else []
    if screen.width is None:
        lines += [f"- {one_line(sentence)}" for sentence in board.footer]
    elif board.footer:
        lines.append(paragraph(_MORE, screen))
    return "\n".join(lines)
