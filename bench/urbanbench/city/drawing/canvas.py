"""Pieces of a map: an empty canvas, filled regions, colour scale, scale bar, credits, the file."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.figures.style import NO_VALUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "colour_bar",
    "credit",
    "draw_points",
    "empty_map",
    "explain",
    "figure_of",
    "fill",
    "fill_by_number",
    "grey",
    "lay_out",
    "name",
    "no_value",
    "number_scale",
]

_EDGE = "#8a8a8a"
_TITLE_WIDTH = 80


def empty_map(regions: Any, title: str) -> tuple[Figure, Axes]:
    """Make an empty map with the regions' extent, a scale bar, a title that is broken where it is long, and no frame."""
    from matplotlib.figure import Figure

    west, south, east, north = regions.total_bounds
    ratio = float(np.clip((north - south) / max(east - west, 1.0), 0.3, 2.0))
    figure = Figure(figsize=(9.0, 9.0 * ratio * 0.86 + 0.9), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    lay_out(axes, regions)
    name(axes, title)
    return figure, axes


def name(axes: Axes, title: str) -> None:
    """Give a map its title: the figure's, for which room is made above the axes."""
    figure_of(axes).suptitle(textwrap.fill(title, _TITLE_WIDTH))


def explain(axes: Axes, handles: Sequence[Any]) -> None:
    """Say below a map what its grey, its dots and its lines are; marks come with their words as labels."""
    if handles:
        figure_of(axes).legend(
            handles=list(handles),
            loc="outside lower left",
            ncols=min(len(handles), 3),
            fontsize=8,
            frameon=False,
        )


def grey(words: str) -> Any:
    """Return the legend's mark of regions that are drawn grey."""
    from matplotlib.patches import Patch

    return Patch(facecolor=NO_VALUE, edgecolor=_EDGE, linewidth=0.5, label=words)


def no_value(known: np.ndarray) -> list[Any]:
    """Return the legend's mark of regions without a value, how many there are; nothing where all have one."""
    lacking = int((~np.asarray(known, dtype=bool)).sum())
    return [grey(f"no value: {lacking:,} of {len(known):,} regions")] if lacking else []


def lay_out(axes: Axes, regions: Any) -> None:
    """Give axes the regions' extent, a scale bar and no frame."""
    west, south, east, north = regions.total_bounds
    margin = 0.02 * max(east - west, north - south)
    foot = 2.5 * margin  # room for the scale bar and the credits
    axes.set(xlim=(west - margin, east + margin), ylim=(south - foot, north + margin), aspect="equal")
    axes.set_axis_off()
    _scale_bar(axes, east - west)


def _scale_bar(axes: Axes, width_m: float) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten, about a fifth of the width."""
    goal = max(width_m / 5, 1e-9)
    power = 10.0 ** np.floor(np.log10(goal))
    length = power * max(step for step in (1, 2, 5) if step * power <= goal)
    share = length / (axes.get_xlim()[1] - axes.get_xlim()[0])
    axes.plot(
        [0.01, 0.01 + share], [0.012, 0.012], transform=axes.transAxes, color="black", linewidth=2, zorder=9
    )
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(0.01, 0.02, words, transform=axes.transAxes, fontsize=8, zorder=9)


def fill_by_number(
    axes: Axes,
    regions: Any,
    values: np.ndarray,
    unit: str,
    *,
    signed: bool | None,
    below_map: bool = False,
) -> None:
    """Fill regions by number, with a colour scale right of the map or below it; regions with NaN stay grey."""
    from matplotlib import cm, colormaps
    from matplotlib.colors import Normalize

    scale = number_scale(values, signed=signed)
    mapping = cm.ScalarMappable(Normalize(scale["vmin"], scale["vmax"]), colormaps[scale["cmap"]])
    known = np.isfinite(values)
    colours = mapping.to_rgba(np.where(known, values, scale["vmin"]))
    fill(axes, regions, [colours[row] if known[row] else NO_VALUE for row in range(len(values))])
    colour_bar(axes, mapping, values[known], unit, below_map=below_map)


def number_scale(values: np.ndarray, *, signed: bool | None) -> dict[str, Any]:
    """Choose colours and range: 2nd to 98th percentile, symmetric and diverging for signed values."""
    known = values[np.isfinite(values)]
    if not len(known):
        return {"cmap": "YlGnBu", "vmin": 0.0, "vmax": 1.0}
    if signed or (signed is None and known.min() < 0 < known.max()):
        reach = float(np.percentile(np.abs(known), 98)) or 1.0
        return {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    low, high = (float(one) for one in np.percentile(known, [2, 98]))
    if known.min() >= 0 and low < 0.1 * high:
        low = 0.0
    return {"cmap": "YlGnBu", "vmin": low, "vmax": high if high > low else low + 1.0}


def colour_bar(axes: Axes, mapping: Any, values: np.ndarray, unit: str, *, below_map: bool = False) -> None:
    """Draw the colour scale right of a map or below it, with arrows where values lie beyond it."""
    low, high = mapping.get_clim()
    below, above = bool(len(values) and values.min() < low), bool(len(values) and values.max() > high)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    where: dict[str, Any] = {"location": "bottom", "aspect": 35} if below_map else {}
    figure_of(axes).colorbar(mapping, ax=axes, shrink=0.6, pad=0.01, extend=extend, label=unit, **where)


def figure_of(axes: Axes) -> Figure:
    """Return the figure that holds the axes."""
    from matplotlib.figure import Figure

    figure = axes.figure
    if not isinstance(figure, Figure):
        msg = f"Axes of a {type(figure).__name__}. Expected axes of a Figure."
        raise BadInput(msg)
    return figure


def fill(axes: Axes, regions: Any, colours: list[Any]) -> None:
    """Fill regions, holes left open."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path as Outline

    outlines = []
    for geometry in np.asarray(regions.geometry):
        parts = getattr(geometry, "geoms", [geometry])
        rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
        outlines.append(
            Outline.make_compound_path(*(Outline(np.asarray(ring.coords), closed=True) for ring in rings))
        )
    width = 0.3 if len(regions) < 1000 else 0.12
    axes.add_collection(
        PathCollection(outlines, facecolors=colours, edgecolors=_EDGE, linewidths=width, zorder=2)
    )


def draw_points(axes: Axes, frame: Any, colour: str, alpha: float) -> None:
    """Draw points, the smaller the more there are."""
    import shapely

    points = np.asarray(frame.geometry)
    size = float(np.clip(3e4 / max(len(points), 1), 0.05, 2.0))
    axes.scatter(
        shapely.get_x(points),
        shapely.get_y(points),
        s=size,
        c=colour,
        alpha=alpha,
        linewidths=0,
        zorder=4,
        rasterized=True,
    )


def credit(axes: Axes, sources: list[str]) -> None:
    """Credit whose data is drawn, as their licences ask."""
    words = "; ".join(dict.fromkeys(one for one in sources if one))
    axes.text(
        0.99,
        0.005,
        textwrap.fill(words, 110),
        transform=axes.transAxes,
        fontsize=6,
        ha="right",
        color="#555555",
        zorder=9,
    )
