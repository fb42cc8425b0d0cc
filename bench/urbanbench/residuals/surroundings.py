"""What lies around the units of a run: their shapes, names, density and districts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from urbanbench.errors import DataMissing, quoted

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.city import City
    from urbanbench.result import RunResult
    from urbanbench.scoring.targets import Targets

__all__ = ["Surroundings", "districts"]

_NEAR = 10
"""How many neighbours the density of points is told by."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Units on the map, in the order of their ids.

    Parameters
    ----------
    ids
        Unit ids (n,).
    shapes
        Shapely geometries (n,) in metres.
    names
        Names for people (n,); ids where the city has none.
    areas
        Whether the units are regions.
    density
        By unit_id, in `density_word`.
    density_word
        "POIs per km²" of regions where the city has POIs, else "buildings per km²" or "regions per km²"; of other units how many of the same
        kind lie around.
    """

    ids: np.ndarray
    shapes: np.ndarray
    names: np.ndarray
    areas: bool
    density: pd.Series[float]
    density_word: str

    @property
    def xy(self) -> np.ndarray:
        """Centroids (n, 2) in metres."""
        import shapely

        return np.asarray(shapely.get_coordinates(shapely.centroid(self.shapes)))

    @classmethod
    def of(cls, city: City, level: str, ids: pd.Index[str]) -> Self:
        """Read the units from a city.

        Raises
        ------
        DataMissing
            The city lacks some of them.
        """
        from urbanbench.city.folder.format import UNIT_LAYER

        frame = getattr(city, UNIT_LAYER[level])
        absent = ids.difference(frame.index)
        if len(absent):
            msg = f"City {city.name!r} lacks {len(absent)} of {len(ids)} {level}s that the run tested ({quoted(absent)}). Expected the city of the run. Mend: name its folder with --city."
            raise DataMissing(msg)
        own = frame.loc[ids]
        shapes = np.asarray(own.geometry)
        names = _told_apart(own["name"]) if level == "region" else ids.to_numpy(dtype=str)
        density, word = _of_regions(city, ids) if level == "region" else _of_points(shapes, ids, level)
        return cls(ids.to_numpy(dtype=str), shapes, names, level == "region", density, word)


def _told_apart(names: pd.Series[str]) -> np.ndarray:
    """Return names (n,), with the id behind those that several units have."""
    several = names.duplicated(keep=False)
    return np.asarray(names.where(~several, names + " (" + names.index.astype(str) + ")"), dtype=str)


def _of_regions(city: City, ids: pd.Index[str]) -> tuple[pd.Series[float], str]:
    area = city.regions["area_km2"].loc[ids]
    for layer, word in (("pois", "POIs"), ("buildings", "buildings")):
        if layer in city.layers:
            counts = getattr(city, layer)["region_id"].value_counts().reindex(ids).fillna(0)
            return counts / area, f"{word} per km²"
    return 1.0 / area, "regions per km²"


def _of_points(shapes: np.ndarray, ids: pd.Index[str], level: str) -> tuple[pd.Series[float], str]:
    """Tell the density around each of some points by the circle that holds its ten nearest others."""
    import pandas as pd
    import shapely
    from scipy.spatial import cKDTree

    xy = shapely.get_coordinates(shapely.centroid(shapes))
    near = min(_NEAR, len(xy) - 1)
    reach = cKDTree(xy).query(xy, k=near + 1)[0][:, -1] if near else np.full(len(xy), np.inf)
    per_km2 = near / (np.pi * np.maximum(reach, 1.0) ** 2) * 1e6
    return pd.Series(per_km2, index=ids), f"labelled {level.replace('_', ' ')}s per km²"


def districts(
    result: RunResult, predictions: pd.DataFrame, city: City, around: Surroundings
) -> tuple[pd.Series[str], str]:
    """Return the district of each unit by unit_id, and what districts are.

    They are the label's groups where it has some (planning areas, boroughs), else square blocks as wide as those of the run's block split,
    or as a block split of these units would have; a block is named by the unit nearest its middle.
    """
    label = str(result.task.get("label"))
    frame = city.label(label) if label in city.labels else None
    if frame is not None and "group" in frame and frame["group"].reindex(around.ids).notna().all():
        groups = frame["group"].reindex(around.ids).astype(str)
        if groups.isin(city.regions.index).all():
            names = _told_apart(city.regions["name"])
            return groups.map(dict(zip(city.regions.index, names, strict=True))), "region"
        return groups, "group of the label"
    return _blocks(result, predictions, around)


def _blocks(result: RunResult, predictions: pd.DataFrame, around: Surroundings) -> tuple[pd.Series[str], str]:
    import pandas as pd

    from urbanbench.scoring.block_size import resolve_block_size
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.splits import block_of_units

    targets = _targets(result, predictions, around)
    size = result.evaluation.get("block_size_m") or resolve_block_size(targets, Protocol("block"))
    block = block_of_units(targets, float(size), around.xy.min(axis=0))
    named = [f"around {_middle(around, block == one)}" for one in range(block.max() + 1)]
    told = [name if named.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(named, 1)]
    return pd.Series([told[one] for one in block], index=around.ids), f"block of {float(size):.0f} m"


def _middle(around: Surroundings, inside: np.ndarray) -> str:
    """Name the unit nearest the middle of some."""
    rows = np.flatnonzero(inside)
    xy = around.xy[rows]
    return str(around.names[rows[((xy - xy.mean(axis=0)) ** 2).sum(axis=1).argmin()]])


def _targets(result: RunResult, predictions: pd.DataFrame, around: Surroundings) -> Targets:
    """Return the tested units as targets, from which the width of blocks follows."""
    from urbanbench.scoring.targets import Targets

    first = predictions.groupby("unit_id").first().loc[around.ids]
    kind, shares = str(result.task["kind"]), [name for name in first.columns if name.startswith("true[")]
    values = first[shares].to_numpy(np.float64) if shares else first["true"].to_numpy()
    named = tuple(sorted({*predictions["true"]})) if kind == "classification" else tuple(shares)
    return Targets(around.ids, str(result.task["level"]), kind, values, named, "", around.xy)
