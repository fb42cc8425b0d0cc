"""Vectors of anybody scored on a task, as a run of the task would score them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.api.cities import ShownCity, load_city
from urbanbench.api.results import Result
from urbanbench.api.spaces import Embedding
from urbanbench.api.words import seed_numbers
from urbanbench.errors import BadInput, RunRefused
from urbanbench.inputs import FULL
from urbanbench.space import EmbeddingSpace

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.city import City
    from urbanbench.result import RunSpec
    from urbanbench.run.order import Order
    from urbanbench.run.workbench import Workbench
    from urbanbench.task import Task

__all__ = ["evaluate"]

_NAME = "my-vectors"


def evaluate(
    space: EmbeddingSpace | pd.DataFrame | Path | str,
    task: str | Path | Task | type[Task],
    *,
    city: str | Path | City | None = None,
    split: str = "random",
    head: str = "mlp",
    seeds: int | Iterable[int] = 10,
    protocol: str = "default",
    block_size_m: float | None = None,
    beside_floor: bool = False,
    name: str = "",
    inputs: str = FULL,
    device: str = "auto",
    out: Path | str | None = None,
) -> Result:
    """Score vectors on a task: the scores are those of `urbanbench.run` for the same model, bit for bit.

    Parameters
    ----------
    space
        What `urbanbench.embed` gave; or vectors of your own: an EmbeddingSpace, a DataFrame with ids in its index, or a file.
    task
        A name, a city's label (``"label:income"``), a path, a task or its class.
    city
        Where vectors of your own are from; those of `urbanbench.embed` know it.
    split, head, seeds, protocol, block_size_m
        As on the command line; `seeds` is a number of split seeds or the seeds themselves.
    beside_floor
        Whether the vectors are scored together with the best floor: what they add to counting.
    name, inputs
        Of vectors of your own: what they are called in tables, and what they were made from, as you know it.
    device
        "auto", "cpu" or "cuda".
    out
        Results folder to keep the result in; a folder of this session when left out.

    Raises
    ------
    RunRefused
        The vectors are not those that a run of the task would make. A task that withholds something, such as land use, takes vectors
        made with ``for_task`` only: others may hold its answer.
    NoScores
        The run was refused or failed; the message says why.
    UnknownName, BadInput, DataMissing
        What is named does not exist, or does not fit.
    """
    from urbanbench.parity.contract import DEFAULT
    from urbanbench.result import BEST_FLOOR

    fields: dict[str, Any] = {
        "protocol": protocol,
        "beside": BEST_FLOOR if beside_floor else "",
        **(
            {"split": split, "head": head, "seeds": seed_numbers(seeds), "block_size_m": block_size_m}
            if protocol == DEFAULT
            else {}
        ),
    }
    if isinstance(space, Embedding) and space.origin is not None:
        _check_city(space, city)
        return _of_model(space, task, fields, device, out)
    if city is None:
        msg = f"Nobody says of which city {type(space).__name__} are vectors. Expected a city. Mend: ub.evaluate(space, task, city='NAME or PATH')"
        raise BadInput(msg)
    with _vectors_file(space) as file:
        return _of_file(
            file,
            load_city(city),
            task,
            fields | {"name": name or _named(file), "inputs": inputs},
            device,
            out,
        )


def _of_model(
    space: Embedding, task: Any, fields: dict[str, Any], device: str, out: Path | str | None
) -> Result:
    made = space.made
    spec = replace(made.spec, task=task, **fields)
    bench = _bench(device)
    bench.lay_out(spec.city, made.city)
    order = _order(spec)
    _check_made_for(space, order, bench)
    bench.lay_out(spec.city, made.city, (made.key.digest, space, made.facts))
    return _executed(order, bench, made.city, out)


def _of_file(
    file: Path, city: ShownCity, task: Any, fields: dict[str, Any], device: str, out: Path | str | None
) -> Result:
    from urbanbench.result import RunSpec

    spec = RunSpec(str(file), **fields | {"task": task, "city": city})
    bench = _bench(device)
    bench.lay_out(spec.city, city)
    return _executed(_order(spec), bench, city, out)


def _bench(device: str) -> Workbench:
    from urbanbench.run.devices import chosen_device
    from urbanbench.run.workbench import Workbench

    return Workbench(chosen_device(device))


def _order(spec: RunSpec) -> Order:
    from urbanbench.run.order import resolve

    return resolve(spec)


def _executed(order: Order, bench: Workbench, city: ShownCity, out: Path | str | None) -> Result:
    """Run, keep and return; a reason is raised where there are no scores."""
    from urbanbench.run.cell import save
    from urbanbench.run.walk import execute
    from urbanbench.store import ResultStore

    made = Result(execute(order, bench=bench), city).checked()
    store = ResultStore(Path(out) if out is not None else _session_folder())
    kept = save(made.raw, store)
    return Result(replace(kept, file=store.path_of(kept.cell)), city)


def _check_city(space: Embedding, city: Any) -> None:
    if city is not None and load_city(city).path.resolve() != space.made.city.path.resolve():
        msg = f"{space!r} is asked about {load_city(city).name!r}. Expected the city it was made of. Mend: leave `city` out, or embed that city."
        raise BadInput(msg)


def _check_made_for(space: Embedding, order: Order, bench: Workbench) -> None:
    """Refuse vectors that a run of the task would not have made.

    Raises
    ------
    RunRefused
        Of other units, with or without what the task withholds, or of data or code that has changed since.
    """
    from urbanbench.run.embedding_here import key_here

    made, card, task = space.made, order.task.card, order.cell.task
    mend = f"Mend: ub.embed({made.spec.model!r}, city, for_task={task!r})"
    if card.level != space.level:
        msg = f"Task {task!r} labels {card.level}s, and these are vectors of {space.level}s. Expected vectors of what is labelled. {mend}"
        raise RunRefused(msg)
    seen = [word for word in card.withholds if word not in made.withholds]
    if seen:
        msg = (
            f"Task {task!r} withholds {', '.join(seen)}, and {made.spec.model!r} had it in view when it made these vectors. "
            f"Expected vectors that cannot hold the answer. {mend}"
        )
        raise RunRefused(msg)
    if key_here(order.spec, bench).digest == made.key.digest:
        return
    if made.withholds != card.withholds:
        msg = (
            f"These vectors were made without {', '.join(made.withholds)}, which task {task!r} lets models see. "
            f"Expected the vectors that a run of the task makes. {mend}"
        )
    else:
        msg = f"The model {made.spec.model!r}, the city or the task's units are not those that these vectors were made from any more. Expected vectors of today. {mend}"
    raise RunRefused(msg)


@contextmanager
def _vectors_file(space: Any) -> Iterator[Path]:
    """Give vectors as a file for as long as they are scored."""
    if isinstance(space, str | Path):
        yield Path(space).expanduser()
        return
    with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder:
        if isinstance(space, EmbeddingSpace):
            file = Path(folder) / f"{_NAME}.safetensors"
            space.save(file)
        else:
            file = Path(folder) / f"{_NAME}.parquet"
            _write_frame(space, file)
        yield file


def _write_frame(frame: Any, file: Path) -> None:
    if not hasattr(frame, "to_parquet"):
        msg = f"The vectors are of type {type(frame).__name__}. Expected what ub.embed gave, an EmbeddingSpace, a DataFrame with ids in its index, or a file."
        raise BadInput(msg)
    import pandas as pd

    counted = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    told = frame if counted else frame.rename_axis(frame.index.name or "id").reset_index()
    told.rename(columns=str).to_parquet(file, index=False)


def _named(file: Path) -> str:
    """Return what vectors are called where nobody says: the file's stem, with a word before one that is a model's name."""
    from urbanbench.registry import names

    plain = file.stem.replace("_", "-")
    return f"my-{plain}" if plain in names("model") else plain


@cache
def _session_folder() -> Path:
    """Return a results folder that lasts as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="urbanbench-results-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
