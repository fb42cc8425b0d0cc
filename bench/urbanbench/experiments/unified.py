"""The unified setting: every model that can do with POIs and polygons sees these and nothing else."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, LABELS, MODEL_ROWS, TASKS

__all__ = ["EXPERIMENT"]

UNIFIED = "poi,polygon"
PLACED = f"{UNIFIED},coordinates"
"""Of the rows with a positional encoding, which stand in a table of their own."""

EXPERIMENT = Matrix(
    name="unified",
    title="Every model on POIs and polygons",
    item="none",
    any_model=True,
    inputs=UNIFIED,
    question="Which representation says most when all are made of the same POIs and building polygons?",
    cities=("singapore", "new_york", "toyville"),
    tasks=TASKS,
    contenders=tuple(
        replace(row, inputs=PLACED if ("with_pe", "true") in row.settings else UNIFIED)
        for row in MODEL_ROWS
        if row.model != "urbanclip"
    ),
    references=FLOOR_ROWS,
    labels=LABELS,
    notes=(
        "UrbanCLIP is left out: it is made of pictures from above and captions.",
        "Rows that know where a region lies (coordinates, a positional encoding, a graph of neighbours) stand in a table of their own.",
    ),
)
