"""Embedding cache: whole entries only, and an explanation of every miss."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from urbanbench.cache import EmbeddingCache, EmbeddingKey, differences
from urbanbench.space import EmbeddingSpace

PARTS = {
    "model": "hgi",
    "code": "aa",
    "parameters": {"dim": 64, "epochs": 10},
    "view": "bb",
    "model_seed": 0,
    "packages": {"torch": "2.13"},
}
KEY = EmbeddingKey(PARTS, "hgi · village")
SPACE = EmbeddingSpace(
    "region", np.array(["a", "b"]), np.array([[1, 2], [0, 0]], dtype=np.float32), np.array([True, False])
)


def changed(**parts) -> EmbeddingKey:
    return EmbeddingKey(PARTS | parts, "hgi · village")


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "embeddings")


def test_vectors_come_back_bit_for_bit(cache):
    cache.put(KEY, SPACE, {"seconds": 1.5})
    space, facts = cache.get(KEY)
    assert space.digest() == SPACE.digest()
    assert facts == {"seconds": 1.5}


def test_every_part_of_the_key_counts(cache):
    cache.put(KEY, SPACE, {})
    others = [
        changed(model="x"),
        changed(code="x"),
        changed(view="x"),
        changed(model_seed=1),
        changed(parameters={"dim": 64, "epochs": 11}),
        changed(packages={"torch": "2.14"}),
    ]
    assert [cache.get(key) for key in others] == [None] * len(others)
    assert EmbeddingKey(PARTS, "other label").digest == KEY.digest


@pytest.mark.parametrize(
    "damage", ["vectors gone", "vectors cut", "vectors of another", "sidecar cut", "sidecar gone"]
)
def test_damaged_entry_counts_as_absent_and_is_replaced(cache, damage):
    cache.put(KEY, SPACE, {})
    vectors, sidecar = cache.folder / f"{KEY.digest}.safetensors", cache.folder / f"{KEY.digest}.json"
    if damage == "vectors gone":
        vectors.unlink()
    elif damage == "vectors cut":
        vectors.write_bytes(vectors.read_bytes()[:-3])
    elif damage == "vectors of another":
        EmbeddingSpace("region", SPACE.ids, SPACE.vectors + 1).save(vectors)
    elif damage == "sidecar cut":
        sidecar.write_text(sidecar.read_text()[:50])
    else:
        sidecar.unlink()
    assert cache.get(KEY) is None
    cache.put(KEY, SPACE, {})
    assert cache.get(KEY) is not None


def test_differences_name_single_parameters():
    other = changed(parameters={"dim": 128, "epochs": 10}, code="cc", packages={"torch": "2.14"})
    assert differences(KEY, other) == {
        "code": ("aa", "cc"),
        "packages.torch": ("2.13", "2.14"),
        "parameters.dim": (64, 128),
    }
    assert differences(KEY, KEY) == {}


def test_nearest_is_the_entry_of_the_model_with_fewest_differences(cache):
    cache.put(changed(code="zz", view="zz"), SPACE, {})
    cache.put(changed(code="cc"), SPACE, {})
    cache.put(changed(model="other"), SPACE, {})
    assert cache.nearest(KEY).digest == changed(code="cc").digest
    assert cache.nearest(changed(model="unheard")) is None


def test_prune_removes_what_is_old_or_over_the_size(cache):
    keys = [changed(model_seed=seed) for seed in range(3)]
    for age, key in enumerate(keys):
        cache.put(key, SPACE, {})
        path = cache.folder / f"{key.digest}.json"
        sidecar = json.loads(path.read_text())
        path.write_text(
            json.dumps(sidecar | {"stored": time.time() - age * 86_400 - 60, "size_bytes": 1_000_000_000})
        )
    assert [entry.digest for entry in cache.entries()] == [key.digest for key in keys]
    assert [entry.digest for entry in cache.prune(older_than_days=1.5)] == [keys[2].digest]
    assert [entry.digest for entry in cache.prune(keep_gb=1.0)] == [keys[1].digest]
    assert len(cache.prune()) == 1
    assert list(cache.folder.glob("*.safetensors")) == []


def test_entries_of_an_empty_cache(cache):
    assert cache.entries() == []
    assert cache.get(KEY) is None
