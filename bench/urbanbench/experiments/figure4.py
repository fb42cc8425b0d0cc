"""Figure 4: stage-wise against joint training."""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.curves import Curves

__all__ = ["EXPERIMENT"]

EXPERIMENT = Curves(
    name="figure4",
    title="Stage-wise against joint training",
    item="Figure 4",
    question="Do the objectives of UrbanMFM learn faster one after another or all at once, and which vectors predict better?",
    cities=("toyville", "singapore"),
    splits=("random",),
    contenders=(
        Contender("stage-wise", "urbanmfm", (("mode", "stagewise"),)),
        Contender("joint", "urbanmfm", (("mode", "joint"),)),
    ),
    notes=("The paper shows these as curves without printing values.",),
)
