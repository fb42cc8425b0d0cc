"""Floor: TF-IDF of the tags and name words of a unit's points of interest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.texts.counts import Tokens
    from urbanbench.units import Units


@dataclass(frozen=True)
class TfIdf(Model):
    """Smoothed TF-IDF of the most frequent words, with rows of length 1.

    A document is all POIs of a region, or those within `radius_m` of a building; its words are the POIs' key=value pairs and
    the lower-case words of their names. Document frequencies come from the city's regions at every level, so a unit's row does
    not depend on which others are asked for. Units with an empty document are not covered.

    There is no SVD on purpose: heads standardise their inputs, and a standardised SVD with about as many components as regions is
    white noise (Singapore population density, head `mlp`, validation rows: R² -.02 with it, .77 without).

    Parameters
    ----------
    min_regions
        A word must occur in that many regions.
    names
        Whether words of names count beside key=value pairs.
    max_columns
        Most frequent words kept; ties by name.
    radius_m
        How far from a building POIs count, in metres.
    """

    min_regions: int = 2
    names: bool = True
    max_columns: int = 1024
    radius_m: float = 100.0

    card = ModelCard(
        title="TF-IDF",
        summary="TF-IDF of POI tags and name words.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
        transfers="inductive",
        transfers_why="words and their weights are those of the city it learned from",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return weights (n, words)."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return the words, and how much each weighs by the number of regions that have it."""
        import numpy as np

        from urbanbench.learned import Learned
        from urbanbench.toolkit.texts.counts import pois_of_units, saw_pois, vocabulary_matrix
        from urbanbench.units import Units

        del seed, device
        regions = pois_of_units(view, Units("region", tuple(view.region_ids)), self.radius_m)
        per_poi, words = vocabulary_matrix(
            self._tokens(view),
            documents=regions,
            min_documents=self.min_regions,
            max_columns=self.max_columns,
        )
        saw_pois(regions, np.diff(per_poi.indptr) > 0)  # the regions' POIs make the frequencies
        return Learned({"weights": _weights(regions @ per_poi)}, {"words": words})

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return weights (n, words learned)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.counts import matrix_of_words, pois_of_units, saw_pois

        del seed, device
        per_poi = matrix_of_words(self._tokens(view), learned.facts["words"])
        near = pois_of_units(view, units, self.radius_m)
        saw_pois(near, np.diff(per_poi.indptr) > 0)
        wanted = near @ per_poi
        vectors = _weighted(learned.arrays["weights"], wanted)
        covered = np.diff(wanted.indptr) > 0
        vectors[~covered] = 0.0
        return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered)

    def _tokens(self, view: View) -> Tokens:
        from urbanbench.toolkit.texts.counts import joined_tokens, key_value_tokens, name_tokens

        tokens = key_value_tokens(view.pois)
        return joined_tokens(tokens, name_tokens(view.pois)) if self.names else tokens


def _weights(documents: sparse.csr_array) -> np.ndarray:
    """Return the weight of every word, float64 (words,): smoothed inverse document frequency."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfTransformer

    if documents.shape[1] == 0:
        return np.zeros(0)
    return np.asarray(TfidfTransformer().fit(documents).idf_, dtype=np.float64)


def _weighted(weights: np.ndarray, wanted: sparse.csr_array) -> np.ndarray:
    """Weight the words of documents (n, words), and bring every row to length 1."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfTransformer

    if len(weights) == 0:
        return np.zeros((wanted.shape[0], 1), dtype=np.float32)
    weighing = TfidfTransformer()
    weighing.idf_ = weights
    return np.asarray(weighing.transform(wanted).toarray(), dtype=np.float32)
