"""Rows that several experiments share: the paper's models, UrbanMFM in full and with parts left out, floors; and cities' tasks."""

from __future__ import annotations

from urbanbench.experiments.kinds.contender import Contender

__all__ = [
    "BASELINES",
    "FLOOR_ROWS",
    "INPUT_ABLATION",
    "LABELS",
    "MODEL_ROWS",
    "OBJECTIVE_ABLATION",
    "TASKS",
    "URBANMFM",
    "input_rows",
    "models_of",
    "objective_rows",
]

OBJECTIVE_ABLATION, INPUT_ABLATION = "Objective ablation", "Input ablation"

BASELINES = ("GeoVectors", "SpaBERT", "HGI", "Urban2Vec", "MuseCL", "CityFM", "UrbanCLIP")
"""The paper's baselines; their names here are these in lower case."""

URBANMFM = Contender("UrbanMFM", "urbanmfm", published="UrbanMFM")

MODEL_ROWS = (
    *(Contender(name, name.lower()) for name in BASELINES),
    Contender("text mean", "text-mean"),
    URBANMFM,
    URBANMFM.changed("UrbanMFM, sums", pooling="sum"),
)
"""Every model of the suite, in the order of its matrices."""

FLOOR_ROWS = tuple(Contender(name, name) for name in ("poi-counts", "building-stats", "tfidf", "coordinates"))
"""Floors that stand in matrices by themselves."""

_NEW_YORK = ("popdensity", "income", "poverty", "education", "bachelor", "crime", "landuse-shares")
_SINGAPORE = ("popdensity", "housing", "landuse", "landuse-shares", "building-function")
_TOYVILLE = ("popdensity", "housing", "income", "gdp", "landuse", "landuse-shares", "building-function")
LABELS = {"singapore": _SINGAPORE, "new_york": _NEW_YORK, "toyville": _TOYVILLE}
"""The tasks whose labels these cities have."""

TASKS = tuple(dict.fromkeys((*_NEW_YORK, *_SINGAPORE, *_TOYVILLE)))
"""All of them."""

_STAGES = {"micro": ("poi", "svi"), "local": ("local",), "macro": ("macro",), "global": ("global",)}
"""The objectives of each scale, in the order of training."""
_SEEN = ("poi", "polygon", "road", "street_view", "satellite")
"""What UrbanMFM sees of a city; trips join only where an experiment asks for them."""


def models_of(*names: str, inputs: str = "full") -> tuple[Contender, ...]:
    """Return rows for models of the paper by their names there, with UrbanMFM last."""
    rows = [Contender(name, name.lower(), inputs=inputs, published=name) for name in names]
    return (*rows, Contender("UrbanMFM", "urbanmfm", inputs=inputs, published="UrbanMFM"))


def objective_rows() -> tuple[Contender, ...]:
    """Return UrbanMFM without the objectives of one scale; its inputs stay."""
    rows = []
    for scale in _STAGES:
        kept = ",".join(stage for name, stages in _STAGES.items() if name != scale for stage in stages)
        label = f"w/o {scale}"
        published = f"UrbanMFM w/o {scale.title()} Scale"
        rows.append(
            Contender(label, "urbanmfm", (("stages", kept),), published=published, group=OBJECTIVE_ABLATION)
        )
    return tuple(rows)


def input_rows() -> tuple[Contender, ...]:
    """Return UrbanMFM without one of its inputs each, and on POIs alone; what cannot be trained without them is left out."""
    rows = [
        Contender(
            f"without {name.replace('_', ' ')}",
            "urbanmfm",
            inputs=",".join(one for one in _SEEN if one != name),
            group=INPUT_ABLATION,
            without=(name,),
        )
        for name in _SEEN[1:]
    ]
    return (*rows, Contender("POIs alone", "urbanmfm", inputs="poi", group=INPUT_ABLATION))
