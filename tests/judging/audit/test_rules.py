"""Each rule finds what was planted, and nothing in the table without it."""

from __future__ import annotations

import pytest

CLEAN = """
task,city,model,metric,mean,sd,unit
rent,Oslo,A,RMSE,6.00,0.20,EUR
rent,Oslo,A,MAE,4.51,0.17,EUR
rent,Oslo,A,R2,0.64,0.02,
rent,Oslo,B,RMSE,7.07,0.31,EUR
rent,Oslo,B,MAE,5.22,0.14,EUR
rent,Oslo,B,R2,0.50,0.03,
rent,Oslo,C,RMSE,5.00,0.25,EUR
rent,Oslo,C,MAE,3.66,0.21,EUR
rent,Oslo,C,R2,0.75,0.02,
rent,Oslo,C w/o maps,RMSE,6.32,0.22,EUR
rent,Oslo,C w/o maps,MAE,4.81,0.13,EUR
rent,Oslo,C w/o maps,R2,0.60,0.04,
rent,Bergen,A,RMSE,13.42,0.52,EUR
rent,Bergen,A,MAE,9.88,0.41,EUR
rent,Bergen,A,R2,0.55,0.03,
rent,Bergen,B,RMSE,12.65,0.47,EUR
rent,Bergen,B,MAE,9.02,0.36,EUR
rent,Bergen,B,R2,0.60,0.03,
"""


def found(findings, rule):
    return [one for one in findings if one.rule == rule]


def test_a_clean_table_has_no_finding(audited):
    assert audited(CLEAN) == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "severity", "says"),
    [
        ("A,MAE,4.51", "A,MAE,6.51", "errors", "impossible", "MAE above RMSE"),
        ("A,R2,0.64,0.02", "A,R2,1.02,0.02", "outside", "impossible", "cannot be above 1"),
        ("B,RMSE,7.07,0.31", "B,RMSE,-7.07,0.31", "outside", "impossible", "cannot be below 0"),
        (
            "A,R2,0.64,0.02",
            "A,R2,0.85,0.02",
            "label-spread",
            "suspicious",
            "to 15.49 (A), a factor of 1.55; neither",
        ),
        ("A,RMSE,6.00,0.20", "A,RMSE,6.00,-0.20", "too-wide", "impossible", "below zero"),
        (
            "rent,Oslo,C w/o maps,RMSE,6.32,0.22",
            "rent,Oslo,C w/o maps,RMSE,4.41,0.22",
            "ablation",
            "suspicious",
            "better than C",
        ),
        (
            "rent,Oslo,A,MAE,4.51,0.17,EUR",
            "rent,Oslo,A,MAE,4.51,0.17,kEUR",
            "units",
            "suspicious",
            "EUR, kEUR",
        ),
        ("rent,Oslo,A,MAE,4.51,0.17,EUR", "rent,Oslo,A,MAE,4.51,0.17,", "units", "note", "no unit for MAE"),
        ("rent,Oslo,A,MAE,4.51,", "rent,Oslo,A,MAE,4.5,", "digits", "note", "1 of 18 numbers"),
        ("A,R2,0.55,0.03", "A,R2,-0.35,0.03", "below-floor", "note", "1 of 2 rows have R² below 0"),
        ("A,R2,0.64,0.02", "A,R2,0.94,0.22", "too-wide", "note", "one repeat at least had 0.13 or less"),
    ],
    ids=lambda value: value if isinstance(value, str) and "," not in value else "",
)
def test_a_planted_fault_is_found(audited, old, new, rule, severity, says):
    assert old in CLEAN
    hits = found(audited(CLEAN.replace(old, new, 1)), rule)
    assert [one.severity for one in hits] == [severity]
    assert says in hits[0].says


def test_a_row_copied_within_a_city_and_one_copied_across_cities_are_found(audited):
    copied = (
        CLEAN.replace("C,RMSE,5.00,0.25", "C,RMSE,6.00,0.20")
        .replace("C,MAE,3.66,0.21", "C,MAE,4.51,0.17")
        .replace("C,R2,0.75", "C,R2,0.64")
    )
    [one] = found(audited(copied), "identical-rows")
    assert one.severity == "suspicious"
    assert "A = C" in one.says
    across = (
        CLEAN.replace("A,RMSE,13.42,0.52", "A,RMSE,6.00,0.20")
        .replace("A,MAE,9.88,0.41", "A,MAE,4.51,0.17")
        .replace("A,R2,0.55,0.03", "A,R2,0.64,0.02")
    )
    [one] = found(audited(across), "identical-rows")
    assert one.severity == "suspicious"
    assert "rent, Oslo = rent, Bergen" in one.says


def test_rows_that_agree_in_few_digits_only_are_no_copy(audited):
    assert not found(audited("model,R2,sd\nA,.64,.02\nB,.64,.02\nC,.51,.03"), "identical-rows")


def test_the_same_row_in_two_tables_is_a_note(audited):
    rows = "table,model,RMSE,MAE,R2\nI,A,5.312,3.221,.641\nI,B,6.12,4.01,.52\nII,A,5.312,3.221,.641"
    [one] = found(audited(rows), "identical-rows")
    assert one.severity == "note"


def test_a_cell_with_two_numbers_is_found_and_one_repeated_noted(audited):
    assert [one.severity for one in found(audited("model,R2\nA,.5\nB,.6\nA,.7"), "twice")] == ["suspicious"]
    assert [one.severity for one in found(audited("model,R2\nA,.5\nB,.6\nA,.5"), "twice")] == ["note"]


def test_a_column_copied_to_another_metric_or_city_is_found_and_accuracy_may_be_micro_f1(audited):
    rows = "\n".join(
        f"{name},{a},{b}"
        for name, a, b in zip("ABCDE", (1.2, 3.4, 2.2, 5.1, 4.4), (1.2, 3.4, 2.2, 5.1, 4.4), strict=True)
    )
    assert "same column" in found(audited(f"model,RMSE,MAE\n{rows}"), "identical-columns")[0].says
    assert (
        "same in Oslo and Bergen"
        in found(audited(f"model,Oslo RMSE,Bergen RMSE\n{rows}"), "identical-columns")[0].says
    )
    shares = "\n".join(f"{name},.{k}1,.{k}1" for k, name in enumerate("ABCDE", 3))
    assert not found(audited(f"model,accuracy,micro F1\n{shares}"), "identical-columns")


def test_one_run_on_one_test_set_has_one_variance_to_the_rounding(audited):
    """20² / (1 - R²) = 1000 and 10² / (1 - .9) = 1000; of one run nothing else may stand there."""
    head = "model,repeats,RMSE,R2\nA,1,20.0,.600\n"
    assert not found(audited(head + "B,1,10.0,.900"), "label-spread")
    [one] = found(audited(head + "B,1,10.0,.890"), "label-spread")
    assert one.severity == "impossible"


def test_rounding_alone_is_no_disagreement(audited):
    """.9 may be .85 or .95, so that RMSE 10 and R² .9 are of a variance between 666 and 2000."""
    assert not found(audited("model,repeats,RMSE,R2\nA,1,20.0,.600\nB,1,10,.9"), "label-spread")


def test_a_lower_rmse_with_a_lower_r2_is_found_as_impossible_for_one_run_and_noted_where_splits_may_do_it(
    audited,
):
    [one] = found(audited("model,repeats,RMSE,R2\nA,1,6.0,.60\nB,1,7.0,.70"), "inverted")
    assert one.severity == "impossible"
    close = (
        "model,RMSE,sd,R2,sd\nA,6.00,1.5,.60,.20\nB,6.04,1.5,.61,.20\nC,6.5,1.5,.55,.20\nD,7.1,1.5,.44,.20"
    )
    assert [one.severity for one in found(audited(close), "inverted")] == ["note"]
    assert not found(audited("model,RMSE,R2\nA,6.0,.60\nB,6.0,.61"), "inverted")


def test_shares_of_a_composition_are_not_held_to_one_variance(audited):
    assert not found(audited("model,repeats,RMSE,R2,KL\nA,1,.20,.30,.5\nB,1,.22,.45,.6"), "label-spread")


def test_a_spread_beyond_the_bounds_of_a_metric_is_impossible(audited):
    """Two numbers in [0, 1] with mean .5 are spread by √(1/2) at most, ten by less."""
    assert [one.severity for one in found(audited("model,accuracy,sd\nA,.5,.8\nB,.5,.1"), "too-wide")] == [
        "impossible"
    ]
    assert not found(audited("model,accuracy,sd\nA,.5,.7\nB,.5,.1"), "too-wide")
    assert found(audited("model,runs,accuracy,sd\nA,10,.5,.6\nB,10,.5,.1"), "too-wide")
    assert found(audited("model,runs,RMSE,sd\nA,4,2.0,5.0\nB,4,2.0,.1"), "too-wide")


def test_repeats_without_spread_are_suspicious_unless_rounding_or_a_bound_explains_it(audited):
    def rows(first):
        return f"model,RMSE,sd,R2,sd\n{first}\nB,5.10,.20,.60,.05\nC,5.40,.25,.55,.05\nD,5.20,.22,.58,.05"

    assert {one.severity for one in found(audited(rows("A,5.000,.000,.610,.000")), "no-spread")} == {
        "suspicious"
    }
    assert {one.severity for one in found(audited(rows("A,5.00,.20,.610,.000")), "no-spread")} == {"note"}
    assert not found(audited("model,accuracy,sd\nA,1.00,.00\nB,.80,.05\nC,.70,.04"), "no-spread")


def test_tails_unlike_those_of_the_other_rows_are_noted(audited):
    rows = "model,RMSE,MAE\nA,10.0,7.1\nB,11.0,7.7\nC,12.0,8.3\nD,9.0,{}"
    assert not found(audited(rows.format("6.4")), "tails")
    assert "flatter than normal errors (.80): D" in found(audited(rows.format("8.2")), "tails")[0].says
    assert "heaviest tails: D 0.50" in found(audited(rows.format("4.5")), "tails")[0].says


def test_spreads_that_are_one_share_of_the_mean_everywhere_are_noted(audited):
    even = "\n".join(f"{city},{k},{10 + k},{0.045 * (10 + k):.3f}" for city in ("X", "Y") for k in range(4))
    uneven = "\n".join(
        f"{city},{k},{10 + k},{0.045 * (10 + k) * share:.3f}"
        for city in ("X", "Y")
        for k, share in enumerate((0.6, 1, 1.4, 0.9))
    )
    assert (
        "0.045 to 0.045 of the mean in all 8 rows"
        in found(audited(f"city,model,RMSE,sd\n{even}"), "even-spreads")[0].says
    )
    assert not found(audited(f"city,model,RMSE,sd\n{uneven}"), "even-spreads")


CLASSES = """
model,F1[homes],F1[shops],F1[offices],F1[schools],F1[parks],F1[clinics]
good,.95,.80,.85,.75,.70,.40
fair,.90,.72,.78,.66,.60,.30
weak,.70,{},.55,.40,.35,.10
"""


def test_a_class_far_out_of_a_models_line_is_found(audited):
    assert not audited(CLASSES.format(".48"))
    [one] = audited(CLASSES.format(".84"))
    assert (one.rule, one.severity) == ("class-profile", "suspicious")
    assert "weak has 0.84 in the class 'shops'" in one.says


def test_macro_f1_is_the_mean_over_classes(audited):
    rows = "model,macro F1,F1[a],F1[b]\nA,{},.80,.60\nB,.50,.60,.40"
    assert not audited(rows.format(".70"))
    assert [(one.rule, one.severity) for one in audited(rows.format(".74"))] == [("macro", "suspicious")]


def test_a_macro_f1_over_repeats_may_miss_the_mean_where_a_class_is_absent_in_some(audited):
    rows = "model,macro F1,std,F1[a],F1[b]\nA,.74,.02,.80,.60\nB,.50,.02,.60,.40"
    assert [(one.rule, one.severity) for one in audited(rows)] == [("macro", "note")]


def test_rows_below_a_floor_are_listed(audited):
    [one] = audited("model,kind,R2\nmean,floor,.00\nposition,floor,.41\nA,model,.38\nB,model,.52")
    assert one.rule == "below-floor"
    assert "1 of 2 rows lie below the floor position (R² .41): A .38" in one.says
    assert audited("model,R2\nposition,.41\nA,.38\nB,.52") == []
    assert [one.rule for one in audited("model,R2\nposition,.41\nA,.38\nB,.52", floors=["position"])] == [
        "below-floor"
    ]


def test_bold_that_is_not_best_and_second_that_is_not_second_are_found(audited):
    assert audited("model,R2\nA,**.64**\nB,__.61__\nC,.52") == []
    assert "though A has .64" in audited("model,R2\nA,.64\nB,**.61**\nC,.52")[0].says
    assert "is underlined, though B has .61" in audited("model,R2\nA,**.64**\nB,.61\nC,__.52__")[0].says
    assert "the same number of B" in audited("model,R2\nA,**.64**\nB,.64\nC,.52")[0].says
    assert audited("model,RMSE (m)\nA,**5.1**\nB,6.2") == []


def test_ranks_that_the_numbers_contradict_are_found(audited):
    assert audited("model,R2,RMSE (m),rank\nA,.64,6.00,1\nB,.50,7.07,2") == []
    assert [one.rule for one in audited("model,R2,RMSE (m),rank\nA,.64,6.00,2\nB,.50,7.07,1")] == ["marks"]
    assert [one.rule for one in audited("model,R2,R2 rank\nA,.64,2\nB,.50,1")] == ["marks"]


def test_percentages_of_counts_follow_from_the_counts(audited):
    rows = "model,metric,mean\n-,count[a],700\n-,count[b],300\n-,pct[a],{}\n-,pct[b],30.0\nM,F1[a],.5"
    assert audited(rows.format("70.0")) == []
    assert [one.severity for one in audited(rows.format("72.0"))] == ["impossible"]
    cut = "model,metric,mean\n-,n_poi,1645\n-,n_poi_named,1081\n-,pct_poi_named,65.7\nM,R2,.5"
    assert audited(cut) == []
    assert "cut off, not rounded" in audited(cut.replace("1081", "1082").replace("65.7", "65.7"))[0].says


def test_decimals_that_follow_the_spread_or_the_size_are_no_fault(audited):
    assert audited("model,RMSE (m),sd\nA,5.12,.34\nB,61,12\nC,7.9,1.2") == []
    assert audited("model,RMSE (m)\nA,5.12\nB,61.2\nC,733") == []
    assert [one.rule for one in audited("model,RMSE (m),sd\nA,5.12,.34\nB,6.1,.42\nC,7.95,.37")] == ["digits"]


def test_mixed_data_versions_and_counts_of_units_are_found(audited):
    rows = "model,data version,n_units,R2\nA,2024-01,300,.5\nB,{},{},.6"
    assert audited(rows.format("2024-01", 300)) == []
    assert "'data version' differs" in audited(rows.format("2025-03", 300))[0].says
    assert "'n_units' differs" in audited(rows.format("2024-01", 290))[0].says


def test_equal_label_spreads_of_two_cities_are_noted_and_standardised_labels_named(audited):
    def rows(a, b):
        return f"city,model,RMSE,R2\nX,A,{6 * a},.64\nX,B,{7.07 * a},.50\nY,A,{4.47 * b},.80\nY,B,{8 * b},.36"

    assert not found(audited(rows(1, 2)), "cities-alike")
    assert "spread alike in X and Y" in found(audited(rows(1, 1)), "cities-alike")[0].says
    assert "standardised" in found(audited(rows(0.1, 0.1)), "cities-alike")[0].says
