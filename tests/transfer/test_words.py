"""``embed`` and ``cache explain`` with a train city, and what ``list models`` says of carrying over."""

import json
from pathlib import Path

import numpy as np
import pytest

from urbanbench.cli.app import main
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.registry import listing
from urbanbench.space import EmbeddingSpace
from urbanbench.units import Units


@pytest.fixture
def words(tiny_toyville, other_folder, tmp_path, monkeypatch):
    """Words that ask for a model of the other city, trained at home; cache and files are the test's own."""
    monkeypatch.setenv("URBANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    asked = ["-m", "poi-counts", "-c", str(other_folder), "--device", "cpu"]
    return asked, [*asked, "--train-city", str(tiny_toyville)]


def test_embed_writes_what_the_model_learned_at_home_makes_of_the_other_city(words, home, other):
    native, carried = words
    assert main(["embed", *carried, "-o", "carried.parquet"]) == 0
    assert main(["embed", *native, "-o", "native.parquet"]) == 0
    model, units = PoiCounts(), Units("region", tuple(sorted(other.unit_ids("region"))))
    learned = model.learn(home.view(model.card.inputs), seed=0, device="cpu")
    expected = model.embed_with(learned, other.view(model.card.inputs), units=units, seed=0, device="cpu")
    made = EmbeddingSpace.load(Path("carried.parquet")).take(list(units.ids))
    np.testing.assert_array_equal(made.vectors, expected.vectors)
    own = EmbeddingSpace.load(Path("native.parquet"))
    assert own.dim != made.dim or not np.array_equal(own.take(list(units.ids)).vectors, made.vectors)


def test_embed_says_where_it_learned(words, capsys):
    assert main(["embed", *words[1], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["learned"]["city"] == "toyville"


def test_explain_tells_whether_vectors_and_what_was_learned_are_kept(words, tiny_toyville, capsys):
    native, carried = words
    explain = ["cache", "explain", *carried]
    assert main(explain) == 0
    told = capsys.readouterr().out
    assert "trained in toyville: not cached" in told
    assert f"What it learned in {tiny_toyville} is not in the cache" in told
    assert main(["embed", *carried]) == 0
    capsys.readouterr()
    assert main(explain) == 0
    told = capsys.readouterr().out
    assert "cached as " in told
    assert f"What it learned in {tiny_toyville} is in the cache" in told
    assert main([*explain, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["learned"] is True
    assert main(["cache", "explain", *native, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert not facts["cached"]
    assert "learned" not in facts
    assert "learned" in facts["differences"]


@pytest.mark.parametrize("command", [["embed"], ["cache", "explain"]])
def test_a_model_that_cannot_be_carried_over_is_refused(words, command, capsys):
    asked = [*command, *words[1]]
    asked[asked.index("poi-counts")] = "coordinates"
    assert main(asked) != 0
    assert "cannot be carried to another city" in capsys.readouterr().err
    asked[asked.index("coordinates")] = "poi-counts"
    asked[asked.index("-c") + 1] = asked[asked.index("--train-city") + 1]
    assert main(asked) == 2
    assert "is the city that is scored" in capsys.readouterr().err


def test_models_are_listed_with_the_word_of_their_card(capsys):
    assert main(["list", "models", "--json"]) == 0
    told = {row["name"]: row["transfers"] for row in json.loads(capsys.readouterr().out)}
    cards = {entry.name: entry.card for entry in listing("model") if entry.card is not None}
    assert told == {name: card.transfers for name, card in cards.items()}
    assert {"inductive", "fixed", "transductive"} <= set(told.values())
