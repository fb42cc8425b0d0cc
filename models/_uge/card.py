"""What UGE-lite is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="UGE-lite",
    summary="Street views, texts and the spatial graph around a picture in one space, trained in two stages on pairs that belong together.",
    year=2026,
    paper="UrbanGraphEmbeddings: learning and evaluating spatially grounded multimodal embeddings, arXiv:2602.08342v1",
    code="https://github.com/Jaygagaga/UGE (no licence; not used)",
    needs=(),
    needs_any=("street_view",),
    can_use=("graph", "poi", "road"),
    embeds=("image", "text", "graph", "region"),
    differs_from_paper=(
        "A vision language model with LoRA stands in the paper where this has a picture encoder and a sentence encoder, both frozen, with two trained layers each; their outputs and that of the graph encoder lie beside one another with flags that tell which are there, and a linear map and two layers bring them to one vector.",
        "A text is the mean over its clauses' vectors, each with its place in order; instructions are its first clauses. Numbers are replaced by a sign for the frozen encoder and stand beside its vector as bumps over ln(1 + number).",
        "The text of a node is such a frozen vector and a linear map; the paper averages the language model's token embeddings.",
        "Nodes are read a second time as the text tower reads clauses, their distance from the picture as a clause's number, and graphs enter the fusion as texts do at first: in the paper nodes stand among the words of a language model.",
        "Places of nodes are offsets from the picture in metres, 16 wavelengths from 4 m to 16 km, and beside them distance and direction from the picture; the paper's are degrees of longitude and latitude, which would tell where a picture lies. The difference of places along an edge is ln(1 + metres) with its sign.",
        "The paper puts every node vector in place of a token. Here a graph is one vector: its own node, the mean of its nodes, and what the item's text attends to among them by the words of its phrases and by nearness, one beside the other and mapped linearly.",
        "Of a sub-graph the nodes of the fewest hops attend to one another along edges (option joined); of the rest the nearest are read without (option nodes; the paper trains with up to 1,000 nodes, as the preset paper does).",
        "Regions are an extension that the paper does not have: the mean over the vectors of their street views with graphs of POIs, roads and regions, learned from captions and ways in the whole city.",
        "Every graph of a batch is encoded; the published loop over graphs returns in its first iteration.",
        "The temperature is 0.05; 0.01 as published is unstable with small batches.",
        "In training some items lose their graph and others their picture (options drop_graph, drop_image), so that items with either alone are read well.",
        "A batch has one pair of each picture, all of one kind and one form of question where they can be, for wrong answers of another are told at a glance; other pairs with the same answer are not counted as wrong, and a wrong answer counts once however many pairs have it. Stages end at the plateau of the loss of held-out pictures, the same in both, and the weights with the lowest are kept; the paper trains a fixed number of epochs and selects by the margin between right and wrong.",
    ),
    version=3,
    transfers="inductive",
    transfers_why="its towers read the pictures, texts and graphs of any city",
)
