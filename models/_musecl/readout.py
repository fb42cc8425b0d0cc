"""Vectors of regions from the trained parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.errors import BadInput
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.texts.counts import rows_of

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._musecl.pretrain import Pretrained
    from urbanbench.units import Units


def check_units(view: View, units: Units) -> None:
    """Refuse units that have no vectors, before anything is trained.

    Raises
    ------
    BadInput
        Units of another level than region, or unknown ids.
    """
    if units.level != "region":
        msg = f"MuseCL cannot embed units of level {units.level!r}. Expected 'region': it defines no vectors of single objects."
        raise BadInput(msg)
    rows_of(view.region_ids, units.ids)


@torch.no_grad()
def embed_regions(trained: Pretrained, view: View, units: Units) -> EmbeddingSpace:
    """Return fused vectors (n, dim); regions without any picture are zero and not covered."""
    rows = torch.from_numpy(rows_of(view.region_ids, units.ids)).to(trained.words.device)
    present = trained.kinds.present[rows]
    fused = trained.fusion(trained.kinds(rows), present).cpu().numpy()
    covered = present.any(dim=1).cpu().numpy()
    vectors = np.where(covered[:, None], fused, 0.0).astype(np.float32)
    return EmbeddingSpace("region", np.array(units.ids), vectors, covered)
