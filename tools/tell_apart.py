"""How well two tables of people are told apart, and by what (used by measure_realism.py)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import brier_score_loss, roc_auc_score

from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.folds import Fold, outer_folds

Array = NDArray[np.float64]

SEED = 7
N_REPEATS, N_PERMUTATIONS = 3, 200
N_TREES, N_SHUFFLES = 100, 3
ALL = "all together"


def tell_apart(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return how well each family, and all together, tells the rows of two tables apart.

    Every row is a person, so that folds never share one. Ridge regression, tuned and scaled inside the training folds;
    the interval is that of :mod:`painconn.prediction.intervals`; a forest on the same folds sees what a line cannot.

    Returns
    -------
    scores : DataFrame
        Rows: families, then ``all together``. Columns ``n_numbers, auc, low, high, p, forest``.
    """
    table = pd.concat([first, second])
    labels = ["first"] * len(first) + ["second"] * len(second)
    design = make_design(
        list(table.index), labels, a="first", b="second", kind="between", n_repeats=N_REPEATS, seed=SEED
    )
    families = {family: table[[family]] for family in dict.fromkeys(table.columns.get_level_values(0))}
    rows = {}
    for family, columns in {**families, ALL: table}.items():
        flat = columns.set_axis([" ".join(name) for name in columns.columns], axis=1)
        found = evaluate(flat, design, n_permutations=N_PERMUTATIONS, seed=SEED)
        low, high = found.scores["auc_ci"]
        forest = np.mean([_forest_auc(flat, design.signs, fold) for fold in found.splits[: design.n_outer]])
        rows[family] = {
            "n_numbers": flat.shape[1],
            "auc": found.scores["auc"],
            "low": low,
            "high": high,
            "p": found.scores["permutation"]["p"],
            "forest": float(forest),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _grown(values: Array, signs: Array, fold: Fold) -> RandomForestClassifier:
    return RandomForestClassifier(N_TREES, random_state=SEED).fit(values[fold.train], signs[fold.train])


def _forest_auc(table: pd.DataFrame, signs: Array, fold: Fold) -> float:
    forest = _grown(table.to_numpy(), signs, fold)
    return float(roc_auc_score(signs[fold.test], forest.predict_proba(table.to_numpy()[fold.test])[:, 1]))


def giveaways(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return what tells the rows of two tables apart.

    Numbers say much of the same, so one that is shuffled is made up for by the others: whole families are shuffled
    over the people of a test fold, and single numbers are judged by what they tell alone.

    Returns
    -------
    lost : Series
        Per family, by how much shuffling it raises the Brier score of a forest on everything (0: sure and right,
        0.25: a coin); mean over folds and shuffles. An AUC of 1 would not fall until nearly all is shuffled.
    alone : Series
        Per (family, number), the AUC of that number with no classifier at all: 1 when it is higher in all of `second`,
        0 when it is lower, 0.5 when it tells nothing; the most telling first.
    """
    table = pd.concat([first, second])
    values = table.to_numpy()
    family_of = table.columns.get_level_values(0)
    labels = ["first"] * len(first) + ["second"] * len(second)
    design = make_design(list(table.index), labels, a="first", b="second", kind="between", n_repeats=1, seed=SEED)
    rng = np.random.default_rng(SEED)
    drops: dict[str, list[float]] = {family: [] for family in dict.fromkeys(family_of)}
    for fold in outer_folds(design):
        forest = _grown(values, design.signs, fold)
        truth, test = design.signs[fold.test], values[fold.test]
        whole = brier_score_loss(truth, forest.predict_proba(test)[:, 1])
        for family, lost in drops.items():
            for _ in range(N_SHUFFLES):
                shuffled = test.copy()
                shuffled[:, family_of == family] = rng.permutation(test)[:, family_of == family]
                lost.append(brier_score_loss(truth, forest.predict_proba(shuffled)[:, 1]) - whole)
    alone = pd.Series({name: float(roc_auc_score(design.signs, table[name])) for name in table.columns})
    ranked = alone.reindex((alone - 0.5).abs().sort_values(ascending=False, kind="stable").index)
    return pd.Series({family: float(np.mean(lost)) for family, lost in drops.items()}), ranked
