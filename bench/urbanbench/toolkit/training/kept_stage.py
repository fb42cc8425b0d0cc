"""Trained stages on disk: a stage that was trained before, on the same data with the same parameters, is read and not trained again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.atomic import read_through, replacing, spared
from urbanbench.hashing import code_digest, value_digest
from urbanbench.home import cache_root
from urbanbench.locks import locked
from urbanbench.toolkit.kept.reading import was_read
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.toolkit.kept.weights import named_tensors, put_tensors
from urbanbench.toolkit.training.distributed import everywhere, process, processes
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanbench.city.view import View
    from urbanbench.model import Model

__all__ = ["Kept", "KeptStage", "read_or_train", "training_key"]


def training_key(
    model: Model,
    view: View,
    *,
    source: Path,
    leaving: Collection[str],
    seed: int,
    device: str,
    encoders: Mapping[str, str] | None = None,
    read: str | None = None,
) -> str:
    """Return a hash of all that every stage of a training depends on.

    Parameters
    ----------
    model, view, seed, device
        What is trained, on what, and where.
    source
        The file whose code trains, with all that it imports.
    leaving
        Parameters that do not count: those that only a readout knows, and those that the caller counts stage by stage.
    encoders
        What `urbanbench.toolkit.kept.feature_store.encoder_digest` says of each encoder before any training.
    read
        A hash of everything that training reads of the view, where that is little: views that differ in nothing of it, such as those of
        other inputs or with other labels withheld, share a training. The whole view when left out.
    """
    return value_digest(
        {
            "parameters": {name: value for name, value in model.parameters().items() if name not in leaving},
            "code": code_digest(source),
            "variant": dict(model.variant(view)) | {"left out": ""},
            "encoders": dict(encoders or {}),
            # coordinates are read for the positional encoding alone
            "view": view.without("coordinates").key if read is None else read,
            "seed": seed,
            "device": device.partition(":")[0],
            "processes": processes(),
            "packages": learned_versions(),
        }
    )


@dataclass(frozen=True, eq=False)
class Kept:
    """A finished stage.

    Parameters
    ----------
    tensors
        Weights by "<part>/<name>".
    logs
        What happened in it.
    """

    tensors: Mapping[str, Tensor]
    logs: list[StageLog]

    def put_into(self, parts: Mapping[str, nn.Module]) -> None:
        """Give named parts their weights."""
        put_tensors(parts, self.tensors)


class KeptStage:
    """The files of one stage: its weights when it is done, and its checkpoint while it trains.

    Parameters
    ----------
    key
        A hash of all that its weights depend on, the stages before it among them.
    """

    def __init__(self, key: str) -> None:
        folder = cache_root() / "training"
        self.weights = folder / f"{key}.safetensors"
        self.checkpoint = folder / f"{key}.part.safetensors"

    def read(self) -> Kept | None:
        """Read the stage; None where there is no whole file."""
        from safetensors import SafetensorError, safe_open

        try:
            read_through(self.weights)
            with safe_open(self.weights, framework="pt") as file:
                logs = [StageLog.from_fields(one) for one in json.loads(file.metadata()["logs"])]
                return Kept({name: file.get_tensor(name) for name in file.keys()}, logs)  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError, KeyError, ValueError):
            return None

    def save(self, parts: Mapping[str, nn.Module], logs: Sequence[StageLog]) -> None:
        """Write the weights of named parts and the stage's logs, and remove its checkpoint."""
        from safetensors.torch import save_file

        with spared("A trained stage is not kept"), replacing(self.weights) as part:
            save_file(
                named_tensors(parts), part, metadata={"logs": json.dumps([asdict(one) for one in logs])}
            )
        self.checkpoint.unlink(missing_ok=True)


def read_or_train(
    stage: str, kept: KeptStage, parts: Mapping[str, nn.Module], train: Callable[[], list[StageLog]]
) -> list[StageLog]:
    """Give parts the weights of a stage that is on disk, or train it and keep it; return what happened in it.

    Another program that wants the same stage meanwhile waits for the first one; processes that train together do not wait.

    Parameters
    ----------
    stage
        Its name.
    kept
        Its files.
    parts
        All modules that it changes.
    train
        Trains it, with `kept.checkpoint` for the checkpoint.
    """
    alone: AbstractContextManager[object] = nullcontext()
    if processes() == 1:
        alone = locked(kept.weights.with_suffix(".lock"), needed=False)
    with alone:
        found = kept.read()
        if everywhere(found is not None) and found is not None:
            return _given(stage, found, parts)
        logs = train()
        if process() == 0:
            kept.save(parts, logs)
        return logs


def _given(stage: str, found: Kept, parts: Mapping[str, nn.Module]) -> list[StageLog]:
    """Give parts the weights of a finished stage, and tell that it was read."""
    found.put_into(parts)
    for one in found.logs:
        record(one)
    spent = [one.seconds for one in found.logs if not one.skipped]
    if spent:
        was_read(f"stage {stage}", f"stage {stage}", max(spent))
    return found.logs
