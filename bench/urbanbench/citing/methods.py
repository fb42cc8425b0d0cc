"""Statistics behind tables, comparisons and splits: who to cite for each, and what it does here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from urbanbench.citing.entry import Entry
from urbanbench.citing.reading import read_citations

__all__ = ["METHODS", "Method", "methods_cited"]


@dataclass(frozen=True)
class Method:
    """A statistic that this suite uses.

    Parameters
    ----------
    used
        What for, in words that stand beside the entry.
    paper
        As `urbanbench.card.ModelCard.paper`.
    splits
        Rungs that rest on it; () where tables and comparisons of any split do.
    """

    used: str
    paper: str
    splits: tuple[str, ...] = ()


METHODS = (
    Method(
        "boards, compare: t test over splits that share training units",
        "Nadeau, Bengio: Inference for the Generalization Error. Machine Learning Journal 52 (2003), doi:10.1023/A:1024068626366",
    ),
    Method(
        "boards, compare: several comparisons at once",
        "Holm: A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian Journal of Statistics 6 (1979)",
    ),
    Method(
        "boards: rows that are not separable from the best",
        'Hsu: Simultaneous Confidence Intervals for all Distances from the "Best". Annals of Statistics 9 (1981)',
    ),
    Method(
        "compare, --by-units: t test and interval over units whose neighbours are alike",
        "Müller, Watson: Spatial Correlation Robust Inference. Econometrica 90 (2022), doi:10.3982/ECTA19465",
    ),
    Method(
        "report, compare: ranks that a row may really have",
        "Mogstad, Romano, Shaikh, Wilhelm: Inference for Ranks with Applications to Mobility across Neighbourhoods and Academic Achievement across Countries. Review of Economic Studies 91 (2024), doi:10.1093/restud/rdad006",
    ),
    Method(
        "boards, compare: trainings as a level of their own",
        "Bouthillier, Delaunay, Bronzi, Trofimov, Nichyporuk, Szeto, et al.: Accounting for Variance in Machine Learning Benchmarks (MLSys 2021), arXiv:2103.03098",
    ),
    Method(
        "boards: how many of their dimensions vectors fill",
        "Roy, Vetterli: The effective rank: A measure of effective dimensionality (EUSIPCO 2007)",
    ),
    Method(
        "compare: odds of better, the same and worse on one task",
        "Corani, Benavoli: A Bayesian approach for comparing cross-validated algorithms on multiple data sets. Machine Learning Journal 100 (2015), doi:10.1007/s10994-015-5486-z",
    ),
    Method(
        "compare: a region of practical equivalence",
        "Benavoli, Corani, Demšar, Zaffalon: Time for a Change: a Tutorial for Comparing Multiple Classifiers Through Bayesian Analysis. Journal of Machine Learning Research 18 (2017)",
    ),
    Method(
        "compare: odds over several tasks",
        "Benavoli, Corani, Mangili, Zaffalon, Ruggeri: A Bayesian Wilcoxon Signed-Rank Test Based on the Dirichlet Process (ICML 2014)",
    ),
    Method(
        "compare: average ranks, critical differences",
        "Demšar: Statistical Comparisons of Classifiers over Multiple Data Sets. Journal of Machine Learning Research 7 (2006)",
    ),
    Method(
        "compare: whether several models differ at all",
        "Friedman: The Use of Ranks to Avoid the Assumption of Normality Implicit in the Analysis of Variance. Journal of the American Statistical Association 32 (1937)",
    ),
    Method(
        "compare: the critical difference",
        "Nemenyi: Distribution-free Multiple Comparisons (PhD thesis, Princeton University 1963)",
    ),
    Method(
        "compare: ranks over several tasks, pair by pair",
        "Wilcoxon: Individual Comparisons by Ranking Methods. Biometrics Bulletin 1 (1945)",
    ),
    Method(
        "compare: test units drawn again in blocks",
        "Lahiri: Resampling Methods for Dependent Data (Springer 2003)",
    ),
    Method(
        "compare: what single units add to a score",
        "Hampel: The Influence Curve and Its Role in Robust Estimation. Journal of the American Statistical Association 69 (1974)",
    ),
    Method(
        "boards of retrievals: how far a mean over queries may vary",
        "Bhatia, Davis: A Better Bound on the Variance. American Mathematical Monthly 107 (2000)",
    ),
    Method(
        "residuals: whether errors of neighbours are alike",
        "Moran: Notes on Continuous Stochastic Phenomena. Biometrika 37 (1950), doi:10.1093/biomet/37.1-2.17",
    ),
    Method(
        "residuals: its probability under chance",
        "Cliff, Ord: Spatial Processes: Models and Applications (Pion 1981)",
    ),
    Method(
        "leaning: skill over a floor",
        "Murphy: Skill Scores Based on the Mean Square Error and Their Relationships to the Correlation Coefficient. Monthly Weather Review 116 (1988)",
    ),
    Method(
        "splits block and buffered: the variogram that gives the sizes of blocks and buffers",
        "Cressie: Fitting Variogram Models by Weighted Least Squares. Journal of the International Association for Mathematical Geology 17 (1985)",
        ("block", "buffered"),
    ),
    Method(
        "split buffered: training units near a test block left out",
        "Roberts, Bahn, Ciuti, Boyce, Elith, Guillera-Arroita, et al.: Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic structure. Ecography 40 (2017), doi:10.1111/ecog.02881",
        ("buffered",),
    ),
    Method(
        "split buffered: a buffer as wide as labels are alike",
        "Le Rest, Pinaud, Monestiez, Chadoeuf, Bretagnolle: Spatial leave-one-out cross-validation for variable selection in the presence of spatial autocorrelation. Global Ecology and Biogeography 23 (2014), doi:10.1111/geb.12161",
        ("buffered",),
    ),
    Method(
        "split knndm",
        "Linnenbrink, Milà, Ludwig, Meyer: kNNDM CV: k-fold nearest-neighbour distance matching cross-validation for map accuracy estimation. Geoscientific Model Development 17 (2024), doi:10.5194/gmd-17-5897-2024",
        ("knndm",),
    ),
)
"""Every statistic of tables, comparisons and splits; those of a head or a model are cited with it."""


def methods_cited(rungs: Collection[str]) -> list[Entry]:
    """Return entries of the statistics behind tables and comparisons, and behind some splits, each with what it is used for.

    Parameters
    ----------
    rungs
        Names of the rows' splits, without what follows a colon.
    """
    return [
        replace(entry, fields={**entry.fields, "note": method.used})
        for method in METHODS
        if not method.splits or set(method.splits) & set(rungs)
        for entry in read_citations(method.paper)
    ]
