"""Runs from a notebook: every combination of what is asked, kept in a results folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.api.planning import cells, planned
from urbanbench.api.results import Result, Results
from urbanbench.api.words import listed, seed_numbers, settings_words
from urbanbench.errors import BadInput
from urbanbench.inputs import FULL
from urbanbench.spare_cache import usable_cache

if TYPE_CHECKING:
    from urbanbench.run.executors import Executor
    from urbanbench.run.plan import Plan

__all__ = ["run"]


@usable_cache()
def run(
    models: Any,
    tasks: Any,
    cities: Any = "toyville",
    *,
    inputs: str | Sequence[str] = FULL,
    splits: str | Sequence[str] = "random",
    heads: str | Sequence[str] = "mlp",
    seeds: int | Iterable[int] = 10,
    protocols: str | Sequence[str] = "default",
    preset: str = "",
    settings: Mapping[str, Any] | None = None,
    model_seeds: int | Iterable[int] = 1,
    block_size_m: float | None = None,
    train_city: Any = "",
    adds: bool = False,
    probes: str | Sequence[str] = (),
    floors: bool = True,
    device: str = "auto",
    jobs: int = 1,
    executor: str | Executor = "local",
    out: Path | str | None = None,
    overwrite: str = "only-missing",
    progress: Callable[[Result, bool], None] | None = None,
) -> Results:
    """Score models on tasks of cities: every combination, as ``urbanbench run`` does; finished cells are kept and not computed twice.

    Parameters
    ----------
    models, tasks, cities
        One or several: names, paths, comma lists, globs and group words (``"floors"``), or objects: models, their classes, tasks, opened
        cities. A plugin file runs in a process of its own; a class of this session in this one, and anew each time.
    inputs
        What models may see; a list are several sets, each "full" or names joined by commas.
    splits, heads, protocols, probes
        Words, as on the command line.
    seeds, model_seeds
        A number of them, or the seeds themselves: of the splits, and of the models' own training.
    preset, settings
        Of models that are named; a model object has its own.
    block_size_m, train_city, adds
        As ``--block-size``, ``--train-city`` and ``--adds``.
    floors
        Whether the floors that fit run beside the models.
    device, jobs
        "auto", "cpu" or "cuda"; the number of processes.
    executor
        Where cells are done: "local", "ray" (a cluster on this machine, or the one this process is connected to), "slurm", or an object
        such as ``OnRay("auto", Needs(gpus=0.5))`` of `urbanbench.run.executors`; with an object, ``device="auto"`` means the CPU.
    out
        Results folder; ``runs`` in the working folder when left out.
    overwrite
        "only-missing", "never" or "always".
    progress
        Called after each cell with its result and whether it was computed now.

    Returns
    -------
    Results
        One for each cell; refused and failed ones are among them, with their reasons.

    Raises
    ------
    UnknownName, BadInput, DataMissing, PluginBroken
        What is named does not exist; nothing has been run then.
    """
    from urbanbench.apart import plugins_apart
    from urbanbench.result_folders import RUNS
    from urbanbench.run.loop import run as run_cells
    from urbanbench.store import ResultStore

    where, does = _place(executor, jobs, device)
    store = ResultStore(Path(out) if out is not None else RUNS)
    store.check_writable()
    scoring = {
        "seeds": seed_numbers(seeds),
        "model_seeds": seed_numbers(model_seeds),
        "block_size_m": block_size_m,
        "beside": adds,
    }
    words = {"inputs": listed(inputs), **_words(splits, protocols, probes)}
    with plugins_apart():
        plans = _plans(models, tasks, cities, listed(heads), preset, settings, train_city, **scoring, **words)
        specs, notes = cells(plans, floors=floors)
        told = None if progress is None else lambda one, new: progress(Result(one), new)
        found = run_cells(specs, store, overwrite=overwrite, device=where, executor=does, progress=told)
    return Results((Result(replace(one, file=store.path_of(one.cell))) for one in found), notes)


def _place(executor: str | Executor, jobs: int, device: str) -> tuple[str, Executor]:
    """Return the device and the executor that are meant."""
    from urbanbench.run.executors.choosing import Place

    if not isinstance(executor, str):
        return ("cpu" if device == "auto" else device), executor
    place = Place(executor, jobs)
    return place.device(device), place.chosen()


def _words(splits: Any, protocols: Any, probes: Any) -> dict[str, Any]:
    from urbanbench.parity.contract import DEFAULT
    from urbanbench.parity.papers import PAPERS
    from urbanbench.registry import expand_splits, expand_words
    from urbanbench.scoring.probes.catalogue import PROBES

    return {
        "splits": expand_splits(listed(splits)),
        "protocols": expand_words("protocol", listed(protocols), [DEFAULT, *PAPERS]),
        "probes": expand_words("probe", listed(probes), list(PROBES)) if probes else (),
    }


def _plans(
    models: Any,
    tasks: Any,
    cities: Any,
    heads: Sequence[str],
    preset: str,
    settings: Mapping[str, Any] | None,
    train_city: Any,
    **more: Any,
) -> Iterator[Plan]:
    """Make a plan for the models that are named, and one for each object with parameters of its own."""
    from urbanbench.registry.objects import city_word_for, task_word

    asked = [task_word(one) for one in listed(tasks)], [city_word_for(one) for one in listed(cities)]
    more["train_city"] = city_word_for(train_city) if train_city else ""
    for (own_preset, own_settings), words in _by_parameters(listed(models)).items():
        chosen = dict(own_settings) | dict(settings_words(settings))
        yield planned(
            words, *asked, heads, preset=preset or own_preset, settings=tuple(sorted(chosen.items())), **more
        )


def _by_parameters(models: Sequence[Any]) -> dict[tuple[str, Any], list[str]]:
    """Group models by preset and parameters, in the order given.

    Raises
    ------
    BadInput
        No model, or two classes of this session with one name.
    """
    from urbanbench.registry.live import is_live
    from urbanbench.registry.objects import model_words

    if not models:
        msg = "No model given. Expected a name, a path, a model or its class; see `urbanbench list models`."
        raise BadInput(msg)
    found: dict[tuple[str, Any], list[str]] = {}
    classes: dict[str, Any] = {}
    for model in models:
        word, preset, settings = model_words(model)
        kind = model if isinstance(model, type) else type(model)
        if is_live(word) and classes.setdefault(word, kind) is not kind:
            msg = f"Two classes of this session are called {kind.__name__!r}. Expected names that differ. Rename one of them."
            raise BadInput(msg)
        found.setdefault((preset, settings), []).append(word)
    return found
