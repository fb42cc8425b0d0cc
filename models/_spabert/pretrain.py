"""SpaBERT's training on a city's own pseudo-sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from urbanbench.errors import BadInput
from urbanbench.hashing import array_digest, value_digest
from urbanbench.models._spabert.backbones import NEW_HEAD, load_backbone
from urbanbench.models._spabert.entities import UNNAMED, Entities, gather_entities
from urbanbench.models._spabert.net import SpatialBert
from urbanbench.models._spabert.objective import MaskedObjective
from urbanbench.models._spabert.sentences import Form, Sentences, sentences_of
from urbanbench.models._spabert.words import Words
from urbanbench.toolkit.kept.feature_store import encoder_digest
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.kept_stage import KeptStage, read_or_train, training_key
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.spabert import SpaBERT

HELD_OUT, CHECK_EVERY = 0.02, 200
"""Share of the sentences that training is judged on, and steps between two checks; sentences of a city are many and alike."""

READOUT = ("radius_m",)
"""Parameters that training does not know of."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A trained model with the entities of its city.

    Parameters
    ----------
    net
        In eval mode.
    entities
        What was read of the city.
    sentences
        One per entity. Its words also have `unnamed`.
    unnamed
        Which string of the words is `UNNAMED`.
    log
        Losses of training; None where nothing was trained.
    device
        Where the net is.
    """

    net: SpatialBert
    entities: Entities
    sentences: Sentences
    unnamed: int
    log: StageLog | None
    device: str


def pretrain(model: SpaBERT, view: View, *, seed: int, device: str) -> Pretrained:
    """Train a model on a view."""
    made, head = prepare(model, view, seed=seed, device=device)
    log = _train_or_read(model, view, made, head, seed=seed) if model.train else None
    made.net.eval()
    return replace(made, log=log)


def _train_or_read(model: SpaBERT, view: View, made: Pretrained, head: str, *, seed: int) -> StageLog:
    """Train the net, or read its weights where the same sentences were trained on before, in this city or in another form of it."""
    kept = KeptStage(
        training_key(
            model,
            view,
            source=Path(__file__),
            leaving=READOUT,
            seed=seed,
            device=made.device,
            encoders={"bert": encoder_digest(made.net, made.device)},
            read=_digest(made),
        )
    )
    frequency = made.sentences.words.frequency(made.entities.name)
    if head == NEW_HEAD:
        made.net.head.start_at(torch.from_numpy(frequency).float())

    def train() -> list[StageLog]:
        objective = MaskedObjective(
            made.net,
            made.sentences,
            share=model.mask_share,
            frequency=frequency,
            parity_bugs=model.parity_bugs,
            lr=model.lr,
            lr_head=model.lr_head,
            device=made.device,
        )
        schedule = _schedule(model)
        return [train_stage(objective, schedule, seed=seed, device=made.device, checkpoint=kept.checkpoint)]

    return read_or_train(MaskedObjective.name, kept, {"net": made.net}, train)[0]


def _digest(made: Pretrained) -> str:
    """Hash all that sentences are made of: where the entities are, the tokens of their names, and the special tokens."""
    entities, words = made.entities, made.sentences.words
    mark = words.tokenizer
    return value_digest(
        [
            array_digest(
                entities.xy, entities.name, entities.spoken, words.tokens.start, words.tokens.member
            ),
            [mark.cls, mark.sep, mark.pad, mark.mask, mark.unknown, mark.size],
        ]
    )


def prepare(model: SpaBERT, view: View, *, seed: int, device: str) -> tuple[Pretrained, str]:
    """Read a city and make the net with its first weights; also say where its head comes from."""
    entities = gather_entities(
        view, poi_filter=model.poi_filter, use_name=model.use_name, use_kind=model.use_kind
    )
    with seeded_torch(seed, "spabert", "weights"):
        backbone = load_backbone(model.text_encoder, scale=model.distance_scale)
    net = backbone.net.to(device)
    _check_length(model, net)
    words = Words.of([*entities.names, UNNAMED], backbone.tokenizer, longest=model.max_tokens - 2)
    form = Form(model.neighbours, model.max_tokens, model.separators, model.fill_distance)
    sentences = sentences_of(entities, words, form)
    return Pretrained(net, entities, sentences, len(entities.names), None, device), backbone.head


def _check_length(model: SpaBERT, net: SpatialBert) -> None:
    """Refuse sentences for which the encoder has no positions."""
    most = int(net.bert.config.max_position_embeddings)
    if model.max_tokens > most:
        msg = f"Parameter 'max_tokens' of SpaBERT is {model.max_tokens}, but text encoder {model.text_encoder!r} reads at most {most} tokens. Mend: --set max_tokens={most}"
        raise BadInput(msg)


def _schedule(model: SpaBERT) -> Schedule:
    return Schedule(
        batch=model.batch,
        epochs=model.epochs,
        min_epochs=model.min_epochs,
        max_steps=model.max_steps,
        held_out=HELD_OUT,
        check_every=CHECK_EVERY,
        patience=model.patience,
        precision=model.precision,
    )
