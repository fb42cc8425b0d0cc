"""When training ends: at a plateau after the last fall of the rate, at a cap, or out of time; and the last fit on all anchors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from urbanbench.toolkit.training import fit as fits
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.joint import train_joint
from urbanbench.toolkit.training.plateau import Plateau, rate_factor, settled
from urbanbench.toolkit.training.schedule import Schedule


class Told:
    """A stage whose held-out losses are given, one after the other; it remembers the rate of every step."""

    name = "told"

    def __init__(self, losses, n=40):
        self.losses, self.n_anchors, self.rates = list(losses), n, []
        self.weight = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.weight.weight)

    def parameter_groups(self):
        return [{"params": list(self.weight.parameters()), "lr": 0.5}]

    def modules(self):
        return (self.weight,)

    def loss(self, anchors, rng):
        if self.weight.training:
            return self.weight.weight.sum()
        return torch.tensor(self.losses.pop(0) if len(self.losses) > 1 else self.losses[0])


def schedule(**changes):
    settings = {"batch": 8, "max_steps": 400, "warmup": 2, "check_every": 5, "patience": 2, "min_gain": 0.01}
    return Schedule(**(settings | {"max_falls": 2, "fall_factor": 0.5, "held_out": 0.2} | changes))


def rates_of(log, plan):
    """Weights fall by the rate at every step, as Adam's steps do where the gradient is always one."""
    return [rate_factor(step, plan.warmup, log.falls, plan.fall_factor) for step in range(len(log.steps))]


def test_the_rate_falls_at_every_plateau_and_training_ends_at_the_one_after_the_last_fall():
    plan = schedule()
    problem = Told([9.0, 8.0, 7.0, 7.0, 7.0, 5.0, 5.0, 5.0, 5.0])
    log = train_stage(problem, plan, seed=0)
    # checks after 0, 5, 10, ...: progress at 5, 10 and 25; two checks without it end at 20, 35 and 45
    assert log.falls == [20, 35]
    assert (len(log.steps), log.ended, log.converged) == (45, "plateau", True)
    assert log.best_step == 25
    taken = -np.diff([0.0, *log.steps])
    assert taken[1:] == pytest.approx([0.5 * one for one in rates_of(log, plan)[:-1]], rel=1e-4)


def test_the_cap_ends_a_stage_that_has_not_converged():
    falling = 9 * 0.9 ** np.arange(99)
    log = train_stage(Told(falling), schedule(max_steps=23), seed=0)
    assert (len(log.steps), log.ended, log.converged, log.falls) == (23, "cap", False, [])
    assert [step for step, _ in log.checks] == [0, 5, 10, 15, 20, 23]


def test_nothing_falls_or_ends_before_the_floor_of_steps():
    log = train_stage(Told([5.0]), schedule(min_steps=60), seed=0)
    assert log.falls == [60, 70]
    assert (len(log.steps), log.converged) == (80, True)
    assert len(train_stage(Told([5.0]), schedule(min_steps=60, max_steps=30), seed=0).steps) == 30


def test_the_floor_may_be_told_in_passes():
    log = train_stage(Told([5.0]), schedule(min_epochs=11), seed=0)
    assert log.falls[0] == 45, "the first check after eleven passes of four steps"


def test_small_gains_add_up_until_they_count():
    plan = schedule(min_gain=0.1, patience=3)
    slow, still = Plateau(), Plateau()
    for check in range(12):  # 4 % a check: every third check is a gain of a tenth
        slow.look(10 * 0.96**check, check, plan)
        still.look(10 * 0.99 ** min(check, 8), check, plan)
    assert (slow.falls, slow.reached) == ([], False)
    assert still.falls


def test_gains_count_by_the_size_of_the_loss_whatever_its_sign():
    plan = schedule(min_gain=0.1, patience=1)
    for better, worse in ((-11.5, -10.5), (8.5, 9.5)):
        kept, missed = Plateau(), Plateau()
        for plateau, loss in ((kept, better), (missed, worse)):
            plateau.look(-10.0 if better < 0 else 10.0, 0, plan)
            plateau.look(loss, 5, plan)
        assert (kept.falls, missed.falls) == ([], [5])


def test_a_limit_of_wall_time_ends_a_stage_at_a_check(monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr(fits.time, "perf_counter", lambda: next(clock))
    log = train_stage(Told(9 * 0.9 ** np.arange(99)), schedule(max_seconds=6), seed=0)
    assert (log.ended, log.converged) == ("time", False)
    assert len(log.steps) < 60
    assert len(log.steps) % 5 == 0


def test_a_record_tells_how_a_stage_ended():
    told = train_stage(Told([9.0, 4.0]), schedule(), seed=0).to_record()
    assert (told["ended"], told["converged"], told["best_step"], told["anchors"]) == ("plateau", True, 5, 32)
    assert told["passes"] == told["steps"] * 8 / 32
    assert told["last_over_chance"] == pytest.approx(4 / np.log(8), abs=1e-4)
    assert told["falls"] == [15, 25]
    assert json.loads(json.dumps(told)) == told


def test_trainings_that_end_by_themselves_are_judged_by_their_last_losses():
    assert settled([5.0, 3.0, 2.0, 2.0, 1.995], 2, 0.01)
    assert not settled([5.0, 3.0, 2.0, 2.0, 1.9], 2, 0.01)
    assert not settled([5.0, 5.0], 2, 0.01), "too few losses say nothing"
    assert settled([-1.0, -4.0, -4.01, -4.02], 2, 0.01)


class Points:
    """Learns a vector for every anchor and a map of all; only anchors that are trained on get theirs."""

    def __init__(self, name="points", n=60, dropout=0.2, stop_at=None):
        self.name, self.n_anchors, self.seen, self.stop_at = name, n, [], stop_at
        with seeded_torch(0, name):
            self.x, self.own = torch.randn(n, 4), nn.Parameter(torch.zeros(n, 2))
            self.body = nn.Sequential(nn.Linear(4, 8), nn.Dropout(dropout), nn.ReLU(), nn.Linear(8, 2))

    def parameter_groups(self):
        return [{"params": [*self.body.parameters(), self.own], "lr": 0.02}]

    def modules(self):
        return (self.body,)

    def loss(self, anchors, rng):
        if self.body.training:
            self.seen.append(np.array(anchors))
            if len(self.seen) == self.stop_at:
                raise KeyboardInterrupt
        made = self.body(self.x[anchors]) + self.own[anchors]
        return ((made - self.x[anchors, :2]) ** 2).mean()

    def weights(self):
        return [one.detach().clone() for one in (*self.body.parameters(), self.own)]


REFIT = schedule(refit=True, held_out=0.3, max_steps=120)


def test_a_last_fit_takes_all_anchors_for_as_many_steps_as_the_best_weights_had():
    problem = Points(dropout=0.0)
    log = train_stage(problem, REFIT, seed=0)
    first, last = problem.seen[: len(log.steps)], problem.seen[len(log.steps) :]
    assert len(np.unique(np.concatenate(first))) == log.anchors < 60
    assert len(last) == len(log.refit) == log.best_step > 0
    assert len(np.unique(np.concatenate(last[: 60 // 8]))) == 56, "a pass over all of them"
    assert bool((problem.own != 0).all()), "every region has been learned from"
    assert log.to_record()["refit_steps"] == log.best_step


def test_the_last_fit_is_a_plain_training_from_the_first_weights_with_the_same_rates():
    problem = Points(dropout=0.0)
    log = train_stage(problem, REFIT, seed=0)
    copy = Points(dropout=0.0)
    optimiser = torch.optim.Adam([*copy.body.parameters(), copy.own], lr=0.02)
    rates = rates_of(log, REFIT)
    for step, anchors in enumerate(problem.seen[len(log.steps) :]):
        optimiser.param_groups[0]["lr"] = 0.02 * rates[step]
        optimiser.zero_grad()
        loss = copy.loss(anchors, None)
        assert float(loss.detach()) == pytest.approx(log.refit[step], rel=1e-5)
        loss.backward()
        optimiser.step()
    for mine, wanted in zip(problem.weights(), copy.weights(), strict=True):
        torch.testing.assert_close(mine, wanted)


def test_there_is_no_last_fit_where_nothing_was_held_out():
    log = train_stage(Points(), schedule(refit=True, held_out=0.0, max_steps=40), seed=0)
    assert log.refit == []


@pytest.mark.parametrize("joint", [False, "dwa"])
def test_training_with_a_last_fit_goes_on_to_the_same_bits_wherever_it_was_stopped(tmp_path, joint):
    def trained(path=None, stop_at=None):
        problem = Points(stop_at=stop_at)
        if not joint:
            logs = [train_stage(problem, REFIT, seed=0, checkpoint=path)]
        else:
            logs = train_joint([problem, Points("other", 40)], REFIT, weights=joint, seed=0, checkpoint=path)
        return logs, problem.weights()

    logs, calm = trained()
    whole = len(logs[0].steps) + len(logs[0].refit)
    for stop_at in (7, len(logs[0].steps) + 1, len(logs[0].steps) + 8, whole):
        path = tmp_path / f"{stop_at}.safetensors"
        with pytest.raises(KeyboardInterrupt):
            trained(path, stop_at)
        again, same = trained(path)
        for log, other in zip(logs, again, strict=True):
            assert (log.steps, log.refit, log.checks, log.falls) == (
                other.steps,
                other.refit,
                other.checks,
                other.falls,
            )
        assert all(torch.equal(a, b) for a, b in zip(calm, same, strict=True))
        assert all(torch.equal(a, b) for a, b in zip(calm, trained(path, stop_at=1)[1], strict=True)), (
            "it was done"
        )
