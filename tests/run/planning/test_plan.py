"""A plan says what is there, what the rest takes as far as rows tell, and what more nodes would do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from urbanbench.cli.placing import wanted_of
from urbanbench.errors import BadInput
from urbanbench.result import OK, RunResult, RunSpec
from urbanbench.run import Workbench, resolve, run
from urbanbench.run.executors.choosing import Place
from urbanbench.run.planning import outlook as outlook_room
from urbanbench.run.planning.costs import ELSEWHERE, FLOOR, OTHERWISE, SAME, SCALED, Costs
from urbanbench.run.planning.groups import costs_of, grouped
from urbanbench.run.planning.jobs import Asks, Terms, of_groups
from urbanbench.run.planning.outlook import Wanted, outlook
from urbanbench.run.planning.state import CACHED, MISSING, STALE, TO_MAKE, WILL_REFUSE, CellState, look
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")
HOUR = 3600.0


def order(model="hgi", task="popdensity", city="toyville", **more):
    return resolve(RunSpec(model, task, city, **({"head": "ridge"} | more)))


def row(one, embed=100.0, head=10.0, *, units=0, device="cpu", **cost):
    return RunResult(
        OK,
        one.cell,
        task={"level": one.task.card.level},
        model={"floor": one.model.card.floor, "dim": 64},
        evaluation={"n_units": units},
        cost={"embed_seconds": embed, "head_seconds": head, **cost},
        provenance={"device": device},
    )


def learned(*rows):
    costs = Costs()
    for one in rows:
        costs.learn(one)
    return costs


def left(*orders, vectors=TO_MAKE, units=0):
    return [CellState(one, MISSING, vectors=vectors, units=units) for one in orders]


def test_vectors_of_the_same_cell_are_known_and_others_are_hints():
    costs = learned(row(order(), 100.0), row(order(), 300.0), row(order(), 120.0))
    told = {
        "task": costs.embed(order(task="income")),
        "inputs": costs.embed(order(inputs="poi")),
        "parameters": costs.embed(order(settings=(("dim", "32"),))),
        "city": costs.embed(order(city="toyville:tiny")),
    }
    assert {name: one.basis for name, one in told.items()} == {
        "task": SAME,
        "inputs": OTHERWISE,
        "parameters": OTHERWISE,
        "city": ELSEWHERE,
    }
    assert {one.seconds for one in told.values()} == {120.0}
    assert [one.sure for one in told.values()] == [True, False, False, False]
    assert costs.embed(order("cityfm")) is None
    assert costs.embed(order(preset="paper")) is None


def test_floors_are_known_even_where_none_ran():
    assert learned().embed(order("area")).basis == FLOOR
    assert learned(row(order("area", city="toyville:tiny"), 8.0)).embed(order("mean")).seconds == 8.0


def costed(**cost):
    told = learned(row(order(), 100.0, 10.0, **cost))
    return told.embed(order()).seconds, told.head(order()).seconds


def test_a_row_that_was_made_beside_other_programs_tells_what_processors_computed():
    assert costed(embed_processor_seconds=30.0, head_processor_seconds=4.0) == (30.0, 4.0)
    read = [{"part": "features: text", "seconds": 7.0}]
    assert costed(embed_processor_seconds=30.0, embed_read=read) == (37.0, 10.0)


def test_threads_a_gpu_and_long_waiting_leave_the_clock_standing():
    assert costed(embed_processor_seconds=390.0, head_processor_seconds=38.0) == (100.0, 10.0)
    assert costed(embed_processor_seconds=30.0, embed_processor_misses=["the GPU's work"]) == (100.0, 10.0)
    assert costed(embed_processor_seconds=2.0, head_processor_seconds=0.0) == (100.0, 10.0)


def test_rows_of_another_device_say_nothing():
    costs = learned(row(order(), device="cuda:0"))
    assert (costs.embed(order()), costs.head(order())) == (None, None)
    assert (costs.embed(order(), "cuda").seconds, costs.head(order(), "cuda").seconds) == (100.0, 10.0)


def test_heads_scale_with_labelled_units_and_fits_where_both_are_known():
    there = order(city="toyville:tiny", seeds=(0, 1))
    costs = learned(row(there, head=6.0, units=60))  # 50 ms a unit and fit
    assert costs.head(order(seeds=(0, 1, 2)), units=200).seconds == pytest.approx(0.05 * 200 * 3)
    assert costs.head(order(seeds=(0, 1, 2)), units=200).basis == SCALED
    assert costs.head(order()).basis == ELSEWHERE
    assert costs.head(order(head="rf"), units=200) is None
    assert costs.head(there, units=999).basis == SAME


def test_vectors_are_made_once_for_all_cells_that_share_them():
    cells = [
        order(task=task, split=split) for task in ("popdensity", "income") for split in ("random", "block")
    ]
    groups = grouped(left(*cells, order(task="landuse")), learned(row(order())))
    assert [(len(group.heads), group.embed_seconds, group.head_seconds) for group in groups] == [
        (4, 100.0, 40.0),
        (1, 100.0, 10.0),
    ]
    plan = outlook(groups, Wanted(), Terms())
    assert plan.here.seconds == pytest.approx(250.0)
    assert plan.here.efficiency == 1.0
    jobs = of_groups(groups)
    assert [job.after for job in jobs] == [(), (0,), (0,), (0,), (0,), (), (5,)]


def test_cached_vectors_cost_nothing():
    [group] = grouped(left(order(), vectors=CACHED), learned(row(order())))
    assert (group.makes, group.embed_seconds) == (False, 0.0)
    assert outlook([group], Wanted(), Terms()).here.seconds == 10.0


def test_what_is_unknown_is_counted_and_not_guessed():
    costs = learned(row(order(city="toyville:tiny"), units=60))
    groups = grouped(left(order(), order("cityfm", head="rf"), units=300), costs)
    plan = outlook(groups, Wanted(), Terms())
    assert plan.unknown == 3  # both vectors, and the head rf
    assert plan.here.seconds == pytest.approx(10.0 / 60 * 300)


def test_the_longest_training_is_why_more_nodes_are_in_vain():
    long, short = order(), [order("cityfm", model_seed=seed) for seed in range(8)]
    costs = learned(row(long, HOUR), row(short[0], HOUR / 4))
    plan = outlook(grouped(left(long, *short), costs), Wanted(nodes=16, price_per_hour=2.0), Terms())
    seconds = {one.nodes: one.seconds for one in plan.spread}
    assert seconds[1] == pytest.approx(3 * HOUR + 90)
    assert seconds[16] == pytest.approx(HOUR + 10)
    assert plan.spread[-1].holds == "chain"
    assert plan.reason.startswith(
        "More than 4 nodes would be in vain: hgi (small) in toyville takes 60 min and then ridge on hgi"
    )
    assert plan.spread[0].price == pytest.approx(2.0 * 3.025, abs=0.01)


def test_gpus_are_given_what_rows_tell_of_gpus():
    costs = learned(row(order(), 40.0, device="cuda"), row(order(), 400.0), row(order("cityfm"), 300.0))
    groups = grouped(left(order(), order("cityfm")), costs)
    on_gpu = {(job.gpus, job.seconds) for job in of_groups(groups, gpus=True) if not job.after}
    assert on_gpu == {(1.0, 40.0), (0.0, 300.0)}
    assert {job.seconds for job in of_groups(groups) if not job.after} == {400.0, 300.0}


def trainings(n):
    """Cells of n trainings of an hour each, with heads that take nothing."""
    costs = learned(row(order(), HOUR, 0.0))
    return grouped(left(*(order(model_seed=seed) for seed in range(n))), costs)


@pytest.mark.parametrize(
    ("asks", "node", "at_once"),
    [
        (Asks(), {"cores_per_node": 8}, 8),
        (Asks(cores=4), {"cores_per_node": 8}, 2),
        (Asks(cores=3), {"cores_per_node": 8}, 2),
        (Asks(gpus=1), {"cores_per_node": 8, "gpus_per_node": 2}, 2),
        (Asks(gpus=0.5), {"cores_per_node": 8, "gpus_per_node": 2}, 4),
        (Asks(gpus=0.25, cores=2), {"cores_per_node": 8, "gpus_per_node": 2}, 4),
        (Asks(memory_mb=7000), {"cores_per_node": 8}, 3),
        (Asks(), {"cores_per_node": 8, "most": 5}, 5),
    ],
)
def test_nodes_hold_as_many_jobs_as_these_ask_for(monkeypatch, asks, node, at_once):
    monkeypatch.setattr(outlook_room, "memory_mb", lambda: 24_000.0)
    plan = outlook(trainings(24), Wanted(asks=asks, **node), Terms())
    assert plan.spread[0].seconds == pytest.approx(-(-24 // at_once) * HOUR)


def test_heads_ask_for_a_gpu_only_where_they_run_on_one():
    [group] = grouped(left(order()), learned(row(order())))
    for heads_too, gpus in ((False, [0.5, 0.0]), (True, [0.5, 0.5])):
        jobs = of_groups([group], Asks(2, 0.5, 900.0, heads_too))
        assert [job.gpus for job in jobs] == gpus
        assert [job.cores for job in jobs] == [2, 2]
        assert [job.memory_mb for job in jobs] == [900.0, 0.0]


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (Asks(cores=9), r"--cores-per-job is 9, and the machines of this plan have 8\..*--cores-per-node 9"),
        (
            Asks(gpus=1.5),
            r"--gpus-per-job is 1\.5, and the machines of this plan have 0\..*--gpus-per-node 2",
        ),
    ],
)
def test_jobs_that_no_machine_of_the_plan_holds_are_refused_with_what_to_say(asks, said):
    with pytest.raises(BadInput, match=said):
        outlook(trainings(1), Wanted(nodes=2, cores_per_node=8, asks=asks), Terms())


def test_words_of_the_command_line_become_what_nodes_hold(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    here = wanted_of(Place(jobs=3), "cpu", 4)
    assert (here.jobs, here.node.cores, here.asks, here.most) == (3, 3, Asks(), None)
    ray = wanted_of(Place("ray", 1, "", 4, 0.5, 8000), "cuda", 4, 2, 1.5)
    assert (ray.jobs, ray.node.cores, ray.node.gpus, ray.price_per_hour) == (4, 16, 2, 1.5)
    assert (ray.asks, ray.most) == (Asks(4, 0.5, 8000, heads_too=True), None)
    other = wanted_of(Place("ray", 6, "auto", 4), "cpu", 4, 0, None, 64)
    assert (other.jobs, other.node.cores, other.most, other.asks.heads_too) == (6, 64, 6, False)


def test_the_plan_plays_the_order_in_which_cells_are_handed_out():
    """Three machines, by hand: longest first ends after 8 h, the order asked for after 11."""
    hours = {"8": 2, "16": 3, "24": 3, "32": 3, "40": 5, "48": 8}
    orders = [order(settings=(("dim", name),)) for name in hours]
    costs = learned(*(row(one, many * HOUR, 0.0) for one, many in zip(orders, hours.values(), strict=True)))
    plan = outlook(grouped(left(*orders), costs), Wanted(nodes=3), Terms())
    assert plan.spread[-1].seconds == pytest.approx(8 * HOUR)
    assert outlook(grouped(left(*orders), costs), Wanted(jobs=3), Terms()).here.seconds == pytest.approx(
        8 * HOUR
    )


def test_rows_say_what_memory_and_disk_will_be_needed(tmp_path):
    store = ResultStore(tmp_path)
    store.save(row(order(), embed_peak_rss_mb=2400.0, embed_units=1000))
    groups = grouped(left(order(task="income"), order(task="gdp")), costs_of([order()], store))
    plan = outlook(groups, Wanted(), Terms())
    assert plan.memory_mb == 2400.0
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.json")) / 1e6
    assert plan.disk_mb == pytest.approx(0.256 + 2 * size)
    json.dumps(plan.to_dict())


def states(specs, store, **more):
    return [
        (one.word, one.left, one.vectors) for one in look(map(resolve, specs), store, Workbench(), **more)
    ]


def test_rows_and_vectors_that_are_there_are_found(village, counting, tmp_path, own_cache):
    store = ResultStore(tmp_path / "rows")
    first, other = (
        RunSpec("poi-counts", "popdensity", str(village), head=head, seeds=(0,)) for head in ("ridge", "knn")
    )
    before = sorted(own_cache.rglob("*"))
    assert states([first, other], store) == [(MISSING, True, TO_MAKE)] * 2
    assert sorted(own_cache.rglob("*")) == before
    run([first], store)
    assert states([first, other], store) == [(OK, False, CACHED), (MISSING, True, CACHED)]
    assert states([first], store, overwrite="always") == [(OK, True, CACHED)]


def test_rows_that_no_longer_hold_are_old_and_say_why(village, tmp_path):
    store, spec = (
        ResultStore(tmp_path),
        RunSpec("poi-counts", "popdensity", str(village), head="ridge", seeds=(0,)),
    )
    [made] = run([spec], store)
    store.save(replace(made, versions={**made.versions, "model": 0}))
    [one] = look([resolve(spec)], store, Workbench())
    assert (one.word, one.left) == (STALE, True)
    assert one.reason.startswith("model version 0, now")
    assert states([spec], store, overwrite="never") == [(STALE, False, CACHED)]


def test_what_would_be_refused_says_so_and_takes_no_time(village, tmp_path):
    spec = RunSpec("building-stats", "popdensity", str(village))
    [one] = look([resolve(spec)], ResultStore(tmp_path), Workbench())
    assert (one.word, one.left) == (WILL_REFUSE, False)
    assert "polygon" in one.reason
    plan = outlook(grouped([one], learned()), Wanted(nodes=4), Terms())
    assert (plan.here.seconds, plan.reason) == (0.0, "Nothing is left to do.")
