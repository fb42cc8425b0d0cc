"""City: one folder of city data, opened, read lazily, never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from urbanbench.city.faults.structure import structure_faults
from urbanbench.city.feature_tables import feature_layers, load_features
from urbanbench.city.folder.format import DIRECTIONS, UNIT_LAYER, LabelInfo, LayerInfo
from urbanbench.city.folder.manifest import Manifest, read_manifest
from urbanbench.city.folder.paths import folder_fault
from urbanbench.city.folder.tags import tag_table
from urbanbench.city.load import load_label, load_layer, load_unit_ids
from urbanbench.city.rasters.embedding import EmbeddingRaster
from urbanbench.city.tag_keys import stored_tag_keys
from urbanbench.city.view import View
from urbanbench.errors import CityFaults, DataMissing, LayerMissing
from urbanbench.hashing import file_digest, value_digest

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


__all__ = ["City"]


@dataclass(frozen=True, eq=False, repr=False)
class City:
    """A city folder. Open one with `City.open`; layers are read when first touched and kept.

    All frames are in the projected CRS `crs`, in metres, indexed by id and in the order of their ids (by code points), whatever the order
    of the files: so no result hangs on how a file was sorted. Writing into one does not change the city.

    Parameters
    ----------
    path
        The folder.
    manifest
        What its city.json says.
    """

    path: Path
    manifest: Manifest
    _kept: dict[str, Any] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict, init=False)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a city folder: check its structure and read its regions.

        Parameters
        ----------
        path
            The folder that holds city.json.

        Raises
        ------
        DataMissing
            No such folder.
        CityFaults
            All faults of city.json, of the tables' structure and of the regions at once.
        """
        folder = Path(path).absolute()
        fault = folder_fault(folder)
        if fault:
            msg = f"No city folder {str(path)!r}. Expected a folder with a city.json, got {fault}. Name another, or see the format in docs/city_format.md."
            raise DataMissing(msg)
        manifest, faults = read_manifest(folder)
        if manifest is None:
            raise CityFaults(str(path), faults)
        of_table = structure_faults(folder, manifest)
        faults += [fault for some in of_table.values() for fault in some]
        city = cls(folder, manifest)
        if manifest.crs and not of_table.get("regions", ["missing"]):
            regions, found = load_layer(folder, manifest, "regions", None)
            faults += found
            city._kept["regions"] = regions
        if faults:
            raise CityFaults(str(path), faults)
        return city

    def __repr__(self) -> str:
        return f"City({self.name!r}, {len(self.regions)} regions, layers: {', '.join(self.layers)}; labels: {', '.join(self.labels)})"

    @property
    def name(self) -> str:
        """Name for paths and tables."""
        return self.manifest.name

    @property
    def title(self) -> str:
        """Name for people."""
        return self.manifest.title

    @property
    def crs(self) -> str:
        """The projected CRS, such as "EPSG:3414"; its unit is the metre."""
        return self.manifest.crs

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """The layers of the folder that urbanbench reads, tables and rasters, without the regions."""
        tables = {name: info for name, info in self.manifest.tables.items() if name != "regions"}
        return {**tables, **self.manifest.rasters}

    @property
    def extras(self) -> Mapping[str, LayerInfo]:
        """Layers of names that the format does not know; they are never read."""
        return self.manifest.extras

    @property
    def labels(self) -> Mapping[str, LabelInfo]:
        """The labels of the folder."""
        return self.manifest.labels

    @property
    def regions(self) -> gpd.GeoDataFrame:
        """Regions in the order of their ids: index region_id; name, geometry, area_km2."""
        return self._layer("regions")

    @property
    def pois(self) -> gpd.GeoDataFrame:
        """Points of interest: index poi_id; geometry, tags, region_id (None outside of all regions)."""
        return self._layer("pois")

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """Buildings: index building_id; geometry, tags, height_m (NaN unknown), area_m2, region_id of the centroid."""
        return self._layer("buildings")

    @property
    def roads(self) -> gpd.GeoDataFrame:
        """Roads: index road_id; geometry, tags."""
        return self._layer("roads")

    @property
    def landuse(self) -> gpd.GeoDataFrame:
        """Land-use polygons, which may overlap: index landuse_id; geometry, tags."""
        return self._layer("landuse")

    @property
    def street_views(self) -> gpd.GeoDataFrame:
        """Street views: index view_id; geometry, region_id, image, east, south, west, north (paths or None), maybe heading in degrees."""
        return self._layer("street_views")

    @property
    def satellite(self) -> pd.DataFrame:
        """Overhead pictures: index region_id; image (path), minx, miny, maxx, maxy in `crs`."""
        frame: pd.DataFrame = self._layer("satellite")
        return frame

    @property
    def raster_embedding(self) -> EmbeddingRaster:
        """An embedding raster: statistics of its pixels over polygons; its files are opened when they are first asked for.

        Raises
        ------
        LayerMissing
            The city has none.
        """
        name = "raster_embedding"
        if name not in self._kept:
            if name not in self.manifest.rasters:
                raise LayerMissing(self.name, name, self.layers)
            self._kept[name] = EmbeddingRaster(self.name, self.path, self.crs, self.manifest.rasters[name])
        raster: EmbeddingRaster = self._kept[name]
        return raster

    @property
    def flows(self) -> pd.DataFrame:
        """Trips between regions: origin_id, destination_id, trips, maybe hour."""
        frame: pd.DataFrame = self._layer("flows")
        return frame

    @property
    def captions(self) -> pd.DataFrame:
        """Sentences about regions: region_id (repeated), caption, maybe source."""
        frame: pd.DataFrame = self._layer("captions")
        return frame

    def label(self, name: str) -> pd.DataFrame:
        """Read a label: index unit id; value or share columns; maybe n, group, parcel.

        Raises
        ------
        DataMissing
            The city has no such label.
        CityFaults
            All faults of its table.
        """
        if name not in self.labels:
            msg = f"City {self.name!r} has no label {name!r}. Its labels: {', '.join(self.labels) or 'none'}."
            raise DataMissing(msg)
        key = f"labels/{name}"
        if key not in self._kept:
            units = self.unit_ids(self.labels[name].level)
            self._keep(key, load_label(self.path, self.manifest, name, units))
        label: pd.DataFrame = self._kept[key].copy(deep=False)
        return label

    def unit_ids(self, level: str) -> tuple[str, ...]:
        """Give the ids of all units of a level, in order, without reading their geometry.

        Raises
        ------
        LayerMissing
            The city lacks the layer that holds them.
        """
        layer = UNIT_LAYER[level]
        if layer not in self.manifest.tables:
            raise LayerMissing(self.name, layer, self.layers)
        if layer in self._kept:
            return tuple(self._kept[layer].index)
        key = f"ids/{level}"
        if key not in self._kept:
            self._keep(key, load_unit_ids(self.path, self.manifest, level))
        return tuple(self._kept[key])

    def tag_keys(self, layer: str) -> frozenset[str] | None:
        """Return every key that a tag of `pois`, `buildings` or `roads` has, without reading the layer.

        Returns
        -------
        frozenset
            The keys; None where they cannot be told, as of a faulty table.

        Raises
        ------
        LayerMissing
            The city has no such layer.
        """
        if layer not in self.manifest.tables:
            raise LayerMissing(self.name, layer, self.layers)
        if layer in self._kept:
            return frozenset(tag_table(self._kept[layer]["tags"]).key_names.tolist())
        return stored_tag_keys(self.path, self.manifest.tables[layer].file)

    def view(
        self, inputs: Collection[str], withholds: Collection[str] = (), target_ids: Sequence[str] = ()
    ) -> View:
        """Give what a model may see.

        Parameters
        ----------
        inputs
            Allowed inputs, names of `urbanbench.inputs.INPUTS`.
        withholds
            Words of `urbanbench.card.WITHHOLDABLE`.
        target_ids
            Ids of the labelled buildings, used by the word `target_building`.
        """
        return View(self, frozenset(inputs), tuple(sorted(withholds)), tuple(target_ids))

    def digest(self, layers: Iterable[str]) -> str:
        """Hash the content of layers ("regions", "labels/<name>" and "features/<name>" too): their entries in city.json, files and pictures.

        Raises
        ------
        LayerMissing
            The city lacks one of them.
        """
        return value_digest({name: self._digest_of(name) for name in layers})

    def images(self, layer: str) -> frozenset[str]:
        """Paths of all pictures of `street_views` or `satellite`."""
        key = f"images/{layer}"
        if key not in self._kept:
            columns = ("image", *DIRECTIONS) if layer == "street_views" else ("image",)
            frame = self._layer(layer)
            self._kept[key] = frozenset(path for name in columns for path in frame[name].dropna())
        return frozenset(self._kept[key])

    @property
    def feature_layers(self) -> Mapping[str, str]:
        """Feature tables of the folder: name to the layer they belong to, `street_views` or `satellite`."""
        if "feature_layers" not in self._kept:
            found = feature_layers(self.path)
            self._kept["feature_layers"] = {
                name: layer for name, layer in found.items() if layer in self.layers
            }
        return dict(self._kept["feature_layers"])

    def features(self, name: str) -> pd.DataFrame:
        """Read ``features/<name>.parquet``: index view_id or region_id; the columns of the file, vectors as arrays.

        Raises
        ------
        LayerMissing
            The city has no such table, or lacks the layer it belongs to.
        CityFaults
            All faults of the table.
        """
        key = f"features/{name}"
        if key not in self._kept:
            layer = self.feature_layers.get(name)
            if layer is None:
                raise LayerMissing(
                    self.name, key, [*self.layers, *(f"features/{one}" for one in self.feature_layers)]
                )
            ids = self.unit_ids("street_view" if layer == "street_views" else "region")
            self._keep(key, load_features(self.path, name, layer, ids))
        frame: pd.DataFrame = self._kept[key].copy(deep=False)
        return frame

    def picture_digest(self, paths: Sequence[str]) -> str:
        """Hash the bytes of pictures and their order; each file is read once, and one that cannot be read counts as such."""
        return value_digest([self._picture_digest(path) for path in paths])

    def check(self) -> list[str]:
        """Read everything and return all faults, one sentence each; [] for a sound folder."""
        from urbanbench.city.faults.check import check_folder

        return check_folder(self.path)

    def _file_digest(self, file: str) -> str:
        key = f"file/{file}"
        if key not in self._digests:
            try:
                self._digests[key] = file_digest(self.path / file)
            except OSError as error:
                fault = (
                    f"{file}: expected a readable file, found a fault ({error.strerror}). Make it readable."
                )
                raise CityFaults(self.name, [fault]) from error
        return self._digests[key]

    def _picture_digest(self, file: str) -> str:
        try:
            return self._file_digest(file)
        except CityFaults as error:
            return f"unreadable: {type(error.__cause__).__name__}"

    def _digest_of(self, name: str) -> str:
        if name.startswith("features/"):
            return self._file_digest(f"{name}.parquet")
        if name not in self._digests:
            raster = self.manifest.rasters.get(name)
            info = (
                self.labels.get(name.removeprefix("labels/"))
                if name.startswith("labels/")
                else raster or self.manifest.tables.get(name)
            )
            if info is None:
                raise LayerMissing(self.name, name, self.layers)
            pictures = sorted(self.images(name)) if name in {"street_views", "satellite"} else []
            own = [info.file] if raster is None else [*raster.files, *raster.scales]
            files = {file: self._file_digest(file) for file in own}
            files |= {file: self._picture_digest(file) for file in pictures}
            self._digests[name] = value_digest({"entry": self.manifest.entries[name], "files": files})
        return self._digests[name]

    def _layer(self, name: str) -> Any:
        if name not in self._kept:
            if name not in self.manifest.tables:
                raise LayerMissing(self.name, name, self.layers)
            self._keep(name, load_layer(self.path, self.manifest, name, self._kept["regions"]))
        # A shallow copy: pandas copies on write, so what is kept never changes.
        return self._kept[name].copy(deep=False)

    def _keep(self, key: str, loaded: tuple[Any, list[str]]) -> None:
        frame, faults = loaded
        if faults:
            raise CityFaults(self.name, faults)
        self._kept[key] = frame
