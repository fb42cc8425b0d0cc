"""What splits, heads and judgements take of a label in a city: processor seconds a seed, and memory; prints JSON."""

import argparse
import json
import resource
import sys
import time
from dataclasses import replace

import numpy as np

DIM = 256
SPLITS = ("random", "block", "buffered", "knndm", "group")
HEADS = ("ridge", "knn", "mlp", "lightgbm", "rf")


def main(told):
    import torch

    torch.set_num_threads(1)
    targets, city = asked(told.city, told.task)
    seconds, refused = {}, {}
    before = peak_gb()
    for split in SPLITS:
        if told.splits:
            timed(
                seconds, refused, f"split {split}", lambda split=split: cut(targets, city, split, told.task)
            )
    for head in told.head:
        timed(seconds, refused, f"head {head}", lambda head=head: fit(targets, head))
    if told.judge:
        timed(seconds, refused, "judge", lambda: judge(targets))
        timed(seconds, refused, "Moran's I", lambda: clustering(targets, city))
        timed(seconds, refused, "bootstrap", lambda: bootstrap(targets))
    found = {
        "city": told.city,
        "task": told.task,
        "units": len(targets),
        "seconds": seconds,
        "refused": refused,
    }
    json.dump(found | {"gb before": before, "gb peak": peak_gb()}, sys.stdout)


def asked(word, task):
    from urbanbench.registry import open_city
    from urbanbench.registry.plugins import load_class
    from urbanbench.task import labelled_targets

    city = open_city(word)
    return labelled_targets(load_class("task", task)(), city).in_order(), city


def timed(seconds, refused, name, work):
    from urbanbench.errors import UrbanbenchError

    start = time.process_time()
    try:
        work()
    except UrbanbenchError as error:
        refused[name] = str(error)
        return
    seconds[name] = time.process_time() - start


def cut(targets, city, split, label):
    """Cut one seed, the block size and the places of prediction found anew."""
    from urbanbench.run.split_ground import targets_for
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.splits import make_splits

    fresh = targets_for(split, replace(targets), city, label)
    return make_splits(fresh, Protocol(split=split, seeds=(0,)))


def fit(targets, head):
    """Fit one seed on vectors that tell part of the label."""
    from urbanbench.scoring.evaluate import evaluate
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.space import EmbeddingSpace

    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(targets), DIM)).astype(np.float32)
    values = targets.codes if targets.kind == "classification" else np.asarray(targets.values, dtype=float)
    vectors[:, :8] += 0.7 * ((values - values.mean()) / values.std())[:, None].astype(np.float32)
    vectors = targets.xy.astype(np.float32) if head == "knn" else vectors
    return evaluate(
        EmbeddingSpace(targets.level, targets.ids, vectors), targets, Protocol(head=head, seeds=(0,))
    )


def judge(targets):
    from urbanbench.judging.spatial import SpatialJudge

    errors = np.random.default_rng(0).standard_normal(len(targets))
    return SpatialJudge(targets.xy).judge(0.1, errors - errors.mean()).p


def clustering(targets, city):
    from urbanbench.judging.failing.moran import moran, nearest_neighbours, touching_neighbours

    errors = np.random.default_rng(0).standard_normal(len(targets))
    if targets.level != "region":
        return moran(errors, nearest_neighbours(targets.xy))
    return moran(errors, touching_neighbours(np.asarray(city.regions.geometry.loc[targets.ids])))


def bootstrap(targets):
    from urbanbench.judging.bootstrap import block_bootstrap
    from urbanbench.scoring.block_size import autocorrelation_range_m

    errors = np.random.default_rng(0).standard_normal((2, len(targets)))
    return block_bootstrap(np.zeros(2), errors, targets.xy, autocorrelation_range_m(targets))


def peak_gb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("city", nargs="?", default="toyville:metro-16")
    words.add_argument("--task", default="popdensity")
    words.add_argument("--head", action="append", default=[])
    words.add_argument("--splits", action="store_true")
    words.add_argument("--judge", action="store_true")
    words.add_argument(
        "--smallest",
        action="store_true",
        help="one head in a village: the program runs, its figures mean nothing",
    )
    told = words.parse_args()
    if told.smallest:
        told.city, told.head = "toyville:tiny", ["ridge"]
    main(told)
