"""Merges: the same city with its regions as they are, and merged into larger ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from urbanbench.board.columns import heading, metric_title, unit_of
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.comparison import READING
from urbanbench.experiments.kinds.contender import Contender, Place, places
from urbanbench.experiments.kinds.report import Report, Section
from urbanbench.experiments.kinds.score_table import metrics_of, score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.registry import city_folder, open_city, plain_name
from urbanbench.result import RunResult, RunSpec

__all__ = ["Merge", "merged_folder"]


def merged_folder(city: str) -> Path:
    """Return where the merged form of a city is kept; its results are kept under its name, "<city>-merged"."""
    from urbanbench.home import cache_root

    name = plain_name("city", city).replace(":", "-")
    return cache_root() / "cities" / "merged" / f"{name}-merged"


@dataclass(frozen=True, kw_only=True)
class Merge(Experiment):
    """What larger regions cost each model.

    Parameters
    ----------
    contenders
        The rows.
    seed
        Order in which regions are merged.
    metrics
        Metrics of a table without any score.
    error
        Metric of the relative change.
    """

    contenders: tuple[Contender, ...]
    seed: int = 0
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")
    error: str = "rmse"

    def prepare(self, choice: Choice) -> None:
        """Merge the regions of every city, unless the merged folder is there and its city has not changed since."""
        for city in choice.cities:
            _merge(city, merged_folder(city), self.seed)

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return a cell per row and place of the city as it is, and of its merged form."""
        every = [(place, _merged(place)) for place in places(choice)]
        pairs = product(self.contenders, every)
        return [spec for row, pair in pairs for one in pair for spec in row.trainings(choice, one)]

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place: every row on both forms of the city, and the relative change of the error."""
        shelf = Shelf(results)
        sections = tuple(self._section(shelf, choice, place) for place in places(choice))
        return Report(
            self.name,
            f"{self.title} ({self.item})",
            self.question,
            sections,
            (*self.notes, *READING[:2], *shelf.notes),
        )

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        pairs = [
            (stand(row, shelf, choice, place), stand(row, shelf, choice, _merged(place)))
            for row in self.contenders
        ]
        every = [one for pair in pairs for one in pair]
        metrics = metrics_of(every, self.metrics)
        before, after = (_floor_standing([pair[side] for pair in pairs]) for side in (0, 1))
        lines = [self._line("model", one.label, one, other, metrics) for one, other in pairs]
        if before.row is not None or after.row is not None:
            lines.append(self._line("floor", "best floor of each (same inputs)", before, after, metrics))
        title = f"{place.city_name} · {place.task} · {place.split}" + (
            f" · {place.head}" if len(choice.heads) > 1 else ""
        )
        return Section(
            title,
            _facts(every),
            (Table("Regions as they are and merged", self._columns(every, metrics), tuple(lines)),),
        )

    def _columns(self, every: Sequence[Standing], metrics: Sequence[str]) -> tuple[Column, ...]:
        unit = next((str(one.scored.task.get("unit") or "") for one in every if one.scored is not None), "")
        scores = [
            Column(f"{heading(metric)}, {form}", number=True, unit=unit_of(metric, unit))
            for metric in metrics
            for form in ("as is", "merged")
        ]
        change = Column(f"{metric_title(self.error)} merged against as is", number=True)
        return (Column("row"), *scores, change, Column("note", brief=False, prose=True))

    def _line(self, kind: str, label: str, before: Standing, after: Standing, metrics: Sequence[str]) -> Line:
        numbers = [score_entry(one.score(metric)) for metric in metrics for one in (before, after)]
        for place, one in enumerate((before, after)):
            numbers[place] = Entry(one.word) if one.word else numbers[place]
        said = [
            f"{form}: {'; '.join(one.remarks)}"
            for form, one in (("as is", before), ("merged", after))
            if one.remarks
        ]
        kind = "unscored" if before.word and after.word else kind
        return Line(
            kind, (Entry(label), *numbers, self._change(before, after), Entry(" | ".join(said))), tuple(said)
        )

    def _change(self, before: Standing, after: Standing) -> Entry:
        old, new = before.score(self.error), after.score(self.error)
        if not old.finite or not new.finite or not old.mean:
            return Entry()
        change = new.mean / old.mean - 1
        return Entry(f"{100 * change:+.1f} %", value=change)


def _merged(place: Place) -> Place:
    return replace(place, city=str(merged_folder(place.city)))


def _floor_standing(standings: Sequence[Standing]) -> Standing:
    floor = floor_of(standings)
    return Standing(
        "", floor, "" if floor is not None else "none", (floor.name,) if floor is not None else ()
    )


def _facts(every: Sequence[Standing]) -> tuple[str, ...]:
    counts = {str(one.scored.spec["city"]): one.scored.n_units for one in every if one.scored is not None}
    return tuple(f"{city}: {count} units" for city, count in counts.items())


def _merge(city: str, folder: Path, seed: int) -> None:
    """Build the merged folder under a lock; a note beside it says of which state of the city it was made."""
    import shutil

    from filelock import FileLock

    from urbanbench.atomic import write_text
    from urbanbench.city.changing.merge import merge_regions

    state, kept = _state(city, seed, folder.name), folder.with_name(f"{folder.name}.made-of.json")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.is_dir() and kept.is_file() and kept.read_text(encoding="utf-8") == state:
            return
        shutil.rmtree(folder, ignore_errors=True)
        merge_regions(open_city(city), folder, seed=seed, name=folder.name)
        write_text(kept, state)


def _state(city: str, seed: int, name: str) -> str:
    """Describe a city folder's tables by size and time of change; pictures count through the tables that name them."""
    tables = sorted([*city_folder(city).rglob("*.parquet"), *city_folder(city).glob("*.json")])
    sizes = {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in tables}
    return json.dumps({"seed": seed, "name": name, "files": sizes}, indent=1)
