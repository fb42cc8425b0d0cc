"""What is known of srai's own embedders: cards, inputs, and defaults that suit regions of any shape."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

from urbanbench.card import ModelCard

__all__ = ["Known", "known"]

CODE = "https://github.com/kraina-ai/srai (Apache-2.0; runs as it is installed)"
LIBRARY = (
    "Gramacki, Leśniara, Raczycki, Woźniak, Przymus, Szymański: SRAI: Towards Standardization of Geospatial AI "
    "(GeoAI 2023), doi:10.1145/3615886.3627740"
)
HEX2VEC = (
    "Woźniak, Szymański: hex2vec: Context-Aware Embedding H3 Hexagons with OpenStreetMap Tags (GeoAI 2021), "
    "doi:10.1145/3486635.3491076"
)
CONTEXT = (
    "Raczycki, Szymański: Transfer learning approach to bicycle-sharing systems' station location planning using "
    "OpenStreetMap data (ARIC 2021), doi:10.1145/3486626.3493434"
)
HIGHWAY2VEC = (
    "Leśniara, Szymański: highway2vec: representing OpenStreetMap microregions with respect to their road network "
    "characteristics (GeoAI 2022), doi:10.1145/3557918.3565865"
)
REGIONS = "Regions are the city's own, of any shape and size; the paper's are H3 hexagons of one size."
NO_FEATURES = "Regions without a feature of their own get zeros and count as not covered."
BY_KEY = "Features are the POIs of the city folder with the tags it keeps (option layers adds buildings and roads); srai loads all objects."


@dataclass(frozen=True)
class Known:
    """How one embedder is run.

    Parameters
    ----------
    card
        Its card.
    layers, columns, osm_filter
        Defaults of the fields of these names; see `urbanbench.models._srai.adapter.SraiModel`.
    defaults
        Other defaults of the embedder's parameters than srai's.
    chance
        Training loss of vectors that tell nothing; None where nobody knows it.
    place
        How its vectors tell where a region lies, see `urbanbench.model.Model.knows_place`.
    """

    card: ModelCard
    layers: tuple[str, ...] = ("poi",)
    columns: str = "tags"
    osm_filter: str = "HEX2VEC_FILTER"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    chance: float | None = None
    place: str = ""


_OBJECTS: Mapping[str, Any] = {
    "code": CODE,
    "needs": ("poi",),
    "can_use": ("polygon", "road"),
    "embeds": ("region",),
    "extra": "srai",
}

_KNOWN: Mapping[str, Known] = {
    "CountEmbedder": Known(
        ModelCard(
            title="Tag counts (srai)",
            summary="Counts the objects of every tag in a region.",
            year=2023,
            paper=LIBRARY,
            floor=True,
            differs_from_paper=(BY_KEY, NO_FEATURES),
            **_OBJECTS,
        )
    ),
    "ContextualCountEmbedder": Known(
        ModelCard(
            title="Tag counts with neighbours (srai)",
            summary="Adds the mean counts of neighbouring regions to a region's own, weighted by hops.",
            year=2021,
            paper=f"{CONTEXT}; in {LIBRARY}",
            floor=True,
            differs_from_paper=(
                REGIONS,
                BY_KEY,
                "Neighbours are regions that share a border; hops take the place of rings of hexagons.",
                "One ring of neighbours is counted in (neighbourhood_distance=1); srai has no default.",
                NO_FEATURES,
            ),
            **_OBJECTS,
        ),
        defaults={"neighbourhood_distance": 1, "num_of_multiprocessing_workers": 1},
        place="counts of neighbouring regions",
    ),
    "Hex2VecEmbedder": Known(
        ModelCard(
            title="Hex2Vec (srai)",
            summary="Encodes tag counts so that regions that share a border are alike, by negative sampling.",
            year=2021,
            paper=f"{HEX2VEC}; in {LIBRARY}",
            differs_from_paper=(
                REGIONS,
                BY_KEY,
                "Neighbours are regions that share a border (srai's AdjacencyNeighbourhood); regions without one train no pair.",
                "Epochs, batch and learning rate are srai's defaults, in both presets; it is trained on the city that is scored.",
                "srai's sampler may draw a region as its own negative.",
                NO_FEATURES,
            ),
            **_OBJECTS,
        ),
        chance=log(2),
    ),
    "Highway2VecEmbedder": Known(
        ModelCard(
            title="Highway2Vec (srai)",
            summary="Mean over a region's roads of an autoencoder's code of their tags.",
            year=2022,
            paper=f"{HIGHWAY2VEC}; in {LIBRARY}",
            code=CODE,
            needs=("road",),
            embeds=("region",),
            extra="srai",
            differs_from_paper=(
                REGIONS,
                "Roads are the city folder's ways, not osmnx's edges between crossings, and of all kinds, footways included.",
                "Tags that the folder does not keep stay 0; speeds and widths count where they are written as in srai's list.",
                "A road belongs to every region it meets, with equal weight whatever its length.",
                "Epochs, batch and rate are srai's defaults, in both presets; it is trained on the city that is scored.",
                "Regions without a road get zeros and count as not covered.",
            ),
        ),
        layers=("road",),
        columns="flags",
        osm_filter="OSM_WAY_TAGS",
    ),
}


def known(name: str, embedder: type) -> Known:
    """Return what is known of an embedder; for one of another package a card that says only what its class says."""
    if name in _KNOWN:
        return _KNOWN[name]
    told = (inspect.getdoc(embedder) or "").splitlines()
    return Known(
        ModelCard(
            title=embedder.__name__,
            summary=told[0] if told else f"{embedder.__name__}, an embedder in the manner of srai.",
            needs=(),
            can_use=("poi", "polygon", "road"),
            embeds=("region",),
            extra="srai",
        )
    )
