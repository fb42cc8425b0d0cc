"""The simulation keeps its books, agrees with brute force on small work and with what theory says of large."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from urbanbench.errors import BadInput, UnknownName
from urbanbench.run.planning.bounds import bounds, chain, graham
from urbanbench.run.planning.jobs import Job, Node, Terms, alike
from urbanbench.run.planning.simulate import simulate, ways

ONE = Node(1.0)


def plain(*seconds: float) -> list[Job]:
    return [Job(f"job {number}", length) for number, length in enumerate(seconds)]


def drawn(seed: int, n: int = 40) -> list[Job]:
    """Jobs with predecessors, cities, cores, GPUs and memory."""
    luck, found = np.random.default_rng(seed), []
    for number in range(n):
        after = tuple(sorted(set(luck.integers(0, number, luck.integers(0, 3)).tolist()))) if number else ()
        city, gpus = f"city {luck.integers(3)}", float(luck.choice([0.0, 0.0, 0.5, 1.0]))
        cores, memory = float(luck.integers(1, 3)), float(luck.choice([0.0, 500.0, 1000.0]))
        found.append(Job(f"{number}", float(luck.exponential(10)), city, after, cores, gpus, memory))
    return found


def by_hand(lengths: list[float], order: tuple[int, ...], machines: int) -> float:
    """List scheduling of independent jobs: each goes to the machine that is free first."""
    free = [0.0] * machines
    for number in order:
        free[free.index(min(free))] += lengths[number]
    return max(free)


def shortest(lengths: list[float], machines: int) -> float:
    """The best there is, over all ways to share jobs out."""
    return min(
        max(
            sum(length for length, where in zip(lengths, places, strict=True) if where == one)
            for one in range(machines)
        )
        for places in itertools.product(range(machines), repeat=len(lengths))
    )


def most_at_once(timeline, jobs, node, what):
    """The most that jobs of a node take of something at any moment."""
    here = [k for k in range(len(jobs)) if timeline.places[k] == node]
    return max(
        (
            sum(getattr(jobs[k], what) for k in here if timeline.begins[k] <= at < timeline.ends[k])
            for at in (timeline.begins[j] for j in here)
        ),
        default=0.0,
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", ["asked", "longest"])
def test_nothing_is_taken_twice_and_nobody_begins_before_what_it_waits_for(seed, order):
    jobs, nodes = drawn(seed), [Node(4, 2, 2000), Node(2, 1, 1500), Node(3, 0, 1000)]
    told = simulate(jobs, nodes, Terms(0.2, 0.05, 1.0, {"city 0": 4.0, "city 1": 1.0}), order=order)
    for node, one in enumerate(nodes):
        assert most_at_once(told, jobs, node, "cores") <= one.cores
        assert most_at_once(told, jobs, node, "gpus") <= one.gpus
        assert most_at_once(told, jobs, node, "memory_mb") <= one.memory_mb
    for number, job in enumerate(jobs):
        assert told.begins[number] >= max((told.ends[before] for before in job.after), default=1.0)
    assert len(set(told.begins)) == len(jobs)  # one driver


@pytest.mark.parametrize("seed", range(6))
def test_seconds_that_jobs_hold_are_work_overhead_and_waiting_for_cities(seed):
    jobs, terms = drawn(seed), Terms(0.3, 0.01, 0.5, {"city 2": 3.0})
    told = simulate(jobs, alike(3, Node(4, 2, 4000)), terms)
    held = sum(end - begin for begin, end in zip(told.begins, told.ends, strict=True))
    assert held == pytest.approx(told.work_s + told.overhead_s + told.shipping_s)
    assert told.work_s == pytest.approx(sum(job.seconds for job in jobs))
    assert told.overhead_s == pytest.approx(0.3 * len(jobs))
    assert told.driver_s == pytest.approx(0.01 * len(jobs))
    assert (told.losses, told.lost_s) == (0, 0.0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("machines", [2, 3])
def test_independent_jobs_go_as_by_hand_and_the_best_order_is_the_best_there_is(seed, machines):
    lengths = np.random.default_rng(seed).integers(1, 20, 6).astype(float).tolist()
    orders = list(itertools.permutations(range(6)))
    spans = [
        simulate(plain(*(lengths[k] for k in order)), alike(machines, ONE)).makespan for order in orders[::7]
    ]
    assert spans == [by_hand(lengths, order, machines) for order in orders[::7]]
    best = shortest(lengths, machines)
    assert min(by_hand(lengths, order, machines) for order in orders) == best
    longest = simulate(plain(*lengths), alike(machines, ONE), order="longest").makespan
    assert best <= longest <= (4 / 3 - 1 / (3 * machines)) * best + 1e-9
    assert bounds(plain(*lengths), alike(machines, ONE)).seconds <= best


@pytest.mark.parametrize("seed", range(20))
def test_list_scheduling_stays_between_the_bounds(seed):
    luck = np.random.default_rng(seed)
    jobs = [Job("", one.seconds, after=one.after) for one in drawn(seed, 25)]
    machines = int(luck.integers(2, 6))
    for order in ("asked", "longest"):
        seconds = simulate(jobs, alike(machines, ONE), order=order).makespan
        assert bounds(jobs, alike(machines, ONE)).seconds <= seconds + 1e-9
        assert seconds <= graham(jobs, machines) + 1e-9


def test_with_machines_enough_the_longest_chain_is_all():
    jobs = drawn(3)
    free = [Job("", job.seconds, after=job.after) for job in jobs]
    assert simulate(free, alike(40, ONE)).makespan == pytest.approx(bounds(free, alike(40, ONE)).chain_s)
    assert bounds(free, alike(40, ONE)).holds == "chain"


def test_the_chain_is_the_longest_of_all_ways():
    jobs = drawn(5, 14)

    def all_ways(number):
        followers = [k for k, job in enumerate(jobs) if number in job.after]
        return [[number, *way] for k in followers for way in all_ways(k)] or [[number]]

    longest = max(
        (way for k in range(14) for way in all_ways(k)), key=lambda way: sum(jobs[k].seconds for k in way)
    )
    assert chain(jobs) == longest
    assert max(ways(jobs)) == pytest.approx(sum(jobs[k].seconds for k in longest))


@pytest.mark.parametrize(("length", "expected"), [(0.0, 2.0), (5.0, 7.0)])
def test_one_driver_hands_out_one_job_after_the_other(length, expected):
    told = simulate(plain(*[length] * 20), alike(100, ONE), Terms(dispatch_s=0.1))
    assert told.makespan == pytest.approx(expected)
    assert bounds(plain(*[length] * 200), alike(1000, ONE), Terms(dispatch_s=0.1)).holds == "driver"


def test_a_city_is_shipped_to_a_node_once():
    jobs = [Job("", 1.0, "here") for _ in range(6)]
    one = simulate(jobs, [ONE], Terms(ship_s={"here": 10.0}))
    assert (one.makespan, one.shipping_s) == (16.0, 10.0)
    wide = simulate(jobs, [Node(6.0)], Terms(ship_s={"here": 10.0}))
    assert wide.makespan == 11.0  # six wait for one shipment
    assert simulate(jobs, alike(6, ONE), Terms(ship_s={"here": 10.0})).makespan == 11.0


def test_nodes_that_have_a_city_are_taken_first():
    jobs = [Job("", 5.0, "a"), Job("", 5.0, "b"), Job("", 1.0, "b"), Job("", 1.0, "a")]
    told = simulate(jobs, alike(2, ONE), Terms(ship_s={"a": 2.0, "b": 2.0}))
    assert told.places[0] == told.places[3] or told.places[1] == told.places[2]


def test_memory_and_gpus_keep_jobs_apart():
    heavy = [Job("", 3.0, memory_mb=600.0), Job("", 3.0, memory_mb=600.0), Job("", 3.0, memory_mb=300.0)]
    assert simulate(heavy, [Node(4, 0, 1000.0)]).makespan == 6.0
    halves = [Job("", 3.0, gpus=0.5) for _ in range(4)]
    assert simulate(halves, [Node(8, 1)]).makespan == 6.0


def test_a_job_that_does_not_fit_lets_others_pass():
    jobs = [Job("", 5.0, gpus=1.0), Job("", 5.0, gpus=1.0), Job("", 1.0)]
    assert simulate(jobs, [Node(2, 1)]).ends == (5.0, 10.0, 1.0)


def test_lost_work_is_done_again_and_takes_what_theory_says():
    """Restarts of a job of s seconds under losses of rate r that take b seconds: (exp(r s) - 1)(1 / r + b) on average."""
    s, every, back = 10.0, 15.0, 4.0
    spans = [
        simulate(plain(s), [ONE], Terms(lost_every_s=every, back_s=back, seed=seed)).makespan
        for seed in range(1500)
    ]
    expected = (math.exp(s / every) - 1) * (every + back)
    error = np.std(spans, ddof=1) / math.sqrt(len(spans))
    assert abs(np.mean(spans) - expected) < 3.5 * error
    assert error < 0.05 * expected


def test_every_job_ends_although_nodes_are_lost_and_what_was_lost_is_counted():
    jobs = drawn(1)
    terms = Terms(0.1, 0.01, lost_every_s=20.0, back_s=5.0, seed=3, ship_s={"city 1": 2.0})
    told, again = (simulate(jobs, alike(3, Node(4, 2, 4000)), terms) for _ in range(2))
    calm = simulate(jobs, alike(3, Node(4, 2, 4000)), Terms(0.1, 0.01, ship_s={"city 1": 2.0}))
    assert told.losses > 0 < told.lost_s
    assert told.work_s == pytest.approx(calm.work_s)
    assert told.makespan > calm.makespan
    assert (told.begins, told.ends, told.places) == (again.begins, again.ends, again.places)
    assert (
        told.ends
        != simulate(
            jobs, alike(3, Node(4, 2, 4000)), Terms(0.1, 0.01, lost_every_s=20.0, back_s=5.0, seed=4)
        ).ends
    )


@pytest.mark.parametrize(
    ("jobs", "nodes", "terms", "says"),
    [
        (plain(1.0), [], Terms(), "No nodes"),
        ([Job("training", 1.0, gpus=1.0)], [ONE], Terms(), "'training' needs 1 cores, 1 GPUs and 0 MB"),
        ([Job("a", 1.0, after=(0,))], [ONE], Terms(), "waits for jobs"),
        (plain(1e9), [ONE], Terms(lost_every_s=1.0, back_s=math.inf), "none comes back: 0 of 1"),
    ],
)
def test_work_that_cannot_be_done_is_refused(jobs, nodes, terms, says):
    with pytest.raises(BadInput, match=says):
        simulate(jobs, nodes, terms)


def test_an_unknown_order_is_refused_and_no_work_takes_no_time():
    with pytest.raises(UnknownName, match="order of jobs"):
        simulate(plain(1.0), [ONE], order="shortest")
    assert simulate([], [ONE]).makespan == 0.0
    assert chain([]) == []
