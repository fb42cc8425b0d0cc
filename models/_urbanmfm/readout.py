"""From trained parts to an embedding of POIs, regions or buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.models._urbanmfm.buildings import building_vectors
from urbanbench.models._urbanmfm.regions import halves_of, region_vectors
from urbanbench.models._urbanmfm.vectors import poi_vectors
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.ground.positions import positions

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.pretrain import Pretrained
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.units import Units


@torch.no_grad()
def embed_units(model: UrbanMFM, trained: Pretrained, view: View, units: Units) -> EmbeddingSpace:
    """Return the vectors of units of any level the card names."""
    made = {"region": region_vectors, "building": building_vectors, "poi": _pois}[units.level]
    vectors, covered = made(model, trained, view, units)
    if model.with_pe:
        vectors = np.where(
            covered[:, None], np.hstack([vectors, positions(view, units, model="UrbanMFM")]), 0
        )
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    parts = halves_of(model, trained) if units.level == "region" else {}
    return EmbeddingSpace(units.level, np.array(units.ids), vectors, covered, parts)


def _pois(model: UrbanMFM, trained: Pretrained, view: View, units: Units) -> tuple[np.ndarray, np.ndarray]:
    del view
    fused = poi_vectors(trained, model.poi_vector, raw=model.raw_length).cpu().numpy()
    places = trained.places
    row = {one: place for place, one in enumerate(places.ids[: places.n_points].tolist())}
    rows = np.fromiter((row.get(one, -1) for one in units.ids), dtype=np.int64, count=len(units))
    return np.where(rows[:, None] >= 0, fused[rows], 0), rows >= 0
