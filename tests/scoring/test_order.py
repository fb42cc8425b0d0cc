"""The order of rows in a file changes no bit of a score; ids are a part of a split."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from urbanbench.registry import listing
from urbanbench.result import OK, RunSpec
from urbanbench.run import Workbench, execute
from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.heads import HEADS
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

HEADS_QUICK = {"lightgbm": {"trees": 20}, "rf": {"trees": 5}}


def targets_of(kind: str, n: int = 60) -> Targets:
    rng = np.random.default_rng(4)
    values = {
        "regression": rng.integers(0, 5, size=n).astype(float),
        "classification": np.array(list("abc"))[rng.integers(0, 3, size=n)],
        "composition": np.full((n, 2), 0.5),
    }[kind]
    return Targets(
        ids=np.array([f"u{k:03d}" for k in range(n)]),
        level="region",
        kind=kind,
        values=values,
        classes={"regression": (), "classification": tuple("abc"), "composition": ("x", "y")}[kind],
        unit="points",
        xy=np.stack(np.divmod(np.arange(n), 8), axis=1) * 500.0,  # a grid: many equal distances
        groups=np.array([f"g{k % 7}" for k in range(n)]),
        parcels=np.array([f"p{k // 2}" for k in range(n)]),
        support=np.arange(n),
    )


def shuffled(targets: Targets) -> Targets:
    rows = np.random.default_rng(9).permutation(len(targets))
    parts = {
        name: getattr(targets, name)[rows] for name in ("ids", "values", "xy", "groups", "parcels", "support")
    }
    return Targets(
        level=targets.level, kind=targets.kind, classes=targets.classes, unit=targets.unit, **parts
    )


@pytest.mark.parametrize("head", [name for name in HEADS if name != "select"])
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_every_head_gives_the_same_bits_for_rows_in_any_order(head, kind):
    targets = targets_of(kind)
    vectors = np.random.default_rng(1).integers(0, 3, size=(60, 3)).astype(np.float32)  # many ties
    space = EmbeddingSpace("region", targets.ids, vectors)
    protocol = Protocol("random", head, (0, 1))
    one, two = (
        evaluate(space, some, protocol, head_params=HEADS_QUICK.get(head))
        for some in (targets, shuffled(targets))
    )
    assert one.per_seed == two.per_seed
    assert one.split_digest == two.split_digest
    for name in one.predictions:
        np.testing.assert_array_equal(one.predictions[name], two.predictions[name])


def test_targets_in_order_keep_every_row_together():
    targets, back = targets_of("regression"), shuffled(targets_of("regression")).in_order()
    assert back.digest() == targets.digest()
    assert targets.in_order() is targets


@pytest.mark.parametrize("split", ["random", "block", "group"])
def test_other_ids_give_other_random_splits_but_the_same_blocks_and_groups(split):
    targets = targets_of("regression")
    parts = {name: getattr(targets, name) for name in ("values", "xy", "groups", "support")}
    like = {"level": "region", "kind": "regression", "classes": (), "unit": "points"}
    names = np.array([f"u{(k * 37) % 60:03d}" for k in range(60)])
    one, two = (
        make_splits(Targets(ids=ids, **parts, **like).in_order(), Protocol(split, "mean", (0,)))[0]
        for ids in (targets.ids, names)
    )
    place = {name: row for row, name in enumerate(names)}
    renamed = {place[f"u{row:03d}"] for row in two.test.tolist()}
    assert (set(one.test.tolist()) == renamed) == (split != "random")


@pytest.fixture(scope="module")
def two_orders(village, tmp_path_factory):
    """The village, and the village with the rows of its regions and labels in another order."""
    other = tmp_path_factory.mktemp("other") / "village"
    shutil.copytree(village, other)
    for path in [other / "regions.parquet", *sorted((other / "labels").glob("*.parquet"))]:
        table = pq.read_table(path)
        pq.write_table(table.take(np.random.default_rng(5).permutation(len(table))), path)
    return village, other


def test_every_floor_gives_the_same_bits_for_rows_in_any_order(two_orders, own_cache):
    floors = [entry for entry in listing("model") if entry.card is not None and entry.card.floor]
    compared = 0
    for entry in floors:
        head = entry.card.head or "ridge"
        one, two = (
            execute(RunSpec(entry.name, "popdensity", str(city), head=head, seeds=(0, 1)), bench=Workbench())
            for city in two_orders
        )
        assert (one.status, one.scores) == (two.status, two.scores), entry.name
        compared += one.status == OK
    assert compared >= 7


def test_vectors_come_in_the_order_of_ids(two_orders, own_cache):
    from urbanbench.run.embedding import embed_city

    one, two = (embed_city(RunSpec("poi-counts", "", str(city)), Workbench())[0] for city in two_orders)
    assert one.ids.tolist() == sorted(pd.read_parquet(two_orders[1] / "labels/income.parquet")["region_id"])
    assert one.digest() == two.digest()
