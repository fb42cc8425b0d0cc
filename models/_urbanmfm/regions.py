"""Vectors of regions from trained parts: their POIs pooled (Eq. 26), and their picture from above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from urbanbench.models._urbanmfm.net import mean_by_group, unit
from urbanbench.models._urbanmfm.nodes import (
    macro_nodes,
    macro_vectors,
    only_among,
    seen_from_above,
    with_trips,
)
from urbanbench.models._urbanmfm.used import tell_overheads
from urbanbench.models._urbanmfm.vectors import graph_vectors, poi_vectors
from urbanbench.seen import saw

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.pretrain import Pretrained
    from urbanbench.models._urbanmfm.stars import StarTable
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.toolkit.features._feature_rows import FrozenPictures
    from urbanbench.units import Units


def region_vectors(
    model: UrbanMFM, trained: Pretrained, view: View, units: Units
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of regions and bool (n,), True where anything is known of them.

    Where satellite may be seen a vector is the POIs' half, E_macro at length 1 (or with ``raw_length`` at its own), with ``graph_vector`` the global graph's vector,
    and two columns that are 1 where there are POIs and where there is a picture. Otherwise it is the POIs' half alone.
    """
    row = {one: place for place, one in enumerate(view.region_ids)}
    wanted = np.fromiter((row[one] for one in units.ids), dtype=np.int64, count=len(units))
    micro, covered, peopled = _micro_half(model, trained, view)
    overheads, pictures = trained.backbones.overheads, trained.backbones.overhead_pictures()
    if overheads is None or pictures is None:
        return micro[wanted], covered[wanted]
    tell_overheads(view, overheads)
    picture = overheads.picture
    seen = seen_from_above(pictures, picture)
    blocks = [micro, _macro(trained, pictures, picture, seen, raw=model.raw_length)]
    adjacent = trained.material.adjacent
    if model.graph_vector and adjacent is not None and "global" in trained.trained:
        stars = only_among(adjacent, seen)
        blocks.append(_global_graph(trained, stars, pictures, picture, seen, raw=model.raw_length))
    vectors = np.hstack([*blocks, np.column_stack([peopled, seen])])
    return vectors[wanted], (covered | seen)[wanted]


def halves_of(model: UrbanMFM, trained: Pretrained) -> dict[str, tuple[int, int]]:
    """Return the columns of a region's local half, its POIs, and its global half, E_macro, where it has both and they are as wide."""
    dim = trained.net.dim
    pictures = trained.backbones.overheads is not None and trained.backbones.overhead_pictures() is not None
    if not pictures or model.pooling != "mean" or model.poi_vector == "concat":
        return {}
    start = 2 * dim if model.graph_vector and "local" in trained.trained else dim
    return {"local": (0, dim), "global": (start, start + dim)}


def _micro_half(
    model: UrbanMFM, trained: Pretrained, view: View
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pool the POIs of all regions.

    Returns
    -------
    vectors, covered, peopled
        (n_regions, dim); bool (n_regions,), True where the pooling has anything to say; bool (n_regions,), True where there are
        POIs.
    """
    vectors = poi_vectors(trained, model.poi_vector, raw=model.raw_length)
    if model.graph_vector and "local" in trained.trained:
        graphs = graph_vectors(trained)
        vectors = torch.cat([vectors, graphs if model.raw_length else unit(graphs)], dim=1)
    region = trained.places.region
    inside = torch.from_numpy(np.flatnonzero(region >= 0)).to(trained.device)
    group = torch.from_numpy(region).to(trained.device)[inside]
    counts = np.bincount(region[region >= 0], minlength=len(view.region_ids))
    pooled = mean_by_group(vectors[inside], group, len(counts))
    means = _with_flows(trained, pooled, counts > 0, raw=model.raw_length).cpu().numpy()
    if model.pooling == "mean":
        return means, counts > 0, counts > 0
    if model.pooling == "sum":
        return _per_km2(view, means, counts), counts > 0, counts > 0
    densities, covered = _densities(view, counts)
    return np.hstack([means, densities]), covered, counts > 0


def _with_flows(trained: Pretrained, means: Tensor, peopled: np.ndarray, *, raw: bool) -> Tensor:
    """Fuse the means of POIs with the trips of their region where the global stage has learned to."""
    flows = trained.material.flows
    if flows is None or "global" not in trained.trained:
        return means
    rows, dim = np.flatnonzero(peopled & flows.has), trained.net.dim
    means[rows, :dim] = with_trips(trained.net, flows, rows, means[rows, :dim], raw=raw)
    return means


def _macro(
    trained: Pretrained, pictures: FrozenPictures, picture: np.ndarray, seen: np.ndarray, *, raw: bool
) -> np.ndarray:
    """Return E_macro at length 1 or its own, zeros without a picture, (n_regions, d)."""
    made = np.zeros((len(seen), trained.net.dim), dtype=np.float32)
    shown = torch.from_numpy(picture[seen])
    made[seen] = macro_vectors(trained.net, pictures, shown, raw=raw).cpu().numpy()
    return made


def _global_graph(
    trained: Pretrained,
    table: StarTable,
    pictures: FrozenPictures,
    picture: np.ndarray,
    seen: np.ndarray,
    *,
    raw: bool,
) -> np.ndarray:
    """Return the global graph encoder's vector of every region's graph, zeros without a picture, (n_regions, d)."""
    made = np.zeros((len(seen), trained.net.dim), dtype=np.float32)
    rows = np.flatnonzero(seen)
    for start in range(0, len(rows), 256):
        part = rows[start : start + 256]
        stars = table.take(part, "cpu")
        nodes = macro_nodes(trained.net, pictures, picture, stars)
        graphs = trained.net.global_graph(stars.to(trained.device), nodes)
        made[part] = (graphs if raw else unit(graphs)).cpu().numpy()
    return made


def _per_km2(view: View, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the sum of the POIs' vectors per km², each number x as sign(x) · log1p(|x|), (n, d)."""
    sums = means * (counts / np.asarray(view.regions["area_km2"], dtype=np.float64))[:, None]
    return np.asarray(np.sign(sums) * np.log1p(np.abs(sums)))


def _densities(view: View, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count what a mean forgets.

    Returns
    -------
    columns, covered
        log1p of POIs, of POIs per km² and, where footprints may be seen, of buildings and of built m² per km²; bool (n,), True
        where there is any of them.
    """
    area_km2 = np.asarray(view.regions["area_km2"], dtype=np.float64)
    columns = [np.log1p(counts), np.log1p(counts / area_km2)]
    covered = counts > 0
    if view.has("polygon"):
        buildings = view.buildings
        row = {one: place for place, one in enumerate(view.region_ids)}
        region = np.fromiter(
            (row.get(one, -1) for one in buildings["region_id"].tolist()),
            dtype=np.int64,
            count=len(buildings),
        )
        inside = region >= 0
        saw("polygon", inside)
        number = np.bincount(region[inside], minlength=len(row))
        built = np.bincount(
            region[inside], weights=np.asarray(buildings["area_m2"])[inside], minlength=len(row)
        )
        columns += [np.log1p(number / area_km2), np.log1p(built / area_km2)]
        covered = covered | (number > 0)
    return np.column_stack(columns), covered
