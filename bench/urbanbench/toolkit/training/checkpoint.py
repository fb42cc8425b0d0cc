"""Checkpoints of training: all a stage needs to go on as if it had not been stopped, in safetensors files."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import read_through, remove_leftovers, replacing, spared
from urbanbench.locks import locked
from urbanbench.toolkit.training.distributed import agreed, everywhere, process, processes
from urbanbench.toolkit.training.transfer import HostCopies, runs_behind

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Checkpoint", "checkpoint_folder", "checkpoint_for", "checkpoints_in"]

PAUSE_S = 30.0
"""Seconds between two checkpoints of a stage where nobody asked for one at every check."""

PAUSE_ON_GPU_S = 60.0
"""Seconds between two checkpoints of a stage on a GPU, which takes many checks in that time."""

MOST_S = 60.0
"""Seconds after which a checkpoint is due between two checks as well: what a killed program loses at most, beside the step it was in."""


class Checkpoint:
    """The file a stage writes while it trains and reads when it begins.

    Parameters
    ----------
    path
        Where; None to keep nothing.
    pause_s
        Least seconds between two writes of an unfinished stage at its checks. Between checks it is `MOST_S`, if that is longer.
    behind
        Whether a thread writes, from a copy, while training goes on. What it could not write is raised by the next `save` or by `settle`.
    """

    def __init__(self, path: Path | None, *, pause_s: float = 0.0, behind: bool = False) -> None:
        self.path, self.pause_s, self._last = path, pause_s, time.monotonic()
        self._copies = HostCopies() if behind else None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint") if behind else None
        self._writing: Future[None] | None = None

    def load(self, identity: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return tensors and facts that were saved under this identity; None where there are none.

        A file of another stage, or one that cannot be read, is left out with a warning and later replaced. Of several processes
        all load it, or none.
        """
        if self.path is None:
            return None
        found = _read(self.path) if self.path.is_file() else None
        if self.path.is_file() and (found is None or found[1].get("identity") != _plain(identity)):
            changed = (
                "it cannot be read"
                if found is None
                else _difference(found[1].get("identity"), _plain(identity))
            )
            warnings.warn(
                f"Checkpoint {str(self.path)!r} is not used: {changed}. Training starts anew.", stacklevel=2
            )
            found = None
        return found if everywhere(found is not None) else None

    def save(
        self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], identity: Mapping[str, Any]
    ) -> None:
        """Write the file, whole or not at all; process 0 writes, and the others wait for it, or for its copy."""
        if self.path is not None and process() == 0:
            self.settle()
            told = json.dumps(dict(facts) | {"identity": _plain(identity)})
            if self._copies is None or self._writer is None:
                _write(self.path, {name: one.detach().cpu() for name, one in tensors.items()}, told)
            else:
                self._copies.take(tensors)
                self._writing = self._writer.submit(_write_copies, self.path, self._copies, told)
            self._last = time.monotonic()
        if self.path is not None:
            everywhere(truth=True)

    def settle(self) -> None:
        """Wait until what was saved is on disk."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def due(self, *, at_check: bool) -> bool:
        """Tell whether the state should be saved now, in process 0's opinion; several processes save at checks only."""
        if self.path is None or not (at_check or processes() == 1):
            return False
        pause = self.pause_s if at_check else max(self.pause_s, MOST_S)
        return bool(agreed(float(time.monotonic() - self._last >= pause)))


def _write_copies(path: Path, copies: HostCopies, told: str) -> None:
    _write(path, copies.tensors(), told)


def _write(path: Path, tensors: Mapping[str, Tensor], told: str) -> None:
    from safetensors.torch import save_file

    plain = {name: one.contiguous() for name, one in tensors.items()}
    size = sum(one.nbytes for one in plain.values())
    # another program may train the same stage; leftovers are nobody's then
    with spared("A checkpoint is not kept"), locked(path.with_suffix(".lock"), needed=False):
        remove_leftovers(path)
        with replacing(path, size=size) as part:
            save_file(plain, part, metadata={"training": told})


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    from safetensors import SafetensorError, safe_open

    try:
        read_through(path)
        with safe_open(path, framework="pt") as stored:
            facts = json.loads((stored.metadata() or {})["training"])
            return {name: stored.get_tensor(name) for name in stored.keys()}, facts  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, KeyError, ValueError):
        return None


def _plain(identity: Mapping[str, Any]) -> Any:
    """Return the identity as JSON gives it back."""
    return json.loads(json.dumps(dict(identity)))


def _difference(found: Any, wanted: Mapping[str, Any]) -> str:
    old = found if isinstance(found, dict) else {}
    names = [name for name in wanted if old.get(name) != wanted[name]]
    return f"it was made with another {', '.join(names)}"


@dataclass
class _Folder:
    path: Path
    given: int = 0


_folder: ContextVar[_Folder | None] = ContextVar("folder of checkpoints", default=None)


@contextmanager
def checkpoints_in(folder: Path | None) -> Iterator[None]:
    """Keep the checkpoints of all stages trained inside the block in a folder, numbered in their order.

    A killed program that trains the same stages again inside such a block goes on in the stage where it was. The caller removes the
    folder when what was trained is safe.

    Parameters
    ----------
    folder
        Made when it is needed; None to keep nothing.
    """
    token = _folder.set(_Folder(folder) if folder is not None else None)
    try:
        yield
    finally:
        _folder.reset(token)


def checkpoint_folder() -> Path | None:
    """Return the folder that the innermost `checkpoints_in` named, for what trains in another process."""
    folder = _folder.get()
    return None if folder is None else folder.path


def checkpoint_for(name: str, path: Path | None, device: str = "cpu") -> Checkpoint:
    """Return the checkpoint at a path; without one, the next of the folder that `checkpoints_in` named, if any.

    On the CPU it is written at every check, in a folder at most every `PAUSE_S`. On a GPU a thread writes it, at most every `PAUSE_ON_GPU_S`.
    """
    folder, behind = _folder.get(), runs_behind(device)
    pause_s = PAUSE_ON_GPU_S if behind else 0.0
    if path is not None or folder is None:
        return Checkpoint(path, pause_s=pause_s, behind=behind)
    folder.given += 1
    path = folder.path / f"{folder.given:02d}-{name}.safetensors"
    return Checkpoint(path, pause_s=max(pause_s, PAUSE_S), behind=behind)
