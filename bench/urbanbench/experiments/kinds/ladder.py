"""Ladders: rows from counting to a trained model, each of which differs from the one before in one thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.base import Choice
from urbanbench.experiments.kinds.contender import Contender, Place
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, difference, stand

__all__ = ["HEAD", "Climbed", "Ladder", "Rung", "Step", "agreeing", "climb", "distinct_rows"]

HEAD = "head"
"""The step from a place's head to another one, of the same row."""


@dataclass(frozen=True)
class Rung:
    """A row, and in a word what is changed on the way to it from the rung below; the lowest has none."""

    step: str
    row: Contender


@dataclass(frozen=True)
class Ladder:
    """What stands between two rows.

    Parameters
    ----------
    label
        What it is about, a model's name.
    rungs
        From the lowest.
    """

    label: str
    rungs: tuple[Rung, ...]

    @property
    def rows(self) -> list[Contender]:
        """All rows, from the lowest."""
        return [one.row for one in self.rungs]


@dataclass(frozen=True, eq=False)
class Step:
    """The difference that one change makes, seed by seed on the same splits.

    Parameters
    ----------
    word
        What is changed.
    below, above
        The rows it is taken between.
    score
        Differences of the metric, above minus below; empty where a row is missing.
    """

    word: str
    below: Standing
    above: Standing
    score: Score

    @property
    def missing(self) -> list[Standing]:
        """Rows without scores."""
        return [one for one in (self.below, self.above) if one.scored is None]


@dataclass(frozen=True, eq=False)
class Climbed:
    """A ladder with its rows' results at one place."""

    label: str
    steps: tuple[Step, ...]
    whole: Step

    def step(self, word: str) -> Step | None:
        """Return the step with a word; None where the ladder has none."""
        return next((one for one in self.steps if one.word == word), None)

    def over(self, word: str, metric: str) -> Step | None:
        """Return the difference between the highest row and the one that a step leads to; None where the ladder has no such step."""
        lower = self.step(word)
        return None if lower is None else _step(f"over {word}", lower.above, self.whole.above, metric)


def climb(
    ladder: Ladder, shelf: Shelf, choice: Choice, place: Place, *, metric: str, head: str = ""
) -> Climbed:
    """Take the differences along a ladder.

    Parameters
    ----------
    ladder
        The rows.
    shelf, choice, place
        Where their results are looked up.
    metric
        What is compared.
    head
        Another head, in which the last row is looked up for the step `HEAD`; "" for no such step.
    """
    found = [stand(row, shelf, choice, place) for row in ladder.rows]
    steps = [
        _step(rung.step, below, above, metric)
        for rung, below, above in zip(ladder.rungs[1:], found[:-1], found[1:], strict=True)
    ]
    if head and head != place.head:
        row = replace(ladder.rows[-1], label=f"{ladder.rows[-1].label}, head {head}")
        other = stand(row, shelf, choice, replace(place, head=head))
        steps.append(_step(HEAD, found[-1], other, metric))
    return Climbed(ladder.label, tuple(steps), _step("whole", found[0], found[-1], metric))


def agreeing(score: Score) -> int:
    """Count the seeds whose difference has the sign of the mean; without a sign none has.

    Examples
    --------
    >>> agreeing(Score((0.2, 0.1, -0.1))), agreeing(Score((0.0, 0.0)))
    (2, 0)
    """
    return sum(one * score.mean > 0 for one in score.finite)


def distinct_rows(ladders: Iterable[Ladder], further: Sequence[Contender] = ()) -> list[Contender]:
    """Return the rows of ladders and further ones, each once."""
    return list(dict.fromkeys([*(row for one in ladders for row in one.rows), *further]))


def _step(word: str, below: Standing, above: Standing, metric: str) -> Step:
    return Step(word, below, above, difference(above, below, metric))
