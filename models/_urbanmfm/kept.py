"""What each stage of UrbanMFM depends on, so that runs share the stages they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.hashing import value_digest
from urbanbench.toolkit.training.kept_stage import training_key

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.urbanmfm import UrbanMFM

READOUT = ("pooling", "poi_vector", "raw_length", "graph_vector", "with_pe", "context_radius_m")
"""Parameters that no stage knows of."""

OF_STAGE: Mapping[str, tuple[str, ...]] = {
    "poi": ("grouping", "road_radius_m", "road_pois", "include_self", "knn_neighbours", "max_dist_m"),
    "svi": ("scene", "scene_encoder", "literal_views"),
    "local": ("max_dist_m", "max_neighbours", "max_street_views", "street_prior", "drop_share", "lr_new"),
    "macro": ("dbscan_eps_m", "dbscan_unit", "min_pts", "cosine_threshold", "log_density", "similar_regions"),
    "global": (
        "max_dist_m", "max_street_views", "street_prior", "region_pois", "adjacent_gap_m", "max_adjacent",
        "fusion_dropout", "gate_relu", "flows", "lr_global", "lr_new",
    ),
}  # fmt: skip
"""Parameters that only these stages read. All others count for every stage."""


def stage_keys(
    model: UrbanMFM,
    view: View,
    stages: Sequence[str],
    *,
    seed: int,
    device: str,
    encoders: Mapping[str, str],
) -> dict[str, str]:
    """Return one key per stage: a hash of all that its weights depend on, the stages before it among them.

    So runs that differ only in later stages, or in how vectors are read out, share the stages they have in common.

    Parameters
    ----------
    model, view, stages, seed, device
        What is trained, on what, in which order, and where.
    encoders
        What `urbanbench.toolkit.kept.feature_store.encoder_digest` says of each encoder before any training.
    """
    parameters = model.parameters()
    special = {name for names in OF_STAGE.values() for name in names} | {*READOUT, "stages"}
    key = training_key(
        model,
        view,
        source=Path(__file__).with_name("pretrain.py"),
        leaving=special,
        seed=seed,
        device=device,
        encoders=encoders,
    )
    keys = {}
    for stage in stages:
        parts = stage.split("+")
        own = {name: parameters[name] for part in parts for name in OF_STAGE[part]}
        key = keys[stage] = value_digest([key, stage, own])
    return keys
