"""Ranks of models over tasks as a critical-difference diagram (Demšar 2006)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.board.blocks import make_groups
from urbanbench.board.columns import direction
from urbanbench.board.labels import row_label
from urbanbench.board.rows import Row, read_rows
from urbanbench.errors import BadInput
from urbanbench.experiments.kinds.report import Figure
from urbanbench.judging.charts import draw_ranks
from urbanbench.judging.ranks import ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["rank_figure"]

_MOST = 24
"""Rows whose names have room in one diagram."""


def rank_figure(results: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the diagram of the rows that answer the same questions: cities, tasks and splits, under the head most rows have.

    Rows are chosen so that many of them share many questions: those questions that most rows answer, and the rows that answer all of these.
    Floors are among the rows, marked. A question counts once however many seeds it has.

    Parameters
    ----------
    results
        Result files' contents, as `urbanbench.board.render` takes them.

    Raises
    ------
    BadInput
        Fewer than three rows share two questions.
    """
    table = _scores(results)
    questions, rows = _shared(table)
    if len(questions) < 2 or len(rows) < 3:
        msg = f"{len(rows)} rows share {len(questions)} questions. Expected three rows or more that answer the same two questions or more. Mend: run the models on the same tasks and splits, or choose them with --model and --task."
        raise BadInput(msg)
    values = np.array([[table[question][row] for row in rows] for question in questions])
    found = ranking(values)

    def draw(canvas: Canvas) -> None:
        draw_ranks(canvas, found, rows)
        canvas.supxlabel(
            f"average ranks over {len(questions)} questions ({_named(questions)}); bars join rows that are not separable (Nemenyi, 5 %)",
            fontsize=8,
            color="#444444",
        )

    return Figure("ranks", "Average ranks", draw, (9.0, 1.9 + 0.42 * len(rows)))


def _scores(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return question to row to its mean, higher is better; each row under the head most rows have, none of an older question."""
    groups = [group for group in make_groups(read_rows(results)) if not group.parity]
    heads = Counter(row.head for group in groups for block in group.blocks for row in block.models)
    head = heads.most_common(1)[0][0] if heads else ""
    found: dict[str, dict[str, float]] = {}
    for group in groups:
        question = f"{group.city} · {group.task} · {group.split}"
        for block in group.blocks:
            for row in (*block.models, *block.floors, *block.elsewhere):
                usable = math.isfinite(row.main) and row.run_id not in block.aside
                if usable and (row.head == head or row.floor):
                    name = _name(row)
                    value = (direction(row.main_metric) or 1) * row.main
                    found.setdefault(question, {})[name] = max(
                        value, found.get(question, {}).get(name, -math.inf)
                    )
    return found


def _name(row: Row) -> str:
    inputs = str(row.spec.get("inputs") or "full")
    told = "" if row.floor or inputs == "full" else f", {inputs}"
    return f"{row_label(row, [row])}{told}{' (floor)' if row.floor else ''}"


def _shared(table: Mapping[str, Mapping[str, float]]) -> tuple[list[str], list[str]]:
    """Choose questions and rows: of all prefixes of the questions by number of rows that with the most cells in its block."""
    questions = sorted(table, key=lambda one: (-len(table[one]), one))
    best: tuple[int, list[str], list[str]] = (0, [], [])
    shared: set[str] = set(table[questions[0]]) if questions else set()
    for count, question in enumerate(questions, 1):
        shared &= set(table[question])
        if count > 1 and len(shared) >= 3 and count * len(shared) > best[0]:
            best = (count * len(shared), questions[:count], sorted(shared))
    _, chosen, rows = best
    if len(rows) > _MOST:
        means = {row: float(np.mean([_rank(table[one], row) for one in chosen])) for row in rows}
        rows = sorted(rows, key=lambda row: means[row])[:_MOST]
    return sorted(chosen), rows


def _rank(scores: Mapping[str, float], row: str) -> int:
    return sum(other > scores[row] for other in scores.values())


def _named(questions: Sequence[str]) -> str:
    cities = sorted({one.split(" · ")[0] for one in questions})
    return ", ".join(cities)
