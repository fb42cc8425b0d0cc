"""What Urban2Vec is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="Urban2Vec",
    summary="Street views by triplets of near and far pictures, then regions drawn to the words of their POIs.",
    year=2020,
    paper="Wang, Li, Rajagopal: Urban2Vec: Incorporating street view imagery and POIs for multi-modal urban neighborhood embedding. AAAI 2020, arXiv:2001.11101",
    code="https://github.com/wangzhecheng/urban2vec_ (MIT; not used)",
    needs=(),
    needs_any=("street_view", "polygon", "poi"),
    embeds=("region", "street_view"),
    differs_from_paper=(
        "Words are OpenStreetMap's: key, key=value, cuisine, brand and words of names; prices, ratings and reviews do not exist there.",
        "Partners of a picture are pictures of the five nearest other points, not its siblings at the same point (option allow_siblings).",
        "A negative is never the picture's own point or its partner's; the authors' shuffle allows both (option negatives).",
        "Where no street views may be seen, drawings of footprints take their place, as in UrbanMFM's unified setting; with neither, step 2 starts from random vectors.",
        "A region without pictures starts from the mean of its neighbours' vectors, else the city's; one without POIs keeps the vector of its pictures; one without either is not covered.",
        "Weights are chosen by the held-out triplet loss, not by accuracy; those of step 2 by pairs of region and word that were held out, not by the training pairs.",
        "Step 1 holds out points with all their pictures; random directions stand for pictures where a point has several.",
        "Batch normalisation keeps its pretrained statistics while the encoder is trained.",
        "Word vectors start at random with deviation 0.1, unless a file of GloVe vectors of length dim is given (option word_vectors).",
        "Objects that tell no use are no POIs (option poi_filter); buildings whose tags make them POIs add their words, where footprints may be seen.",
        "Vectors of street views are step 1's own, the mean over the pictures of a view.",
    ),
    version=2,
    transfers="transductive",
    transfers_why="its region vectors are trained one by one, so a region that was not there has none",
)
