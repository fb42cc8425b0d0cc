"""What changes while a stage trains: weights, optimiser, best weights, random state, counters; as tensors and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.hashing import array_digest
from urbanbench.toolkit.training.distributed import process, same_everywhere, stacked

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["TrainingState"]


class TrainingState:
    """The moving parts of a training loop.

    Parameters
    ----------
    groups
        Parameter groups of the optimiser, each parameter once.
    modules
        What is trained; their buffers (running means of a normalisation) belong to the weights.
    device
        Where they are.
    """

    def __init__(
        self, groups: Sequence[Mapping[str, Any]], modules: Sequence[nn.Module], device: str
    ) -> None:
        import torch

        self.modules, self.device = modules, device
        one_kernel = True if device.startswith("cuda") else None
        self.optimiser = torch.optim.Adam([dict(group) for group in groups], fused=one_kernel)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.parameters: list[Tensor] = [one for group in groups for one in group["params"]]
        buffers = {id(one): one for module in modules for one in module.buffers()}
        self.weights: list[Tensor] = [*self.parameters, *buffers.values()]
        same_everywhere(self.weights)
        self.copies = _cloned(self.weights)
        self.step, self.best_step, self.stale = 0, 0, 0
        self.best: float | None = None
        self.done = False

    def set_rate(self, factor: float) -> None:
        """Set the learning rates to a share of the full ones."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def limit_gradients(self, max_norm: float) -> None:
        """Scale all gradients down together where their norm is larger."""
        import torch

        torch.nn.utils.clip_grad_norm_(self.parameters, max_norm)

    def judge(self, loss: float) -> None:
        """Keep a copy of the weights if their held-out loss is the lowest so far, else count a check without progress."""
        better = self.best is None or loss < self.best
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best, self.best_step = loss, self.step
            for copy, one in zip(self.copies, self.weights, strict=True):
                copy.copy_(one.detach())

    def restore_best(self) -> None:
        """Put the best weights back; nothing is trained after it."""
        for one, copy in zip(self.weights, self.copies, strict=True):
            one.data.copy_(copy)
        self.done = True

    def shapes(self) -> list[list[Any]]:
        """Return the shape and type of all weights."""
        return [[list(one.shape), str(one.dtype)] for one in self.weights]

    def digest(self) -> str:
        """Hash the weights."""
        import torch

        return array_digest(
            *(one.detach().cpu().contiguous().flatten().view(torch.uint8).numpy() for one in self.weights)
        )

    def to_tensors(self) -> dict[str, Tensor]:
        """Return all tensors; of a finished stage its weights only."""
        now = {f"now.{k}": one for k, one in enumerate(self.weights)}
        if self.done:
            return now
        best = {f"best.{k}": one for k, one in enumerate(self.copies)}
        adam = {
            f"adam.{k}.{name}": one
            for k, inner in self.optimiser.state_dict()["state"].items()
            for name, one in inner.items()
        }
        return (
            now | best | adam | {f"random.{kind}": stacked(one) for kind, one in _random(self.device).items()}
        )

    def counters(self) -> dict[str, Any]:
        """Return what is no tensor."""
        names = ("step", "best", "best_step", "stale", "done")
        return {name: getattr(self, name) for name in names}

    def load(self, tensors: Mapping[str, Tensor], counters: Mapping[str, Any]) -> None:
        """Take over what `to_tensors` and `counters` gave; torch's random state is set, so call it in `seeded_torch`."""
        import torch

        for name, value in counters.items():
            setattr(self, name, value)
        with torch.no_grad():
            for k, one in enumerate(self.weights):
                one.copy_(tensors[f"now.{k}"])
        if self.done:
            return
        for k, copy in enumerate(self.copies):
            copy.copy_(tensors[f"best.{k}"])
        inner: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam."):
                _, row, what = name.split(".")
                inner.setdefault(int(row), {})[what] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": inner, "param_groups": groups})
        for kind in _random(self.device):  # cloned, because torch reads a state from the start of its storage
            _set_random(kind, tensors[f"random.{kind}"][process()].clone(), self.device)


def _cloned(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [one.detach().clone() for one in tensors]


def _random(device: str) -> dict[str, Tensor]:
    """Return torch's random states that dropout on the device draws from."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.startswith("cuda") else {})


def _set_random(kind: str, state: Tensor, device: str) -> None:
    import torch

    if kind == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
