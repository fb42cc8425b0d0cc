"""Vectors of regions and of street views from a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.models._urban2vec.pretrain import pretrain, see
from urbanbench.models._urban2vec.regions import means
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.texts.counts import rows_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.urban2vec import Urban2Vec
    from urbanbench.units import Units

LEVELS = ("region", "street_view")


def embed_units(model: Urban2Vec, view: View, units: Units, *, seed: int, device: str) -> EmbeddingSpace:
    """Train what the level needs, and return vectors (n, dim); units without data are zero and not covered.

    Raises
    ------
    BadInput
        Units of another level, unknown ids, or street views where their pictures are not used.
    InputMasked, LayerMissing
        The units themselves cannot be seen.
    """
    if units.level not in LEVELS:
        msg = f"Urban2Vec cannot embed units of level {units.level!r}. Expected one of: {', '.join(LEVELS)}."
        raise BadInput(msg)
    view.unit_geometry(units)
    if units.level == "street_view":
        ids: tuple[str, ...] = tuple(view.street_views.index)
        vectors, covered = street_view_vectors(model, view, seed=seed, device=device)
    else:
        trained = pretrain(model, view, seed=seed, device=device)
        ids, vectors, covered = view.region_ids, trained.vectors, trained.covered
    rows = rows_of(ids, units.ids)
    kept = np.where(covered[:, None], vectors, 0.0).astype(np.float32)
    return EmbeddingSpace(units.level, np.array(units.ids), kept[rows], covered[rows])


def street_view_vectors(
    model: Urban2Vec, view: View, *, seed: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean vector of every street view's pictures, float32 (n, dim), and which views have any, bool (n,)."""
    if model.pictures_in(view) != "street_view":
        msg = f"Urban2Vec with pictures={model.pictures!r} does not look at street views. Expected 'auto' or 'street_view'."
        raise BadInput(msg)
    count = len(view.street_views)
    sight, _ = see(model, view, seed=seed, device=device)
    if sight is None:
        return np.zeros((count, model.dim), dtype=np.float32), np.zeros(count, dtype=bool)
    opened = np.flatnonzero(sight.features.ok[sight.pictures.source])
    saw("street_view", sight.pictures.unit[opened], of=count)
    mean, found = means(sight.vectors(opened), sight.pictures.unit[opened], count)
    return mean, found > 0
