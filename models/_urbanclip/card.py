"""What UrbanCLIP is, where it comes from, and every point in which this implementation departs from its paper."""

from __future__ import annotations

from urbanbench.card import ModelCard

__all__ = ["CARD"]

CARD = ModelCard(
    title="UrbanCLIP",
    summary="A picture from above and sentences about it, trained to find and to write each other.",
    year=2024,
    paper="Yan, Wen, Zhong, Chen, Chen, Wen, Zimmermann, Liang: UrbanCLIP: Learning text-enhanced urban region profiling with contrastive language-image pretraining from the web. WWW 2024, arXiv:2310.18340",
    code="https://github.com/StupidBuluchacha/UrbanCLIP (no licence; not used)",
    needs=("satellite",),
    can_use=("captions", "poi", "polygon", "road"),
    embeds=("region",),
    differs_from_paper=(
        "The paper's preset starts from CLIP ViT-L/14 of OpenAI: the published CoCa, trained on LAION-2B and fine-tuned on MSCOCO, has no loader in transformers. The caption decoder and its picture queries start untrained.",
        "Captions come from the city folder; where it has none, a template writes them from tags, roads and the colours of the picture (option captions), and the result says so: the model is then informed of POIs and buildings.",
        "Own captions of a vision language model (option captions=vlm) are decoded greedily, not sampled with temperature 0.1.",
        "A sentence is drawn anew for each epoch; the authors' code draws one per picture when the data are built (option fixed_caption).",
        "The picture is the region's bounding box (option tile=fixed_1km for the paper's footprint of a kilometre).",
        "Ten percent of the pairs, or a batch of them where that is more (at most a fifth), are held out to choose the weights, by the contrastive loss as in the authors' code; none are kept as a test set.",
        "The learning rate rises over the first 50 steps and falls where the contrastive loss on held-out pairs stands still, and training ends there after the last fall (options warmup, patience); the authors' code trains all epochs and keeps the best weights.",
        "Regions are trained on and embedded in the same city; the paper's four cities are not joined.",
        "Pairs with the same sentence or the same picture count as negatives of each other as in the authors' code; the preset small leaves them out (option mask_same).",
    ),
    version=2,
    transfers="inductive",
    transfers_why="the trained picture tower reads the pictures of any city",
)
