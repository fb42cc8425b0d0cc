"""Inner values of encoders that are trained: kept until the backward pass where there is room, else computed again in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

__all__ = ["InnerValues"]

MOST_ON_GPU, MOST_ON_CPU = 12 << 30, 1 << 30
"""Bytes of inner values that are kept at most, however much memory is free: with them a step of UrbanMFM's preset `paper` stays below 18 GB."""


class InnerValues:
    """Sends an encoder's inputs through it part by part and decides for each part what becomes of its inner values.

    Both ways give the same values and gradients; computing again costs a forward pass more.

    Parameters
    ----------
    encoder
        What computes them: its own weights are not counted.
    device
        Where.
    most
        Bytes that may be kept at a time; None for what is free when the first part comes: half of it on a GPU, an eighth on the CPU, and
        never more than `MOST_ON_GPU` or `MOST_ON_CPU`.
    """

    def __init__(self, encoder: nn.Module, device: str, *, most: int | None = None) -> None:
        self.encoder, self.device, self.most = encoder, device, most
        self._each = 0.0
        self._left = 0.0

    def begin(self) -> None:
        """Begin a step: what was kept before is gone, because its backward pass is over."""
        if self.most is None:
            self.most = _room(self.device)
        self._left = self.most

    def through(self, encode: Callable[[Any], Tensor], inputs: Any, size: int) -> Tensor:
        """Return ``encode(inputs)``.

        Parameters
        ----------
        encode, inputs
            What to compute.
        size
            How many tokens or pixels the inputs are: the first part that is kept tells how many bytes each of them takes.
        """
        if not torch.is_grad_enabled():
            return encode(inputs)
        if self._each * size > self._left or self._left <= 0:
            return checkpoint(encode, inputs, use_reentrant=False)  # type: ignore[no-any-return]
        made = encode(inputs) if self._each else self._measured(encode, inputs, size)
        self._left -= self._each * size
        return made

    def _measured(self, encode: Callable[[Any], Tensor], inputs: Any, size: int) -> Tensor:
        """Encode and count the bytes that the backward pass needs."""
        own = {one.untyped_storage().data_ptr() for one in self.encoder.parameters()}
        kept: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            memory = tensor.untyped_storage()
            if memory.data_ptr() not in own:
                kept[memory.data_ptr()] = memory.nbytes()
            return tensor

        with saved_tensors_hooks(keep, lambda one: one):
            made = encode(inputs)
        self._each = sum(kept.values()) / max(size, 1)
        return made


def _room(device: str) -> int:
    """Return how many bytes of inner values fit now."""
    if not device.startswith("cuda"):
        return min(MOST_ON_CPU, psutil.virtual_memory().available // 8)
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(MOST_ON_GPU, (free + unused) // 2)
