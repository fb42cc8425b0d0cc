"""MuseCL's training: one stage per kind of pictures, the words of the POIs, and the fusion of all."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.errors import RunRefused
from urbanbench.models._musecl.compare import likeness_of
from urbanbench.models._musecl.fusion import AlignObjective, Fusion, Kinds
from urbanbench.models._musecl.likeness import FEWEST, find_partners
from urbanbench.models._musecl.pictures import overhead_pictures, street_pictures
from urbanbench.models._musecl.sources import Source, frozen_source, trained_source
from urbanbench.models._musecl.triplets import TripletObjective, region_means
from urbanbench.models._musecl.words import gather_places, region_words
from urbanbench.progress import note
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urbanbench.city.view import View
    from urbanbench.models._musecl.likeness import Likeness
    from urbanbench.models._musecl.pictures import Pictures
    from urbanbench.models.musecl import MuseCL

FALL_FACTOR = 0.7
"""The authors' learning rate falls to this share of itself, after 10 of 20 epochs; ours falls at plateaus."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """The trained parts with what they say of the regions of a view.

    Parameters
    ----------
    kinds
        Vectors of the regions' pictures by kind.
    words
        POI vectors (n_regions, dim).
    fusion
        Trained, in eval mode.
    log
        Losses of all stages.
    names, encoders
        What the kinds are called, and the encoders that were trained along.
    """

    kinds: Kinds
    words: Tensor
    fusion: Fusion
    log: tuple[StageLog, ...]
    names: tuple[str, ...]
    encoders: Mapping[str, nn.Module]


@dataclass(frozen=True)
class Kind:
    """What distinguishes the two kinds of pictures.

    Parameters
    ----------
    name
        Of the stage: "street" or "overhead".
    encoder
        Name or folder.
    likeness
        What makes regions alike.
    batch, epochs
        Of training: triplets per step, and most epochs.
    """

    name: str
    encoder: str
    likeness: str
    batch: int
    epochs: int | None


@dataclass(frozen=True, eq=False)
class TrainedKind:
    """A kind of pictures after its stage.

    Parameters
    ----------
    name
        Of the kind.
    features
        Mean features of the regions' pictures, (n_regions, features).
    head
        Makes vectors of them.
    has
        bool (n_regions,): regions with pictures that can be opened.
    log
        Losses.
    encoder
        The encoder that was trained along; None where it is frozen.
    """

    name: str
    features: Tensor
    head: nn.Linear
    has: np.ndarray
    log: StageLog
    encoder: nn.Module | None


def pretrain(model: MuseCL, view: View, *, seed: int, device: str) -> Pretrained:
    """Train all stages on a view.

    Raises
    ------
    RunRefused
        Too few regions have pictures, or trips are asked for that cannot be seen.
    """
    places = gather_places(view)
    trained = [
        train_kind(model, kind, pictures, likeness_of(kind.likeness, view, places), seed=seed, device=device)
        for kind, pictures in pictures_by_kind(model, view)
    ]
    made = [one for one in trained if one is not None]
    if not made:
        msg = f"MuseCL has no kind of pictures that {FEWEST} comparable regions of {view.city_name!r} have. Expected street views, satellite pictures or buildings, and POIs, in at least {FEWEST} regions."
        raise RunRefused(msg)
    present = torch.from_numpy(np.column_stack([one.has for one in made])).to(device)
    kinds = Kinds([one.features for one in made], [one.head for one in made], present)
    vectors, told = region_words(model, places, seed=seed)
    words = torch.from_numpy(vectors).to(device)
    fusion, log = train_fusion(model, kinds, words, seed=seed, device=device)
    logs = (*(one.log for one in made), told, log)
    encoders = {one.name: one.encoder for one in made if one.encoder is not None}
    return Pretrained(kinds.eval(), words, fusion.eval(), logs, tuple(one.name for one in made), encoders)


def pictures_by_kind(model: MuseCL, view: View) -> list[tuple[Kind, Pictures]]:
    """Return the kinds of pictures that may be seen."""
    street = Kind(
        "street",
        model.street_encoder,
        model.street_likeness(view),
        model.street_batch,
        model.street_epochs,
    )
    overhead = Kind("overhead", model.overhead_encoder, "poi", model.overhead_batch, model.overhead_epochs)
    keep = model.train_encoders
    found = [
        (street, street_pictures(view, model.street_size, keep=keep)),
        (overhead, overhead_pictures(view, model.overhead_size, keep=keep)),
    ]
    return [(kind, pictures) for kind, pictures in found if pictures is not None]


def train_kind(
    model: MuseCL, kind: Kind, pictures: Pictures, likeness: Likeness, *, seed: int, device: str
) -> TrainedKind | None:
    """Train one kind of pictures; None where too few regions have any and can be compared."""
    source = source_of(model, kind, pictures, seed, device)
    groups = pictures.without(source.ok)
    tell_broken(kind.name, source.ok)
    regions = np.flatnonzero((groups.sizes > 0) & likeness.comparable)
    if len(regions) < FEWEST:
        record(StageLog(kind.name, 0, 0, skipped=f"{len(regions)} regions with pictures can be compared"))
        return None
    pictures.shown.tell(source.ok)
    with seeded_torch(seed, "musecl", kind.name, "head"):
        head = nn.Linear(source.dim, model.dim).to(device)
    partners = find_partners(likeness, regions, top_k=model.top_k, spared=model.spared, seed=seed)
    objective = TripletObjective(
        kind.name, source, head, partners, groups, margin=model.margin, lr=model.lr, device=device
    )
    log = train_stage(objective, _schedule(model, kind), seed=seed, device=device)
    means = region_means(source, groups, device)
    encoder = next(iter(source.modules()), None)
    return TrainedKind(kind.name, means, head, groups.sizes > 0, log, encoder)


def train_fusion(
    model: MuseCL, kinds: Kinds, words: Tensor, *, seed: int, device: str
) -> tuple[Fusion, StageLog]:
    """Train the scorer; where there is nothing for it to learn from, it stays as it was drawn."""
    with seeded_torch(seed, "musecl", "fusion"):
        fusion = Fusion(model.dim).to(device)
    objective = AlignObjective(
        fusion,
        kinds,
        words,
        train_heads=model.align == "projections",
        loss=model.fusion_loss,
        temperature=model.temperature,
        lr=model.fusion_lr,
    )
    if objective.n_anchors < FEWEST:
        what = "words and any picture" if objective.train_heads else "words and both kinds of pictures"
        log = StageLog(objective.name, 0, 0, skipped=f"{objective.n_anchors} regions have {what}")
        record(log)
        return fusion, log
    plan = Schedule(
        batch=model.fusion_batch,
        epochs=model.fusion_epochs,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        warmup=0,
        patience=model.patience,
        precision="float32",
    )
    return fusion, train_stage(objective, plan, seed=seed, device=device)


def source_of(model: MuseCL, kind: Kind, pictures: Pictures, seed: int, device: str) -> Source:
    """Return what an encoder says of pictures of a kind; where it is trained along, it has the weights it is loaded with."""
    with seeded_torch(seed, "musecl", kind.name, "encoder"):
        encoder = load_image_encoder(kind.encoder)
    if not model.train_encoders:
        return frozen_source(encoder, pictures, device)
    return trained_source(encoder, pictures, "mirror" if kind.name == "street" else "turn", device)


def _schedule(model: MuseCL, kind: Kind) -> Schedule:
    """Plan at most as many steps as `triplets` triplets per epoch make; an anchor is drawn anew each time it is met."""
    caps = [model.max_steps, None if kind.epochs is None else ceil(kind.epochs * model.triplets / kind.batch)]
    return Schedule(
        batch=kind.batch,
        min_steps=model.min_steps,
        max_steps=min((one for one in caps if one is not None), default=None),
        warmup=0,
        patience=model.patience,
        fall_factor=FALL_FACTOR,
    )


def tell_broken(name: str, ok: np.ndarray) -> None:
    """Tell how many pictures cannot be opened, if there are any."""
    if not ok.all():
        note(f"{int((~ok).sum())} of {len(ok)} {name} pictures cannot be opened and are left out.")
