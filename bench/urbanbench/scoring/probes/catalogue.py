"""The probes there are, by name."""

from __future__ import annotations

from dataclasses import dataclass

from urbanbench.errors import UnknownName

__all__ = [
    "NEIGHBOURS",
    "PCA",
    "PLACELESS",
    "POSITION",
    "PROBES",
    "PROJECTION",
    "SHARES",
    "ProbeInfo",
    "probe_info",
]

POSITION, PLACELESS, NEIGHBOURS = "position", "placeless", "neighbours"
SHARES, PCA, PROJECTION = "shares", "pca", "projection"


@dataclass(frozen=True)
class ProbeInfo:
    """Name card of a probe.

    Parameters
    ----------
    name
        Name on the command line.
    summary
        One line.
    vectors
        Whether it asks the vectors, and so nothing of a floor that is nothing but its head.
    version
        Raised whenever the same vectors, targets and seed give other numbers; results of an earlier version are computed again.
    """

    name: str
    summary: str
    vectors: bool = True
    version: int = 1


PROBES: dict[str, ProbeInfo] = {
    info.name: info
    for info in (
        ProbeInfo(POSITION, "Where a unit lies, read out of its vector in place of the label."),
        ProbeInfo(PLACELESS, "The label, from vectors out of which position is projected."),
        ProbeInfo(
            NEIGHBOURS, "The label, from vectors with the mean vector of the six nearest units beside them."
        ),
        ProbeInfo(
            SHARES,
            "The label, from 1 to 100 % of the labelled units that a head may learn from.",
            vectors=False,
        ),
        ProbeInfo(PCA, "The label, from the first 2, 4, 8, … principal components of the training units."),
        ProbeInfo(PROJECTION, "The label, from 2, 4, 8, … random directions of the vectors."),
    )
}


def probe_info(name: str) -> ProbeInfo:
    """Return a probe's card.

    Raises
    ------
    UnknownName
        No probe of this name.
    """
    if name not in PROBES:
        raise UnknownName("probe", name, PROBES)
    return PROBES[name]
