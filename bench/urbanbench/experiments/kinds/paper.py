"""The paper's numbers for an experiment: found by table and row, and shown in columns and tables of their own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from urbanbench.board.columns import direction, heading, unit_of
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.published import Published, for_task, read_published
from urbanbench.board.published_tables import published_entry

__all__ = ["Paper", "metric_key"]


def metric_key(metric: str) -> str:
    """Return a metric's name without case: our classes and the paper's differ in it.

    Examples
    --------
    >>> metric_key("f1[Commercial & Residential]")
    'f1[commercial & residential]'
    """
    return metric.casefold()


class Paper:
    """One table of the paper, for one task.

    Parameters
    ----------
    table
        Roman number, "" where the paper prints no numbers.
    task
        The task's name.
    """

    def __init__(self, table: str, task: str) -> None:
        self.table, self.task = table, task

    def numbers(self, city: str) -> list[Published]:
        """Return what the table prints for a city; [] when it does not have it."""
        metrics = {one.metric for one in read_published()}
        return [one for one in for_task(self.task, city, metrics) if one.table == self.table]

    def cities(self) -> list[str]:
        """Return the cities of the table, in its order."""
        named = dict.fromkeys(one.city for one in read_published() if one.table == self.table)
        return [city for city in named if self.numbers(city)]

    def find(self, city: str, row: str, metric: str) -> Published | None:
        """Return one printed number."""
        fitting = [
            one
            for one in self.numbers(city)
            if one.model == row and metric_key(one.metric) == metric_key(metric)
        ]
        return fitting[0] if fitting else None

    def metrics(self, city: str, wanted: Sequence[str]) -> list[str]:
        """Return those of some metrics that the table prints for a city."""
        printed = {metric_key(one.metric) for one in self.numbers(city)}
        return [metric for metric in wanted if metric_key(metric) in printed]

    def column(self, title: str, metric: str, city: str) -> Column:
        """Return the head of a column of printed numbers."""
        unit = next((one.unit for one in self.numbers(city) if one.unit), "")
        return Column(
            f"{title}, published (Table {self.table})",
            number=True,
            unit=unit_of(metric, unit),
            published=True,
        )

    def entry(self, city: str, row: str, metric: str) -> Entry:
        """Return a printed number as a table shows it, empty where there is none."""
        return published_entry(self.find(city, row, metric))

    def difference(self, city: str, row: str, other: str, metric: str) -> Entry:
        """Return a printed number minus another; the paper gives no spread of it."""
        one, two = self.find(city, row, metric), self.find(city, other, metric)
        if one is None or two is None or row == other:
            return Entry()
        change = Decimal(one.mean) - Decimal(two.mean)
        return Entry(f"{change:+}", tip=f"{one.model} minus {two.model}; {one.source}", value=float(change))

    def alone(self, city: str) -> Table:
        """Return everything the table prints for a city, as a table that holds nothing of ours."""
        numbers = self.numbers(city)
        metrics = list(dict.fromkeys(one.metric for one in numbers))
        rows = list(dict.fromkeys(one.model for one in numbers))
        unit = next((one.unit for one in numbers if one.unit), "")
        columns = (
            Column("published row", published=True),
            *(
                Column(
                    heading(one),
                    number=True,
                    unit=unit_of(one, unit) if direction(one) else "",
                    published=True,
                )
                for one in metrics
            ),
        )
        lines = [
            Line("published", (Entry(row), *(self.entry(city, row, metric) for metric in metrics)))
            for row in rows
        ]
        title = f"Published (UrbanMFM paper, Table {self.table}): {city}, {self.task}"
        return Table(title, columns, tuple(lines))
