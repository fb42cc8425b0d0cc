"""Table VI: gross domestic product per area."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import BASELINES, models_of

__all__ = ["EXPERIMENT"]

EXPERIMENT = Comparison(
    name="table6",
    title="GDP density",
    item="Table VI",
    question="How well does each model predict the gross domestic product of a region per area?",
    cities=("shenzhen", "toyville"),
    tasks=("gdp",),
    contenders=models_of(*BASELINES),
    table="VI",
    notes=("The paper's GDP is Beijing's, without a unit.",),
)
