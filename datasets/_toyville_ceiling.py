"""The best scores that can be reached on toyville's labels, with every input and with each set of inputs.

A layer is drawn from noisy statistics of the latents and from block types through known tables (`_toyville_latents`,
`_toyville_evidence`). The oracle of an input set knows these statistics exactly, the tables, and also the smooth trend of
every latent, which is all that coordinates, neighbouring regions or training labels can tell. Its posterior is exact: Gaussian for
density, wealth and access, a finite sum over region characters for block types. So no model can do better on
average: a model reads the statistics off finitely many buildings, places and pictures.

Numeric labels: R2 = 1 - E[Var(y | inputs)] / Var(y), the expectation over regions and `DRAWS` posterior draws, Var(y) by the law
of total variance under the trend alone. Classes: expected accuracy of the most probable class; macro-F1 from the expected
confusion table, the best over decision rules that weigh classes by a power of their frequency.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanbench.datasets._toyville_evidence import (
    Evidence,
    Sample,
    collect_clues,
    gather,
    take_sample,
)
from urbanbench.datasets._toyville_labels import (
    CLASS_NOISE,
    GROUP_OF_TYPE,
    GROUPS,
    TARGETS,
    Target,
    has_value,
    noisy_shares,
)
from urbanbench.datasets._toyville_latents import (
    TYPES,
)
from urbanbench.datasets._toyville_plan import Floats, Ints, stream
from urbanbench.datasets._toyville_posterior import DRAWS, Draws, draw_posterior, function_odds
from urbanbench.datasets._toyville_town import Town

INPUT_SETS = (
    "coordinates",
    "poi",
    "polygon",
    "road",
    "street_view",
    "satellite",
    "flow",
    "poi,polygon",
    "poi,polygon,road",
    "poi,street_view",
    "poi,polygon,street_view",
    "poi,polygon,road,street_view,satellite",
    "poi,polygon,road,street_view,satellite,flow,coordinates",
)
MOST_REGIONS = 400
MOST_BUILDINGS = 6_000
METHOD = (
    "Exact posterior of an oracle that knows, for each set of inputs, the statistics these layers were drawn from, all tables "
    f"and noise sizes of the generator, and the smooth trend of every latent; {DRAWS} posterior draws for at most {MOST_REGIONS} "
    "regions. r2 = 1 - E[Var(y | inputs)] / Var(y); accuracy and f1_macro are expectations, f1_macro of the best frequency-weighted "
    "decision; a set never has less than its subsets. An upper bound on the expected score of any model; all_latents is the bound by label noise alone; this_city is the "
    "oracle's score on the labels as drawn. building_function: own tags and own places withheld."
)


def ceilings(town: Town) -> dict[str, dict[str, Any]]:
    """Return for each label the best reachable scores: all_latents, inputs (by set) and this_city (by set)."""
    sample = take_sample(
        town.plan, town.buildings, _choose_rows(len(town.plan.region_xy), MOST_REGIONS, town.seed)
    )
    clues = collect_clues(town.plan, town.latents, town.buildings, town.pois, town.roads, sample)
    sets = {names: frozenset(names.split(",")) for names in INPUT_SETS}
    evidence = {names: gather(clues, inputs) for names, inputs in sets.items()}
    draws = {names: draw_posterior(town, sample, evidence[names], inputs) for names, inputs in sets.items()}
    found = {name: _numeric(town, name, sample.regions, draws) for name in TARGETS}
    found["landuse"] = _landuse(town, sample.regions, draws)
    found["landuse_shares"] = _composition(town, sample.regions, draws)
    found["building_function"] = _functions(town, sample, evidence)
    for block in found.values():
        block["inputs"] = _nested(block["inputs"])
    return found


def _nested(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Give each set at least the score of its subsets: what is true exactly, made true of the estimates too."""
    sets = {names: frozenset(names.split(",")) - {"coordinates"} for names in scores}
    return {
        names: {
            metric: max(scores[part][metric] for part in scores if sets[part] <= own)
            for metric in scores[names]
        }
        for names, own in sets.items()
    }


def _choose_rows(count: int, most: int, seed: int) -> Ints:
    rows = stream(seed, "ceiling rows").permutation(count)[:most]
    return np.sort(rows)


def _numeric(town: Town, name: str, regions: Ints, draws: dict[str, Draws]) -> dict[str, Any]:
    target, value = TARGETS[name], town.labels.numeric[name][regions]
    rows = np.flatnonzero(~np.isnan(value))
    moments = {names: _moments(target, drawn, rows) for names, drawn in draws.items()}
    mean, spread, noise = moments["coordinates"]
    total = mean.var() + spread.mean()
    truth = value[rows]
    around = ((truth - truth.mean()) ** 2).sum()
    return {
        "all_latents": {"r2": _short(1 - noise.mean() / total)},
        "inputs": {names: {"r2": _short(1 - part[1].mean() / total)} for names, part in moments.items()},
        "this_city": {
            names: {"r2": _short(1 - ((truth - part[0]) ** 2).sum() / around)}
            for names, part in moments.items()
        },
    }


def _moments(target: Target, drawn: Draws, rows: Ints) -> tuple[Floats, Floats, Floats]:
    """Return mean and variance of the label given the inputs, and its variance given all latents, (rows,)."""
    share = drawn.share[rows]
    mean = target.mean(drawn.density[rows], drawn.wealth[rows], drawn.access[rows], share)
    first, second = clipped_moments(mean, target.noise)
    if not target.needs_homes:
        there = has_value(target, share)
        first, second = first * there, second * there
    noise = (second - first**2).mean(axis=1)
    return first.mean(axis=1), first.var(axis=1, ddof=1) + noise, noise


def clipped_moments(mean: Floats, sd: float) -> tuple[Floats, Floats]:
    """Return the first two moments of max(0, N(mean, sd^2)) (censored normal distribution)."""
    from scipy.special import ndtr

    ratio = mean / sd
    above, bell = ndtr(ratio), np.exp(-0.5 * ratio**2) / np.sqrt(2 * np.pi)
    return np.asarray(mean * above + sd * bell), np.asarray((mean**2 + sd**2) * above + mean * sd * bell)


def _composition(town: Town, regions: Ints, draws: dict[str, Draws]) -> dict[str, Any]:
    rng = stream(town.seed, "ceiling composition")
    blurred = {names: noisy_shares(drawn.share @ GROUP_OF_TYPE, rng) for names, drawn in draws.items()}
    start = draws["coordinates"].share @ GROUP_OF_TYPE
    noise = 0.5 * ((noisy_shares(start, rng) - noisy_shares(start, rng)) ** 2).mean(axis=(0, 1))
    prior = blurred["coordinates"]
    total = prior.mean(axis=1).var(axis=0) + prior.var(axis=1, ddof=1).mean(axis=0)
    truth = town.labels.composition[regions]
    around = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    return {
        "all_latents": {"r2": _short((1 - noise / total).mean())},
        "inputs": {
            names: {"r2": _short((1 - part.var(axis=1, ddof=1).mean(axis=0) / total).mean())}
            for names, part in blurred.items()
        },
        "this_city": {
            names: {"r2": _short((1 - ((truth - part.mean(axis=1)) ** 2).sum(axis=0) / around).mean())}
            for names, part in blurred.items()
        },
    }


def _landuse(town: Town, regions: Ints, draws: dict[str, Draws]) -> dict[str, Any]:
    truth = town.labels.landuse[regions]
    inputs, this_city = {}, {}
    for names, drawn in draws.items():
        winner = (drawn.share @ GROUP_OF_TYPE).argmax(axis=-1)[..., None] == np.arange(len(GROUPS))
        # Decide by one half of the draws and score by the other: deciding and scoring by the same draws flatters.
        halves = [_relabelled(winner[:, half::2].mean(axis=1)) for half in range(2)]
        inputs[names] = _expected(np.concatenate(halves), np.concatenate(halves[::-1]))
        this_city[names] = _scored(_relabelled(winner.mean(axis=1)), truth)
    return {
        "all_latents": _noise_only(town.labels.landuse, len(GROUPS)),
        "inputs": inputs,
        "this_city": this_city,
    }


def _functions(town: Town, sample: Sample, evidence: dict[str, Evidence]) -> dict[str, Any]:
    inside = np.flatnonzero(np.isin(town.labels.labelled, sample.buildings))
    pick = inside[_choose_rows(len(inside), MOST_BUILDINGS, town.seed)]
    rows, truth = np.searchsorted(sample.buildings, town.labels.labelled[pick]), town.labels.function[pick]
    odds = {names: _relabelled(function_odds(town, sample, part, rows)) for names, part in evidence.items()}
    return {
        "all_latents": _noise_only(town.labels.function, len(TYPES)),
        "inputs": {names: _expected(part, part) for names, part in odds.items()},
        "this_city": {names: _scored(part, truth) for names, part in odds.items()},
    }


def _relabelled(odds: Floats) -> Floats:
    """Mix in the share of labels that were redrawn at random."""
    return np.asarray((1 - CLASS_NOISE) * odds + CLASS_NOISE / odds.shape[-1])


def _decide(odds: Floats, power: float) -> Ints:
    return np.asarray((odds / np.maximum(odds.mean(axis=0), 1e-9) ** power).argmax(axis=-1))


_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def _expected(guess: Floats, odds: Floats) -> dict[str, float]:
    """Return the expected scores of decisions made on `guess` where the labels follow `odds`, both (n, classes)."""
    classes = np.arange(odds.shape[1])
    tables = [(_decide(guess, power)[:, None] == classes).T.astype(float) @ odds for power in _POWERS]
    return {
        "accuracy": _short(np.trace(tables[0]) / len(odds)),
        "f1_macro": _short(max(map(_macro_f1, tables))),
    }


def _scored(guess: Floats, truth: Ints) -> dict[str, float]:
    """Return the scores of the same decisions on the labels as drawn."""
    return _expected(guess, (truth[:, None] == np.arange(guess.shape[1])).astype(float))


def _macro_f1(table: Floats) -> float:
    """Return macro-F1 of a table of counts, rows decided, columns true; over the classes that occur."""
    hits, decided, true = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    there = true > 0
    return float((2 * hits / np.maximum(decided + true, 1e-9))[there].mean())


def _noise_only(labels: Ints, classes: int) -> dict[str, float]:
    """Return the scores of one who knows every latent: only the redrawn labels are missed."""
    share = np.bincount(labels, minlength=classes) / len(labels)
    share = np.maximum((share - CLASS_NOISE / classes) / (1 - CLASS_NOISE), 0.0)
    table = np.diag(share) * (1 - CLASS_NOISE) + share[:, None] * CLASS_NOISE / classes
    return {"accuracy": _short(np.trace(table)), "f1_macro": _short(_macro_f1(table))}


def _short(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
