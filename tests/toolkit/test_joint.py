"""Several objectives at once: against a plain loop, and the weights of their losses against their formulas."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from urbanbench.errors import BadInput, UnknownName
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.joint import train_joint
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.toolkit.training.weighing import DynamicAverage, Uncertainty


class Regression:
    """Fits points by a shared layer and a head of its own."""

    def __init__(self, name, shared, n, scale=1.0, lr=0.02):
        self.name, self.shared, self.n_anchors, self.lr, self.seen = name, shared, n, lr, []
        draw = torch.Generator().manual_seed(n)
        self.x, self.y = torch.randn(n, 3, generator=draw), scale * torch.randn(n, 2, generator=draw)
        with seeded_torch(0, name):
            self.head = nn.Linear(4, 2)

    def parameter_groups(self):
        return [{"params": [*self.shared.parameters(), *self.head.parameters()], "lr": self.lr}]

    def modules(self):
        return (self.shared, self.head)

    def loss(self, anchors, rng):
        if self.shared.training:
            self.seen.append(np.array(anchors))
        return self.error(anchors)

    def error(self, anchors):
        return ((self.head(self.shared(self.x[anchors]).tanh()) - self.y[anchors]) ** 2).mean()

    def weights(self):
        return [*self.shared.parameters(), *self.head.parameters()]


def pair(**settings):
    with seeded_torch(0, "shared"):
        shared = nn.Linear(3, 4)
    return Regression("one", shared, 100, **settings), Regression("two", shared, 40)


SCHEDULE = Schedule(batch=16, epochs=3, warmup=4, check_every=99, held_out=0.0)


def test_joint_training_equals_a_plain_loop_over_the_sum():
    objectives = pair()
    logs = train_joint(objectives, SCHEDULE, seed=0)
    total = len(logs[0].steps)
    assert total == logs[0].best_step == 3 * (100 // 16), "an epoch passes over the largest objective"
    copies = pair()
    parameters = [*copies[0].weights(), *copies[1].head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=0.02)
    for step in range(total):
        optimiser.param_groups[0]["lr"] = 0.02 * min(1.0, (step + 1) / 4)
        optimiser.zero_grad()
        losses = [copy.error(one.seen[step]) for copy, one in zip(copies, objectives, strict=True)]
        assert [log.steps[step] for log in logs] == pytest.approx(
            [float(one.detach()) for one in losses], rel=1e-5
        )
        sum(losses).backward()
        optimiser.step()
    for one, copy in zip(objectives, copies, strict=True):
        for mine, wanted in zip(one.weights(), copy.weights(), strict=True):
            torch.testing.assert_close(mine, wanted)


def test_joint_training_of_one_objective_is_a_stage():
    alone, together = pair()[0], pair()[0]
    log, [same] = train_stage(alone, SCHEDULE, seed=1), train_joint([together], SCHEDULE, seed=1)
    assert (log.steps, log.checks) == (same.steps, same.checks)
    assert all(torch.equal(a, b) for a, b in zip(alone.weights(), together.weights(), strict=True))


def test_joint_training_keeps_the_weights_with_the_lowest_sum_of_held_out_losses():
    objectives = pair(lr=0.5)
    logs = train_joint(
        objectives, Schedule(batch=8, epochs=12, warmup=6, check_every=6, patience=5, max_falls=0), seed=0
    )
    sums = {step: a + b for (step, a), (_, b) in zip(logs[0].checks, logs[1].checks, strict=True)}
    assert logs[0].best_step == logs[1].best_step == min(sums, key=sums.get)
    assert len(logs[0].steps) < logs[0].planned_steps


@pytest.mark.parametrize("weights", ["equal", "uncertainty", "dwa"])
def test_joint_training_learns_both_and_repeats_bit_by_bit(weights):
    def trained():
        objectives = pair(scale=10.0)
        schedule = Schedule(batch=16, epochs=20, warmup=5, check_every=10, patience=99)
        with recording() as stages:
            logs = train_joint(objectives, schedule, weights=weights, seed=0)
        assert stages == logs
        return logs, [*objectives[0].weights(), *objectives[1].weights()]

    (logs, found), (again, same) = trained(), trained()
    assert [log.steps for log in logs] == [log.steps for log in again]
    assert all(torch.equal(a, b) for a, b in zip(found, same, strict=True))
    assert all(np.mean(log.steps[-5:]) < np.mean(log.steps[:5]) for log in logs)


def test_uncertainty_divides_by_trained_variances():
    weighing = Uncertainty(2, "cpu")
    weighing.log_variance.data = torch.tensor([0.7, -1.2])
    losses = [torch.tensor(3.0), torch.tensor(0.2)]
    total = weighing.total(losses, [])
    wanted = 3 * math.exp(-0.7) + 0.35 + 0.2 * math.exp(1.2) - 0.6
    assert float(total.detach()) == pytest.approx(wanted)
    total.backward()
    assert weighing.log_variance.grad.tolist() == pytest.approx(
        [0.5 - 3 * math.exp(-0.7), 0.5 - 0.2 * math.exp(1.2)]
    )


def test_dynamic_average_follows_the_formula_of_its_paper():
    falling, flat = [4, 4, 2, 2, 1, 1, 9], [3, 3, 3, 3, 3, 3, 9]
    weighing = DynamicAverage(2)
    assert weighing.weights([falling[:3], flat[:3]]) == [1.0, 1.0]
    ratios = [1 / 2, 1.0]
    powers = [math.exp(one / 2.0) for one in ratios]
    wanted = [2 * one / sum(powers) for one in powers]
    assert weighing.weights([falling, flat]) == pytest.approx(wanted)
    total = weighing.total([torch.tensor(5.0), torch.tensor(7.0)], [falling, flat])
    assert float(total) == pytest.approx(5 * wanted[0] + 7 * wanted[1])


def test_wrong_joint_training_is_refused():
    one, two = pair()
    with pytest.raises(UnknownName, match=r"Unknown weighing 'equl'\. Did you mean 'equal'"):
        train_joint([one, two], SCHEDULE, weights="equl", seed=0)
    with pytest.raises(BadInput, match="at least one, each name once"):
        train_joint([one, one], SCHEDULE, seed=0)
    with pytest.raises(BadInput, match="at least one, each name once"):
        train_joint([], SCHEDULE, seed=0)
