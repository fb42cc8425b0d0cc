"""Rows that several experiments share: the paper's models, UrbanMFM in full and with parts left out, floors; and cities' tasks."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.experiments.kinds.contender import Contender

__all__ = [
    "ABLATED",
    "BASELINES",
    "FLOOR_ROWS",
    "INPUT_ABLATION",
    "LABELS",
    "MODEL_ROWS",
    "OBJECTIVE_ABLATION",
    "READOUT_ROWS",
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

ABLATED = URBANMFM.changed("UrbanMFM, read as a mean", poi_vector="mean")
"""What ablations are held against. Without the global objective nothing trains the fusion of a POI's kinds, so these rows are all read
out by the mean of the kinds: what differs is the training alone."""

_HGI, _CITYFM = Contender("HGI", "hgi"), Contender("CityFM", "cityfm")
_SPABERT = Contender("SpaBERT", "spabert").changed(
    "SpaBERT, 2,250 steps", max_steps="2250", precision="bfloat16"
)
"""As many sentences as its authors' released weights had seen; to its plateau it takes days of a processor."""

MODEL_ROWS = (
    *(Contender(name, name.lower()) for name in BASELINES),
    _SPABERT,
    _HGI.changed("HGI, pooled", region_vector="pooled"),
    _CITYFM.changed("CityFM +pe", with_pe="true"),
    Contender("text mean", "text-mean"),
    URBANMFM,
    URBANMFM.changed("UrbanMFM +pe", with_pe="true"),
    URBANMFM.changed("UrbanMFM, sums", pooling="sum"),
)
"""Every model of the suite, in the order of its matrices; "+pe" is the positional encoding that a paper's head reads."""

READOUT_ROWS = (
    _CITYFM,
    _CITYFM.changed("CityFM, without the zero place", region_zero="false"),
    _CITYFM.changed("CityFM +pe", with_pe="true"),
    _CITYFM.changed("CityFM, every footprint", untagged="poi"),
    URBANMFM,
    URBANMFM.changed("UrbanMFM, mean of kinds", poi_vector="mean"),
    URBANMFM.changed("UrbanMFM, kinds side by side", poi_vector="concat"),
    URBANMFM.changed("UrbanMFM, raw lengths", raw_length="true"),
    URBANMFM.changed("UrbanMFM, graph vectors", graph_vector="true"),
    URBANMFM.changed("UrbanMFM, sums", pooling="sum"),
    URBANMFM.changed("UrbanMFM +pe", with_pe="true"),
    URBANMFM.changed("UrbanMFM, every footprint", untagged="poi"),
    _HGI,
    _HGI.changed("HGI, pooled", region_vector="pooled"),
    _HGI.changed("HGI, every footprint", untagged="poi"),
)
"""One model, read out and fed in several ways."""

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
    """Return UrbanMFM without the objectives of one scale, after the row with all; inputs and readout stay."""
    rows = [replace(ABLATED, group=OBJECTIVE_ABLATION)]
    for scale in _STAGES:
        kept = ",".join(stage for name, stages in _STAGES.items() if name != scale for stage in stages)
        label = f"w/o {scale}"
        published = f"UrbanMFM w/o {scale.title()} Scale"
        row = ABLATED.changed(label, stages=kept)
        rows.append(replace(row, published=published, group=OBJECTIVE_ABLATION))
    return tuple(rows)


def input_rows() -> tuple[Contender, ...]:
    """Return UrbanMFM without one of its inputs each, and on POIs alone; what cannot be trained without them is left out."""
    bare = replace(ABLATED, published="", group=INPUT_ABLATION)
    rows = [
        replace(
            bare,
            label=f"without {name.replace('_', ' ')}",
            inputs=",".join(one for one in _SEEN if one != name),
            without=(name,),
        )
        for name in _SEEN[1:]
    ]
    return (*rows, replace(bare, label="POIs alone", inputs="poi"))
