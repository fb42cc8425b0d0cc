"""The best reachable score, where a city states it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanbench.board.rows import ordered

__all__ = ["NOISE_ONLY", "ceiling_of"]

NOISE_ONLY = "everything"
_ALIASES = {"macro_f1": "f1_macro", "weighted_f1": "f1_weighted"}


def ceiling_of(stated: Mapping[str, Any], inputs: frozenset[str]) -> tuple[str, dict[str, float]]:
    """Return what a ceiling rests on, and its metrics.

    Parameters
    ----------
    stated
        A label's `ceiling`: under "inputs" metric -> score per set of inputs (names joined by commas), and under "all_latents"
        metric -> score of one who knows all but the label's noise.
    inputs
        Inputs on offer.

    Returns
    -------
    tuple
        (the set of inputs, metric -> score); a set that is not stated gets `NOISE_ONLY` and the bound by label noise alone.
    """
    by_inputs = _mapping(stated.get("inputs"))
    for names, scores in by_inputs.items():
        if frozenset(names.split(",")) == inputs:
            return ordered(inputs), _numbers(scores)
    return NOISE_ONLY, _numbers(stated.get("all_latents"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _numbers(scores: Any) -> dict[str, float]:
    return {
        _ALIASES.get(metric, metric): float(score)
        for metric, score in _mapping(scores).items()
        if isinstance(score, int | float)
    }
