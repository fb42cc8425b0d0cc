"""Which rows a word names, which rows answer one question, and what a comparison rests on."""

from dataclasses import replace

import numpy as np
import pytest

from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.judging.choosing import choose
from urbanbench.judging.comparison import compare
from urbanbench.judging.evidence import NO_PLACES, NO_PREDICTIONS
from urbanbench.judging.ground import Ground
from urbanbench.judging.question import differences, other_versions, pair_up
from urbanbench.judging.verdict import RESAMPLED, SPATIAL
from urbanbench.judging.words import lacking_words, origin_words, statement

PLACES = {f"r{k:02d}": (400.0 * (k % 6), 400.0 * (k // 6)) for k in range(36)}


def somewhere(row):
    return PLACES


def nowhere(row):
    return None


def pair(one, other):
    return pair_up(("a", "b"), [one], [other])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head": "ridge"}, "head mlp against ridge"),
        ({"split": "block", "split_digest": "x" * 32}, "split random against block"),
        ({"task": "income"}, "task popdensity against income"),
        ({"city": "hamlet"}, "city village against hamlet"),
        ({"seeds": 5}, "seeds 0 to 9 against 0 to 4"),
        ({"targets_digest": "u"}, "labels t against u"),
        ({"split_digest": "0123456789abcdef" * 2}, "test units random-10 against 01234567"),
        ({"versions": {"head": 2}}, "version of the head 1 against 2"),
        ({"versions": {"metrics": 2}}, "version of the metrics 1 against 2"),
    ],
)
def test_rows_of_different_questions_are_refused_by_what_differs(make_row, change, said):
    one, other = make_row("a", 1.0), make_row("b", 1.0, **change)
    assert said in differences(one, other)
    with pytest.raises(BadInput, match="cannot be compared") as told:
        pair(one, other)
    assert said in str(told.value)
    assert "village · popdensity · random · mlp" in str(told.value)


def test_rows_of_other_units_are_refused_by_their_numbers(make_row):
    one, other = make_row("a", 1.0), make_row("b", 1.0)
    fewer = replace(other, evaluation={**other.evaluation, "n_units": 30})
    assert differences(one, fewer) == ["number of units 36 against 30"]


def test_a_floor_that_is_its_own_head_goes_with_every_head(make_row):
    lag = make_row("spatial-lag", 3.0, head="knn", versions={"head": 4})
    [found] = pair(make_row("a", 1.0), lag)
    assert found.place == "village · popdensity · random · mlp"


def test_the_closest_rows_say_what_is_missing(make_row):
    ones = [make_row("a", 1.0), make_row("a", 1.0, head="ridge")]
    others = [make_row("b", 1.0, head="rf", task="income"), make_row("b", 1.0, head="rf")]
    with pytest.raises(BadInput, match=r"differ in head mlp against rf\. Mend: "):
        pair_up(("a", "b"), ones, others)


def test_trainings_are_one_side_and_presets_are_not(make_row):
    ones = [make_row("a", 1.0, model_seed=seed) for seed in (2, 0, 1)]
    [found] = pair_up(("a", "b"), ones, [make_row("b", 1.0)])
    assert [row.cell.model_seed for row in found.one] == [0, 1, 2]
    both = [make_row("a", 1.0, preset=preset) for preset in ("small", "quick")]
    with pytest.raises(
        BadInput, match=r"'a' names 2 rows .* differ in preset small and quick.* say a,preset=small"
    ):
        pair_up(("a", "b"), both, [make_row("b", 1.0)])


def test_of_several_inputs_those_are_paired_that_both_have(make_row):
    ones = [make_row("a", 1.0, inputs=inputs) for inputs in ("full", "poi,polygon")]
    [found] = pair_up(("a", "b"), ones, [make_row("b", 1.0, inputs="poi,polygon")])
    assert found.one[0].cell.inputs == "poi,polygon"
    [found] = pair_up(
        ("a", "b"), ones, [make_row("b", 1.0, inputs=inputs) for inputs in ("poi,polygon", "full")]
    )
    assert found.one[0].cell.inputs == found.other[0].cell.inputs == "full"


def test_words_name_rows_by_model_parameter_run_and_file(make_row):
    plain = make_row("a", 1.0, preset="small", parameters={"dim": 64})
    wide = make_row("a", 1.0, preset="small", parameters={"dim": 128}, settings={"dim": 128})
    other = make_row("b", 1.0)
    rows = [plain, wide, other]

    def named(word):
        return [row.run_id for row in choose(word, rows).rows]

    assert named("a") == [plain.run_id]
    assert named("a,dim=128") == [wide.run_id]
    assert named("a,preset=small,dim=64") == [plain.run_id]
    assert named(wide.run_id[:8]) == [wide.run_id]
    assert named(str(other.file)) == [other.run_id]
    assert choose(plain.run_id, rows).name == "a (small)"


def test_of_several_versions_of_a_model_each_question_has_the_newest(make_row):
    old, new = (
        make_row("a", 1.0, parameters={"lr": lr}, versions={"model": n}) for lr, n in ((1, 1), (2, 2))
    )
    elsewhere = make_row("a", 1.0, task="income", parameters={"lr": 1}, versions={"model": 1})
    assert [row.run_id for row in choose("a", [old, new, elsewhere]).rows] == [new.run_id, elsewhere.run_id]
    assert [row.run_id for row in choose("a,lr=1", [old, new]).rows] == [old.run_id]


@pytest.mark.parametrize(
    ("usual", "other", "word"),
    [(True, False, "false"), (6, None, "none"), (["poi"], ["poi", "svi"], "poi+svi"), (0.5, 1e-05, "1e-05")],
)
def test_a_parameter_is_named_as_set_takes_it(make_row, usual, other, word):
    plain = make_row("a", 1.0, parameters={"x": usual})
    changed = make_row("a", 1.0, parameters={"x": other}, settings={"x": other})
    assert [row.run_id for row in choose(f"a,x={word}", [plain, changed]).rows] == [changed.run_id]
    with pytest.raises(BadInput, match="Expected one of: ") as told:
        choose("a,x=nothing", [plain, changed])
    assert word in str(told.value)


@pytest.mark.parametrize(
    ("key", "value"), [("beside", "best-floor"), ("probe", "position"), ("train_city", "town")]
)
def test_rows_of_other_questions_are_taken_when_named(make_row, key, value):
    plain = make_row("a", 1.0)
    other = replace(plain, cell=replace(plain.cell, **{key: value}))
    assert [row.run_id for row in choose("a", [plain, other]).rows] == [plain.run_id]
    assert [row.run_id for row in choose(f"a,{key}={value}", [plain, other]).rows] == [other.run_id]


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("c", UnknownName, "Unknown model 'c'"),
        ("a,dmi=3", UnknownName, "Did you mean 'dim'"),
        ("a,dim=3", BadInput, "has dim=3. Expected one of: 64"),
        ("a,dim", BadInput, "Expected name=value"),
        ("0123456789abcdef", UnknownName, "Unknown run or model"),
        ("nowhere.json", DataMissing, "No result file 'nowhere.json'"),
        ("r", BadInput, "no finished row"),
    ],
)
def test_words_that_name_nothing_are_refused(make_row, word, kind, said):
    rows = [make_row("a", 1.0, parameters={"dim": 64}), make_row("r", 1.0, status="refused")]
    with pytest.raises(kind, match=said):
        choose(word, rows)


def test_a_refused_run_cannot_be_compared(make_row):
    row = make_row("a", 1.0, status="refused")
    with pytest.raises(BadInput, match="is refused"):
        choose(row.run_id, [row])


def test_scattered_test_units_are_judged_by_place_and_whole_blocks_by_split(make_row):
    [random] = compare(pair(make_row("a", 0.3), make_row("b", 6.0)), Ground(somewhere))
    assert random.verdict.method == SPATIAL
    rows = make_row("a", 0.3, split="block"), make_row("b", 6.0, split="block")
    [block] = compare(pair(*rows), Ground(somewhere))
    assert block.verdict.method == RESAMPLED
    for found in (random, block):
        assert found.verdict.low <= found.verdict.mean <= found.verdict.high
        assert found.verdict.mean == pytest.approx(found.scores[0] - found.scores[1])
        assert found.verdict.odds.better > 0.8
        assert found.verdict.odds.worse < found.verdict.p


@pytest.mark.parametrize(
    ("split", "method"),
    [
        ("group:street", RESAMPLED),
        ("buffered:500", RESAMPLED),
        ("file:x-0123456789", SPATIAL),
        ("city-out:b", SPATIAL),
    ],
)
def test_splits_with_an_argument_are_judged_as_their_kind(make_row, split, method):
    rows = make_row("a", 0.3, split=split), make_row("b", 6.0, split=split)
    [found] = compare(pair(*rows), Ground(somewhere))
    assert found.verdict.method == method


@pytest.mark.parametrize(
    ("split", "sets", "method"),
    [("group", 2, SPATIAL), ("group:street", 4, SPATIAL), ("group", 5, RESAMPLED), ("block", 2, RESAMPLED)],
)
def test_seeds_that_repeat_the_same_few_groups_are_no_splits_of_their_own(make_row, split, sets, method):
    rows = make_row("a", 0.3, split=split, sets=sets), make_row("b", 6.0, split=split, sets=sets)
    [found] = compare(pair(*rows), Ground(somewhere))
    assert found.verdict.method == method


SAME = {"split_facts": [{"same_test_units": 1}] * 10}
FEW = {"split_facts": [{"test_side": "a" if seed % 4 else "b"} for seed in range(10)]}


@pytest.mark.parametrize(
    ("split", "facts", "blind"),
    [
        ("city-out+10", {}, True),
        ("file:x-0123456789", SAME, True),
        ("file:x-0123456789", {}, False),
        ("random", {}, False),
        ("group", FEW, True),
    ],
)
def test_scores_of_seeds_alone_separate_nothing_where_every_seed_tests_the_same_units(
    make_row, split, facts, blind
):
    rows = make_row("a", 0.3, split=split), make_row("b", 9.0, split=split)
    both = pair(*(replace(row, evaluation=row.evaluation | {"n_train": 900} | facts) for row in rows))
    [seen] = compare(both, Ground(somewhere))
    [found] = compare(both, Ground(nowhere))
    assert (seen.verdict.method, seen.blind, lacking_words(seen)) == (SPATIAL, False, "")
    assert found.adjusted_p < 0.05
    assert found.separable != blind
    said = "seeds test the same units" if blind else "chance is that of other units of this city"
    assert said in lacking_words(found)
    assert ("Whether chance could have done it is not known" in statement(found, "a", "b", 1)) == blind


def test_a_comparison_says_what_the_two_rows_were_made_by_where_it_is_not_alike(make_row):
    stage = {"name": "local", "steps": 5, "planned_steps": 5, "converged": False}
    one = replace(make_row("a", 0.3, versions={"view": 1, "model": 1}), training=[stage])
    other = make_row("b", 6.0, versions={"view": 2, "model": 5})
    [found] = compare(pair(one, other), Ground(somewhere))
    versions, training = origin_words(found, "a", "b")
    assert versions == "the rows of a and b differ in view version 1 against 2"
    assert training.startswith("a had not converged when its training ended")
    same = replace(other, cell=replace(other.cell, model="a"))
    assert other_versions(one, same) == ["view version 1 against 2", "model version 1 against 5"]
    [alike] = compare(pair(make_row("a", 0.3), make_row("b", 6.0)), Ground(somewhere))
    assert origin_words(alike, "a", "b") == []


def test_the_spatial_mean_is_that_of_the_splits_and_errors_are_turned_for_losses(make_row):
    both = pair(make_row("a", 0.3), make_row("b", 6.0))
    [score], [error] = (compare(both, Ground(somewhere), metric=metric) for metric in ("r2", "rmse"))
    assert error.sign == -1
    assert error.verdict.mean == pytest.approx(error.scores[1] - error.scores[0])
    assert error.verdict.mean > 0
    assert error.rope == pytest.approx(0.01 * np.mean(error.scores))
    assert score.rope == 0.01


def test_without_predictions_or_places_only_splits_judge_and_that_is_said(make_row):
    both = pair(make_row("a", 0.3), make_row("b", 6.0))
    [found] = compare(both, Ground(nowhere))
    assert (found.verdict.method, found.lacking) == (RESAMPLED, NO_PLACES)
    [found] = compare(pair(make_row("c", 0.5, keep=False), make_row("d", 3.0)), Ground(somewhere))
    assert (found.verdict.method, found.lacking) == (RESAMPLED, NO_PREDICTIONS)


def test_predictions_of_other_scores_are_refused(make_row):
    one = make_row("a", 0.5)
    wrong = replace(one, scores={**one.scores, "r2": [score + 0.01 for score in one.scores["r2"]]})
    with pytest.raises(BadInput, match="do not give its r2"):
        compare(pair(wrong, make_row("b", 3.0)), Ground(somewhere))


def test_one_split_no_metric_and_gaps_are_refused(make_row):
    one, other = make_row("a", 1.0), make_row("b", 1.0)
    with pytest.raises(BadInput, match="no metric 'f1_macro'"):
        compare(pair(one, other), Ground(nowhere), metric="f1_macro")
    with pytest.raises(BadInput, match="on one split"):
        compare(pair(make_row("a", 1.0, seeds=1), make_row("b", 1.0, seeds=1)), Ground(nowhere))
    gap = replace(one, scores={**one.scores, "r2": [float("nan"), *one.scores["r2"][1:]]})
    with pytest.raises(BadInput, match="no finite r2 on 1 of 10 seeds"):
        compare(pair(gap, other), Ground(nowhere))


def test_p_values_are_adjusted_over_all_questions(make_row):
    tasks = ("popdensity", "income", "gdp")
    ones, others = (
        [make_row(name, noise, task=task) for task in tasks] for name, noise in (("a", 0.5), ("b", 2.0))
    )
    found = compare(pair_up(("a", "b"), ones, others), Ground(somewhere))
    least = min(found, key=lambda one: one.verdict.p)
    assert least.adjusted_p == pytest.approx(3 * least.verdict.p)


def test_equal_rows_are_said_to_be_equal(make_row):
    [found] = compare(pair(make_row("a", 1.0, draw="x"), make_row("b", 1.0, draw="x")), Ground(somewhere))
    assert (found.verdict.mean, found.verdict.p, found.verdict.odds.same) == (0.0, 1.0, 1.0)
    words = statement(found, "a", "b", 1)
    assert "not separable from chance" in words
    assert "No number of seeds, units or cities" in words


def test_a_sentence_names_the_better_one_and_what_chance_says(make_row):
    [found] = compare(pair(make_row("a", 6.0), make_row("b", 0.3)), Ground(somewhere), draws=200)
    words = statement(found, "ours", "theirs", 1)
    assert words.startswith("On popdensity in village (split random, head mlp) theirs is ")
    assert "better in R² than ours over 10 shared splits" in words
    assert "That is separable from chance" in words
    assert "spatial t test over units" in words
    assert "spatial block bootstrap, 95 %" in words
    assert " trainings" not in words


def test_a_sentence_says_where_blocks_are_too_few_to_be_drawn_again(make_row):
    rows = [make_row(name, noise, split="block") for name, noise in (("a", 6.0), ("b", 0.3))]
    wide = [replace(row, evaluation=row.evaluation | {"block_size_m": 1e6}) for row in rows]
    [found] = compare(pair(*wide), Ground(somewhere), draws=200)
    assert "Test units lie in 1 of the split's blocks, too few to be drawn again" in statement(
        found, "a", "b", 1
    )


def test_trainings_are_named_and_widen_the_interval(make_row):
    other = make_row("b", 3.0)
    ones = [make_row("a", noise, model_seed=seed) for seed, noise in enumerate((0.5, 1.0, 2.5))]
    [several] = compare(pair_up(("a", "b"), ones, [other]), Ground(somewhere))
    assert "over 10 shared splits and 3 and 1 trainings" in statement(several, "a", "b", 1)
    means = [np.mean(row.scores["r2"]) for row in ones]
    assert several.verdict.high - several.verdict.low > 2 * 1.96 * np.std(means, ddof=1) / np.sqrt(3)


def test_units_that_are_not_all_on_the_map_are_not_judged_by_place(make_row):
    few = {name: at for name, at in PLACES.items() if name != "r07"}
    [found] = compare(pair(make_row("a", 0.3), make_row("b", 6.0)), Ground(lambda row: few))
    assert found.lacking == NO_PLACES
