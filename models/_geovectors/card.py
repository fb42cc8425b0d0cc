"""What GeoVectors is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="GeoVectors",
    summary="Word vectors of OpenStreetMap tags beside vectors of places from random walks between near objects.",
    year=2021,
    paper="Tempelmeier, Gottschalk, Demidova: GeoVectors: A Linked Open Corpus of OpenStreetMap Embeddings on World Scale (CIKM 2021), arXiv:2108.13092",
    code="https://github.com/NicolasTe/GeoVectors (MIT; not used)",
    needs=("poi",),
    can_use=("polygon",),
    embeds=("region", "building", "poi"),
    version=2,
    differs_from_paper=(
        "Word vectors are GloVe's where the package is installed, else fastText trained on the city's own tags; the paper's are fastText's of Common Crawl (option words reads those from a file).",
        "Word vectors without subwords (option words) look unknown words up by their parts, in lower case; words without a known part are left out.",
        "Entities are the POIs that carry a tag the run may see; roads and buildings, which the paper's corpus has too, are not embedded as entities.",
        "The graph links each entity to its 50 nearest in every direction, in metres of the city's projected CRS; the published code links it to the next 50 in the order of latitude and of longitude (option graph=sliding).",
        "The location model is trained on all entities of the city instead of a sample of a country's (option max_nodes); every entity has a node vector, however few walks meet it.",
        "Walks are drawn once and shuffled; training is repeatable, with one gensim worker.",
        "Training on tags keeps frequent words (no subsampling), since all tags of a city are frequent.",
        "The paper defines no region or building vectors: a region is the mean over its POIs, a building the mean tag vector of the POIs within 100 m (option radius_m) beside the location vector of its centroid, as in UrbanMFM's comparison.",
        "A region without POIs has zeros for tags and the location vector of its centroid.",
    ),
    transfers="transductive",
    transfers_why="its location model trains a vector for every object of the city",
)
