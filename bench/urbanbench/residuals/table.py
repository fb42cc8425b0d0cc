"""Residuals per unit as GeoParquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.atomic import replacing

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from urbanbench.residuals.findings import Findings

__all__ = ["residual_table", "write_table"]


def residual_table(findings: Findings, predictions: pd.DataFrame, crs: str) -> gpd.GeoDataFrame:
    """Return one row per unit that was tested, in EPSG:4326.

    Columns: the unit's id (``region_id``, ``building_id``, …) and `name`; `true` and `predicted`, of numbers the mean over the seeds that
    tested it, of classes the most frequent answer, of compositions a column ``true[…]`` and ``predicted[…]`` per class; `error`, predicted
    minus true, or the share that is wrong; `loss`, the mean squared error, or again the share; `tested`, the number of seeds; `covered`, whether
    the model had data; `district`; `density`; `worst_tenth`.
    """
    import geopandas as gpd
    import pandas as pd

    around, units = findings.around, findings.units
    told = predictions.groupby("unit_id")
    columns = {f"{findings.result.task['level']}_id": around.ids, "name": around.names}
    columns |= _answers(predictions, findings.kind)
    columns |= {name: units[name].to_numpy() for name in ("error", "loss", "tested")}
    columns |= {
        "covered": told["covered"].first().to_numpy(),
        "district": findings.district_of.to_numpy(),
        "density": around.density.to_numpy(),
        "worst_tenth": pd.Index(around.ids).isin(findings.worst.index),
    }
    return gpd.GeoDataFrame(columns, geometry=list(around.shapes), crs=crs).to_crs("EPSG:4326")


def _answers(predictions: pd.DataFrame, kind: str) -> dict[str, np.ndarray]:
    """Return what is true and predicted of each unit, in the order of unit ids."""
    told = predictions.groupby("unit_id")
    if kind == "classification":
        usual = told["predicted"].agg(lambda said: min(said.mode()))
        return {"true": told["true"].first().to_numpy(), "predicted": usual.to_numpy()}
    names = [name for name in predictions.columns if name.partition("[")[0] in {"true", "predicted"}]
    return {name: told[name].mean().to_numpy() for name in names}


def write_table(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write a table of residuals, whole or not at all."""
    with replacing(path) as part:
        table.to_parquet(part, index=False, compression="zstd")
