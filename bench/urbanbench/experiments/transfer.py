"""Transfer: does a representation, and what a head learned of it, carry over to another city?"""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.paper_rows import models_of
from urbanbench.experiments.kinds.transfers import Transfers

__all__ = ["EXPERIMENT"]

EXPERIMENT = Transfers(
    name="transfer",
    title="Transfer between cities",
    item="future work",
    question="What is left of each row's score when it learned in another city, vectors alone and with the head?",
    cities=("new_york", "singapore", "toyville:city"),
    splits=("random",),
    contenders=(
        *models_of("HGI", "CityFM", "MuseCL", "SpaBERT", "UrbanCLIP"),
        Contender("UrbanMFM, POIs and polygons", "urbanmfm", inputs="poi,polygon"),
        Contender("text-mean", "text-mean"),
    ),
    references=tuple(
        Contender(name, name)
        for name in ("building-stats", "poi-counts", "places-counts", "tfidf", "area", "mean", "coordinates")
    ),
    origins={
        "new_york": ("singapore",),
        "singapore": ("new_york",),
        "toyville": ("toyville:city",),
        "": ("toyville",),
    },
    notes=("The UrbanMFM paper names transfer between cities as its next step and prints no number of it.",),
)
