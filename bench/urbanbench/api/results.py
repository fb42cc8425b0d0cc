"""Results in a notebook: scores, predictions and residuals as tables, and the reason where there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

from urbanbench.api import pages
from urbanbench.api.cities import ShownCity, load_city
from urbanbench.api.pictures import Picture
from urbanbench.counted import counted
from urbanbench.errors import BadInput, NoScores
from urbanbench.result import OK, RunResult

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanbench.residuals.findings import Findings

__all__ = ["Result", "Results", "direction", "load_results"]

_CELL = ("city", "task", "split", "inputs", "model", "preset", "head", "model_seed")
"""What names a row; the protocol of a paper stands in the place of the split."""
_QUESTION = ("city", "task", "split", "inputs")
"""What rows have in common that answer the same."""


class Result:
    """What one run answered.

    Parameters
    ----------
    raw
        The result as it is kept: `urbanbench.result.RunResult`, with its cost, training, versions and provenance.
    city
        The city, where it is open already.
    """

    def __init__(self, raw: RunResult, city: ShownCity | None = None) -> None:
        self.raw, self._city = raw, city

    @property
    def status(self) -> str:
        """Say "ok", "refused" or "failed"."""
        return self.raw.status

    @property
    def reason(self) -> str:
        """Why a run was refused or failed; "" of a finished one."""
        return self.raw.reason

    @property
    def name(self) -> str:
        """What was asked, in a line."""
        return str(self.raw.cell)

    @property
    def main_metric(self) -> str:
        """The metric by which models are ranked.

        Raises
        ------
        NoScores
            The run was refused or failed.
        """
        self.checked()
        return str(self.raw.evaluation["main_metric"])

    @property
    def scores(self) -> pd.DataFrame:
        """Test scores: a row for each seed and a column for each metric, the main one first.

        Raises
        ------
        NoScores
            The run was refused or failed; the message says why.
        """
        import pandas as pd

        self.checked()
        frame = pd.DataFrame(dict(self.raw.scores), index=pd.Index(self.raw.cell.seeds, name="seed"))
        rest = [name for name in frame.columns if name != self.main_metric]
        return frame[[self.main_metric, *rest]]

    @property
    def summary(self) -> pd.DataFrame:
        """Mean and sample standard deviation over seeds of each metric, and the number of seeds that have it.

        Raises
        ------
        NoScores
            The run was refused or failed.
        """
        return self.scores.agg(["mean", "std", "count"]).T.rename(columns={"std": "sd", "count": "seeds"})

    @property
    def predictions(self) -> pd.DataFrame:
        """What was predicted of each test unit of each seed: seed, unit_id, covered, true, predicted; of shares a column for each class.

        Raises
        ------
        NoScores
            The run was refused or failed.
        DataMissing
            They do not lie beside the result; the message has the command that makes them.
        """
        from urbanbench.errors import DataMissing
        from urbanbench.store import ResultStore

        self.checked()
        if self.raw.file is None:
            msg = f"The result {self.name} has no file, and so no predictions beside it. Expected one of ub.run or ub.evaluate."
            raise DataMissing(msg)
        return ResultStore.read_predictions(self.raw.file.absolute(), self.raw.cell)

    @property
    def city(self) -> ShownCity:
        """The city that was scored."""
        from urbanbench.result_folders import city_of

        if self._city is None:
            self._city = load_city(city_of(self.raw))
        return self._city

    def residuals(self) -> gpd.GeoDataFrame:
        """Errors of the units that were tested, in EPSG:4326; see `urbanbench.residuals.table.residual_table` for the columns.

        Raises
        ------
        NoScores, DataMissing
            There are no scores, no predictions, or no such city.
        BadInput
            A retrieval, or a probe of positions: they have no error of a value.
        """
        from urbanbench.residuals.table import residual_table

        return residual_table(self._findings(), self.predictions, self.city.crs)

    def map(self) -> Picture:
        """Draw the mean error of each unit, with errors by density and the worst districts or classes.

        Raises
        ------
        NoScores, DataMissing, BadInput
            As `residuals`.
        """
        from urbanbench.residuals.picture import draw_residuals

        found, city = self._findings(), self.city
        return Picture(f"Residuals of {self.name}", partial(draw_residuals, found, city))

    def checked(self) -> Self:
        """Return the result where it has scores.

        Raises
        ------
        NoScores
            The run was refused or failed; the message says why.
        """
        if self.status != OK:
            raise NoScores(self.name, self.status, self.reason)
        return self

    def save(self, folder: Path | str) -> Path:
        """Write the result and its predictions into a results folder, and return the path of its file."""
        from urbanbench.store import ResultStore

        columns = (
            {str(name): values.to_numpy() for name, values in self.predictions.items()}
            if self.status == OK
            else None
        )
        store = ResultStore(Path(folder))
        path = store.save(replace(self.raw, predictions=columns))
        self.raw = replace(self.raw, file=path)
        return path

    def main_score(self) -> tuple[float, float]:
        """Return mean and sample standard deviation of the main metric over the seeds that have it."""
        numbers = self.scores[self.main_metric]
        return float(numbers.mean()), float(numbers.std())

    def _findings(self) -> Findings:
        from urbanbench.residuals.findings import find
        from urbanbench.residuals.mapped import check_mapped

        check_mapped(self.checked().raw)
        return find(self.raw, self.predictions, self.city)

    def __repr__(self) -> str:
        if self.status != OK:
            return f"Result({self.name}: {self.status}: {self.reason})"
        return f"Result({self.name}: {self.main_metric} {pages.spread(*self.main_score())})"

    def _repr_html_(self) -> str:
        if self.status != OK:
            return pages.heading(f"{self.name}: {self.status}") + pages.paragraph(self.reason)
        raw, summary = self.raw, self.summary.round(3)
        about = [
            f"{raw.evaluation[name]} {word}" for name, word in _SIZES.items() if raw.evaluation.get(name)
        ]
        told = {
            "task": f"{raw.task.get('title')} ({raw.task.get('unit') or raw.task.get('kind')})",
            "units": ", ".join(about),
            "inputs used": ", ".join(raw.model.get("inputs_touched") or ()),
            "withheld": ", ".join(raw.task.get("withholds") or ()),
        }
        return pages.heading(self.name) + pages.facts(told) + pages.table(summary, index=True)


_SIZES = {"n_train": "train", "n_val": "choose", "n_test": "test", "n_uncovered": "without data"}


class Results(Sequence[Result]):
    """Results of several runs.

    Parameters
    ----------
    results
        The runs, in the order asked for.
    notes
        What was said before anything ran: rungs that are impossible, inputs that hold the answer.
    """

    def __init__(self, results: Iterable[Result], notes: Sequence[str] = ()) -> None:
        self._all, self.notes = tuple(results), tuple(notes)

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, place: int) -> Result: ...

    @overload
    def __getitem__(self, place: slice) -> Results: ...

    def __getitem__(self, place: int | slice) -> Result | Results:
        return Results(self._all[place], self.notes) if isinstance(place, slice) else self._all[place]

    def __iter__(self) -> Iterator[Result]:
        return iter(self._all)

    def where(self, **names: Any) -> Results:
        """Return the runs whose cells have these names, for example ``where(model="hgi", split="block")``.

        Raises
        ------
        BadInput
            A cell has no such field.
        """
        known = (
            set(self._all[0].raw.cell.to_dict()) | {"beside", "probe", "train_city"}
            if self._all
            else set(names)
        )
        if strange := sorted(names.keys() - known):
            msg = f"Runs have no field {strange[0]!r}. Expected one of: {', '.join(sorted(known))}."
            raise BadInput(msg)
        return self._kept(
            lambda one: all(getattr(one.raw.cell, name) == value for name, value in names.items())
        )

    @property
    def finished(self) -> Results:
        """Those that have scores."""
        return self._kept(lambda one: one.status == OK)

    @property
    def without_scores(self) -> Results:
        """Those that were refused or failed."""
        return self._kept(lambda one: one.status != OK)

    def _kept(self, keeps: Callable[[Result], bool]) -> Results:
        return Results(filter(keeps, self._all), self.notes)

    @property
    def scores(self) -> pd.DataFrame:
        """Every score of every run, one a row: city, task, split, inputs, model, preset, head, model_seed, seed, metric, score."""
        import pandas as pd

        rows = [
            {**_cell(one), "seed": seed, "metric": metric, "score": score}
            for one in self.finished
            for metric, numbers in one.raw.scores.items()
            for seed, score in zip(one.raw.cell.seeds, numbers, strict=True)
        ]
        return pd.DataFrame(rows, columns=[*_CELL, "seed", "metric", "score"])

    @property
    def table(self) -> pd.DataFrame:
        """One run a row: its cell, its main metric with mean and sample standard deviation over seeds, status and reason.

        Within a city, task, split and inputs the best mean stands first. What that is worth `urbanbench.compare` says.
        """
        import pandas as pd

        columns = [*_CELL, "metric", "mean", "sd", "status", "reason"]
        frame = pd.DataFrame([_line(one) for one in self._all], columns=columns)
        return _ranked(frame)

    def __repr__(self) -> str:
        lines = [f"Results of {counted(len(self), 'run')}:", *(f"  {one!r}" for one in self._all)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        frame = self.table
        frame["score"] = [
            pages.spread(*pair) for pair in zip(frame.pop("mean"), frame.pop("sd"), strict=True)
        ]
        told = ["model_seed", "preset", "reason"]
        frame = frame.drop(columns=[name for name in told if not frame[name].any()])
        return pages.table(frame) + "".join(pages.paragraph(one) for one in self.notes)


def _cell(one: Result) -> dict[str, Any]:
    return {name: getattr(one.raw.cell, name) for name in _CELL} | {"head": one.raw.cell.reader}


def _line(one: Result) -> dict[str, Any]:
    metric = one.main_metric if one.status == OK else ""
    mean, deviation = one.main_score() if metric else (float("nan"), float("nan"))
    return {
        **_cell(one),
        "metric": metric,
        "mean": mean,
        "sd": deviation,
        "status": one.status,
        "reason": one.reason,
    }


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of a question together, the best mean first."""
    better = [direction(name) for name in frame["metric"]]
    up = [True] * len(_QUESTION)
    order = frame.assign(worth=frame["mean"] * better).sort_values(
        [*_QUESTION, "worth"], ascending=[*up, False], kind="stable"
    )
    return order.drop(columns="worth").reset_index(drop=True)


def direction(metric: str) -> int:
    """Return -1 for a metric of which less is better, else 1, also for one that is not known here."""
    from urbanbench.scoring.metrics import METRICS

    known = METRICS.get(metric)
    return 1 if known is None or known.higher_is_better else -1


def load_results(results: Path | str | None = None) -> Results:
    """Read a results folder, or one result's file; without one the reference rows and the runs of one's own.

    Raises
    ------
    DataMissing
        There is none, or a file cannot be read.
    """
    from urbanbench import result_folders
    from urbanbench.store import ResultStore

    path = Path(results) if results is not None else None
    if path is not None and path.suffix == ".json":
        return Results([Result(ResultStore.read(path))])
    return Results(map(Result, result_folders.load_results(path)))
