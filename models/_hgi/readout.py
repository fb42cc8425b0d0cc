"""Vectors of regions, POIs and buildings from a trained net."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.errors import BadInput
from urbanbench.models._hgi.delaunay import delaunay_graph
from urbanbench.models._hgi.material import poi_matrix
from urbanbench.models._hgi.objective import encode_regions, pool_regions
from urbanbench.seeds import generator
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.ground.places import centres, region_rows
from urbanbench.toolkit.texts.counts import rows_of

LEVELS = ("region", "building", "poi")

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._hgi.pretrain import Pretrained
    from urbanbench.models.hgi import HGI
    from urbanbench.units import Units


def check_units(view: View, units: Units) -> None:
    """Refuse units that have no vectors, before anything is trained.

    Raises
    ------
    BadInput
        Units of another level, or unknown ids.
    InputMasked, LayerMissing
        The units themselves cannot be seen.
    """
    if units.level not in LEVELS:
        msg = f"HGI cannot embed units of level {units.level!r}. Expected one of: {', '.join(LEVELS)}."
        raise BadInput(msg)
    view.unit_geometry(units)


@torch.no_grad()
def embed_units(model: HGI, trained: Pretrained, view: View, units: Units, *, seed: int) -> EmbeddingSpace:
    """Return vectors (n, dim) of units that `check_units` lets pass; those without data are zero and not covered."""
    if units.level == "region":
        ids, vectors, covered = view.region_ids, region_vectors(model, trained), trained.places.sizes > 0
    elif units.level == "poi":
        ids, (vectors, covered) = tuple(view.pois.index), poi_vectors(trained, view)
    else:
        made = building_vectors(model, trained, view, seed=seed)
        ids, (vectors, covered) = tuple(view.buildings.index), made
    rows = rows_of(ids, units.ids)
    kept = np.where(covered[:, None], vectors, 0.0).astype(np.float32)
    return EmbeddingSpace(units.level, np.array(units.ids), kept[rows], covered[rows])


def region_vectors(model: HGI, trained: Pretrained) -> np.ndarray:
    """Return the vectors of all regions, float32 (g, dim)."""
    city = trained.material
    read = pool_regions if model.region_vector == "pooled" else encode_regions
    return np.asarray(read(trained.net, city, city.smoothed).cpu().numpy())


def poi_vectors(trained: Pretrained, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of all objects of the layer of POIs, float32 (k, dim), and which of them are POIs to HGI, bool (k,)."""
    is_point = ~trained.places.is_building
    made = trained.net.encode_pois(trained.material.smoothed).cpu().numpy()
    return _laid_out(tuple(view.pois.index), trained.places.ids[is_point], made[is_point])


def building_vectors(
    model: HGI, trained: Pretrained, view: View, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of all buildings, float32 (k, dim), and which have a POI as a neighbour or are POIs, bool (k,).

    A building that is no POI itself becomes a node without features of the Delaunay graph of POIs and buildings; the trained graph
    convolution then reads its neighbours.
    """
    places, city = trained.places, trained.material
    buildings = view.buildings
    saw("polygon", np.arange(len(buildings)), of=len(buildings))  # those that are no POIs are nodes, too
    own = buildings.index.isin(places.ids[places.is_building])  # by hashes: numpy compares texts one by one
    bare = buildings[~own]
    xy = np.concatenate([places.xy, centres(bare.geometry) - places.corner])
    region = np.concatenate([places.region, region_rows(view, bare["region_id"])])
    graph = delaunay_graph(
        xy,
        region,
        cross=model.cross_region,
        max_edge_m=model.max_edge_m,
        rng=generator(seed, "hgi", "jitter", "buildings"),
    )
    features = np.zeros((len(xy), city.table.shape[1]), dtype=np.float32)
    features[: len(places)] = city.table.cpu().numpy()[places.categories.of_place]
    smoothed = (poi_matrix(graph) @ features)[len(places) :]
    heard = smoothed.any(axis=1)
    of_bare = trained.net.encode_pois(torch.from_numpy(smoothed).to(trained.device)).cpu().numpy()
    of_own = trained.net.encode_pois(city.smoothed).cpu().numpy()[places.is_building]
    known = np.concatenate([places.ids[places.is_building], np.asarray(bare.index, dtype=object)[heard]])
    return _laid_out(tuple(buildings.index), known, np.concatenate([of_own, of_bare[heard]]))


def _laid_out(ids: tuple[str, ...], known: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put vectors (k, dim) of known ids into a table of all ids; zeros and False for the rest."""
    rows = rows_of(ids, known.tolist())
    made = np.zeros((len(ids), vectors.shape[1]), dtype=np.float32)
    covered = np.zeros(len(ids), dtype=bool)
    made[rows], covered[rows] = vectors, True
    return made, covered
