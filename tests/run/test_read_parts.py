"""What a run read instead of computing it stands in its cost, with what it cost when it was made."""

from __future__ import annotations

import textwrap

import pytest

from urbanbench.result import OK, RunSpec
from urbanbench.run import Workbench, execute

KEEPING = """
from dataclasses import dataclass

import numpy as np

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.kept.feature_store import cached_features


@dataclass(frozen=True)
class Keeping(Model):
    times: int = 1
    card = ModelCard(title="Keeping", summary="Keeps its features.", needs=("poi",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        def compute():
            counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0)
            return counts.to_numpy("float32")[:, None]

        for _ in range(2):
            found = cached_features("count", "none", view.key, compute)
        return EmbeddingSpace("region", np.array(units.ids), found * self.times)
"""


@pytest.fixture
def keeping(tmp_path, own_cache):
    path = tmp_path / "keeping.py"
    path.write_text(textwrap.dedent(KEEPING), encoding="utf-8")
    return path


def run(keeping, village, **settings):
    told = tuple((name, str(value)) for name, value in settings.items())
    result = execute(
        RunSpec(str(keeping), "popdensity", str(village), head="ridge", seeds=(0, 1), settings=told)
    )
    assert result.status == OK, result.traceback
    return result


def test_what_a_run_computes_itself_is_not_read_though_it_reads_it_again(keeping, village):
    assert "embed_read" not in run(keeping, village).cost


def test_features_of_an_earlier_run_are_named_with_their_seconds(keeping, village):
    run(keeping, village)
    cost = run(keeping, village, times=2).cost
    [part] = cost["embed_read"]
    assert part["part"] == "features: count"
    assert part["seconds"] >= 0
    assert not cost["embedding_cached"]


def test_a_cached_embedding_keeps_the_cost_of_its_making(keeping, village):
    run(keeping, village)
    first = run(keeping, village, times=2).cost["embed_read"]
    again = execute(
        RunSpec(str(keeping), "popdensity", str(village), head="mlp", seeds=(0,), settings=(("times", "2"),)),
        bench=Workbench(),
    )
    assert again.cost["embedding_cached"]
    assert again.cost["embed_read"] == first


def test_a_result_says_which_settings_differ_from_the_preset(keeping, village):
    assert run(keeping, village, times=2).model["settings"] == {"times": 2}
    assert run(keeping, village, times=1).model["settings"] == {}
    assert run(keeping, village).model["settings"] == {}


def test_a_refused_run_says_its_settings_too(keeping, village):
    spec = RunSpec(str(keeping), "popdensity", str(village), settings=(("times", "3"),), inputs="polygon")
    assert execute(spec).model["settings"] == {"times": 3}
