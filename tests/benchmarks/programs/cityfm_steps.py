"""What a step of CityFM's stages costs in the preset `paper`, and how much of it is the encoders' arithmetic; prints JSON.

The city is as large as the UrbanMFM paper's Singapore. The encoders are as large as bert-base-uncased and ResNet18, with random
weights. A step's texts and footprints are drawn in full, and the encoder's forward and backward pass is measured on some of them
and multiplied; everything else of a step runs at its full size. With `--smallest` a village and encoders of one thin layer show
that the program runs; its figures mean nothing.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from synthetic_city import SyntheticCity, _maps
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoTokenizer, BertConfig, BertModel, ResNetConfig, ResNetModel

from urbanbench.models._cityfm.net import CityNet
from urbanbench.models._cityfm.pretrain import Pretrained, objective_of, schedule_of
from urbanbench.models._cityfm.readers import ShapeReader, TextReader
from urbanbench.models.cityfm import STAGES, CityFM
from urbanbench.toolkit.features._feature_rows import Frozen
from urbanbench.toolkit.ground.places import gather_places
from urbanbench.toolkit.pictures._image_nets import ResNetEncoder
from urbanbench.toolkit.texts._text_nets import PooledTransformer
from urbanbench.toolkit.texts.place_texts import EMPTY_TEXT
from urbanbench.toolkit.texts.text_encoders import packaged_folder
from urbanbench.toolkit.training import seeded_torch

STEPS, SAMPLE = 3, {"text": 16, "shape": 4, "road": 16}
SMALLEST = 400
BERT = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
RESNET = {"hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "layer_type": "basic"}
THIN_BERT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
THIN_RESNET = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1], "layer_type": "basic"}
TOLD = 0.1
"""Share of roads that bus routes use."""


class BusCity(SyntheticCity):
    """The made-up city with up to 80 bus routes on a tenth of its roads."""

    @cached_property
    def roads(self):
        roads = super().roads
        counts = np.ceil(80 * self.rng.random(len(roads)) ** 3).astype(int)
        counts[self.rng.random(len(roads)) > TOLD] = 0
        values = np.column_stack([np.full(len(roads), "residential"), counts.astype(str)]).astype(object)
        keys = np.tile(np.array(["highway", "bus_routes"], dtype=object), (len(roads), 1))
        return roads.assign(tags=_maps(keys, values))


class Noise(Frozen):
    """Features of noise that remember what was asked for."""

    def rows(self, index):
        self.asked = index
        return super().rows(index)


def main(n_pois, bert, resnet):
    torch.set_num_threads(1)
    city, model = BusCity(n_pois), CityFM()
    start = time.process_time()
    places = gather_places(
        city, poi_filter=model.poi_filter, use_name=model.use_name, further_texts=(EMPTY_TEXT,)
    )
    seconds = {"gather POIs": time.process_time() - start}
    with seeded_torch(0, "steps"):
        made = parts(model, places, bert, resnet)
        found = {stage: measured(stage, model, city, made, seconds) for stage in STAGES}
    sizes = {"pois": len(places), "texts": len(places.texts), "roads": len(city.roads)}
    json.dump(sizes | {"prepare": seconds, "stages": found}, sys.stdout)


def parts(model, places, bert, resnet):
    tokenizer = AutoTokenizer.from_pretrained(str(packaged_folder("minilm")))
    text = PooledTransformer(
        "bert", BertModel(BertConfig(**bert), add_pooling_layer=False), tokenizer, "mean"
    )
    image = ResNetEncoder("resnet18", ResNetModel(ResNetConfig(**resnet)))
    net = CityNet(text.dim, image.dim, model.dim)
    shapes = ShapeReader(image, size=model.raster_size, a_max_m2=model.a_max_m2, device="cpu")
    return Pretrained(places, net, TextReader(text, places.texts, "cpu"), shapes, [], "cpu")


def measured(stage, model, city, made, seconds):
    """Measure one stage: its step without the encoder, and the encoder on a sample of what the step asks it for."""
    frozen = replace(made, texts=StandIn(made.texts), shapes=StandIn(made.shapes))
    start = time.process_time()
    objective = objective_of(stage, model, city, frozen)
    seconds[f"objective {stage}"] = time.process_time() - start
    source = objective.shapes if stage == "shape" else objective.texts
    batch = min(schedule_of(stage, model).batch, objective.n_anchors)
    anchors = np.random.default_rng(0).permutation(objective.n_anchors)[:batch]
    rest, rest_flop, asked = step(objective, anchors, source)
    tuned = made.shapes.tuned(source.polygons) if stage == "shape" else made.texts.tuned()
    sample = asked[torch.randperm(len(asked))[: SAMPLE[stage]]]
    took, flop = encoder_pass(tuned, sample)
    whole = len(asked) / len(sample)
    return {
        "anchors": objective.n_anchors,
        "batch": batch,
        "encoded": len(asked),
        "seconds without encoder": rest,
        "seconds of encoder": took * whole,
        "steps per second without encoder": 1 / rest,
        "steps per second": 1 / (rest + took * whole),
        "tflop of encoder": flop * whole / 1e12,
        "encoder share of arithmetic": flop * whole / (flop * whole + rest_flop),
        "encoder share of time": took * whole / (took * whole + rest),
    }


class StandIn:
    """A reader whose features, trained or not, are noise."""

    def __init__(self, reader):
        self.reader, self.dim = reader, reader.encoder.dim

    def frozen(self, polygons=None):
        return self.tuned(polygons)

    def tuned(self, polygons=None):
        made = Noise(torch.randn(len(self.reader.texts if polygons is None else polygons), self.dim))
        made.polygons = polygons
        return made

    def surface(self, polygons):
        return self.reader.surface(polygons)


def step(objective, anchors, source):
    """Take some steps and return the least processor time, arithmetic of one, and what it asked the encoder for."""
    optimiser = torch.optim.Adam([dict(group) for group in objective.parameter_groups()])
    taken = []
    for _ in range(STEPS):
        start = time.process_time()
        optimiser.zero_grad()
        objective.loss(anchors, np.random.default_rng(0)).backward()
        optimiser.step()
        taken.append(time.process_time() - start)
    with FlopCounterMode(display=False) as counter:
        objective.loss(anchors, np.random.default_rng(0)).backward()
    return min(taken), counter.get_total_flops(), source.asked


def encoder_pass(tuned, sample):
    """Return processor time and arithmetic of a forward and backward pass, inner values computed twice."""
    for module in tuned.modules():
        module.train()
    start = time.process_time()
    tuned.rows(sample).sum().backward()
    took = time.process_time() - start
    with FlopCounterMode(display=False) as counter:
        tuned.rows(sample).sum().backward()
    return took, counter.get_total_flops()


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("pois", type=int, nargs="?", default=64_215)
    words.add_argument("--smallest", action="store_true")
    told = words.parse_args()
    if told.smallest:
        main(SMALLEST, THIN_BERT, THIN_RESNET)
    else:
        main(told.pois, BERT, RESNET)
