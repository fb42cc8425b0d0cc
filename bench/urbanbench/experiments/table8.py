"""Table VIII: does UrbanMFM gain from a modality it was not made for, trips between regions?"""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.paper_rows import URBANMFM

__all__ = ["EXPERIMENT"]

_WITH_FLOWS = "UrbanMFM + flows"

EXPERIMENT = Comparison(
    name="table8",
    title="Adaptability to trips",
    item="Table VIII",
    question="Does UrbanMFM predict population density better when it also sees trips between regions?",
    cities=("toyville", "singapore"),
    contenders=(
        URBANMFM,
        Contender(
            _WITH_FLOWS,
            "urbanmfm",
            (("flows", "true"),),
            inputs="poi,polygon,road,street_view,satellite,flow",
            published="UrbanMFM + trajectory",
            needs=("flow",),
        ),
    ),
    full="UrbanMFM",
    ablations=("Models",),
    table="VIII",
    notes=(
        "The paper's trajectory data of Singapore are not identified; trips between regions stand for them here.",
    ),
)
