"""Made-up towns with two models of known merit: labels, vectors and what the judging room makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist
from sklearn import config_context

from urbanbench.judging.answers import Answers
from urbanbench.judging.basis import basis_of
from urbanbench.judging.sharing import sharing_of
from urbanbench.judging.spatial import SpatialJudge
from urbanbench.judging.sums import metric_sums
from urbanbench.judging.verdict import Evidence, contributions_of, judge
from urbanbench.scoring.features import Features
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.scoring.targets import Targets

SIDE_M = 20_000.0
SPLITS = ("random", "block")
_FACTORS, _DIM = 4, 8
_LEAST = 1e-3


@dataclass(frozen=True)
class World:
    """What towns are like.

    Parameters
    ----------
    name
        For tables.
    ranges_km
        Ranges a of exponential correlations exp(-h / a): of the hidden factors, of the noise in vectors, and of what no vector tells.
    kind
        "regression", or "classification" into thirds.
    """

    name: str
    ranges_km: tuple[float, float, float]
    kind: str = "regression"


WORLDS = (
    World("no correlation", (_LEAST, _LEAST, _LEAST)),
    World("short ranges", (2.0, 1.0, 1.0)),
    World("long ranges", (2.0, 2.0, 2.0)),
    World("long labels, short noise", (4.0, 1.0, 4.0)),
    World("classes, short ranges", (2.0, 1.0, 1.0), "classification"),
)


class Town:
    """Units at random places, random fields over them, and the splits of the suite, made once.

    The label is the mean of four hidden factors, a field that no vector tells, and noise. A model's vectors are the factors, rotated into eight
    dimensions at random, and noise: two models of equal noise are equally good, whatever either of them happens to get in one town.
    """

    def __init__(self, world: World, seed: int, *, units: int = 300, seeds: int = 10):
        rng = np.random.default_rng(seed)
        self.world, self.seeds = world, seeds
        self.xy = rng.uniform(0.0, SIDE_M, (units, 2))
        self.ids = np.array([f"u{k:05d}" for k in range(units)])
        distance_km = cdist(self.xy, self.xy) / 1000
        shapes = [np.exp(-distance_km / reach) + 1e-8 * np.eye(units) for reach in world.ranges_km]
        self.roots = [np.linalg.cholesky(shape) for shape in shapes]
        first = self.targets(rng, self.field(rng, 0, _FACTORS))
        protocols = {split: Protocol(split, "ridge", tuple(range(seeds))) for split in SPLITS}
        self.splits = {split: make_splits(first, protocol) for split, protocol in protocols.items()}
        self.tested = {
            split: np.unique(np.concatenate([one.test for one in made]))
            for split, made in self.splits.items()
        }
        self.judges = {split: SpatialJudge(self.xy[rows]) for split, rows in self.tested.items()}

    def field(self, rng, which: int, count: int):
        return self.roots[which] @ rng.standard_normal((len(self.ids), count))

    def targets(self, rng, factors) -> Targets:
        values = factors.mean(axis=1) * 2 + 0.7 * self.field(rng, 2, 1)[:, 0]
        values = values + 0.3 * rng.standard_normal(len(self.ids))
        classes: tuple[str, ...] = ()
        if self.world.kind == "classification":
            classes = ("high", "low", "middle")
            cuts = np.quantile(values, (1 / 3, 2 / 3))
            values = np.array(["low", "middle", "high"], dtype=object)[np.searchsorted(cuts, values)]
        return Targets(self.ids, "region", self.world.kind, values, classes, "", self.xy)

    def vectors(self, rng, factors, noise: float) -> Features:
        turned = 2.0 * factors @ np.linalg.qr(rng.standard_normal((_DIM, _FACTORS)))[0].T
        made = turned + noise * self.field(rng, 1, _DIM) + 0.3 * rng.standard_normal((len(self.ids), _DIM))
        return Features(made.astype(np.float32), np.ones(len(self.ids), dtype=bool))

    def answers(self, features: Features, targets: Targets, split: str) -> Answers:
        """What the suite's ridge head answers, as compare reads it from predictions."""
        made, metric = self.splits[split], "f1_macro" if targets.classes else "r2"
        outputs = get_head("ridge").fit_predict(
            features, targets, made, seeds=range(self.seeds), device="cpu"
        )
        sums = [
            metric_sums(
                targets.kind, metric, targets.values[one.test], output.predicted_test, targets.classes
            )
            for one, output in zip(made, outputs, strict=True)
        ]
        tested = self.tested[split]
        return Answers(self.ids[tested], [np.searchsorted(tested, one.test) for one in made], sums)

    def pairs(self, rng, gap: float) -> dict[str, tuple[Answers, Answers]]:
        """Draw labels and two models, the second with (1 + gap) times the noise, and answer under each split."""
        factors = self.field(rng, 0, _FACTORS)
        targets = self.targets(rng, factors)
        both = [self.vectors(rng, factors, noise) for noise in (1.0, 1.0 + gap)]
        return {split: tuple(self.answers(one, targets, split) for one in both) for split in self.splits}

    def evidence(self, split: str, one: Answers, other: Answers) -> Evidence:
        """What compare hands to its judge."""
        sizes = np.mean([made.sizes for made in self.splits[split]], axis=0)
        return Evidence(
            one.scores[None],
            other.scores[None],
            sharing_of(split, *sizes),
            len(self.ids),
            basis_of(split),
            contributions=contributions_of([one], [other], 1),
            places=self.judges[split],
        )


METHODS = ("naive t", "corrected resampled t", "compare")


def verdicts(town: Town, rng, gap: float) -> dict[str, np.ndarray]:
    """Judge one draw: split to (methods, 4): p, mean, low, high."""
    found = {}
    for split, (one, other) in town.pairs(rng, gap).items():
        evidence = town.evidence(split, one, other)
        plain, full = judge(replace(evidence, places=None), 0.01), judge(evidence, 0.01)
        rows = [(plain.naive_p, plain.mean, np.nan, np.nan)]
        rows += [(said.p, said.mean, said.low, said.high) for said in (plain, full)]
        found[split] = np.array(rows)
    return found


def judged(
    world: World,
    gap: float,
    repeats: int,
    *,
    seed: int = 0,
    towns: int = 5,
    units: int = 300,
    seeds: int = 10,
):
    """Judge many draws: split to (repeats, methods, 4)."""
    places = [Town(world, place, units=units, seeds=seeds) for place in range(towns)]
    rng = np.random.default_rng([seed, int(1000 * gap)])
    with config_context(assume_finite=True, skip_parameter_validation=True):  # same numbers, less checking
        drawn = [verdicts(places[draw % towns], rng, gap) for draw in range(repeats)]
    return {split: np.stack([one[split] for one in drawn]) for split in SPLITS}
