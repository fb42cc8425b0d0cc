"""The full setting: every model sees all inputs it can use that a city has."""

from __future__ import annotations

from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, LABELS, MODEL_ROWS, TASKS

__all__ = ["EXPERIMENT"]

EXPERIMENT = Matrix(
    name="full",
    title="Every model on all it can use",
    item="none",
    any_model=True,
    question="Which representation says most when each may use every input it was made for?",
    cities=("singapore", "new_york", "toyville"),
    tasks=TASKS,
    contenders=MODEL_ROWS,
    references=FLOOR_ROWS,
    labels=LABELS,
    notes=("Rows see different inputs: a gap may come from the data as well as from the model.",),
)
