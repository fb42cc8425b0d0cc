"""Comparisons: rows of models and of ablations, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from urbanbench.board.columns import metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import dot_figure, stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, places
from urbanbench.experiments.kinds.paper import Paper
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import ScoreTable, facts_of, metrics_of, score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.registry import plain_name
from urbanbench.result import RunResult, RunSpec
from urbanbench.scoring.metrics import metric_info

__all__ = ["PAPER_SPLIT", "READING", "Comparison"]

PAPER_SPLIT = "random"
"""The paper holds out random units; its numbers stand beside no other split of ours."""

READING = (
    "Ours: mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error).",
    "The best floor of the inputs of a table's rows is its last line; \N{BLACK DOWN-POINTING TRIANGLE} marks a row whose mean is below the best floor that sees no more than it.",
    "Differences are taken seed by seed on the same splits.",
    "Columns and tables labelled published hold the paper's printed numbers, from other data, units and splits: for display, never ranked with ours.",
    "A published number with * has a note: rows of the paper that repeat or contradict others.",
)


@dataclass(frozen=True, kw_only=True)
class Comparison(Experiment):
    """Rows that are compared with each other.

    Parameters
    ----------
    contenders
        The rows, in order.
    full
        Label of the row that others are held against; "" for none. It opens each table whose title is in `ablations`.
    ablations
        Titles of the tables with differences to the full row.
    table
        Roman number of the paper's table.
    metrics
        Metrics of a table without any score.
    per_class
        Whether a table of F1 per class is added.
    """

    contenders: tuple[Contender, ...]
    full: str = ""
    ablations: tuple[str, ...] = ()
    table: str = ""
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")
    per_class: bool = False

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and row."""
        return cells(self.contenders, places(choice), choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place, then what the paper prints for other cities."""
        shelf = Shelf(results)
        sections = [self._section(shelf, choice, place) for place in places(choice)]
        figures = self._figures(shelf, choice)
        if figures:
            sections.append(Section("Figures", figures=tuple(figures)))
        return Report(
            self.name,
            self.heading,
            self.question,
            (*sections, *self._elsewhere(choice)),
            (*self.notes, *READING, *shelf.notes),
        )

    def _standings(self, shelf: Shelf, choice: Choice, place: Place) -> dict[str, Standing]:
        whole = next((row for row in self.contenders if row.label == self.full), None)
        full = stand(whole, shelf, choice, place) if whole is not None else None
        found = {
            row.label: stand(row, shelf, choice, place, full) for row in self.contenders if row is not whole
        }
        return {
            row.label: full if full is not None and row is whole else found[row.label]
            for row in self.contenders
        }

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        found = self._standings(shelf, choice, place)
        metrics = metrics_of(list(found.values()), self.metrics)
        paper = Paper(self.table, place.task) if place.split == PAPER_SPLIT else None
        if paper is not None and not paper.numbers(place.city_name):
            paper = None
        tables = [
            self._table(group, found, metrics, paper, place.city_name)
            for group in dict.fromkeys(row.group for row in self.contenders)
        ]
        if self.per_class:
            tables.append(self._classes(found, paper, place.city_name))
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        title = f"{place.city_name} · {place.task} · {place.split}{head}"
        return Section(title, facts_of(list(found.values())), tuple(table for table in tables if table.lines))

    def _table(
        self,
        group: str,
        found: Mapping[str, Standing],
        metrics: Sequence[str],
        paper: Paper | None,
        city: str,
    ) -> Table:
        rows = [(found[row.label], row.published) for row in self.contenders if row.group == group]
        full = None
        if group in self.ablations:
            full = next(
                (found[row.label], row.published) for row in self.contenders if row.label == self.full
            )
            paper = paper if any(name for _, name in rows) else None
            rows = rows if full in rows else [full, *rows]
        return ScoreTable(group, rows, metrics, full, paper, city).build()

    def _classes(self, found: Mapping[str, Standing], paper: Paper | None, city: str) -> Table:
        """Return F1 per class: a line per class, ours in the left columns."""
        scored = [one for one in found.values() if one.scored is not None]
        classes = list(
            dict.fromkeys(
                name for one in scored if one.scored for name in one.scored.scores if name.startswith("f1[")
            )
        )
        printed = [row for row in self.contenders if row.published and paper is not None]
        columns = [Column("class"), *(Column(one.label, number=True) for one in scored)]
        if paper is not None:
            columns += [paper.column(row.published, "f1_macro", city) for row in printed]
            known = [one.metric for one in paper.numbers(city) if one.metric.startswith("f1[")]
            classes = classes or list(dict.fromkeys(known))
        lines = []
        for name in classes:
            ours = [score_entry(one.score(name)) for one in scored]
            theirs = [paper.entry(city, row.published, name) for row in printed] if paper is not None else []
            lines.append(Line("model", (Entry(name[3:-1]), *ours, *theirs)))
        return Table("F1 per class", tuple(columns), tuple(lines))

    def _figures(self, shelf: Shelf, choice: Choice) -> list[Figure]:
        pairs = product(choice.cities, choice.tasks, choice.heads)
        return [figure for words in pairs if (figure := self._figure(shelf, choice, *words)) is not None]

    def _figure(self, shelf: Shelf, choice: Choice, city: str, task: str, head: str) -> Figure | None:
        found = {
            split: self._standings(shelf, choice, Place(city, task, split, head)) for split in choice.splits
        }
        every = [one for standings in found.values() for one in standings.values()]
        if not any(one.scored for one in every):
            return None
        main = metrics_of(every, self.metrics)[0]
        paper, city = Paper(self.table, task), plain_name("city", city)
        printed = [paper.find(city, row.published, main) for row in self.contenders]
        shown = [None if one is None else (one.value, float(one.scaled_std or 0)) for one in printed]
        keep = [
            place
            for place, row in enumerate(self.contenders)
            if shown[place] or any(found[split][row.label].scored for split in found)
        ]
        labels = [self.contenders[place].label for place in keep]
        ours = {split: [found[split][label].score(main) for label in labels] for split in found}
        title = f"{self.title}, {city}, {task}: {metric_title(main)}"
        name = stem(self.name, city, task, head if len(choice.heads) > 1 else "")
        theirs = (f"published (Table {self.table})", [shown[place] for place in keep])
        floors = {split: floor_of(list(standings.values())) for split, standings in found.items()}
        return dot_figure(
            name,
            title,
            metric_title(main),
            labels,
            ours,
            theirs,
            floor={split: row.score(main) for split, row in floors.items() if row is not None},
            one_measure=not metric_info(main).follows_unit,
        )

    def _elsewhere(self, choice: Choice) -> list[Section]:
        """Return the paper's numbers for places that no section of ours stands for."""
        shown = {place.city_name for place in places(choice) if place.split == PAPER_SPLIT}
        tables = [
            paper.alone(city)
            for task in choice.tasks
            if (paper := Paper(self.table, task)).table
            for city in paper.cities()
            if city not in shown
        ]
        fact = "the paper's own numbers, for cities, splits or tasks that stand in no table above"
        return [Section("Published only", (fact,), tuple(tables))] if tables else []
