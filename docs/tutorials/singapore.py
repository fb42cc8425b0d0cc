# %% [markdown]
# # A real city: Singapore
#
# A city folder below `URBANBENCH_DATA` goes by its name; `urbanbench data fetch singapore` makes one from its publishers' files, and
# `urbanbench data build` one of your own city. The outputs below were made from such a folder and are kept with the page.

# %%
import urbanbench as ub

city = ub.load_city("singapore")
city

# %%
city.tasks

# %% [markdown]
# ## What does counting say of population density?
#
# Two floors, under `random` splits, which fill gaps, and `block` splits, which ask about districts that were never seen.

# %%
pois, buildings = ub.embed("poi-counts", city), ub.embed("building-stats", city)
scored = {
    (name, split): ub.evaluate(space, "popdensity", head="ridge", split=split)
    for name, space in {"POIs": pois, "buildings": buildings}.items()
    for split in ("random", "block")
}
{name: round(float(result.summary.loc["r2", "mean"]), 3) for name, result in scored.items()}

# %%
ub.compare([scored["buildings", "block"], scored["POIs", "block"]])

# %%
scored["buildings", "random"].map()

# %% [markdown]
# ## What the reference runs say
#
# The committed rows of a checkout are a results folder like any other. Rows that chance does not separate from the best are marked.

# %%
board = ub.leaderboard("results", cities="singapore", tasks="popdensity", splits="block", protocols="default")
name, table = next(iter(board.tables.items()))
table.head(8)

# %%
ub.compare(
    ["hgi", "poi-counts"],
    results="results",
    cities="singapore",
    tasks="popdensity",
    splits="block",
    heads="mlp",
)
