"""Run an embedder: seeded, quiet, without files, its training losses recorded."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import random
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.models._srai.library import require_lightning
from urbanbench.models._srai.parameters import takes
from urbanbench.seeds import integer_seed
from urbanbench.toolkit.kept.weight_counts import trains_weights
from urbanbench.toolkit.training.repeatable import seeded_torch
from urbanbench.toolkit.training.stage_log import EPOCHS, StageLog, record

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.models._srai.frames import Frames

__all__ = ["region_vectors"]

_LOGGERS = ("pytorch_lightning", "lightning_fabric", "lightning.fabric", "lightning.pytorch")


def region_vectors(
    embedder: type,
    frames: Frames,
    settings: Mapping[str, Mapping[str, Any]],
    *,
    seed: int,
    device: str,
    chance: float | None,
) -> np.ndarray:
    """Build an embedder, fit it where it can be fitted, and return vectors of all regions.

    Parameters
    ----------
    embedder
        Its class.
    frames
        What it sees.
    settings
        Keyword arguments for "__init__", "fit", "trainer" and "dataloader".
    seed, device
        Of the run.
    chance
        Training loss of vectors that tell nothing, for the record; None where nobody knows.

    Returns
    -------
    numpy.ndarray
        float32 (n, dim) in the order of the regions; zeros for those the embedder leaves out.

    Raises
    ------
    BadInput
        The embedder gave no table of finite numbers with one row a region.
    ExtraMissing
        It trains with pytorch-lightning, which is not installed.
    """
    with _seeded(seed, embedder.__name__, device), _quiet():
        made = _ordered(embedder)(**settings["__init__"], **_neighbourhood(embedder, "__init__", frames))
        seen = (frames.regions, frames.features, frames.joint)
        if hasattr(made, "fit"):
            _fit(made, seen, settings, _neighbourhood(embedder, "fit", frames), device, chance)
        table = made.transform(*seen)
    return _matrix(table, len(frames.regions), embedder.__name__)


def _fit(
    made: Any,
    seen: tuple[Any, ...],
    settings: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    device: str,
    chance: float | None,
) -> None:
    name, start = type(made).__name__, time.perf_counter()
    log = StageLog(name, 0, 0, own_chance=chance, own_held_out_chance=chance)
    arguments = {**settings["fit"], **given}
    if takes(type(made), "fit", "trainer_kwargs"):
        require_lightning(name)
        arguments["trainer_kwargs"] = {**settings["trainer"], **_trainer(device, log)}
    if takes(type(made), "fit", "dataloader_kwargs"):
        arguments["dataloader_kwargs"] = dict(settings["dataloader"])
    made.fit(*seen, **arguments)
    log.seconds = time.perf_counter() - start
    log.best_step = log.planned_steps = len(log.steps)
    log.ended = EPOCHS
    record(log)


def _ordered(embedder: type) -> type:
    """Return an embedder whose counts come in the order of the regions, columns sorted.

    srai counts with polars, whose threads hand rows over in any order; training on rows in another order gives other vectors. The
    class that mends this stands between the embedder and srai's CountEmbedder, so that the embedder's own calls find it.
    """
    counts = importlib.import_module("srai.embedders").CountEmbedder
    if not issubclass(embedder, counts):
        return embedder

    def transform(self: Any, regions_gdf: Any, features_gdf: Any, joint_gdf: Any) -> Any:
        table = counts.transform(self, regions_gdf, features_gdf, joint_gdf).reindex(regions_gdf.index)
        return table if self.expected_output_features is not None else table[sorted(table.columns)]

    ordered = type("OrderedCounts", (counts,), {"transform": transform})
    return ordered if embedder is counts else type(embedder.__name__, (embedder, ordered), {})


def _neighbourhood(embedder: type, method: str, frames: Frames) -> dict[str, Any]:
    """Give the neighbourhood to a method that asks for one: regions are neighbours where their polygons touch."""
    if not takes(embedder, method, "neighbourhood"):
        return {}
    from srai.neighbourhoods import AdjacencyNeighbourhood

    return {"neighbourhood": AdjacencyNeighbourhood(frames.regions)}


def _trainer(device: str, log: StageLog) -> dict[str, Any]:
    """Return settings of lightning's Trainer: this device, no files, no bars, every loss into the log."""
    from pytorch_lightning.callbacks import LambdaCallback

    def keep(_trainer: Any, module: Any, outputs: Any, *_batch: Any) -> None:
        if not log.steps:
            trains_weights(module.parameters())
        log.steps.append(float(outputs["loss"] if isinstance(outputs, Mapping) else outputs))

    kind, _, number = device.partition(":")
    return {
        "accelerator": "gpu" if kind == "cuda" else "cpu",
        "devices": [int(number)] if kind == "cuda" and number else 1,
        "callbacks": [LambdaCallback(on_train_batch_end=keep)],
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }


@contextlib.contextmanager
def _seeded(seed: int, name: str, device: str) -> Iterator[None]:
    """Seed torch's, NumPy's and Python's own random state, which srai draws from, and put the old states back after the block."""
    drawn, python = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        with seeded_torch(seed, "srai", name, device=device):
            np.random.seed(integer_seed(seed, "srai", name, "numpy") % 2**32)  # noqa: NPY002
            random.seed(integer_seed(seed, "srai", name, "python"))
            yield
    finally:
        np.random.set_state(drawn)  # noqa: NPY002
        random.setstate(python)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what srai and lightning say on stderr: bars, hints at loaders, advertisements; errors are raised anyway."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [one.level for one in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        for one in loggers:
            one.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for one, level in zip(loggers, levels, strict=True):
                one.setLevel(level)


def _matrix(table: pd.DataFrame, count: int, name: str) -> np.ndarray:
    rows = table.index.to_numpy()
    whole = table.to_numpy(dtype=np.float64)
    if len(set(rows.tolist())) != len(rows) or not set(rows.tolist()) <= set(range(count)):
        msg = f"{name}.transform returned {len(rows)} rows that are not one for each region. Expected the index of regions_gdf, {count} rows or fewer."
        raise BadInput(msg)
    if not np.isfinite(whole).all():
        msg = f"{name}.transform returned {int((~np.isfinite(whole)).sum())} values that are not finite. Expected numbers. Try a smaller learning rate."
        raise BadInput(msg)
    vectors = np.zeros((count, whole.shape[1]), dtype=np.float32)
    vectors[rows.astype(np.int64)] = whole
    return vectors
