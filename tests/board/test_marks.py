"""Best and not separable from it, and below a floor."""

import pytest

from urbanbench.board import render
from urbanbench.board.blocks import make_groups
from urbanbench.board.leading import BEST, TIED
from urbanbench.board.marks import (
    above_floor,
    best_floor,
    by_score,
    chosen_heads,
    floor_above,
    marks,
    ranked,
    usual_seeds,
)
from urbanbench.board.rows import read_row, read_rows

STEADY = (0.80, 0.81, 0.79, 0.80, 0.82, 0.80)
"""Scores of a row that is clearly above others that scatter with it."""


def block_of(*results):
    ((block,),) = (group.blocks for group in make_groups(read_rows(results)))
    return block


def marked(block, metric):
    found = marks(block, metric)
    return {row.name: found[row.run_id] for row in block.scored if row.run_id in found}


def lower(scores, by, scatter=(0.01, -0.01, 0.0, 0.01, -0.01, 0.0)):
    return tuple(one - by + more for one, more in zip(scores, scatter, strict=True))


def test_highest_r2_and_lowest_rmse_are_best(make_result):
    block = block_of(
        make_result("a", lower(STEADY, 0.3)), make_result("b", STEADY), make_result("c", lower(STEADY, 0.5))
    )
    assert marked(block, "r2") == {"b": BEST}
    assert marked(block, "rmse") == {"b": BEST}


def test_rows_that_chance_does_not_separate_from_the_best_are_marked_too(make_result):
    near = lower(STEADY, 0.005, (0.03, -0.03, 0.02, -0.02, 0.01, -0.01))
    block = block_of(make_result("a", near), make_result("b", STEADY), make_result("c", lower(STEADY, 0.5)))
    assert marked(block, "r2") == {"a": TIED, "b": BEST}
    assert marked(block, "rmse") == {"a": TIED, "b": BEST}


def test_equal_means_share_the_mark_of_the_best(make_result):
    block = block_of(
        make_result("a", (0.5, 0.75)), make_result("b", (0.75, 0.5)), make_result("c", (0.1, 0.1))
    )
    assert marked(block, "r2") == {"a": BEST, "b": BEST, "c": TIED}


def test_the_more_units_a_test_shares_with_training_the_less_is_separable(make_result):
    """A gap that splits of a small test part separate, and that equal test and training parts do not."""
    gap = lower(STEADY, 0.02, (0.015, -0.015, 0.01, -0.01, 0.0, 0.0))
    for n_train, separable in ((2000, True), (30, False)):
        results = [make_result("a", STEADY), make_result("b", gap)]
        for result in results:
            result["n_train"] = n_train
        assert (marked(block_of(*results), "r2").get("b") is None) == separable


def test_rows_of_one_seed_have_a_best_and_none_beside_it(make_result):
    block = block_of(make_result("a", (0.5,)), make_result("b", (0.5001,)))
    assert marked(block, "r2") == {"b": BEST}


def test_a_row_on_other_test_units_is_never_tied(make_result):
    near = lower(STEADY, 0.001)
    block = block_of(make_result("a", STEADY, split_digest="x"), make_result("b", near, split_digest="y"))
    assert marked(block, "r2") == {"a": BEST}


def test_several_trainings_that_differ_widely_separate_less(make_result):
    other = make_result("b", lower(STEADY, 0.05))
    alike = [
        make_result("a", lower(STEADY, by), model_seed=seed) for seed, by in enumerate((0.0, 0.001, -0.001))
    ]
    apart = [make_result("a", lower(STEADY, by), model_seed=seed) for seed, by in enumerate((0.0, 0.1, -0.1))]
    assert "b" not in marked(block_of(*alike, other), "r2")
    assert marked(block_of(*apart, other), "r2")["b"] == TIED


def test_one_row_alone_is_not_best(make_result):
    assert marked(block_of(make_result("a")), "r2") == {}


def test_unknown_metrics_never_rank(make_result):
    results = [make_result(name, (0.1 * place,) * 2) for place, name in enumerate("ab")]
    for result in results:
        result["scores"]["mystery"] = result["scores"]["r2"]
    assert marked(block_of(*results), "mystery") == {}


def test_rows_are_compared_with_floors_of_the_same_head_only(make_result):
    weak = make_result("poi-counts", (0.5, 0.5), used=["poi"], floor=True)
    chosen = make_result(
        "poi-counts", (0.7, 0.7), used=["poi"], floor=True, head="select", chosen=["rf", "rf"]
    )
    learned = [make_result("a", (0.6, 0.6)), make_result("b", (0.4, 0.4))]
    block = block_of(*learned, weak, chosen)
    assert marked(block, "r2") == {"a": BEST}
    below = {row.name: floor_above(block, row) for row in block.models}
    assert below["a"] is None
    assert (below["b"].name, below["b"].head) == ("poi-counts", "mlp")


def test_a_row_of_the_best_head_is_compared_with_floors_of_the_best_head(make_result):
    floors = [
        make_result("poi-counts", (score, score), used=["poi"], floor=True, head=head, chosen=["rf", "rf"])
        for head, score in (("mlp", 0.5), ("select", 0.7))
    ]
    block = block_of(make_result("a", (0.6, 0.6), head="select", chosen=["mlp", "mlp"]), *floors)
    assert chosen_heads(floor_above(block, block.models[0])) == "rf"


@pytest.mark.parametrize(("name", "head"), [("mean", "mean"), ("spatial-lag", "knn")])
def test_a_floor_that_is_its_own_head_counts_beside_every_head(make_result, name, head):
    floor = make_result(name, (0.7, 0.7), used=["coordinates"], floor=True, head=head)
    block = block_of(make_result("a", (0.6, 0.6)), floor)
    assert floor_above(block, block.models[0]).name == name


def _asked(result, version):
    return result | {"versions": {"model": 1, "task": 1, "split": 1, "head": version, "metrics": 1}}


def test_a_row_of_an_older_question_is_shown_last_and_neither_ranked_nor_counted(make_result):
    stale = _asked(make_result("stale", (0.9, 0.9)), 1)
    results = [make_result("a", (0.6, 0.6)), make_result("tfidf", (0.5, 0.5), floor=True)]
    block = block_of(stale, *(_asked(one, 2) for one in results))
    assert [row.name for row in by_score(block)] == ["a", "tfidf", "stale"]
    assert [row.name for row in ranked(block)] == ["a", "tfidf"]
    assert marked(block, "r2") == {"a": BEST}
    assert above_floor(block, block.models) == (1, 1)


def test_a_row_of_an_older_question_is_not_held_against_floors_nor_others_against_such_a_floor(make_result):
    low, old = _asked(make_result("low", (0.1, 0.1)), 1), make_result("old", (0.9, 0.9), floor=True)
    results = [make_result("a", (0.6, 0.6)), make_result("tfidf", (0.5, 0.5), floor=True)]
    block = block_of(low, _asked(old, 1), *(_asked(one, 2) for one in results))
    below = {row.name: floor_above(block, row) for row in block.models}
    assert below == {"a": None, "low": None}
    assert best_floor(block, (0, 1)).name == "tfidf"


def test_seeds_that_only_rows_of_an_older_question_share_are_not_the_usual_ones(make_result):
    stale = [_asked(make_result(name, (0.9,) * 5), 1) for name in ("b", "c")]
    assert usual_seeds(block_of(*stale, _asked(make_result("a", (0.6, 0.6)), 2))) == (0, 1)


def test_below_a_floor_follows_the_direction_of_the_main_metric(make_result):
    results = [make_result("a", (0.6, 0.6)), make_result("tfidf", (0.5, 0.5), floor=True)]
    for result in results:
        result["main_metric"] = "rmse"
    block = block_of(*results)
    assert [row.name for row in block.models] == ["a"]
    assert floor_above(block, block.models[0]) is None
    results[0]["scores"]["rmse"] = [9.0, 9.0]
    block = block_of(*results)
    assert floor_above(block, block.models[0]).name == "tfidf"


def test_a_score_equal_to_the_floor_is_not_below_it(make_result):
    block = block_of(make_result("a", (0.5, 0.5)), make_result("tfidf", (0.5, 0.5), floor=True))
    assert floor_above(block, block.models[0]) is None


def test_rows_with_other_seeds_are_neither_ranked_nor_compared_with_floors(make_result):
    block = block_of(
        make_result("quick", (0.99,)),
        make_result("a", (0.6, 0.6)),
        make_result("b", (0.5, 0.5)),
        make_result("tfidf", (0.9, 0.9), floor=True),
    )
    assert marked(block, "r2") == {"tfidf": BEST}
    quick = next(row for row in block.models if row.name == "quick")
    assert best_floor(block, quick.seeds) is None
    assert floor_above(block, quick) is None


def test_floors_are_never_flagged(make_result):
    block = block_of(
        make_result("a"), make_result("x", (0.1, 0.1, 0.1), floor=True), make_result("y", floor=True)
    )
    assert all(floor_above(block, row) is None for row in block.floors)


def test_chosen_heads_are_named_by_frequency(make_result):
    same = make_result("a", head="select", chosen=["rf", "rf", "rf"])
    mixed = make_result("a", head="select", chosen=["mlp", "rf", "rf"])
    assert [chosen_heads(read_row(one)) for one in (same, mixed, make_result("a"))] == [
        "rf",
        "mostly rf",
        "mlp",
    ]


@pytest.mark.parametrize("split", ["city-out", "city-out+10"])
def test_where_every_seed_tests_the_same_city_nothing_is_marked_and_the_board_says_why(make_result, split):
    rows = [make_result("a", lower(STEADY, 0.3), split=split), make_result("b", STEADY, split=split)]
    assert marked(block_of(*rows), "r2") == {}
    shown = render(rows, format="md")
    assert "**" not in shown.replace(f"**singapore · popdensity · {split}**", "")
    assert "Under city-out nothing is bold: every seed tests the same city" in shown
    assert "nothing is bold" not in render([make_result("a"), make_result("b")], format="md")


def test_nothing_is_marked_where_a_file_of_splits_tests_the_same_units_each_time(make_result):
    rows = [
        make_result(name, scores, split="file:fixed-0123456789")
        for name, scores in (("a", lower(STEADY, 0.3)), ("b", STEADY))
    ]
    assert marked(block_of(*rows), "r2") == {"b": "best"}
    fixed = [row | {"split_facts": [{"same_test_units": 1}] * 3} for row in rows]
    assert marked(block_of(*fixed), "r2") == {}
    shown = render(fixed, format="md")
    assert "a split file tests the same units on every seed nothing is bold" in shown
    assert "Under city-out" not in shown
