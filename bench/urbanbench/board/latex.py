"""The board as LaTeX tables for a paper: booktabs, one table environment a table, long ones in parts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.leading import BEST, TIED
from urbanbench.board.marks import BELOW, OWN, UNCONVERGED
from urbanbench.board.text import one_line
from urbanbench.board.versions import OLDER

__all__ = ["to_latex"]

_PREAMBLE = (
    "% Stands after \\begin{document}; needs \\usepackage{booktabs,graphicx}.\n"
    "\\providecommand{\\FloatBarrier}{\\clearpage}% package placeins has a gentler one\n"
    "\\providecommand{\\anyletter}[2]{\\ifdefined\\Umathcode #2\\else\\texttt{#1}\\fi}% xelatex and lualatex set letters of every script, given a font"
)
_SIGNS = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "%": "\\%",
    "_": "\\_",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "\N{PLUS-MINUS SIGN}": "$\\pm$",
    "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": "$\\times$",
    "\N{SUPERSCRIPT TWO}": "$^2$",
    "\N{SUPERSCRIPT THREE}": "$^3$",
    "\N{MIDDLE DOT}": "$\\cdot$",
    "\N{BULLET}": "$\\bullet$",
    "\N{DEGREE SIGN}": "$^\\circ$",
    "\N{MICRO SIGN}": "$\\mu$",
    "\N{GREEK SMALL LETTER MU}": "$\\mu$",
    "\N{GREEK CAPITAL LETTER DELTA}": "$\\Delta$",
    "\N{UPWARDS ARROW}": "$\\uparrow$",
    "\N{DOWNWARDS ARROW}": "$\\downarrow$",
    "\N{RIGHTWARDS ARROW}": "$\\rightarrow$",
    "\N{LESS-THAN OR EQUAL TO}": "$\\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": "$\\geq$",
    "\N{EN DASH}": "\\textendash{}",
    "\N{EM DASH}": "\\textemdash{}",
    "\N{HORIZONTAL ELLIPSIS}": "\\ldots{}",
    BELOW: "$\\bigtriangledown$",
    OWN: "$\\dagger$",
    UNCONVERGED: "$\\diamond$",
    OLDER: "$\\ddagger$",
}
_RANKED = ("model", "floor", "elsewhere")
_WRAP = {BEST: "\\textbf{\\underline{%s}}", TIED: "\\textbf{%s}"}
_ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"
_OTHERS = "ßæÆœŒøØåÅłŁı¡¿§¶©£‘’“”"  # noqa: RUF001 - quotation marks of names
_MOST_LINES = 36
"""Lines of a table that a page has room for, with its caption and the notes of some."""
_MOST_WIDE, _LOSABLE = 180, 2
"""Letters in a line beyond which a table is set too small to be read, and the rank from which its columns may then go."""
_MOST_NOTES = 1500
"""Letters of notes that stand in the float; more run on after it, where they may break across pages."""
_BARRIER_EVERY = 12
"""Tables after which LaTeX places all that wait: it gives up at some fifty."""


def to_latex(board: Board) -> str:
    """Print a board; columns without room in a paper are left out, their notes stand under the table.

    A table longer than a page comes in parts, and LaTeX is told to place what waits before too many do, so that a board of any length compiles.
    """
    parts = [_PREAMBLE, f"% {one_line(board.title)}"]
    parts.extend([f"% {one_line(board.lead)}"] if board.lead else [])
    made = [
        _table(section, piece, label)
        for number, section in enumerate(board.sections, 1)
        for place, table in enumerate(section.tables, 1)
        for piece, label in _pieces(table, f"tab:{number}-{place}")
    ]
    for place, text in enumerate(made, 1):
        parts.append(text)
        if place % _BARRIER_EVERY == 0 and place < len(made):
            parts.append("\\FloatBarrier")
    parts.extend(f"% {one_line(sentence)}" for sentence in board.footer)
    return "\n\n".join(parts) + "\n"


def _pieces(table: Table, label: str) -> Iterator[tuple[Table, str]]:
    """Cut a table into parts that a page can hold, with their labels; the first has the table's own."""
    cuts = range(0, max(len(table.lines), 1), _MOST_LINES)
    for part, start in enumerate(cuts, 1):
        of = f" (part {part} of {len(cuts)})" if len(cuts) > 1 else ""
        lines = table.lines[start : start + _MOST_LINES]
        yield (
            replace(table, title=f"{table.title}{of}", lines=lines),
            f"{label}{f'-{part}' if part > 1 else ''}",
        )


def _table(section: Section, table: Table, label: str) -> str:
    kept = _kept(table)
    shape = "".join("r" if table.columns[place].number else "l" for place in kept)
    said = ". ".join([section.title, table.title, *table.units(), "; ".join(section.facts)]).rstrip(". ")
    notes = _notes(section, table)
    inside = len(notes) <= _MOST_NOTES
    lines = [
        "\\begin{table}[!htbp]",
        "\\centering",
        "\\small",
        f"\\caption{{{_escape(said)}.}}",
        f"\\label{{{label}}}",
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{{shape}}}",
        "\\toprule",
        _cells([_heading(table.columns[place]) for place in kept]),
        "\\midrule",
        *_body(table, kept),
        "\\bottomrule",
        "\\end{tabular}}",
        *(
            ["", "\\smallskip", f"\\parbox{{\\linewidth}}{{\\footnotesize {notes}}}"]
            if notes and inside
            else []
        ),
        "\\end{table}",
        *(
            ["", f"{{\\footnotesize\\noindent Notes on Table~\\ref{{{label}}}. {notes}\\par}}"]
            if not inside
            else []
        ),
    ]
    return "\n".join(lines)


def _kept(table: Table) -> list[int]:
    """Choose the columns a paper has room for: brief ones, of a wide table those that matter."""
    kept = [place for place, column in enumerate(table.columns) if column.brief]
    widths = {
        place: max((len(line.entries[place].text) for line in table.lines), default=0) + 2 for place in kept
    }
    while sum(widths[place] for place in kept) > _MOST_WIDE:
        last = max(kept, key=lambda place: (table.columns[place].rank, place))
        if table.columns[last].rank < _LOSABLE:
            break
        kept.remove(last)
    return kept


def _heading(column: Column) -> str:
    """Return a title; one of several parts (a published number, a task and its metric) on short lines."""
    words = column.title.replace(" (", ", (").split(", ") if column.published else column.title.split(", ")
    if not column.number or len(words) == 1:
        return _escape(column.title)
    stack = " \\\\ ".join(map(_escape, words))
    return f"\\shortstack[r]{{{stack}}}"


def _body(table: Table, kept: list[int]) -> list[str]:
    """Return the lines, with a rule where ranked ones end and wherever the kind of the others changes."""
    found: list[str] = []
    kinds = ["ranked" if line.kind in _RANKED else line.kind for line in table.lines]
    for before, kind, line in zip((None, *kinds), kinds, table.lines, strict=False):
        if before not in {None, kind}:
            found.append("\\midrule")
        found.append(
            _cells([_entry(line.entries[place], number=table.columns[place].number) for place in kept])
        )
    return found


def _cells(texts: Sequence[str]) -> str:
    """Return a line; one that begins with a bracket or a star is no option of the line before."""
    first = texts[0]
    guarded = [f"{{}}{first}" if first.startswith(("[", "*")) else first, *texts[1:]]
    return " & ".join(guarded) + " \\\\"


def _entry(entry: Entry, *, number: bool) -> str:
    text = _escape(entry.text)
    if number and text.startswith("-"):
        text = f"$-${text[1:]}"
    return _WRAP[entry.mark].replace("%s", text) if entry.mark and text else text


def _notes(section: Section, table: Table) -> str:
    scored = any(line.kind in _RANKED for line in table.lines)
    said = [f"Warning: {warning}" for warning in section.warnings if scored]
    said.extend(_note(line) for line in table.lines if line.notes)
    return " ".join(map(_escape, said))


def _note(line: Line) -> str:
    told = "; ".join(line.notes).rstrip(".")
    return f"{line.entries[0].text.removesuffix(f' {BELOW}')}: {told}."


def _escape(text: str) -> str:
    """Make a text stand for itself; letters that pdflatex cannot set are written by number there."""
    return "".join(map(_sign, one_line(text))).replace("--", "-{}-")


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    return sign if sign.isascii() or _is_settable(sign) else f"\\anyletter{{U+{ord(sign):04X}}}{{{sign}}}"


def _is_settable(sign: str) -> bool:
    """Tell whether every LaTeX sets a letter in its usual font: a Latin letter with a usual accent, or one of a few others."""
    apart = unicodedata.normalize("NFD", sign)
    accented = len(apart) == 2 and apart[0].isascii() and apart[0].isalpha() and apart[1] in _ACCENTS
    return accented or sign in _OTHERS
