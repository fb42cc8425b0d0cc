"""UGE's two stages and what comes out of them: the vectors of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.errors import RunRefused
from urbanbench.models._uge.graph_net import GraphEncoder
from urbanbench.models._uge.material import Material, gather_material
from urbanbench.models._uge.net import Rows, Towers
from urbanbench.models._uge.objective import Lessons, PairObjective, forms_of, pictures_of
from urbanbench.models._uge.pictures import ImageTower
from urbanbench.models._uge.texts import TextTower
from urbanbench.seeds import generator
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.graphs._node_net import GraphSizes
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule

if TYPE_CHECKING:
    from urbanbench.city.item_view import ItemView
    from urbanbench.items import Lesson
    from urbanbench.models.uge import UGE
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.toolkit.training.stage_log import StageLog
    from urbanbench.units import Units

__all__ = ["Trained", "build_towers", "embed_items", "image_encoder", "pretrain"]

FEWEST_PICTURES = 8
"""Fewer pictures with lessons teach nothing: a batch has too few candidates, and too few are left to judge by."""

CHUNK = 256
"""Items that go through the towers at once."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A model that has learned what it can.

    Parameters
    ----------
    towers
        In eval mode.
    encoder
        What looks at pictures; None where no pictures may be seen.
    logs
        Losses of the stages.
    seed
        What first weights were drawn from.
    device
        Where the towers are.
    """

    towers: Towers
    encoder: ImageEncoder | None
    logs: tuple[StageLog, ...]
    seed: int
    device: str


@dataclass(frozen=True, eq=False)
class _School:
    """Lessons of a view as rows."""

    lessons: tuple[Lesson, ...]
    anchor: Rows
    positive: Rows
    about: np.ndarray
    held_out: np.ndarray
    material: Material


def pretrain(model: UGE, view: ItemView, *, seed: int, device: str) -> Trained:
    """Learn from a view's lessons, one stage after the other.

    Raises
    ------
    RunRefused
        Fewer than 8 pictures have lessons of which both sides can be read.
    """
    encoder = image_encoder(model, seed) if view.has("street_view") else None
    material = gather_material(model, view, encoder, lessons=True, seed=seed, device=device)
    school = _school(model, view, material, seed)
    towers = build_towers(model, material.clauses.shape[1], encoder, seed, device)
    if towers.image is not None and material.views is not None:
        _fit_images(towers.image, material, school)
    logs = []
    for stage in _taught(model, material):
        lessons = _lessons(school, stage)
        if len(lessons) < FEWEST_PICTURES:
            msg = f"uge has {len(lessons)} pictures with lessons for stage {stage!r}. Expected at least {FEWEST_PICTURES}. Mend: a city with more street views, or --set stages= for towers that learn nothing."
            raise RunRefused(msg)
        if stage == "graph":
            towers.begin_graphs()
        objective = PairObjective(
            stage,
            towers,
            material,
            lessons,
            _rates(model, stage),
            temperature=model.temperature,
            drop=(model.drop_graph, model.drop_image),
            weight_decay=model.weight_decay,
        )
        logs.append(train_stage(objective, schedule_of(model), seed=seed, device=device))
    _tell_used(view, material, np.concatenate([school.anchor.image, school.positive.image]))
    return Trained(towers.eval(), encoder, tuple(logs), seed, device)


@torch.no_grad()
def embed_items(model: UGE, trained: Trained, view: ItemView, units: Units) -> EmbeddingSpace:
    """Return the vectors of items, of length 1; zeros where nothing of an item can be read."""
    encoder, device = trained.encoder, trained.device
    material = gather_material(model, view, encoder, lessons=False, seed=trained.seed, device=device)
    names = sorted(view.items)
    items = [view.items[name] for name in names]
    rows, known = material.rows(items), np.flatnonzero(material.told(items))
    table = np.zeros((len(names) + 1, model.dim), dtype=np.float32)
    for start in range(0, len(known), CHUNK):
        some = known[start : start + CHUNK]
        table[some] = trained.towers(rows.take(some), material).float().cpu().numpy()
    covered = np.zeros(len(names) + 1, dtype=bool)
    covered[known] = True
    place = {name: row for row, name in enumerate(names)}
    row = np.array([place.get(name, len(names)) for name in units.ids], dtype=np.int64)
    _tell_used(view, material, rows.image[known])
    return EmbeddingSpace(units.level, np.array(units.ids), table[row], covered[row])


def build_towers(model: UGE, text_dim: int, encoder: ImageEncoder | None, seed: int, device: str) -> Towers:
    """Make the towers with first weights that follow from the seed, each from its own, so that none changes with another."""
    with seeded_torch(seed, "uge", "text"):
        text = TextTower(text_dim, model.dim, model.dropout)
    with seeded_torch(seed, "uge", "image"):
        image = None if encoder is None else ImageTower(encoder.dim, model.dim, model.dropout)
    sizes = GraphSizes(
        text_dim,
        model.graph_dim,
        model.dim,
        model.heads,
        model.graph_layers,
        model.edge_dim,
        place=model.node_place,
        edges=model.edge_features,
        dropout=model.dropout,
    )
    with seeded_torch(seed, "uge", "graph"):
        graph = GraphEncoder(sizes) if model.reads_graphs else None
    with seeded_torch(seed, "uge", "fusion"):
        return Towers(image, text, graph, model.dim).to(device)


def image_encoder(model: UGE, seed: int) -> ImageEncoder:
    """Load what looks at pictures."""
    with seeded_torch(seed, "uge", "image encoder"):
        return load_image_encoder(model.image_encoder)


def schedule_of(model: UGE) -> Schedule:
    """Return how a stage is trained."""
    return Schedule(
        batch=model.batch,
        epochs=model.epochs,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        warmup=model.warmup,
        held_out=model.held_out,
        check_every=model.check_every,
        patience=model.patience,
        precision=model.precision,
        max_norm=1.0,
    )


def _school(model: UGE, view: ItemView, material: Material, seed: int) -> _School:
    """Lay lessons out as rows, and draw the pictures that both stages are judged on."""
    lessons = view.lessons
    anchor = material.rows([one.anchor for one in lessons])
    positive = material.rows([one.positive for one in lessons])
    about = pictures_of(anchor)
    n = int(about.max(initial=-1)) + 1
    count = max(2, min(max(round(n * model.held_out), model.batch), n // 5))
    held_out = generator(seed, "uge", "held out").permutation(n)[:count]
    return _School(lessons, anchor, positive, about, held_out, material)


def _taught(model: UGE, material: Material) -> Sequence[str]:
    """Return the stages for which there is something to read, in order."""
    there = {"text": material.views is not None, "graph": material.graphs is not None}
    return [stage for stage in ("text", "graph") if stage in model.stages and there[stage]]


def _lessons(school: _School, stage: str) -> Lessons:
    """Return the lessons of a stage: without graphs in the first; of both only those of which each side can be read."""
    sides = [
        (rows.without_graph() if stage == "text" else rows, items)
        for rows, items in (
            (school.anchor, [one.anchor for one in school.lessons]),
            (school.positive, [one.positive for one in school.lessons]),
        )
    ]
    told = [
        (rows.image >= 0) | (rows.graph >= 0) | np.array([bool(one.text) for one in items], dtype=bool)
        for rows, items in sides
    ]
    kept = np.flatnonzero(told[0] & told[1])
    taught = [school.lessons[row] for row in kept]
    kind = forms_of(
        [one.kind for one in taught], [one.anchor.text for one in taught], len(np.unique(school.about[kept]))
    )
    return Lessons(sides[0][0].take(kept), sides[1][0].take(kept), kind, school.about[kept], school.held_out)


def _rates(model: UGE, stage: str) -> dict[str, float]:
    """Return the learning rates of a stage by tower."""
    if stage == "text":
        return dict.fromkeys(("image", "text", "fusion"), model.lr)
    slow = model.graph_lr * model.lr_scale
    return {"image": slow, "text": slow, "graph": model.graph_lr, "fusion": model.graph_lr}


@torch.no_grad()
def _fit_images(tower: ImageTower, material: Material, school: _School) -> None:
    """Let the tower know the spread of the pictures it learns from."""
    rows = np.unique(np.concatenate([school.anchor.image, school.positive.image]))
    rows = rows[rows >= 0]
    if material.views is not None and len(rows) > 1:
        tower.fit(
            torch.cat(
                [material.views.vectors(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
            )
        )


def _tell_used(view: ItemView, material: Material, rows: np.ndarray) -> None:
    """Say which street views entered training or a vector."""
    if material.views is None:
        return
    used = {material.view_ids[row] for row in rows[rows >= 0].tolist()}
    saw("street_view", np.asarray(view.street_views.index.isin(list(used))))
