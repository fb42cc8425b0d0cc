"""Street-view memory: what a POI sees of the streets around it, as attention over nearby sampling points (Eqs. 10 to 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor, nn

from urbanbench.errors import UnknownName
from urbanbench.toolkit.ground.neighbours import nearest_centres
from urbanbench.toolkit.pictures.table import without_broken
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models._urbanmfm.streets import Streets
    from urbanbench.toolkit.features._feature_rows import PictureRows

PRIORS = ("literal", "log")


class DirectionGate(nn.Module):
    """Mix the picture that looks at a POI with those that look elsewhere (Eq. 12): two weights that sum to 1.

    Parameters
    ----------
    dim
        d, length of the vectors.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(2 * dim, 2)

    def forward(self, anchor: Tensor, context: Tensor, has_anchor: Tensor, has_context: Tensor) -> Tensor:
        """Return E_sv (m, d); where one of the two is missing it is the other.

        Parameters
        ----------
        anchor, context
            E_a and E_c of Eq. 11, (m, d); finite where they are missing too, zeros say.
        has_anchor, has_context
            bool (m,); every row has at least one of them.
        """
        known = torch.stack([has_anchor, has_context], dim=1)
        logits = self.weigh(torch.cat([anchor, context], dim=1))
        share = logits.masked_fill(~known, float("-inf")).softmax(dim=1)
        mixed: Tensor = share[:, :1] * anchor + share[:, 1:] * context
        return mixed


class StreetMemory:
    """For each of n places the nearest sampling points, how near they are and in which of their directions the place lies.

    Memory grows with n · cap; a POI and a point farther apart are never looked at.

    Parameters
    ----------
    streets
        Sampling points.
    xy
        float64 (n, 2): places, (easting, northing), metres.
    max_dist_m
        Largest distance between a place and its points, metres, and the distance at which b is a half (Eqs. 10 and 14).
    cap
        Most points of a place.
    ok
        bool (p,): which pictures of `streets` could be opened; None for all. A point without any is left out.

    Attributes
    ----------
    picture : numpy.ndarray
        int64 (g, 4): pictures of every sampling point, as in `streets`, -1 for those that could not be opened.
    point : numpy.ndarray
        int64 (n, cap): rows of `streets`, nearest first, -1 where there is none.
    sector : numpy.ndarray
        int64 (n, cap): direction in which the place lies, seen from the point.
    nearness : numpy.ndarray
        float32 (n, cap): b of Eq. 14, 0 where there is no point.
    """

    def __init__(
        self,
        streets: Streets,
        xy: np.ndarray,
        *,
        max_dist_m: float,
        cap: int = 16,
        ok: np.ndarray | None = None,
    ) -> None:
        self.picture = streets.picture if ok is None else without_broken(streets.picture, ok)
        sound = np.flatnonzero((self.picture >= 0).any(axis=1))
        index, distance = nearest_centres(xy, streets.xy[sound], radius_m=max_dist_m, cap=cap)
        self.point = np.where(index >= 0, np.append(sound, -1)[index], -1)
        self.sector = sector_of(xy[:, None] - np.vstack([streets.xy, [0.0, 0.0]])[self.point])
        self.nearness = (max_dist_m / (distance + max_dist_m)).astype(np.float32)

    @property
    def has(self) -> np.ndarray:
        """Which places have at least one sampling point, bool (n,)."""
        return np.asarray(self.point[:, 0] >= 0)


def sector_of(offset: np.ndarray) -> np.ndarray:
    """Return in which quarter a place lies, seen from a sampling point: 0 east, 1 south, 2 west, 3 north.

    Compared by coordinates and not by angle, so that borders are exact: a bearing of 45° counts as east, 135° as south, 225° as
    west, 315° as north. A place at the point itself has no bearing and counts as north.

    Parameters
    ----------
    offset
        float64 (..., 2): place minus point, (easting, northing).

    Returns
    -------
    numpy.ndarray
        int64 (...).
    """
    right, up = offset[..., 0], offset[..., 1]
    east = (right > 0) & (-right < up) & (up <= right)
    south = (up < 0) & (up < right) & (right <= -up)
    west = (right < 0) & (right <= up) & (up < -right)
    return np.asarray(np.select([east, south, west], [0, 1, 2], default=3))


def street_vectors(
    net: UrbanNet,
    pictures: PictureRows,
    memory: StreetMemory,
    rows: np.ndarray,
    text: Tensor,
    *,
    prior: str = "literal",
    temperature: float = 0.5,
) -> Tensor:
    """Return E_v of some places (Eq. 13): nearby sampling points, weighed by likeness to the place's text and by nearness.

    Parameters
    ----------
    net
        Its image projection and direction gate are used.
    pictures
        Features of the street pictures.
    memory
        Points near every place.
    rows
        int64 (m,): places, each with ``memory.has``.
    text
        E_t of these places, (m, d).
    prior
        "literal": cosine times b, as printed, where an unlike picture weighs more from afar; "log": b as a prior weight,
        ``cos / τ + ln b``.
    temperature
        τ.

    Returns
    -------
    torch.Tensor
        (m, d).
    """
    point, sector = memory.point[rows], memory.sector[rows]
    present = point >= 0
    distinct, place = np.unique(point[present] * 4 + sector[present], return_inverse=True)
    seen = sector_vectors(net, pictures, memory.picture[distinct // 4], distinct % 4)
    slot = np.zeros(point.shape, dtype=np.int64)
    slot[present] = place
    slots = on_device(slot, text.device)
    near = take_rows(seen, slots)
    length = take_rows(seen.norm(dim=1, keepdim=True).clamp(min=1e-12), slots)[..., 0]
    cosine = torch.einsum("md,mkd->mk", F.normalize(text, dim=1), near) / length
    nearness = on_device(memory.nearness[rows], text.device)
    logits = _logits(cosine, nearness, prior, temperature)
    share = logits.masked_fill(on_device(~present, text.device), float("-inf")).softmax(dim=1)
    return torch.einsum("mk,mkd->md", share, near)


def sector_vectors(net: UrbanNet, pictures: PictureRows, table: np.ndarray, sector: np.ndarray) -> Tensor:
    """Return E_sv of sampling points seen from the side of a place (Eqs. 11 and 12), (u, d).

    Parameters
    ----------
    net
        Its image projection and direction gate are used.
    pictures
        Features of the street pictures.
    table
        int64 (u, 4): pictures of each point, -1 for none; at least one.
    sector
        int64 (u,): direction of the anchor; the other pictures are its context.
    """
    present = table >= 0
    distinct, place = np.unique(table[present], return_inverse=True)
    device = net.image.weight.device
    vectors = net.encode_image(pictures.rows(torch.from_numpy(distinct)))
    slot = np.full(table.shape, len(distinct), dtype=np.int64)
    slot[present] = place
    # The row of zeros below the others stands in the empty slots, so that sums pass over them.
    padded = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
    own = np.arange(4) == sector[:, None]
    anchor = take_rows(padded, on_device(slot[own], device))
    others = slot[~own].reshape(-1, 3)
    count = on_device((present & ~own).sum(axis=1), device)
    context = take_rows(padded, on_device(others, device)).sum(dim=1) / count.clamp(min=1)[:, None]
    mixed: Tensor = net.street_gate(anchor, context, on_device(present[own], device), count > 0)
    return mixed


def _logits(cosine: Tensor, nearness: Tensor, prior: str, temperature: float) -> Tensor:
    if prior not in PRIORS:
        raise UnknownName("street prior", prior, PRIORS)
    if prior == "literal":
        return cosine * nearness / temperature
    return cosine / temperature + nearness.clamp(min=torch.finfo(nearness.dtype).tiny).log()
