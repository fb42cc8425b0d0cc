"""Published numbers as columns beside our rows and as a table of their own for models without a row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from urbanbench.board.blocks import Block, Group
from urbanbench.board.columns import heading, unit_of
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.published import LISTED_TITLE, Published, for_row, for_task, listed_for

__all__ = [
    "listed_table",
    "published_columns",
    "published_entries",
    "published_entry",
    "published_table",
    "stands_beside",
]

PROTOCOL = "paper:urbanmfm"
"""The protocol of the paper the published numbers are from."""
_ODD = "*"


def stands_beside(group: Group) -> bool:
    """Tell whether published numbers stand beside a group: default rows trained where they are scored, and parity rows of the same paper's protocol."""
    return not group.train_city and (not group.parity or group.split == PROTOCOL)


def published_columns(group: Group, block: Block, metrics: Sequence[str]) -> dict[str, str]:
    """Return metric -> "Table III" for metrics that at least one learned model of a block has a published number of."""
    if not stands_beside(group):
        return {}
    numbers = for_task(group.task, group.city, metrics)
    found = [for_row(numbers, row.name, block.inputs) for row in block.models]
    return {metric: f"Table {one[metric].table}" for metric in metrics for one in found if metric in one}


def published_entries(group: Group, block: Block, model: str, metrics: Collection[str]) -> list[Entry]:
    """Return one entry per metric for a row of ours."""
    matched = for_row(for_task(group.task, group.city, metrics), model, block.inputs)
    return [published_entry(matched.get(metric)) for metric in metrics]


def published_entry(number: Published | None) -> Entry:
    """Return a printed number with its source and oddities to look up; empty for None."""
    if number is None:
        return Entry()
    mark = _ODD if number.note else ""
    return Entry(f"{number.text}{mark}", tip=f"{number.source}. {number.note}".strip(), value=number.value)


def published_table(group: Group, metrics: Sequence[str]) -> Table | None:
    """Return the paper's rows that stand beside no row of ours, or None when there are none."""
    numbers = for_task(group.task, group.city, metrics)
    beside = {
        (one.setting, one.model)
        for block in group.blocks
        for row in block.models
        for one in for_row(numbers, row.name, block.inputs).values()
    }
    rest: dict[tuple[str, str, str], dict[str, Published]] = {}
    for one in numbers:
        if (one.setting, one.model) not in beside:
            rest.setdefault((one.setting, one.table, one.model), {})[one.metric] = one
    if not rest:
        return None
    shown = [metric for metric in metrics if any(metric in found for found in rest.values())]
    unit = next((one.unit for one in numbers if one.metric == "rmse"), "")
    columns = (
        Column("published model", published=True),
        Column("setting", published=True),
        Column("table", published=True),
        *(
            Column(heading(metric), number=True, unit=unit_of(metric, unit), published=True)
            for metric in shown
        ),
        Column("note", brief=False, prose=True, published=True),
    )
    return Table(
        "Published, UrbanMFM paper: rows without a run of ours (other data and protocol; for display, never ranked)",
        columns,
        tuple(_line(key, found, shown) for key, found in rest.items()),
    )


def listed_table(group: Group, metrics: Sequence[str]) -> Table | None:
    """Return what is listed of UGBench for the group's task, or None where nothing is."""
    numbers = listed_for(group.task, metrics)
    if not numbers:
        return None
    shown = [metric for metric in metrics if any(one.metric == metric for one in numbers)]
    titles = ("published model", "city", "asked")
    columns = (
        *(Column(title, published=True) for title in titles),
        *(Column(heading(metric), number=True, published=True) for metric in shown),
        Column("note", brief=False, prose=True, published=True),
    )
    lines = tuple(
        Line(
            "published",
            (
                *(Entry(word) for word in (one.model, one.city, one.setting)),
                *(published_entry(one if one.metric == metric else None) for metric in shown),
                Entry(one.note),
            ),
            (one.note,) if one.note else (),
        )
        for one in numbers
    )
    return Table(LISTED_TITLE, columns, lines)


def _line(key: tuple[str, str, str], found: Mapping[str, Published], metrics: Sequence[str]) -> Line:
    setting, table, model = key
    notes = tuple(dict.fromkeys(one.note for one in found.values() if one.note))
    numbers = [published_entry(found.get(metric)) for metric in metrics]
    return Line(
        "published", (Entry(model), Entry(setting), Entry(table), *numbers, Entry(" ".join(notes))), notes
    )
