"""The board as LaTeX tables for a paper: booktabs, one table environment a table."""

from __future__ import annotations

from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.leading import BEST, TIED
from urbanbench.board.marks import BELOW, OWN, UNCONVERGED
from urbanbench.board.text import one_line
from urbanbench.board.versions import OLDER

__all__ = ["to_latex"]

_PREAMBLE = "% Needs \\usepackage{booktabs,graphicx}. Names outside of Latin letters need XeLaTeX or LuaLaTeX and a font that has them."
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
    "\N{SUPERSCRIPT TWO}": "$^2$",
    "\N{MIDDLE DOT}": "$\\cdot$",
    "\N{UPWARDS ARROW}": "$\\uparrow$",
    "\N{DOWNWARDS ARROW}": "$\\downarrow$",
    "\N{HORIZONTAL ELLIPSIS}": "\\ldots{}",
    BELOW: "$\\bigtriangledown$",
    OWN: "$\\dagger$",
    UNCONVERGED: "$\\diamond$",
    OLDER: "$\\ddagger$",
}
_RANKED = ("model", "floor")
_WRAP = {BEST: "\\textbf{\\underline{%s}}", TIED: "\\textbf{%s}"}


def to_latex(board: Board) -> str:
    """Print a board; columns without room in a paper are left out, their notes stand under the table."""
    parts = [_PREAMBLE, f"% {one_line(board.title)}"]
    parts.extend([f"% {one_line(board.lead)}"] if board.lead else [])
    for number, section in enumerate(board.sections, 1):
        parts.extend(
            _table(section, table, f"tab:{number}-{place}") for place, table in enumerate(section.tables, 1)
        )
    parts.extend(f"% {one_line(sentence)}" for sentence in board.footer)
    return "\n\n".join(parts) + "\n"


def _table(section: Section, table: Table, label: str) -> str:
    kept = [place for place, column in enumerate(table.columns) if column.brief]
    shape = "".join("r" if table.columns[place].number else "l" for place in kept)
    said = ". ".join([section.title, table.title, *table.units(), "; ".join(section.facts)])
    lines = [
        "\\begin{table}[t]",
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
        *_notes(section, table),
        "\\end{table}",
    ]
    return "\n".join(lines)


def _heading(column: Column) -> str:
    """Return a title; that of a published number on three short lines."""
    words = column.title.replace(" (", ", (").split(", ")
    if not column.published or len(words) == 1:
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


def _cells(texts: list[str]) -> str:
    return " & ".join(texts) + " \\\\"


def _entry(entry: Entry, *, number: bool) -> str:
    text = _escape(entry.text)
    if number and text.startswith("-"):
        text = f"$-${text[1:]}"
    return _WRAP[entry.mark].replace("%s", text) if entry.mark and text else text


def _notes(section: Section, table: Table) -> list[str]:
    scored = any(line.kind in _RANKED for line in table.lines)
    said = [f"Warning: {warning}" for warning in section.warnings if scored]
    said.extend(_note(line) for line in table.lines if line.notes)
    if not said:
        return []
    return ["", "\\smallskip", f"\\parbox{{\\linewidth}}{{\\footnotesize {' '.join(map(_escape, said))}}}"]


def _note(line: Line) -> str:
    told = "; ".join(line.notes).rstrip(".")
    return f"{line.entries[0].text.removesuffix(f' {BELOW}')}: {told}."


def _escape(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in one_line(text)).replace("--", "-{}-")
