"""What changes while a stage trains: weights, optimiser, best weights, random state, counters; as tensors and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.hashing import array_digest
from urbanbench.toolkit.kept.weight_counts import trains_weights
from urbanbench.toolkit.training.distributed import process, same_everywhere, stacked
from urbanbench.toolkit.training.plateau import Plateau

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

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
    refits
        Whether the first weights are kept, so that `begin_again` can put them back.
    """

    def __init__(
        self,
        groups: Sequence[Mapping[str, Any]],
        modules: Sequence[nn.Module],
        device: str,
        *,
        refits: bool = False,
    ) -> None:

        self.modules, self.device = modules, device
        self._groups = [dict(group) for group in groups]
        self.optimiser = self._new_optimiser()
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.parameters: list[Tensor] = [one for group in groups for one in group["params"]]
        trains_weights(self.parameters)
        buffers = {id(one): one for module in modules for one in module.buffers()}
        self.weights: list[Tensor] = [*self.parameters, *buffers.values()]
        same_everywhere(self.weights)
        self.copies = _cloned(self.weights)
        self.first = _cloned(self.weights) if refits else []
        self.step, self.best_step, self.refit_steps = 0, 0, 0
        self.best: float | None = None
        self.plateau = Plateau()
        self.refitting = self.done = False

    def set_rate(self, factor: float) -> None:
        """Set the learning rates to a share of the full ones."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def limit_gradients(self, max_norm: float) -> None:
        """Scale all gradients down together where their norm is larger."""
        import torch

        torch.nn.utils.clip_grad_norm_(self.parameters, max_norm)

    def keep_if_best(self, loss: float) -> None:
        """Keep a copy of the weights if their held-out loss is the lowest so far."""
        if self.best is None or loss < self.best:
            self.best, self.best_step = loss, self.step
            for copy, one in zip(self.copies, self.weights, strict=True):
                copy.copy_(one.detach())

    def restore_best(self) -> None:
        """Put the best weights back; nothing is trained after it."""
        for one, copy in zip(self.weights, self.copies, strict=True):
            one.data.copy_(copy)
        self.done = True

    def begin_again(self) -> None:
        """Put the first weights back, to train once more for as many steps as led to the best ones."""
        for one, copy in zip(self.weights, self.first, strict=True):
            one.data.copy_(copy)
        self.optimiser = self._new_optimiser()
        self.refit_steps, self.step, self.refitting = self.best_step, 0, True

    def _new_optimiser(self) -> Optimizer:
        import torch

        one_kernel = True if self.device.startswith("cuda") else None
        return torch.optim.Adam([dict(group) for group in self._groups], fused=one_kernel)

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
        best = {} if self.refitting else {f"best.{k}": one for k, one in enumerate(self.copies)}
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
        names = ("step", "best", "best_step", "refit_steps", "refitting", "done")
        return {name: getattr(self, name) for name in names} | {"plateau": self.plateau.told()}

    def load(self, tensors: Mapping[str, Tensor], counters: Mapping[str, Any]) -> None:
        """Take over what `to_tensors` and `counters` gave; torch's random state is set, so call it in `seeded_torch`."""
        import torch

        for name, value in counters.items():
            setattr(self, name, Plateau.of(value) if name == "plateau" else value)
        with torch.no_grad():
            for k, one in enumerate(self.weights):
                one.copy_(tensors[f"now.{k}"])
        if self.done:
            return
        for k, copy in enumerate([] if self.refitting else self.copies):
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
