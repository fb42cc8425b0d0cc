"""Seconds of processors: of threads and child processes, not of waiting, and of nobody else."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from urbanbench.cost import measured

SPINS_S = 0.15
TICK_S = 0.03
"""By how much the system's account of a child may be behind its own clock."""
SPIN = f"import time\nwhile time.process_time() < {SPINS_S}: pass\n"


def spin(seconds: float = SPINS_S) -> None:
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass


def test_computing_counts_and_waiting_does_not():
    with measured() as busy:
        spin()
    with measured() as idle:
        time.sleep(SPINS_S)
    assert busy.processor_seconds >= SPINS_S
    assert idle.seconds >= SPINS_S > idle.processor_seconds
    assert busy.processor_misses == []


def test_all_threads_of_a_block_count():
    with measured() as cost:
        others = [threading.Thread(target=spin) for _ in range(2)]
        for one in others:
            one.start()
        spin()
        for one in others:
            one.join()
    assert cost.processor_seconds >= 3 * SPINS_S


def test_a_child_process_that_ends_in_the_block_counts():
    with measured() as cost:
        subprocess.run([sys.executable, "-c", SPIN], check=True)
    assert cost.processor_seconds >= SPINS_S - TICK_S


def test_of_a_child_that_lives_longer_only_what_it_computes_in_the_block_counts():
    code = SPIN + "print('spun', flush=True)\ninput()\n" + SPIN.replace(str(SPINS_S), str(3 * SPINS_S))
    code += "print('spun', flush=True)\ninput()\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        with measured() as first:
            assert child.stdout.readline() == "spun\n"
        with measured() as second:
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == "spun\n"
        with measured() as third:
            child.communicate("\n")
            time.sleep(0)
    assert first.processor_seconds >= SPINS_S - TICK_S
    assert second.processor_seconds >= 2 * SPINS_S - 2 * TICK_S
    assert (
        third.processor_seconds < 3 * SPINS_S - TICK_S
    )  # what it had computed before was counted where it was computed


def test_a_measured_part_of_a_block_counts_in_both():
    with measured() as whole:
        with measured() as part:
            spin()
        spin()
    assert part.processor_seconds >= SPINS_S
    assert whole.processor_seconds >= part.processor_seconds + SPINS_S


def test_blocks_beside_each_other_in_one_process_have_no_number_and_later_ones_have():
    inside, over, costs = threading.Event(), threading.Event(), []

    def other() -> None:
        with measured() as cost:
            inside.set()
            over.wait(10)
        costs.append(cost)

    thread = threading.Thread(target=other)
    with measured() as cost:
        thread.start()
        assert inside.wait(10)
    over.set()
    thread.join()
    assert [cost.processor_seconds, costs[0].processor_seconds] == [None, None]
    assert cost.seconds > 0
    with measured() as later:
        spin()
    assert later.processor_seconds >= SPINS_S


def test_an_error_ends_the_measuring():
    with pytest.raises(ValueError, match="no"), measured():
        raise ValueError("no")
    with measured() as cost:
        pass
    assert cost.processor_seconds is not None
