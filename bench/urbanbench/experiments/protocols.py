"""The same vectors scored as several papers score theirs, beside our own splits."""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.paper_rows import BASELINES, FLOOR_ROWS, LABELS, MODEL_ROWS, URBANMFM

__all__ = ["EXPERIMENT"]

SHOWN = {*BASELINES, "SpaBERT, 2,250 steps", "UrbanMFM"} - {"SpaBERT", "UrbanCLIP"}
"""Rows of the cities' matrix; the plain SpaBERT takes days, and heads of papers bring an encoding of their own."""

EXPERIMENT = Matrix(
    name="protocols",
    title="Every model under papers' own protocols",
    item="none",
    any_model=True,
    across="protocols",
    question="How much of a published number is the protocol that it was scored by?",
    cities=("singapore", "new_york", "toyville"),
    contenders=(
        *(row for row in MODEL_ROWS if row.label in SHOWN),
        URBANMFM.changed("UrbanMFM, raw lengths", raw_length="true"),
    ),
    references=(*FLOOR_ROWS, Contender("random codes, averaged", "random-codes")),
    labels=LABELS,
    protocols=("paper:hgi", "paper:cityfm", "paper:urbanmfm", "paper:mvure"),
    notes=(
        "A paper's protocol has a split and a head of its own (`urbanbench describe paper:hgi`). Its numbers are compared with others under it and with nothing else.",
        "The heads of `paper:cityfm` and `paper:urbanmfm` are told where each unit lies, whatever the model; `paper:mvure` scores once, over folds that follow the order of units in their file.",
    ),
)
