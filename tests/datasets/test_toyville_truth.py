"""What toyville plants in its layers, and the ceilings it states: checked by independent computations."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import integrate, stats
from sklearn.linear_model import LinearRegression

from urbanbench.datasets._toyville_buildings import building_tags
from urbanbench.datasets._toyville_ceiling import INPUT_SETS, ceilings, clipped_moments
from urbanbench.datasets._toyville_evidence import collect_clues, gather, take_sample
from urbanbench.datasets._toyville_labels import CLASS_NOISE, TARGETS, has_value
from urbanbench.datasets._toyville_latents import (
    FUNCTION_GIVEN_TYPE,
    SHOWN,
    TYPE_GIVEN_CHARACTER,
    TYPES,
    shares,
)
from urbanbench.datasets._toyville_posterior import STATISTICS, function_odds
from urbanbench.datasets._toyville_words import CATEGORIES


@pytest.fixture(scope="module")
def stated(large_town):
    return ceilings(large_town)


def correlation(one, two):
    return float(np.corrcoef(one, two)[0, 1])


def numeric(town, name):
    """Return rows with a positive value, the label and its noiseless mean."""
    truth = town.latents.hidden
    mean = TARGETS[name].mean(
        *(truth[part] for part in ("density", "wealth", "access")), shares(town.plan, town.latents.block_type)
    )
    value = town.labels.numeric[name]
    rows = np.flatnonzero(~np.isnan(value))
    return rows, value, mean


@pytest.mark.parametrize("name", list(TARGETS))
def test_labels_are_the_known_function_plus_noise_of_the_stated_size(large_town, name):
    rows, value, mean = numeric(large_town, name)
    clear = rows[mean[rows] > 4 * TARGETS[name].noise]  # Far from 0 the cut at 0 does not bite.
    noise = value[clear] - mean[clear]
    assert noise.std() == pytest.approx(TARGETS[name].noise, rel=0.1)
    assert abs(noise.mean()) < 4 * TARGETS[name].noise / np.sqrt(len(clear))


@pytest.mark.parametrize("name", list(TARGETS))
def test_ceiling_of_all_latents_is_what_the_noiseless_function_scores(large_town, stated, name):
    rows, value, mean = numeric(large_town, name)
    expected = clipped_moments(mean[rows], TARGETS[name].noise)[0]
    if not TARGETS[name].needs_homes:
        expected *= has_value(TARGETS[name], shares(large_town.plan, large_town.latents.block_type))[rows]
    error = ((value[rows] - expected) ** 2).sum() / ((value[rows] - value[rows].mean()) ** 2).sum()
    assert stated[name]["all_latents"]["r2"] == pytest.approx(1 - error, abs=0.02)


@pytest.mark.parametrize(
    "names", ["coordinates", "poi", "polygon", "road", "street_view", "satellite", "flow"]
)
def test_ceiling_of_a_linear_label_is_what_regression_on_the_shown_statistics_scores(
    large_town, stated, names
):
    # housing is linear in Gaussian latents, so its best predictor is a linear regression, fitted here on the whole city.
    truth = large_town.latents
    rows, value, _ = numeric(large_town, "housing")
    seen = ~np.any(list(truth.missing.values()), axis=0)
    rows = rows[seen[rows]]
    parts = [*truth.trend.values(), *(truth.shown[part] for part in STATISTICS[names])]
    table = np.stack(parts, axis=1)[rows]
    score = LinearRegression().fit(table, value[rows]).score(table, value[rows])
    assert stated["housing"]["inputs"][names]["r2"] == pytest.approx(score, abs=0.05)


def test_ceilings_never_fall_when_inputs_are_added_and_stay_below_the_noise_bound(stated):
    sets = {names: set(names.split(",")) - {"coordinates"} for names in INPUT_SETS}
    for label, block in stated.items():
        for metric, bound in block["all_latents"].items():
            scores = {names: block["inputs"][names][metric] for names in INPUT_SETS}
            assert all(
                scores[a] <= scores[b] for a, b in itertools.product(sets, sets) if sets[a] <= sets[b]
            ), label
            assert 0 < max(scores.values()) <= bound + 0.005 < 1


def test_the_oracle_scores_on_the_drawn_labels_what_the_ceiling_promises(stated):
    for label, block in stated.items():
        metric = "accuracy" if "accuracy" in block["all_latents"] else "r2"
        for names in INPUT_SETS:
            promised, found = block["inputs"][names][metric], block["this_city"][names][metric]
            assert found == pytest.approx(promised, abs=0.05 if metric == "accuracy" else 0.15), (
                label,
                names,
            )


def test_each_input_is_worth_what_was_planned(stated):
    r2 = {
        label: {names: score["r2"] for names, score in stated[label]["inputs"].items()} for label in TARGETS
    }
    assert r2["income"]["street_view"] > r2["income"]["polygon"] + 0.3
    assert r2["popdensity"]["polygon"] > r2["popdensity"]["road"] + 0.2
    functions = {names: score["accuracy"] for names, score in stated["building_function"]["inputs"].items()}
    assert functions["poi,polygon"] > functions["poi"] > functions["coordinates"] + 0.02


def test_noise_of_class_labels_is_counted_in_their_ceiling(large_town, stated):
    labels, made = large_town.labels, large_town.buildings
    wrong = (labels.function != made.function[labels.labelled]).mean()
    assert wrong == pytest.approx(CLASS_NOISE * (1 - 1 / len(TYPES)), abs=0.004)
    assert stated["building_function"]["all_latents"]["accuracy"] == pytest.approx(1 - wrong, abs=0.004)


def test_function_posterior_equals_brute_force_over_all_hidden_types(large_town):
    plan, made = large_town.plan, large_town.buildings
    blocks_in = np.bincount(plan.block_region, minlength=len(plan.region_xy))
    buildings_in = np.bincount(plan.block_region[made.block], minlength=len(plan.region_xy))
    region = next(row for row in range(len(blocks_in)) if blocks_in[row] == 2 and buildings_in[row] >= 2)
    sample = take_sample(plan, made, np.array([region]))
    clues = collect_clues(plan, large_town.latents, made, large_town.pois, large_town.roads, sample)
    got = function_odds(large_town, sample, gather(clues, frozenset({"poi", "polygon"})), np.array([0]))[0]
    assert got == pytest.approx(brute_force_function(large_town, region, clues), abs=1e-6)


def brute_force_function(town, region, clues):
    """Enumerate characters, both block types and the first building's function; other buildings are summed one by one."""
    odds = np.zeros(len(TYPES))
    on_block = clues.blocks["lots"] + clues.blocks["poi"]
    own = clues.buildings["shape"]
    others = np.exp(own + clues.buildings["tag"] + clues.buildings["poi"])
    for character, prior in enumerate(town.latents.character_odds[region]):
        for types in itertools.product(range(len(TYPES)), repeat=2):
            weight = prior
            for block, kind in enumerate(types):
                weight *= TYPE_GIVEN_CHARACTER[character, kind] * np.exp(on_block[block, kind])
            for row in range(1, len(own)):
                weight *= sum(
                    FUNCTION_GIVEN_TYPE[types[clues.block_of[row]], f] * others[row, f]
                    for f in range(len(TYPES))
                )
            for function in range(len(TYPES)):
                kind = types[clues.block_of[0]]
                odds[function] += weight * FUNCTION_GIVEN_TYPE[kind, function] * np.exp(own[0, function])
    return odds / odds.sum()


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (2.0, 1.5), (-1.0, 0.7), (12.0, 2.0)])
def test_clipped_moments_equal_numerical_integrals(mean, sd):
    normal = stats.norm(mean, sd)
    wanted = [integrate.quad(lambda y, k=k: y**k * normal.pdf(y), 0, mean + 12 * sd)[0] for k in (1, 2)]
    assert np.allclose(np.array(clipped_moments(np.array(mean), sd)), wanted, atol=1e-7)


def test_shown_statistics_carry_their_latent_with_the_stated_noise(large_town):
    truth = large_town.latents
    for name, (latent, sd) in SHOWN.items():
        assert (truth.shown[name] - truth.hidden[latent]).std() == pytest.approx(sd, rel=0.06)


def street_statistics(folder):
    """Return per region the share of green pixels and the mean brightness of the upper half of its street views."""
    views = pd.read_parquet(folder / "street_views.parquet")
    found = []
    for row in views.itertuples():
        pixels = np.concatenate(
            [np.asarray(Image.open(folder / getattr(row, side)), dtype=int) for side in ("east", "north")]
        )
        red, green, blue = pixels.reshape(-1, 3).T
        warm = (red > 180) & (red > blue + 8)
        found.append((row.region_id, ((green > red + 25) & (green > blue + 25)).mean() + warm.mean()))
    return pd.DataFrame(found, columns=["region_id", "share"]).groupby("region_id").share.mean()


def test_wealth_shows_in_street_views_and_hardly_in_buildings(tiny_toyville, tiny_town):
    wealth = pd.Series(tiny_town.latents.hidden["wealth"], index=tiny_town.plan.region_ids)
    seen = street_statistics(tiny_toyville)
    in_street = correlation(seen, wealth[seen.index])
    made = tiny_town.buildings
    region = tiny_town.plan.block_region[made.block]
    height = pd.Series(np.log(made.height_m)).groupby(region).mean()
    many = pd.Series(1, index=region).groupby(level=0).size()
    in_buildings = [abs(correlation(part, wealth.to_numpy()[part.index])) for part in (height, many)]
    assert in_street > 0.5
    assert in_street > max(in_buildings) + 0.2


def test_density_shows_in_the_heights_of_buildings(large_town):
    made, density = large_town.buildings, large_town.latents.hidden["density"]
    region = large_town.plan.block_region[made.block]
    height = pd.Series(np.log(made.height_m)).groupby(region).mean()
    assert correlation(height, density[height.index]) > 0.6


def test_tags_of_the_target_building_would_give_its_function_away(large_town):
    tags, _ = building_tags(large_town.plan, large_town.buildings)
    word = pd.Series(tags[0][1])
    function = pd.Series(large_town.buildings.function)
    told = word != "yes"
    guess = function[told].groupby(word[told]).agg(lambda part: part.mode()[0])
    assert (word[told].map(guess) == function[told]).mean() > 0.85
    assert function.value_counts(normalize=True).max() < 0.65


def test_places_inside_tell_more_of_a_building_than_places_around(large_town):
    pois, made = large_town.pois, large_town.buildings
    school, taught = CATEGORIES.index("school"), TYPES.index("educational")
    inside = pois.building >= 0
    own = (made.function[pois.building[inside & (pois.category == school)]] == taught).mean()
    first = np.searchsorted(made.block, pois.block[~inside & (pois.category == school)])
    around = (made.function[np.minimum(first, len(made.block) - 1)] == taught).mean()
    assert own > around + 0.1
    assert around > 2 * (made.function == taught).mean()


def test_ceilings_in_city_json_are_those_of_the_town(tiny_toyville, tiny_town):
    about = json.loads((tiny_toyville / "city.json").read_text())
    found = ceilings(tiny_town)
    stated = {name: entry["ceiling"] for name, entry in about["labels"].items()}
    assert {name: block for name, block in stated.items() if not name.startswith("perception_")} == found
