"""What a city folder holds, in numbers; the map of it is in `urbanbench.city.drawing.maps`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.drawing.maps import draw_map, draw_values

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.folder.format import LabelInfo

__all__ = ["describe_city", "draw_map", "draw_values"]

_WORDS = ("kind", "source", "date", "licence", "attribution", "note")


def describe_city(city: City) -> dict[str, Any]:
    """Count what a city holds. Reads every layer and label.

    Parameters
    ----------
    city
        An open city.

    Returns
    -------
    dict
        JSON-like: `name`, `title`, `crs`; `regions` (count, area_km2 as total, smallest, median, largest); `layers` (rows, coverage
        in [0, 1], i.e. the share of regions with at least one, and what city.json says; of rasters files, bands and law in place of rows, and
        the share of the regions' area under pixels with data); `labels` (level, kind, unit, units,
        unlabelled, and a summary of the values); `extras` (names of layers that are not read).
    """
    area = city.regions["area_km2"].to_numpy()
    return {
        "name": city.name,
        "title": city.title,
        "crs": city.crs,
        "regions": {"count": len(area), "area_km2": {"total": float(area.sum()), **_spread(area)}},
        "layers": {name: _layer(city, name) for name in city.layers},
        "labels": {name: _label(city, info) for name, info in city.labels.items()},
        "extras": sorted(city.extras),
    }


def _layer(city: City, name: str) -> dict[str, Any]:
    info = city.layers[name]
    if name in city.manifest.rasters:
        return _raster(city, name)
    facts: dict[str, Any] = {"rows": len(getattr(city, name)), "coverage": _coverage(city, name)}
    return facts | {word: getattr(info, word) for word in _WORDS if getattr(info, word)}


def _raster(city: City, name: str) -> dict[str, Any]:
    raster, info = getattr(city, name), city.manifest.rasters[name]
    share = raster.zonal(np.asarray(city.regions.geometry)).share
    facts: dict[str, Any] = {"files": len(info.files), "bands": raster.dim, "law": info.law}
    area = float(np.average(share, weights=city.regions["area_km2"].to_numpy()))
    facts |= {"coverage": float((share > 0).mean()), "covered_area": area}
    return facts | {word: getattr(info, word) for word in _WORDS if getattr(info, word)}


def _coverage(city: City, name: str) -> float:
    """Share of regions with at least one row of the layer."""
    frame, regions = getattr(city, name), city.regions
    if name in {"roads", "landuse"}:
        import shapely

        tree = shapely.STRtree(np.asarray(frame.geometry))
        met = np.unique(tree.query(np.asarray(regions.geometry), predicate="intersects")[0])
        return len(met) / len(regions)
    if name == "flows":
        ends = np.concatenate([frame["origin_id"].to_numpy(), frame["destination_id"].to_numpy()])
        return float(regions.index.isin(ends).mean())
    ids = frame.index if name == "satellite" else frame["region_id"]
    return float(regions.index.isin(ids).mean())


def _label(city: City, info: LabelInfo) -> dict[str, Any]:
    frame = city.label(info.name)
    facts: dict[str, Any] = {"level": info.level, "kind": info.kind, "unit": info.unit, "units": len(frame)}
    facts["unlabelled"] = len(city.unit_ids(info.level)) - len(frame)
    if info.kind == "classification":
        facts["classes"] = {str(name): int(count) for name, count in frame["value"].value_counts().items()}
    elif info.kind == "composition":
        facts["mean_shares"] = {name: float(frame[name].mean()) for name in info.columns}
    else:
        values = frame["value"].to_numpy()
        facts["values"] = _spread(values) | {"zeros": int((values == 0).sum())}
    if "group" in frame:
        facts["groups"] = int(frame["group"].nunique())
    return facts | {
        word: getattr(info, word) for word in ("source", "date", "licence", "note") if getattr(info, word)
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    if not len(values):
        return {}
    return {
        "smallest": float(values.min()),
        "median": float(np.median(values)),
        "largest": float(values.max()),
    }
