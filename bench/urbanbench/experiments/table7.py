"""Table VII: what buildings are used for, with F1 per class."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import models_of

__all__ = ["EXPERIMENT"]

EXPERIMENT = Comparison(
    name="table7",
    title="Building function",
    item="Table VII",
    question="How well does each model tell what a building is used for, class by class?",
    cities=("singapore", "toyville"),
    tasks=("building_function",),
    contenders=models_of("GeoVectors", "SpaBERT", "CityFM"),
    table="VII",
    metrics=("f1_macro", "f1_weighted", "accuracy"),
    per_class=True,
    notes=(
        "The paper prints F1 per class in percent, shown here as shares; it prints no macro F1 and no spread.",
    ),
)
