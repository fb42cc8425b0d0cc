"""Weights of several modules by name, as files keep them: "<part>/<name of the tensor>"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from urbanbench.learned import Learned

if TYPE_CHECKING:
    from typing import Any

    from torch import Tensor, nn

__all__ = ["learned_weights", "named_tensors", "put_learned", "put_tensors"]


def named_tensors(parts: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return copies of all weights and buffers of named modules, on the CPU."""
    return {
        f"{name}/{word}": one.detach().cpu().contiguous().clone()
        for name, module in parts.items()
        for word, one in module.state_dict().items()
    }


def put_tensors(parts: Mapping[str, nn.Module], tensors: Mapping[str, Tensor]) -> None:
    """Give named modules their weights."""
    for name, module in parts.items():
        start = f"{name}/"
        module.load_state_dict(
            {word.removeprefix(start): one for word, one in tensors.items() if word.startswith(start)}
        )


def learned_weights(parts: Mapping[str, nn.Module], **facts: Any) -> Learned:
    """Return what modules learned, with facts beside it."""
    return Learned({name: one.numpy() for name, one in named_tensors(parts).items()}, facts)


def put_learned(parts: Mapping[str, nn.Module], learned: Learned) -> None:
    """Give named modules what was learned, in eval mode."""
    import torch

    put_tensors(parts, {name: torch.from_numpy(one.copy()) for name, one in learned.arrays.items()})
    for module in parts.values():
        module.eval()
