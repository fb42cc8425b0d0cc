"""What MuseCL is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="MuseCL",
    summary="Street and satellite pictures of like regions drawn together, fused by attention and aligned with word vectors of POIs.",
    year=2024,
    paper="Yong, Zhou: MuseCL: Predicting Urban Socioeconomic Indicators via Multi-Semantic Contrastive Learning. IJCAI 2024, arXiv:2407.09523",
    code="https://github.com/XixianYong/MuseCL (no licence; not used)",
    needs=("poi",),
    needs_any=("street_view", "satellite", "polygon"),
    can_use=("flow",),
    embeds=("region",),
    differs_from_paper=(
        "Street views of regions with like POIs are positives (option sv_positive), as in comparisons without mobility; the preset paper takes mobility where the city has trips.",
        "With sv_positive=mobility, trips decide which street views are alike: trips are near to population, so scores on population may be helped by it; the result says so.",
        "Likeness by mobility is the cosine of z-scores of log1p trips into and out of a region by hour; the code shows only totals, and never how they are compared.",
        "Categories of POIs are their OpenStreetMap tags key=value, after leaving out street furniture and objects that tell no use.",
        "Negatives are drawn from regions outside the tenth that is most alike (option spared), where the code takes any other.",
        "Triplets are drawn anew at every step, not 10,000 once; the most steps are those of the authors' epochs over 10,000, and the rate falls where the loss stands still.",
        "Training ends when the loss on held-out regions has not fallen in three of ten checks, and the best weights stay.",
        "Adam without amsgrad.",
        "Every satellite picture is turned on its own, where the code turns a whole batch alike; channels have the statistics of the encoder's own training.",
        "Encoders train with the batch statistics they came with.",
        "Word vectors are gensim's (CBOW, window 5) of key, value and key=value in a POI's tags, of the same length as the fused vectors.",
        "The temperature is 0.1 and batches are 256 in the fusion, which the paper does not state; the code's squared error is an option (fusion_loss=mse).",
        "As in the code, the alignment trains the attention only; its option align=projections, which also trains the layers below it, is ours.",
        "A region that lacks one kind of pictures has the vector of the other; one without any is not covered.",
        "Where no satellite picture may be seen, maps drawn from building footprints stand in for it; no street view is replaced. The paper has no such setting.",
        "The preset small keeps the image encoders as they are and trains what follows them.",
    ),
    version=2,
    transfers="inductive",
    transfers_why="the trained encoders and fusion read the pictures of any city",
)
