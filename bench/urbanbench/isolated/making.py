"""Vectors and learned states, made in a plugin's own environment and written into the folder of the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.cost import measured
from urbanbench.errors import Conformance
from urbanbench.home import cache_in
from urbanbench.learned import Learned
from urbanbench.seen import seeing
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.kept.weight_counts import counting_weights
from urbanbench.toolkit.training.checkpoint import checkpoints_in
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units
from urbanbench.vectors.writing import write_parquet

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.model import Model
    from urbanbench.seen import Seen

__all__ = ["LEARNED", "SEEN", "UNITS", "VECTORS", "make"]

LEARNED, UNITS, VECTORS = "learned.safetensors", "units.json", "vectors.parquet"
SEEN = "seen"
"""Folder with a table for each kind of objects of which the model says that it used some."""


def make(model: Model, do: str, view: View | None, question: Mapping[str, Any]) -> dict[str, Any]:
    """Let a model embed or learn, write what it gives, and return the facts of it.

    Parameters
    ----------
    model
        The model.
    do
        "embed", "learn" or "embed_with".
    view
        What it may see.
    question
        ``out``: the folder of the answer, where the units stand; ``seed``, ``device``; ``learned``: the file of what was learned; ``cache`` and
        ``checkpoints``: folders.

    Raises
    ------
    Conformance
        It gives something else than it should.
    """
    out, more = Path(question["out"]), {"seed": question["seed"], "device": question["device"]}
    checkpoints = question["checkpoints"]
    with ExitStack() as open_all:
        open_all.enter_context(cache_in(Path(question["cache"])))
        open_all.enter_context(checkpoints_in(Path(checkpoints) if checkpoints else None))
        cost, stages = open_all.enter_context(measured()), open_all.enter_context(recording())
        kept, seen = open_all.enter_context(reading()), open_all.enter_context(seeing())
        weights = open_all.enter_context(counting_weights())
        if do == "learn":
            made: object = model.learn(view, seed=more["seed"], device=more["device"])  # type: ignore[arg-type]
        else:
            made = _embedded(model, do, view, question, more)
    told = _written_learned(made, out) if do == "learn" else _written_space(made, out)
    return told | {
        "touched": sorted(view.touched) if view is not None else [],
        "seen": _written_seen(seen, out),
        "stages": [asdict(stage) for stage in stages],
        "read": {key: [part.part, part.seconds] for key, part in kept.parts.items()},
        "made": sorted(kept.made),
        "weights": weights.to_record(),
        "peak_rss_mb": cost.peak_rss_mb,
        "peak_gpu_mb": cost.peak_gpu_mb,
    }


def _embedded(
    model: Model, do: str, view: Any, question: Mapping[str, Any], more: Mapping[str, Any]
) -> object:
    level, ids = json.loads((Path(question["out"]) / UNITS).read_text(encoding="utf-8"))
    units = Units(level, tuple(ids))
    if do == "embed":
        return model.embed(view, units=units, **more)
    return model.embed_with(Learned.load(Path(question["learned"]))[0], view, units=units, **more)


def _written_space(made: object, out: Path) -> dict[str, Any]:
    if not isinstance(made, EmbeddingSpace):
        return {"returned": type(made).__name__}
    write_parquet(out / VECTORS, made.level, made.ids, made.vectors, made.mask, lists=True)
    return {
        "returned": "",
        "level": made.level,
        "parts": {name: list(one) for name, one in made.parts.items()},
    }


def _written_learned(made: object, out: Path) -> dict[str, Any]:
    if not isinstance(made, Learned):
        msg = f"The model learned a {type(made).__name__}. Expected a Learned of arrays and facts."
        raise Conformance(msg)
    made.save(out / LEARNED)
    return {"returned": ""}


def _written_seen(seen: Seen, out: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for kind, mask in seen.masks.items():
        (out / SEEN).mkdir(exist_ok=True)
        pq.write_table(pa.table({"used": pa.array(mask)}), out / SEEN / f"{kind}.parquet")
    return sorted(seen.masks)
