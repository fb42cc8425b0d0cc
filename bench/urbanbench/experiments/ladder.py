"""The split ladder: what is left of a score when test units lie farther from training?"""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.paper_rows import FLOOR_ROWS, LABELS, MODEL_ROWS, TASKS
from urbanbench.experiments.kinds.rungs import SplitLadder
from urbanbench.scoring.splits import IN_ONE_CITY

__all__ = ["EXPERIMENT"]

EXPERIMENT = SplitLadder(
    name="ladder",
    title="Split ladder",
    item="none",
    question="What is left of each model's score when test units lie farther from training, and which floor is then ahead?",
    cities=("singapore", "new_york", "toyville"),
    tasks=TASKS,
    splits=IN_ONE_CITY,
    contenders=MODEL_ROWS,
    references=(*FLOOR_ROWS, Contender("spatial-lag", "spatial-lag")),
    labels=LABELS,
)
