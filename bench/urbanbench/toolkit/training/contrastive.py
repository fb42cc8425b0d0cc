"""InfoNCE (Oord et al. 2018; UrbanMFM Eqs. 7 and 16) and NT-Xent (Chen et al. 2020, Eq. 1), with cosines of the vectors of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DIRECTIONS", "cosines", "info_nce", "info_nce_chance", "nt_xent", "same_row"]

DIRECTIONS = ("both", "query_to_key")


def info_nce(
    query: Tensor,
    key: Tensor,
    *,
    temperature: float = 0.5,
    exclude: Tensor | None = None,
    direction: str = "both",
) -> Tensor:
    """Return the mean of ``-log(exp(s_ii / t) / sum_j exp(s_ij / t))``, where s is the cosine of query i and key j.

    Parameters
    ----------
    query, key
        (b, dim); row i of one belongs to row i of the other.
    temperature
        t in the formula.
    exclude
        bool (b, b), True where candidate j must not count for query i (a false negative). The diagonal always counts.
    direction
        "query_to_key" is the formula of the paper; "both" (symmetric) averages it with the same loss from key to query.

    Returns
    -------
    torch.Tensor
        Scalar. For vectors that tell nothing it is `info_nce_chance`.

    Raises
    ------
    UnknownName
        No such direction.
    """
    _known(direction)
    logits = cosines(query, key) / temperature
    if exclude is not None:
        logits = logits.masked_fill(_off_diagonal(exclude), float("-inf"))
    forward = _mean_loss(logits)
    return forward if direction == "query_to_key" else (forward + _mean_loss(logits.T)) / 2


def info_nce_chance(exclude: Tensor, *, direction: str = "both") -> float:
    """Return `info_nce` of vectors that tell nothing: the mean logarithm of how many candidates count, ln(b) without exclusions.

    Parameters
    ----------
    exclude, direction
        As in `info_nce`. Where `exclude` lies on a GPU the host waits for it.

    Raises
    ------
    UnknownName
        No such direction.
    """
    _known(direction)
    counts = ~_off_diagonal(exclude)
    forward = _mean_logarithm(counts)
    return forward if direction == "query_to_key" else (forward + _mean_logarithm(counts.T)) / 2


def nt_xent(
    query: Tensor, key: Tensor, *, temperature: float = 0.5, exclude: Tensor | None = None
) -> tuple[Tensor, float]:
    """Return the loss in which each of the 2b vectors looks for its partner among all others, queries and keys alike.

    Parameters
    ----------
    query, key
        (b, dim); row i of one is the partner of row i of the other.
    temperature
        By which cosines are divided.
    exclude
        bool (b, b), symmetric, True where pairs i and j are no negatives of each other. Partners always count.

    Returns
    -------
    loss, chance
        Scalar tensor; the loss of vectors that tell nothing: the mean of ln(candidates), ln(2b - 1) without exclusions.
    """
    import torch

    b, both = len(query), torch.cat([query, key])
    left_out = torch.eye(2 * b, dtype=torch.bool, device=both.device)
    if exclude is not None:
        left_out = left_out | _off_diagonal(exclude).repeat(2, 2)
    logits = (cosines(both, both) / temperature).masked_fill(left_out, float("-inf"))
    partner = torch.cat([logits.diagonal(b), logits.diagonal(-b)])
    return (logits.logsumexp(dim=1) - partner).mean(), _mean_logarithm(~left_out)


def cosines(query: Tensor, key: Tensor) -> Tensor:
    """Return the cosine of every query with every key, (b, c), in float32 at least: bfloat16 would leave them three digits.

    Parameters
    ----------
    query, key
        (b, dim) and (c, dim).
    """
    import torch
    import torch.nn.functional as F  # noqa: N812  # the library's own customary name

    kind = torch.promote_types(query.dtype, torch.float32)
    with torch.autocast(query.device.type, enabled=False):
        return F.normalize(query.to(kind), dim=1) @ F.normalize(key.to(kind), dim=1).T


def same_row(labels: Tensor) -> Tensor:
    """Return bool (b, b): True where two different rows carry the same label (the same text, the same place)."""
    return _off_diagonal(labels[:, None] == labels[None, :])


def _known(direction: str) -> None:
    if direction not in DIRECTIONS:
        raise UnknownName("direction", direction, DIRECTIONS)


def _off_diagonal(mask: Tensor) -> Tensor:
    import torch

    return mask & ~torch.eye(len(mask), dtype=torch.bool, device=mask.device)


def _mean_logarithm(counts: Tensor) -> float:
    """Return the mean of ln(how many of each row count)."""
    return float(counts.sum(dim=1).double().log().mean())


def _mean_loss(logits: Tensor) -> Tensor:
    return (logits.logsumexp(dim=1) - logits.diagonal()).mean()
