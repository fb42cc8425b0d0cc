"""Transfers: what of a row carries from the city it learned in to another, vectors alone and with the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from urbanbench.board.columns import metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.leading import leading
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import Panel, Trace, line_figure, stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, chosen_rows, places
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import facts_of, score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, stand
from urbanbench.registry import plain_name
from urbanbench.result import RunResult, RunSpec

__all__ = ["Transfers"]

OWN_HEAD, NATIVE = "own head", "native"

READING = (
    "zero-shot: the head is fitted on all labels of the train city and tested on all units of the scored one. 10 shots: ten units of the scored city, drawn by each seed, join them; all others are tested.",
    f"{OWN_HEAD}: vectors learned in the train city, head and splits of the scored one. {NATIVE}: learned and read where it is scored. These two have the same test units, seed by seed.",
    "Scores are mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds. Without labels of the scored city, and with shots, seeds test nearly the same units, so \N{PLUS-MINUS SIGN} is the spread of heads and shots, and nothing is bold.",
    "refused: the row cannot be carried to another city, and says why.",
)


@dataclass(frozen=True, kw_only=True)
class Transfers(Experiment):
    """A table and a figure for each train city and scored city.

    Parameters
    ----------
    contenders
        The models when none are chosen.
    references
        Floors and frozen rows below them.
    origins
        Scored city, by its name, to the cities that are learned in; "" for all other cities.
    shots
        Units of the scored city that join the train city's labels.
    """

    contenders: tuple[Contender, ...]
    references: tuple[Contender, ...] = ()
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shots: tuple[int, ...] = (0, 10, 100)
    any_model: bool = True
    floors: bool = False

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return the cells of every row in every column, native ones included, each once."""
        where = [one for home, origin in self._pairs(choice) for one in self._columns(home, origin).values()]
        return list(dict.fromkeys(cells(self._rows(choice), where, choice)))

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per train city and place."""
        shelf = Shelf(results)
        sections = [self._section(shelf, choice, *pair) for pair in self._pairs(choice)]
        told = (*self.notes, *READING, *shelf.notes)
        return Report(self.name, self.title, self.question, tuple(sections), told)

    def _rows(self, choice: Choice) -> list[Contender]:
        rows = chosen_rows(choice, self.contenders)
        named = {row.model for row in rows}
        return [*rows, *(row for row in self.references if row.model not in named)]

    def _pairs(self, choice: Choice) -> list[tuple[Place, str]]:
        """Return every place with each city that is learned in for it."""
        return [(home, origin) for home in places(choice) for origin in self._origins(home.city)]

    def _origins(self, city: str) -> tuple[str, ...]:
        name = plain_name("city", city)
        return self.origins.get(name, tuple(one for one in self.origins.get("", ()) if one != name))

    def _columns(self, home: Place, origin: str) -> dict[str, Place]:
        """Return the columns of a table: what is carried, from all to nothing."""
        carried = replace(home, train_city=origin)
        shots = {_shots_title(count): replace(carried, split=_shots_split(count)) for count in self.shots}
        return {**shots, OWN_HEAD: carried, NATIVE: home}

    def _section(self, shelf: Shelf, choice: Choice, home: Place, origin: str) -> Section:
        columns = self._columns(home, origin)
        rows = self._rows(choice)
        found = [
            {title: stand(row, shelf, choice, place) for title, place in columns.items()} for row in rows
        ]
        origin_name = plain_name("city", origin)
        head = f" \N{MIDDLE DOT} {home.head}" if len(choice.heads) > 1 else ""
        title = (
            f"{origin_name} to {home.city_name} \N{MIDDLE DOT} {home.task} \N{MIDDLE DOT} {home.split}{head}"
        )
        scored = [one for standings in found for one in standings.values() if one.scored is not None]
        if not scored or scored[0].scored is None:
            return Section(title, warnings=("No row has been run.",))
        metric = scored[0].scored.main_metric
        name = stem(self.name, origin_name, home.city_name, home.task, home.split, home.head)
        natives = [standings[NATIVE] for standings in found if standings[NATIVE].scored is not None]
        figures = (_figure(name, title, list(columns), found, metric),)
        return Section(title, facts_of(natives or scored), (_table(columns, found, metric),), figures)


def _shots_title(count: int) -> str:
    return f"{count} shots" if count else "zero-shot"


def _shots_split(count: int) -> str:
    return f"city-out+{count}" if count else "city-out"


def _table(columns: Mapping[str, Place], found: Sequence[Mapping[str, Standing]], metric: str) -> Table:
    """Return a row per contender; bold in a column is what chance does not separate from its best, where that can be told."""
    marks = {
        title: leading([one[title].scored for one in found if one[title].scored is not None], metric)  # type: ignore[misc]
        for title in columns
    }
    lines = [_line(standings, marks, metric) for standings in found]
    heads = [Column(f"{metric_title(metric)}, {title}", number=True) for title in columns]
    return Table(
        "What carries over", (Column("row"), *heads, Column("note", brief=False, prose=True)), tuple(lines)
    )


def _line(standings: Mapping[str, Standing], marks: Mapping[str, Mapping[str, str]], metric: str) -> Line:
    entries = []
    for title, one in standings.items():
        made = score_entry(one.score(metric))
        mark = marks[title].get(one.scored.run_id, "") if one.scored is not None else ""
        entries.append(Entry(one.word) if one.word else Entry(made.text, mark, value=made.value))
    scored = [one.scored for one in standings.values() if one.scored is not None]
    said = list(dict.fromkeys(word for one in standings.values() if one.word for word in one.remarks))
    kind = "unscored" if not scored else "floor" if scored[0].floor else "model"
    label = next(iter(standings.values())).label
    return Line(kind, (Entry(label), *entries, Entry("; ".join(said))), tuple(said))


def _figure(
    name: str, title: str, columns: Sequence[str], found: Sequence[Mapping[str, Standing]], metric: str
) -> Figure:
    """Return every row's score from everything carried to nothing."""
    traces = []
    for standings in found:
        label = next(iter(standings.values())).label
        scores = [(at, standings[column].score(metric)) for at, column in enumerate(columns)]
        known = [(at, score.mean) for at, score in scores if score.finite]
        if known:
            traces.append(Trace(label, [at for at, _ in known], [mean for _, mean in known], []))
    panel = Panel("what carries over", "", metric_title(metric), traces, names=columns)
    return replace(line_figure(name, title, (panel,), columns=1), size=(8.0, 4.6))
