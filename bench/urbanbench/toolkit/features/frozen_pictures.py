"""Units as the mean of what frozen features say of their pictures: street views in or at them, and the picture from above."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.errors import BadInput
from urbanbench.progress import note
from urbanbench.seen import saw
from urbanbench.toolkit.texts.place_texts import distinct_texts

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.pictures._image_nets import ImageEncoder
    from urbanbench.units import Units

__all__ = [
    "FEATURES_OF",
    "LEVELS",
    "Encode",
    "encoded_space",
    "frozen_encoder",
    "picture_space",
    "satellite_features",
    "street_features",
    "table_features",
]

LEVELS = ("region", "street_view")
"""Levels of units that pictures show."""

_COLUMNS = 64
"""Columns of features that are averaged at once."""

Encode = Callable[[Sequence[str]], np.ndarray]
"""Distinct paths (p,) to float32 (p, dim), NaN where a picture cannot be opened."""


def frozen_encoder(view: View, encoder: ImageEncoder, size: int, device: str) -> Encode:
    """Return the function that encodes pictures of a view, each once and for all; those that cannot be opened are told."""
    from urbanbench.toolkit.features.encoded import picture_features
    from urbanbench.toolkit.pictures.table import PictureTable

    def encode(paths: Sequence[str]) -> np.ndarray:
        table = PictureTable(view.open_image, paths, size)
        made = picture_features(encoder, table, view.picture_digest, device=device)
        broken = np.flatnonzero(np.isnan(made).any(axis=1))
        if len(broken):
            first = ", ".join(paths[row] for row in broken[:3]) + (", …" if len(broken) > 3 else "")
            note(f"{len(broken)} of {len(made)} pictures cannot be opened and are left out ({first}).")
        return made

    return encode


def street_features(view: View, units: Units, encode: Encode) -> pd.DataFrame:
    """Return what the street views of some units show.

    Parameters
    ----------
    view
        One that shows `street_view`.
    units
        Regions, whose street views are meant, or street views.
    encode
        Encodes the distinct pictures.

    Returns
    -------
    DataFrame
        Index view_id, float32 (v, dim): the mean over a view's pictures that can be opened, NaN where there is none.
    """
    import pandas as pd

    frame = views_of(view, units)
    shown = frame[["image", *DIRECTIONS]]
    sides, there = shown.to_numpy(dtype=object), np.array(shown.notna())
    # An `image` beside its own direction column repeats that picture.
    there[:, 0] &= ~(sides[:, :1] == sides[:, 1:]).any(axis=1)
    row, column = np.nonzero(there)
    paths, picture = distinct_texts(sides[row, column].tolist())
    features = encode(paths)
    if len(paths) < len(picture) or (np.diff(picture) != 1).any():
        features = features[picture]
    return pd.DataFrame(_means(row, features, len(frame)), index=frame.index, copy=False)


def satellite_features(view: View, units: Units, encode: Encode) -> pd.DataFrame:
    """Return what the pictures from above of regions show: index region_id, float32 (r, dim), NaN where there is no picture."""
    import pandas as pd

    named = view.satellite["image"]
    named = named[named.index.isin(list(units.ids))]
    paths, picture = distinct_texts(named.tolist())
    return pd.DataFrame(encode(paths)[picture], index=named.index, copy=False)


def table_features(view: View, name: str) -> pd.DataFrame:
    """Return the vectors of a feature table of the city: its index, float32 (n, dim).

    Raises
    ------
    BadInput
        The table has no column of vectors, or several.
    """
    import pandas as pd

    frame = view.features(name)
    vectors = [one for one in frame.columns if len(frame) and isinstance(frame[one].iloc[0], np.ndarray)]
    if len(vectors) != 1:
        msg = f"features/{name}.parquet has {len(vectors)} columns of vectors ({', '.join(vectors) or 'none'}). Expected one."
        raise BadInput(msg)
    rows = np.stack(frame[vectors[0]].to_list()).astype(np.float32)
    return pd.DataFrame(rows, index=frame.index, copy=False)


FEATURES_OF: Mapping[str, Callable[[View, Units, Encode], pd.DataFrame]] = {
    "street_view": street_features,
    "satellite": satellite_features,
}
"""How features of an input's pictures are made."""


def encoded_space(view: View, units: Units, encode: Encode) -> EmbeddingSpace:
    """Return vectors of units from all pictures that may be seen, by one encoder; see `picture_space`."""
    kinds = [kind for kind in FEATURES_OF if view.has(kind)]
    if units.level == "street_view":
        kinds = ["street_view"]
    made = {kind: FEATURES_OF[kind](view, units, encode) for kind in kinds}
    return picture_space(view, units, made.get("street_view"), made.get("satellite"))


def picture_space(
    view: View, units: Units, street: pd.DataFrame | None, satellite: pd.DataFrame | None
) -> EmbeddingSpace:
    """Put the features of pictures together to vectors of units.

    A region has the mean over its street views beside its picture from above, each block zero where there is none and followed by a
    column that tells whether there is (1) or not (0). A street view has its own features. Units without any picture are not covered.

    Parameters
    ----------
    view
        Shows which street views lie in which region.
    units
        Regions or street views.
    street, satellite
        Features by view_id and by region_id, rows with NaN counting as none; None for a block that is left out.

    Raises
    ------
    BadInput
        Units of another level, or no block at all.
    """
    from urbanbench.space import EmbeddingSpace

    blocks = []
    if street is not None and units.level == "street_view":
        blocks = [street]
    elif units.level == "region":
        blocks = [] if street is None else [_of_regions(view, street)]
        blocks += [] if satellite is None else [satellite]
    if not blocks:
        msg = f"There are no pictures of {units.level}s. Expected street views, or regions with street views or satellite pictures."
        raise BadInput(msg)
    _tell_used(view, units, street, satellite)
    tables = [np.array(block.reindex(list(units.ids)), dtype=np.float32) for block in blocks]
    there = np.column_stack([np.isfinite(table).all(axis=1) for table in tables])
    for table, known in zip(tables, there.T, strict=True):
        table[~known] = 0.0
    if units.level == "region":
        tables = [
            np.column_stack([table, known.astype(np.float32)])
            for table, known in zip(tables, there.T, strict=True)
        ]
    covered = np.asarray(there.any(axis=1))
    return EmbeddingSpace(units.level, np.array(units.ids), np.hstack(tables), covered)


def _tell_used(view: View, units: Units, street: pd.DataFrame | None, satellite: pd.DataFrame | None) -> None:
    """Say which street views and satellite pictures of the units have features."""
    ids = list(units.ids)
    if street is not None:
        frame = view.street_views
        mine = frame["region_id"] if units.level == "region" else frame.index
        saw("street_view", np.asarray(mine.isin(ids)) & frame.index.isin(_with_features(street)))
    if satellite is not None and units.level == "region":
        known = view.satellite.index
        saw("satellite", known.isin(ids) & known.isin(_with_features(satellite)))


def _with_features(rows: pd.DataFrame) -> list[str]:
    return list(rows.index[np.isfinite(rows.to_numpy()).all(axis=1)])


def views_of(view: View, units: Units) -> pd.DataFrame:
    """Return the street views of regions, or those asked for."""
    frame = view.street_views
    ids = set(units.ids)
    mine = frame["region_id"] if units.level == "region" else frame.index
    chosen: pd.DataFrame = frame[mine.isin(ids)]
    return chosen


def _of_regions(view: View, street: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over a region's street views with features, one row a region that has any."""
    import pandas as pd

    known = street[np.isfinite(street.to_numpy()).all(axis=1)]
    region = view.street_views["region_id"].reindex(known.index)
    inside = region.notna().to_numpy()
    names, place = np.unique(region[inside].to_numpy(dtype=str), return_inverse=True)
    means = _means(place, known.to_numpy()[inside], len(names))
    return pd.DataFrame(means, index=pd.Index(names, name="region_id"), copy=False)


def _means(group: np.ndarray, values: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the mean of the finite rows of values (m, dim) in each group, float32 (n_groups, dim); NaN where there is none."""
    from scipy import sparse

    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    count = np.bincount(group[rows], minlength=n_groups)
    share = 1.0 / np.maximum(count, 1)[group[rows]]
    mixing = sparse.csr_array((share, (group[rows], rows)), shape=(n_groups, len(values)))
    made = np.empty((n_groups, values.shape[1]), dtype=np.float32)
    # The product is in double precision: all columns at once would take twice the values.
    for start in range(0, values.shape[1], _COLUMNS):
        part = slice(start, start + _COLUMNS)
        made[:, part] = mixing @ values[:, part]
    made[count == 0] = np.nan
    return made
