"""Vectors of regions, buildings and POIs: what tags say beside where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.models._geovectors.encode import encode_places
from urbanbench.models._geovectors.entities import Entities, entities_of, local_xy
from urbanbench.models._geovectors.location import chosen_nodes, node_vectors
from urbanbench.models._geovectors.tagvectors import entity_tag_vectors
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.texts.counts import pois_of_units, rows_of, saw_pois

if TYPE_CHECKING:
    from scipy import sparse

    from urbanbench.city.view import View
    from urbanbench.models.geovectors import GeoVectors
    from urbanbench.units import Units

__all__ = ["embed_units"]

Part = tuple[np.ndarray, np.ndarray]
"""Vectors float32 (n, dim), and which rows have data, bool (n,)."""


def embed_units(model: GeoVectors, view: View, units: Units, seed: int) -> EmbeddingSpace:
    """Return tag vectors beside location vectors, as the model's `parts` say; units without either are not covered."""
    entities = entities_of(view)
    belongs = _belonging(model, view, units, entities)
    parts = []
    if "tags" in model.parts:
        vectors, known = entity_tag_vectors(model, entities.words, seed)
        saw_pois(belongs, known)
        parts.append(_mean(belongs, vectors, known))
    if "location" in model.parts:
        parts.append(_location(model, view, units, entities, belongs, seed))
    covered = np.logical_or.reduce([known for _, known in parts])
    return EmbeddingSpace(units.level, np.array(units.ids), np.hstack([one for one, _ in parts]), covered)


def _belonging(model: GeoVectors, view: View, units: Units, entities: Entities) -> sparse.csr_array:
    """Say which entities belong to which unit, ones (n_units, n_pois): those inside a region, near a building, or the POI itself."""
    from scipy import sparse

    if units.level == "poi":
        poi = rows_of(view.pois.index, units.ids)
        unit = np.arange(len(poi))
    else:
        unit, poi = pois_of_units(view, units, model.radius_m).nonzero()
    keep = entities.tagged[poi]
    shape = (len(units), len(entities.tagged))
    return sparse.csr_array((np.ones(int(keep.sum())), (unit[keep], poi[keep])), shape=shape)


def _location(
    model: GeoVectors, view: View, units: Units, entities: Entities, belongs: sparse.csr_array, seed: int
) -> Part:
    """Encode where units are; a region is the mean over its entities, or its centroid where it has none."""
    xy = entities.xy[entities.tagged]
    chosen = chosen_nodes(len(xy), model.max_nodes, seed)
    saw("poi", np.flatnonzero(entities.tagged)[chosen], of=len(entities.tagged))
    nodes = node_vectors(model, xy[chosen], seed)
    nodes_xy = xy[chosen][: len(nodes)]
    places = local_xy(view.unit_geometry(units), entities.corner)
    own, known = encode_places(places, nodes_xy, nodes, k=model.neighbours)
    if units.level != "region":
        return own, known
    every = np.zeros((len(entities.tagged), model.location_dim), dtype=np.float32)
    has = np.zeros(len(entities.tagged), dtype=bool)
    inside = np.unique(belongs.indices)
    saw("poi", inside, of=len(has))
    every[inside], has[inside] = encode_places(entities.xy[inside], nodes_xy, nodes, k=model.neighbours)
    mean, filled = _mean(belongs, every, has)
    return np.where(filled[:, None], mean, own), filled | known


def _mean(belongs: sparse.csr_array, vectors: np.ndarray, known: np.ndarray) -> Part:
    """Average the known vectors of the entities that belong to each unit; zeros where there is none."""
    total = belongs @ known.astype(np.float64)
    mean = (belongs @ (vectors * known[:, None])) / np.maximum(total, 1)[:, None]
    return np.asarray(mean, dtype=np.float32), total > 0
