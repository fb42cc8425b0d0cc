"""What UrbanMFM reads of a view, in the form its objectives take it: made once, before any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.models._urbanmfm.adjacent import adjacent_regions
from urbanbench.models._urbanmfm.flows import Flows, flow_features
from urbanbench.models._urbanmfm.overheads import Overheads, gather_overheads
from urbanbench.models._urbanmfm.reach import cap_within
from urbanbench.models._urbanmfm.stars import StarTable
from urbanbench.models._urbanmfm.streets import Streets, gather_streets
from urbanbench.toolkit.ground.neighbours import nearest_within
from urbanbench.toolkit.ground.places import Places, gather_places

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.models.urbanmfm import UrbanMFM


@dataclass(frozen=True, eq=False)
class Material:
    """The things of a city, without any feature of theirs.

    Parameters
    ----------
    places
        POIs.
    stars
        Neighbours of every POI.
    streets, overheads
        Street view points and satellite images; None where they may not be seen.
    adjacent
        Neighbours of every region; None without satellite images.
    flows
        Trips of every region; None if they are not asked for or may not be seen.
    """

    places: Places
    stars: StarTable
    streets: Streets | None
    overheads: Overheads | None
    adjacent: StarTable | None
    flows: Flows | None


def gather_material(model: UrbanMFM, view: View, *, flow_scale: np.ndarray | None = None) -> Material:
    """Read everything that the model uses of a view, its roads excepted; trips as z-scores of this city, or by another's scale.

    Raises
    ------
    RunRefused
        No POI is left after the filter.
    """
    places = gather_places(
        view, poi_filter=model.poi_filter, use_name=model.use_name, untagged=model.untagged
    )
    cap = cap_within(model.max_neighbours, model.max_dist_m)
    neighbour, distance = nearest_within(places.xy, radius_m=model.max_dist_m, cap=cap)
    overheads = gather_overheads(view)
    return Material(
        places,
        StarTable(neighbour, distance),
        gather_streets(view),
        overheads,
        adjacent_regions(view.regions, gap_m=model.adjacent_gap_m, cap=model.max_adjacent)
        if overheads
        else None,
        flow_features(view, flow_scale) if model.flows else None,
    )
