"""Urban2Vec's training: the head on pairs of pictures, then the regions on their words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.errors import RunRefused
from urbanbench.models._urban2vec.features import SourceFeatures, source_features
from urbanbench.models._urban2vec.glove import RANDOM, read_word_vectors
from urbanbench.models._urban2vec.net import PictureHead, Tables
from urbanbench.models._urban2vec.pairs import FEWEST_POINTS, Pairs, draw_pairs
from urbanbench.models._urban2vec.picture_stage import PictureObjective
from urbanbench.models._urban2vec.pictures import Pictures, gather_pictures
from urbanbench.models._urban2vec.regions import chosen_pictures, filled, means
from urbanbench.models._urban2vec.word_stage import WordObjective
from urbanbench.models._urban2vec.words import RegionWords, gather_words
from urbanbench.seeds import generator
from urbanbench.seen import saw
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.urban2vec import Urban2Vec

FEWEST = 4
"""Pairs, or words, below which a step is left out."""

FIRST_DEVIATION = 0.1
"""Of the numbers of word vectors, and of regions' where there are no pictures."""

FALL_FACTOR = 0.7
"""The authors' learning rate falls to this share of itself."""

AT_ONCE = 4096
"""Pictures whose vectors are made at once."""


@dataclass(frozen=True, eq=False)
class Sight:
    """Pictures with what was learned to see in them.

    Parameters
    ----------
    pictures
        All pictures.
    features
        Features of those that were encoded.
    read
        int64 (k,): pictures that regions are read from, those that can be opened.
    head
        Trained, in eval mode.
    """

    pictures: Pictures
    features: SourceFeatures
    read: np.ndarray
    head: PictureHead

    @torch.no_grad()
    def vectors(self, picture: np.ndarray) -> np.ndarray:
        """Return vectors float32 (k, dim) of encoded pictures."""
        for one in (self.head, *self.features.modules()):
            one.eval()
        source = self.pictures.source[picture]
        parts = [source[start : start + AT_ONCE] for start in range(0, len(source), AT_ONCE)]
        made = [self.head(self.features.rows(part)).float().cpu().numpy() for part in parts]
        return np.concatenate([np.empty((0, self.head.linear.out_features), dtype=np.float32), *made])


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A trained model.

    Parameters
    ----------
    sight
        Pictures and the head; None without pictures.
    words
        Words of regions; None where POIs may not be seen.
    first
        First vectors of all regions, float32 (g, dim).
    vectors
        Last vectors of all regions, float32 (g, dim).
    covered
        bool (g,): regions with a picture or a word.
    log
        Losses of both steps.
    """

    sight: Sight | None
    words: RegionWords | None
    first: np.ndarray
    vectors: np.ndarray
    covered: np.ndarray
    log: tuple[StageLog, ...]


def pretrain(model: Urban2Vec, view: View, *, seed: int, device: str) -> Pretrained:
    """Train both steps on a view.

    Raises
    ------
    RunRefused
        The view shows neither pictures nor POIs.
    """
    if not any(view.has(one) for one in model.card.needs_any):
        msg = f"Urban2Vec sees neither street views nor footprints nor POIs of {view.city_name!r}. Expected one of the inputs street_view, polygon, poi."
        raise RunRefused(msg)
    sight, picture_log = see(model, view, seed=seed, device=device)
    words = gather_words(model, view)
    first, seen = first_vectors(model, view, sight, seed=seed)
    vectors, word_log = first, StageLog(WordObjective.name, 0, 0, skipped="POIs may not be seen")
    if words is None:
        record(word_log)
        heard = np.zeros(len(first), dtype=bool)
    else:
        vectors, word_log = read_words(model, words, first, seed=seed, device=device)
        heard = np.bincount(words.region, minlength=words.n_regions) > 0
    return Pretrained(sight, words, first, vectors, seen | heard, (picture_log, word_log))


def see(model: Urban2Vec, view: View, *, seed: int, device: str) -> tuple[Sight | None, StageLog]:
    """Train step 1."""
    pictures = gather_pictures(model, view)
    if pictures is None:
        log = StageLog(PictureObjective.name, 0, 0, skipped="no pictures")
        record(log)
        return None, log
    most = model.region_shapes if pictures.kind == "polygon" else None
    read = chosen_pictures(pictures.region, most, generator(seed, "urban2vec", "read"))
    pairs = _pairs(model, pictures, seed, None if most is None else read)
    needed = np.union1d(pictures.source[read], pictures.source[pairs.picture])
    known = needed if pictures.kind == "polygon" else np.arange(len(pictures.sources))
    features = source_features(model, view, pictures, known, seed=seed, device=device)
    ok = features.ok[pictures.source]
    with seeded_torch(seed, "urban2vec", "head"):
        head = PictureHead(features.dim, model.dim, model.dropout).to(device)
    sight = Sight(pictures, features, read[ok[read]], head)
    pairs = pairs.where(ok[pairs.picture].all(axis=1))
    layer = view.street_views if pictures.kind == "street_view" else view.buildings
    saw(pictures.kind, pictures.unit[np.union1d(sight.read, pairs.picture)], of=len(layer))
    return sight, _train_pictures(model, sight, pairs, seed, device)


def first_vectors(
    model: Urban2Vec, view: View, sight: Sight | None, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what regions start from, float32 (g, dim), and which have a picture, bool (g,)."""
    shapes = np.asarray(view.regions.geometry)
    if sight is not None and len(sight.read):
        mean, count = means(
            sight.vectors(sight.read), sight.pictures.region[sight.read], len(view.region_ids)
        )
        return filled(mean, count > 0, shapes, model.adjacent_gap_m), count > 0
    drawn = generator(seed, "urban2vec", "regions").normal(0.0, FIRST_DEVIATION, (len(shapes), model.dim))
    return drawn.astype(np.float32), np.zeros(len(shapes), dtype=bool)


def read_words(
    model: Urban2Vec, words: RegionWords, first: np.ndarray, *, seed: int, device: str
) -> tuple[np.ndarray, StageLog]:
    """Train step 2 and return the regions' vectors float32 (g, dim)."""
    table = first_words(model, words, seed)
    tables = Tables(torch.from_numpy(first), torch.from_numpy(table)).to(device)
    objective = WordObjective(
        tables,
        words,
        power=model.negative_power,
        held_out=model.word_held_out,
        margin=model.word_margin,
        lr=model.word_lr,
        rng=generator(seed, "urban2vec", "held-out words"),
        device=device,
    )
    if objective.n_anchors - len(objective.held_out) < FEWEST or len(objective.held_out) < 2:
        log = StageLog(objective.name, 0, 0, skipped=f"{objective.n_anchors} words")
        record(log)
        return first, log
    schedule = _schedule(model, model.word_batch, model.word_epochs, model.word_patience, "float32")
    log = train_stage(objective, schedule, seed=seed, device=device)
    return tables.region.detach().cpu().numpy(), log


def first_words(model: Urban2Vec, words: RegionWords, seed: int) -> np.ndarray:
    """Return the vectors words start from, float32 (v, dim)."""
    rng = generator(seed, "urban2vec", "words")
    table = rng.normal(0.0, FIRST_DEVIATION, (len(words.names), model.dim)).astype(np.float32)
    if model.word_vectors != RANDOM:
        names = words.names.tolist()
        given = read_word_vectors(Path(model.word_vectors), names, model.dim)
        for row, name in enumerate(names):
            table[row] = given.get(name, table[row])
    return table


def _pairs(model: Urban2Vec, pictures: Pictures, seed: int, read: np.ndarray | None = None) -> Pairs:
    """Draw pairs; they begin with the pictures `read`, int64 (k,), where only some are, so that few others have to be encoded."""
    point, xy = pictures.point, pictures.xy
    if model.allow_siblings:  # every picture is a point of its own, with others at its place
        point, xy = np.arange(len(pictures)), pictures.xy[pictures.point]
    return draw_pairs(
        point,
        xy,
        neighbours=model.neighbours,
        training=model.pairs,
        held_out=model.held_out_pairs,
        share=model.held_out_share,
        rng=generator(seed, "urban2vec", "pairs"),
        begins=None if read is None else np.isin(np.arange(len(xy)), point[read]),
    )


def _train_pictures(model: Urban2Vec, sight: Sight, pairs: Pairs, seed: int, device: str) -> StageLog:
    """Train the head; with hardly any pair, or without a third point for negatives, there is nothing to learn or to judge by."""
    own = np.arange(len(sight.pictures)) if model.allow_siblings else sight.pictures.point
    away, points = len(pairs) - pairs.n_training, pairs.fewest_points(own)
    if pairs.n_training < FEWEST or away < 2 or points < FEWEST_POINTS:
        told = f"{pairs.n_training} pairs of pictures to train on, {away} to judge by, with {points} points on the smaller side"
        log = StageLog(PictureObjective.name, 0, 0, skipped=told)
        record(log)
        return log
    objective = PictureObjective(
        sight.head,
        sight.features,
        pairs,
        sight.pictures.source,
        own,
        literal=model.negatives == "shuffle",
        margin=model.image_margin,
        lr=model.lr,
    )
    schedule = _schedule(model, model.batch, model.epochs, model.patience, "auto")
    log = train_stage(objective, schedule, seed=seed, device=device)
    sight.head.eval()
    return log


def _schedule(model: Urban2Vec, batch: int, epochs: int | None, patience: int, precision: str) -> Schedule:
    """Plan a step; its rate falls by the authors' factor, but at a plateau and not half-way."""
    return Schedule(
        batch=batch,
        epochs=epochs,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        warmup=0,
        patience=patience,
        fall_factor=FALL_FACTOR,
        precision=precision,
    )
