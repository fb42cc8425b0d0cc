"""Maps of a city and of values of its regions, as PNG or SVG, without a display and without global plotting state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput, DataMissing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from urbanbench.city.city import City

__all__ = ["draw_map", "draw_values"]

_NO_VALUE = "#e4e4e4"
_EDGE = "#8a8a8a"
_MAIN_ROADS = ("motorway", "trunk", "primary", "secondary")


def draw_map(city: City, path: Path, column: str | None = None) -> None:
    """Draw a city: its regions coloured by a label, main roads and POIs lightly over them.

    Parameters
    ----------
    city
        An open city.
    path
        Where to write: ``.png`` or ``.svg``. The same city gives the same bytes.
    column
        Name of a label, or "label:column" for a share of a composition. None takes the first regression label of regions, and
        plain regions where there is none. Labels of other levels are drawn as points.

    Raises
    ------
    DataMissing
        The city has no such label.
    BadInput
        Another suffix, or no such column.
    """
    name, _, share = (column or _first_label(city)).partition(":")
    figure, axes = _figure(city.regions, city.title)
    if name:
        _draw_label(city, axes, name, share)
    else:
        _fill(axes, city.regions, [_NO_VALUE] * len(city.regions))
    if "roads" in city.layers:
        _draw_roads(axes, city)
    if "pois" in city.layers:
        _draw_points(axes, city.pois, "#303030", 0.15)
    sources = [city.layers[one].attribution for one in ("roads", "pois") if one in city.layers]
    _sign(axes, [*sources, city.labels[name].attribution if name else ""])
    _save(figure, path)


def draw_values(regions: Any, values: Any, path: Path, title: str, *, unit: str = "", signed: bool | None = None) -> None:
    """Draw one number per region, such as residuals.

    Parameters
    ----------
    regions
        Frame of regions in a projected CRS, as `City.regions`.
    values
        Numbers in the order of the regions (n,), or a pandas Series by region_id; NaN or no entry is drawn grey.
    path
        Where to write: ``.png`` or ``.svg``.
    title
        Title of the map.
    unit
        Text beside the colour scale.
    signed
        True draws a diverging scale around 0; None does so when there are values on both sides of 0.

    Raises
    ------
    BadInput
        Another suffix, or values that do not fit the regions.
    """
    figure, axes = _figure(regions, title)
    _colour(axes, regions, _aligned(regions, values), unit, signed=signed)
    _save(figure, path)


def _first_label(city: City) -> str:
    fit = [one.name for one in city.labels.values() if one.level == "region" and one.kind == "regression"]
    return fit[0] if fit else ""


def _aligned(regions: Any, values: Any) -> np.ndarray:
    if hasattr(values, "reindex"):
        return np.asarray(values.reindex(regions.index), dtype=np.float64)
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(regions),):
        msg = f"Values of shape {array.shape} do not fit {len(regions)} regions. Expected one number per region, or a Series by region_id."
        raise BadInput(msg)
    return array


def _figure(regions: Any, title: str) -> tuple[Figure, Axes]:
    """Make an empty map with the regions' extent, a scale bar and no frame."""
    from matplotlib.figure import Figure

    west, south, east, north = regions.total_bounds
    ratio = float(np.clip((north - south) / max(east - west, 1.0), 0.3, 2.0))
    figure = Figure(figsize=(9.0, 9.0 * ratio * 0.86 + 0.9), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    margin = 0.02 * max(east - west, north - south)
    axes.set(xlim=(west - margin, east + margin), ylim=(south - margin, north + margin), aspect="equal", title=title)
    axes.set_axis_off()
    _scale_bar(axes, east - west)
    return figure, axes


def _scale_bar(axes: Axes, width_m: float) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten, about a fifth of the width."""
    goal = max(width_m / 5, 1e-9)
    power = 10.0 ** np.floor(np.log10(goal))
    length = power * max(step for step in (1, 2, 5) if step * power <= goal)
    share = length / (axes.get_xlim()[1] - axes.get_xlim()[0])
    axes.plot([0.01, 0.01 + share], [0.012, 0.012], transform=axes.transAxes, color="black", linewidth=2, zorder=9)
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(0.01, 0.02, words, transform=axes.transAxes, fontsize=8, zorder=9)


def _draw_label(city: City, axes: Axes, name: str, share: str) -> None:
    if name not in city.labels:
        msg = f"City {city.name!r} has no label {name!r}. Its labels: {', '.join(city.labels) or 'none'}."
        raise DataMissing(msg)
    info, frame = city.labels[name], city.label(name)
    if share and share not in info.columns:
        msg = f"Label {name!r} has no column {share!r}. Its columns: {', '.join(info.columns) or 'value'}."
        raise BadInput(msg)
    axes.set_title(f"{city.title}: {name}{f', {share}' if share else ''}")
    if info.kind == "regression" or share:
        values, unit = frame[share or "value"], info.unit
        if info.level == "region":
            _colour(axes, city.regions, _aligned(city.regions, values), unit, signed=None)
        else:
            _colour_points(axes, city, info.level, values, unit)
        return
    classes = frame[list(info.columns)].idxmax(axis=1) if info.kind == "composition" else frame["value"]
    _draw_classes(axes, city, info.level, classes)


def _draw_classes(axes: Axes, city: City, level: str, classes: Any) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    names = list(classes.value_counts().index)
    palette = colormaps["tab20" if len(names) > 10 else "tab10"]
    colour = {name: palette(place % palette.N) for place, name in enumerate(names)}
    if level == "region":
        of_region = classes.reindex(city.regions.index)
        _fill(axes, city.regions, [colour.get(one, _NO_VALUE) for one in of_region])
    else:
        _fill(axes, city.regions, [_NO_VALUE] * len(city.regions))
        x, y = _places(city, level, classes.index)
        axes.scatter(x, y, s=7, c=[colour[one] for one in classes], linewidths=0, zorder=5)
    patches = [Patch(color=colour[name], label=str(name)) for name in names]
    axes.legend(handles=patches, fontsize=7, loc="upper left", frameon=True, framealpha=0.8)


def _colour_points(axes: Axes, city: City, level: str, values: Any, unit: str) -> None:
    _fill(axes, city.regions, [_NO_VALUE] * len(city.regions))
    x, y = _places(city, level, values.index)
    numbers = values.to_numpy()
    scale = _scale(numbers, signed=None)
    dots = axes.scatter(x, y, s=7, c=numbers, linewidths=0, zorder=5, **scale)
    _bar(axes, dots, numbers, unit)


def _places(city: City, level: str, ids: Any) -> tuple[np.ndarray, np.ndarray]:
    import shapely

    from urbanbench.city.format import UNIT_LAYER

    frame = getattr(city, UNIT_LAYER[level])
    points = shapely.centroid(np.asarray(frame.geometry)[frame.index.get_indexer(ids)])
    return shapely.get_x(points), shapely.get_y(points)


def _colour(axes: Axes, regions: Any, values: np.ndarray, unit: str, *, signed: bool | None) -> None:
    from matplotlib import cm, colormaps
    from matplotlib.colors import Normalize

    scale = _scale(values, signed=signed)
    mapping = cm.ScalarMappable(Normalize(scale["vmin"], scale["vmax"]), colormaps[scale["cmap"]])
    known = np.isfinite(values)
    colours = mapping.to_rgba(np.where(known, values, scale["vmin"]))
    _fill(axes, regions, [colours[row] if known[row] else _NO_VALUE for row in range(len(values))])
    _bar(axes, mapping, values[known], unit)


def _scale(values: np.ndarray, *, signed: bool | None) -> dict[str, Any]:
    """Choose colours and range: 2nd to 98th percentile, symmetric and diverging for signed values."""
    known = values[np.isfinite(values)]
    if not len(known):
        return {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0}
    if signed or (signed is None and known.min() < 0 < known.max()):
        reach = float(np.percentile(np.abs(known), 98)) or 1.0
        return {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    low, high = (float(one) for one in np.percentile(known, [2, 98]))
    return {"cmap": "viridis", "vmin": low, "vmax": high if high > low else low + 1.0}


def _bar(axes: Axes, mapping: Any, values: np.ndarray, unit: str) -> None:
    """Draw the colour scale, with arrows where values lie beyond it."""
    low, high = mapping.get_clim()
    below, above = bool(len(values) and values.min() < low), bool(len(values) and values.max() > high)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    axes.figure.colorbar(mapping, ax=axes, shrink=0.6, pad=0.01, extend=extend, label=unit)


def _fill(axes: Axes, regions: Any, colours: list[Any]) -> None:
    """Fill regions, holes left open."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path as Outline

    outlines = []
    for geometry in np.asarray(regions.geometry):
        parts = getattr(geometry, "geoms", [geometry])
        rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
        outlines.append(Outline.make_compound_path(*(Outline(np.asarray(ring.coords), closed=True) for ring in rings)))
    width = 0.3 if len(regions) < 1000 else 0.12
    axes.add_collection(PathCollection(outlines, facecolors=colours, edgecolors=_EDGE, linewidths=width, zorder=2))


def _draw_roads(axes: Axes, city: City) -> None:
    """Draw main roads; where a small city has none, all roads."""
    import shapely
    from matplotlib.collections import LineCollection

    from urbanbench.city.tags import tag_table

    table = tag_table(city.roads["tags"]).with_key("highway")
    main = np.zeros(table.n, dtype=bool)
    main[table.rows[np.isin(table.value.astype(str), _MAIN_ROADS)]] = True
    if not main.any():
        main[:] = True
    coordinates, owner = shapely.get_coordinates(np.asarray(city.roads.geometry)[main], return_index=True)
    lines = np.split(coordinates, np.flatnonzero(np.diff(owner)) + 1)
    axes.add_collection(LineCollection(lines, colors="white", linewidths=0.4, alpha=0.7, zorder=3, rasterized=True))


def _draw_points(axes: Axes, frame: Any, colour: str, alpha: float) -> None:
    import shapely

    points = np.asarray(frame.geometry)
    size = float(np.clip(3e4 / max(len(points), 1), 0.05, 2.0))
    axes.scatter(
        shapely.get_x(points), shapely.get_y(points), s=size, c=colour, alpha=alpha, linewidths=0, zorder=4, rasterized=True
    )


def _sign(axes: Axes, sources: list[str]) -> None:
    """Credit whose data is drawn, as their licences ask."""
    words = "; ".join(dict.fromkeys(one for one in sources if one))
    axes.text(0.99, 0.005, words[:160], transform=axes.transAxes, fontsize=6, ha="right", color="#555555", zorder=9)


def _save(figure: Figure, path: Path) -> None:
    import matplotlib as mpl

    from urbanbench.atomic import replacing

    kind = path.suffix.lower().removeprefix(".")
    if kind not in {"png", "svg"}:
        msg = f"Map file {path.name!r} has suffix {path.suffix!r}. Expected .png or .svg."
        raise BadInput(msg)
    # A fixed salt and no date make the same map the same bytes.
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "urbanbench"}), replacing(path) as part:
        figure.savefig(part, format=kind, metadata=metadata)
