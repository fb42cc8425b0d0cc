"""Table III: population density from everything a model can use, and UrbanMFM with parts left out."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import (
    ABLATED,
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
    full=ABLATED.label,
    ablations=(OBJECTIVE_ABLATION, INPUT_ABLATION),
    table="III",
    notes=(
        "Objective ablation: the stages of a scale are skipped, the inputs stay. This is the paper's ablation.",
        "Input ablation: an input is hidden, and with it every stage that needs it. The paper has no such rows.",
        "All rows of the ablations are read out by the mean of a POI's kinds, also the full one they are held against: without the global objective nothing trains the fusion, and another readout would be a difference of its own.",
        "The paper's Singapore row without the global scale equals its CityFM row, spreads included.",
    ),
)
