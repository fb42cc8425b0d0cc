"""What a pretrained text encoder says of POIs, averaged: the plain reading of the texts that learned models start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import UnknownName
from urbanbench.model import Model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.texts._text_nets import TextEncoder
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
        Name or folder, see `urbanbench.toolkit.texts.text_encoders`.
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
        trained=False,
        transfers="fixed",
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
        """Return vectors (n, dim) of regions or POIs, or (n, 2 dim) of buildings: texts around, then own text.

        Raises
        ------
        BadInput
            Units of another level, or unknown ids.
        """
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.text_encoders import load_text_encoder
        from urbanbench.toolkit.training import seeded_torch

        blocks = self._blocks(view, units)
        del seed  # nothing is trained, and what an untrained encoder draws is the same for every seed
        with seeded_torch(0, "text-mean"):
            encoder = load_text_encoder(self.text_encoder, pool=self.text_pool)
        vectors = np.hstack([_mean(counts, encoder, texts, device) for texts, counts in blocks])
        covered = np.add.reduce([np.diff(counts.indptr) for _, counts in blocks]) > 0
        return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered)

    def variant(self, view: View) -> Mapping[str, str]:
        """Name the encoder."""
        from urbanbench.toolkit.texts.text_encoders import name_text_encoder

        del view
        return {"text": f"{name_text_encoder(self.text_encoder)} (frozen)"}

    def _blocks(self, view: View, units: Units) -> list[tuple[tuple[str, ...], sparse.csr_array]]:
        """Return the parts of a unit's vector: distinct texts, and how often each stands in each unit, (n_units, n_texts)."""
        import numpy as np

        from urbanbench.seen import saw
        from urbanbench.toolkit.texts.counts import pois_of_units, rows_of, saw_pois

        pois, buildings = view.pois, view.buildings if units.level == "building" else None
        texts, of_poi = self._texts(pois, shaped=False)
        told = np.diff(of_poi.indptr) > 0
        if units.level == "poi":
            rows = rows_of(pois.index, units.ids)
            saw("poi", rows[told[rows]], of=len(pois))
            return [(texts, of_poi[rows])]
        belongs = pois_of_units(view, units, self.radius_m)
        saw_pois(belongs, told)
        around = [(texts, belongs @ of_poi)]
        if buildings is None:
            return around
        own, of_building = self._texts(buildings, shaped=True)
        return [*around, (own, of_building[rows_of(buildings.index, units.ids)])]

    def _texts(self, frame: pd.DataFrame, *, shaped: bool) -> tuple[tuple[str, ...], sparse.csr_array]:
        """Return the distinct texts of a frame's objects and which object has which, ones (n_objects, n_texts)."""
        import numpy as np
        from scipy import sparse

        from urbanbench.city.folder.tags import tag_table
        from urbanbench.toolkit.texts.place_texts import (
            distinct_texts,
            is_object,
            is_place,
            is_shaped_place,
            place_texts,
        )

        tags, every = tag_table(frame["tags"]), self.poi_filter == "all"
        told = is_shaped_place(tags) if shaped else is_object(tags) if every else is_place(tags)
        kept = np.flatnonzero(told)
        written = place_texts(tags, use_name=self.use_name, every_key=every and not shaped)
        texts, place = distinct_texts([written[row] for row in kept])
        return texts, sparse.csr_array((np.ones(len(kept)), (kept, place)), shape=(tags.n, len(texts)))


def _mean(counts: sparse.csr_array, encoder: TextEncoder, texts: tuple[str, ...], device: str) -> np.ndarray:
    """Return the mean vector of each row's texts, float32 (n, dim); zeros for a row without any."""
    import numpy as np

    from urbanbench.toolkit.features.encoded import text_features

    features = text_features(encoder, texts, device=device)
    total = np.asarray(counts.sum(axis=1)).reshape(-1, 1)
    return np.asarray(counts @ features / np.maximum(total, 1), dtype=np.float32)
