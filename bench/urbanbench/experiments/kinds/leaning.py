"""Leaning: what models' scores rest on, by probes of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.contender import Contender, Place, cells, chosen_rows, places
from urbanbench.experiments.kinds.leaning_curves import CURVES, curve_figure, curve_table
from urbanbench.experiments.kinds.leaning_table import leaning_table, neighbours_table
from urbanbench.experiments.kinds.probed import POSITION_HEADS, Leaned, look_up
from urbanbench.experiments.kinds.report import Report, Section
from urbanbench.experiments.kinds.score_table import facts_of
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.result import RunResult, RunSpec
from urbanbench.run.beside import CONTENT_FLOORS
from urbanbench.scoring.probes.catalogue import NEIGHBOURS, PLACELESS, POSITION

__all__ = ["Leaning"]

READING = (
    "Scores are mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error); differences are taken seed by seed on the same splits.",
    "skill: (score - floor) / (1 - floor) over the floor of the row's inputs that counts content and scores highest under the same head, seed by seed; for R\N{SUPERSCRIPT TWO} that is 1 - MSE / MSE of the floor.",
    "position: R\N{SUPERSCRIPT TWO} of where a unit lies, read out of its vector by ridge and by mlp on the label's splits; 1 is the place itself, and below 0 is farther off than the middle of the test units.",
    "without position: every column less its trend surface of easting and northing, fitted on the training units. control: the same with the places of units shuffled, which is what the projection costs by itself; what a row loses beyond it went with position: what its vectors know of the place, and content that follows it. Read it beside position.",
    "with neighbours: the mean vector of the six nearest labelled units stands beside a unit's own, each in columns of its own. control: the same with the places of units shuffled, which is what twice the columns cost.",
    "Shares of labels hold for training and validation units alike; test units are the same. At 100 % and in all dimensions nothing is left out.",
    "Components and random directions are found on the training units, and keep their sizes beside one another.",
)


@dataclass(frozen=True, kw_only=True)
class Leaning(Experiment):
    """One section per place: what rows know of position and do without it, and their curves over labels and dimensions.

    Parameters
    ----------
    contenders
        The rows, where no models are chosen.
    references
        Floors that stand below them.
    """

    contenders: tuple[Contender, ...]
    references: tuple[Contender, ...]
    any_model: bool = True
    floors: bool = False

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return the plain cell of every row, its probes behind it, and the plain cells of floors that skill is taken over."""
        rows, where = self._rows(choice), places(choice)
        plain = cells(rows, where, choice)
        further = [
            Contender(name, name) for name in CONTENT_FLOORS if name not in {row.model for row in rows}
        ]
        return [one for spec in plain for one in (spec, *_probes(spec))] + cells(further, where, choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place."""
        shelf, rows = Shelf(results), self._rows(choice)
        sections = [self._section(shelf, choice, place, rows) for place in places(choice)]
        return Report(self.name, self.title, self.question, tuple(sections), (*self.notes, *READING))

    def _rows(self, choice: Choice) -> list[Contender]:
        rows = chosen_rows(choice, self.contenders)
        named = {row.model for row in rows}
        return [*rows, *(row for row in self.references if row.model not in named)]

    def _section(self, shelf: Shelf, choice: Choice, place: Place, rows: Sequence[Contender]) -> Section:
        found = [look_up(row, shelf, choice, place) for row in rows]
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        title = f"{place.city_name} · {place.task} · {place.split}{head}"
        tables = [
            leaning_table(found),
            neighbours_table(found),
            *(curve_table(curve, found) for curve in CURVES),
        ]
        figures = (curve_figure(self.name, place, found),) if any(one.curves for one in found) else ()
        shown = tuple(table for table in tables if table.lines)
        return Section(title, facts_of([one.standing for one in found]), shown, figures, _missing(found))


def _probes(spec: RunSpec) -> list[RunSpec]:
    asked = [replace(spec, probe=POSITION, head=head) for head in POSITION_HEADS]
    rest = PLACELESS, NEIGHBOURS, *(one.probe for one in CURVES)
    return [*asked, *(replace(spec, probe=name) for name in rest)]


def _missing(found: Sequence[Leaned]) -> tuple[str, ...]:
    absent = [one.standing.label for one in found if one.standing.scored is None]
    return (f"Without scores here: {', '.join(absent)}.",) if absent else ()
