"""A trained stage on disk: who comes second while it is trained waits for it and reads it."""

import threading

import numpy as np
import torch

from urbanbench.home import fresh_cache
from urbanbench.toolkit.kept.reading import reading
from urbanbench.toolkit.training.kept_stage import KeptStage, read_or_train
from urbanbench.toolkit.training.stage_log import StageLog


def stage_log():
    log = StageLog("masked", 2, 2, anchors=8)
    log.seconds = 1.0
    return log


def test_who_comes_second_waits_for_the_stage_and_reads_it():
    with fresh_cache():
        stages = [KeptStage("a"), KeptStage("a")]
        begun, may_end = threading.Event(), threading.Event()
        nets = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)]
        trained, read = [], []

        def train(which):
            trained.append(which)
            begun.set()
            assert may_end.wait(20)
            return [stage_log()]

        def go(which):
            with reading() as told:
                read_or_train("masked", stages[which], {"net": nets[which]}, lambda: train(which))
            read.append([one["part"] for one in told.to_record()])

        first = threading.Thread(target=go, args=(0,), daemon=True)
        first.start()
        assert begun.wait(20)
        second = threading.Thread(target=go, args=(1,), daemon=True)
        second.start()
        second.join(0.5)
        assert second.is_alive()
        assert trained == [0]
        may_end.set()
        first.join(20)
        second.join(20)
    assert trained == [0]
    assert read == [[], ["stage masked"]]
    np.testing.assert_array_equal(nets[0].weight.detach(), nets[1].weight.detach())


def test_another_stage_is_not_waited_for():
    with fresh_cache():
        stages, done = {name: KeptStage(name) for name in "ab"}, []

        def go(name, train):
            read_or_train(name, stages[name], {"net": torch.nn.Linear(1, 1)}, train)
            done.append(name)

        def outer():
            other = threading.Thread(target=go, args=("b", lambda: [stage_log()]), daemon=True)
            other.start()
            other.join(20)
            return [stage_log()]

        go("a", outer)
    assert done == ["b", "a"]
