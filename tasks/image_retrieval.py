"""Which picture shows a place that is told in words?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.card import TaskCard
from urbanbench.retrieval_task import RetrievalTask

if TYPE_CHECKING:
    from urbanbench.asking.together import Sheet
    from urbanbench.city.city import City
    from urbanbench.scoring.retrieval.questions import Questions

__all__ = ["ImageRetrieval"]


class ImageRetrieval(RetrievalTask):
    """Which picture shows a place that is told in words?"""

    card = TaskCard(
        title="Image retrieval",
        question="Which of these pictures was taken at a place that is told in words?",
        kind="retrieval",
        level="item",
        query=("text",),
        candidates=("image", "graph"),
        positive="the picture whose surroundings the text tells, or to which the way in the text leads; pictures at the same point, and such of which the same is told, are right as well",
        leaks=("coordinates", "name", "street", "district"),
        layers=("street_views",),
        note="Every second text is a way that ends at the picture, where the city has streets or POIs. With --inputs street_view candidates are pictures alone.",
    )

    def questions(self, city: City) -> Questions:
        """Ask for every picture of the test blocks, by what lies around it and by a way to it in turn."""
        from urbanbench.asking.ground import open_ground
        from urbanbench.asking.lessons import lessons_of
        from urbanbench.asking.together import Sheet
        from urbanbench.errors import RunRefused

        ground = open_ground(city)
        if not ground.has_surroundings and "captions" not in city.layers:
            msg = f"City {city.name!r} has neither streets nor POIs nor captions, so there are no words for its places without names. Expected one of the layers roads, pois and captions. Mend: add one (docs/your_city.md), or choose -t geolocation."
            raise RunRefused(msg)
        sheet = Sheet(ground, "image-retrieval", "Find the picture that was taken at this place.")
        _ask(sheet)
        return sheet.finish(lessons_of(sheet, ("caption", "path")))


def _ask(sheet: Sheet) -> None:
    from urbanbench.asking.told import caption_texts, paths_to
    from urbanbench.asking.where import quarters
    from urbanbench.items import Item

    ground, asked = sheet.ground, sheet.ground.asked
    captions, paths, sides = caption_texts(ground, asked), paths_to(ground, asked, 1), quarters(ground)
    views = {k: ground.view_ids[k] for k in asked.tolist()}
    for at, (k, view) in enumerate(views.items()):
        way = paths[at][0] if at % 2 and paths[at] else None
        text = way.text if way else captions[at]
        right = {*ground.beside(k), *(way.ends if way else ())}
        sheet.candidate(
            view, sheet.picture(k), answer=captions[at] or view, likeness=sides[k], xy=ground.xy[k]
        )
        if text:
            also = frozenset(views[other] for other in right & views.keys() - {k})
            sheet.query(view, Item(text=text), view, xy=ground.xy[k], also_right=also)
