"""View: what one run lets a model see of a city."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.card import WITHHOLDABLE
from urbanbench.city.folder.format import UNIT_LAYER
from urbanbench.city.pictures import FaultyPicture, open_picture
from urbanbench.city.withhold import withhold_from_buildings, withhold_from_pois
from urbanbench.errors import BadInput, CityFaults, InputMasked, LayerMissing, UnknownName
from urbanbench.hashing import code_digest, value_digest
from urbanbench.inputs import INPUTS, LAYER_OF

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import geopandas as gpd
    import pandas as pd
    from PIL.Image import Image

    from urbanbench.city.contents import Contents
    from urbanbench.city.rasters.embedding import EmbeddingRaster
    from urbanbench.units import Units

__all__ = ["VIEW_VERSION", "View", "view_code"]

VIEW_VERSION = 1
"""Raised whenever views of the same folder show something else than before; results of an earlier version are computed again."""
_KEY_FORM = 1
"""Number of the form in which a view's data are hashed."""

_SHOWN_BY = ("view", "withhold", "load", "folder/tags", "feature_tables", "rasters/embedding")
"""Modules of this package that, with what they import, decide what a view of a folder shows."""

_INPUT_OF = {layer: name for name, layer in LAYER_OF.items()}


@dataclass(frozen=True, eq=False, repr=False)
class View:
    """The regions, the allowed inputs, minus what the task withholds. Made by `City.view`.

    Frames are copies as far as a model can tell: writing into them changes neither the city nor another view.

    Parameters
    ----------
    city
        The whole city. Models go through the view.
    inputs
        Allowed inputs.
    withholds
        Words of `urbanbench.card.WITHHOLDABLE`, sorted.
    target_ids
        Ids of the buildings a task labels; used by `target_building`.

    Raises
    ------
    UnknownName
        An input or withheld part that does not exist.
    BadInput
        Target ids that are no buildings of the city.
    """

    _city: Contents
    inputs: frozenset[str]
    withholds: tuple[str, ...] = ()
    target_ids: tuple[str, ...] = ()
    _kept: dict[str, Any] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name in self.inputs:
            _known(name)
        for word in self.withholds:
            if word not in WITHHOLDABLE:
                raise UnknownName("withheld part", word, WITHHOLDABLE)
        if self._hides_targets:
            known = set(self._city.unit_ids("building"))
            strange = [one for one in self.target_ids if one not in known]
            if strange:
                msg = f"{len(strange)} target ids are no buildings of {self.city_name!r} ({', '.join(strange[:3])}, …). Expected building_id of its layer 'buildings'."
                raise BadInput(msg)

    def __repr__(self) -> str:
        return f"View({self.city_name!r}, inputs={sorted(self.inputs)}, withholds={list(self.withholds)})"

    @property
    def city_name(self) -> str:
        """Name of the city."""
        return self._city.name

    @property
    def crs(self) -> str:
        """The projected CRS of all geometry; its unit is the metre."""
        return self._city.crs

    @property
    def regions(self) -> gpd.GeoDataFrame:
        """Regions, always visible: the frame in which things are counted. Index region_id; name, geometry, area_km2."""
        return self._city.regions.copy(deep=False)

    @property
    def region_ids(self) -> tuple[str, ...]:
        """Ids of all regions, in order (by code points, whatever the order of the file)."""
        return tuple(self._city.regions.index)

    @property
    def pois(self) -> gpd.GeoDataFrame:
        """POIs (input `poi`): index poi_id; geometry, tags, region_id (None outside of all regions)."""
        self._touch("poi")
        return self._shown_pois().copy(deep=False)

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """Buildings (input `polygon`): index building_id; geometry, tags, height_m, area_m2, region_id of the centroid."""
        self._touch("polygon")
        if "buildings" not in self._kept:
            targets = self.target_ids if self._hides_targets else ()
            self._kept["buildings"] = withhold_from_buildings(self._city.buildings, self.withholds, targets)
        return self._kept["buildings"].copy(deep=False)

    @property
    def roads(self) -> gpd.GeoDataFrame:
        """Roads (input `road`): index road_id; geometry, tags."""
        return self._plain("road").roads.copy(deep=False)

    @property
    def street_views(self) -> gpd.GeoDataFrame:
        """Street views (input `street_view`): index view_id; geometry, region_id, picture paths for `open_image`."""
        return self._plain("street_view").street_views.copy(deep=False)

    @property
    def satellite(self) -> pd.DataFrame:
        """Overhead pictures (input `satellite`): index region_id; image, minx, miny, maxx, maxy in `crs`."""
        return self._plain("satellite").satellite.copy(deep=False)

    @property
    def raster_embedding(self) -> EmbeddingRaster:
        """An embedding raster (input `raster_embedding`): `zonal(polygons)` gives means, spreads and covered shares; nothing is withheld of it."""
        return self._plain("raster_embedding").raster_embedding

    @property
    def flows(self) -> pd.DataFrame:
        """Trips between regions (input `flow`): origin_id, destination_id, trips, maybe hour."""
        return self._plain("flow").flows.copy(deep=False)

    @property
    def captions(self) -> pd.DataFrame:
        """Sentences about regions (input `captions`): region_id (repeated), caption, maybe source; nothing is withheld of them."""
        return self._plain("captions").captions.copy(deep=False)

    def features(self, name: str) -> pd.DataFrame:
        """Read ``features/<name>.parquet`` of the city: index view_id (input `street_view`) or region_id (input `satellite`).

        Returns
        -------
        DataFrame
            The columns of the file; vectors are arrays.

        Raises
        ------
        LayerMissing
            The city has no such table.
        InputMasked
            It belongs to a masked input.
        """
        layer = self._city.feature_layers.get(name)
        if layer is not None:
            self._touch(_INPUT_OF[layer])
        return self._city.features(name)

    def has_features(self, name: str) -> bool:
        """Tell whether the city has ``features/<name>.parquet`` and its input is allowed; not counted as a touch."""
        layer = self._city.feature_layers.get(name)
        return layer is not None and self.has(_INPUT_OF[layer])

    def has(self, name: str) -> bool:
        """Tell whether an input is allowed and the city has its layer; not counted as a touch.

        Raises
        ------
        UnknownName
            No such input.
        """
        _known(name)
        return name in self.inputs and (name not in LAYER_OF or LAYER_OF[name] in self._city.layers)

    def without(self, *names: str) -> View:
        """Return a view of the same city that shows these inputs no more; what is touched through it is not counted here."""
        for name in names:
            _known(name)
        return View(self._city, self.inputs - set(names), self.withholds, self.target_ids)

    def kind(self, name: str) -> str:
        """Return what city.json says of the kind of an input's layer, such as "photograph" or "rendered-map"; "" where it is silent.

        Not counted as a touch.

        Raises
        ------
        InputMasked, LayerMissing
            The input cannot be seen.
        """
        if not self.has(name):
            self._touch(name)
        return self._city.layers[LAYER_OF[name]].kind

    def coordinates(self, units: Units) -> np.ndarray:
        """Give centroids of units as features (input `coordinates`).

        Returns
        -------
        numpy.ndarray
            float64 (n, 2): (easting, northing) in metres, in the order of `units`.
        """
        import shapely

        self._touch("coordinates")
        points = shapely.centroid(self._geometry_of(units))
        return np.column_stack([shapely.get_x(points), shapely.get_y(points)])

    def unit_geometry(self, units: Units) -> np.ndarray:
        """Give the geometry of units, in their order; buildings need `polygon`, POIs `poi`, street views `street_view`.

        Returns
        -------
        numpy.ndarray
            Shapely geometries, object (n,).
        """
        if units.level != "region":
            self._touch(_INPUT_OF[UNIT_LAYER[units.level]])
        return self._geometry_of(units)

    def open_image(self, path: str) -> Image:
        """Open a picture that `street_views` or `satellite` names, as RGB.

        Raises
        ------
        InputMasked
            The picture belongs to a masked input.
        BadInput
            No allowed layer names this path.
        CityFaults
            The file is no picture.
        """
        self._touch(self._input_of_picture(path))
        try:
            return open_picture(self._city.path / path)
        except FaultyPicture as error:
            raise CityFaults(
                self.city_name, [f"{path}: expected a picture (PNG, JPEG or WebP), found {error}."]
            ) from error

    def picture_digest(self, paths: Sequence[str]) -> str:
        """Hash pictures that `street_views` or `satellite` names: the bytes of their files and their order.

        Raises
        ------
        InputMasked, BadInput
            As `open_image`.
        """
        for path in paths:
            self._touch(self._input_of_picture(path))
        return self._city.picture_digest(paths)

    def count_touched(self, names: Collection[str]) -> None:
        """Count inputs as read, by a model that was shown the same in another process; raises as reading them here does."""
        for name in sorted(names):
            self._touch(name)

    @property
    def touched(self) -> frozenset[str]:
        """Inputs that were really read since the view was made or reset."""
        return frozenset(self._touched)

    def reset_touched(self) -> None:
        """Forget what was touched."""
        self._touched.clear()

    @property
    def key(self) -> str:
        """Hash of everything that can be seen through the view, and of the code that shows it: equal keys, equal content."""
        return value_digest([self.data_key, VIEW_VERSION, view_code()])

    @property
    def data_key(self) -> str:
        """Hash of the data, what is allowed of it and what is withheld: the same for all versions of the code."""
        if "key" not in self._kept:
            layers = self._visible_layers()
            self._kept["key"] = value_digest(
                {
                    "view": _KEY_FORM,
                    "crs": self.crs,
                    "inputs": sorted(self.inputs),
                    "withholds": self.withholds,
                    "targets": sorted(self.target_ids) if self._hides_targets else [],
                    "data": self._city.digest(layers),
                }
            )
        return str(self._kept["key"])

    @property
    def _hides_targets(self) -> bool:
        return "target_building" in self.withholds and bool(self.target_ids)

    def _visible_layers(self) -> list[str]:
        visible = {LAYER_OF[name] for name in self.inputs if name in LAYER_OF}
        if "coordinates" in self.inputs:
            visible |= {"pois", "buildings", "street_views"}
        if self._hides_targets:
            visible.add("buildings")
        pictured = {LAYER_OF[name] for name in ("street_view", "satellite") if name in self.inputs}
        features = [
            f"features/{name}" for name, layer in self._city.feature_layers.items() if layer in pictured
        ]
        return ["regions", *sorted(visible & set(self._city.layers)), *features]

    def _touch(self, name: str) -> None:
        if name not in self.inputs:
            raise InputMasked(name, self.inputs)
        if not self.has(name):
            raise LayerMissing(self.city_name, LAYER_OF[name], self._city.layers)
        self._touched.add(name)

    def _input_of_picture(self, path: str) -> str:
        """Name the input a picture belongs to, an allowed one if both name it."""
        pictured = sorted(("satellite", "street_view"), key=self.has, reverse=True)
        for name in pictured:
            if LAYER_OF[name] in self._city.layers and path in self._city.images(LAYER_OF[name]):
                return name
        msg = f"No layer of {self.city_name!r} names the picture {path!r}. Expected a path from view.street_views or view.satellite."
        raise BadInput(msg)

    def _plain(self, name: str) -> Contents:
        self._touch(name)
        return self._city

    def _shown_pois(self) -> Any:
        if "pois" not in self._kept:
            self._kept["pois"] = withhold_from_pois(self._city.pois, self.withholds, self._target_polygons())
        return self._kept["pois"]

    def _geometry_of(self, units: Units) -> np.ndarray:
        layer = UNIT_LAYER[units.level]
        frame = self._shown_pois() if layer == "pois" else getattr(self._city, layer)
        place = frame.index.get_indexer(list(units.ids))
        if (place < 0).any():
            missing = [one for one, row in zip(units.ids, place, strict=True) if row < 0]
            msg = f"{len(missing)} of {len(units)} {units.level} ids are not in layer {layer!r} ({', '.join(missing[:3])}, …). Expected ids of {self.city_name!r}."
            raise BadInput(msg)
        return np.asarray(np.asarray(frame.geometry)[place])

    def _target_polygons(self) -> np.ndarray:
        if not self._hides_targets:
            return np.empty(0, dtype=object)
        buildings = self._city.buildings
        place = buildings.index.get_indexer(list(self.target_ids))
        return np.asarray(np.asarray(buildings.geometry)[place])


def _known(name: str) -> None:
    if name not in INPUTS:
        raise UnknownName("input", name, INPUTS)


@cache
def view_code() -> str:
    """Hash the code as it was when this process first asked."""
    return code_digest(*(Path(__file__).parent / f"{name}.py" for name in _SHOWN_BY))
