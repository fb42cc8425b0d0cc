"""SpaBERT: sentences written, read and trained on per second of one core's time, the share of it that is BERT's own arithmetic, and memory."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from urbanbench.models._spabert.backbones import load_backbone
from urbanbench.models._spabert.entities import Entities
from urbanbench.models._spabert.masking import draw_masks
from urbanbench.models._spabert.net import SpatialBert, TokenHead
from urbanbench.models._spabert.objective import MaskedObjective
from urbanbench.models._spabert.reading import read_sentences
from urbanbench.models._spabert.sentences import Form, sentences_of
from urbanbench.models._spabert.words import Words
from urbanbench.models.spabert import SpaBERT
from urbanbench.toolkit.training import seeded_torch
from urbanbench.toolkit.training.heap import give_back

N = 20_000
WORDS = (
    "cafe", "school", "parking", "restaurant", "station", "market", "street", "park", "clinic", "bank", "hotel", "tower",
    "north", "south", "east", "west", "old", "new", "city", "green", "river", "hill", "garden", "royal", "central",
)  # fmt: skip
READ, STEPS = {"small": 512, "paper": 24}, {"small": 4, "paper": 1}
GROWN_OVER, GIVE_BACK_EVERY = 40, 10


def preset(name):
    """Model, net and sentences of a city with 20,000 POIs of two or three words; `paper` has BERT's sizes with random weights."""
    model = SpaBERT.from_settings(name)
    rng = np.random.default_rng(0)
    names = tuple(" ".join(rng.choice(WORDS, size=rng.integers(2, 4))) for _ in range(4000))
    rows = np.arange(N)
    entities = Entities(
        rows.astype(object),
        rows,
        rng.uniform(0, 10_000, (N, 2)),
        names,
        rng.integers(0, 4000, N),
        np.ones(N, dtype=bool),
    )
    with seeded_torch(0, "benchmark"):
        backbone = load_backbone("minilm", scale=model.distance_scale)
        net = backbone.net
        if name == "paper":
            config = BertConfig()
            net = SpatialBert(BertModel(config), TokenHead(config.hidden_size, config.vocab_size), 0.01)
    words = Words.of(names, backbone.tokenizer, longest=model.max_tokens - 2)
    form = Form(model.neighbours, model.max_tokens, model.separators, model.fill_distance)
    return model, net.eval(), sentences_of(entities, words, form)


@pytest.fixture(scope="module", params=["small", pytest.param("paper", marks=pytest.mark.slow)])
def parts(request):
    return request.param, *preset(request.param)


class Spent:
    """Processor seconds that go by inside a module's `forward`."""

    def __init__(self, module):
        self.seconds, self._began = 0.0, 0.0
        module.register_forward_pre_hook(lambda *_: setattr(self, "_began", time.process_time()))
        module.register_forward_hook(lambda *_: self._add())

    def _add(self):
        self.seconds += time.process_time() - self._began


@pytest.mark.benchmark(group="SpaBERT: write 20,000 sentences", timer=time.process_time)
def test_write(benchmark, parts):
    name, _, _, sentences = parts
    batch = 256

    def write():
        rng = np.random.default_rng(0)
        for start in range(0, N, batch):
            draw_masks(sentences.take(np.arange(start, min(start + batch, N))), rng)

    benchmark.pedantic(write, rounds=3)
    if benchmark.stats:
        benchmark.extra_info |= {"preset": name, "sentences_per_s": round(N / benchmark.stats["min"])}


@pytest.mark.benchmark(group="SpaBERT: read sentences", timer=time.process_time)
def test_read(benchmark, parts):
    name, _, net, sentences = parts
    rows = np.arange(READ[name])
    spent = Spent(net.bert.encoder)
    read_sentences(net, sentences, rows[:8], "cpu")
    spent.seconds = 0.0
    benchmark.pedantic(lambda: read_sentences(net, sentences, rows, "cpu"), rounds=2)
    if benchmark.stats:
        benchmark.extra_info |= {
            "preset": name,
            "tokens": float(sentences.lengths()[rows].mean()),
            "sentences_per_s": round(len(rows) / benchmark.stats["min"], 1),
            "encoder_share": round(spent.seconds / benchmark.stats["total"], 3),
        }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.benchmark(group="SpaBERT: training steps", timer=time.process_time)
def test_train(benchmark, parts, precision):
    name, model, net, sentences = parts
    step, taken = stepping(model, net, sentences, precision)
    caught = []
    net.bert.encoder.register_forward_pre_hook(
        lambda _, args, kwargs: caught.append((args, kwargs)), with_kwargs=True
    )

    benchmark.pedantic(step, rounds=STEPS[name], warmup_rounds=1)
    if benchmark.stats:
        with taken():
            spent = encoder_seconds(net.bert.encoder, caught[-1])
        benchmark.extra_info |= {
            "preset": name,
            "sentences_per_s": round(model.batch / benchmark.stats["min"], 1),
            "encoder_share": round(spent / benchmark.stats["min"], 3),
        }


@pytest.mark.slow
@pytest.mark.parametrize("freed", ["kept", "given back"])
@pytest.mark.benchmark(group="SpaBERT: memory that training steps leave behind", timer=time.process_time)
def test_memory_left_by_steps(benchmark, freed):
    """Megabytes that are left of what steps took, with what they freed given back now and then, and the most that lay there after any of them."""
    model, net, sentences = preset("small")
    step, _ = stepping(model, net, sentences, "bfloat16")
    step()
    give_back()
    before, grown = resident_mb(), []

    def many():
        for k in range(GROWN_OVER):
            step()
            grown.append(resident_mb() - before)
            if freed == "given back" and k % GIVE_BACK_EVERY == GIVE_BACK_EVERY - 1:
                give_back()

    benchmark.pedantic(many, rounds=1)
    benchmark.extra_info |= {
        "steps": GROWN_OVER,
        "left_mb": round(resident_mb() - before),
        "at_most_mb": round(max(grown)),
    }


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def stepping(model, net, sentences, precision):
    """Return what takes a training step, and the context its loss is computed in."""
    objective = MaskedObjective(
        net,
        sentences,
        share=model.mask_share,
        frequency=sentences.words.frequency(sentences.name),
        parity_bugs=False,
        lr=1e-5,
        lr_head=1e-5,
        device="cpu",
    )
    optimiser = torch.optim.Adam([dict(group) for group in objective.parameter_groups()])
    rng = np.random.default_rng(0)

    def taken():
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16")

    def step():
        optimiser.zero_grad()
        with taken():
            loss = objective.loss(rng.choice(N, model.batch, replace=False), rng)
        loss.backward()
        optimiser.step()

    net.train()
    return step, taken


def encoder_seconds(encoder, given):
    """Time the layers alone on what they were last given, forward and backward: the lesser of two rounds."""
    (hidden, *rest), more = given
    seconds = []
    for _ in range(2):
        began = time.process_time()
        made = encoder(hidden.detach().requires_grad_(), *rest, **more).last_hidden_state
        made.sum().backward()
        seconds.append(time.process_time() - began)
    return min(seconds)
