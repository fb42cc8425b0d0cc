"""Skill: how much of what a floor leaves is gained."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PERFECT", "skill"]

PERFECT = 1.0
"""The score of a perfect answer in R² and F1."""


def skill(scores: Sequence[float | None], floor: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return the skill score of each seed, (score - floor) / (1 - floor), for scores of which 1 is perfect.

    Of R² on the same test units it is 1 - MSE / MSE of the floor (Murphy 1988, Monthly Weather Review 116, 2417): 1 is perfect, 0 no better
    than the floor, and below 0 worse than it.

    Parameters
    ----------
    scores, floor
        R² or F1 per seed, of the same splits; None or NaN where there is none.

    Returns
    -------
    tuple
        None where one of the two is missing, or where the floor is perfect.

    Examples
    --------
    >>> skill((0.8, 0.4), (0.6, 0.5))
    (0.5, -0.2)
    """
    return tuple(_one(*pair) for pair in zip(scores, floor, strict=True))


def _one(score: float | None, floor: float | None) -> float | None:
    if score is None or floor is None or not floor < PERFECT or score != score:  # noqa: PLR0124 - NaN
        return None
    return (score - floor) / (PERFECT - floor)
