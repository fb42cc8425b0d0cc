"""What people would say of toyville's street views: known functions of what a picture shows, plus noise as of a few dozen raters.

A score is made of the statistics that the facades, trees and storeys of a view are drawn from, and of the uses on both sides of its street: never of
what is hidden behind them. So a picture that is read exactly gives the score but for the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from urbanbench.datasets._toyville_latents import TYPES, Latents
from urbanbench.datasets._toyville_plan import Floats, Ints, Plan, stream
from urbanbench.datasets._toyville_roads import Roads
from urbanbench.datasets._toyville_streets import choose_points
from urbanbench.datasets._toyville_writing import ids, write_table

MIDDLE, LOWEST, HIGHEST = 5.0, 0.0, 10.0
SHOPS, WORKS = ("mixed", "commercial"), ("industrial", "transport")
INPUT_SETS = ("street_view",)


@dataclass(frozen=True)
class Scene:
    """What the pictures of v views show.

    Attributes
    ----------
    care
        Condition of the facades, (v,), [-0.5, 0.5].
    green, storeys
        Shown statistics, about standard normal, (v,).
    shops, works, open_land
        Share of the two sides of the street, (v,), 0, 0.5 or 1.
    """

    care: Floats
    green: Floats
    storeys: Floats
    shops: Floats
    works: Floats
    open_land: Floats


@dataclass(frozen=True)
class Score:
    """A score between 0 and 10: 5 + mean(scene) + noise.

    Attributes
    ----------
    mean
        What the scene adds.
    noise
        Standard deviation of the Gaussian noise.
    note
        For city.json.
    """

    mean: Callable[[Scene], Floats]
    noise: float
    note: str


SCORES = {
    "perception_safety": Score(
        lambda s: 2.2 * s.care + 0.5 * s.green - 1.6 * s.works,
        0.6,
        "5 + 2.2 care of the facades + 0.5 greenery - 1.6 works and stations",
    ),
    "perception_lively": Score(
        lambda s: 0.6 * s.storeys + 2.2 * s.shops - 1.2 * s.open_land,
        0.6,
        "5 + 0.6 storeys + 2.2 shops and offices - 1.2 open land",
    ),
    "perception_wealthy": Score(
        lambda s: 3.2 * s.care + 0.4 * s.green, 0.5, "5 + 3.2 care of the facades + 0.4 greenery"
    ),
    "perception_beautiful": Score(
        lambda s: 0.9 * s.green + 1.6 * s.care + 1.4 * s.open_land - 1.2 * s.works,
        0.6,
        "5 + 0.9 greenery + 1.6 care of the facades + 1.4 open land - 1.2 works and stations",
    ),
}


def write_perception(folder: Path, plan: Plan, latents: Latents, roads: Roads) -> dict[str, dict[str, Any]]:
    """Write the scores of all street views as labels; return what city.json says about each, with its ceiling."""
    scene = show_scene(plan, latents, roads)
    view = ids("v", len(scene.care))
    return {name: _write(folder, name, score, scene, view, plan.seed) for name, score in SCORES.items()}


def show_scene(plan: Plan, latents: Latents, roads: Roads) -> Scene:
    """Return what the street views show, in their order."""
    points = choose_points(plan, latents, roads)
    uses = np.append(latents.block_type, [-2, -1])  # sides -2 and -1, water and country, are the last two
    sides = np.stack([uses[points.left], uses[points.right]], axis=1)
    shown = {name: latents.shown[name][points.region] for name in ("facade", "green", "storeys")}
    return Scene(
        care=1 / (1 + np.exp(-1.3 * shown["facade"])) - 0.5,
        green=shown["green"],
        storeys=shown["storeys"],
        shops=_share(sides, SHOPS),
        works=_share(sides, WORKS),
        open_land=_share(sides, ("recreation",)) + (sides < 0).mean(axis=1),
    )


def _share(sides: Ints, uses: tuple[str, ...]) -> Floats:
    return np.asarray(np.isin(sides, [TYPES.index(one) for one in uses]).mean(axis=1))


def _write(folder: Path, name: str, score: Score, scene: Scene, view: pa.Array, seed: int) -> dict[str, Any]:
    mean = MIDDLE + score.mean(scene)
    noise = stream(seed, f"label {name}").normal(0, score.noise, len(mean))
    value = np.clip(mean + noise, LOWEST, HIGHEST).round(2)
    table = pa.table({"view_id": view, "value": pa.array(value, pa.float64())})
    write_table(folder / "labels" / f"{name}.parquet", table)
    return {
        "unit": "score from 0 to 10",
        "level": "street_view",
        "units": len(value),
        "noise_sd": score.noise,
        "note": f"Not asked of people: {score.note} + noise, as the views show them.",
        "ceiling": _ceiling(mean, score.noise, value),
    }


def _ceiling(mean: Floats, noise: float, value: Floats) -> dict[str, Any]:
    """Return the R2 of who reads the pictures exactly, as expected and on the scores as drawn."""
    expected = {"r2": round(1 - noise**2 / (float(mean.var()) + noise**2), 4)}
    drawn = {"r2": round(1 - float(((value - mean) ** 2).sum() / ((value - value.mean()) ** 2).sum()), 4)}
    return {
        "all_latents": expected,
        "inputs": dict.fromkeys(INPUT_SETS, expected),
        "this_city": dict.fromkeys(INPUT_SETS, drawn),
    }
