"""What an experiment answers: sections of tables, figures and notes, and their way into Markdown, HTML, CSV and picture files."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.board.layout import Board, Picture, Table
from urbanbench.board.layout import Section as BoardSection
from urbanbench.errors import UnknownName
from urbanbench.figures.files import figure_bytes, save_figure
from urbanbench.figures.style import drawn_alike

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from urbanbench.terminal import Screen

__all__ = ["REPORT_FORMATS", "Figure", "Report", "Section", "print_report", "save_figures"]

REPORT_FORMATS = ("text", "md", "html", "csv")
_SUFFIXES = (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class Figure:
    """A picture that draws itself.

    Parameters
    ----------
    name
        Stem of its files.
    title
        Caption; also what stands for it where pictures are not shown.
    draw
        Draws onto an empty matplotlib figure.
    size
        (width, height) in inches.
    """

    name: str
    title: str
    draw: Callable[[Canvas], None]
    size: tuple[float, float] = (8.0, 4.0)

    def save(self, path: Path) -> None:
        """Write ``path``, .svg, .png or .pdf by its ending; equal data give equal bytes."""
        save_figure(self.drawn(), path)

    def to_bytes(self, kind: str) -> bytes:
        """Return the picture as "svg", "png" or "pdf"."""
        return figure_bytes(self.drawn(), kind)

    def drawn(self) -> Canvas:
        """Return the picture as a figure of matplotlib."""
        from matplotlib.figure import Figure as Canvas

        with drawn_alike():
            canvas = Canvas(figsize=self.size, layout="constrained")
            self.draw(canvas)
        return canvas


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Parameters
    ----------
    title
        Heading.
    facts
        Short phrases that hold for all of it, printed under the heading.
    tables
        Tables in order; `urbanbench.board.layout.Table`. Columns with paper numbers have ``published=True``.
    figures
        Pictures, after the tables.
    warnings
        Sentences that must not be overlooked.
    """

    title: str
    facts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What an experiment answers.

    Parameters
    ----------
    name, title, lead
        The experiment's word, the heading, and the sentence before the sections.
    sections
        Tables and figures in order.
    notes
        Sentences on how to read it, printed last.
    """

    name: str
    title: str
    lead: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures in order."""
        return tuple(figure for section in self.sections for figure in section.figures)


def print_report(
    report: Report, style: str, *, figures: Path | None = None, screen: Screen | None = None
) -> str:
    """Write a report as "text", "md", "html" or "csv".

    Parameters
    ----------
    figures
        Folder that `save_figures` wrote; Markdown links to it, and names figures only by their titles without it. HTML holds its
        figures itself, CSV has none.
    screen
        What "text" is written for; a page of 100 columns without colour when left out.

    Raises
    ------
    UnknownName
        No such format.
    """
    from urbanbench.board.html import to_html
    from urbanbench.board.markdown import to_markdown
    from urbanbench.board.terminal_text import to_terminal
    from urbanbench.terminal import Screen

    if style not in REPORT_FORMATS:
        raise UnknownName("report format", style, REPORT_FORMATS)
    if style == "csv":
        return _to_csv(report)
    if style == "html":
        return to_html(_board(report, _embedded))
    if style == "text":
        return to_terminal(_board(report, lambda _: ""), screen or Screen())
    return to_markdown(
        _board(report, lambda figure: "" if figures is None else f"{figures.as_posix()}/{figure.name}.svg")
    )


def save_figures(report: Report, folder: Path) -> list[Path]:
    """Write every figure into a folder, as SVG, PNG and PDF, and return the files."""
    paths = []
    for figure in report.figures:
        for suffix in _SUFFIXES:
            paths.append(folder / f"{figure.name}{suffix}")
            figure.save(paths[-1])
    return paths


def _board(report: Report, source: Callable[[Figure], str]) -> Board:
    sections = tuple(
        BoardSection(
            section.title,
            section.facts,
            section.warnings,
            section.tables,
            tuple(Picture(figure.title, source(figure)) for figure in section.figures),
        )
        for section in report.sections
    )
    return Board(report.title, report.lead, sections, report.notes)


def _embedded(figure: Figure) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(figure.to_bytes('svg')).decode()}"


_FIELDS = ("experiment", "section", "table", "kind", "row", "column", "published", "text", "value")


def _to_csv(report: Report) -> str:
    """Print one line per table cell that says something."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_FIELDS)
    writer.writerows(_cells(report))
    return out.getvalue()


def _cells(report: Report) -> Iterator[tuple[object, ...]]:
    from urbanbench.board.csv_table import plain_text

    for section in report.sections:
        for table in section.tables:
            for line in table.lines:
                row = line.entries[0].text
                for column, entry in zip(table.columns[1:], line.entries[1:], strict=True):
                    if entry.text:
                        words = (report.name, section.title, table.title, line.kind, row, column.full_title)
                        value = "" if entry.value is None else repr(entry.value)
                        yield (*map(plain_text, words), int(column.published), plain_text(entry.text), value)
