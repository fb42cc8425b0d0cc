"""Learned: what a model takes from one city to another, apart from that city."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.atomic import read_through, replacing
from urbanbench.errors import BadInput, DataMissing
from urbanbench.hashing import array_digest, value_digest

__all__ = ["Learned"]


@dataclass(frozen=True, eq=False)
class Learned:
    """Named arrays, such as weights, and plain facts, such as words: nothing that only the city it was learned in has.

    Parameters
    ----------
    arrays
        Name to numbers or booleans of any shape.
    facts
        What JSON can hold.

    Raises
    ------
    BadInput
        Something else than an array of numbers, or facts that JSON cannot hold.
    """

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, one in self.arrays.items():
            if not isinstance(one, np.ndarray) or one.dtype.kind not in "biuf":
                kind = one.dtype if isinstance(one, np.ndarray) else type(one).__name__
                msg = f"What was learned holds {name!r} as {kind}. Expected a numpy array of numbers or booleans. Mend: put words under facts."
                raise BadInput(msg)
        try:
            plain = json.loads(json.dumps(dict(self.facts), allow_nan=False))
        except (TypeError, ValueError) as error:
            msg = f"Facts of what was learned cannot be written down ({error}). Expected what JSON holds: text, numbers, booleans, None, lists."
            raise BadInput(msg) from error
        object.__setattr__(self, "facts", plain)

    def digest(self) -> str:
        """Hash all of it; equal digests, equal content."""
        names = sorted(self.arrays)
        return value_digest([names, [array_digest(self.arrays[name]) for name in names], self.facts])

    def save(self, path: Path, told: Mapping[str, Any] | None = None) -> None:
        """Write a ``.safetensors`` file, atomically; `told` is kept beside, such as what the learning cost."""
        from safetensors.numpy import save_file

        words = {
            "facts": json.dumps(self.facts),
            "told": json.dumps(dict(told or {})),
            "digest": self.digest(),
        }
        whole = {name: np.array(one, order="C") for name, one in self.arrays.items()}
        with replacing(path) as part:
            save_file(whole, part, metadata=words)

    @classmethod
    def load(cls, path: Path) -> tuple[Learned, Mapping[str, Any]]:
        """Read what `save` wrote, and what was told beside it.

        Raises
        ------
        DataMissing
            No such file.
        BadInput
            Not such a file, or a damaged one.
        """
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            msg = f"No file {str(path)!r}. Expected what a model learned."
            raise DataMissing(msg)
        try:
            read_through(path)
            with safe_open(path, framework="numpy") as file:
                words = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
                made, told = cls(arrays, json.loads(words["facts"])), json.loads(words["told"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            msg = f"{path.name!r} does not hold what a model learned ({error}). Expected a whole file. Mend: remove it; it is made anew."
            raise BadInput(msg) from error
        if made.digest() != words.get("digest"):
            msg = f"{path.name!r} is damaged. Expected the digest that stands in it. Mend: remove it; it is made anew."
            raise BadInput(msg)
        return made, told
