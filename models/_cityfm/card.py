"""What CityFM is, where it comes from, and every point in which this implementation departs from its authors' code."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="CityFM",
    summary="Three contrastive stages over OpenStreetMap: texts at a road, footprints and texts, roads that as many bus routes use.",
    year=2024,
    paper="Balsebre, Huang, Cong, Li: City Foundation Models for Learning General Purpose Representations from OpenStreetMap, CIKM 2024, arXiv:2310.00583",
    code="https://github.com/PasqualeTurin/CityFM (no licence; not used)",
    needs=("poi",),
    can_use=("polygon", "road"),
    embeds=("region", "building", "poi"),
    differs_from_paper=(
        "Every region, road and footprint takes part; the authors' evaluation leaves out a random half of the regions.",
        "A text's features are the mean over its tokens without padding.",
        "Features of a context (a road's, a region's, a building's POIs) are averaged before the projection, in training as in the final vectors; the authors' code does so for regions.",
        "Pairs whose sampled text is the same are no negatives of each other in the text stage (option mask_same_text).",
        "A road's POIs lie within 100 m of its line, not of its vertices.",
        "Where no road can be seen, a POI with its 10 nearest others within 1 km takes the place of a road (option grouping).",
        "The road stage needs the tags bus_routes or route_ref on roads; without them, or without roads, it is left out and named in the result.",
        "The road stage reads roads that at least one bus route uses; a batch with fewer than two pairs teaches nothing.",
        "Footprints in the shape stage and in a region's vector are buildings whose tags tell their use and those around a POI (option region_polygons for all buildings in a region's vector).",
        "An anchor of the shape stage is a distinct text, with one of its footprints drawn anew each time: the authors draw footprints and skip texts that are in the batch already.",
        "The learning rate falls linearly to 0 over the steps that are really taken, in the shape stage too.",
        "Each stage takes at most 125 steps, five passes over at most 6,400 anchors, and stops early on a held-out part of its anchors; the best weights stay.",
        "Batch normalisation keeps its pretrained statistics where the image encoder is trained; in final vectors nothing is random.",
        "Areas are measured in the city's projected CRS; texts are cut at 64 tokens.",
        "A building's own tags do not belong to its context; a building without POIs around has the context that says so.",
        "The positional encoding is left out unless with_pe is set, because it lets heads interpolate between neighbours; such rows stand apart.",
        "As in the authors' code the mean of a region's POIs, and of those around a building, counts the text of no POI as one more (option region_zero); their tokens' padding is left out.",
        "The paper's speed task is not part of the suite, so roads have no vectors of their own.",
        "The small preset has frozen encoders, no roads without POIs in the text stage and learning rates up to ten times the paper's.",
    ),
    version=3,
    transfers="inductive",
    transfers_why="the trained projections read texts and footprints of any city",
)
