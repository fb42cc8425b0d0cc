"""Case study 2: what models make of single buildings."""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.function_case import FunctionCase

__all__ = ["EXPERIMENT"]

EXPERIMENT = FunctionCase(
    name="case2",
    title="Building functions",
    item="Section V-F, figure 8",
    question="Which functions do models hold for likely, for the buildings they disagree on most and for all?",
    cities=("singapore", "toyville"),
    tasks=("building_function",),
    splits=("random",),
    floors=False,
    contenders=(
        Contender("CityFM, POIs and polygons", "cityfm", inputs="poi,polygon"),
        Contender("UrbanMFM, POIs and polygons", "urbanmfm", inputs="poi,polygon"),
        Contender("UrbanMFM", "urbanmfm"),
    ),
    notes=(
        "Numbers are means over the seeds in which the building was tested; no head saw its label then. Buildings that no seed tested are left out.",
        "The buildings shown are those with the largest total variation distance between any two rows, each of another class: chosen by rule, yet no sample.",
        "Probabilities come from the perceptron that also gives the classes. With other heads, or where the vectors are not at hand, the share of seeds that predict a class stands in, and the section says so.",
        "p: exact two-sided binomial test of the buildings that only one of the two rows gets right. Buildings of one site are not independent, which makes p too small.",
        "UrbanMFM sees street views only where the city has them; the paper's figure is about these.",
        "The paper shows two buildings without naming them, so those cannot be looked up.",
    ),
)
