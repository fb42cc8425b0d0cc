"""Ranks of models over tasks as a critical-difference diagram (Demšar 2006)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.board.blocks import Group, make_groups
from urbanbench.board.columns import direction
from urbanbench.board.labels import row_label
from urbanbench.board.marks import is_its_head
from urbanbench.board.rows import Row, read_rows
from urbanbench.convergence import NO
from urbanbench.counted import counted
from urbanbench.errors import BadInput, DataMissing
from urbanbench.experiments.kinds.report import Figure
from urbanbench.inputs import FULL
from urbanbench.judging.charts import draw_ranks
from urbanbench.judging.ranks import ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["rank_figure"]

_MOST = 24
"""Rows whose names have room in one diagram."""


def rank_figure(results: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the diagram of the rows that answer the same questions: cities, tasks and splits, under the head most rows have.

    Rows are chosen so that many of them share many questions, 24 at most. Floors are among the rows, marked. A question counts once however many seeds it has.

    Parameters
    ----------
    results
        Result files' contents, as `urbanbench.board.render` takes them.

    Raises
    ------
    DataMissing
        No finished row is a model's.
    BadInput
        Fewer than three rows share two questions.
    """
    table = _answers(results)
    questions, names = _shared(table)
    if not questions:
        every = {name for answers in table.values() for name in answers}
        msg = f"Ranks got {counted(len(every), 'row')} of {counted(len(table), 'question')}, and no three rows answer the same two questions. Expected three rows or more that answer the same two questions or more. Mend: run the models on the same tasks and splits, or choose them with --model and --task."
        raise BadInput(msg)
    found = ranking(np.array([[_height(table[one][name]) for name in names] for one in questions]))
    labels = [_label([table[one][name] for one in questions]) for name in names]

    def draw(canvas: Canvas) -> None:
        draw_ranks(canvas, found, labels)
        canvas.supxlabel(
            f"average ranks over {len(questions)} questions ({_named(questions)}); bars join rows that are not separable (Nemenyi, 5 %)",
            fontsize=8,
            color="#444444",
        )

    return Figure("ranks", "Average ranks", draw, (9.0, 1.9 + 0.42 * len(names)))


def _answers(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Row]]:
    """Return question to name to row: under the head most models have or a floor's own, that of most trainings, none of an older question."""
    groups = [group for group in make_groups(read_rows(results)) if not group.parity]
    head = _usual_head(groups)
    found: dict[str, dict[str, Row]] = {}
    for group in groups:
        answers = found.setdefault(f"{group.city} · {group.task} · {group.split}", {})
        full = {row.name: row.offered for row in group.rows if row.spec.get("inputs", FULL) == FULL}
        for block in group.blocks:
            for row in block.shown:
                usable = math.isfinite(row.main) and row.run_id not in block.aside
                if usable and (row.head == head or (row.floor and is_its_head(row))):
                    whole = full.get(row.name, frozenset(row.model.get("inputs_declared") or ()))
                    one = _as_full(row) if row.offered == whole else row
                    name = _label([one], whole=False)
                    answers[name] = max(answers.get(name, one), one, key=lambda row: len(row.trainings))
    return found


def _usual_head(groups: Sequence[Group]) -> str:
    """Return the head that most rows of models have.

    Raises
    ------
    DataMissing
        No finished row is a model's.
    """
    heads = Counter(row.head for group in groups for block in group.blocks for row in block.models)
    if not heads:
        floors = sum(len(block.floors) for group in groups for block in group.blocks)
        msg = f"Ranks got {counted(floors, 'finished row')} of floors and none of a model. Expected rows of models, under whose head floors are ranked beside them. Mend: run models on the same tasks and splits, or give a folder that has some."
        raise DataMissing(msg)
    return heads.most_common(1)[0][0]


def _as_full(row: Row) -> Row:
    """Return a row that was offered what all inputs give its model here as one that was offered all inputs."""
    return replace(row, spec={**row.spec, "inputs": FULL})


def _height(row: Row) -> float:
    """Return the mean of the main metric, higher is better."""
    return (direction(row.main_metric) or 1) * row.main


def _label(rows: Sequence[Row], *, whole: bool = True) -> str:
    """Name the rows of one model or floor on several questions, whatever number of trainings each has; the whole name says what any lacks, and that one had not converged."""
    first = rows[0]
    asked = str(first.spec.get("inputs") or FULL)
    told = "" if first.floor or asked == FULL else f", {asked}"
    training = next((row.training for row in rows if row.converged == NO), ()) if whole else ()
    lacks = list(dict.fromkeys(phrase for row in rows for phrase in row.lacks)) if whole else []
    one = replace(
        first,
        trainings=(),
        training=training,
        spec={**first.spec, "model_seed": 0},
        model={**first.model, "lacks": lacks},
    )
    return f"{row_label(one, [one])}{told}{' (floor)' if first.floor else ''}"


def _shared(table: Mapping[str, Mapping[str, Row]]) -> tuple[list[str], list[str]]:
    """Choose questions and the names that answer all of them.

    Names are taken one by one, next the one that leaves most questions, and those are kept at which questions times the square of names is most: a row
    more is worth some questions.
    """
    names = Counter(name for answers in table.values() for name in answers)
    left, chosen, asked = dict(sorted(names.items())), list[str](), list(table)
    best: tuple[int, list[str], list[str]] = (0, [], [])
    while left and len(asked) > 1 and len(chosen) < _MOST:
        kept = Counter(name for one in asked for name in table[one] if name in left)
        name = max(left, key=lambda one: (kept[one], left[one]))
        del left[name]
        chosen, asked = [*chosen, name], [one for one in asked if name in table[one]]
        worth = len(asked) * len(chosen) ** 2
        if len(asked) > 1 and len(chosen) >= 3 and worth > best[0]:
            best = (worth, asked, chosen)
    return sorted(best[1]), sorted(best[2])


def _named(questions: Sequence[str]) -> str:
    cities = sorted({one.split(" · ")[0] for one in questions})
    return ", ".join(cities)
