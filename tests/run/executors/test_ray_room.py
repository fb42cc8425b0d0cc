"""How many jobs a Ray cluster is handed in at once, so that those with the longest way find a place; no cluster is needed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from urbanbench.run.executors.ray_cluster import Needs, RayGrid


def grid_of(needs, resources, device="cpu", jobs=None):
    grid = RayGrid.__new__(RayGrid)
    grid._ray = SimpleNamespace(cluster_resources=lambda: resources)
    grid._needs, grid._device, grid._jobs = needs, device, jobs
    grid._asked, grid._slots = float("-inf"), (0, 0)
    return grid


LARGE = {"CPU": 32.0, "GPU": 4.0, "memory": 64e9}


@pytest.mark.parametrize(
    ("needs", "device", "embeds", "beside", "expected"),
    [
        (Needs(), "cpu", True, 0, 64),  # twice the places, whatever the kind
        (Needs(), "cpu", False, 60, 4),
        (Needs(cores=4), "cpu", True, 0, 16),
        (Needs(gpus=0.5), "cpu", True, 40, 16),  # eight on the GPUs, as many waiting
        (Needs(gpus=0.5), "cpu", False, 3, 25),  # heads leave eight cores, and one head waits
        (Needs(gpus=0.5), "cpu", False, 0, 64),
        (Needs(gpus=0.5), "cuda", False, 10, 6),  # heads want the GPUs too
        (Needs(memory_mb=32_000), "cpu", False, 1, 31),  # two hold so much memory
    ],
)
def test_as_many_are_handed_in_as_keep_the_cluster_busy(needs, device, embeds, beside, expected):
    assert grid_of(needs, LARGE, device).most(embeds=embeds, beside=beside) == expected


def test_a_cluster_without_nodes_is_shown_what_is_wanted():
    assert grid_of(Needs(), {}).most(embeds=True, beside=0) == 16
    assert grid_of(Needs(gpus=1), {"CPU": 8.0}).most(embeds=True, beside=0) == 16


def test_jobs_are_the_most_of_both_kinds_together():
    grid = grid_of(Needs(), LARGE, jobs=3)
    assert [grid.most(embeds=True, beside=beside) for beside in (0, 2, 3)] == [3, 1, 0]
