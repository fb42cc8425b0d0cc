"""A view as srai's three frames: regions, features, and which feature lies in which region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused
from urbanbench.models._srai.library import tag_filter
from urbanbench.models._srai.tags import flag_columns, tag_columns, wanted_tags
from urbanbench.seen import COUNTED, saw

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanbench.city.view import View

__all__ = ["Frames", "frames_of"]

_ATTRIBUTE = {"poi": "pois", "polygon": "buildings", "road": "roads"}


@dataclass(frozen=True, eq=False)
class Frames:
    """What an embedder gets; geometry is in the city's projected CRS (metres).

    Regions and features are numbered, not named: srai keeps ids in sets, whose order for numbers does not change between starts
    of Python, and neither do vectors then.

    Parameters
    ----------
    regions
        Index ``region_id``: 0 … n - 1 in the order of ``view.region_ids``; geometry.
    features
        Index ``feature_id``: numbers; geometry and one column per tag key (text) or per key and value (flags).
    joint
        No columns; index of pairs (``region_id``, ``feature_id``).
    """

    regions: gpd.GeoDataFrame
    features: gpd.GeoDataFrame
    joint: gpd.GeoDataFrame

    @property
    def occupied(self) -> np.ndarray:
        """Whether a region has a feature, bool (n,)."""
        inside = np.unique(self.joint.index.get_level_values("region_id").to_numpy(dtype=np.int64))
        return np.isin(np.arange(len(self.regions)), inside)


def frames_of(
    view: View, *, layers: tuple[str, ...], columns: str, osm_filter: str, keys: tuple[str, ...]
) -> Frames:
    """Make the frames from the layers that the view shows.

    Parameters
    ----------
    view
        What may be seen.
    layers, columns, osm_filter, keys
        See `urbanbench.models._srai.adapter.SraiModel`.

    Raises
    ------
    RunRefused
        None of the layers can be seen, or no object in a region has a wanted tag.
    UnknownName
        srai has no such filter.
    """
    import geopandas as gpd
    import pandas as pd

    shown = [layer for layer in layers if view.has(layer)]
    if not shown:
        msg = f"None of the inputs {', '.join(layers)} can be seen in {view.city_name!r}. Expected at least one. Allow it with --inputs, or set layers."
        raise RunRefused(msg)
    regions = (
        view.regions[["geometry"]].set_axis(range(len(view.region_ids)), axis=0).rename_axis("region_id")
    )
    objects = [getattr(view, _ATTRIBUTE[layer]) for layer in shown]
    rules = wanted_tags(tag_filter(osm_filter), keys)
    tags = [pairs for one in objects for pairs in one["tags"]]
    table = (flag_columns if columns == "flags" else tag_columns)(tags, rules)
    pairs = _pairs(objects, view.region_ids, regions)
    pairs = pairs[np.isin(pairs[:, 1], _rows_with_tags(table, columns))]
    if not len(pairs):
        msg = f"No object of {', '.join(shown)} in a region of {view.city_name!r} has a wanted tag. Expected tags of {', '.join(list(rules)[:5])}, …. Set keys or osm_filter."
        raise RunRefused(msg)
    rows = np.unique(pairs[:, 1])
    _tell_used(shown, objects, rows)
    geometry = np.concatenate([np.asarray(one.geometry, dtype=object) for one in objects])[rows]
    features = gpd.GeoDataFrame(_lean(table.iloc[rows], columns), geometry=geometry, crs=view.crs)
    index = pd.MultiIndex.from_arrays([pairs[:, 0], pairs[:, 1]], names=["region_id", "feature_id"])
    return Frames(regions, features.rename_axis("feature_id"), gpd.GeoDataFrame(index=index))


def _tell_used(layers: list[str], objects: list[gpd.GeoDataFrame], rows: np.ndarray) -> None:
    """Say which objects of the layers are features; `rows` are positions in all layers behind one another."""
    before = 0
    for layer, frame in zip(layers, objects, strict=True):
        if layer in COUNTED:
            saw(layer, rows[(rows >= before) & (rows < before + len(frame))] - before, of=len(frame))
        before += len(frame)


def _rows_with_tags(table: pd.DataFrame, columns: str) -> np.ndarray:
    marked = table if columns == "flags" else table.notna()
    return np.flatnonzero(np.asarray(marked, dtype=bool).any(axis=1))


def _lean(table: pd.DataFrame, columns: str) -> pd.DataFrame:
    """Drop columns of text that no remaining feature fills."""
    return table if columns == "flags" else table.loc[:, table.notna().any(axis=0)]


def _pairs(objects: list[gpd.GeoDataFrame], ids: tuple[str, ...], regions: gpd.GeoDataFrame) -> np.ndarray:
    """Return (region, object) pairs, int64 (m, 2), sorted by object: by the layer's own membership, or where a line meets a region."""
    import pandas as pd

    found, before = [], 0
    for layer in objects:
        if "region_id" in layer.columns:
            region = pd.Index(ids).get_indexer(layer["region_id"])
            rows = np.flatnonzero(region >= 0)
            region = region[rows]
        else:
            rows, region = regions.sindex.query(
                np.asarray(layer.geometry, dtype=object), predicate="intersects"
            )
        order = np.lexsort((region, rows))
        found.append(np.column_stack([region, rows + before])[order].astype(np.int64))
        before += len(layer)
    return np.concatenate(found)
