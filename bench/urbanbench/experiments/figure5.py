"""Figure 5: how UrbanMFM's score depends on its parameters."""

from __future__ import annotations

from urbanbench.experiments.kinds.paper_rows import URBANMFM
from urbanbench.experiments.kinds.sweep import Knob, Sweep

__all__ = ["EXPERIMENT"]

EXPERIMENT = Sweep(
    name="figure5",
    title="Sensitivity to parameters",
    item="Figure 5",
    question="How much does UrbanMFM's prediction of population density depend on its parameters?",
    cities=("singapore", "toyville"),
    contender=URBANMFM,
    knobs=(
        Knob("sample_share", "Share of the training samples", ("0.1", "0.25", "0.5", "0.75", "1")),
        Knob("max_dist_m", "Radius of a neighbourhood in metres", ("250", "500", "1000", "1500", "2000")),
        Knob("cosine_threshold", "Least cosine of similar regions", ("0.8", "0.85", "0.9", "0.95", "0.99")),
        Knob("dbscan_eps_m", "Radius of POI clusters in metres", ("10", "25", "50", "100", "200")),
        Knob("min_pts", "Least POIs of a cluster's core", ("1", "2", "3", "5", "10")),
    ),
    notes=(
        "The paper shows these as curves without printing values; the values here are this project's choice.",
    ),
)
