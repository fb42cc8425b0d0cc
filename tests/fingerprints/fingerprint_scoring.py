"""Fingerprints of scoring: heads and papers' questions on fixed vectors, splits on fixed units, metrics on fixed predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
from fingerprint_book import Fingerprint, Numbers, summary, text_code

from urbanbench.parity.evaluate import evaluate as paper_evaluate
from urbanbench.parity.papers import PAPERS
from urbanbench.scoring import metrics
from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.fusion.evaluate import FUSION_VERSION, fuse
from urbanbench.scoring.fusion.reading import Exam, read
from urbanbench.scoring.heads import HEADS, get_head
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.scoring.probes.catalogue import PROBES
from urbanbench.scoring.probes.evaluate import probe
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import SPLITS, make_splits
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

UNITS, WIDTH, CLASSES = 120, 10, ("civic", "homes", "shops")
CRS = "EPSG:32631"
SEEDS = (0, 3)
NOISES = (0.02, 0.5, 20.0)
"""From labels that follow the vectors closely to labels that hardly do: heads choose along all of their grids."""
ALIKE = 5e-6
"""Sums of floats in another order."""
TRAINED = {"mlp": 2e-3, "select": 2e-3}
"""Heads whose steps add up what processors round differently."""


PLACES = np.array([[495_000.0 + 900 * k, 5_006_000.0 - 700 * k] for k in range(30)])
"""Where predictions are wanted, up to some kilometres from the units."""


def wave(*shape: int, pace: float) -> np.ndarray:
    """Numbers of no special kind, about as spread as normal ones, without a random generator."""
    at = np.arange(int(np.prod(shape)), dtype=np.float64)
    return (2.0 * np.sin(at * pace) * np.cos(at * at * pace * 0.37)).reshape(shape)


def space() -> EmbeddingSpace:
    """Vectors of regions, five of them without data."""
    vectors = wave(UNITS, WIDTH, pace=1.234).astype(np.float32)
    covered = np.arange(UNITS) % 24 != 7
    vectors[~covered] = 0.0
    return EmbeddingSpace("region", _ids(), vectors, covered)


def _ids() -> np.ndarray:
    return np.array([f"u{k:03d}" for k in range(UNITS)])


def targets(kind: str, noise: float, level: str = "region") -> Targets:
    """Labels that follow the vectors, with noise, of units on a grid with groups and parcels."""
    signal = wave(UNITS, WIDTH, pace=1.234)[:, :3] + noise * wave(UNITS, 3, pace=0.777)
    values = {
        "regression": 9.0 + signal[:, 0] + np.tanh(signal[:, 1]),
        "classification": np.array(CLASSES, dtype=object)[signal.argmax(axis=1)],
        "composition": np.exp(signal / (1 + noise)) / np.exp(signal / (1 + noise)).sum(axis=1, keepdims=True),
    }[kind]
    at = np.arange(UNITS)
    xy = np.column_stack([500_000 + 400.0 * (at % 12), 5_000_000 + 400.0 * (at // 12)]) + wave(
        UNITS, 2, pace=0.4
    )
    return Targets(
        _ids(), level, kind, values, () if kind == "regression" else CLASSES, "points", xy,
        groups=np.array([f"g{k % 12 // 3}{k // 48}" for k in at]),
    )  # fmt: skip


def scoring_fingerprints() -> Iterator[Fingerprint]:
    """All fingerprints of scoring."""
    for head in HEADS.values():
        tolerance = TRAINED.get(head.name, ALIKE)
        raised = (
            f"the version of {head.name!r} in scoring/heads/__init__.py (and of `select`, where that fits it)"
        )
        version = getattr(head, "version", 1)
        yield Fingerprint("head", head.name, version, raised, lambda name=head.name: _head(name), tolerance)
    raised = "FUSION_VERSION in scoring/fusion/evaluate.py"
    yield Fingerprint("fusion", "fusion", FUSION_VERSION, raised, _fusion, 1e-4)
    for name in SPLITS:
        raised = f"the version of {name!r} in its file of scoring/splits/"
        version = getattr(SPLITS[name], "version", 1)
        yield Fingerprint("split", name, version, raised, lambda name=name: _split(name), ALIKE)
    for info in PROBES.values():
        raised = f"the version of {info.name!r} in scoring/probes/catalogue.py"
        told = lambda name=info.name: _probe(name)  # noqa: E731
        yield Fingerprint("probe", info.name, info.version, raised, told, ALIKE)
    version = getattr(metrics, "METRICS_VERSION", 1)
    yield Fingerprint("metrics", "metrics", version, "METRICS_VERSION in scoring/metrics.py", _metrics, 1e-9)
    for paper in PAPERS.values():
        version = max(getattr(question, "version", 1) for question in paper.questions)
        raised = f"the version of its question in PAPERS[{paper.name!r}], parity/papers.py"
        yield Fingerprint("protocol", paper.name, version, raised, lambda one=paper: _paper(one), 2e-3)


def _head(name: str) -> Numbers:
    known = [name, *getattr(get_head(name), "candidates", ())]
    told = {"parameters": {"code": text_code(sorted(asdict(get_head(one)).items()) for one in known)}}
    for kind in ("regression", "classification", "composition"):
        for noise in NOISES if name == "ridge" else NOISES[1:2]:
            scores = evaluate(space(), targets(kind, noise), Protocol("random", name, SEEDS))
            told[f"{kind}, noise {noise}"] = _predictions(scores.predictions)
    return told


def _fusion() -> Numbers:
    """A model of one half of the vectors beside floors of the other half and of noise; ridge, which sums alike everywhere."""
    told: dict[str, dict[str, float]] = {}
    for kind in ("regression", "classification", "composition"):
        exam = Exam.of(targets(kind, 0.5), Protocol("block", "ridge", SEEDS))
        floors = {"first": read(part(slice(0, 1)), exam), "noise": read(part(slice(5, 8)), exam)}
        fused = fuse(read(part(slice(1, 3)), exam), floors, exam)
        told[kind] = _predictions(fused.scores.predictions)
        numbers = ("floor", "model", "floor_alone")
        told[f"{kind}, weights"] = summary(
            np.array([[one[name] for name in numbers] for one in fused.stacks])
        )
        told[f"{kind}, folds"] = {
            "code": text_code(np.concatenate(exam.folds)),
            "floors": text_code(fused.chosen),
        }
    return told


def part(columns: slice) -> EmbeddingSpace:
    """Some columns of the vectors."""
    return EmbeddingSpace(
        "region", space().ids, np.ascontiguousarray(space().vectors[:, columns]), space().mask
    )


def _predictions(columns: dict[str, np.ndarray]) -> dict[str, float]:
    given = [values for name, values in columns.items() if name.startswith("predicted")]
    if given[0].dtype.kind in "OU":
        given = [np.array([given[0] == name for name in CLASSES], dtype=float).T]
    return summary(np.column_stack(given))


def _split(name: str) -> Numbers:
    told = {}
    for kind in ("regression", "classification"):
        protocol = Protocol(name, "mean", (0, 1, 2))
        sides = np.full((UNITS, 3), -1.0)
        asked = replace(targets(kind, 0.5), domain=PLACES) if name == "knndm" else targets(kind, 0.5)
        for seed, split in enumerate(make_splits(asked, protocol)):
            for side, rows in enumerate((split.train, split.val, split.test)):
                sides[rows, seed] = side
        told[kind] = {"code": text_code(sides.astype(int).ravel())}
    return told


def _probe(name: str) -> Numbers:
    """Ask a probe with a head that takes no chances; scores of every step and of a control count, not predictions alone."""
    told = {}
    for kind in ("regression", "classification"):
        found = probe(name, space(), targets(kind, 0.5), Protocol("random", "ridge", SEEDS))
        told[kind] = _predictions(found.scores.predictions)
        parts = [
            *(step["scores"] for step in found.section.get("steps", ())),
            found.section.get("control", {}),
        ]
        numbers = [value for scores in parts for values in scores.values() for value in values]
        if numbers:
            told[f"{kind}, section"] = summary(np.array(numbers))
    return told


def _metrics() -> Numbers:
    told = {}
    for kind in ("regression", "classification", "composition"):
        true, guessed = targets(kind, 0.0).values, targets(kind, 0.8).values
        told[kind] = compute_metrics(kind, true, guessed, CLASSES, log_scale=1000.0)
    return told


def _paper(paper) -> Numbers:
    told = {}
    for question in paper.questions:
        part = f"{question.kind} of {question.level}s"
        at = replace(question, repeats=1)
        labels = targets(question.kind, 0.5, question.level)
        vectors = replace(space(), level=question.level)
        scores = paper_evaluate(vectors, labels, at, name=paper.name, crs=CRS)
        told[part] = _predictions(scores.predictions)
        told[f"{part}, parameters"] = {
            "code": text_code(
                [asdict(question.cut), asdict(question.head), question.repeats, question.clip_at_zero]
            )
        }
    return told
