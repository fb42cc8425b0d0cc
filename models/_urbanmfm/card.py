"""What UrbanMFM is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="UrbanMFM",
    summary="Five contrastive objectives over POI texts, footprints, street views, satellite images and the graphs between them.",
    year=2025,
    paper="Zhang, Xie, Balsebre, Huang, Luo, Cong: UrbanMFM: Spatial Graph-based Multiscale Foundation Models for Learning Generalized Urban Representation (2025)",
    code="https://github.com/ZZQ-NTU/UrbanMFM (no licence; not used)",
    needs=("poi",),
    can_use=("polygon", "road", "street_view", "satellite", "flow"),
    embeds=("region", "building", "poi"),
    differs_from_paper=(
        "The paper does not define a region's vector: here it is the mean of its POIs' fused vectors (Eq. 26) beside its satellite vector, with two columns that tell which of them exist.",
        "Objectives whose data a city lacks or a run hides are left out and named in the result; missing modalities are masked.",
        "Without the global objective the fusion (Eqs. 23-25) is untrained; a POI's vector is then the mean of its modality vectors, each scaled to length 1.",
        "Text and image features pass projections to a common length; the paper omits them, which leaves the sizes in Eqs. 4-27 undefined.",
        "Text features are the mean over tokens, not [CLS] (option text_pool).",
        "In Eq. 4 the factor 1/2 covers picture and surface, the surface passes a small network, and areas above 5000 m² count as 1 (option a_max_m2).",
        "The mean of Eq. 6 leaves the sampled POI out (option include_self); at most 32 other POIs of a road enter it at each step (option road_pois).",
        "Losses but Eq. 9 are symmetric (option direction) and skip candidates that are false negatives: a POI with the same text, a region that satisfies Eq. 21 as well, a region with the same picture.",
        "Eq. 8 cannot be done as printed (a language model cannot read image vectors): scene labels come from a file, zero-shot CLIP or clusters of image features (option scene).",
        "In Eq. 9 picture and scene pass a linear layer to length d; points without a scene keep the picture's vector.",
        "Candidates of Eq. 9 leave out the view itself and further views of the same point (option literal_views).",
        "Angles of Eq. 11 are bearings from the sampling point to the POI; a missing direction is masked in Eqs. 11 and 12.",
        "At most 16 street view points and 32 POIs within 1 km enter Eqs. 13 and 15, and with the square of another radius more or fewer (options max_dist_m, max_street_views, max_neighbours).",
        "The head's positional encoding is left out unless with_pe is set, because it lets heads interpolate between neighbours; such rows stand apart.",
        "Edge weights are scaled to sum 1 per graph and enter the attention; graphs are read out by the mean over nodes (option readout).",
        "DBSCAN's radius is 50 m on the ground (option dbscan_unit=deg for 0.05 degrees) and points without a cluster are clusters of one (Eqs. 17, 18); road lengths are cut at the region's border, ways no car may use do not count (Eq. 20).",
        "Without roads, POIs alone decide Eq. 21; at most similar_regions partners of a region are kept, in cities with more than 8,192 regions from a random sample of these.",
        "The gate of Eq. 24 has no ReLU, which would keep street views below one half (option gate_relu).",
        "The step E_micro uses at most region_pois POIs of a region, drawn anew each time; all in the region's final vector.",
        "Graph nodes of the global objective are replaced with probability one half, at least one in each graph; edge weights are scaled as in local graphs.",
        "Distances and areas are measured in the city's projected CRS.",
        "Without roads, a POI's nearest neighbours take the place of the POIs at its road (option grouping).",
        "A POI that is a point has the footprint of the smallest building around it.",
        "Texts are cut at 64 tokens.",
        "The global objective also trains the gate of Eq. 12; the small preset's other objectives have ten times the paper's learning rate, the global one the paper's.",
        "Training stops early on a held-out part of each objective's anchors.",
        "Pictures are scaled to a square without a crop; batch normalisation keeps its pretrained statistics where the image encoder is trained.",
        "Before Eq. 23 each modality passes a linear layer, ReLU, LayerNorm and dropout, as in the authors' code.",
        "In Eq. 23 each modality has one token, so that the attention has no use for queries and keys: each pass is a value and an output projection with dropout over heads.",
        "Vectors of POIs and nodes of the global graph are scaled to length 1.",
        "Joint training reads the backbones' features from before training in the local and global objectives.",
    ),
    version=2,
    transfers="inductive",
    transfers_why="the trained encoders, fusions and graphs read the POIs and pictures of any city",
)
