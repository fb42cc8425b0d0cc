"""Dealing: every cell once, vectors made once where groups are many, and no process left with the long heads of one group."""

import heapq

import pytest

from urbanbench.run.dealing import dealt

HEADS = (5.4, 0.8, 34.0, 17.7)
"""Seconds of mlp, ridge, lightgbm and rf on 2,166 regions."""


def makespan(portions, jobs):
    free = [0.0] * jobs
    for portion in portions:
        heapq.heappush(free, heapq.heappop(free) + sum(portion))
    return max(free)


@pytest.mark.parametrize("sizes", [(20,), (1, 1, 1), (3, 40, 3), (7,), (500,), ()])
@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_cell_is_dealt_once_in_order_and_no_portion_mixes_groups(sizes, jobs):
    groups = [[(group, cell) for cell in range(size)] for group, size in enumerate(sizes)]
    portions = list(dealt(groups, jobs))
    assert [cell for portion in portions for cell in portion] == [one for group in groups for one in group]
    assert all(len({group for group, _ in portion}) == 1 for portion in portions)


def test_groups_that_are_no_more_than_an_even_share_stay_whole():
    assert [len(one) for one in dealt([range(4)] * 5, 2)] == [4] * 5


def test_two_processes_share_a_ladder_of_one_embedding_nearly_evenly():
    ladder = HEADS * 5
    assert makespan(dealt([ladder], 2), 2) < 1.06 * sum(ladder) / 2
    assert makespan([ladder[:10], ladder[10:]], 2) > 1.15 * sum(ladder) / 2
