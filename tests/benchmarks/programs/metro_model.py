"""What models take in a city, stage by stage: few steps are trained, and rows that frozen encoders would read are counted, not read; a line of JSON each."""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager

import numpy as np
from pictured_city import pictured, shows_noise

STEPS = 6
SHORT = {
    "min_steps": "0",
    "min_epochs": "0",
    "max_steps": str(STEPS),
    "warmup": "0",
    "text_encoder": "hashing",
}
LOOKS = {"geovectors": {"epochs": "1", "tag_epochs": "1"}, "spabert": {"text_encoder": "minilm"}}
"""Settings of a look: few steps, and hashed words for texts, which have the length of MiniLM's vectors."""

BATCHES = 16
"""Batches of a check that are really taken."""


class Clock:
    """Seconds by name, and the number of times each was taken."""

    def __init__(self):
        self.seconds, self.times, self.rows = {}, {}, {}

    @contextmanager
    def __call__(self, name, more=1.0):
        start = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + more * (time.process_time() - start)
            self.times[name] = self.times.get(name, 0) + 1

    def timed(self, owner, method, name):
        """Take the time of every call of a method."""
        called = getattr(owner, method)

        def wrapped(*given, **named):
            with self(name):
                return called(*given, **named)

        setattr(owner, method, wrapped)


def main(told):
    """Open the city once and measure every model in a process of its own, which begins with the city's memory."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=told.scratch) as folder:
        word = told.city
        if told.pictures:
            shows_noise()
            word = str(pictured(told.city, folder))
        start = time.process_time()
        city = opened(word)
        each_apart(city, told, time.process_time() - start)


def each_apart(city, told, opening):
    for name in told.models:
        sys.stdout.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries are idle here
            child = os.fork()
        if child == 0:
            sys.stdout.write(json.dumps(guarded(city, name, told, opening)) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


def guarded(city, name, told, opening):
    from urbanbench.errors import UrbanbenchError

    try:
        return measured(city, name, told, opening)
    except UrbanbenchError as error:
        return {
            "model": name,
            "city": told.city,
            "pictures": told.pictures,
            "refused": str(error),
            "gb peak": peak_gb(),
        }
    except Exception as error:  # noqa: BLE001 - a model that breaks is a line of the table, and the others are measured
        return {
            "model": name,
            "city": told.city,
            "pictures": told.pictures,
            "failed": f"{type(error).__name__}: {error}",
            "gb peak": peak_gb(),
        }


def measured(city, name, told, opening):
    with tempfile.TemporaryDirectory(dir=told.scratch) as cache:
        os.environ["URBANBENCH_CACHE"] = (
            cache  # features of another model's pictures would be read and not counted
        )
        return taken_by(city, name, told, opening)


def taken_by(city, name, told, opening):
    clock = Clock()
    stand_in_for_encoders(clock)
    watch_training(clock)
    model = model_of(name, told.set)
    view = seen_by(model, city)
    before = peak_gb()
    with clock("embed"):
        space = model.embed(view, units=units_of(city, model, told.level), seed=0, device="cpu")
    whole = clock.seconds.pop("embed")
    seconds = {"open the city": opening, "prepare and read out": whole - clock.seconds.get("train", 0.0)}
    seconds |= {
        f"a {part}": clock.seconds[part] / clock.times[part]
        for part in ("step", "check")
        if part in clock.seconds
    }
    return {
        "model": name,
        "city": told.city,
        "pictures": told.pictures,
        "level": space.level,
        "units": len(space.ids),
        "dim": int(space.vectors.shape[1]),
        "seconds": seconds,
        "stages": clock.times.get("train", 0),
        "rows encoded": clock.rows,
        "gb city": before,
        "gb peak": peak_gb(),
        "finite": bool(np.isfinite(space.vectors).all()),
    }


def model_of(name, words):
    """Return a model of preset small that takes few steps."""
    from urbanbench.registry.plugins import load_class

    kind = load_class("model", name)
    usual = kind.from_settings("small" if "small" in kind.presets else "").parameters()
    settings = {key: word for key, word in SHORT.items() if key in usual}
    settings |= LOOKS.get(name, {}) | dict(word.split("=", 1) for word in words)
    return kind.from_settings("small" if "small" in kind.presets else "", settings)


LAYERS = {
    "poi": "pois",
    "polygon": "buildings",
    "road": "roads",
    "flow": "flows",
    "street_view": "street_views",
    "satellite": "satellite",
}


def opened(word):
    """Open a city and read every table that it has, as a run does for the models that use them."""
    from urbanbench.registry import open_city

    city = open_city(word)
    view = city.view([*LAYERS, "coordinates"])
    for name, layer in LAYERS.items():
        if view.has(name):
            getattr(city, layer)
    return city


def seen_by(model, city):
    """Return the view of a run in which the model may use all that it can and the city has."""
    return city.view(
        sorted(one for one in model.card.inputs if one == "coordinates" or city.view([one]).has(one))
    )


def units_of(city, model, level):
    """Return all regions, or the buildings whose use is labelled."""
    from urbanbench.units import Units

    level = level or ("region" if "region" in model.card.embeds else model.card.embeds[0])
    if level == "region":
        return Units(level, tuple(city.view([]).region_ids))
    return Units(level, tuple(city.label("building_function").index))


def stand_in_for_encoders(clock):
    """Let frozen encoders of pictures and footprints give noise of the right shape: what they cost is a number of rows."""
    from urbanbench.models._spabert import readout as spabert
    from urbanbench.models._urbanclip import towers
    from urbanbench.toolkit.features import encoded, picture_store
    from urbanbench.toolkit.pictures import clip_encoders

    def noise(kind, count, dim):
        clock.rows[kind] = clock.rows.get(kind, 0) + count
        return np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)

    encoded.encode_shapes = lambda encoder, polygons, **_: noise("footprints", len(polygons), encoder.dim)
    encoded.encode_pictures = lambda encoder, table, **_: noise("pictures", len(table), encoder.dim)
    picture_store.encode_pictures = encoded.encode_pictures
    clip_encoders.load_clip_encoder = lambda *_, **__: clip_of_small()
    towers.encode_all = lambda encoder, tiles, grid, _: noise("tiles", len(tiles), grid**2 * encoder.dim)
    spabert.pivot_vectors = lambda net, told, rows, device: noise("sentences", len(rows), net.dim)
    texts = encoded.encode_texts

    def counted(encoder, told, **named):
        clock.rows["texts"] = clock.rows.get("texts", 0) + len(told)
        return texts(encoder, told, **named)

    encoded.encode_texts = counted


def clip_of_small():
    """Return what has the shape of the CLIP of preset small, whose weights may not be here."""
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder

    class Clip(ImageEncoder):
        name, dim, size = "clip", 512, 224

    return Clip()


def watch_training(clock):
    """Take the time of stages of training, of their steps, of their checks and of passes of word2vec."""
    from urbanbench.models._geovectors import location, tagvectors
    from urbanbench.models._geovectors import training as passes
    from urbanbench.toolkit import training
    from urbanbench.toolkit.training import fit, joint, loop

    clock.timed(loop, "run_stages", "train")
    training.run_stages = joint.run_stages = loop.run_stages
    clock.timed(fit.Fit, "take_step", "step")
    shorten_checks(clock, fit.Fit, fit.Fit.check)
    for place in (location, tagvectors):
        clock.timed(place, "train", "train")
    shorten_passes(clock, passes, passes._epoch)


def shorten_checks(clock, owner, whole):
    """Let a check look at some batches of what is held out, and count its time for all of them."""

    def check(self):
        more = 1.0
        for stage in self.stages:
            batch, count = stage.log.held_out_batch, len(stage.held_out) // max(stage.log.held_out_batch, 1)
            if stage.keeps_apart and count > BATCHES:
                more = max(more, count / BATCHES)
                stage.held_out = stage.held_out[: BATCHES * batch]
                self.more = more
        with clock("check", getattr(self, "more", 1.0)):
            whole(self)

    owner.check = check


def shorten_passes(clock, owner, whole):
    """Let word2vec read one sentence in twenty, and count its time for all of them."""

    def epoch(model, corpus, *rest):
        part = owner.Corpus(corpus.sentences[: -(-len(corpus) // 20)], corpus.names)
        with clock("step", len(corpus) / len(part)):
            whole(model, part, *rest)

    owner._epoch = epoch


def peak_gb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("city", nargs="?", default="toyville:tiny")
    words.add_argument("models", nargs="*", default=["area"])
    words.add_argument(
        "--smallest",
        action="store_true",
        help="one floor in a village: the program runs, its figures mean nothing",
    )
    words.add_argument("--level", default="")
    words.add_argument(
        "--pictures",
        action="store_true",
        help="street views and satellite images of noise beside the city's layers",
    )
    words.add_argument("--scratch", help="folder for the tables of such a city, best on the cache's disk")
    words.add_argument("--set", action="append", default=[])
    main(words.parse_args())
