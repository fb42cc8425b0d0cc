"""Checkpoints of training: all a stage needs to go on as if it had not been stopped, in safetensors files."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import remove_leftovers, replacing
from urbanbench.toolkit.training.distributed import agreed, everywhere, process

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Checkpoint", "checkpoint_for", "checkpoints_in"]

PAUSE_S = 30.0
"""Seconds between two checkpoints of a stage where nobody asked for one at every check."""


class Checkpoint:
    """The file a stage writes at its checks and reads when it begins.

    Parameters
    ----------
    path
        Where; None to keep nothing.
    pause_s
        Least seconds between two writes of an unfinished stage.
    """

    def __init__(self, path: Path | None, *, pause_s: float = 0.0) -> None:
        self.path, self.pause_s, self._last = path, pause_s, time.monotonic()

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
        """Write the file, whole or not at all; process 0 writes, and the others wait for it."""
        if self.path is not None and process() == 0:
            self._write(self.path, tensors, dict(facts) | {"identity": _plain(identity)})
        if self.path is not None:
            everywhere(truth=True)

    def _write(self, path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        from filelock import FileLock
        from safetensors.torch import save_file

        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {name: one.detach().cpu().contiguous() for name, one in tensors.items()}
        with FileLock(
            path.with_suffix(".lock")
        ):  # another program may train the same stage; leftovers are nobody's then
            remove_leftovers(path)
            with replacing(path) as part:
                save_file(plain, part, metadata={"training": json.dumps(facts)})
        self._last = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether a check should be saved now, in process 0's opinion."""
        if self.path is None:
            return False
        return bool(agreed(float(time.monotonic() - self._last >= self.pause_s)))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    from safetensors import SafetensorError, safe_open

    try:
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


def checkpoint_for(name: str, path: Path | None) -> Checkpoint:
    """Return the checkpoint at a path; without one, the next of the folder that `checkpoints_in` named, if any."""
    folder = _folder.get()
    if path is not None or folder is None:
        return Checkpoint(path)
    folder.given += 1
    return Checkpoint(folder.path / f"{folder.given:02d}-{name}.safetensors", pause_s=PAUSE_S)
