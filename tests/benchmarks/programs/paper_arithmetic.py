"""What the preset `paper` costs in a city as large as the paper's Singapore: steps, arithmetic and memory of every stage; prints JSON.

The encoders are as large as bert-base-uncased and ResNet18, with random weights. Their part of a step is counted: texts and
pictures of whole batches are drawn, and the arithmetic of one text or picture, counted by torch, is multiplied. Everything else
of a step runs at its full size. `paper_scale.py` trains all of it.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from growth import net_of
from paper_scale import PICTURE_SIDE, TINY_SETTINGS, save_encoders
from PIL import Image
from synthetic_city import SINGAPORE, SyntheticCity
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from urbanbench.models._urbanmfm.material import gather_material
from urbanbench.models._urbanmfm.shapes import Shapes
from urbanbench.models._urbanmfm.stages import Workshop, objective_of
from urbanbench.models.urbanmfm import STAGES, UrbanMFM
from urbanbench.toolkit.features._feature_rows import (
    MOST_TOKENS,
    TOKENS_TO_START,
    Frozen,
    FrozenPictures,
    TunedPictures,
    TunedTexts,
)
from urbanbench.toolkit.features._inner_values import MOST_ON_GPU
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.pixel_store import PixelStore
from urbanbench.toolkit.pictures.table import PictureTable, pictures_at_once
from urbanbench.toolkit.shapes.polygon import rasterise
from urbanbench.toolkit.texts._token_store import parts_by_length
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage import Stage

BATCHES = 3
FEW = 8
"""Anchors of the steps with encoders that are really taken."""

SMALLEST = 0.005


def main(share, *, tiny):
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        save_encoders(Path(folder), tiny=tiny)
        paths = {"text_encoder": f"{folder}/bert", "image_encoder": f"{folder}/resnet"}
        settings = paths | {"scene": "none"} | (TINY_SETTINGS if tiny else {})
        model = UrbanMFM.from_settings("paper", settings)
        city = SyntheticCity(round(SINGAPORE["pois"] * share))
        start = time.process_time()
        material = gather_material(model, city)
        gathered = time.process_time() - start
        backbones = make_backbones(model, city, material)
    found = {"pois": len(material.places), "texts": len(material.places.texts)}
    found |= {"shapes": len(material.places.shapes), "pictures": len(material.streets.pictures)}
    found |= {"regions": city.n_regions, "roads": len(city.roads), "gather seconds": gathered}
    found["encoders"] = measure_encoders(backbones, model.street_size)
    found["inner values at most"] = MOST_ON_GPU
    found["pictures on a core"] = measure_pictures(model, material)
    net = net_of(model, backbones.text_encoder.dim, backbones.image_encoder.dim)
    found["parameters"] = {"net": size_of(net), **{k: size_of(v) for k, v in backbones.encoders.items()}}
    shop = Workshop(model, city, material, net, backbones, 0, "cpu")
    found["stages"] = {name: measure_stage(name, shop, model) for name in STAGES}
    json.dump(found, sys.stdout)


def make_backbones(model, city, material):
    """Encoders that train, and noise of the right size where the model would read frozen features."""
    text, image = load_text_encoder(model.text_encoder), load_image_encoder(model.image_encoder)
    places, streets, overheads = material.places, material.streets, material.overheads
    frozen = {
        kind: FrozenPictures(torch.randn(len(one.pictures), image.dim))
        for kind, one in (("street", streets), ("overhead", overheads))
    }
    tables = {
        kind: PictureTable(city.open_image, one.pictures, model.street_size, threads=1)
        for kind, one in (("street", streets), ("overhead", overheads))
    }
    for table in tables.values():
        table._ok = np.ones(len(table), dtype=bool)
    texts = Frozen(torch.randn(len(places.texts), text.dim))
    shapes = Shapes(torch.randn(len(places.shapes), image.dim), torch.rand(len(places.shapes)))
    return SimpleNamespace(
        text_encoder=text,
        image_encoder=image,
        encoders={"text": text, "image": image},
        places=places,
        streets=streets,
        overheads=overheads,
        texts=lambda: texts,
        shapes=lambda: shapes,
        street_pictures=lambda: frozen["street"],
        overhead_pictures=lambda: frozen["overhead"],
        tuned_texts=lambda: TunedTexts(text, places.texts, "cpu"),
        tuned_pictures=lambda kind: TunedPictures(image, tables[kind], "cpu"),
    )


def measure_encoders(backbones, side):
    """Count the arithmetic, the operations and the kept bytes of an encoder's forward and backward pass."""
    image, text = backbones.image_encoder, backbones.text_encoder
    found = {"picture": one_pass(image, torch.rand(4, 3, side, side), 4)}
    tokens = text.tokenize(backbones.places.texts[:64])
    found["token"] = one_pass(text, tokens, tokens["input_ids"].numel())
    mean = float(np.mean(token_lengths(text, backbones.places.texts)))
    return found | {"tokens per text": mean}


def one_pass(encoder, inputs, count):
    encoder.train()
    kept, operations = {}, Operations()
    own = {one.untyped_storage().data_ptr() for one in encoder.parameters()}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with operations, FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            made = encoder(inputs)
        forward, first = counter.get_total_flops(), operations.count
        start = time.process_time()
        made.sum().backward()
    start = time.process_time()
    encoder(inputs).sum().backward()
    seconds = time.process_time() - start
    encoder.zero_grad()
    return {
        "flop forward": forward / count,
        "flop backward": (counter.get_total_flops() - forward) / count,
        "bytes kept": sum(one for place, one in kept.items() if place not in own) / count,
        "operations forward": first,
        "operations backward": operations.count - first,
        "cpu flop per second": counter.get_total_flops() / seconds,
    }


class Operations(TorchDispatchMode):
    """Count what a GPU would be asked to do one by one; views cost nothing there."""

    FREE = (
        "view",
        "reshape",
        "transpose",
        "permute",
        "expand",
        "slice",
        "select",
        "detach",
        "t.",
        "alias",
        "squeeze",
    )

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not any(word in str(func) for word in self.FREE)
        return func(*args, **(kwargs or {}))


def token_lengths(encoder, texts):
    return [len(one) for one in encoder.tokenizer(list(texts), truncation=True, max_length=64)["input_ids"]]


def measure_pictures(model, material):
    """Pictures a second on one core: decoded, read from the store and collected, and footprints drawn."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (80, 80, 3), dtype=np.uint8))
    files = []
    for _ in range(8):
        file = io.BytesIO()
        coarse.resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BICUBIC).save(file, "jpeg", quality=85)
        files.append(file.getvalue())

    def open_image(path):
        return Image.open(io.BytesIO(files[int(path) % len(files)]))

    count, size = 64, model.street_size
    table = PictureTable(open_image, [str(k) for k in range(count)], size, threads=1)
    decoded = count / timed(lambda: table.pixels(np.arange(count)), 3)
    with tempfile.TemporaryDirectory() as folder:
        table.store = PixelStore(Path(folder) / "pixels", count, size)
        table.pixels(np.arange(count))
        read = 16 * count / timed(lambda: table.pixels(np.tile(np.arange(count), 16)), 3)
    part = material.places.shapes[:256]
    drawn = len(part) / timed(lambda: rasterise(part, model.raster_size), 3)
    return {
        "decoded": decoded,
        "jpeg bytes": float(np.mean([*map(len, files)])),
        "read": read,
        "drawn": drawn,
    }


def timed(work, rounds):
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def measure_stage(name, shop, model):
    start = time.process_time()
    objective = objective_of(name, shop)
    found = {"anchors": objective.n_anchors, "prepared in": time.process_time() - start}
    stage = Stage(objective, Schedule(batch=model.batch, epochs=model.epochs), seed=0)
    planned = stage.per_epoch * model.epochs
    every = Schedule().check_every
    found |= {"batch": stage.log.batch, "steps": planned, "checks": 1 + -(-planned // every)}
    found["held-out batches"] = len(stage.held_out) // stage.log.held_out_batch
    found["encoder"] = encoder_load(objective, stage)
    found |= whole_step(name, objective, stage)
    if objective_source(objective) is not None:
        rng = np.random.default_rng(0)
        few = stage.batch(1)[:FEW]
        found["seconds of few anchors"] = timed(lambda: objective.loss(few, rng).backward(), 2)
    return found


def objective_source(objective):
    """Return the encoder an objective trains along, as its source of features; None."""
    for word in ("texts", "pictures"):
        source = getattr(objective, word, None)
        if isinstance(source, (TunedTexts, TunedPictures)):
            return source
    return None


class Asked:
    """A source of features that notes which rows are asked for and gives noise."""

    def __init__(self, source):
        self.dim, self.asked = source.dim, []
        self.ok = getattr(source, "ok", None)

    def rows(self, index):
        self.asked.append(index.tolist())
        return torch.randn(len(index), self.dim, requires_grad=True)

    def expect(self, rows):
        pass

    def modules(self):
        return ()


def encoder_load(objective, stage):
    """Count distinct texts or pictures of whole batches, and the tokens with their padding."""
    source = objective_source(objective)
    if source is None:
        return None
    word = "texts" if isinstance(source, TunedTexts) else "pictures"
    asked = Asked(source)
    setattr(objective, word, asked)
    for step in range(1, BATCHES + 1):
        objective.loss(stage.batch(step), np.random.default_rng(step))
    setattr(objective, word, source)
    rows = [np.unique(one) for one in asked.asked]
    found = {word: float(np.mean([len(one) for one in rows]))}
    if word == "pictures":
        return found | {"parts": -(-found[word] // pictures_at_once(source.pictures.size, "cuda"))}
    length = np.array(token_lengths(source.encoder, source.texts))
    found["tokens"] = float(np.mean([length[one].sum() for one in rows]))
    parts = [
        [length[one][part] for part in parts_by_length(length[one], most=MOST_TOKENS, start=TOKENS_TO_START)]
        for one in rows
    ]
    found["padded tokens"] = float(np.mean([sum(len(part) * part.max() for part in one) for one in parts]))
    found["parts"] = float(np.mean([len(one) for one in parts]))
    return found | {"tokenised once in": timed(lambda: source.encoder.ids(source.texts), 1)}


def whole_step(name, objective, stage):
    """Take a step of full size, with noise in place of an encoder that is trained: what the rest of the model costs."""
    source = objective_source(objective)
    word = "texts" if isinstance(source, TunedTexts) else "pictures"
    if source is not None:
        setattr(objective, word, Asked(source))
    rng, kept, operations = np.random.default_rng(0), {}, Operations()

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with operations, FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            loss = objective.loss(stage.batch(1), rng)
        loss.backward()
    seconds = timed(lambda: objective.loss(stage.batch(1), rng).backward(), 2)
    own = {
        one.untyped_storage().data_ptr(): one.untyped_storage().nbytes()
        for module in objective.modules()
        for one in module.parameters()
    }
    trained = sum(one.numel() for group in objective.parameter_groups() for one in group["params"])
    if source is not None:
        setattr(objective, word, source)
    return {
        "flop of the rest": counter.get_total_flops(),
        "operations of the rest": operations.count,
        "seconds of the rest": seconds,
        "bytes kept by the rest": sum(one for place, one in kept.items() if place not in own),
        "trained parameters of the rest": trained,
    }


def size_of(module):
    return sum(one.numel() for one in module.parameters())


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("share", type=float, nargs="?", default=1.0)
    words.add_argument("--smallest", action="store_true")
    told = words.parse_args()
    main(SMALLEST if told.smallest else told.share, tiny=told.smallest)
