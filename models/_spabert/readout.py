"""From a trained model to vectors of POIs, regions and buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.models._spabert.reading import pivot_vectors
from urbanbench.models._spabert.sentences import sentences_at
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.texts.counts import pois_of_units

if TYPE_CHECKING:
    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.models._spabert.pretrain import Pretrained
    from urbanbench.models.spabert import SpaBERT
    from urbanbench.units import Units


def embed_units(model: SpaBERT, trained: Pretrained, view: View, units: Units) -> EmbeddingSpace:
    """Return the vectors of POIs, regions or buildings."""
    made = _pois(trained, units) if units.level == "poi" else _means(model, trained, view, units)
    return EmbeddingSpace(units.level, np.array(units.ids), *made)


def _pois(trained: Pretrained, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Return pivot vectors of POIs; what the filter leaves out is not covered."""
    row_of = {one: row for row, one in enumerate(trained.entities.ids.tolist())}
    rows = np.fromiter((row_of.get(one, -1) for one in units.ids), dtype=np.int64, count=len(units))
    covered = rows >= 0
    vectors = np.zeros((len(units), trained.net.dim), dtype=np.float32)
    vectors[covered] = pivot_vectors(trained.net, trained.sentences, rows[covered], trained.device)
    return vectors, covered


def _means(model: SpaBERT, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Return mean pivot vectors: of the POIs in a region; of those near a building and of the building as a pivot."""
    counts = pois_of_units(view, units, model.radius_m)[:, trained.entities.row]
    total, number = _sums(trained, counts)
    if units.level == "building":
        total += _as_pivots(trained, view, units)
        number += 1
    return (total / np.maximum(number, 1)[:, None]).astype(np.float32), number > 0


def _sums(trained: Pretrained, counts: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of the vectors of each row's entities, float64 (n, dim), and their number (n,)."""
    rows = np.unique(counts.indices)
    vectors = pivot_vectors(trained.net, trained.sentences, rows, trained.device)
    total = counts[:, rows] @ vectors.astype(np.float64)
    return np.asarray(total), np.asarray(counts.sum(axis=1))


def _as_pivots(trained: Pretrained, view: View, units: Units) -> np.ndarray:
    """Return the vectors of buildings as pivots at their centroids, all called the same, (n, dim)."""
    xy = shapely.get_coordinates(shapely.centroid(view.unit_geometry(units)))
    own = trained.sentences
    sentences = sentences_at(xy, trained.unnamed, trained.entities, own.words, own.form)
    return pivot_vectors(trained.net, sentences, np.arange(len(xy)), trained.device)
