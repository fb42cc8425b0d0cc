"""UGE's two stages on a vision-language model: pictures and texts, then graphs among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from urbanbench.errors import RunRefused
from urbanbench.models._uge_vlm.backbone import Backbone, Lora, load_backbone
from urbanbench.models._uge_vlm.folder import choose_folder
from urbanbench.models._uge_vlm.material import Material, gather_material
from urbanbench.models._uge_vlm.net import UgeVlm
from urbanbench.models._uge_vlm.objective import PairObjective, readable_pairs
from urbanbench.toolkit.graphs._node_net import GraphSizes, NodeEncoder, place_waves
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from urbanbench.city.item_view import ItemView
    from urbanbench.models.uge_vlm import UgeVLM

__all__ = ["Trained", "made_new", "pretrain"]

GRAPHS = "graphs"
"""Stage 2, in which graphs are read; stage 1 is of pictures and texts."""

WAVES_M = (0.11132, 40_075_000.0)
"""Wavelengths of the location encoding: 1e-6 and 360 degrees along the equator, as the authors have them."""

FEWEST = 8
"""Lessons that a stage needs."""

LONGEST_GRADIENT = 1.0


@dataclass(frozen=True, eq=False)
class Trained:
    """A model with what it reads, and the losses of its stages."""

    net: UgeVlm
    material: Material
    logs: tuple[StageLog, ...] = ()


def pretrain(model: UgeVLM, view: ItemView, *, seed: int, device: str) -> Trained:
    """Train a model on a view's lessons, stage by stage; a stage without any is skipped.

    Graphs are read where there are lessons with graphs: those of an encoder that nothing was taught would be noise among the tokens.

    Raises
    ------
    RunRefused
        A stage has fewer than `FEWEST` lessons.
    """
    lessons = bool(model.stages)
    sides = [side for one in view.lessons for side in (one.anchor, one.positive)]
    with_graph = GRAPHS in model.stages and any(side.graph for side in sides)
    made = made_new(model, view, with_graph=with_graph, lessons=lessons, seed=seed, device=device)
    logs = tuple(_train(model, made, stage, seed=seed, device=device) for stage in model.stages)
    made.net.eval()
    return Trained(made.net, made.material, logs)


def made_new(
    model: UgeVLM, view: ItemView, *, with_graph: bool, lessons: bool, seed: int, device: str
) -> Trained:
    """Load a model, with adapters that change nothing yet and a new graph encoder where graphs are read, and read the view."""
    lora = Lora(model.rank, model.alpha, model.dropout)
    with seeded_torch(seed, "uge-vlm", "weights"):
        backbone = load_backbone(
            choose_folder(model.weights), lora, device=device, checkpointing=model.checkpointing
        )
        material = gather_material(model, view, backbone, lessons=lessons, with_graph=with_graph)
        graphs = _graph_encoder(model, backbone).to(device) if with_graph else None
    return Trained(UgeVlm(backbone, graphs).eval(), material)


def _graph_encoder(model: UgeVLM, backbone: Backbone) -> NodeEncoder:
    return NodeEncoder(
        GraphSizes(
            text_dim=backbone.dim,
            dim=model.graph_dim,
            out=backbone.dim,
            heads=model.graph_heads,
            layers=model.graph_layers,
            edge_dim=model.edge_dim,
            place=True,
            edges=True,
            dropout=model.dropout,
        ),
        places=partial(place_waves, waves_m=WAVES_M),
    )


def _train(model: UgeVLM, made: Trained, stage: str, *, seed: int, device: str) -> StageLog:
    pairs = readable_pairs(made.material, with_graph=stage == GRAPHS)
    if not pairs or (stage == GRAPHS and made.net.graphs is None):
        log = StageLog(stage, 0, 0, skipped="no lesson has a graph" if pairs else "no lesson can be read")
        record(log)
        return log
    if len(pairs) < FEWEST or len({left.image or left.graph or left.text for left, _ in pairs}) < 2:
        msg = f"Stage {stage!r} of uge-vlm has {len(pairs)} lessons that can be read. Expected at least {FEWEST}, of two pictures or more. Mend: --set stages= for a model that is not trained."
        raise RunRefused(msg)
    scale = model.lr_scale if stage == GRAPHS else 1.0
    rates = {"adapters": model.lr * scale} | ({"graphs": model.lr_graph} if stage == GRAPHS else {})
    objective = PairObjective(
        stage,
        made.net,
        made.material,
        pairs,
        rates,
        temperature=model.temperature,
        weight_decay=model.weight_decay,
        choose=model.choose,
        held_out=model.held_out,
        batch=model.batch,
        seed=seed,
    )
    kept_away = 0 if objective.held_out is None else len(objective.held_out)
    return train_stage(objective, _schedule(model, len(pairs) - kept_away), seed=seed, device=device)


def _schedule(model: UgeVLM, lessons: int) -> Schedule:
    per_epoch = max(1, lessons // model.batch)
    caps = [model.max_steps, None if model.epochs is None else model.epochs * per_epoch]
    longest = min((one for one in caps if one is not None), default=per_epoch)
    return Schedule(
        batch=model.batch,
        epochs=model.epochs,
        min_epochs=model.min_epochs,
        max_steps=model.max_steps,
        warmup=round(model.warmup * longest),
        held_out=model.held_out,
        check_every=max(1, min(per_epoch // 2, model.check_every)),
        patience=model.patience,
        precision=model.precision,
        max_norm=LONGEST_GRADIENT,
    )
