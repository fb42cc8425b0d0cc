"""What ``describe`` and ``results show`` say of a model beside a floor and of its trainings, against arithmetic on the files."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import numpy as np
import pytest

from urbanbench.cli.app import main

NOISY = """
import numpy as np

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.seeds import generator
from urbanbench.space import EmbeddingSpace


class Noisy(Model):
    card = ModelCard(title="Noisy", summary="POIs of a unit, and noise.", needs=("poi",), can_use=("polygon",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0).to_numpy()
        noise = generator(seed, "noisy").normal(size=(len(units), 8))
        columns = np.column_stack([counts * (1 + noise[:, 0]), noise])
        return EmbeddingSpace("region", np.array(units.ids), columns.astype("float32"))
"""
SEEDS = 4


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The results of two trainings on toyville:tiny, each alone and beside the best floor."""
    place = tmp_path_factory.mktemp("adds")
    model = place / "noisy.py"
    model.write_text(NOISY, encoding="utf-8")
    words = [
        "run", "-m", str(model), "-c", "toyville:tiny", "-t", "popdensity", "--head", "ridge", "--seeds", str(SEEDS),
        "--model-seeds", "2", "--adds", "--no-floors", "--no-isolate", "--device", "cpu", "--out", str(place / "kept"),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("URBANBENCH_CACHE", str(place / "cache"))
        assert main(words) == 0
    return place / "kept" / "toyville-tiny" / "popdensity"


@pytest.fixture
def folder(kept, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(kept, tmp_path / "popdensity")


def file_of(folder, training, *, beside=False):
    """Return one result's file."""
    for path in sorted(folder.glob("*__*.json")):
        spec = json.loads(path.read_text())["spec"]
        if (spec["model_seed"], bool(spec.get("beside"))) == (training, beside):
            return path
    raise AssertionError(training)


def said(capsys, *words):
    capsys.readouterr()
    assert main([*map(str, words)]) == 0
    return capsys.readouterr().out


def told(capsys, file):
    return json.loads(said(capsys, "describe", file, "--json"))


def read(file):
    return json.loads(file.read_text())


def numbers(text):
    """Return the numbers around the first signs of spread: "+0.1 ± 0.2, better" is (0.1, 0.2)."""
    return tuple(float(part) for part in text.partition(",")[0].split(" ± "))


def test_the_gain_is_that_of_both_over_the_floor_with_its_spread_and_the_seeds_that_have_one(kept, capsys):
    both = read(file_of(kept, 0, beside=True))
    gains = np.array(both["scores"]["r2"]) - np.array(both["adds"]["floor_scores"]["r2"])
    adds = told(capsys, file_of(kept, 0))["adds"]
    assert numbers(adds["R²"]) == pytest.approx((gains.mean(), gains.std(ddof=1)), abs=6e-4)
    assert adds["R²"].endswith(f"better than the floor alone on {(gains > 0).sum()} of {SEEDS} seeds")
    assert numbers(adds["together"]) == pytest.approx((np.mean(both["scores"]["r2"]), np.std(both["scores"]["r2"], ddof=1)), abs=6e-3)  # fmt: skip


def test_every_seed_has_its_gain_and_its_floor(kept, capsys):
    both = read(file_of(kept, 0, beside=True))
    adds = told(capsys, file_of(kept, 0))["adds"]
    assert list(adds["per seed"]) == [f"seed {seed}" for seed in range(SEEDS)]
    for place, line in enumerate(adds["per seed"].values()):
        floor = both["adds"]["chosen"][place]
        alone, together = both["adds"]["floor_scores"]["r2"][place], both["scores"]["r2"][place]
        assert line == f"{together - alone:+.3f}, {floor} alone {alone:.3f}, together {together:.3f}"
    for name, count in Counter(both["adds"]["chosen"]).items():
        assert adds["floors"] == name or f"{name} {count}x" in adds["floors"]


def test_the_model_alone_and_beside_the_floor_tell_the_same_gain(kept, capsys):
    alone, beside = (told(capsys, file_of(kept, 1, beside=one)) for one in (False, True))
    assert alone["adds"] == beside["adds"]
    assert "beside the best floor" not in alone["name"]
    assert "beside the best floor" in beside["name"]
    assert alone["trainings"] == beside["trainings of the model alone"]


def test_several_trainings_have_a_spread_over_splits_and_one_over_trainings(kept, capsys):
    scores = np.array([read(file_of(kept, seed))["scores"]["r2"] for seed in (0, 1)])
    gains = np.array([read(file_of(kept, seed, beside=True))["adds"]["gain"]["r2"] for seed in (0, 1)])
    facts = told(capsys, file_of(kept, 1))
    for table, text in ((scores, facts["trainings"]["R²"]), (gains, facts["adds"]["of 2 trainings"])):
        expected = table.mean(), table.std(axis=1, ddof=1).mean(), table.mean(axis=1).std(ddof=1)
        assert numbers(text) == pytest.approx(expected, abs=6e-3)
    over = table_spread(scores)
    assert facts["trainings"]["spread"] == f"± {over[0]:.3f} over splits, ± {over[1]:.3f} over trainings"
    assert facts["trainings"]["training 1"].endswith(", this one")
    assert not facts["trainings"]["training 0"].endswith(", this one")
    assert facts["adds"]["of 2 trainings"].endswith(f"better on {(gains > 0).sum()} of {2 * SEEDS}")


def table_spread(scores):
    return scores.std(axis=1, ddof=1).mean(), scores.mean(axis=1).std(ddof=1)


def test_results_show_prints_the_same_for_people(kept, capsys):
    text = said(capsys, "results", "show", file_of(kept, 0))
    assert text == said(capsys, "describe", file_of(kept, 0))
    lines = [line.split() for line in text.splitlines()]
    assert ["adds:"] in lines
    assert sum(line[:1] == ["seed"] for line in lines) == SEEDS
    assert any(line[:2] == ["reads", "as"] for line in lines)


def spoil(file, **changes):
    """Give every seed of a gain other numbers: floor, together and second floor."""
    result = read(file)
    result["scores"]["r2"] = list(changes["together"])
    adds = result["adds"]
    adds["floor_scores"]["r2"], adds["second_scores"]["r2"] = list(changes["floor"]), list(changes["second"])
    pairs = zip(changes["together"], changes["floor"], strict=True)
    adds["gain"]["r2"] = [None if a is None or b is None else a - b for a, b in pairs]
    file.write_text(json.dumps(result))


@pytest.mark.parametrize(
    ("together", "second", "reading"),
    [
        (
            (0.60, 0.61, 0.60, 0.61),
            (0.52, 0.52, 0.52, 0.52),
            "more than its spread over splits and more than what a second floor adds in its place",
        ),
        (
            (0.60, 0.61, 0.60, 0.61),
            (0.70, 0.70, 0.70, 0.71),
            "more than its spread over splits and no more than what a second floor adds in its place",
        ),
        (
            (0.60, 0.41, 0.60, 0.41),
            (0.60, 0.60, 0.60, 0.60),
            "no more than its spread over splits and no more than what a second floor adds in its place",
        ),
        ((0.49, 0.48, 0.50, 0.50), (0.52,) * 4, "nothing beyond what the floor says"),
    ],
)
def test_a_gain_is_held_against_its_spread_and_against_a_second_floor(
    folder, capsys, together, second, reading
):
    file_of(folder, 1, beside=True).unlink()
    spoil(file_of(folder, 0, beside=True), floor=(0.5,) * 4, together=together, second=second)
    adds = told(capsys, file_of(folder, 0))["adds"]
    assert adds["reads as"] == reading
    assert "of 2 trainings" not in adds


def test_a_seed_without_a_score_is_told(folder, capsys):
    file = file_of(folder, 0, beside=True)
    spoil(file, floor=(0.5,) * 4, together=(0.6, None, 0.6, 0.6), second=(0.5,) * 4)
    assert told(capsys, file)["adds"]["per seed"]["seed 1"] == "no score"


def test_a_model_alone_in_one_training_says_neither(folder, capsys):
    for file in (file_of(folder, 1), file_of(folder, 1, beside=True), file_of(folder, 0, beside=True)):
        file.unlink()
    facts = told(capsys, file_of(folder, 0))
    assert facts["adds"] == facts["trainings"] == {}
    assert "adds" not in said(capsys, "describe", file_of(folder, 0))


def test_trainings_of_other_settings_are_not_joined(folder, capsys):
    other = read(file_of(folder, 1))
    other["spec"]["parameters"] = {"x": 1}
    file_of(folder, 1).write_text(json.dumps(other))
    assert told(capsys, file_of(folder, 0))["trainings"] == {}


def test_no_floor_to_stand_beside_is_told_in_a_word(folder, capsys):
    file = file_of(folder, 0, beside=True)
    refused = read(file) | {
        "status": "refused",
        "error_type": "NoFloor",
        "reason": "None.",
        "adds": {},
        "scores": {},
    }
    file.write_text(json.dumps(refused))
    assert told(capsys, file_of(folder, 0))["adds"] == "no floor"


def test_a_neighbour_that_cannot_be_read_is_named_and_no_hindrance(folder, capsys):
    broken = file_of(folder, 1)
    broken.write_text("{")
    facts = told(capsys, file_of(folder, 0))
    assert facts["not readable"] == [broken.name]
    assert facts["trainings"] == {}
    assert facts["scores"]["R²"]
