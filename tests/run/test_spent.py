"""What a row keeps of seconds of processors, of vectors that are made, kept, or made of what was learned elsewhere."""

from __future__ import annotations

import pytest

from urbanbench.cost import GPU_WORK, Cost, measured, used_elsewhere
from urbanbench.run import spent
from urbanbench.run.spent import costs_told, processor_together, row_costs

OLD = {"seconds": 4.0, "peak_gpu_mb": None, "peak_rss_mb": 100.0}


def told(seconds, *misses):
    return OLD | {"processor_seconds": seconds, "processor_misses": list(misses)}


def test_a_row_of_vectors_that_an_earlier_version_kept_says_nothing_of_their_processors():
    row = row_costs(OLD, Cost(2.0, 1.5), cached=True)
    assert (row["embed_seconds"], row["head_processor_seconds"]) == (4.0, 1.5)
    assert not [name for name in row if name.startswith("embed_processor") or name.endswith("misses")]


def test_what_is_missed_stands_beside_the_seconds_that_miss_it():
    row = row_costs(told(3.0, "x"), Cost(2.0, 1.5), cached=False)
    assert (row["embed_processor_seconds"], row["embed_processor_misses"]) == (3.0, ["x"])
    assert "head_processor_misses" not in row


def test_parts_add_up_where_all_are_known():
    assert processor_together(told(3.0, "x"), told(4.5, "y", "x")) == {
        "processor_seconds": 7.5,
        "processor_misses": ["x", "y"],
    }
    for parts in ((told(3.0), OLD), (OLD, told(3.0)), (told(None), told(3.0))):
        assert processor_together(*parts)["processor_seconds"] is None


def test_a_gpu_in_use_is_said_to_be_missed_also_one_of_another_process():
    with measured() as cost:
        used_elsewhere(10.0, 0.0)
    assert cost.processor_misses == []
    with measured() as cost:
        used_elsewhere(10.0, 512.0)
    assert cost.processor_misses == [GPU_WORK]


@pytest.mark.parametrize(
    ("several", "misses"),
    [
        (1, []),
        (2, ["1 other process of the training"]),
        (4, ["3 other processes of the training"]),
    ],
)
def test_processes_that_train_together_are_said_to_be_missed(monkeypatch, several, misses):
    monkeypatch.setattr(spent, "processes", lambda: several)
    assert costs_told(Cost(2.0, 1.5))["processor_misses"] == misses
