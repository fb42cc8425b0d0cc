"""UGE's ablations: what each of its stages and parts is worth where places are asked for."""

from __future__ import annotations

from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.scoring.retrieval.words import AREA, COSINE

__all__ = ["EXPERIMENT"]


def _row(label: str, group: str, **settings: str) -> Contender:
    return Contender(label, "uge", tuple(settings.items()), group=group)


_STAGES, _GRAPH, _NUMBERS = "Stages", "Parts of the graph encoder", "Numbers"

EXPERIMENT = Comparison(
    name="uge",
    title="Ablations of UGE-lite",
    item="none",
    question="What do UGE's second stage, its graph encoder and its learning rates contribute?",
    tasks=("geolocation", "spatial-grounding"),
    splits=(AREA,),
    heads=(COSINE,),
    contenders=(
        _row("UGE-lite", _STAGES),
        _row("no graph (stage text alone)", _STAGES, stages="text"),
        _row("stage graph alone", _STAGES, stages="graph"),
        _row("untrained", _STAGES, stages=""),
        _row("no edge features", _GRAPH, edge_features="false"),
        _row("nodes alone (no layers)", _GRAPH, graph_layers="0"),
        _row("no offsets of nodes", _GRAPH, node_place="false"),
        _row("edges of 8", _NUMBERS, edge_dim="8"),
        _row("edges of 32", _NUMBERS, edge_dim="32"),
        _row("other towers at 0.03 x the rate", _NUMBERS, lr_scale="0.03"),
        _row("other towers at 0.3 x the rate", _NUMBERS, lr_scale="0.3"),
    ),
    full="UGE-lite",
    ablations=(_STAGES, _GRAPH, _NUMBERS),
    metrics=("hit@5", "mrr"),
    notes=(
        "Scores are of the test blocks; settings were chosen by held-out lessons. Whether a part is worth something only several trainings tell: --model-seeds 3.",
    ),
)
