"""Maps of a city and of values of its regions, as PNG, SVG or PDF, without a display and without global plotting state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.credits import credit_of
from urbanbench.city.drawing.canvas import (
    colour_bar,
    credit,
    draw_points,
    empty_map,
    explain,
    figure_of,
    fill,
    fill_by_number,
    grey,
    name,
    no_value,
    number_scale,
)
from urbanbench.errors import BadInput, DataMissing
from urbanbench.figures.files import check_ending, save_figure
from urbanbench.figures.letters import drawable
from urbanbench.figures.style import NO_VALUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from urbanbench.city.city import City

__all__ = ["draw_map", "draw_values", "first_label"]

_MAIN_ROADS = ("motorway", "trunk", "primary", "secondary")


def draw_map(city: City, path: Path, column: str | None = None, *, title: str = "") -> None:
    """Draw a city: its regions coloured by a label, main roads and POIs lightly over them.

    Parameters
    ----------
    city
        An open city.
    path
        Where to write: ``.png``, ``.svg`` or ``.pdf``. The same city gives the same bytes.
    column
        Name of a label, or "label:column" for a share of a composition. None takes the first regression label of regions, and
        plain regions where there is none. Labels of other levels are drawn as points.
    title
        What the label is for people, such as "Population density"; its name in plain letters when left out.

    Raises
    ------
    DataMissing
        The city has no such label.
    BadInput
        Another suffix, or no such column.
    """
    check_ending(path)
    label, _, share = (column or first_label(city)).partition(":")
    figure, axes = empty_map(city.regions, drawable(city.title, city.name))
    if label:
        told = _draw_label(city, axes, label, share, title)
    else:
        fill(axes, city.regions, [NO_VALUE] * len(city.regions))
        told = [grey(f"{len(city.regions):,} regions")]
    if "roads" in city.layers:
        told.append(_draw_roads(axes, city))
    if "pois" in city.layers:
        draw_points(axes, city.pois, "#303030", 0.15)
        told.append(_mark("#303030", f"a dot for each of {len(city.pois):,} POIs"))
    explain(axes, told)
    sources = [credit_of(city.layers[one].attribution) for one in ("roads", "pois") if one in city.layers]
    credit(axes, [*sources, credit_of(city.labels[label].attribution) if label else ""])
    save_figure(figure, path)


def draw_values(
    regions: Any, values: Any, path: Path, title: str, *, unit: str = "", signed: bool | None = None
) -> None:
    """Draw one number per region, such as residuals.

    Parameters
    ----------
    regions
        Frame of regions in a projected CRS, as `City.regions`.
    values
        Numbers in the order of the regions (n,), or a pandas Series by region_id; NaN or no entry is drawn grey.
    path
        Where to write: ``.png``, ``.svg`` or ``.pdf``.
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
    check_ending(path)
    figure, axes = empty_map(regions, title)
    numbers = _aligned(regions, values)
    fill_by_number(axes, regions, numbers, unit, signed=signed)
    explain(axes, no_value(np.isfinite(numbers)))
    save_figure(figure, path)


def first_label(city: City) -> str:
    """Return the label a map shows when none is asked for: the first number of regions; "" where there is none."""
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


def _draw_label(city: City, axes: Axes, label: str, share: str, title: str) -> list[Any]:
    """Draw a label and return marks that explain its grey and its dots."""
    if label not in city.labels:
        msg = f"City {city.name!r} has no label {label!r}. Its labels: {', '.join(city.labels) or 'none'}."
        raise DataMissing(msg)
    info, frame = city.labels[label], city.label(label)
    if share and share not in info.columns:
        msg = f"Label {label!r} has no column {share!r}. Its columns: {', '.join(info.columns) or 'value'}."
        raise BadInput(msg)
    what = title or label.replace("_", " ").replace("-", " ")
    of_share = f", share of {share.replace('_', ' ')}" if share else ""
    name(axes, f"{drawable(city.title, city.name)}: {what[:1].lower()}{what[1:]}{of_share}")
    if info.kind == "regression" or share:
        values, unit = frame[share or "value"], info.unit
        if info.level == "region":
            numbers = _aligned(city.regions, values)
            fill_by_number(axes, city.regions, numbers, unit, signed=None)
            return no_value(np.isfinite(numbers))
        return _colour_points(axes, city, info.level, values, unit)
    classes = frame[list(info.columns)].idxmax(axis=1) if info.kind == "composition" else frame["value"]
    return _draw_classes(axes, city, info.level, classes)


def _mark(colour: str, words: str) -> Any:
    """Return a legend's dot."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", marker="o", markersize=4, color=colour, label=words)


def _beneath(level: str, count: int) -> list[Any]:
    """Return the marks of a map of points: what a coloured dot is, and that regions stand grey beneath."""
    return [
        _mark("#555555", f"a coloured dot for each of {count:,} labelled {level.replace('_', ' ')}s"),
        grey("regions, for orientation"),
    ]


def _draw_classes(axes: Axes, city: City, level: str, classes: Any) -> list[Any]:
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    names = list(classes.value_counts().index)
    palette = colormaps["tab20" if len(names) > 10 else "tab10"]
    colour = {name: palette(place % palette.N) for place, name in enumerate(names)}
    if level == "region":
        of_region = classes.reindex(city.regions.index)
        fill(axes, city.regions, [colour.get(one, NO_VALUE) for one in of_region])
        told = no_value(of_region.notna().to_numpy())
    else:
        fill(axes, city.regions, [NO_VALUE] * len(city.regions))
        x, y = _places(city, level, classes.index)
        axes.scatter(x, y, s=7, c=[colour[one] for one in classes], linewidths=0, zorder=5)
        told = _beneath(level, len(classes))
    patches = [Patch(color=colour[name], label=str(name)) for name in names]
    figure_of(axes).legend(handles=patches, fontsize=7, loc="outside right upper", frameon=False)
    return told


def _colour_points(axes: Axes, city: City, level: str, values: Any, unit: str) -> list[Any]:
    fill(axes, city.regions, [NO_VALUE] * len(city.regions))
    x, y = _places(city, level, values.index)
    numbers = values.to_numpy()
    scale = number_scale(numbers, signed=None)
    dots = axes.scatter(x, y, s=7, c=numbers, linewidths=0, zorder=5, **scale)
    colour_bar(axes, dots, numbers, unit)
    return _beneath(level, len(numbers))


def _places(city: City, level: str, ids: Any) -> tuple[np.ndarray, np.ndarray]:
    import shapely

    from urbanbench.city.folder.format import UNIT_LAYER

    frame = getattr(city, UNIT_LAYER[level])
    points = shapely.centroid(np.asarray(frame.geometry)[frame.index.get_indexer(ids)])
    return shapely.get_x(points), shapely.get_y(points)


def _draw_roads(axes: Axes, city: City) -> Any:
    """Draw main roads, or where a small city has none, all roads; return the legend's mark."""
    import shapely
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    from urbanbench.city.folder.tags import tag_table

    table = tag_table(city.roads["tags"]).with_key("highway")
    main = np.zeros(table.n, dtype=bool)
    main[table.rows[np.isin(table.value.astype(str), _MAIN_ROADS)]] = True
    words = "main roads" if main.any() else "roads"
    if not main.any():
        main[:] = True
    coordinates, owner = shapely.get_coordinates(np.asarray(city.roads.geometry)[main], return_index=True)
    lines = np.split(coordinates, np.flatnonzero(np.diff(owner)) + 1)
    axes.add_collection(
        LineCollection(lines, colors="#6b6b6b", linewidths=0.35, alpha=0.6, zorder=3, rasterized=True)
    )
    return Line2D([], [], color="#6b6b6b", linewidth=1, label=words)
