"""What a figure was measured on, in words that name no host, user or folder."""

from __future__ import annotations

import torch

from urbanbench.provenance import provenance

KEPT = ("cpu", "cores", "gpu", "platform", "python")


def machine() -> dict[str, object]:
    """Return processor, cores, GPU or None, platform, and versions of Python and torch."""
    told = provenance("cuda" if torch.cuda.is_available() else "cpu")
    return {name: told[name] for name in KEPT} | {"torch": told["packages"]["torch"]}
