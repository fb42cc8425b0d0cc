"""Granularity: do models hold on larger regions?"""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.merge import Merge
from urbanbench.experiments.kinds.paper_rows import BASELINES, models_of

__all__ = ["EXPERIMENT"]

HEXAGONS = ("hexagons:500m", "hexagons:1km", "hexagons:2km")
"""By the length of an edge; Singapore's subzones are about as large as hexagons of 1 km."""

EXPERIMENT = Merge(
    name="granularity",
    title="Granularity of regions",
    item="Section V, robustness",
    question="How much worse does each model predict population density when neighbouring regions are merged?",
    cities=("singapore", "new_york", "toyville"),
    splits=("random",),
    contenders=(
        *models_of(*BASELINES),
        Contender("UrbanMFM, POIs and polygons", "urbanmfm", inputs="poi,polygon"),
        Contender("text mean", "text-mean"),
    ),
    scales={
        "singapore": (*HEXAGONS, "by:popdensity.group"),
        "new_york": HEXAGONS,
        "": ("hexagons:500m", "hexagons:1km"),
    },
    notes=(
        "Two to three neighbouring regions become one; labels are carried by what their unit allows. Heads then have fewer regions to learn from.",
        "The paper says in its text, without a table, that UrbanMFM gets about 5 % worse in Beijing and about 1 % in New York.",
    ),
)
