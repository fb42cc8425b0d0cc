"""What HGI is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="HGI",
    summary="Graph convolutions and attention pooling from POIs to regions to the city, trained by mutual information between levels.",
    year=2023,
    paper="Huang, Zhang, Mai, Guo, Cui: Learning urban region representations with POIs and hierarchical graph infomax. ISPRS Journal of Photogrammetry and Remote Sensing 196 (2023), doi:10.1016/j.isprsjprs.2022.11.021",
    code="https://github.com/RightBank/HGI (MIT; not used)",
    needs=("poi",),
    can_use=("polygon",),
    embeds=("region", "building", "poi"),
    differs_from_paper=(
        "Categories are OpenStreetMap's: the key is the first level, key=value the second; values with fewer than five POIs are one category of their key (option min_count).",
        "Street furniture and objects that tell no use are no POIs (option poi_filter); buildings whose tags make them POIs are nodes too, where footprints may be seen.",
        "POIs at one spot are moved apart by at most 0.1 m before the triangulation.",
        "POIs outside of all regions are nodes of the POI graph, but of no region.",
        "Regions without POIs are nodes of the region graph with the pooling's seed; they enter no loss and not the city's summary, and their vector counts as missing.",
        "Regions no more than 1 m apart are neighbours (option adjacent_gap_m).",
        "Negatives of skip-gram are drawn with repetition; a category that occurs with every other has any other as a negative.",
        "The hierarchical term is the sum of squared distances of the paper's formula, which the published weight of 1e-8 makes too small to act; the authors' code squares the sum of distances, which is some thousand times stronger (option hierarchy).",
        "Vectors of categories are those with the lowest loss on 5 % of the walks, and training ends after three of ten checks without a better one.",
        "The keys of the attention have no bias, which would cancel in the softmax.",
        "Losses are softplus of the scores, the same as -log D without the authors' 1e-15 inside the logarithm.",
        "In cities with more than 2,500 regions hard negatives are looked for among 2,500 random ones.",
        "The weights with the lowest loss over the city are looked for every 20 epochs with the same negatives each time, not at every epoch; after 2,000 epochs training goes on to the plateau of that loss.",
        "Vectors of buildings are our extension: untagged buildings become nodes without features of the trained POI graph.",
    ),
    version=2,
    transfers="inductive",
    transfers_why="the trained graph convolutions read any city; categories it has not met say nothing",
)
