"""Case study 1: two places with the same words in different surroundings."""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.context_case import ContextCase

__all__ = ["EXPERIMENT"]

EXPERIMENT = ContextCase(
    name="case1",
    title="Spatial context",
    item="Section V-F, figures 6 and 7",
    question="Can a model tell regions apart whose POIs say the same?",
    cities=("singapore", "new_york", "toyville"),
    splits=("random", "block"),
    floors=False,
    contenders=(
        Contender("text alone", "text-mean"),
        Contender("UrbanMFM, POIs alone", "urbanmfm", inputs="poi"),
        Contender("UrbanMFM", "urbanmfm"),
        Contender("coordinates", "coordinates"),
        Contender("no input", "mean"),
    ),
    notes=(
        "Predictions are means over the seeds in which the region was tested; no head saw its label then.",
        "Rules find the pairs from the POIs alone: one POI each with the same text; several POIs with the same texts; each the other's nearest by the overlap of POI kinds.",
        "Pairs shown one by one have the largest label gaps of their rule: chosen by rule, yet no sample. The table of all pairs is what counts.",
        "Ordered rightly: share of pairs whose larger region is predicted larger, equal predictions as half. The interval is Wilson's; under the first two rules pairs share regions, and it is too narrow.",
        "Two regions are mostly tested in different seeds, by heads from different training regions, so even a row without input orders some pairs, and not half of them rightly: read the others against it.",
        "Tested together: only seeds that tested both regions count, so one head answers for both; equal vectors then give equal answers, and chance is 50 %. Fewer pairs have such a seed.",
        "Gap found: slope of predicted over true differences; 100 % is the whole gap, 0 % none of it.",
        "The paper shows one pair of restaurants in Singapore without naming them, so that pair cannot be looked up.",
    ),
)
