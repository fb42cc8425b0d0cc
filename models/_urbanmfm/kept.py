"""Trained stages on disk: a stage that was trained before, on the same data with the same parameters, is read and not trained again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import read_through, replacing, spared
from urbanbench.hashing import code_digest, value_digest
from urbanbench.home import cache_root
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.toolkit.kept.weights import named_tensors, put_tensors
from urbanbench.toolkit.training.distributed import processes
from urbanbench.toolkit.training.stage_log import StageLog

if TYPE_CHECKING:
    from torch import Tensor, nn

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
    key = value_digest(
        {
            "parameters": {name: value for name, value in parameters.items() if name not in special},
            "code": code_digest(Path(__file__).with_name("pretrain.py")),
            "variant": dict(model.variant(view)) | {"left out": ""},
            "encoders": dict(encoders),
            "view": view.without("coordinates").key,  # which are read for the positional encoding alone
            "seed": seed,
            "device": device.partition(":")[0],
            "processes": processes(),
            "packages": learned_versions(),
        }
    )
    keys = {}
    for stage in stages:
        parts = stage.split("+")
        own = {name: parameters[name] for part in parts for name in OF_STAGE[part]}
        key = keys[stage] = value_digest([key, stage, own])
    return keys


@dataclass(frozen=True, eq=False)
class Kept:
    """A finished stage.

    Parameters
    ----------
    tensors
        Weights by "<part>/<name>".
    logs
        What happened in it.
    """

    tensors: Mapping[str, Tensor]
    logs: list[StageLog]

    def put_into(self, parts: Mapping[str, nn.Module]) -> None:
        """Give named parts their weights."""
        put_tensors(parts, self.tensors)


class KeptStage:
    """The files of one stage: its weights when it is done, and its checkpoint while it trains.

    Parameters
    ----------
    key
        From `stage_keys`.
    """

    def __init__(self, key: str) -> None:
        folder = cache_root() / "training"
        self.weights = folder / f"{key}.safetensors"
        self.checkpoint = folder / f"{key}.part.safetensors"

    def read(self) -> Kept | None:
        """Read the stage; None where there is no whole file."""
        from safetensors import SafetensorError, safe_open

        try:
            read_through(self.weights)
            with safe_open(self.weights, framework="pt") as file:
                logs = [_log(one) for one in json.loads(file.metadata()["logs"])]
                return Kept({name: file.get_tensor(name) for name in file.keys()}, logs)  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError, KeyError, ValueError):
            return None

    def save(self, parts: Mapping[str, nn.Module], logs: Sequence[StageLog]) -> None:
        """Write the weights of named parts and the stage's logs, and remove its checkpoint."""
        from safetensors.torch import save_file

        with spared("A trained stage is not kept"), replacing(self.weights) as part:
            save_file(
                named_tensors(parts), part, metadata={"logs": json.dumps([asdict(one) for one in logs])}
            )
        self.checkpoint.unlink(missing_ok=True)


def _log(fields: dict[str, Any]) -> StageLog:
    made = StageLog(**fields)
    made.checks = [(int(step), float(loss)) for step, loss in made.checks]
    return made
