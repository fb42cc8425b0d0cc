"""A row and what its probes told, looked up among results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from urbanbench.board.blocks import fits
from urbanbench.board.numbers import Score
from urbanbench.board.rows import Row, read_row
from urbanbench.experiments.kinds.base import Choice
from urbanbench.experiments.kinds.contender import Contender, Place
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import NOT_RUN, Standing, stand
from urbanbench.judging.leaning.skill import skill
from urbanbench.result import OK, RunResult
from urbanbench.run.beside import CONTENT_FLOORS
from urbanbench.scoring.probes.catalogue import NEIGHBOURS, PCA, PLACELESS, POSITION, PROJECTION, SHARES

__all__ = ["POSITION_HEADS", "Changed", "Leaned", "look_up"]

POSITION_HEADS = ("ridge", "mlp")
OTHER_SEEDS = "other seeds"
"""Said of a probe whose splits are not those of the plain row."""


@dataclass(frozen=True, eq=False)
class Changed:
    """What a probe that changes the vectors makes of a row's main metric, over the trainings that were asked it.

    Parameters
    ----------
    score
        From the changed vectors.
    moved
        That, minus the score from the vectors of the same trainings as they are.
    control
        The score of the control, minus the same.
    told
        The probe's section of each training.
    """

    score: Score
    moved: Score
    control: Score
    told: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Leaned:
    """One row at one place.

    Parameters
    ----------
    standing
        Its plain scores.
    floor
        The best content floor of its inputs under the same head; None where there is none.
    position
        Head to R² of position, over the trainings that were asked for it.
    placeless, neighbours
        The probes without position, and with the nearest units' vectors beside.
    curves
        Probe to its curve.
    words
        Why a probe, told by its name, has no numbers.
    """

    standing: Standing
    floor: Row | None
    position: Mapping[str, Score]
    placeless: Changed | None
    neighbours: Changed | None
    curves: Mapping[str, RunResult]
    words: Mapping[str, str]

    @property
    def metric(self) -> str:
        """The main metric, "" without scores."""
        return self.standing.scored.main_metric if self.standing.scored is not None else ""

    @property
    def plain(self) -> Score:
        """The main metric of the plain row."""
        return self.standing.score(self.metric)

    @property
    def skill(self) -> Score:
        """Skill over the floor, empty without one or where seeds differ."""
        scored = self.standing.scored
        if self.floor is None or scored is None or self.floor.seeds != scored.seeds:
            return Score(())
        return Score(skill(self.plain.values, self.floor.score(self.metric).values))

    def steps(self, probe: str) -> list[dict[str, Any]]:
        """Return the steps of a curve; none where it was not run."""
        return list(self.curves[probe].probe.get("steps", ())) if probe in self.curves else []


def look_up(row: Contender, shelf: Shelf, choice: Choice, place: Place) -> Leaned:
    """Find a row, its probes and the floor that its skill is taken over."""
    standing, words = stand(row, shelf, choice, place), dict[str, str]()
    spec = row.spec(choice, place)

    def probed(name: str) -> RunResult | None:
        found = shelf.find(replace(spec, probe=name))
        if found is None or found.status != OK:
            words[name] = NOT_RUN if found is None else found.status
            return None
        return found

    def trained(name: str, head: str = "") -> list[RunResult]:
        asked = shelf.trainings(replace(spec, probe=name, head=head or spec.head), choice.model_seeds)
        found = [one for one in asked if one.status == OK]
        if not found:
            words[name] = asked[0].status if asked else NOT_RUN
        return found

    position = {
        head: _over(Score(tuple(one.scores.get("r2", ()))) for one in found)
        for head in POSITION_HEADS
        if (found := trained(POSITION, head))
    }

    def changed(name: str) -> Changed | None:
        found = trained(name)
        if not found:
            return None
        as_they_are = {one.cell.model_seed: one for one in shelf.trainings(spec, choice.model_seeds)}
        pairs = [(one, as_they_are.get(one.cell.model_seed)) for one in found]
        alike = [
            (one, plain) for one, plain in pairs if plain is not None and plain.cell.seeds == one.cell.seeds
        ]
        if not alike:
            words[name] = OTHER_SEEDS
            return None
        return _changed(alike, standing)

    curves = {name: one for name in (SHARES, PCA, PROJECTION) if (one := probed(name)) is not None}
    return Leaned(
        standing, _floor(standing, shelf), position, changed(PLACELESS), changed(NEIGHBOURS), curves, words
    )


def _changed(pairs: Sequence[tuple[RunResult, RunResult]], standing: Standing) -> Changed | None:
    """Join the trainings of a probe, each beside its plain result."""
    if standing.scored is None:
        return None
    metric = standing.scored.main_metric
    scores = [Score(tuple(asked.scores.get(metric, ()))) for asked, _ in pairs]
    controls = [Score(tuple(asked.probe.get("control", {}).get(metric, ()))) for asked, _ in pairs]
    plain = [Score(tuple(one.scores.get(metric, ()))) for _, one in pairs]
    told = [asked.probe for asked, _ in pairs]
    return Changed(_over(scores), _over(map(_less, scores, plain)), _over(map(_less, controls, plain)), told)


def _over(trainings: Iterable[Score]) -> Score:
    every = list(trainings)
    return every[0] if len(every) == 1 else Score.over(every)


def _less(one: Score, other: Score) -> Score:
    """Return one score minus another, seed by seed; empty where they have not as many."""
    if len(one.values) != len(other.values):
        return Score(())
    pairs = zip(one.values, other.values, strict=True)
    return Score(tuple(None if a is None or b is None else a - b for a, b in pairs))


def _floor(standing: Standing, shelf: Shelf) -> Row | None:
    """Return the content floor that scores highest of those that see no more than a row is offered, under its head."""
    row = standing.scored
    if row is None:
        return None
    found = shelf.floors(row.spec["city"], row.spec["task"], row.spec["split"], row.seeds)
    floors = [read_row(one.to_dict()) for one in found if one.cell.model in CONTENT_FLOORS]
    fair = [one for one in floors if one.head == row.head and fits(one, row.offered)]
    return best_of(fair, row.main_metric)


def best_of(floors: Sequence[Row], metric: str) -> Row | None:
    """Return the row with the highest mean, of equal ones the first by name; None where none has a score on every seed."""
    whole = sorted((one for one in floors if one.score(metric).whole), key=lambda one: one.name)
    return max(whole, key=lambda one: one.score(metric).mean, default=None)
