"""Is one model really better? Verdicts as sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.api import pages
from urbanbench.api.choosing import city_names, narrowed
from urbanbench.api.results import Result, Results
from urbanbench.api.words import listed
from urbanbench.errors import BadInput, UrbanbenchError
from urbanbench.result import OK, RunResult

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.judging.choosing import Chosen
    from urbanbench.judging.tournament import Tournament

__all__ = ["Comparison", "compare", "places_of"]

Names = str | Sequence[str]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What is to be said of two models or more.

    Parameters
    ----------
    made
        Everything that was found: `urbanbench.judging.tournament.Tournament`.
    """

    made: Tournament

    @property
    def words(self) -> list[str]:
        """A sentence for every question and every two models."""
        from urbanbench.judging.words import statement

        names = self.made.names
        return [
            statement(one, names[i], names[j], self.made.family)
            for (i, j), found in self.made.matches.items()
            for one in found
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One question and two models a row.

        Columns: question; first, second; metric; first_score, second_score; difference, low, high (95 %), positive where the first is better;
        p, and p_holm over all rows; separable; splits; test.
        """
        import pandas as pd

        names = self.made.names
        rows = [
            {
                "question": one.pair.place,
                "first": names[i],
                "second": names[j],
                "metric": one.metric,
                "first_score": one.scores[0],
                "second_score": one.scores[1],
                "difference": one.verdict.mean,
                "low": one.verdict.low,
                "high": one.verdict.high,
                "p": one.verdict.p,
                "p_holm": one.adjusted_p,
                "separable": one.separable,
                "splits": len(one.differences),
                "test": one.verdict.method,
            }
            for (i, j), found in self.made.matches.items()
            for one in found
        ]
        return pd.DataFrame(rows)

    @property
    def ranks(self) -> pd.DataFrame:
        """Of three models and more their average rank over the tasks that all answer, and the ranks each may really have; empty otherwise."""
        import pandas as pd

        columns = ["model", "average_rank", "best_rank", "worst_rank"]
        standings = self.made.standings
        if standings is None:
            return pd.DataFrame(columns=columns)
        rows = [
            (name, float(rank), *map(int, span))
            for name, rank, span in zip(self.made.names, standings.average, standings.intervals, strict=True)
        ]
        return pd.DataFrame(rows, columns=columns).sort_values(
            "average_rank", kind="stable", ignore_index=True
        )

    def __repr__(self) -> str:
        return "\n".join(self.words)

    def _repr_html_(self) -> str:
        ranks = self.ranks
        shown = self.table.drop(columns=["splits", "test"]).round(4)
        parts = [pages.table(ranks.round(2))] if len(ranks) else [pages.paragraph(one) for one in self.words]
        return "".join([*parts, pages.table(shown)])


def compare(
    sides: Sequence[Any],
    *,
    results: Path | str | Results | Sequence[Path | str] | None = None,
    cities: Names = (),
    tasks: Names = (),
    splits: Names = (),
    heads: Names = (),
    protocols: Names = (),
    metric: str = "",
    rope: float | None = None,
    draws: int = 0,
) -> Comparison:
    """Judge models by the splits they share, with what splits and neighbours have in common counted in.

    Parameters
    ----------
    sides
        Two or more: results of `urbanbench.evaluate` or `urbanbench.run`, or words as ``urbanbench compare`` takes them: a model's name,
        with parameters where a name has several rows, a run id, a result file. Given `Results` alone, every model among them is a side.
    results
        Where words are looked up: a folder or several, or results at hand; the reference rows and the runs of one's own when left out.
    cities, tasks, splits, heads, protocols
        Only these, names and globs.
    metric
        What is compared; the main metric of each task when left out.
    rope
        Differences up to this are practically none; see ``urbanbench compare --help``.
    draws
        Block bootstrap draws, as a second opinion from predictions.

    Raises
    ------
    BadInput
        Fewer than two sides, or two that answer no question both.
    NoScores
        A result that was refused or failed.
    UnknownName, DataMissing
        No such result.
    """
    from urbanbench.judging.tournament import tournament

    if isinstance(sides, Results) and results is None:
        results, sides = sides, list(dict.fromkeys(one.raw.cell.model for one in sides.finished))
    asked = listed(sides)
    if len(asked) < 2:
        msg = f"compare got {len(asked)} side. Expected two or more. Mend: ub.compare(['hgi', 'cityfm'], tasks='popdensity')"
        raise BadInput(msg)
    wanted = {
        "city": city_names(listed(cities)),
        "task": listed(tasks),
        "split": listed(splits),
        "head": listed(heads),
        "protocol": listed(protocols),
    }
    found = [narrowed(side, wanted) for side in _sides(asked, results)]
    return Comparison(tournament(found, places_of, metric=metric, rope=rope, draws=draws))


def _sides(asked: Sequence[Any], results: Any) -> list[Chosen]:
    """Return the rows of each side; results of one name are told apart by their head, or numbered."""
    from urbanbench.judging.choosing import Chosen, choose

    kept: list[RunResult] | None = None
    found = []
    for one in asked:
        if isinstance(one, Result):
            raw = one.checked().raw
            found.append(Chosen(raw.cell.model, (raw,)))
        elif isinstance(one, str | Path):
            if kept is None and not str(one).endswith(".json"):
                kept = _kept(results)
            found.append(choose(str(one), kept or []))
        else:
            msg = f"A side of a comparison is of type {type(one).__name__}. Expected a result of ub.evaluate or ub.run, a model's name, a run id or a result file."
            raise BadInput(msg)
    return _told_apart(found)


def _told_apart(sides: Sequence[Chosen]) -> list[Chosen]:
    from urbanbench.judging.choosing import Chosen

    def names(tell: Any) -> list[str]:
        return [tell(number, side) for number, side in enumerate(sides, 1)]

    ways = (
        lambda _, side: side.name,
        lambda _, side: f"{side.name} ({side.rows[0].cell.head})",
        lambda _, side: f"{side.name} ({side.rows[0].cell.inputs})",
        lambda number, side: f"{side.name} ({number})",
    )
    chosen = next(made for way in ways if len(set(made := names(way))) == len(sides))
    return [Chosen(name, side.rows) for name, side in zip(chosen, sides, strict=True)]


def _kept(results: Any) -> list[RunResult]:
    from urbanbench.result_folders import load_results, some_results

    if isinstance(results, Results):
        return [one.raw for one in results if one.status == OK]
    if results is None:
        return some_results()
    folders = [Path(folder) for folder in listed(results)]
    found = [one for folder in folders for one in load_results(folder)]
    return found or some_results(folders[0])


def places_of(row: RunResult) -> Mapping[str, tuple[float, float]] | None:
    """Return where the units of a row lie, (easting, northing) in metres; None where its city cannot be opened here."""
    from urbanbench.registry import load_task, open_city
    from urbanbench.result_folders import city_of
    from urbanbench.retrieval_task import RetrievalTask, query_places
    from urbanbench.task import unit_positions

    try:
        city = open_city(city_of(row))
        level = str(row.task["level"])
        if level == "item":
            task = load_task(row.cell.task)
            return query_places(task.targets(city), city) if isinstance(task, RetrievalTask) else None
        ids = getattr(city, f"{level}s").index
    except UrbanbenchError:
        return None
    found = unit_positions(city, level, ids)
    return dict(zip(ids.astype(str).tolist(), map(tuple, found.tolist()), strict=True))
