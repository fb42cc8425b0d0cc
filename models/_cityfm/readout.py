"""From trained parts to vectors of regions, buildings and POIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import shapely
import torch
from scipy import sparse
from torch import Tensor

from urbanbench.errors import RunRefused
from urbanbench.models._cityfm.contexts import row_of_no_poi
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.ground.neighbours import groups_near_points
from urbanbench.toolkit.ground.places import region_rows
from urbanbench.toolkit.ground.positions import positions
from urbanbench.toolkit.texts.counts import rows_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._cityfm.pretrain import Pretrained
    from urbanbench.models.cityfm import CityFM
    from urbanbench.units import Units

__all__ = ["embed_units"]

CHUNK = 4096
"""Rows that go through the net at once."""


@torch.no_grad()
def embed_units(model: CityFM, trained: Pretrained, view: View, units: Units) -> EmbeddingSpace:
    """Return the vectors of units of any level the card names."""
    made = {"region": _regions, "building": _buildings, "poi": _pois}[units.level]
    vectors, covered = made(model, trained, view, units)
    if model.with_pe:
        vectors = np.hstack([vectors, positions(view, units, model="CityFM")])
    vectors = np.where(covered[:, None], vectors, 0.0).astype(np.float32)
    return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered)


def _regions(model: CityFM, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector of the mean text of a region's POIs beside the mean vector of its footprints, and which have either.

    A part is zeros where there is nothing of its kind; without polygons there is no second part.
    """
    wanted, places, n = rows_of(view.region_ids, units.ids), trained.places, len(view.region_ids)
    inside = places.region >= 0
    text, covered = _context_vectors(
        trained, places.region[inside], places.text[inside], n, zero=model.region_zero
    )
    parts = [np.where(covered[:, None], text, 0.0)]
    if trained.shapes is not None:
        visual, shown = _mean_footprint(model, trained, view)
        parts, covered = [*parts, visual], covered | shown
    return np.hstack(parts)[wanted], covered[wanted]


def _mean_footprint(model: CityFM, trained: Pretrained, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean vector of each region's footprints, zeros where there are none, and which regions have some."""
    buildings = view.buildings
    every = model.region_polygons == "all"
    rows = np.arange(len(buildings)) if every else trained.places.shape_row
    region = region_rows(view, buildings["region_id"].to_numpy()[rows])
    rows, region = rows[region >= 0], region[region >= 0]
    saw("polygon", rows, of=len(buildings))
    vectors = _shape_vectors(trained, np.asarray(buildings.geometry)[rows])
    table = sparse.csr_array(
        (np.ones(len(rows)), (region, np.arange(len(rows)))), shape=(len(view.region_ids), len(rows))
    )
    counts = np.diff(table.indptr)
    return np.asarray(table @ vectors) / np.maximum(counts, 1)[:, None], counts > 0


def _buildings(model: CityFM, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector of a building's footprint beside that of the mean text of the POIs around, its own tags left out.

    Where there is no POI around, the text is the one that says so; all buildings are known.

    Raises
    ------
    RunRefused
        Polygons may not be seen.
    """
    if trained.shapes is None:
        msg = f"CityFM describes buildings by their shape, but polygons cannot be seen in {view.city_name!r}. Expected the input polygon. Mend: --inputs poi,polygon"
        raise RunRefused(msg)
    polygons, places = view.unit_geometry(units), trained.places
    shape = _shape_vectors(trained, polygons)
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    around = groups_near_points(places.xy, centre, radius_m=model.context_radius_m)
    member, owner = around.take(np.arange(len(units)))
    rows = rows_of(view.buildings.index, units.ids)
    saw("polygon", rows, of=len(view.buildings))
    other = (member < places.n_points) | (places.building[member] != rows[owner])
    text, _ = _context_vectors(
        trained, owner[other], places.text[member[other]], len(units), zero=model.region_zero
    )
    return np.hstack([shape, text]), np.ones(len(units), dtype=bool)


def _pois(_: CityFM, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector of a POI's text; POIs that the filter drops are not known."""
    del view
    places = trained.places
    row = {one: place for place, one in enumerate(places.ids[: places.n_points].tolist())}
    found = np.fromiter((row.get(one, -1) for one in units.ids), dtype=np.int64, count=len(units))
    known = np.flatnonzero(found >= 0)
    texts = places.text[found[known]]
    return _context_vectors(trained, known, texts, len(units), zero=False)[0], found >= 0


def _context_vectors(
    trained: Pretrained, owner: np.ndarray, text: np.ndarray, n: int, *, zero: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector of the mean features of each owner's texts, that of the text of no POI where there is none.

    Parameters
    ----------
    trained
        Parts and features.
    owner, text
        int64 (m,): an owner in [0, n), and the row of one of its texts.
    n
        Number of owners.
    zero
        Whether the text of no POI counts as one more of every owner's.

    Returns
    -------
    vectors, told
        float32 (n, dim); bool (n,), True where an owner has texts.
    """
    features = trained.texts.frozen().features.cpu().numpy()
    counts = np.bincount(owner, minlength=n)
    more = np.arange(n) if zero else np.flatnonzero(counts == 0)
    owner, text = np.append(owner, more), np.append(text, np.full(len(more), row_of_no_poi(trained.places)))
    weight = 1.0 / np.bincount(owner, minlength=n)[owner]
    table = sparse.csr_array((weight.astype(np.float32), (owner, text)), shape=(n, len(features)))
    means = torch.from_numpy(np.asarray(table @ features)).to(trained.device)
    return _in_chunks(trained.net.encode_text, means), counts > 0


def _shape_vectors(trained: Pretrained, polygons: np.ndarray) -> np.ndarray:
    """Return the vectors of footprints, Shapely geometries (p,), float32 (p, dim)."""
    if trained.shapes is None or len(polygons) == 0:
        return np.zeros((0, trained.net.dim), dtype=np.float32)
    features, surface = trained.shapes.frozen(polygons).features, trained.shapes.surface(polygons)
    return _in_chunks(trained.net.encode_shape, features, surface)


def _in_chunks(encode: Callable[..., Tensor], *inputs: Tensor) -> np.ndarray:
    parts = zip(*(torch.split(one, CHUNK) for one in inputs), strict=True)
    return np.concatenate([encode(*part).cpu().numpy() for part in parts])
