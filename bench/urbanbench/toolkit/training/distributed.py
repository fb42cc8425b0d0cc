"""One batch over several processes: each encodes its part of the anchors, and all see every candidate.

Started by torchrun, every process runs the same program on its own GPU (or on the CPU). All draw the same samples; `own_part` says
which anchors a process encodes, `gathered` puts the parts together, gradients are averaged, and process 0 decides. Alone, all of
this does nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = [
    "agreed",
    "average_gradients",
    "connected",
    "everywhere",
    "gathered",
    "joined",
    "own_part",
    "process",
    "processes",
    "rank",
    "same_everywhere",
    "sharers",
    "sharing",
    "stacked",
    "started",
]

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
WAIT = timedelta(hours=12)  # process 0 may work alone for long, for example while it encodes pictures


@contextmanager
def joined(device: str) -> Iterator[int]:
    """Join the processes that torchrun started, for the block.

    Parameters
    ----------
    device
        "cpu", or "cuda": then each process takes the GPU of its local rank, which "cuda" means from here on.

    Yields
    ------
    int
        This process's number; 0 where it is alone. The first one writes what the work is for.
    """
    if started() == 1:
        yield 0
        return
    with connected(device):
        yield process()


@contextmanager
def connected(device: str, store: Any = None) -> Iterator[None]:
    """Connect the processes that torchrun started for the block; by a store of their own where they are connected more than once.

    An error that ends the block in one process closes its connections, and so ends every wait for it in the others (with gloo; NCCL waits).
    """
    import torch
    import torch.distributed as dist
    import torch.distributed.nn.functional

    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    known = {} if store is None else {"store": store, "rank": rank(), "world_size": started()}
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=WAIT, **known)
    try:
        yield
    except BaseException:
        dist.destroy_process_group()
        gc.collect()
        raise
    dist.destroy_process_group()


def started() -> int:
    """Return how many processes torchrun started, of which this is one; 1 where it did not, or started one."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in TORCHRUN) else 1


def rank() -> int:
    """Return which of the processes that torchrun started this one is; 0 where it started none."""
    return int(os.environ["RANK"]) if started() > 1 else 0


_sharers = 1
"""How many processes share the trainings of a session that this process is in."""


@contextmanager
def sharing(several: int) -> Iterator[None]:
    """Say that trainings of the block are shared by several processes, whenever they are connected."""
    global _sharers  # noqa: PLW0603 - a process is in one session
    before, _sharers = _sharers, several
    try:
        yield
    finally:
        _sharers = before


def sharers() -> int:
    """Return how many processes share trainings, also between two of them, when nothing is connected."""
    return max(_sharers, processes())


def processes() -> int:
    """Return how many processes train together: 1 outside `joined`."""
    dist = _group()
    return int(dist.get_world_size()) if dist else 1


def process() -> int:
    """Return this process's number: 0 outside `joined`."""
    dist = _group()
    return int(dist.get_rank()) if dist else 0


def own_part(n: int) -> slice:
    """Return which of n anchors this process encodes: all of them when it is alone.

    Raises
    ------
    BadInput
        n anchors cannot be shared equally.
    """
    several = processes()
    if n % several:
        msg = f"{n} anchors cannot be shared by {several} processes. Expected a multiple of {several}."
        raise BadInput(msg)
    share = n // several
    return slice(process() * share, (process() + 1) * share)


def gathered(vectors: Tensor) -> Tensor:
    """Return the vectors of all processes below one another, with gradients; `vectors` itself when there is one process.

    Parameters
    ----------
    vectors
        Floats (own part, ...), of the same shape in every process.

    Returns
    -------
    torch.Tensor
        (n, ...), in the order of the anchors; float32 where there are several processes.
    """
    if processes() == 1:
        return vectors
    return _gather_function().apply(vectors.float())  # type: ignore[no-any-return]  # autograd functions are untyped


def _gather_function() -> Any:
    """Return the autograd function; its gradient sums what every process's loss says of this process's part."""
    import torch
    import torch.distributed as dist

    class Gather(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, vectors: Tensor) -> Tensor:
            ctx.share = len(vectors)
            return torch.cat(_parts(vectors))

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            total = gradient.contiguous()
            dist.all_reduce(total)
            start = dist.get_rank() * ctx.share
            return total[start : start + ctx.share]

    return Gather


def average_gradients(parameters: Sequence[Tensor]) -> None:
    """Replace every gradient by its mean over the processes; a parameter that only some used counts as 0 in the others.

    With `gathered`, whose gradient is a sum over processes, the mean is the gradient that one process would have.
    """
    several = processes()
    if several == 1 or not parameters:
        return
    import torch
    import torch.distributed as dist

    used = torch.tensor([float(one.grad is not None) for one in parameters], device=_home())
    dist.all_reduce(used, op=dist.ReduceOp.MAX)
    chosen = [one for one, is_used in zip(parameters, used.tolist(), strict=True) if is_used]
    flat = torch.cat([(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in chosen])
    dist.all_reduce(flat)
    flat /= several
    pieces = torch.split(flat, [one.numel() for one in chosen])
    for one, piece in zip(chosen, pieces, strict=True):
        one.grad = piece.view_as(one).to(one.dtype)


def agreed(number: float) -> float:
    """Return process 0's number in every process."""
    dist = _group()
    if dist is None:
        return number
    import torch

    shared = torch.tensor([number], dtype=torch.float64, device=_home())
    dist.broadcast(shared, src=0)
    return float(shared.item())


def everywhere(truth: bool) -> bool:
    """Tell whether something is true in every process; all wait for one another."""
    dist = _group()
    if dist is None:
        return truth
    import torch

    shared = torch.tensor([float(truth)], device=_home())
    dist.all_reduce(shared, op=dist.ReduceOp.MIN)
    return bool(shared.item())


def same_everywhere(tensors: Sequence[Tensor]) -> None:
    """Give tensors process 0's values in every process."""
    dist = _group()
    if dist is not None:
        for one in tensors:
            dist.broadcast(one.data, src=0)


def stacked(tensor: Tensor) -> Tensor:
    """Return the tensors of all processes, (processes, ...), on the CPU."""
    import torch

    if processes() == 1:
        return tensor.cpu()[None]
    return torch.stack(_parts(tensor.to(_home()))).cpu()


def _parts(tensor: Tensor) -> list[Tensor]:
    import torch
    import torch.distributed as dist

    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return parts


def _group() -> Any:
    """Return torch.distributed where processes are joined, else None, without loading torch."""
    dist = sys.modules.get("torch.distributed")
    return dist if dist is not None and dist.is_available() and dist.is_initialized() else None


def _home() -> torch.device:
    """Return where the processes exchange tensors."""
    import torch
    import torch.distributed as dist

    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
