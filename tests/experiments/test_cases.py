"""Case studies: twins, held-out gaps, class probabilities and opinions, and the two reports."""

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from urbanbench.errors import BadInput
from urbanbench.experiments import Choice, load_experiment
from urbanbench.experiments.kinds.class_odds import class_odds, has_odds, load_odds, save_odds, votes
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.gaps import gaps_of
from urbanbench.experiments.kinds.held_out import HeldOut, wilson
from urbanbench.experiments.kinds.opinions import opinions_of, quarrels
from urbanbench.experiments.kinds.report import print_report, save_figures
from urbanbench.experiments.kinds.twins import find_twins, nearest_pairs, region_texts, same_pairs
from urbanbench.registry import open_city
from urbanbench.result import RunSpec
from urbanbench.run.loop import run
from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace
from urbanbench.store import ResultStore

CITY = "toyville:tiny"


def random_texts(seed, regions=40):
    rng = np.random.default_rng(seed)
    kinds = np.array(["bar", "cafe", "shop", "bank"])
    return {
        f"r{k:02d}": tuple(sorted(rng.choice(kinds, rng.integers(1, 6)).tolist())) for k in range(regions)
    }


def overlap(one, other):
    a, b = Counter(one), Counter(other)
    return (a & b).total() / (a | b).total()


def test_same_pairs_are_those_of_a_naive_loop():
    texts = random_texts(0)
    wanted = {(a, b) for a, b in combinations(texts, 2) if texts[a] == texts[b]}
    found = same_pairs(texts)
    assert set(found) == wanted
    assert len(found) == len(wanted) > 5


@pytest.mark.parametrize("seed", range(3))
def test_nearest_pairs_are_mutual_nearest_by_multiset_overlap(seed):
    texts = random_texts(seed)
    names = list(texts)

    def nearest(one):
        return max((b for b in names if b != one), key=lambda b: overlap(texts[one], texts[b]))

    wanted = {(a, b) for a, b in combinations(names, 2) if nearest(a) == b and nearest(b) == a}
    found = nearest_pairs(texts)
    assert set(found) == wanted
    assert len({name for pair in found for name in pair}) == 2 * len(found)


def test_nearest_pairs_do_not_depend_on_the_block(monkeypatch):
    texts = random_texts(4)
    whole = nearest_pairs(texts)
    monkeypatch.setattr("urbanbench.experiments.kinds.twins._BLOCK", 7)
    assert nearest_pairs(texts) == whole


def test_twins_of_a_city_come_strictest_first_and_never_twice():
    city = open_city(CITY)
    rules, texts = find_twins(city)
    assert [rule.rule for rule in rules] == [
        "one POI each, same text",
        "several POIs, same texts",
        "nearest in kinds of POI",
    ]
    pairs = [frozenset(pair) for rule in rules for pair in rule.pairs]
    assert len(set(pairs)) == len(pairs) > 0
    kinds = region_texts(city, use_name=False)
    assert {name: len(some) for name, some in kinds.items()} == {
        name: len(some) for name, some in texts.items()
    }
    assert not any(text.startswith("name:") for some in kinds.values() for text in some)


@pytest.mark.parametrize(("successes", "trials"), [(0, 4), (3, 4), (17, 40), (40, 40)])
def test_wilson_is_scipys(successes, trials):
    wanted = binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson(successes, trials) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_wilson_without_trials_is_unknown():
    assert all(math.isnan(end) for end in wilson(0, 0))


def held_out():
    rows = [
        (0, "a", 1.0, 2.0),
        (1, "a", 1.0, 4.0),
        (0, "b", 5.0, 2.0),
        (2, "b", 5.0, 9.0),
        (2, "c", 3.0, 1.0),
        (1, "d", 3.0, 8.0),
    ]
    return HeldOut.of(pd.DataFrame(rows, columns=["seed", "unit_id", "true", "predicted"]))


def test_held_out_means_run_over_the_seeds_that_tested_a_unit():
    known = held_out()
    assert [known.mean(name) for name in "abcd"] == [3.0, 5.5, 1.0, 8.0]
    assert math.isnan(known.mean("never tested"))


def test_gaps_leave_out_untested_regions_and_equal_labels():
    gaps = gaps_of([("a", "b"), ("c", "d"), ("a", "x"), ("b", "c")], held_out())
    assert gaps.pairs == (("a", "b"), ("b", "c"))
    np.testing.assert_allclose(gaps.true, [[1, 5], [5, 3]])
    np.testing.assert_allclose(gaps.predicted, [[3, 5.5], [5.5, 1]])
    assert gaps.right == 2
    assert gaps.regions == 3
    # Slope through the origin of predicted (2.5, -4.5) over true (4, -2) differences.
    assert gaps.found == pytest.approx((4 * 2.5 + 2 * 4.5) / (16 + 4))
    assert gaps.error == pytest.approx((2 + 0.5 + 2) / 3)


def test_gaps_of_regions_tested_together_use_shared_seeds_and_equal_answers_count_as_half():
    gaps = gaps_of([("a", "b"), ("b", "c"), ("a", "c")], held_out(), together=True)
    assert gaps.pairs == (("a", "b"), ("b", "c"))
    np.testing.assert_allclose(gaps.predicted, [[2, 2], [9, 1]])
    assert gaps.right == 1.5


def test_widest_gaps_come_first_with_the_smaller_region_first():
    gaps = gaps_of([("b", "c"), ("b", "a")], held_out())
    assert gaps.widest() == [("a", "b"), ("c", "b")]
    assert gaps.of(("a", "b")) == ((1.0, 5.0), (3.0, 5.5))


def test_no_pairs_have_no_gaps():
    assert len(gaps_of([("c", "d")], held_out())) == 0


def classes_and_vectors(n=120):
    rng = np.random.default_rng(5)
    ids = np.array([f"u{k:03d}" for k in range(n)])
    names = np.array(["one", "three", "two"])[rng.integers(0, 3, n)]
    vectors = rng.normal(size=(n, 6)).astype(np.float32)
    vectors[:, 0] += names == "two"
    targets = Targets(
        ids,
        "building",
        "classification",
        names,
        ("one", "three", "two"),
        "class",
        rng.uniform(0, 1e3, (n, 2)),
    )
    covered = np.arange(n) % 11 > 0
    return EmbeddingSpace(level="building", ids=ids, vectors=vectors, covered=covered), targets


def test_class_odds_are_what_the_evaluation_decides_by():
    space, targets = classes_and_vectors()
    protocol = Protocol(seeds=(0, 1, 2))
    odds = class_odds(space, targets, protocol)
    scores = evaluate(space, targets, protocol)
    shares = odds[list(targets.classes)].to_numpy()
    assert odds["unit_id"].tolist() == scores.predictions["unit_id"].tolist()
    assert odds["seed"].tolist() == scores.predictions["seed"].tolist()
    assert odds["true"].tolist() == scores.predictions["true"].tolist()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    chosen = np.array(targets.classes)[shares.argmax(axis=1)]
    assert chosen.tolist() == scores.predictions["predicted"].tolist()


def test_class_odds_refuse_heads_without_probabilities():
    with pytest.raises(BadInput, match="no class probabilities"):
        class_odds(*classes_and_vectors(), Protocol(head="ridge"))


def test_votes_are_means_of_predicted_classes():
    frame = pd.DataFrame(
        {"seed": [0, 1, 1], "unit_id": ["a", "a", "b"], "true": ["x", "x", "y"], "predicted": ["x", "z", "y"]}
    )
    opinions = opinions_of({"m": votes(frame)})
    assert opinions.classes == ("x", "y", "z")
    np.testing.assert_allclose(opinions.shares["m"], [[0.5, 0, 0.5], [0, 1, 0]])
    assert opinions.truth.tolist() == [0, 1]


def random_opinions(models=3, units=60):
    rng = np.random.default_rng(8)
    true = rng.choice(["x", "y", "z"], units)
    odds = {}
    for label in "ABC"[:models]:
        rows = []
        for seed in range(2):
            shares = rng.dirichlet([1, 1, 1], units)
            rows += [(seed, f"u{k:02d}", true[k], *shares[k]) for k in range(units) if (k + seed) % 3]
        odds[label] = pd.DataFrame(rows, columns=["seed", "unit_id", "true", "x", "y", "z"])
    return odds


def test_opinions_are_means_over_seeds_by_a_naive_loop():
    odds = random_opinions()
    opinions = opinions_of(odds)
    for label, frame in odds.items():
        for row, unit in enumerate(opinions.units):
            rows = frame[frame["unit_id"] == unit]
            np.testing.assert_allclose(
                opinions.shares[label][row], [rows[name].mean() for name in opinions.classes]
            )
            assert opinions.classes[opinions.truth[row]] == rows["true"].iloc[0]


def test_most_disputed_units_have_the_largest_distance_of_any_two_models_and_different_classes():
    opinions = opinions_of(random_opinions())
    widest = [
        max(0.5 * np.abs(a[row] - b[row]).sum() for a, b in combinations(opinions.shares.values(), 2))
        for row in range(len(opinions.units))
    ]
    np.testing.assert_allclose(opinions.disagreement(), widest)
    first, second = opinions.most_disputed(2)
    assert widest[first] == max(widest)
    others = [widest[k] for k in range(len(widest)) if opinions.truth[k] != opinions.truth[first]]
    assert widest[second] == max(others)


def test_rightness_of_the_best_two_and_log_loss_are_those_of_a_naive_loop():
    opinions = opinions_of(random_opinions())
    shares, truth = opinions.shares["B"], opinions.truth
    for row, kind in enumerate(truth):
        place = sorted(range(3), key=lambda k, row=row: -shares[row, k]).index(kind)
        assert opinions.right("B")[row] == (place == 0)
        assert opinions.right("B", 2)[row] == (place <= 1)
    wanted = -np.mean([math.log(shares[row, kind]) for row, kind in enumerate(truth)])
    assert opinions.log_loss("B") == pytest.approx(wanted)


def test_quarrels_count_who_is_right_and_test_it_as_mcnemar():
    opinions = opinions_of(random_opinions())
    (found, *_) = quarrels(opinions)
    best = {label: shares.argmax(axis=1) for label, shares in opinions.shares.items()}
    a, b, truth = best["A"], best["B"], opinions.truth
    assert (found.one, found.other) == ("A", "B")
    assert found.first == sum((a == truth) & (b != truth))
    assert found.second == sum((b == truth) & (a != truth))
    assert found.neither == sum((a != b) & (a != truth) & (b != truth))
    low, trials = min(found.first, found.second), found.first + found.second
    tail = sum(math.comb(trials, k) for k in range(low + 1)) / 2**trials
    assert found.p_value == pytest.approx(min(1.0, 2 * tail))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


def shown(name, contenders, out, **words):
    """Run an experiment with other rows and return its report."""
    experiment = replace(load_experiment(name), contenders=contenders, splits=("random",))
    choice = experiment.settled(Choice(cities=(CITY,), seeds=tuple(range(4)), out=out, **words))
    experiment.prepare(choice)
    store = ResultStore(out)
    run(experiment.specs(choice), store)
    return experiment, choice, experiment.show(store.load_all(), choice)


def test_context_case_shows_pairs_and_all_rows(results, tmp_path):
    rows = (
        Contender("stats", "building-stats"),
        Contender("place", "coordinates"),
        Contender("none", "mean"),
    )
    experiment, choice, report = shown("case1", rows, results)
    pairs, every = report.sections[0].tables
    assert pairs.lines
    titles = [column.title for column in every.columns]
    found = {
        (line.entries[0].text, line.entries[1].text): dict(zip(titles, line.entries, strict=True))
        for line in every.lines
    }
    blind = found["nearest in kinds of POI", "none"]
    assert blind["gap found"].value == pytest.approx(0, abs=0.2)
    # One mean for both regions of a pair: exactly half, as no one can tell.
    assert blind["of these ordered rightly"].value == 0.5
    assert len(save_figures(report, tmp_path)) == 3
    assert "Ordered rightly" in print_report(report, "md")
    for line in pairs.lines:
        name, true = line.entries[2].text.rpartition("(")[2].rstrip(")"), line.entries[4].value
        assert true == pytest.approx(open_city(CITY).label("popdensity").loc[name, "value"])
    other = experiment.show([], choice)
    assert "not run" in other.sections[0].warnings[0]


def test_context_case_says_when_predictions_or_the_city_are_not_there(results, tmp_path):
    rows = (Contender("place", "coordinates"),)
    experiment, choice, _ = shown("case1", rows, results)
    found = ResultStore(results).load_all()
    report = experiment.show([replace(one, file=tmp_path / "a" / "b" / "c.json") for one in found], choice)
    assert "no predictions" in report.sections[0].warnings[0]
    report = experiment.show(found, replace(choice, cities=("nowhere",)))
    assert "nowhere" in report.sections[0].warnings[0]


def test_function_case_shows_probabilities_and_falls_back_to_votes(results, tmp_path):
    rows = (
        Contender("stats", "building-stats"),
        Contender("place", "coordinates"),
        Contender("new", "none-such"),
    )
    experiment = replace(load_experiment("case2"), contenders=rows)
    choice = experiment.settled(Choice(cities=(CITY,), seeds=(0, 1, 2), out=results))
    experiment.prepare(choice)
    store = ResultStore(results)
    run(experiment.specs(choice)[:2], store)
    mine = [one for one in store.load_all() if one.task["kind"] == "classification"]
    report = experiment.show(mine, choice)
    (section,) = report.sections
    assert "numbers: probability" in section.facts
    disputed, every, differ = section.tables
    assert len(disputed.lines) == 4
    assert [line.entries[1].text for line in every.lines][-1] == "not in this version"
    assert len(differ.lines) == 1
    assert len(save_figures(report, tmp_path)) == 3
    bold = [entry.text for line in disputed.lines for entry in line.entries if entry.mark]
    assert set(bold) <= {line.entries[1].text for line in disputed.lines}
    for path in results.glob("*/*/predictions/*.classes.parquet"):
        path.unlink()
    report = experiment.show(mine, choice)
    assert "numbers: share of seeds" in report.sections[0].facts
    assert all(line.entries[-1].text == "" for line in report.sections[0].tables[1].lines)


def test_kept_odds_hold_for_their_vectors_only(results):
    spec = RunSpec("coordinates", "building_function", CITY, seeds=(0,))
    (result,) = run([spec], ResultStore(results))
    odds = pd.DataFrame({"seed": [0], "unit_id": ["b"], "true": ["x"], "x": [0.25], "y": [0.75]})
    made_from = (result.provenance["embedding_digest"], result.provenance["targets_digest"])
    save_odds(results, result.cell, odds, made_from)
    pd.testing.assert_frame_equal(load_odds(results, result), odds)
    assert not has_odds(results, result.cell, (made_from[0], "other"))
    other = replace(result, provenance={**result.provenance, "embedding_digest": "other"})
    assert load_odds(results, other) is None
