"""Tables of standings: our numbers, differences and the paper's numbers, each in columns of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from urbanbench.board.added import ADDS, added_entry
from urbanbench.board.columns import choose_metrics, heading, metric_title, unit_of
from urbanbench.board.labels import row_label
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.marks import BELOW, UNCONVERGED, floor_above
from urbanbench.board.numbers import Score
from urbanbench.board.rows import ordered
from urbanbench.convergence import NO
from urbanbench.counted import counted
from urbanbench.experiments.kinds.paper import Paper
from urbanbench.experiments.kinds.standing import Standing, difference, floor_of

__all__ = ["ScoreTable", "facts_of", "metrics_of", "score_entry", "signed"]

DELTA = "\N{GREEK CAPITAL LETTER DELTA}"


def metrics_of(standings: Sequence[Standing], fallback: Sequence[str]) -> list[str]:
    """Return the metrics to show, main metric first; `fallback` while nothing has scores."""
    row = next((one.scored for one in standings if one.scored is not None), None)
    if row is None:
        return list(fallback)
    shown = choose_metrics(str(row.task.get("kind", "")), row.main_metric, row.scores, None)
    return [metric for metric in shown if metric != "r2_log"]


def facts_of(standings: Sequence[Standing]) -> tuple[str, ...]:
    """Return what holds for all scored rows: the task with its unit, units scored and their split, seeds."""
    row = next((one.scored for one in standings if one.scored is not None), None)
    if row is None:
        return ()
    about = ", ".join(str(row.task[name]) for name in ("title", "unit") if row.task.get(name))
    size = f"blocks of {row.block_size_m:.0f} m" if row.block_size_m else ""
    told = (
        about,
        f"{row.n_units} {row.task.get('level', 'unit')}s",
        f"head {row.head}",
        size,
        counted(len(row.seeds), "seed"),
    )
    return tuple(fact for fact in told if fact)


def score_entry(score: Score, text: str | None = None) -> Entry:
    """Return mean ± standard deviation, with the mean to sort by."""
    return Entry(score.text if text is None else text, value=score.mean if score.finite else None)


def signed(score: Score) -> Entry:
    """Return a difference with its sign."""
    return score_entry(score, score.signed)


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Rows of one table and what stands beside them.

    Parameters
    ----------
    title
        Caption.
    rows
        (standing, name of the paper's row) pairs; "" where the paper has no such row.
    metrics
        Metrics to show, main metric first.
    full
        The row that differences are taken from; None for a table without differences.
    paper
        The paper's table; None leaves published columns out.
    city
        City whose printed numbers stand beside.
    """

    title: str
    rows: Sequence[tuple[Standing, str]]
    metrics: Sequence[str]
    full: tuple[Standing, str] | None = None
    paper: Paper | None = None
    city: str = ""

    def build(self) -> Table:
        """Return the table, the best floor of its rows' inputs last."""
        lines = [self._line(standing, name) for standing, name in self.rows]
        return Table(self.title, self._columns(), (*lines, *self._floor_line()))

    @property
    def _main(self) -> str:
        return self.metrics[0]

    @property
    def _added(self) -> bool:
        """Whether any row says what its model adds to a floor."""
        return any(one.scored is not None and one.scored.added is not None for one, _ in self.rows)

    @property
    def _printed(self) -> list[str]:
        return self.paper.metrics(self.city, self.metrics) if self.paper is not None else []

    @property
    def _printed_delta(self) -> bool:
        return self.full is not None and self._main in self._printed

    def _columns(self) -> tuple[Column, ...]:
        unit = next(
            (str(one.scored.task.get("unit") or "") for one, _ in self.rows if one.scored is not None), ""
        )
        ours = [Column(heading(one), number=True, unit=unit_of(one, unit)) for one in self.metrics]
        delta = f"{DELTA} {metric_title(self._main)}"
        if self.full is not None:
            ours.append(Column(delta, number=True, unit=unit_of(self._main, unit)))
        theirs = []
        if self.paper is not None:
            theirs = [self.paper.column(metric_title(one), one, self.city) for one in self._printed]
            theirs += [self.paper.column(delta, self._main, self.city)] if self._printed_delta else []
        added = [Column(ADDS, number=True)] if self._added else []
        note = Column("note", brief=False, prose=True)
        return (Column("row"), Column("inputs used"), *ours, *theirs, *added, note)

    def _line(self, one: Standing, name: str) -> Line:
        below = (
            f" {BELOW}"
            if one.block is not None and one.scored is not None and floor_above(one.block, one.scored)
            else ""
        )
        unconverged = f" {UNCONVERGED}" if one.scored is not None and one.scored.converged == NO else ""
        numbers = [score_entry(one.score(metric)) for metric in self.metrics]
        numbers[0] = Entry(one.word) if one.word else numbers[0]
        if self.full is not None:
            itself = one.label == self.full[0].label or one.word or not self.full[0].scored
            numbers.append(Entry() if itself else signed(difference(one, self.full[0], self._main)))
        used = ordered(one.scored.used) if one.scored is not None else ""
        entries = (
            Entry(f"{one.title}{unconverged}{below}"),
            Entry(used),
            *numbers,
            *self._published(name),
            *([added_entry(one.scored.added if one.scored else None, self._main)] if self._added else []),
            Entry("; ".join(one.remarks)),
        )
        return Line("unscored" if one.word else "model", entries, one.remarks)

    def _published(self, name: str) -> list[Entry]:
        if self.paper is None:
            return []
        entries = [self.paper.entry(self.city, name, metric) for metric in self._printed]
        if self._printed_delta and self.full is not None:
            entries.append(self.paper.difference(self.city, name, self.full[1], self._main))
        return entries

    def _floor_line(self) -> list[Line]:
        floor = floor_of([standing for standing, _ in self.rows])
        if floor is None:
            return []
        scores = [score_entry(floor.score(metric)) for metric in self.metrics]
        rest = [Entry()] * (len(self._columns()) - 2 - len(scores))
        name = f"best floor of these inputs: {row_label(floor, [floor])}"
        return [Line("floor", (Entry(name), Entry(ordered(floor.used)), *scores, *rest))]
