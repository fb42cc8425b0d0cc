"""What UGE on a vision-language model is, where it comes from, and every point in which this implementation departs from paper and code."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="UGE (VLM)",
    summary="A vision-language model with LoRA that reads pictures, words and the nodes of a spatial graph, trained so that what belongs together is near.",
    year=2026,
    paper="Zhang, Yu, Fang, Stouffs, Trivic: UrbanGraphEmbeddings: Learning and Evaluating Spatially Grounded Multimodal Embeddings for Urban Science (2026), arXiv:2602.08342",
    code="https://github.com/Jaygagaga/UGE (no licence; not used)",
    needs=(),
    can_use=("street_view", "graph"),
    embeds=("image", "text", "graph"),
    extra="vlm",
    differs_from_paper=(
        "Every graph of a batch is encoded; the authors' loop over graphs returns in its first turn, so that only the first graph of a batch ever reaches the model.",
        "Phi-3-Vision is refused: transformers has no class for it, and code from a folder is never run.",
        "Lessons are those that the task shows, without names, coordinates, streets and districts of the answer; the central node's category is hidden in training as in testing.",
        "Adapters are in the language model only; a plain list of layer names would put them into the picture tower of LLaVA-NeXT as well.",
        "A turn is closed by the tokenizer's end token, whose state is the vector; the authors' template is not published.",
        "Node vectors stand in place of padding tokens, so the table of words keeps its size and its weights.",
        "Positions of nodes are offsets in metres from the picture, not degrees: 1e-6 to 360 degrees become 0.11 m to 40,075 km; differences of an edge's ends are read as ln(1 + metres) with their sign; the vector of an edge has 16 numbers, as the authors' README says and not as its code.",
        "The node MLP that the authors build and never use is left out.",
        "Lessons with the same picture or the same answer are no negatives of each other.",
        "Accumulated gradients, which give no further negatives, are left out: a batch is what is compared (8 on each of 4 GPUs, 32).",
        "The learning rate stays after the warm-up instead of falling along a line; the rate falls at plateaus where a preset goes on until them.",
        "Pictures of more than `pixels` are made smaller before the family's own scaling.",
    ),
    transfers="inductive",
    transfers_why="adapters and graph encoder read any city's pictures, words and graphs",
)
