"""One stream of randomness per purpose, so that no part of a run disturbs another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["generator", "integer_seed", "torch_generator"]


def integer_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed that depends on the seed and every word of the purpose.

    Parameters
    ----------
    seed
        The run's model or split seed.
    purpose
        What the randomness is for, for example ``("split", "block")``. Different purposes never share a stream.

    Examples
    --------
    >>> integer_seed(0, "split") == integer_seed(0, "split")
    True
    >>> integer_seed(0, "split") == integer_seed(0, "head")
    False
    """
    text = "\x1f".join(str(part) for part in (seed, *purpose))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a NumPy generator seeded by `integer_seed` through a `SeedSequence`."""
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(integer_seed(seed, *purpose)))


def torch_generator(seed: int, *purpose: str | int, device: str = "cpu") -> torch.Generator:
    """Return a torch generator on a device, seeded by `integer_seed`."""
    import torch

    made = torch.Generator(device=device)
    made.manual_seed(integer_seed(seed, *purpose))
    return made
