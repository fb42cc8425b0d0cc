"""Tables of what each row of a matrix adds to the best floor, and what a second floor adds in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from urbanbench.board.added import added_entry
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.rows import Row

__all__ = ["GAINED", "GAINED_READING", "SECOND", "gained_table"]

GAINED = "What each adds to the best floor"
"""Title of such a table."""
GAINED_READING = (
    f"{GAINED}: how much better a row and the best floor of each seed are together than that floor alone, on the main metric, and on how many seeds of all trainings "
    "that were asked. So much comes of counting something else as a second floor adds in the model's place."
)
SECOND = "a second floor in the model's place"
"""Label of its last row."""


def gained_table(columns: Mapping[str, Mapping[str, Row | None]], labels: Sequence[str]) -> Table | None:
    """Lay out the gains of rows that were run beside a floor, on the main metric of each column; None where there are none.

    Parameters
    ----------
    columns
        Heading to label to the row that stands there, None for none.
    labels
        The rows asked for, in order.
    """
    known = {
        heading: {label: row for label in labels if (row := rows.get(label)) is not None and row.added}
        for heading, rows in columns.items()
    }
    shown = {heading: rows for heading, rows in known.items() if rows}
    if not shown:
        return None
    lines = [
        Line("model", (Entry(label), *(_gain(rows.get(label)) for rows in shown.values())))
        for label in labels
        if any(label in rows for rows in shown.values())
    ]
    lines.append(Line("floor", (Entry(SECOND), *(_second(rows) for rows in shown.values()))))
    heads = (Column("row"), *(Column(heading, number=True) for heading in shown))
    return Table(GAINED, heads, tuple(lines))


def _gain(row: Row | None) -> Entry:
    return Entry("not run") if row is None else added_entry(row.added, row.main_metric)


def _second(rows: Mapping[str, Row]) -> Entry:
    """Return what a second floor adds; it is asked beside each model and says the same, but for trees that were fitted on another machine."""
    told = [(row.added, row.main_metric) for row in rows.values() if row.added is not None]
    return next(
        (
            Entry(text, value=added.second[main].mean)
            for added, main in told
            if (text := added.second_text(main))
        ),
        Entry(),
    )
