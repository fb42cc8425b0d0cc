"""Leaned: what the scores of any models rest on."""

from __future__ import annotations

from urbanbench.experiments.kinds.leaning import Leaning
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, MODEL_ROWS

__all__ = ["EXPERIMENT"]

EXPERIMENT = Leaning(
    name="leaned",
    title="What models lean on",
    item="none",
    question="How much of a model's score is content, how much the place of a unit, and how many labels and dimensions does it take?",
    cities=("singapore", "new_york", "toyville"),
    contenders=MODEL_ROWS,
    references=FLOOR_ROWS,
)
