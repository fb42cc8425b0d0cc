"""What a pretrained text encoder says of POIs, averaged: the plain reading of the texts that learned models start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput, UnknownName
from urbanbench.model import Model

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.text import TaggedTexts
    from urbanbench.units import Units

POI_FILTERS = ("paper", "all")


@dataclass(frozen=True)
class TextMean(Model):
    """Vectors of POI texts by a frozen text encoder; nothing is trained.

    A POI has the vector of its text. A region has the mean over its POIs. A building has the mean over the POIs within `radius_m`
    beside the vector of its own text, each zero where there is none. Units without any text are not covered.

    Parameters
    ----------
    text_encoder
        Name or folder, see `urbanbench.toolkit.text_encoders`.
    text_pool
        "mean" over tokens, or "cls".
    use_name
        Whether names belong to the texts.
    poi_filter
        "paper" keeps POIs by their tags as UrbanMFM's authors do; "all" keeps every object with a primary OpenStreetMap key.
    radius_m
        How far from a building POIs are read, in metres.
    """

    text_encoder: str = "bert-base-uncased"
    text_pool: str = "mean"
    use_name: bool = True
    poi_filter: str = "paper"
    radius_m: float = 100.0

    card: ClassVar[ModelCard] = ModelCard(
        title="Sentence vectors, averaged",
        summary="Mean of a pretrained text encoder's vectors of POI texts, without training.",
        year=2019,
        paper="Devlin, Chang, Lee, Toutanova: BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding (2019), arXiv:1810.04805",
        code="https://github.com/google-research/bert (Apache-2.0; not used)",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building", "poi"),
        differs_from_paper=(
            "The encoder is not fine-tuned; a text's vector is the mean over its tokens, not [CLS] (option text_pool).",
            "Averaging over a region's or a building's POIs is ours: it is what learned models of POI texts have to beat.",
        ),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "small": {"text_encoder": "minilm"}}

    def __post_init__(self) -> None:
        """Check what no part checks itself.

        Raises
        ------
        UnknownName
            No such POI filter.
        """
        if self.poi_filter not in POI_FILTERS:
            raise UnknownName("POI filter", self.poi_filter, POI_FILTERS)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return vectors (n, dim) of regions or POIs, or (n, 2 dim) of buildings: around, then own."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.counts import pois_of_units

        pois = self._texts(view.pois["tags"], shaped=False)
        if units.level == "poi":
            blocks = [(pois, _own(view.pois.index, units, pois))]
        elif units.level == "region":
            blocks = [(pois, pois_of_units(view, units, self.radius_m))]
        elif units.level == "building":
            buildings = self._texts(view.buildings["tags"], shaped=True)
            around = pois_of_units(view, units, self.radius_m)
            blocks = [(pois, around), (buildings, _own(view.buildings.index, units, buildings))]
        else:
            msg = f"TextMean cannot embed units of level {units.level!r}. Expected region, building or poi."
            raise BadInput(msg)
        made = [
            (texts.per_unit(members), self._encoded(texts.texts, seed, device)) for texts, members in blocks
        ]
        vectors = np.hstack([weights @ features for weights, features in made], dtype=np.float32)
        covered = sum(np.diff(weights.indptr) for weights, _ in made) > 0
        return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        from urbanbench.toolkit.text_encoders import name_text_encoder

        del view
        return {"text": f"{name_text_encoder(self.text_encoder)} (frozen)"}
