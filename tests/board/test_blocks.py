"""Which rows share a table."""

import random

from urbanbench.board.blocks import make_groups
from urbanbench.board.rows import read_rows


def groups_of(*results):
    return make_groups(read_rows(results))


def names(rows):
    return [row.name for row in rows]


def test_models_with_other_inputs_stand_in_other_blocks(make_result):
    (group,) = groups_of(
        make_result("a"),
        make_result("b", used=["poi", "polygon", "road"], inputs="full"),
        make_result("c", used=["poi", "polygon"], inputs="full"),
    )
    assert [(sorted(block.inputs), names(block.models)) for block in group.blocks] == [
        (["poi", "polygon"], ["a", "c"]),
        (["poi", "polygon", "road"], ["b"]),
    ]


def test_a_model_that_leaves_an_offered_input_unused_stays_in_the_setting(make_result):
    (group,) = groups_of(make_result("a"), make_result("urban2vec", used=["poi"]))
    assert len(group.blocks) == 1
    assert set(names(group.blocks[0].models)) == {"a", "urban2vec"}


def test_floors_stand_in_every_block_that_offers_what_they_use(make_result):
    floor = {"floor": True, "inputs": "full"}
    (group,) = groups_of(
        make_result("one", used=["poi"], inputs="poi"),
        make_result("two"),
        make_result("poi-counts", used=["poi"], **floor),
        make_result("building-stats", used=["polygon"], **floor),
        make_result("coordinates", used=["coordinates"], **floor),
        make_result("mean", used=[], head="mean", **floor),
        make_result("flow-rows", used=["flow"], **floor),
    )
    assert {",".join(sorted(block.inputs)): set(names(block.floors)) for block in group.blocks} == {
        "poi": {"poi-counts", "coordinates", "mean"},
        "poi,polygon": {"poi-counts", "building-stats", "coordinates", "mean"},
    }


def test_a_floor_run_under_two_settings_shows_the_one_that_uses_most_of_the_offer(make_result):
    (group,) = groups_of(
        make_result("small", used=["poi"], inputs="poi"),
        make_result("large"),
        make_result("tfidf", (0.1, 0.2, 0.3), used=["poi"], inputs="poi", floor=True),
        make_result("tfidf", (0.4, 0.5, 0.6), used=["poi", "polygon"], inputs="full", floor=True),
    )
    shown = {
        ",".join(sorted(block.inputs)): [round(row.main, 3) for row in block.floors] for block in group.blocks
    }
    assert shown == {"poi": [0.2], "poi,polygon": [0.5]}


def test_equal_runs_under_two_input_settings_are_shown_once(make_result):
    (group,) = groups_of(
        make_result("a"),
        make_result("a", inputs="full"),
        make_result("mean", used=[], floor=True),
        make_result("mean", used=[], floor=True, inputs="full"),
    )
    assert names(group.blocks[0].scored) == ["a", "mean"]


def test_each_head_of_the_learned_models_has_its_own_block(make_result):
    (group,) = groups_of(
        make_result("a"),
        make_result("a", head="ridge"),
        make_result("tfidf", floor=True),
        make_result("tfidf", floor=True, head="ridge"),
        make_result("tfidf", floor=True, head="select", chosen=["rf"] * 3),
        make_result("spatial-lag", used=["coordinates"], floor=True, head="knn"),
    )
    assert [(block.head, sorted((row.name, row.head) for row in block.floors)) for block in group.blocks] == [
        ("mlp", [("spatial-lag", "knn"), ("tfidf", "mlp"), ("tfidf", "select")]),
        ("ridge", [("spatial-lag", "knn"), ("tfidf", "ridge"), ("tfidf", "select")]),
    ]


def test_floors_alone_make_one_block(make_result):
    (group,) = groups_of(
        make_result("poi-counts", used=["poi"], floor=True),
        make_result("building-stats", used=["polygon"], floor=True),
        make_result("coordinates", used=["coordinates"], floor=True),
    )
    (block,) = group.blocks
    assert (sorted(block.inputs), block.models, len(block.floors)) == (["poi", "polygon"], (), 3)


def test_groups_keep_city_task_split_version_and_block_size_apart(make_result):
    newer = make_result("a")
    newer["spec"]["task_version"], newer["run_id"] = 2, "newer"
    groups = groups_of(
        make_result("a", city="b"),
        make_result("a", split="block", block_size_m=2000.0),
        make_result("a", split="block", block_size_m=900.0),
        make_result("a", task="gdp"),
        make_result("a"),
        newer,
    )
    found = [
        (group.city, group.task, group.task_version, group.split, group.block_size_m) for group in groups
    ]
    assert found == [
        ("b", "popdensity", 1, "random", None),
        ("singapore", "gdp", 1, "random", None),
        ("singapore", "popdensity", 1, "random", None),
        ("singapore", "popdensity", 1, "block", 900.0),
        ("singapore", "popdensity", 1, "block", 2000.0),
        ("singapore", "popdensity", 2, "random", None),
    ]


def test_a_refused_run_joins_its_block_and_its_automatic_block_size(make_result):
    refused = {"status": "refused", "reason": "No layer."}
    (group,) = groups_of(
        make_result("a", split="block", block_size_m=900.0),
        make_result("b", split="block", **refused),
        make_result("c", split="block", used=["satellite"], inputs="full", **refused),
    )
    assert names(group.blocks[0].unscored) == ["b"]
    assert names(group.unscored) == ["c"]


def test_order_does_not_depend_on_the_order_of_results(make_result):
    results = [make_result(name, (0.5, 0.5, 0.5 + 0.01 * len(name))) for name in ("a", "bb", "ccc", "dddd")]
    wanted = names(groups_of(*results)[0].blocks[0].models)
    assert wanted == ["dddd", "ccc", "bb", "a"]
    random.Random(0).shuffle(results)
    assert names(groups_of(*results)[0].blocks[0].models) == wanted
