"""Vectors of buildings from trained parts: their shape, the texts around them, the streets they see, their own tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from torch import Tensor

from urbanbench.errors import RunRefused
from urbanbench.models._urbanmfm.net import mean_by_group, unit
from urbanbench.models._urbanmfm.used import tell_streets
from urbanbench.models._urbanmfm.vectors import CHUNK, shape_vectors, text_vectors
from urbanbench.seen import saw
from urbanbench.toolkit.ground.neighbours import groups_near_points

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.pretrain import Pretrained
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.units import Units


def building_vectors(
    model: UrbanMFM, trained: Pretrained, view: View, units: Units
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of buildings and that all are known.

    A vector is E_p; the mean E_t of the POIs around; E_t of the own tags, where any building of the view has telling ones; E_v of the
    building's centre, where street views may be seen. Each but the first has a column behind it that is 1 where there is such a
    thing; the part is zeros where there is none.

    Raises
    ------
    RunRefused
        Polygons may not be seen.
    """
    if not view.has("polygon"):
        msg = f"UrbanMFM describes buildings by their shape, but polygons cannot be seen in {view.city_name!r}. Expected the input polygon. Mend: --inputs poi,polygon"
        raise RunRefused(msg)
    geometry = view.unit_geometry(units)
    row_of = {one: row for row, one in enumerate(view.buildings.index)}
    rows = np.fromiter((row_of[one] for one in units.ids), dtype=np.int64, count=len(units))
    shapes = trained.backbones.encode_shapes(geometry)
    raw = model.raw_length
    shape = shape_vectors(trained.net, shapes, raw=raw).cpu().numpy()
    text = text_vectors(trained, raw=raw).cpu()
    saw("polygon", rows, of=len(row_of))
    centre = shapely.get_coordinates(shapely.centroid(geometry))
    around = _context(trained, text, centre, rows, model.context_radius_m)
    own = _own_text(trained, text.numpy(), rows)
    street = _street(trained, view, centre, [*own, around], raw=raw)
    parts = [one for part in (around, *own, *street) for one in (part, _there(part))]
    return np.hstack([shape, *parts]), np.ones(len(units), dtype=bool)


def _there(part: np.ndarray) -> np.ndarray:
    """Return a column that is 1 where a row of `part` (n, d) is not zeros."""
    return np.asarray(part.any(axis=1, keepdims=True), dtype=np.float32)


def _street(
    trained: Pretrained, view: View, centre: np.ndarray, texts: list[np.ndarray], *, raw: bool
) -> list[np.ndarray]:
    """Return E_v (n, d) at length 1 or its own, zeros where there is none; nothing where street views may not be seen.

    The memory is asked with the first of `texts`, (n, d) each, that a building has; one without any sees the mean of what is near.
    """
    sight = trained.sight
    if sight is None:
        return []
    query = texts[-1]
    for text in reversed(texts[:-1]):
        query = np.where(text.any(axis=1, keepdims=True), text, query)
    memory = sight.memory(centre)
    tell_streets(view, sight.streets, memory.point)
    street, made = sight.street(memory), np.zeros_like(query)
    found = np.flatnonzero(memory.has)
    for start in range(0, len(found), CHUNK):
        part = found[start : start + CHUNK]
        asked = torch.from_numpy(query[part]).to(trained.device)
        seen = street(part, asked)
        made[part] = (seen if raw else unit(seen)).cpu().numpy()
    return [made]


def _context(
    trained: Pretrained, text: Tensor, xy: np.ndarray, rows: np.ndarray, radius_m: float
) -> np.ndarray:
    """Mean E_t of the POIs around each building's centre that are not in the building itself, (n, d)."""
    around = groups_near_points(trained.places.xy, xy, radius_m=radius_m)
    member, owner = around.take(np.arange(len(xy)))
    building = _building_rows(trained)[member]
    other = building != rows[owner]
    return mean_by_group(
        text[torch.from_numpy(member[other])], torch.from_numpy(owner[other]), len(xy)
    ).numpy()


def _own_text(trained: Pretrained, text: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """E_t of the buildings that are POIs themselves, zeros for others; nothing where no building of the view is one."""
    places = trained.places
    if places.n_points == len(places):
        return []
    own = _building_rows(trained)[places.n_points :]
    place_of = dict(zip(own.tolist(), range(places.n_points, len(places)), strict=True))
    found = np.fromiter((place_of.get(row, -1) for row in rows.tolist()), dtype=np.int64, count=len(rows))
    return [np.where(found[:, None] >= 0, text[found], 0)]


def _building_rows(trained: Pretrained) -> np.ndarray:
    """Row of each POI's building in the view, -1 for none, int64 (n,)."""
    shape = trained.places.shape
    return (
        np.where(shape >= 0, trained.places.shape_row[shape], -1) if len(trained.places.shape_row) else shape
    )
