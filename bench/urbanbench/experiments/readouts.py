"""Readouts: what is changed about a row by how vectors are read out, by a positional encoding, and by taking every footprint."""

from __future__ import annotations

from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, LABELS, READOUT_ROWS, TASKS

__all__ = ["EXPERIMENT"]

EXPERIMENT = Matrix(
    name="readouts",
    title="One model, read out and fed in several ways",
    item="none",
    question="How much of a row's score is its readout, its knowledge of where it is, and the footprints it is shown?",
    cities=("singapore", "singapore_typed", "manhattan", "toyville"),
    tasks=TASKS,
    contenders=READOUT_ROWS,
    references=FLOOR_ROWS,
    labels=LABELS,
    notes=(
        "Readouts of UrbanMFM are of the same trained stages; with every footprint as a place it is another training.",
        "A footprint without a tag that tells its use is a place with the text 'building' where every footprint is one, and otherwise nothing.",
    ),
)
