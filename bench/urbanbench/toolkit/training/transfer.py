"""Between the host and a GPU without making one wait for the other: arrays there, numbers and weights back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["HostCopies", "numbers", "on_device", "runs_behind"]


def runs_behind(device: str | torch.device) -> bool:
    """Tell whether work on a device goes on after the call that asked for it, so that reading a number back means waiting."""
    return str(device).partition(":")[0] != "cpu"


def on_device(array: np.ndarray | Tensor, device: str | torch.device) -> Tensor:
    """Return an array of the host as a tensor on a device.

    A GPU gets it from pinned memory, behind the work it was given before: copies from other memory make the host wait until all of that
    is done. On the CPU the tensor shares the array's memory.

    Parameters
    ----------
    array
        Any shape and type torch knows.
    device
        Where to.
    """
    import torch

    there = torch.device(device)
    made = array if isinstance(array, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(array))
    if there.type != "cuda" or made.is_cuda:
        return made.to(there)
    return made.pin_memory().to(there, non_blocking=True)


def numbers(values: Sequence[Tensor]) -> list[float]:
    """Bring single numbers to the host, all in one copy."""
    import torch

    return [float(one) for one in torch.stack([one.detach() for one in values]).tolist()] if values else []


class HostCopies:
    """Copies of tensors in the host's memory, which a GPU makes between two steps while the host goes on.

    The memory is pinned for a GPU and used again by the next copies, so finish with one set before you `take` the next.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}
        self._done: torch.cuda.Event | None = None

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Begin to copy; what changes the tensors afterwards on the same device does not change the copies."""
        import torch

        self._buffers = {name: self._buffer(name, one) for name, one in tensors.items()}
        for name, one in tensors.items():
            self._buffers[name].copy_(one.detach(), non_blocking=True)
        if any(one.is_cuda for one in tensors.values()):
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            self._done.record()

    def tensors(self) -> dict[str, Tensor]:
        """Return the copies, on the CPU, as soon as they are whole."""
        if self._done is not None:
            self._done.synchronize()
        return self._buffers

    def _buffer(self, name: str, like: Tensor) -> Tensor:
        import torch

        known = self._buffers.get(name)
        if known is not None and known.shape == like.shape and known.dtype == like.dtype:
            return known
        return torch.empty(like.shape, dtype=like.dtype, pin_memory=like.is_cuda)
