"""Finding cells among results."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.experiments.kinds.shelf import Shelf, absence
from urbanbench.result import RunSpec

SPEC = RunSpec("tfidf", "popdensity", "village", seeds=(0, 1, 2))


def test_a_cell_is_found_by_what_it_asks(answer):
    result = answer(SPEC)
    other = answer(replace(SPEC, split="block"))
    shelf = Shelf([other, result])
    assert shelf.find(SPEC) is result
    assert shelf.find(replace(SPEC, head="ridge")) is None


def test_without_the_asked_seeds_the_longest_finished_run_is_taken(answer):
    short, long = (answer(replace(SPEC, seeds=tuple(range(n))), [0.5] * n) for n in (2, 5))
    refused = answer(replace(SPEC, seeds=tuple(range(9))), status="refused", reason="no")
    assert Shelf([short, long, refused]).find(SPEC) is long
    assert Shelf([refused]).find(SPEC) is None


def test_what_this_version_lacks_has_a_reason_and_no_result(answer):
    ghost = replace(SPEC, model="no-such-model")
    assert absence(ghost).startswith("Unknown model 'no-such-model'")
    assert absence(replace(SPEC, settings=(("no_such", "1"),)))
    assert absence(SPEC) == ""
    assert Shelf([answer(SPEC)]).find(ghost) is None


def test_floors_are_those_of_the_same_table_and_seeds(answer):
    mine = answer(SPEC, floor=True)
    rest = [
        answer(replace(SPEC, split="block"), floor=True),
        answer(replace(SPEC, task="income"), floor=True),
        answer(replace(SPEC, seeds=(0, 1)), (0.5, 0.6), floor=True),
        answer(replace(SPEC, head="ridge")),
        answer(replace(SPEC, head="rf"), floor=True, status="failed", reason="broke"),
    ]
    other_head = answer(replace(SPEC, head="select"), floor=True)
    found = Shelf([*rest, mine, other_head]).floors("village", "popdensity", "random", (0, 1, 2))
    assert found == [mine, other_head]
