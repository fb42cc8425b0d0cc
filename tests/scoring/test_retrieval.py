"""Ranks, metrics, chance and oracle of retrieval, against loops that a reader believes."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score
from tests.scoring.asked import asked

from urbanbench.errors import BadInput
from urbanbench.items import Exam, Item
from urbanbench.scoring.metrics import metric_info
from urbanbench.scoring.retrieval.evaluate import evaluate, scores_of_rows
from urbanbench.scoring.retrieval.metrics import by_chance, hit_scores
from urbanbench.scoring.retrieval.questions import Questions
from urbanbench.scoring.retrieval.ranks import rank, vectors_of
from urbanbench.scoring.retrieval.sets import draw_sets
from urbanbench.space import EmbeddingSpace

SEEDS = (0, 1, 2)


def noise(questions, dim=8, seed=0, levels=None):
    """Vectors that know nothing; with `levels` of whole numbers, so that many cosines are equal."""
    draw = np.random.default_rng(seed)
    n = len(questions.ids)
    vectors = draw.normal(size=(n, dim)) if levels is None else draw.integers(1, levels, size=(n, dim))
    return EmbeddingSpace("item", questions.ids, vectors.astype(np.float32))


def slow_rank(space, query, candidates):
    """Count, one by one, the wrong candidates that are at least as like as the right one."""
    row = {one: k for k, one in enumerate(space.ids.tolist())}

    def like(one, other):
        a, b = (space.vectors[row[name]].astype(np.float64) for name in (one, other))
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    right = like(query, candidates[0])
    return 1 + sum(like(query, other) >= right - 1e-6 for other in candidates[1:])


@pytest.mark.parametrize("levels", [None, 3], ids=["distinct", "many ties"])
@pytest.mark.parametrize("n", [30, 130])
def test_ranks_are_those_of_a_loop_over_pairs(n, levels):
    questions = asked(n)
    space = noise(questions, dim=4, levels=levels)
    for sets in draw_sets(questions, SEEDS):
        found = rank(vectors_of(space, questions), sets)
        for seed in range(3):
            for row in range(0, n, 7):
                names = [questions.pool[one] for one in sets.rows[seed, row].tolist()]
                assert found.rank[seed, row] == slow_rank(space, questions.queries[row], names)


def test_gathering_candidates_and_multiplying_all_pairs_rank_alike(monkeypatch):
    questions = asked(130)
    space = noise(questions, dim=4, levels=4)
    sets = draw_sets(questions, SEEDS)[1]
    told = []
    for factor in (1000, 0):
        monkeypatch.setattr("urbanbench.scoring.retrieval.ranks._CHEAPER", factor)
        monkeypatch.setattr("urbanbench.scoring.retrieval.ranks._CHUNK", 5000)
        told.append(rank(vectors_of(space, questions), sets))
    assert (told[0].rank == told[1].rank).all()
    assert (told[0].first == told[1].first).all()


def test_hits_and_reciprocal_ranks_are_those_of_scikit_learn():
    questions = asked(60)
    space = noise(questions)
    [sets] = draw_sets(questions, (5,))
    vectors = vectors_of(space, questions)
    likeness = np.einsum("qd,qsd->qs", vectors.query, vectors.candidate[sets.rows[0]])
    scores = hit_scores(rank(vectors, sets).rank[0])
    for k in (1, 3, 5, 10):
        told = top_k_accuracy_score(np.zeros(60, dtype=int), likeness, k=k, labels=np.arange(20))
        assert scores[f"hit@{k}"] == pytest.approx(told)
    right = np.zeros((60, 20), dtype=int)
    right[:, 0] = 1
    assert scores["mrr"] == pytest.approx(label_ranking_average_precision_score(right, likeness))


def test_vectors_that_are_all_alike_find_nothing_and_come_last():
    questions = asked(40)
    space = EmbeddingSpace("item", questions.ids, np.ones((len(questions.ids), 3), dtype=np.float32))
    found = evaluate(space, questions, SEEDS)
    assert set(found.predictions["predicted[rank]"].tolist()) == {20}
    assert found.per_seed["hit@10"] == (0.0, 0.0, 0.0)


def test_what_has_no_data_comes_last_and_never_helps():
    questions = asked(40)
    space = noise(questions)
    perfect = {one: k for k, one in enumerate(questions.ids.tolist())}
    vectors = space.vectors.copy()
    for query, right in zip(questions.queries, questions.positive, strict=True):
        vectors[perfect[query]] = vectors[perfect[right]]
    covered = np.ones(len(questions.ids), dtype=bool)
    bare = [perfect["q00000"], perfect["c00001"]]
    covered[bare], vectors[bare] = False, 0.0
    found = evaluate(EmbeddingSpace("item", questions.ids, vectors, covered), questions, (0,))
    ranks = dict(
        zip(found.predictions["unit_id"].tolist(), found.predictions["predicted[rank]"].tolist(), strict=True)
    )
    assert (ranks["q00000"], ranks["q00001"], ranks["q00002"]) == (20, 20, 1)
    assert found.n_uncovered == 2
    assert found.per_seed["hit@1"] == (38 / 40,)
    assert found.per_seed_covered["hit@1"] == (1.0,)


def test_chance_is_what_noise_scores_and_the_oracle_knows_the_place():
    questions = asked(400, side=6000.0)
    runs = [evaluate(noise(questions, seed=k), questions, (k,)) for k in range(12)]
    for metric, chance in runs[0].section["chance"].items():
        scores = [one.per_seed[metric][0] for one in runs]
        if metric != "median_error_m":
            spread = np.sqrt(chance * (1 - chance) / 400 / 12) + 1e-3
            assert np.mean(scores) == pytest.approx(chance, abs=5 * spread), metric
    oracle = runs[0].section["oracle"]
    assert oracle["hit@1"] == oracle["mrr/100"] == 1.0
    assert oracle["median_error_m"] == 0.0


def test_chance_of_sets_of_different_sizes_is_the_mean_of_their_own():
    found = by_chance(np.array([2, 20]))
    assert found["hit@1"] == pytest.approx((1 / 2 + 1 / 20) / 2)
    assert found["hit@3"] == pytest.approx((1 + 3 / 20) / 2)
    harmonic = sum(1 / k for k in range(1, 21)) / 20
    assert found["mrr"] == pytest.approx((3 / 4 + harmonic) / 2)


def test_distances_are_those_of_the_candidate_that_is_ranked_first():
    questions = asked(50)
    found = evaluate(noise(questions), questions, (3,))
    rows = found.predictions
    place = dict(zip(questions.pool, questions.candidate_xy.tolist(), strict=True))
    target = dict(zip(questions.queries, questions.query_xy.tolist(), strict=True))
    small = rows["true[size]"] == 20
    metres = [
        float(np.hypot(*np.subtract(place[first], target[query])))
        for query, first in zip(rows["unit_id"][small].tolist(), rows["first"][small].tolist(), strict=True)
    ]
    assert found.per_seed["median_error_m"][0] == pytest.approx(np.median(metres))
    assert found.per_seed["within_500m"][0] == pytest.approx(np.mean(np.array(metres) <= 500))


def test_queries_about_no_place_have_ranks_and_no_distances():
    questions = asked(40)
    xy = questions.query_xy.copy()
    xy[::2] = np.nan
    half = replace(questions, query_xy=xy)
    found = evaluate(noise(half), half, (0,))
    bare = np.isnan(found.predictions["predicted[error_m]"])
    assert bare.sum() == 20
    assert found.section["candidates"]["about_places"] == 20
    none = replace(questions, query_xy=None, candidate_xy=None)
    told = evaluate(noise(none), none, (0,))
    assert "median_error_m" not in told.per_seed
    assert told.section["oracle"] == {}


def test_scores_follow_from_the_rows_of_predictions():
    questions = asked(130)
    found = evaluate(noise(questions), questions, SEEDS)
    again = scores_of_rows(found.predictions, SEEDS)
    assert again == found.per_seed
    assert len(again) == 14


def test_order_of_what_is_given_changes_nothing():
    questions = asked(60, likeness=tuple("abc"[k % 3] for k in range(60)))
    turned = Questions(
        questions.exam,
        questions.queries[::-1],
        questions.positive[::-1],
        questions.pool[::-1],
        likeness=questions.likeness[::-1],
        query_xy=questions.query_xy[::-1],
        candidate_xy=questions.candidate_xy[::-1],
    )
    assert turned.digest() == questions.digest()
    space = noise(questions)
    order = np.random.default_rng(1).permutation(len(space))
    mixed = EmbeddingSpace("item", space.ids[order], space.vectors[order])
    assert evaluate(mixed, turned, SEEDS).per_seed == evaluate(space, questions, SEEDS).per_seed


def test_a_main_metric_that_nobody_can_miss_is_refused():
    questions = asked(8, groups=tuple("ab"[k % 2] for k in range(8)))
    with pytest.raises(BadInput, match=r"Lots would score 1 on 'hit@5'.*main_metric='hit@1'"):
        evaluate(noise(questions), questions, SEEDS)
    told = replace(questions, main_metric="hit@1")
    assert evaluate(noise(told), told, SEEDS).section["main_metric"] == "hit@1"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"positive": ("c00000", "nobody")}, "1 ids in positive are not in the pool"),
        ({"queries": ("q00000", "q00000")}, "2 ids in queries, 1 of them different"),
        ({"queries": ("q00000", "c00001")}, "1 ids in queries are no queries of the exam"),
        ({"likeness": ("a",)}, "1 entries in likeness. Expected 2"),
        ({"query_xy": np.zeros((2, 3))}, "query_xy of shape"),
        ({"main_metric": "accuracy"}, "main_metric 'accuracy'"),
        ({"also_right": {"q00000": frozenset({"x"})}}, "in also_right are not in the pool"),
    ],
)
def test_questions_that_do_not_fit_together_are_refused(changed, told):
    with pytest.raises(BadInput, match=told):
        replace(asked(2), **changed)


def test_a_space_of_regions_is_refused():
    questions = asked(3)
    regions = EmbeddingSpace("region", np.array(["a"]), np.ones((1, 1), dtype=np.float32))
    with pytest.raises(BadInput, match="Expected items"):
        evaluate(regions, questions, SEEDS)


def test_what_is_shown_and_what_is_right_are_both_in_the_digest():
    questions = asked(5)
    items = dict(questions.exam.items) | {"q00000": Item(text="another question")}
    others = [
        replace(questions, exam=Exam(items, questions.exam.sides)),
        replace(questions, positive=questions.positive[::-1]),
        replace(questions, candidate_xy=questions.candidate_xy + 1.0),
        replace(questions, hard_m=100.0),
    ]
    assert len({one.digest() for one in [questions, *others]}) == 5


def test_every_metric_has_a_card_and_says_that_it_is_of_queries():
    questions = asked(130)
    found = evaluate(noise(questions), questions, (0,))
    cards = {name: metric_info(name) for name in found.per_seed}
    assert all(card.of_queries for card in cards.values())
    assert {name for name, card in cards.items() if not card.share} == {"median_error_m"}
    assert all(card.higher_is_better == card.share for card in cards.values())
    assert cards.keys() == found.section["chance"].keys() == found.section["oracle"].keys()
