"""Residuals as a picture: the map, errors by density, and the worst districts or the classes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.credits import credit_of
from urbanbench.city.drawing.canvas import (
    colour_bar,
    fill,
    fill_by_number,
    lay_out,
    number_scale,
)
from urbanbench.counted import counted
from urbanbench.figures.files import save_figure
from urbanbench.figures.style import FRONT, LEARNED, NO_VALUE
from urbanbench.judging.failing.errors import GroupErrors
from urbanbench.residuals.words import title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from urbanbench.city.city import City
    from urbanbench.residuals.findings import Findings

__all__ = ["draw_residuals"]

_BAR, _WHOLE, _MOST = LEARNED, FRONT, 8
_WIDTH, _NAME, _TITLE = 13.0, 26, 10


def draw_residuals(findings: Findings, city: City, path: Path) -> None:
    """Draw a map of the mean error of each unit, with bars of errors by density, and of the worst districts or of the classes.

    Parameters
    ----------
    findings
        What `urbanbench.residuals.findings.find` gave.
    city
        The city.
    path
        ``.png``, ``.svg`` or ``.pdf``. The same findings give the same bytes.

    Raises
    ------
    BadInput
        Another suffix.
    """
    from matplotlib.figure import Figure

    west, south, east, north = city.regions.total_bounds
    ratio = float(np.clip((north - south) / max(east - west, 1.0), 0.45, 1.3))
    figure = Figure(figsize=(_WIDTH, max(6.0, 8.0 * ratio + 1.6)), dpi=150, layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.7, 1.0))
    what, how = title_of(findings, city.title or city.name)
    figure.suptitle(f"{what}\n{how}")
    _map(figure.add_subplot(grid[:, 0]), findings, city)
    _density(figure.add_subplot(grid[0, 1]), findings)
    lower = figure.add_subplot(grid[1, 1])
    if findings.classes:
        _classes(lower, findings)
    else:
        _districts(lower, findings)
    figure.supxlabel(_key(findings, city), fontsize=8, color="#444444")
    save_figure(figure, path)


def _scale_words(findings: Findings) -> str:
    if findings.kind == "regression":
        return f"predicted minus true, mean over the seeds that tested it ({findings.unit})"
    return f"{findings.error_word}, mean over the seeds that tested it"


def _map(axes: Axes, findings: Findings, city: City) -> None:
    lay_out(axes, city.regions)
    axes.set_title(f"mean error of each {findings.result.task['level']}".replace("_", " "), fontsize=_TITLE)
    errors, signed = findings.units["error"], findings.kind == "regression"
    if findings.around.areas:
        values = errors.reindex(city.regions.index).to_numpy(np.float64)
        fill_by_number(axes, city.regions, values, _scale_words(findings), signed=signed, below_map=True)
        return
    fill(axes, city.regions, [NO_VALUE] * len(city.regions))
    xy, numbers = findings.around.xy, errors.to_numpy(np.float64)
    size = float(np.clip(6e4 / max(len(xy), 1), 1.0, 14.0))
    scale = number_scale(numbers, signed=signed)
    dots = axes.scatter(
        xy[:, 0], xy[:, 1], s=size, c=numbers, linewidths=0, zorder=5, rasterized=True, **scale
    )
    colour_bar(axes, dots, numbers, _scale_words(findings), below_map=True)


def _key(findings: Findings, city: City) -> str:
    """Say what grey, dots and the ends of the scale are, and whose data is drawn."""
    level = str(findings.result.task["level"]).replace("_", " ")
    said = []
    if not findings.around.areas:
        said.append(f"Each dot is a {level} that was tested; regions are drawn grey beneath them.")
    elif len(findings.units) < len(city.regions):
        grey = len(city.regions) - len(findings.units)
        said.append(f"Grey: {counted(grey, 'region')} without a label, or in no test part.")
    if _beyond(findings):
        said.append("Colours end at the 2nd and 98th percentile; a pointed end says that errors lie beyond.")
    found = findings.clustered
    if found is not None:
        said.append(f"Moran's I {found.value:.3f}, p = {found.p:.3g}.")
    label = city.labels.get(str(findings.result.task.get("label")))
    credit = credit_of(label.attribution) if label is not None else ""
    said += [f"Labels: {credit}."] if credit else []
    return textwrap.fill(" ".join(said), 170)


def _beyond(findings: Findings) -> bool:
    """Tell whether errors lie beyond the ends of the colour scale."""
    errors = findings.units["error"].to_numpy(np.float64)
    scale = number_scale(errors, signed=findings.kind == "regression")
    return bool(errors.min() < scale["vmin"] or errors.max() > scale["vmax"])


def _density(axes: Axes, findings: Findings) -> None:
    tenths = findings.tenths
    axes.bar(range(len(tenths)), [one.error for one in tenths], color=_BAR)
    middles = [
        f"{_short(one.low)} to {_short(one.high)}" if one.low != one.high else _short(one.low)
        for one in tenths
    ]
    axes.set_xticks(range(len(tenths)), middles, rotation=45, ha="right", fontsize=7)
    axes.set_title("error by density, tenths of the units", fontsize=_TITLE)
    axes.set_xlabel(findings.around.density_word, fontsize=8)
    axes.set_ylabel(textwrap.fill(_axis(findings), 28), fontsize=8)
    _level(axes, findings, across=True)


def _districts(axes: Axes, findings: Findings) -> None:
    shown = findings.groups[:_MOST]
    _bars(axes, [f"{_cut(one.name)} ({one.units})" for one in shown], [one.error for one in shown])
    axes.set_title(f"worst districts (units in brackets)\n{findings.district_word}", fontsize=_TITLE)
    axes.set_xlabel(_axis(findings), fontsize=8)
    _level(axes, findings, across=False)


def _classes(axes: Axes, findings: Findings) -> None:
    shown = findings.classes[:_MOST]
    _bars(axes, [f"{_cut(one.name)} ({one.units})" for one in shown], [one.f1 or 0.0 for one in shown])
    axes.set_title("classes met worst (units in brackets)", fontsize=_TITLE)
    axes.set(xlabel="F1", xlim=(0.0, 1.0))


def _bars(axes: Axes, names: Sequence[str], lengths: Sequence[float]) -> None:
    axes.barh(range(len(names)), lengths, color=_BAR)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()


def _level(axes: Axes, findings: Findings, *, across: bool) -> None:
    """Draw the error over all units as a line."""
    whole: GroupErrors = findings.whole
    draw = axes.axhline if across else axes.axvline
    draw(whole.error, color=_WHOLE, linestyle="--", linewidth=1.2, label="all units")
    axes.legend(fontsize=8)


def _axis(findings: Findings) -> str:
    return f"{findings.error_word} ({findings.unit})" if findings.unit else findings.error_word


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _cut(name: str) -> str:
    return textwrap.shorten(name, _NAME, placeholder="…")
