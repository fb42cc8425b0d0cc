"""What takes longest is handed out first, as by hand; what nobody knows before all, and what is short as it stands."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from urbanbench.cache import EmbeddingCache
from urbanbench.result import OK, RunResult, RunSpec
from urbanbench.run import resolve
from urbanbench.run.executors.on_slurm import _portions
from urbanbench.run.loop import run
from urbanbench.run.planning.costs import BY_SIZE, Costs
from urbanbench.run.planning.jobs import Job, Node, Terms, alike
from urbanbench.run.planning.lengths import Lengths, rank
from urbanbench.run.planning.simulate import simulate
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


def order(model="hgi", city="toyville", **more):
    return resolve(RunSpec(model, "popdensity", city, **({"head": "ridge"} | more)))


def row(one, embed, head=1.0, **cost):
    return RunResult(
        OK,
        one.cell,
        task={"level": one.task.card.level},
        model={"floor": one.model.card.floor, "dim": 8},
        cost={"embed_seconds": embed, "head_seconds": head, **cost},
        provenance={"device": "cpu"},
    )


def told(*rows) -> Lengths:
    def learn(costs, model, _city, _anywhere):
        for one in rows:
            if one.cell.model == model:
                costs.learn(one)

    return Lengths(learn)


def dims(orders):
    return [one.spec.settings[0][1] for one in orders]


def of_dims(seconds):
    """Vectors of several lengths of training: one setting each, asked for in this order."""
    orders = [order(settings=(("dim", name),)) for name in seconds]
    rows = [row(one, length) for one, length in zip(orders, seconds.values(), strict=True) if length]
    return orders, told(*rows)


def by_hand(lengths, machines):
    """Longest processing time first, with a pencil: each job, longest first, to the machine that is free first."""
    free = [0.0] * machines
    for length in sorted(lengths, reverse=True):
        free[free.index(min(free))] += length
    return max(free)


def test_portions_go_longest_first_what_nobody_knows_before_all_and_short_ones_as_they_stand():
    orders, lengths = of_dims({"8": 3.0, "16": 50.0, "24": 900.0, "32": 2.0, "40": 100.0})
    unknown = order("cityfm", settings=(("dim", "48"),))
    sorted_ = lengths.longest_first([[one] for one in [*orders, unknown]])
    assert [dims(part)[0] for part in sorted_] == ["48", "24", "40", "16", "8", "32"]
    assert Lengths().longest_first([[one] for one in orders]) == [[one] for one in orders]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("machines", [2, 3, 5])
def test_the_simulated_order_ends_when_longest_first_by_hand_does(seed, machines):
    lengths = np.random.default_rng(seed).uniform(10, 500, 17).round(1).tolist()
    jobs = [Job(f"{k}", seconds) for k, seconds in enumerate(lengths)]
    assert simulate(jobs, alike(machines, Node()), order="handed").makespan == pytest.approx(
        by_hand(lengths, machines)
    )


def test_a_hint_decides_the_order_and_not_the_seconds():
    jobs = [Job("a", 60.0), Job("b", 60.0), Job("unknown, and long", 0.0, thought_s=math.inf), Job("c", 5.0)]
    began = simulate(jobs, [Node()], order="handed").begins
    assert began == (0.0, 60.0, 0.0, 120.0)


def test_short_jobs_are_handed_out_as_they_stand():
    jobs = [Job(f"{k}", seconds) for k, seconds in enumerate([3.0, 9.0, 1.0, 11.0, 6.0])]
    assert simulate(jobs, [Node()], order="handed").begins == (11.0, 14.0, 23.0, 0.0, 24.0)
    assert [rank(1.0), rank(9.9)] == [0.0, 0.0]


def test_no_more_jobs_run_at_once_than_there_may():
    jobs = [Job(f"{k}", 10.0) for k in range(6)]
    assert simulate(jobs, alike(6, Node()), Terms(most=2)).makespan == 30.0


def test_an_array_with_more_groups_than_tasks_is_dealt_longest_first():
    seconds = {"8": 700.0, "16": 100.0, "24": 400.0, "32": 300.0, "40": 600.0, "48": 200.0}
    orders, lengths = of_dims(seconds)
    portions = _portions(orders, 2, lengths)
    assert [dims(part) for part in portions] == [["8", "32", "48"], ["40", "24", "16"]]
    assert (
        max(sum(seconds[name] for name in dims(part)) for part in portions) < by_hand(seconds.values(), 2) + 1
    )
    assert sorted(map(len, _portions(orders, 4, Lengths()))) == [1, 1, 2, 2]


def test_finished_cells_and_kept_vectors_take_nothing(tmp_path):
    store = ResultStore(tmp_path)
    first, second = order(settings=(("dim", "8"),)), order(settings=(("dim", "8"),), head="knn")
    lengths = Lengths(lambda costs, *_: costs.learn(row(first, 400.0, 20.0)), "cpu", store)
    assert lengths.way_s([first, second]) == pytest.approx(400.0 + 20.0)
    made = replace(row(first, 400.0), provenance={"device": "cpu", "embedding_digest": "0" * 32})
    store.save(made)
    again = Lengths(lambda costs, *_: costs.learn(made), "cpu", store)
    assert (again.done(first), again.done(second)) == (True, False)
    assert again.embed_s([first]) == 0.0
    assert again.embed_s([first, second]) == 400.0
    cache = EmbeddingCache()
    cache.folder.mkdir(parents=True, exist_ok=True)
    for name in (f"{'0' * 32}.json", f"{'0' * 32}.safetensors"):
        (cache.folder / name).touch()
    assert again.embed_s([first, second]) == 0.0


def test_rows_of_other_cities_are_scaled_with_regions_and_remain_a_hint():
    costs = Costs()
    costs.learn(row(order(city="toyville:tiny"), 30.0, embed_units=60))
    found = costs.embed(order(), regions=600)
    assert (found.seconds, found.basis, found.sure) == (300.0, BY_SIZE, False)
    assert costs.embed(order()).seconds == 30.0


def test_a_run_hands_its_executor_what_rows_of_its_folder_tell(village, tmp_path):
    class Asked:
        def run(self, work):
            self.order = [
                part[0].cell.model for part in work.lengths.longest_first([[o] for o in work.orders])
            ]
            return {one.cell.run_id: row(one, 0.0) for one in work.orders}

    store, executor = ResultStore(tmp_path / "rows"), Asked()
    specs = [
        RunSpec(model, "popdensity", str(village), head="ridge", seeds=(0,))
        for model in ("hgi", "geovectors")
    ]
    for spec, seconds in zip(specs, (20.0, 80.0), strict=True):
        store.save(row(resolve(replace(spec, head="knn")), seconds))
    run(specs, store, executor=executor)
    assert executor.order == ["geovectors", "hgi"]
