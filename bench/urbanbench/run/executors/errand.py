"""What is said between the machine that asks for a cell and the one that does it: text, and nothing but text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from urbanbench.apart import Limits
from urbanbench.result import RunSpec

__all__ = ["Answer", "Errand", "Shipment", "spec_from", "spec_told"]


@dataclass(frozen=True)
class Shipment:
    """A city folder or files that a cell needs and that only the asking machine has.

    Parameters
    ----------
    field
        Which word of the spec means it.
    sha256
        Of the archive that holds it; what it is known by everywhere.
    word
        Of a city the name it goes by; of a file its path in the archive, behind `prefix`.
    city
        Whether it is a city folder.
    prefix
        What stands before the path in the spec's word.
    origin
        The folder here that its words are looked up in, as messages are to name it.
    """

    field: str
    sha256: str
    word: str
    city: bool = False
    prefix: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Errand:
    """A cell to be done elsewhere.

    Parameters
    ----------
    spec
        In its words there; those of shipments are put in when these have arrived.
    run_id, foreign
        What the cell's id and the digests of its plugins' files must be there.
    code
        What `urbanbench.run.executors.sameness.this_code` gave.
    overwrite, device, limits
        As `urbanbench.run.executors.contract.Work`; limits as seconds and megabytes.
    kept
        The result that is there, as its file has it; "" for none.
    guests
        The foreign plugins it runs.
    threads
        Variables that settle how many threads numeric libraries use.
    shipments
        What has to arrive first.
    vectors
        Names of the cache's files that were made for it already.
    """

    spec: Mapping[str, Any]
    run_id: str
    foreign: Mapping[str, str]
    code: Mapping[str, str]
    overwrite: str
    device: str
    limits: Sequence[float | None] = (None, None)
    kept: str = ""
    guests: str = ""
    threads: Mapping[str, str] = field(default_factory=dict)
    shipments: Sequence[Shipment] = ()
    vectors: Sequence[str] = ()

    def write(self) -> str:
        """Return the errand as text."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `write` gave."""
        told = json.loads(text)
        return cls(**told | {"shipments": [Shipment(**one) for one in told["shipments"]]})

    @property
    def most(self) -> Limits:
        """What the cell may take."""
        return Limits(*self.limits)


@dataclass(frozen=True)
class Answer:
    """What became of an errand.

    Parameters
    ----------
    new
        Whether the cell was computed, and not kept.
    reason
        Why there is no row; "" where there is one.
    over_limit, killed
        Whether a limit ended it; whether its process was killed by somebody else.
    differs
        How the node's code differs from the asking machine's; the cell was not begun then.
    vectors
        Names of the cache's files that hold the vectors it used.
    arrived
        Archives that came to the node for this errand: its name, and theirs.
    """

    new: bool = False
    reason: str = ""
    over_limit: bool = False
    killed: bool = False
    differs: str = ""
    vectors: Sequence[str] = ()
    arrived: Sequence[Sequence[str]] = ()

    def write(self) -> str:
        """Return the answer as text."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """Read what `write` gave."""
        return cls(**json.loads(text))


def spec_told(spec: RunSpec) -> dict[str, Any]:
    """Return a spec as a JSON-like value."""
    return asdict(spec)


def spec_from(told: Mapping[str, Any]) -> RunSpec:
    """Return the spec of which `spec_told` told."""
    lists = {
        "settings": tuple((name, text) for name, text in told["settings"]),
        "seeds": tuple(told["seeds"]),
    }
    return RunSpec(**{**told, **lists})
