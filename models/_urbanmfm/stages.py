"""The five objectives, each made from the parts of a run that it needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from urbanbench.errors import RunRefused
from urbanbench.models._urbanmfm.distribution import gather_distributions
from urbanbench.models._urbanmfm.groups import grouping_in, road_groups
from urbanbench.models._urbanmfm.l_global import GlobalObjective
from urbanbench.models._urbanmfm.l_local import LocalObjective
from urbanbench.models._urbanmfm.l_macro import MacroObjective
from urbanbench.models._urbanmfm.l_poi import PoiObjective
from urbanbench.models._urbanmfm.l_svi import SviObjective
from urbanbench.models._urbanmfm.micro import MicroEncoder, pois_by_region
from urbanbench.models._urbanmfm.pairs import Similarity, similar_pairs
from urbanbench.models._urbanmfm.reach import cap_within
from urbanbench.models._urbanmfm.sampled import SampledObjective
from urbanbench.models._urbanmfm.sight import StreetSight
from urbanbench.seeds import generator
from urbanbench.toolkit.pictures.scenes import given_scenes, label_scenes, scene_provider

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.backbones import Backbones
    from urbanbench.models._urbanmfm.material import Material
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.toolkit.features._feature_rows import PictureRows
    from urbanbench.toolkit.training import Objective

Part = TypeVar("Part")


@dataclass(frozen=True, eq=False)
class Workshop:
    """Everything that objectives are made of.

    Parameters
    ----------
    model
        Parameters.
    view, material
        The city, and what was read of it.
    net, backbones
        What is trained, and the encoders with their features.
    seed, device
        Of the run.
    """

    model: UrbanMFM
    view: View
    material: Material
    net: UrbanNet
    backbones: Backbones
    seed: int
    device: str

    @property
    def sight(self) -> StreetSight | None:
        """How places see the streets; None without street views."""
        streets, pictures = self.backbones.streets, self.backbones.street_pictures()
        if streets is None or pictures is None:
            return None
        model = self.model
        return StreetSight(
            self.net,
            streets,
            pictures,
            max_dist_m=model.max_dist_m,
            cap=cap_within(model.max_street_views, model.max_dist_m),
            prior=model.street_prior,
            temperature=model.temperature,
        )

    @property
    def micro(self) -> MicroEncoder:
        """What makes one vector of a POI's modalities."""
        places, sight = self.material.places, self.sight
        memory = sight.memory(places.xy) if sight else None
        return MicroEncoder(
            self.net,
            self.backbones.texts(),
            self.backbones.shapes(),
            places.text,
            places.shape,
            street=sight.street(memory) if sight and memory else None,
            has_street=memory.has if memory else None,
            device=self.device,
        )


def objective_of(stage: str, shop: Workshop) -> Objective:
    """Make the objective of a stage, over the share of its anchors that is asked for."""
    made = _MADE[stage](shop)
    share = shop.model.sample_share
    return made if share == 1 else SampledObjective(made, share, seed=shop.seed)


def uses_roads(model: UrbanMFM, view: View, stages: Collection[str]) -> bool:
    """Tell whether any of the stages, which may be joined by "+", reads the roads."""
    names = {name for stage in stages for name in stage.split("+")}
    by_road = "poi" in names and grouping_in(view, model.grouping) == "road"
    return by_road or ("macro" in names and view.has("road"))


def _poi(shop: Workshop) -> Objective:
    model, places = shop.model, shop.material.places
    groups = road_groups(
        shop.view,
        places,
        grouping=model.grouping,
        radius_m=model.road_radius_m,
        nearest=model.knn_neighbours,
        max_dist_m=model.max_dist_m,
    )
    texts = shop.backbones.tuned_texts() if model.train_text_encoder else shop.backbones.texts()
    return PoiObjective(
        shop.net,
        texts,
        places.text,
        groups,
        cap=model.road_pois,
        include_self=model.include_self,
        temperature=model.temperature,
        direction=model.direction,
        lr=model.lr,
        lr_backbone=model.lr_backbone,
        device=shop.device,
    )


def _svi(shop: Workshop) -> Objective:
    model, streets = shop.model, _present(shop.backbones.streets, "street view")
    named = _scene_of_view(shop) if shop.view.has_features("scenes") else None
    provider = scene_provider(model.scene, has_given=named is not None, encoder=model.scene_encoder)
    clustered = shop.backbones.street_pictures() if provider == "kmeans" else None
    scenes = label_scenes(
        provider,
        pictures_of_group=streets.picture,
        features=clustered.features.cpu().numpy() if clustered else None,
        open_image=lambda row: shop.view.open_image(streets.pictures[row]),
        given=given_scenes(named, streets.view_ids) if named is not None else None,
        seed=shop.seed,
        encoder=model.scene_encoder,
        device=shop.device,
    )
    text = shop.backbones.encode_texts(scenes.texts) if scenes.texts else None
    return SviObjective(
        shop.net,
        _pictures(shop, "street"),
        streets,
        scenes.of_group if text is not None else None,
        text,
        literal=model.literal_views,
        temperature=model.temperature,
        lr=model.lr,
        lr_backbone=model.lr_backbone,
        device=shop.device,
    )


def _scene_of_view(shop: Workshop) -> dict[str, str | None]:
    named = shop.view.features("scenes")["scene"]
    return {str(one): scene for one, scene in zip(named.index, named, strict=True)}


def _local(shop: Workshop) -> Objective:
    model, places, sight = shop.model, shop.material.places, shop.sight
    return LocalObjective(
        shop.net,
        shop.backbones.texts(),
        shop.backbones.shapes(),
        places.text,
        places.shape,
        shop.material.stars,
        drop_share=model.drop_share,
        temperature=model.temperature,
        direction=model.direction,
        lr=model.lr,
        lr_new=model.lr_new,
        device=shop.device,
        memory=sight.memory(places.xy) if sight else None,
        pictures=sight.pictures if sight else None,
        prior=model.street_prior,
    )


def _macro(shop: Workshop) -> Objective:
    model, overheads = shop.model, _present(shop.backbones.overheads, "satellite")
    by_poi, by_road = gather_distributions(
        shop.view,
        shop.material.places,
        eps_m=model.dbscan_eps_m,
        min_pts=model.min_pts,
        log_density=model.log_density,
        unit=model.dbscan_unit,
    )
    pairs = similar_pairs(
        by_poi,
        by_road,
        model.cosine_threshold,
        model.similar_regions,
        rng=generator(shop.seed, "urbanmfm", "pairs"),
        usable=overheads.picture >= 0,
    )
    return MacroObjective(
        shop.net,
        _pictures(shop, "overhead"),
        overheads,
        pairs,
        Similarity.from_features(by_poi, by_road, model.cosine_threshold),
        temperature=model.temperature,
        direction=model.direction,
        lr=model.lr,
        lr_backbone=model.lr_backbone,
        device=shop.device,
    )


def _global(shop: Workshop) -> Objective:
    model, places = shop.model, shop.material.places
    overheads = _present(shop.backbones.overheads, "satellite")
    return GlobalObjective(
        shop.net,
        shop.micro,
        pois_by_region(places.region, len(overheads.picture)),
        _present(shop.backbones.overhead_pictures(), "satellite"),
        overheads.picture,
        _present(shop.material.adjacent, "satellite"),
        shop.material.flows,
        cap=model.region_pois,
        temperature=model.temperature,
        direction=model.direction,
        lr=model.lr_global,
        lr_new=model.lr_new,
        device=shop.device,
    )


_MADE: Mapping[str, Callable[[Workshop], Objective]] = {
    "poi": _poi,
    "svi": _svi,
    "local": _local,
    "macro": _macro,
    "global": _global,
}


def _pictures(shop: Workshop, kind: str) -> PictureRows:
    if shop.model.train_image_encoder:
        return shop.backbones.tuned_pictures(kind)
    frozen = shop.backbones.street_pictures() if kind == "street" else shop.backbones.overhead_pictures()
    return _present(frozen, kind)


def _present(part: Part | None, layer: str) -> Part:
    """Return a part that a stage cannot do without; `stages_with_pictures` has left out the stages that lack it."""
    if part is None:
        msg = f"UrbanMFM found no {layer} picture that can be opened. Expected at least one. Mend: leave the input out, or urbanbench data check"
        raise RunRefused(msg)
    return part


def stages_with_pictures(stages: Sequence[str], backbones: Backbones) -> tuple[str, ...]:
    """Return the stages whose pictures can be opened, at least one of each kind."""
    lacking = {"svi"} if "svi" in stages and backbones.streets is None else set()
    if {"macro", "global"} & set(stages) and backbones.overheads is None:
        lacking |= {"macro", "global"}
    return tuple(stage for stage in stages if stage not in lacking)
