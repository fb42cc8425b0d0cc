"""The protocols there are. Each fact is from the released code or the paper named beside it; what neither states is said in `differs`."""

from __future__ import annotations

from urbanbench.errors import UnknownName
from urbanbench.parity.contract import Paper, Question
from urbanbench.parity.cuts import Folds, Shares, Shuffled
from urbanbench.parity.network import GatedNetwork, Network
from urbanbench.parity.plain_heads import CountedForest, Forest, Ridge

__all__ = ["PAPERS", "get_paper"]

_UNITS_KEPT = (
    "The papers leave out regions without any POI. Ours scores every labelled unit: one without data gets the mean of the covered "
    "training rows and a column that says so; the score on covered units stands beside."
)
_SEEDED = "Published repeats are not seeded, so they cannot be drawn again; ours are the seeds 0, 1, 2, ..."
_OVER_REPEATS = "± is the sample standard deviation over repeats, whose test units overlap; the published ± has divisor n, not n - 1"
_NEIGHBOURS = "random split: test units lie among training units, so remembering neighbours scores"
_POSITION = "the head is given where each unit lies (256 sines and cosines of latitude and longitude), whatever the model or --inputs"
_SCALED = (
    "targets are divided by their maximum over all units, test units included (their scale, not their order)"
)
_PARCELS = "buildings of one parcel or street lie on both sides"
_RIDGE_PAPERS = (
    (
        "Zhang et al.: Multi-View Joint Graph Representation Learning for Urban Region Embedding, IJCAI 2020; "
        "code mingyangzhang/mv-region-embedding, model/tasks.py"
    ),
    "Zhou et al.: Heterogeneous Region Embedding with Prompt Learning, AAAI 2023; code slzhou-xy/HREP, task.py",
    (
        "Sun et al.: Urban Region Representation Learning with Attentive Fusion, ICDE 2024, arXiv:2312.04606; "
        "code MiRuacle24/HAFusion, tasks_NY/tasks_crime.py"
    ),
)
_CONTIGUOUS = (
    "folds are contiguous in the order of unit ids, as the papers' are in that of their label files, which is no spatial block split: where "
    "ids of neighbours are far apart they are in training, and where ids run by district whole districts are held out; other ids would give "
    "other scores"
)
_POOLED = (
    "one repeat without a ±: the folds' predictions are pooled and scored once, as the code does; the scores of single folds are in the "
    "result's head_details, and a note has their mean ± sample standard deviation"
)
_ONCE = "one repeat without a ±, as in the code"
_CITYFM_CODE = "code PasqualeTurin/CityFM, utils/prediction.py, utils/models.py, config.py"
_URBANMFM_CODE = "code ZZQ-NTU/UrbanMFM, utils/prediction.py, utils/models.py, config.py (files since removed, in its history)"
_FUNCTION_HEAD = Network((256, 128), epochs=20, decay="linear", shuffled=True, position=1.0)
_WEIGHTED_F1 = "The code weights F1 by predicted class counts; weighted F1 here is weighted by true ones. Macro F1 and accuracy agree."
_SHORT_SCHEDULE = "The code's linear decay counts full batches, which would leave the rate at 0 below 128 training units; at least one is counted."


def _folds(count: int) -> tuple[Question, ...]:
    return (
        Question(
            "regression",
            "region",
            Folds(count),
            Ridge(1.0),
            repeats=1,
            spread=_POOLED,
            leaks=(_CONTIGUOUS,),
            clip_at_zero=True,
        ),
    )


PAPERS: dict[str, Paper] = {
    paper.name: paper
    for paper in (
        Paper(
            "paper:hgi",
            "HGI",
            (
                (
                    "Huang et al.: Learning urban region representations with POIs and hierarchical graph infomax, ISPRS Journal 196 (2023), "
                    "doi:10.1016/j.isprsjprs.2022.11.021; code RightBank/HGI, Eval_module/population_density.py, housing_price.py, urban_func.py"
                ),
            ),
            (
                Question(
                    "regression", "region", Shares(8, 0, 10), Forest(100), 10, _OVER_REPEATS, (_NEIGHBOURS,)
                ),
                Question(
                    "composition",
                    "region",
                    Shares(6, 2, 10),
                    Network(
                        (512,),
                        activation="tanh",
                        batch_norm=True,
                        learning_rate=1e-3,
                        batch=32,
                        epochs=100,
                        decay="slow",
                        shuffled=True,
                    ),
                    10,
                    _OVER_REPEATS,
                    (_NEIGHBOURS,),
                ),
            ),
            (
                _SEEDED + " The forest's own seed is the number of the repeat, as published.",
                _UNITS_KEPT,
                "The published composition is the share of urban functions; any task of shares is scored the same way here.",
                "A last batch of a single region joins the one before; the code would stop there.",
            ),
        ),
        Paper(
            "paper:cityfm",
            "CityFM",
            (
                (
                    "Balsebre et al.: City Foundation Models for Learning General Purpose Representations from OpenStreetMap, CIKM 2024, "
                    f"arXiv:2310.00583; {_CITYFM_CODE}"
                ),
            ),
            (
                Question(
                    "regression",
                    "region",
                    Shares(6, 2, 10, whole_parts=True),
                    Network((256, 128), position=0.1),
                    10,
                    _OVER_REPEATS,
                    (_NEIGHBOURS, _POSITION, _SCALED),
                ),
                Question(
                    "classification",
                    "building",
                    Shares(6, 2, 10, by_class=True),
                    _FUNCTION_HEAD,
                    1,
                    _ONCE,
                    (_NEIGHBOURS, _POSITION, _PARCELS),
                ),
            ),
            (
                _SEEDED,
                "The code drops a random half of the regions before it makes vectors; ours never does.",
                _UNITS_KEPT,
                "The code's vectors are the visual and the textual half of its own model; any model's vector stands in their place.",
                _WEIGHTED_F1,
                _SHORT_SCHEDULE,
                "Facts are from the code alone: the body of the paper was not at hand.",
            ),
        ),
        Paper(
            "paper:urbanmfm",
            "UrbanMFM",
            (
                f"UrbanMFM paper, experiments section (repeats and metrics, split of buildings); {_URBANMFM_CODE}",
            ),
            (
                Question(
                    "regression",
                    "region",
                    Shares(6, 2, 10, whole_parts=True),
                    GatedNetwork((512, 256, 128), entry=768, position=0.1),
                    10,
                    _OVER_REPEATS,
                    (_NEIGHBOURS, _POSITION, _SCALED),
                    version=2,
                ),
                Question(
                    "classification",
                    "building",
                    Shares(2, 1, 4, by_class=True),
                    _FUNCTION_HEAD,
                    1,
                    _ONCE,
                    (_NEIGHBOURS, _POSITION, _PARCELS),
                ),
            ),
            (
                (
                    "The paper states ten runs for regions and 50/25/25 for buildings, but neither the split of regions nor any head; both are "
                    "the code's, which differs from the paper for buildings (60/20/20)."
                ),
                "The number of runs for buildings is not stated; the code makes one.",
                (
                    "The code's head gates the global and the local half of its own model's vector before a layer of 768 units, as ours does for "
                    "UrbanMFM (pooling=mean with satellite); other models have no such halves, so the whole vector goes through that layer. The "
                    "code's vectors have the lengths they come with: --set raw_length=true."
                ),
                _SEEDED,
                _UNITS_KEPT,
                _WEIGHTED_F1,
                _SHORT_SCHEDULE,
            ),
        ),
        Paper(
            "paper:regiondcl",
            "RegionDCL",
            (
                (
                    "Li et al.: Urban Region Representation Learning with OpenStreetMap Building Footprints, KDD 2023, "
                    "doi:10.1145/3580305.3599538; code LightChaser666/RegionDCL, downstream/population_density.py"
                ),
            ),
            (
                Question(
                    "regression",
                    "region",
                    Shuffled(0.2, first=1),
                    CountedForest(100, first=1),
                    10,
                    _OVER_REPEATS,
                    (_NEIGHBOURS,),
                    covered_only=True,
                ),
            ),
            (
                "The authors score regions that are also in one of their baselines' tables (doc2vec's); here the label says which regions count.",
                "Regions without a vector are left out, as published, so vectors of unlike coverage are tested on unlike units.",
                "Units are taken in the order of their ids, the authors' in the order of their files.",
            ),
        ),
        Paper(
            "paper:mvure",
            "MVURE, HREP and HAFusion, ten folds",
            _RIDGE_PAPERS,
            _folds(10),
            (
                (
                    "Ten folds are those of HAFusion's code; the code of MVURE and of HREP cuts five (`paper:mvure-code`). All else is the same "
                    "in the three."
                ),
                "HREP reports a prompt on top of this ridge regression, which is part of its model and not done here.",
                "Their targets are counts (crimes, check-ins, service calls); other regression labels are scored the same way, and clipped.",
                "Their code knows no region without data; one without gets the mean of the covered training rows and a column that says so.",
            ),
        ),
        Paper(
            "paper:mvure-code",
            "MVURE and HREP, five folds",
            _RIDGE_PAPERS[:2],
            _folds(5),
            ("As `paper:mvure` but for the number of folds, which is that of the two released codes.",),
        ),
    )
}


def get_paper(name: str) -> Paper:
    """Return a paper's protocol.

    Raises
    ------
    UnknownName
        No protocol of this name.
    """
    if name not in PAPERS:
        kind = "protocol"
        raise UnknownName(kind, name, PAPERS)
    return PAPERS[name]
