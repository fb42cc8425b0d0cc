"""From a result back to the order that made it, with today's plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from urbanbench.errors import DataMissing, UnknownName
from urbanbench.model import settings_between
from urbanbench.parity.contract import DEFAULT
from urbanbench.registry import (
    city_word,
    has_scheme,
    is_label,
    is_path,
    load_model,
    names,
    plain_name,
    source_path,
)
from urbanbench.result import Cell, RunResult, RunSpec
from urbanbench.result_folders import city_of
from urbanbench.run.order import Order, resolve
from urbanbench.scoring.split import PREFIX, is_split_file
from urbanbench.scoring.splits import split_name

__all__ = ["Elsewhere", "absent_city", "differing_fields", "order_of"]

_PLACES = {
    "model": "a Python file, or one of vectors",
    "task": "a Python file",
    "city": "a city folder, or a Python file",
}


@dataclass(frozen=True)
class Elsewhere:
    """Where plugins, cities and files of splits lie that results name but no registry knows: name to path.

    Parameters
    ----------
    models, tasks, cities, splits
        Name to path.
    follows
        Whether cities are also looked for where a row says that they lay. A stranger's row may name any folder, so of these nothing is followed.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    cities: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    follows: bool = False

    @classmethod
    def of(
        cls,
        models: Iterable[str],
        tasks: Iterable[str],
        cities: Iterable[str],
        splits: Iterable[Path] = (),
        *,
        follows: bool = False,
    ) -> Elsewhere:
        """Name paths as results name them; words that are no paths stand for themselves. Files of splits are read.

        Raises
        ------
        UnknownName, DataMissing, BadInput
            A name, file or folder that is not here, or a file that holds no splits.
        """
        words = {"model": list(models), "task": list(tasks), "city": list(cities)}
        for kind, word in ((kind, word) for kind, listed in words.items() for word in listed):
            _check_there(kind, word)
        named = {kind: {plain_name(kind, word): word for word in listed} for kind, listed in words.items()}
        files = [f"{PREFIX}{path.expanduser().absolute()}" for path in splits]
        known = {split_name(word): word for word in files}
        return cls(named["model"], named["task"], named["city"], known, follows)

    def beside(self, result: RunResult) -> Elsewhere:
        """Return the same with the cities of a row, where its paths are followed and no other place was named."""
        if not self.follows:
            return self
        told = {getattr(result.cell, kind): city_of(result, kind) for kind in ("city", "train_city")}
        return replace(self, cities={**told, **self.cities})


def _check_there(kind: str, word: str) -> None:
    """Refuse a word that names nothing here; no plugin's code is run for it."""
    if is_path(word):
        if not (source_path(word) or Path(word).expanduser()).exists():
            msg = f"There is nothing at {word!r}, which a {kind} was said to be at. Expected {_PLACES[kind]}. Check the path."
            raise DataMissing(msg)
    elif kind == "city":
        city_word(word)
    elif word.replace("_", "-") not in names(kind) and not (has_scheme(word) or is_label(word)):
        raise UnknownName(kind, word, names(kind), "A plugin of your own is named by its file.")


def order_of(cell: Cell, elsewhere: Elsewhere) -> Order:
    """Return today's order for a result's cell; its own cell differs where parameters or the task's version did.

    Raises
    ------
    UnknownName, BadInput, DataMissing, PluginBroken
        The model, task, preset, parameter, split or head does not exist any more, or lies elsewhere.
    """
    model = elsewhere.models.get(cell.model, cell.model)
    return resolve(
        RunSpec(
            model=model,
            task=elsewhere.tasks.get(cell.task, cell.task),
            city=elsewhere.cities.get(cell.city, cell.city),
            preset=cell.preset,
            settings=_settings(load_model(model), cell),
            inputs="full" if cell.inputs == "given" else cell.inputs,
            model_seed=cell.model_seed,
            name=cell.model if cell.inputs == "given" else "",
            protocol=cell.protocol,
            beside=cell.beside,
            train_city=elsewhere.cities.get(cell.train_city, cell.train_city),
            probe=cell.probe,
            **(_scoring(cell, elsewhere) if cell.protocol == DEFAULT else {}),
        )
    )


def absent_city(cell: Cell, elsewhere: Elsewhere) -> str:
    """Return why a city of a cell cannot be opened here, or ""; a generated city counts as here."""
    for city in filter(None, (cell.city, cell.train_city)):
        try:
            city_word(elsewhere.cities.get(city, city))
        except (UnknownName, DataMissing):
            return f"city {city!r} is not on this machine"
    return ""


def differing_fields(cell: Cell, order: Order) -> list[str]:
    """Return in what a result's cell is not that of today's order: ``["parameter 'dim' is 64, today 128"]``."""
    before, now = cell.to_dict(), order.cell.to_dict()
    olds, news = dict(before.pop("parameters")), dict(now.pop("parameters"))
    found = [
        f"parameter {name!r} is {olds.get(name, 'absent')!r}, today {news.get(name, 'absent')!r}"
        for name in sorted({*olds, *news})
        if olds.get(name) != news.get(name) or (name in olds) != (name in news)
    ]
    fields = [name for name in before if before[name] != now[name]]
    return found + [f"{name.replace('_', ' ')} {before[name]}, now {now[name]}" for name in fields]


def _scoring(cell: Cell, elsewhere: Elsewhere) -> dict[str, Any]:
    split = elsewhere.splits.get(cell.split, cell.split)
    if is_split_file(cell.split) and split == cell.split:
        msg = f"No file of splits is known for {cell.split!r}. Expected the file that the row was scored on. Mend: name it with --splits FILE."
        raise DataMissing(msg)
    return {
        "split": split,
        "head": cell.head,
        "seeds": cell.seeds,
        "block_size_m": cell.block_size_m,
    }


def _settings(model: Any, cell: Cell) -> tuple[tuple[str, str], ...]:
    """Write the parameters that are not the preset's as the words of ``--set``; parameters that are gone are left to the comparison."""
    usual = model.from_settings(cell.preset).parameters()
    return settings_between(usual, {name: value for name, value in cell.parameters.items() if name in usual})
