# %% [markdown]
# # First steps, on a generated city
#
# Everything here runs offline in some seconds: *toyville* comes with the package. Wherever a model, a task or a city is named, its object,
# its class or the path of its file would do as well.

# %%
import urbanbench as ub

city = ub.load_city("toyville:tiny")
city

# %% [markdown]
# ## A model represents the city
#
# `poi-counts` counts what lies in a region. A model that trains is called the same way, takes longer, and its vectors are kept: the same
# question is answered at once the next time.

# %%
space = ub.embed("poi-counts", city)
space

# %% [markdown]
# ## A task scores the vectors
#
# Ten splits, a ridge regression on frozen vectors, and the mean over splits with its deviation. The scores are those of `urbanbench run`,
# bit for bit.

# %%
result = ub.evaluate(space, "popdensity", head="ridge")
result

# %%
result.scores.round(3).head(3)

# %% [markdown]
# ## Where it fails
#
# The mean error of each region over the splits that tested it.

# %%
result.map()

# %% [markdown]
# ## Is another model better?
#
# Ten splits of one city are not ten cities: the verdict counts in what splits and neighbours share.

# %%
other = ub.evaluate(ub.embed("building-stats", city), "popdensity", head="ridge")
ub.compare([other, result])

# %% [markdown]
# ## A task that hides something
#
# Land use is written into tags. A task withholds what would give its answer away, so vectors made with everything in view are refused.

# %%
try:
    ub.evaluate(space, "landuse", head="ridge")
except ub.UrbanbenchError as refused:
    print(refused)

# %%
ub.evaluate(ub.embed("poi-counts", city, for_task="landuse"), "landuse", head="ridge")

# %% [markdown]
# ## A model of your own
#
# A class is enough. Give it a file of its own (`urbanbench new model my-model`) when others are to run it.

# %%
import numpy as np


class Density(ub.Model):
    """POIs per square kilometre."""

    card = ub.ModelCard(title="POI density", summary="POIs per km2.", needs=("poi",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        count = view.pois["region_id"].value_counts().reindex(list(units.ids), fill_value=0)
        area = view.regions.loc[list(units.ids), "area_km2"]
        return ub.EmbeddingSpace(
            units.level, np.array(units.ids), (count / area).to_numpy("float32")[:, None]
        )


ub.evaluate(ub.embed(Density, city), "popdensity", head="ridge")

# %% [markdown]
# ## Many cells at once
#
# `ub.run` is `urbanbench run`: every combination, floors beside the models, kept in `runs/` and not computed twice.

# %%
runs = ub.run(
    ["poi-counts", "tfidf", "building-stats", "mean"],
    "popdensity",
    city,
    heads="ridge",
    splits=["random", "block"],
)
runs

# %%
ub.leaderboard(runs, splits="random")
