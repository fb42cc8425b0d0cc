"""The rows of the floor `footprint-means`, region by region, so that no table of all footprints is ever held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.hashing import code_digest, value_digest
from urbanbench.seen import saw
from urbanbench.toolkit.features.encoded import shape_features
from urbanbench.toolkit.ground.objects import pooled
from urbanbench.toolkit.ground.places import gather_places
from urbanbench.toolkit.kept.feature_store import cached_features, encoder_digest, shapes_digest
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.shapes.polygon import at_origin, surface_share
from urbanbench.toolkit.texts.counts import rows_of, saw_units
from urbanbench.toolkit.training import seeded_torch

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.footprint_means import FootprintMeans
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.units import Units

__all__ = ["building_rows", "region_rows"]

CHUNK = 16_384
"""Footprints of the regions that are kept in one file: more only where a single region has more."""


def region_rows(
    model: FootprintMeans, view: View, units: Units, *, seed: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return pooled vectors of regions, float64 (n, dim + 1), and which have any."""
    encoder, number = _encoder(model, seed), np.zeros(len(view.region_ids))
    asked = rows_of(view.region_ids, units.ids)
    outlines = at_origin(view.buildings.geometry)
    means = np.zeros((len(number), encoder.dim + 1))
    for regions, sizes, rows in _chunks(view, model):
        means[regions] = _means(model, encoder, outlines[rows], sizes, device)
        number[regions] = sizes
        saw("polygon", rows[np.isin(np.repeat(regions, sizes), asked)], of=len(outlines))
    means, number = means[asked], number[asked]
    vectors = pooled(view, units, means * number[:, None], number, model.pooling)
    return vectors, (number > 0) | (model.pooling == "sum")


def building_rows(
    model: FootprintMeans, view: View, units: Units, *, seed: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of single buildings, float64 (n, dim + 1), all of them covered."""
    outlines = at_origin(view.unit_geometry(units))
    saw_units(view, units)
    made = _vectors(model, _encoder(model, seed), outlines, device, keep=True)
    return made.astype(np.float64), np.ones(len(outlines), dtype=bool)


def _encoder(model: FootprintMeans, seed: int) -> ImageEncoder:
    with seeded_torch(seed, "footprint-means"):
        return load_image_encoder(model.image_encoder)


def _chunks(view: View, model: FootprintMeans) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give regions, as rows of the view; how many footprints each has; and these, as rows of the view's buildings, one after another."""
    rows = np.arange(len(view.buildings))
    if model.footprints == "places":
        rows = gather_places(view, poi_filter="paper", use_name=False).shape_row
    row_of: dict[str | None, int] = {one: row for row, one in enumerate(view.region_ids)}
    inside = view.buildings["region_id"].to_numpy()[rows]
    region = np.fromiter((row_of.get(one, -1) for one in inside), dtype=np.int64, count=len(rows))
    order = np.argsort(region, kind="stable")
    order = order[region[order] >= 0]
    regions, start = np.unique(region[order], return_index=True)
    sizes = np.diff(np.append(start, len(order)))
    part = (np.cumsum(sizes) - 1) // CHUNK
    for one in np.unique(part):
        chosen = np.flatnonzero(part == one)
        first, last = start[chosen[0]], start[chosen[-1]] + sizes[chosen[-1]]
        yield regions[chosen], sizes[chosen], rows[order[first:last]]


def _means(
    model: FootprintMeans, encoder: ImageEncoder, outlines: np.ndarray, sizes: np.ndarray, device: str
) -> np.ndarray:
    """Return mean vectors of groups of footprints that stand one after another, float32 (g, dim + 1); kept by their content."""

    def compute() -> np.ndarray:
        vectors = _vectors(model, encoder, outlines, device, keep=False)
        start = np.cumsum(sizes) - sizes
        return np.asarray(np.add.reduceat(vectors, start, axis=0, dtype=np.float64) / sizes[:, None])

    inputs = [
        shapes_digest(outlines, model.raster_size),
        sizes.tolist(),
        model.a_max_m2,
        code_digest(Path(__file__)),
    ]
    return cached_features("footprint means", encoder_digest(encoder, device), value_digest(inputs), compute)


def _vectors(
    model: FootprintMeans, encoder: ImageEncoder, outlines: np.ndarray, device: str, *, keep: bool
) -> np.ndarray:
    """Return features and surface shares of footprints, float32 (p, dim + 1)."""
    features = shape_features(encoder, outlines, size=model.raster_size, device=device, keep=keep)
    share = surface_share(shapely.area(outlines), a_max_m2=model.a_max_m2)
    return np.column_stack([features, share])
