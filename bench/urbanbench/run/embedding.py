"""Vectors without a score: what a model makes of a city, through the same view and cache as a run; a foreign one in its own process."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.run.asking import answer, asked
from urbanbench.run.embedding_here import embed_here, key_here, order_of
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from urbanbench.apart import Channel
    from urbanbench.cache import EmbeddingKey
    from urbanbench.result import RunSpec
    from urbanbench.space import EmbeddingSpace

__all__ = ["embed_city", "key_of"]


def embed_city(spec: RunSpec, bench: Workbench) -> tuple[EmbeddingSpace, Mapping[str, Any]]:
    """Embed all regions of a city, or the units a task labels without what the task withholds.

    Parameters
    ----------
    spec
        Model, city and inputs; its task may be "". What it says of scoring does not matter.
    bench
        Device and cache.

    Returns
    -------
    tuple[EmbeddingSpace, Mapping[str, Any]]
        The vectors and the facts of their making: seconds, peak memory, touched inputs, and whether they were cached.

    Raises
    ------
    RunRefused
        The model cannot embed these units from these inputs.
    PluginBroken
        A model that is kept apart does not load, fails, or ends its process.
    """
    order = order_of(spec)
    if not order.foreign:
        return embed_here(spec, bench)
    from urbanbench.space import EmbeddingSpace

    with tempfile.TemporaryDirectory(prefix="urbanbench-") as folder:
        file = Path(folder) / "vectors.safetensors"
        facts = asked(order, _embed, bench.device, str(file), otherwise=_missing(spec))
        return EmbeddingSpace.load(file), facts


def key_of(spec: RunSpec, bench: Workbench) -> EmbeddingKey:
    """Return under which key the vectors of a spec are cached, without embedding; as `embed_city`."""
    order = order_of(spec)
    if not order.foreign:
        return key_here(spec, bench)
    from urbanbench.cache import EmbeddingKey

    said = asked(order, _key, bench.device, otherwise=_missing(spec))
    return EmbeddingKey(said["parts"], said["label"])


def _embed(channel: Channel, device: str, file: str) -> None:
    def made(spec: RunSpec) -> dict[str, Any]:
        space, facts = embed_here(spec, Workbench(device))
        space.save(Path(file))
        return dict(facts)

    answer(channel, made, _missing, lambda spec: Path(spec.model))


def _key(channel: Channel, device: str) -> None:
    def made(spec: RunSpec) -> dict[str, Any]:
        key = key_here(spec, Workbench(device))
        return {"parts": dict(key.parts), "label": key.label}

    answer(channel, made, _missing, lambda spec: Path(spec.model))


def _missing(spec: RunSpec) -> str:
    return f"Model {spec.model!r} gave no vectors"
