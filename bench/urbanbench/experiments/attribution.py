"""Attribution: what pooling, data, training and head each contribute to the distance between counting and a model."""

from __future__ import annotations

from dataclasses import replace

from urbanbench.experiments.kinds.attribution import Attribution
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.ladder import Ladder, Rung

__all__ = ["EXPERIMENT"]

UNIFIED = "poi,polygon"
COUNTS = Contender("poi-counts", "poi-counts")

STEPS = {
    "data": "from counting every POI (`poi-counts`) to counting only the objects that the model is shown (`places-counts`).",
    "pooling": "from these counts per km\N{SUPERSCRIPT TWO} to the same counts per object (`poi-shares`): what a mean over places forgets.",
    "codes": "from a column per category to 256 random numbers per category, averaged (`random-codes`).",
    "text": "from random numbers to the frozen text encoder's vector of the category (`text-codes`).",
    "zero place": "one more place of weight 1 / (n + 1) in every mean, as in CityFM's code: a mean that knows how many there are.",
    "start": "to the model before any training: whole texts, names, footprints and neighbours through untrained layers.",
    "training": "to the trained model.",
    "head": "from the head of the table to the head that is chosen by validation score, with the same vectors.",
}


def _floor(name: str, objects: str, **settings: str) -> Contender:
    """Return an attribution floor over some objects, labelled by what it is."""
    told = ", ".join([*settings.values(), objects])
    words = tuple(sorted({"objects": objects, **settings}.items()))
    return Contender(f"{name} ({told})", name, words)


def _ladder(
    label: str,
    model: str,
    objects: str,
    *,
    text: bool = False,
    zero: bool = False,
    untrained: dict[str, str] | None = None,
    trained: bool = True,
) -> Ladder:
    """Return the rows from `poi-counts` to a model.

    Parameters
    ----------
    label, model
        What it is called, and its name.
    objects
        What it is shown, a word of `urbanbench.toolkit.ground.objects.OBJECTS`.
    text, zero
        Whether it starts from vectors of texts, and whether its mean has a zero place.
    untrained
        Settings that leave its training out, None where there are none.
    trained
        Whether it is trained at all.
    """
    top = Contender(label, model, inputs=UNIFIED)
    rungs = [
        Rung("", COUNTS),
        Rung("data", _floor("places-counts", objects)),
        Rung("pooling", _floor("poi-shares", objects)),
        Rung("codes", _floor("random-codes", objects)),
    ]
    if text:
        rungs.append(Rung("text", _floor("text-codes", objects)))
    if zero:
        floor = _floor("text-codes", objects, zero_place="true")
        rungs.append(Rung("zero place", replace(floor, label=f"text-codes (zero place, {objects})")))
    if untrained is not None:
        rungs.append(Rung("start", top.changed(f"{label}, untrained", **untrained)))
    rungs.append(Rung("training" if trained else "start", top))
    return Ladder(label, tuple(rungs))


def _by_codes(objects: str) -> Ladder:
    """Return the pooling once more, with codes instead of shares, and the zero place."""
    summed = replace(_floor("random-codes", objects, pooling="sum"), label=f"random-codes (sum, {objects})")
    zero = replace(
        _floor("text-codes", objects, zero_place="true"), label=f"text-codes (zero place, {objects})"
    )
    return Ladder(
        objects,
        (
            Rung("", _floor("places-counts", objects)),
            Rung("codes, summed", summed),
            Rung("pooling of codes", _floor("random-codes", objects)),
            Rung("text", _floor("text-codes", objects)),
            Rung("zero place", zero),
        ),
    )


STATS = Contender("building-stats", "building-stats")
FLAT = STATS.changed("building-stats (without heights)", heights="false")
SHAPES = Contender("footprint-means", "footprint-means")
SUMMED = SHAPES.changed("footprint-means (sum)", pooling="sum")
SEEN = SHAPES.changed("footprint-means (places)", footprints="places")


def _by_neighbours(objects: str) -> Ladder:
    """Return what the places of the regions around bring to counting."""
    counted = (
        Rung("", _floor("places-counts", objects)),
        Rung("neighbours", _floor("neighbour-counts", objects)),
    )
    return Ladder(objects, counted)


EXPERIMENT = Attribution(
    name="attribution",
    title="What pooling, data, training and head each contribute",
    item="none",
    question="How much of the distance between counting and a learned model is data, pooling, training and head?",
    cities=("singapore", "new_york", "toyville"),
    heads=("mlp", "select"),
    floors=False,
    ladders=(
        _ladder("GeoVectors", "geovectors", "all"),
        _ladder("SpaBERT", "spabert", "kept", text=True, untrained={"train": "false"}),
        _ladder("HGI", "hgi", "places", untrained={"lr": "0", "category_lr": "0", "max_steps": "1"}),
        _ladder("Urban2Vec", "urban2vec", "places", untrained={"lr": "0", "word_lr": "0", "max_steps": "1"}),
        _ladder("MuseCL", "musecl", "kept"),
        _ladder("CityFM", "cityfm", "places", text=True, zero=True, untrained={"stages": ""}),
        _ladder("text mean", "text-mean", "kept", text=True, trained=False),
        _ladder("UrbanMFM", "urbanmfm", "places", text=True, untrained={"stages": ""}),
    ),
    asides=(
        *(_by_codes(objects) for objects in ("all", "kept", "places")),
        *(_by_neighbours(objects) for objects in ("all", "places")),
        Ladder(
            "footprints",
            (Rung("", STATS), Rung("heights", FLAT), Rung("shapes, summed", SUMMED), Rung("pooling", SHAPES), Rung("data", SEEN)),
        ),
    ),
    further=(Contender("tfidf", "tfidf"),),
    steps=STEPS,
    yardstick=("codes", "random codes"),
    notes=(
        "All rows see POIs and footprints at most; UrbanCLIP is left out: it is made of pictures from above and captions.",
        "GeoVectors also reads where its POIs lie, so its last step holds that too.",
        "Drawings of footprints stand for the pictures of Urban2Vec and MuseCL here: their start and training hold them too.",
    ),
)  # fmt: skip
