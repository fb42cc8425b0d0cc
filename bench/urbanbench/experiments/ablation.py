"""Ablation: every model without each of its inputs."""

from __future__ import annotations

from urbanbench.experiments.kinds.ablation import Ablation
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.paper_rows import models_of

__all__ = ["EXPERIMENT"]

EXPERIMENT = Ablation(
    name="ablation",
    title="What models lose without an input",
    item="none",
    question="Which of its inputs does each model's score come from?",
    cities=("singapore", "new_york", "toyville"),
    contenders=(
        *models_of("GeoVectors", "SpaBERT", "HGI", "Urban2Vec", "MuseCL", "CityFM", "UrbanCLIP"),
        Contender("text mean", "text-mean"),
    ),
)
