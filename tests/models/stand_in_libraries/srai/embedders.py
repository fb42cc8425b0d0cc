"""A stand-in for srai.embedders: the same names and signatures, nothing to install."""

import sys
from typing import Any, Literal

import numpy as np
import pandas as pd

__all__ = [
    "ContextualCountEmbedder",
    "CountEmbedder",
    "Embedder",
    "GeoVexEmbedder",
    "Hex2VecEmbedder",
    "Highway2VecEmbedder",
]
SEEN = {}


class Embedder:
    def transform(self, regions_gdf, features_gdf, joint_gdf):
        raise NotImplementedError


class CountEmbedder(Embedder):
    def __init__(
        self,
        expected_output_features: list[str] | dict[str, str] | None = None,
        count_subcategories: bool = True,
    ) -> None:
        self.expected_output_features = (
            pd.Series(expected_output_features) if expected_output_features else None
        )
        self.count_subcategories = count_subcategories

    def transform(self, regions_gdf, features_gdf, joint_gdf):
        SEEN.update(regions=regions_gdf, features=features_gdf, joint=joint_gdf)
        rows = {region: {} for region in regions_gdf.index}
        values = features_gdf.drop(columns="geometry").to_dict("index")
        for region, feature in joint_gdf.index:
            for key, value in values[feature].items():
                if value is not None:
                    name = f"{key}_{value}" if self.count_subcategories else key
                    rows[region][name] = rows[region].get(name, 0) + 1
        table = pd.DataFrame.from_dict(rows, orient="index").fillna(0).astype("int32")
        if self.expected_output_features is not None:
            table = table.reindex(columns=list(self.expected_output_features), fill_value=0)
        SEEN["calls"] = SEEN.get("calls", 0) + 1
        return table.sample(frac=1, random_state=SEEN["calls"])  # like polars: rows in any order


class ContextualCountEmbedder(CountEmbedder):
    def __init__(
        self,
        neighbourhood: Any,
        neighbourhood_distance: int,
        aggregation_function: Literal["average", "sum"] = "average",
        count_subcategories: bool = False,
    ) -> None:
        super().__init__(None, count_subcategories)
        self.neighbourhood, self.distance = neighbourhood, neighbourhood_distance

    def transform(self, regions_gdf, features_gdf, joint_gdf):
        own = super().transform(regions_gdf, features_gdf, joint_gdf)
        near = {one: own.loc[sorted(self.neighbourhood.get_neighbours(one))].sum() for one in own.index}
        return own + pd.DataFrame(near).T * self.distance


class Hex2VecEmbedder(CountEmbedder):
    def __init__(self, encoder_sizes: list[int] | None = None, count_subcategories: bool = True) -> None:
        super().__init__(None, count_subcategories)
        self.sizes = encoder_sizes or [6]

    def fit(
        self,
        regions_gdf,
        features_gdf,
        joint_gdf,
        neighbourhood: "Unknown",  # noqa: F821 - a name for type checkers only
        batch_size: int = 32,
        learning_rate: float = 0.001,
        trainer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        import torch

        SEEN.update(
            batch_size=batch_size, learning_rate=learning_rate, trainer=trainer_kwargs, sizes=self.sizes
        )
        counts = super().transform(regions_gdf, features_gdf, joint_gdf)
        SEEN["order"] = list(counts.index)
        self.first = torch.randn(counts.shape[1], self.sizes[-1]).numpy() * np.random.rand()  # noqa: NPY002 - as srai does
        self.first[0] += len(neighbourhood.get_neighbours(0)) + counts.to_numpy()[0].sum()
        sys.stderr.write("a bar")
        for callback in (trainer_kwargs or {}).get("callbacks", ()):
            for loss in (0.7, 0.5):
                callback.on_train_batch_end(
                    None, torch.nn.Linear(2, 1), {"loss": torch.tensor(loss)}, None, 0
                )

    def transform(self, regions_gdf, features_gdf, joint_gdf):
        counts = super().transform(regions_gdf, features_gdf, joint_gdf)
        return pd.DataFrame(counts.to_numpy() @ self.first, index=counts.index)


class Highway2VecEmbedder(Embedder):
    def __init__(self, embedding_size: int = 30) -> None: ...

    def fit(
        self, regions_gdf, features_gdf, joint_gdf, dataloader_kwargs: dict[str, Any] | None = None
    ) -> None:
        SEEN.update(dataloader=dataloader_kwargs)

    def transform(self, regions_gdf, features_gdf, joint_gdf):
        SEEN.update(features=features_gdf)
        return joint_gdf.join(pd.DataFrame(features_gdf.drop(columns="geometry"))).groupby(level=0).mean()


class GeoVexEmbedder(Embedder): ...
