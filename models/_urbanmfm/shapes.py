"""What the image encoder says of footprints, with their surface (Eq. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
import torch
from torch import Tensor

from urbanbench.toolkit.shapes.polygon import surface_share

if TYPE_CHECKING:
    import numpy as np


class Shapes:
    """Raster features (p, image_dim) and surface shares (p,) of footprints."""

    def __init__(self, features: Tensor, surface: Tensor) -> None:
        self.features, self.surface = features, surface

    def __len__(self) -> int:
        return len(self.features)


def shape_surface(polygons: np.ndarray, a_max_m2: float, device: str) -> Tensor:
    """Return the surface shares (p,) of footprints; `a_max_m2` counts as 1."""
    return torch.from_numpy(surface_share(shapely.area(polygons), a_max_m2=a_max_m2)).to(device)
