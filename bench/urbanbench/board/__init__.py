"""Boards: results as text, Markdown, CSV, LaTeX and HTML tables that say which differences may be read off them.

A board reads results and nothing else: no model, task or city is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from urbanbench.board.layout import Board
    from urbanbench.terminal import Screen

__all__ = ["EMPTY", "FORMATS", "printer", "render"]

FORMATS = ("text", "md", "csv", "tex", "html")
EMPTY = "No results to show. Run something first, for example: urbanbench run -m poi-counts -t popdensity"


def render(
    results: Sequence[Mapping[str, Any]],
    *,
    format: str,  # noqa: A002 - the word of the command line
    published: bool = False,
    metrics: Sequence[str] | None = None,
    title: str = "",
    each_training: bool = False,
    pivot: bool = False,
    screen: Screen | None = None,
) -> str:
    """Write results as tables, grouped by city, task, split and inputs.

    Parameters
    ----------
    results
        Result files' contents (`RunResult.to_dict()`), in any order; equal results give equal bytes.
    format
        One of `FORMATS`.
    published
        Whether the numbers of papers stand beside ours, labelled and never ranked.
    metrics
        Metrics to show, in this order; None for the usual ones of each kind of task.
    title
        Heading; "" for "Leaderboard".
    each_training
        Whether each training of a model has a row of its own; else those that differ in nothing but its seed are one.
    pivot
        Whether models stand beside tasks (`urbanbench.board.pivot`), one number each, in place of a table for every task.
    screen
        What "text" is written for; a page of 100 columns without colour when left out.

    Returns
    -------
    str
        A whole document. Without results it says so (`EMPTY`); a CSV is then its line of column names.

    Raises
    ------
    UnknownName
        No such format.
    BadInput
        A result that is not of schema 1, metrics none of the results has, or a pivot as CSV.
    """
    from urbanbench.board.blocks import make_groups
    from urbanbench.board.csv_table import to_csv
    from urbanbench.board.rows import read_rows

    if format not in FORMATS:
        raise UnknownName("board format", format, FORMATS)
    rows = read_rows(results)
    _check_metrics(metrics, {metric for row in rows for metric in row.scores})
    groups = make_groups(rows, each_training=each_training)
    if pivot and format == "csv":
        msg = "--pivot got the format csv. Expected text, md, tex or html: a CSV has a line for every row of every task. Mend: leave --pivot out."
        raise BadInput(msg)
    if format == "csv":
        return to_csv(groups, metrics=metrics, published=published)
    from urbanbench.board.assemble import assemble
    from urbanbench.board.pivot import pivot as pivoted

    made = (
        pivoted(groups, title=title, empty=EMPTY)
        if pivot
        else assemble(groups, title=title, metrics=metrics, published=published, empty=EMPTY)
    )
    return printer(format, screen)(made)


def printer(format: str, screen: Screen | None = None) -> Callable[[Board], str]:  # noqa: A002 - as above
    """Return what writes a board in a format of `FORMATS` but CSV; `screen` is what "text" is written for."""
    from urbanbench.board.html import to_html
    from urbanbench.board.latex import to_latex
    from urbanbench.board.markdown import to_markdown
    from urbanbench.board.terminal_text import to_terminal
    from urbanbench.terminal import Screen

    printers: dict[str, Callable[[Board], str]] = {
        "text": partial(to_terminal, screen=screen or Screen()),
        "md": to_markdown,
        "tex": to_latex,
        "html": to_html,
    }
    return printers[format]


def _check_metrics(asked: Sequence[str] | None, present: set[str]) -> None:
    strange = [name for name in asked or () if name not in present]
    if present and strange:
        msg = f"No result has the metric {strange[0]!r}. Metrics of these results: {', '.join(sorted(present))}."
        raise BadInput(msg)
