"""Table V: housing prices."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import BASELINES, models_of

__all__ = ["EXPERIMENT"]

EXPERIMENT = Comparison(
    name="table5",
    title="Housing prices",
    item="Table V",
    question="How well does each model predict housing prices?",
    cities=("singapore", "toyville"),
    tasks=("housing",),
    contenders=models_of(*BASELINES),
    table="V",
    notes=("The paper's housing prices are Beijing's, without a unit.",),
)
