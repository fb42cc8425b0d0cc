"""The unified setting: every model that can do with POIs and polygons sees these and nothing else."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, LABELS, MODEL_ROWS, TASKS

__all__ = ["EXPERIMENT"]

UNIFIED = "poi,polygon"

EXPERIMENT = Matrix(
    name="unified",
    title="Every model on POIs and polygons",
    item="none",
    question="Which representation says most when all are made of the same POIs and building polygons?",
    cities=("singapore", "new_york", "toyville"),
    tasks=TASKS,
    contenders=tuple(replace(row, inputs=UNIFIED) for row in MODEL_ROWS),
    references=FLOOR_ROWS,
    labels=LABELS,
    notes=("Coordinates stand below for orientation: no row above them sees where a region lies.",),
)
