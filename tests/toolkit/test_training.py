"""The training loop on a problem whose solution is known."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from urbanbench.errors import BadInput
from urbanbench.toolkit.training import seeded_torch, take_rows, train_stage
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record, recording


class Centre:
    """Finds the mean of points: the loss is the squared distance to a trained vector."""

    name = "centre"

    def __init__(self, n=400, lr=0.1, noise=0.0):
        self.points = torch.randn(n, 3, generator=torch.Generator().manual_seed(1)) + 5
        self.layer = nn.Linear(1, 3, bias=False)
        nn.init.zeros_(self.layer.weight)
        self.n_anchors, self.lr, self.noise, self.seen = n, lr, noise, []

    def parameter_groups(self):
        return [{"params": list(self.layer.parameters()), "lr": self.lr}]

    def modules(self):
        return (self.layer,)

    def loss(self, anchors, rng):
        if self.layer.training:
            self.seen.append(np.array(anchors))
        return ((self.layer(torch.ones(1, 1)) - self.points[anchors]) ** 2).mean() + self.noise * rng.random()


def test_training_reaches_the_solution_and_logs_every_step():
    problem = Centre()
    stage = train_stage(problem, Schedule(batch=32, epochs=40, patience=100), seed=0)
    assert len(stage.steps) == stage.planned_steps
    assert stage.checks[0][0] == 0
    assert stage.best == min(loss for _, loss in stage.checks)
    torch.testing.assert_close(problem.layer.weight[:, 0], problem.points.mean(dim=0), atol=0.15, rtol=0)


def test_held_out_anchors_are_never_trained_on_and_every_epoch_sees_each_other_once():
    problem = Centre(n=100)
    stage = train_stage(problem, Schedule(batch=8, epochs=1, held_out=0.2), seed=0)
    seen = np.concatenate(problem.seen)
    assert len(np.unique(seen)) == len(seen) == 80
    assert len(stage.steps) == 10


def test_an_objective_may_say_itself_which_anchors_are_held_out():
    problem = Centre(n=100)
    problem.held_out = np.arange(70, 100)
    stage = train_stage(problem, Schedule(batch=7, epochs=1, held_out=0.2), seed=0)
    assert np.sort(np.concatenate(problem.seen)).tolist() == list(range(70))
    assert stage.held_out_batch == 7


def test_training_stops_early_and_keeps_the_best_weights():
    problem = Centre(lr=3.0)
    stage = train_stage(
        problem, Schedule(batch=32, epochs=60, check_every=33, patience=2, max_falls=0), seed=0
    )
    assert len(stage.steps) < stage.planned_steps
    kept = float(((problem.layer.weight[:, 0].detach() - problem.points.mean(0)) ** 2).sum())
    assert kept < 3.0
    assert stage.best_step < stage.checks[-1][0]


def test_same_seed_gives_the_same_bits_and_another_seed_does_not():
    def trained(seed):
        problem = Centre(noise=1.0)
        return train_stage(
            problem, Schedule(batch=32, epochs=2), seed=seed
        ).steps, problem.layer.weight.detach()

    (steps, weight), (again, same), (_, other) = trained(0), trained(0), trained(1)
    assert steps == again
    assert torch.equal(weight, same)
    assert not torch.equal(weight, other)


def test_taken_rows_equal_indexing_and_their_gradient_repeats_bit_by_bit():
    vectors = torch.randn(50, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    rows = torch.randint(0, 50, (300, 17), generator=torch.Generator().manual_seed(1))
    outer = torch.randn(300, 17, 64, generator=torch.Generator().manual_seed(2))
    assert torch.equal(take_rows(vectors, rows), vectors[rows])
    gradients = [torch.autograd.grad((take_rows(vectors, rows) * outer).sum(), vectors)[0] for _ in range(20)]
    assert all(torch.equal(one, gradients[0]) for one in gradients)
    expected = torch.zeros(50, 64, dtype=torch.float64)
    for row, weight in zip(rows.ravel(), outer.reshape(-1, 64).double(), strict=True):
        expected[row] += weight
    torch.testing.assert_close(gradients[0].double(), expected, rtol=1e-4, atol=1e-4)


def test_steps_are_limited():
    assert (
        len(train_stage(Centre(), Schedule(batch=32, epochs=50, max_steps=7, patience=99), seed=0).steps) == 7
    )


def test_small_cities_train_on_smaller_batches():
    stage = train_stage(Centre(n=40), Schedule(batch=256, epochs=5), seed=0)
    assert stage.batch == 32
    assert stage.held_out_batch == 8
    assert stage.chance == pytest.approx(np.log(32))


def test_too_few_anchors_are_refused():
    with pytest.raises(BadInput, match="Stage 'centre' has 3 anchors"):
        train_stage(Centre(n=3), Schedule(), seed=0)


def test_a_loss_that_is_not_finite_is_an_error():
    problem = Centre()
    problem.points[:] = float("nan")
    with pytest.raises(BadInput, match="loss nan at step 1"):
        train_stage(problem, Schedule(batch=32), seed=0)


def test_an_impossible_schedule_is_refused():
    with pytest.raises(BadInput, match="batch >= 2"):
        Schedule(batch=1)


def test_seeded_torch_leaves_the_outer_random_state_alone():
    before = torch.get_rng_state()
    with seeded_torch(0, "test"):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with seeded_torch(0, "test"):
        assert torch.equal(torch.rand(3), first)


def test_a_stage_records_its_losses_in_at_most_fifty_bins():
    with recording() as stages:
        log = train_stage(Centre(), Schedule(batch=32, epochs=11, patience=99), seed=0)
        record(StageLog("svi", 0, 0, skipped="no street views"))
    told, skipped = [stage.to_record() for stage in stages]
    assert skipped == {"name": "svi", "skipped": "no street views"}
    assert (told["name"], told["batch"], told["steps"]) == ("centre", 32, len(log.steps))
    assert told["planned_steps"] == len(log.steps) == 121
    assert told["checks"] == [list(one) for one in log.checks]
    assert (told["first_check"], told["best"]) == (log.checks[0][1], log.best)
    assert len(told["curve"]) == 41
    assert told["curve"][0] == [3, pytest.approx(np.mean(log.steps[:3]))]
    assert told["curve"][-1] == [121, log.steps[120]]
    assert json.loads(json.dumps(told)) == told


def test_records_do_not_mix_and_end_with_their_block():
    with recording() as outer:
        with recording() as inner:
            record(StageLog("inner", 2, 2))
        record(StageLog("outer", 2, 2))
    record(StageLog("nobody", 2, 2))
    assert [one.name for one in inner] == ["inner"]
    assert [one.name for one in outer] == ["outer"]


def test_an_objective_with_other_candidates_names_its_own_chance():
    class Own(Centre):
        def loss(self, anchors, rng):
            self.chance = float(len(anchors)) * 4
            return super().loss(anchors, rng)

    stage = train_stage(Own(n=40), Schedule(batch=256, epochs=5), seed=0)
    assert (stage.chance, stage.held_out_chance) == (32 * 4, 8 * 4)
    assert stage.to_record()["chance"] == 128


def test_running_means_belong_to_the_best_weights():
    class Normed(Centre):
        def __init__(self):
            super().__init__(lr=3.0)
            self.norm = torch.nn.BatchNorm1d(3, affine=False)
            self.means = {}

        def modules(self):
            return (self.layer, self.norm)

        def loss(self, anchors, rng):
            self.norm(self.points[anchors] + self.layer.weight[:, 0])
            if not self.layer.training:
                self.means[len(self.seen)] = self.norm.running_mean.clone()
            return super().loss(anchors, rng)

    problem = Normed()
    stage = train_stage(
        problem, Schedule(batch=32, epochs=60, check_every=33, patience=2, max_falls=0), seed=0
    )
    assert stage.best_step < len(stage.steps)
    assert torch.equal(problem.norm.running_mean, problem.means[stage.best_step])
    assert not torch.equal(problem.norm.running_mean, problem.means[len(stage.steps)])


def test_bfloat16_takes_products_in_low_precision_and_learns_the_same():
    kinds = set()

    class Product(Centre):
        def loss(self, anchors, rng):
            made = self.layer(torch.ones(len(anchors), 1))
            kinds.add(made.dtype)
            return ((made.float() - self.points[anchors]) ** 2).mean()

    problem = Product()
    train_stage(problem, Schedule(batch=32, epochs=40, patience=100, precision="bfloat16"), seed=0)
    assert kinds == {torch.bfloat16}
    assert problem.layer.weight.dtype == torch.float32
    torch.testing.assert_close(problem.layer.weight[:, 0], problem.points.mean(dim=0), atol=0.2, rtol=0)
    kinds.clear()
    train_stage(problem, Schedule(batch=32, epochs=1), seed=0)
    assert kinds == {torch.float32}, "auto is float32 on the CPU"


def test_an_unknown_precision_is_refused():
    with pytest.raises(BadInput, match="precision half"):
        Schedule(precision="half")


def test_without_held_out_anchors_a_stage_trains_and_is_judged_on_all():
    problem = Centre(n=40)
    stage = train_stage(problem, Schedule(batch=40, epochs=30, held_out=0.0), seed=0)
    assert stage.batch == stage.held_out_batch == 40
    assert all(np.array_equal(np.sort(one), np.arange(40)) for one in problem.seen)
    assert len(stage.steps) == stage.planned_steps == 30
    assert stage.checks[-1][1] < stage.steps[0]


class Noted(Centre):
    """Remembers its gradient at every step."""

    def __init__(self):
        super().__init__()
        self.gradients = []
        self.layer.weight.register_post_accumulate_grad_hook(
            lambda weight: self.gradients.append(weight.grad)
        )


def test_long_gradients_are_scaled_down_and_short_ones_stay():
    free, limited = Noted(), Noted()
    train_stage(free, Schedule(batch=32, epochs=1), seed=0)
    train_stage(limited, Schedule(batch=32, epochs=1, max_norm=0.5), seed=0)
    assert max(float(one.norm()) for one in free.gradients) > 1.0
    assert all(float(one.norm()) <= 0.5 + 1e-5 for one in limited.gradients)
    first, scaled = free.gradients[0], limited.gradients[0]
    torch.testing.assert_close(scaled, first * (0.5 / first.norm()))
    wide = Noted()
    train_stage(wide, Schedule(batch=32, epochs=1, max_norm=1e6), seed=0)
    assert all(torch.equal(a, b) for a, b in zip(wide.gradients, free.gradients, strict=True))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"held_out": 1.0}, r"held_out in \[0, 1\)"),
        ({"max_norm": 0.0}, "max_norm 0.0"),
        ({"max_falls": -1, "fall_factor": 0.0}, r"max_falls -1, fall_factor 0.0. Expected max_falls >= 0"),
        ({"check_every": 0}, "check_every 0"),
        ({"patience": 0}, "patience 0"),
        ({"min_gain": 1.0}, r"min_gain in \[0, 1\)"),
        ({"max_seconds": 0}, "max_seconds 0"),
        ({"epochs": None, "max_steps": None}, "neither epochs nor max_steps"),
    ],
)
def test_impossible_schedules_are_refused(settings, words):
    with pytest.raises(BadInput, match=words):
        Schedule(**settings)
