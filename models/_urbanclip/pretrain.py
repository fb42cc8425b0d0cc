"""UrbanCLIP's training and what comes out of it: the vector of each region's tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.errors import RunRefused
from urbanbench.models._urbanclip.captioner import load_captioner, written_captions
from urbanbench.models._urbanclip.captions import (
    Captions,
    caption_source,
    collect,
    given_captions,
    split_sentences,
)
from urbanbench.models._urbanclip.objective import CaptionObjective
from urbanbench.models._urbanclip.template import cover_shares, template_sentences
from urbanbench.models._urbanclip.tiles import Tiles, gather_tiles
from urbanbench.models._urbanclip.towers import TowerMaker
from urbanbench.progress import note
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.pictures.table import PictureTable
from urbanbench.toolkit.texts.counts import rows_of
from urbanbench.toolkit.texts.place_texts import distinct_texts
from urbanbench.toolkit.training import train_stage
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanclip.net import CoCa
    from urbanbench.models.urbanclip import UrbanCLIP
    from urbanbench.units import Units

FEWEST_PAIRS = 16
"""Fewer pictures with captions teach nothing: a batch has too few candidates, and too few are left to judge by."""

COVER_SIZE = 64
"""Pixels per side in which ground cover is read."""

CHUNK = 256
"""Tiles that go through the net at once."""


@dataclass(frozen=True, eq=False)
class Seer:
    """A trained model with the tiles of a city.

    Parameters
    ----------
    tiles
        What is seen.
    net
        In eval mode.
    device
        Where the net is.
    """

    tiles: Tiles
    net: CoCa
    device: str


@dataclass(frozen=True, eq=False)
class Pretrained(Seer):
    """A trained model with the city it was trained on.

    Parameters
    ----------
    captions
        What was read.
    objective
        The loss it was trained with.
    log
        Losses.
    """

    captions: Captions
    objective: CaptionObjective
    log: StageLog


def pretrain(model: UrbanCLIP, view: View, *, seed: int, device: str) -> Pretrained:
    """Train on the pairs of tiles and sentences that a view shows.

    Raises
    ------
    RunRefused
        Fewer than 16 regions have both a picture that opens and a caption, or no captions can be had.
    """
    caption_source(view, model.captions)
    tiles = gather_tiles(view, model.tile)
    _check_number(view, len(tiles), "a picture")
    digest = tiles.digest(view.picture_digest(tiles.images))
    captions = gather_captions(model, view, tiles, digest, device)
    maker = TowerMaker(model, seed=seed, device=device)
    image = maker.image(tiles, digest)
    _tell_broken(tiles, image.ok)
    pairs = np.flatnonzero(image.ok & (captions.of_region.sizes[tiles.region] > 0))
    _check_number(view, len(pairs), "both a picture that opens and a caption")
    text = maker.text(captions.sentences)
    net = maker.net(image, text)
    objective = build_objective(model, net, tiles, captions, pairs, seed=seed, device=device)
    log = train_stage(objective, schedule_of(model), seed=seed, device=device)
    net.eval()
    return Pretrained(tiles, net, device, captions, objective, log)


def gather_captions(model: UrbanCLIP, view: View, tiles: Tiles, digest: str, device: str) -> Captions:
    """Read or write the sentences about the view's regions, all from one source."""
    source, n = caption_source(view, model.captions), len(view.region_ids)
    if source == "precomputed":
        return given_captions(view, model.drop_words)
    if source == "vlm":
        captioner = load_captioner(model.captioner, longest=model.caption_tokens)
        told = [split_sentences(one) for one in written_captions(tiles, digest, captioner, device)]
        region = tiles.region
    else:
        told, region = template_sentences(view, ground_cover(tiles, n)), np.arange(n)
    owner = np.repeat(region, [len(one) for one in told])
    return collect(owner, [sentence for one in told for sentence in one], n, model.drop_words)


def ground_cover(tiles: Tiles, n_regions: int) -> np.ndarray:
    """Return the shares of green, water and the rest in every region's tile, float64 (n_regions, 3); NaN without a picture that opens."""
    table = PictureTable(tiles.opener(COVER_SIZE), tiles.names, COVER_SIZE)
    made, start = np.full((n_regions, 3), np.nan), 0
    for pixels, ok in table.batches(np.arange(len(table)), CHUNK):
        rows = tiles.region[start : start + len(ok)]
        made[rows] = np.where(ok[:, None], cover_shares(pixels), np.nan)
        start += len(ok)
    return made


def build_objective(
    model: UrbanCLIP,
    net: CoCa,
    tiles: Tiles,
    captions: Captions,
    pairs: np.ndarray,
    *,
    seed: int,
    device: str,
) -> CaptionObjective:
    """Make the loss over the tiles `pairs`, int64 (n,), which have a picture and sentences."""
    member, owner = captions.of_region.take(tiles.region[pairs])
    return CaptionObjective(
        net,
        pairs,
        distinct_texts(tiles.images)[1][pairs],
        Groups.from_pairs(owner, member, len(pairs)),
        fixed=model.fixed_caption,
        mask_same=model.mask_same,
        caption_weight=model.caption_weight,
        lr=model.lr,
        weight_decay=model.weight_decay,
        seed=seed,
        device=device,
    )


def schedule_of(model: UrbanCLIP) -> Schedule:
    """Return how the model is trained."""
    return Schedule(
        batch=model.batch,
        epochs=model.epochs,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        warmup=model.warmup,
        held_out=model.held_out,
        patience=model.patience,
        precision=model.precision,
    )


@torch.no_grad()
def embed_units(model: UrbanCLIP, trained: Seer, view: View, units: Units) -> EmbeddingSpace:
    """Return the picture vectors of regions, of length 1; zeros where there is no picture that opens."""
    net, tiles, n = trained.net, trained.tiles, len(view.region_ids)
    table, covered = np.zeros((n, model.dim), dtype=np.float32), np.zeros(n, dtype=bool)
    shown = np.flatnonzero(net.image.ok)
    for start in range(0, len(shown), CHUNK):
        rows = shown[start : start + CHUNK]
        vectors, _ = net.see(torch.from_numpy(rows).to(trained.device))
        table[tiles.region[rows]] = vectors.cpu().numpy()
    covered[tiles.region[shown]] = True
    layer = view.satellite.index.tolist()
    saw("satellite", rows_of(layer, [view.region_ids[row] for row in tiles.region[shown]]), of=len(layer))
    wanted = rows_of(view.region_ids, units.ids)
    return EmbeddingSpace(units.level, np.array(units.ids), table[wanted], covered[wanted])


def _check_number(view: View, number: int, what: str) -> None:
    if number < FEWEST_PAIRS:
        msg = f"Only {number} of {len(view.region_ids)} regions of {view.city_name!r} have {what}. Expected at least {FEWEST_PAIRS} to train urbanclip on. Mend: add pictures to the layer 'satellite', or take a model that needs none, such as minilm-captions."
        raise RunRefused(msg)


def _tell_broken(tiles: Tiles, ok: np.ndarray) -> None:
    broken = np.flatnonzero(~ok)
    if len(broken):
        first = ", ".join(tiles.images[row] for row in broken[:3])
        more = ", …" if len(broken) > 3 else ""
        note(f"{len(broken)} of {len(ok)} pictures cannot be opened and are left out ({first}{more}).")
