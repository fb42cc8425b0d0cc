"""Table IV: the unified setting, where every model sees POIs and polygons only."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import models_of

__all__ = ["EXPERIMENT"]

EXPERIMENT = Comparison(
    name="table4",
    title="Population density, unified inputs",
    item="Table IV",
    question="How well does each model predict population density when all see POIs and polygons only?",
    cities=("singapore", "new_york", "toyville"),
    contenders=models_of("Urban2Vec", "CityFM", inputs="poi,polygon"),
    table="IV",
)
