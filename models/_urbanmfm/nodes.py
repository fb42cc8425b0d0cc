"""What stands for a region in the global graph: its picture from above, its POIs, its trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from urbanbench.models._urbanmfm.net import replaced, unit
from urbanbench.models._urbanmfm.stars import Stars, StarTable
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._urbanmfm.flows import Flows
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.toolkit.features._feature_rows import PictureRows


def seen_from_above(pictures: PictureRows, picture: np.ndarray) -> np.ndarray:
    """Return bool (n_regions,): regions with a picture that could be opened; `picture` is int64 (n_regions,), -1 for none."""
    return np.asarray((picture >= 0) & pictures.ok[np.maximum(picture, 0)])


def only_among(stars: StarTable, kept: np.ndarray) -> StarTable:
    """Return the stars without the neighbours that are not in `kept`, bool (n,)."""
    stays = (stars.neighbour >= 0) & kept[np.maximum(stars.neighbour, 0)]
    return StarTable(np.where(stays, stars.neighbour, -1), stars.distance_m)


def macro_vectors(net: UrbanNet, pictures: PictureRows, picture: Tensor, *, raw: bool = False) -> Tensor:
    """Return E_macro (n, d) at length 1, or with `raw` at its own, of the pictures in `picture` (n,); Eq. 1 with a projection."""
    made: Tensor = net.image(pictures.rows(picture))
    return made if raw else unit(made)


def macro_nodes(net: UrbanNet, pictures: PictureRows, picture: np.ndarray, stars: Stars) -> Tensor:
    """Return E_macro of the regions in all slots, (b, k + 1, d), each distinct picture encoded once.

    Parameters
    ----------
    net, pictures
        Projection and features.
    picture
        int64 (n_regions,): picture of every region.
    stars
        Graphs on the CPU whose nodes all have a picture. Empty slots hold that of the centre.
    """
    node = torch.where(stars.present, stars.node, stars.node[:, :1]).numpy()
    distinct, place = np.unique(picture[node], return_inverse=True)
    vectors = macro_vectors(net, pictures, torch.from_numpy(distinct))
    return take_rows(vectors, on_device(place.reshape(node.shape), vectors.device))


def trip_vectors(net: UrbanNet, flows: Flows, regions: np.ndarray, device: str) -> Tensor:
    """Return E_traj of some regions, (r, d)."""
    made: Tensor = net.flow(on_device(flows.features[regions], device))
    return made


def with_trips(
    net: UrbanNet, flows: Flows, regions: np.ndarray, means: Tensor, *, raw: bool = False
) -> Tensor:
    """Fuse the vectors of some regions, (r, d), with their trips; those without trips stay as they are, others have length 1.

    With `raw` those that are fused keep the length the fusion gives them.
    """
    has = flows.has[regions]
    if not has.any():
        return means
    chosen = on_device(np.flatnonzero(has), means.device)
    trips = trip_vectors(net, flows, regions[has], str(means.device))
    fused = net.fuse_flow(take_rows(means, chosen), trips)
    return replaced(means, has, fused if raw else unit(fused))
