"""Ask vectors a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.scoring.probes.catalogue import (
    NEIGHBOURS,
    PCA,
    PLACELESS,
    POSITION,
    PROJECTION,
    SHARES,
    probe_info,
)
from urbanbench.scoring.probes.contract import Subject
from urbanbench.scoring.probes.dims import probe_pca, probe_projection
from urbanbench.scoring.probes.neighbours import probe_neighbours
from urbanbench.scoring.probes.placeless import probe_placeless
from urbanbench.scoring.probes.position import probe_position
from urbanbench.scoring.probes.shares import probe_shares

if TYPE_CHECKING:
    from urbanbench.scoring.probes.contract import Probed
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace

__all__ = ["probe"]

_ASK = {
    POSITION: probe_position,
    PLACELESS: probe_placeless,
    NEIGHBOURS: probe_neighbours,
    SHARES: probe_shares,
    PCA: probe_pca,
    PROJECTION: probe_projection,
}


def probe(
    name: str, space: EmbeddingSpace, targets: Targets, protocol: Protocol, *, device: str = "cpu"
) -> Probed:
    """Ask frozen vectors a probe, with the splits, seeds and head of their ordinary row.

    Parameters
    ----------
    name
        A key of `urbanbench.scoring.probes.catalogue.PROBES`.
    space
        A row for every labelled unit, in any order; more rows do no harm.
    targets
        The labelled units.
    protocol
        Split, head and seeds.
    device
        Where a head that can use an accelerator runs: "cpu" or "cuda".

    Raises
    ------
    UnknownName
        No probe of this name.
    BadInput
        The space is of another level or lacks a unit, or the split is impossible.
    """
    return _ASK[probe_info(name).name](Subject.of(space, targets, protocol, device))
