"""What SpaBERT is, where it comes from, and every point in which this implementation departs from its paper and code."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="SpaBERT",
    summary="A language model that reads a place's name among the names of its neighbours, each with its distance in both axes.",
    year=2022,
    paper="Li, Kim, Chiang, Chen: SpaBERT: A Pretrained Language Model from Geographic Data for Geo-Entity Representation (Findings of EMNLP 2022), arXiv:2210.12213",
    code="https://github.com/knowledge-computing/spabert (no licence; not used)",
    needs=("poi",),
    can_use=("polygon",),
    embeds=("region", "building", "poi"),
    differs_from_paper=(
        "Regions and buildings are ours, the paper has neither: a region's vector is the mean over its POIs' pivot vectors, a building's the mean over a pivot 'building' at its centroid and the POIs within radius_m.",
        "Training goes on from general BERT weights on the city itself; the paper trains on London and California and ships those weights.",
        "Entities are the POIs of poi_filter, not named points only: without a name the brand or operator is read, else the value of the first functional tag (option use_name).",
        "Distances are metres in the city's projection divided by 11.1, the length of 0.0001 degrees of latitude; the code divides degrees, which stretches one axis away from the equator.",
        "The pivot is not its own first neighbour, so 20 neighbours are other entities; the code's 21 count the pivot.",
        "Whole-entity masks cover exactly the entity's tokens; the code shifts them one token to the left (option parity_bugs).",
        "The loss is taken on masked tokens only; the code takes it on all tokens and on padding (option parity_bugs).",
        "A sentence ends before the first neighbour that does not fit wholly into max_tokens; the code cuts in the middle of a name. Sentences are padded to the longest of a batch.",
        "The sentence closes with one [SEP], which stands for the separator after the last neighbour.",
        "Adam with a warm-up of 50 steps, a rate that falls at plateaus of the loss on a held-out part and an end at the last one instead of AdamW at a constant rate; weights are not decayed.",
        "Masked-token and masked-entity prediction are drawn per sentence with probability one half each, from seeds of the run.",
        "The small preset writes what a POI is behind its name (option use_kind), reads at most 128 tokens, and trains a six-layer encoder for at least five passes in batches of 32 sentences at a higher learning rate, to the plateau of its loss.",
        "An encoder without a masked-language head, such as the packaged one of the preset small, gets a new one that is tied to its word embeddings; the result names it.",
    ),
    version=3,
    transfers="inductive",
    transfers_why="the trained encoder reads the names around any place",
)
