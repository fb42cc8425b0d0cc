"""From trained parts to vectors of POIs, regions and buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from torch import Tensor

from urbanbench.errors import RunRefused
from urbanbench.models._urbanmfm_features import encode_shapes
from urbanbench.models._urbanmfm_net import mean_by_group, unit
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.neighbours import groups_near_points

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm_features import Shapes
    from urbanbench.models._urbanmfm_net import UrbanNet
    from urbanbench.models._urbanmfm_pretrain import Pretrained
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.units import Units

CHUNK = 4096
"""Rows that go through the net at once."""


@torch.no_grad()
def embed_units(model: UrbanMFM, trained: Pretrained, view: View, units: Units) -> EmbeddingSpace:
    """Return the vectors of units of any level the card names."""
    made = {"region": _regions, "building": _buildings, "poi": _pois}[units.level]
    vectors, covered = made(model, trained, view, units)
    return EmbeddingSpace(
        units.level, np.array(units.ids), np.ascontiguousarray(vectors, dtype=np.float32), covered
    )


@torch.no_grad()
def text_vectors(trained: Pretrained) -> Tensor:
    """Return E_t of every POI at length 1, (n, d)."""
    parts = [trained.net.encode_text(chunk) for chunk in torch.split(trained.texts.features, CHUNK)]
    return unit(torch.cat(parts))[torch.from_numpy(trained.places.text).to(trained.device)]


@torch.no_grad()
def shape_vectors(net: UrbanNet, shapes: Shapes) -> Tensor:
    """Return E_p of footprints at length 1, (p, d)."""
    parts = zip(torch.split(shapes.features, CHUNK), torch.split(shapes.surface, CHUNK), strict=True)
    return unit(torch.cat([net.encode_shape(*part) for part in parts]))


@torch.no_grad()
def fused_vectors(trained: Pretrained) -> Tensor:
    """Return the fused vector of every POI, (n, d): the mean of E_t and E_p at length 1, E_t alone without a footprint."""
    fused = text_vectors(trained)
    if trained.shapes is None:
        return fused
    shape = shape_vectors(trained.net, trained.shapes)
    row = torch.from_numpy(trained.places.shape).to(trained.device)
    shaped = row >= 0
    fused[shaped] = (fused[shaped] + shape[row[shaped]]) / 2
    return fused


@torch.no_grad()
def graph_vectors(trained: Pretrained) -> Tensor:
    """Return the local graph encoder's vector of every POI as the centre of its own graph, (n, d)."""
    texts = trained.net.encode_text(trained.texts.features)
    text = torch.from_numpy(trained.places.text).to(trained.device)
    parts = []
    for start in range(0, len(trained.places), 256):
        stars = trained.stars.take(np.arange(start, min(start + 256, len(trained.places))), trained.device)
        parts.append(trained.net.local_graph.nodes(stars, texts[text[stars.node]])[:, 0])
    return torch.cat(parts)


def _pois(_: UrbanMFM, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    del view
    fused = fused_vectors(trained).cpu().numpy()
    places = trained.places
    row = {one: place for place, one in enumerate(places.ids[: places.n_points].tolist())}
    rows = np.fromiter((row.get(one, -1) for one in units.ids), dtype=np.int64, count=len(units))
    return np.where(rows[:, None] >= 0, fused[rows], 0), rows >= 0


def _regions(model: UrbanMFM, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    region_row = {one: row for row, one in enumerate(view.region_ids)}
    wanted = np.fromiter((region_row[one] for one in units.ids), dtype=np.int64, count=len(units))
    vectors = fused_vectors(trained)
    if model.graph_vector:
        vectors = torch.cat([vectors, unit(graph_vectors(trained))], dim=1)
    region = trained.places.region
    inside = torch.from_numpy(np.flatnonzero(region >= 0)).to(trained.device)
    group = torch.from_numpy(region).to(trained.device)[inside]
    means = mean_by_group(vectors[inside], group, len(region_row)).cpu().numpy()
    counts = np.bincount(region[region >= 0], minlength=len(region_row))
    if model.pooling == "mean":
        return means[wanted], counts[wanted] > 0
    if model.pooling == "sum":
        return _per_km2(view, means, counts)[wanted], counts[wanted] > 0
    densities, covered = _densities(view, counts)
    return np.hstack([means, densities])[wanted], covered[wanted]


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
        number = np.bincount(region[inside], minlength=len(row))
        built = np.bincount(
            region[inside], weights=np.asarray(buildings["area_m2"])[inside], minlength=len(row)
        )
        columns += [np.log1p(number / area_km2), np.log1p(built / area_km2)]
        covered = covered | (number > 0)
    return np.column_stack(columns), covered


def _buildings(
    model: UrbanMFM, trained: Pretrained, view: View, units: Units
) -> tuple[np.ndarray, np.ndarray]:
    """Return [E_p, mean E_t of POIs around, and E_t of the own tags if any building asked for has telling ones]."""
    if trained.image_encoder is None:
        msg = f"UrbanMFM describes buildings by their shape, but polygons cannot be seen in {view.city_name!r}. Expected the input polygon. Mend: --inputs poi,polygon"
        raise RunRefused(msg)
    geometry = view.unit_geometry(units)
    row_of = {one: row for row, one in enumerate(view.buildings.index)}
    rows = np.fromiter((row_of[one] for one in units.ids), dtype=np.int64, count=len(units))
    shapes = encode_shapes(
        trained.image_encoder,
        geometry,
        size=model.raster_size,
        a_max_m2=model.a_max_m2,
        device=trained.device,
    )
    shape = shape_vectors(trained.net, shapes).cpu().numpy()
    text = text_vectors(trained).cpu()
    blocks = [
        shape,
        _context(trained, text, geometry, rows, model.context_radius_m),
        *_own_text(trained, text.numpy(), rows),
    ]
    return np.hstack(blocks), np.ones(len(units), dtype=bool)


def _context(
    trained: Pretrained, text: Tensor, geometry: np.ndarray, rows: np.ndarray, radius_m: float
) -> np.ndarray:
    """Mean E_t of the POIs around each building's centre that are not in the building itself, (n, d)."""
    centre = shapely.centroid(geometry)
    xy = np.column_stack([shapely.get_x(centre), shapely.get_y(centre)])
    around = groups_near_points(trained.places.xy, xy, radius_m=radius_m)
    member, owner = around.take(np.arange(len(xy)))
    building = _building_rows(trained)[member]
    other = building != rows[owner]
    return mean_by_group(
        text[torch.from_numpy(member[other])], torch.from_numpy(owner[other]), len(xy)
    ).numpy()


def _own_text(trained: Pretrained, text: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """E_t of the buildings that are POIs themselves, zeros for others; nothing where no building asked for is one."""
    places = trained.places
    own = _building_rows(trained)[places.n_points :]
    place_of = dict(zip(own.tolist(), range(places.n_points, len(places)), strict=True))
    found = np.fromiter((place_of.get(row, -1) for row in rows.tolist()), dtype=np.int64, count=len(rows))
    return [np.where(found[:, None] >= 0, text[found], 0)] if (found >= 0).any() else []


def _building_rows(trained: Pretrained) -> np.ndarray:
    """Row of each POI's building in the view, -1 for none, int64 (n,)."""
    shape = trained.places.shape
    return (
        np.where(shape >= 0, trained.places.shape_row[shape], -1) if len(trained.places.shape_row) else shape
    )
