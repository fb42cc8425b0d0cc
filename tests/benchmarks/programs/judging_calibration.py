"""How often the judging room is wrong: false alarms, coverage and power on towns where the truth is known.

``python judging_calibration.py --repeats 2000 --out docs/calibration`` adds what is missing to ``judging.json`` there and draws ``judging.svg`` of it;
``--only WORD`` does the worlds whose name holds a word. Without ``--out`` it prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from judged_towns import METHODS, SPLITS, WORLDS, World, judged
from matplotlib.figure import Figure

GAPS = (0.1, 0.2, 0.3, 0.45, 0.6)
POWER_WORLD = WORLDS[1]
NAME = "judging"
_COLOURS = {"naive t": "#D55E00", "corrected resampled t": "#E69F00", "compare": "#0072B2"}
_MARKS = {"naive t": "x", "corrected resampled t": "s", "compare": "o"}


def rates(found: np.ndarray) -> dict[str, dict[str, float]]:
    """Share of draws with p < 0.05, share of intervals that hold the mean over all draws (0 of equal models), and that mean."""
    told = {}
    for place, method in enumerate(METHODS):
        p, mean, low, high = found[:, place].T
        told[method] = {"found": float((p < 0.05).mean())}
        if np.isfinite(low).all():
            told[method] |= {"covered": float(((low <= mean.mean()) & (mean.mean() <= high)).mean())}
    return told


def row(world: World, gap: float, repeats: int, **size: int) -> dict:
    began = time.perf_counter()
    found = judged(world, gap, repeats, **size)
    splits = {
        split: {"difference": float(one[:, 0, 1].mean()), "sd": float(one[:, 0, 1].std(ddof=1)), **rates(one)}
        for split, one in found.items()
    }
    took = round(time.perf_counter() - began, 1)
    return {"world": world.name, "gap": gap, "repeats": repeats, "seconds": took, "splits": splits}


def orders(repeats: int) -> list[tuple[World, float, int]]:
    """Equal models in every world, and unequal ones in one with a fifth of the draws."""
    return [*((world, 0.0, repeats) for world in WORLDS), *((POWER_WORLD, gap, repeats // 5) for gap in GAPS)]


def draw(rows: list[dict], path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "urbanbench", "svg.fonttype": "path", "font.size": 9.0}):
        canvas = Figure(figsize=(10.0, 6.4), layout="constrained")
        panels = canvas.subplots(2, 2)
        for axes, split in zip(panels[0], SPLITS, strict=True):
            _false_alarms(axes, [one for one in rows if one["gap"] == 0], split)
        for axes, split in zip(panels[1], SPLITS, strict=True):
            _power(axes, rows, split)
        handles, names = panels[0][0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside upper center", ncols=len(names))
        canvas.savefig(
            path, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None}, dpi=110
        )


def _false_alarms(axes, rows, split):
    axes.axvspan(4, 6, color="#009E73", alpha=0.2, lw=0)
    axes.axvline(5, color="#444444", lw=1)
    for place, one in enumerate(rows):
        for method in METHODS:
            rate = one["splits"][split][method]["found"]
            error = 196 * (rate * (1 - rate) / one["repeats"]) ** 0.5
            shown = method if place == 0 else None
            axes.errorbar(
                100 * rate,
                place,
                xerr=error,
                fmt=_MARKS[method],
                color=_COLOURS[method],
                capsize=2,
                label=shown,
            )
    axes.set_yticks(range(len(rows)), [one["world"] for one in rows])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, 52), title=f"equal models, split {split}")
    axes.set_xlabel("% that find a difference (band: 4 to 6)")


def _power(axes, rows, split):
    mine = sorted((one for one in rows if one["world"] == POWER_WORLD.name), key=lambda one: one["gap"])
    for method in METHODS:
        axes.plot(
            [abs(one["splits"][split]["difference"]) for one in mine],
            [100 * one["splits"][split][method]["found"] for one in mine],
            marker=_MARKS[method],
            color=_COLOURS[method],
        )
    axes.axhline(5, color="#444444", lw=1)
    axes.axhline(80, color="#444444", lw=1, ls="--")
    axes.set(
        ylim=(0, 102),
        xlabel=f"true difference in R², {POWER_WORLD.name}",
        ylabel="% found",
        title=f"power, split {split}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="a few draws of small towns")
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    told = parser.parse_args()
    if told.smallest:
        size = {"towns": 1, "units": 60, "seeds": 3}
        sys.stdout.write(json.dumps({"rows": [row(WORLDS[1], 0.0, 3, **size)]}))
        return
    file = told.out / f"{NAME}.json" if told.out else None
    rows = json.loads(file.read_text("utf-8"))["rows"] if file and file.is_file() else []
    for world, gap, repeats in orders(told.repeats):
        known = any((one["world"], one["gap"], one["repeats"]) == (world.name, gap, repeats) for one in rows)
        if known or told.only not in world.name:
            continue
        rows = [one for one in rows if (one["world"], one["gap"]) != (world.name, gap)]
        rows.append(row(world, gap, repeats))
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    if file:
        names = [world.name for world in WORLDS]
        draw(sorted(rows, key=lambda one: names.index(one["world"])), file.with_suffix(".svg"))
    sys.stdout.write(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
