"""Table III: population density from everything a model can use, and UrbanMFM with parts left out."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import (
    BASELINES,
    INPUT_ABLATION,
    OBJECTIVE_ABLATION,
    input_rows,
    models_of,
    objective_rows,
)

__all__ = ["EXPERIMENT"]

EXPERIMENT = Comparison(
    name="table3",
    title="Population density and ablations",
    item="Table III",
    question="How well does each model predict population density, and what does each scale and input of UrbanMFM add?",
    cities=("singapore", "new_york", "toyville"),
    contenders=(*models_of(*BASELINES), *objective_rows(), *input_rows()),
    full="UrbanMFM",
    ablations=(OBJECTIVE_ABLATION, INPUT_ABLATION),
    table="III",
    notes=(
        "Objective ablation: the stages of a scale are skipped, the inputs stay. This is the paper's ablation.",
        "Input ablation: an input is hidden, and with it every stage that needs it. The paper has no such rows.",
        "The paper's Singapore row without the global scale equals its CityFM row, spreads included.",
    ),
)
