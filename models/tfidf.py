"""Floor: TF-IDF of the tags and name words of a unit's points of interest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.seeds import integer_seed

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class TfIdf(Model):
    """Smoothed TF-IDF with rows of length 1, reduced by a truncated SVD if there are many words.

    A document is all POIs of a region, or those within `radius_m` of a building; its words are the POIs' key=value pairs and
    the lower-case words of their names. Document frequencies and the SVD come from the city's regions at every level, so a
    unit's row does not depend on which others are asked for. Units with an empty document are not covered.

    Parameters
    ----------
    min_regions
        A word must occur in that many regions.
    names
        Whether words of names count beside key=value pairs.
    max_columns
        More words than that are reduced to as many SVD components.
    radius_m
        How far from a building POIs count, in metres.
    """

    min_regions: int = 2
    names: bool = True
    max_columns: int = 512
    radius_m: float = 100.0

    card = ModelCard(
        title="TF-IDF",
        summary="TF-IDF of POI tags and name words, by SVD where there are many.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return weights (n, words), or SVD components (n, min(max_columns, regions)) where there are more words."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.counts import (
            joined_tokens,
            key_value_tokens,
            name_tokens,
            pois_of_units,
            vocabulary_matrix,
        )
        from urbanbench.units import Units

        del device
        tokens = key_value_tokens(view.pois)
        if self.names:
            tokens = joined_tokens(tokens, name_tokens(view.pois))
        regions = pois_of_units(view, Units("region", tuple(view.region_ids)), self.radius_m)
        per_poi, _ = vocabulary_matrix(tokens, documents=regions, min_documents=self.min_regions)
        wanted = pois_of_units(view, units, self.radius_m) @ per_poi
        vectors = self._weighted(regions @ per_poi, wanted, seed)
        covered = np.diff(wanted.indptr) > 0
        vectors[~covered] = 0.0
        return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered)

    def _weighted(self, documents: np.ndarray, wanted: np.ndarray, seed: int) -> np.ndarray:
        """Weight `wanted` (n, words) by the document frequencies of `documents` and reduce it."""
        import numpy as np
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfTransformer

        if documents.shape[1] == 0:
            return np.zeros((wanted.shape[0], 1), dtype=np.float32)
        weights = TfidfTransformer().fit(documents)
        rows = weights.transform(wanted)
        if documents.shape[1] <= self.max_columns:
            return np.asarray(rows.toarray(), dtype=np.float32)
        components = min(self.max_columns, *documents.shape)
        svd = TruncatedSVD(components, random_state=integer_seed(seed, "tfidf") % 2**32)
        return np.asarray(svd.fit(weights.transform(documents)).transform(rows), dtype=np.float32)
