"""Questions of the page: one for each city, task and split, with its tables, its ranks and a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench.board.assemble import group_facts, group_notices
from urbanbench.board.blocks import Block, Group
from urbanbench.board.columns import metric_title
from urbanbench.board.knowing import parts_of
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.levels import level_words
from urbanbench.board.marks import by_score, floor_above, marks, ranked
from urbanbench.board.numbers import plain_number
from urbanbench.board.published import LISTED_TASKS, UGBENCH, for_row, for_task, listed_for
from urbanbench.board.published_tables import stands_beside
from urbanbench.board.remarks import notes, short_reason
from urbanbench.board.rows import FLOOR, LEARNED, Row, ordered
from urbanbench.report.interned import Interned
from urbanbench.report.ranks import possible_ranks
from urbanbench.report.verdicts import verdict_of
from urbanbench.scoring.splits import rung_place

__all__ = ["Placed", "question_id", "question_of"]


@dataclass(frozen=True)
class Placed:
    """Where a row stands in the page's list, and where a note does."""

    rows: Mapping[str, int]
    notes: Interned

    def __call__(self, row: Row) -> int:
        """Return the place of a row."""
        return self.rows[row.run_id]


def question_id(group: Group) -> str:
    """Return the readable end of a question's address: "singapore/popdensity/block".

    It holds nothing that another run would move: the side of blocks is named only where it was asked for.
    """
    asked = {row.spec.get("block_size_m") for row in group.rows} - {None}
    size = f"-{plain_number(group.block_size_m)}m" if asked and group.block_size_m else ""
    version = f"-v{group.task_version}" if group.task_version != 1 else ""
    trained = f"-from-{group.train_city}" if group.train_city else ""
    return "/".join([group.city, f"{group.task}{version}", f"{group.split}{size}{trained}"])


def question_of(group: Group, place: Placed, *, published: bool) -> dict[str, Any]:
    """Return a question as plain data.

    Parameters
    ----------
    group
        Rows of one city, task and split.
    place
        Gives places of rows and notes.
    published
        Whether numbers of papers stand beside.
    """
    first = next((row for row in group.rows if row.ok), group.rows[0])
    tables = [_table(group, block, place, published=published) for block in group.blocks]
    return {
        "id": question_id(group),
        "title": group_title(group),
        "city": group.city,
        "task": group.task,
        "split": group.split,
        "rung": rung_place(group.split),
        "from": group.train_city,
        "parity": group.parity,
        "generated": any(row.ceiling for row in group.rows),
        "metric": first.main_metric,
        "unit": str(first.task.get("unit") or ""),
        "kind": str(first.task.get("kind") or ""),
        "level": str(first.task.get("level") or ""),
        "facts": group_facts(group),
        "notices": group_notices(group),
        "tables": tables,
        "main": _main(group.blocks),
        "unscored": [
            _unscored(row, group, place)
            for row in (*group.unscored, *(one for block in group.blocks for one in block.unscored))
        ],
        "published": _papers_rows(group, first.main_metric) if published else [],
        "published_said": UGBENCH
        if published and stands_beside(group) and group.task in LISTED_TASKS
        else "",
    }


def _main(blocks: Sequence[Block]) -> int | None:
    """Return the place of the table that is shown first, by the rows that it ranks: the most learned, then the most models, then the most; None of no table."""

    def many(block: Block) -> tuple[int, int, int]:
        kinds = [row.kind for row in ranked(block)]
        return (kinds.count(LEARNED), len(kinds) - kinds.count(FLOOR), len(kinds))

    return max(range(len(blocks)), key=lambda k: many(blocks[k]), default=None)


def _table(group: Group, block: Block, place: Placed, *, published: bool) -> dict[str, Any]:
    metric = (block.scored or block.shown)[0].main_metric
    whole = marks(block, metric)
    ranks = possible_ranks(ranked(block), whole)
    apart = [marks(block, metric, part.block.scored) for part in parts_of(block)]
    of_part = {run: mark for some in apart for run, mark in some.items()}
    paper = for_task(group.task, group.city, [metric]) if published and stands_beside(group) else []
    lines = [
        _line(row, block, place, whole, of_part, ranks, paper)
        if row in block.scored
        else _line(row, block, place, {}, {}, {}, paper) | {"elsewhere": True}
        for row in by_score(block)
    ]
    return {
        "inputs": ordered(block.inputs),
        "head": block.head,
        "lines": lines,
        "levels": level_words(block, metric),
        "verdict": verdict_of(block, whole, ranks, place),
    }


def _line(
    row: Row,
    block: Block,
    place: Placed,
    whole: Mapping[str, str],
    of_part: Mapping[str, str],
    ranks: Mapping[str, tuple[int, int]],
    paper: Sequence[Any],
) -> dict[str, Any]:
    matched = None if row.floor else for_row(paper, row.name, block.inputs).get(row.main_metric)
    above, label = floor_above(block, row), row_label(row, [*block.shown, *block.unscored])
    told = {
        "row": place(row),
        "label": "" if label == row_label(row, [row]) else label,
        "mark": whole.get(row.run_id, ""),
        "part": of_part.get(row.run_id, ""),
        "rank": list(ranks.get(row.run_id, ())),
        "below": above.name if above else "",
        "aside": row.run_id in block.aside,
        "notes": [place.notes.place(said) for said in notes(row, block)],
        "paper": _paper(matched) if matched else {},
    }
    return {name: value for name, value in told.items() if value not in ("", [], {}) and value is not False}


def _paper(number: Any) -> dict[str, Any]:
    return {
        "text": number.text,
        "mean": number.value,
        "source": number.source,
        "note": number.note,
        "table": number.table,
    }


def _papers_rows(group: Group, metric: str) -> list[dict[str, Any]]:
    """Return every number that a paper prints for this city and task on the main metric, whether or not there is a run of ours; of UGBench for its cities."""
    if not stands_beside(group):
        return []
    found = [(one.setting, one) for one in for_task(group.task, group.city, [metric])]
    found += [(f"{one.city}: {one.setting}", one) for one in listed_for(group.task, [metric])]
    return [
        {"model": one.model, "setting": setting, "metric": metric_title(one.metric), **_paper(one)}
        for setting, one in found
    ]


def _unscored(row: Row, group: Group, place: Placed) -> dict[str, Any]:
    return {"row": place(row), "label": row_label(row, group.unscored), "reason": short_reason(row)}
