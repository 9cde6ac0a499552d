"""Studies of 12 and 12 people drawn from the pool, each compared, predicted and audited by the steps of a run."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.naive import naive_p
from calibration.pool import A, B, study_of
from painconn.features.names import QUALITY, join
from painconn.paths import Results
from painconn.steps import audit, compare, predict
from painconn.steps import table as gather
from painconn.steps.plan import Plan
from painconn.store import read_json, read_tsv

N_PER_GROUP = 12
LEVEL = 0.05
UNEQUAL_IN = {"muscle": join(QUALITY, "muscle_index"), "epochs kept": join(QUALITY, "n_epochs_kept"), "age": "age"}
DRAWS = ("by lot", *(f"unequal in {name}" for name in UNEQUAL_IN))
PULL = 1.0
N_NAIVE = 59

Found = Iterator[tuple[tuple[str, str, str], bool]]


def drawn_people(pool: pd.DataFrame, number: int, *, seed: int) -> tuple[str, pd.DataFrame]:
    """Draw 12 and 12 people without effect; every second study by lot, the others unequal in something.

    Somebody comes into group b with odds that rise by a factor of e per standard deviation of the ranks of what the
    groups are unequal in, and into group a with odds that fall by as much.

    Returns
    -------
    draw : str
        One of ``DRAWS``.
    people : DataFrame
        Rows of the pool with a column ``group``.
    """
    rng = np.random.default_rng((seed, number))
    draw = DRAWS[0] if number % 2 == 0 else DRAWS[1 + number // 2 % len(UNEQUAL_IN)]
    pull = np.zeros(len(pool))
    if draw != DRAWS[0]:
        ranks = pool[UNEQUAL_IN[draw.removeprefix("unequal in ")]].rank().to_numpy()
        pull = PULL * (ranks - ranks.mean()) / ranks.std()
    in_b = _chosen(np.exp(pull), rng)
    in_a = _chosen(np.where(np.isin(np.arange(len(pool)), in_b), 0.0, np.exp(-pull)), rng)
    return draw, pool.iloc[np.sort([*in_a, *in_b])].assign(
        group=lambda rows: np.where(rows.index.isin(pool.index[in_b]), B, A)
    )


def _chosen(odds: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    return rng.choice(len(odds), size=N_PER_GROUP, replace=False, p=odds / odds.sum())


def study_answers(pool: pd.DataFrame, number: int, place: Path, *, seed: int) -> Found:
    """Draw a study, run its steps in a folder (overwritten by the next one) and say what it found."""
    draw, people = drawn_people(pool, number, seed=seed)
    settings, results = _written(people, place)
    gather.run(results, json.loads(settings.settings_table()))
    for target in ("plain", "adjusted"):
        of_target = json.loads(settings.settings_target(target)) | {"seed": number}
        compare.run(results, of_target, target)
        tests = read_tsv(results.target(target, "compare.tsv"))
        primary = tests[tests["role"] == "primary"]
        told = "" if target == "plain" else ", adjusted for age, muscle, epochs kept"
        yield (
            ("primary family", f"any of {len(primary)}, family-wise p{told}", draw),
            bool(primary["p_fwe"].min() <= LEVEL),
        )
    of_target = json.loads(settings.settings_target("plain")) | {"seed": number}
    predict.run(results, of_target, "plain")
    audit.run(results, of_target, "plain")
    record = read_json(results.target("plain", "scores.json"))
    score = record["feature_sets"][record["primary_feature_set"]]
    low, high = score["auc_ci"]
    yield ("ridge classifier", "permutation p", draw), bool(score["permutation"]["p"] <= LEVEL)
    yield ("ridge classifier", "interval of the AUC without 0.5", draw), bool(low > 0.5 or high < 0.5)
    more = score["increment"]["increment_ci"][0]
    yield ("ridge classifier", "interval of the increment above 0", draw), bool(more > 0)
    columns = [column for column in people if str(column).startswith("wpli2_debiased__")]
    signs = np.where(people["group"] == B, 1.0, -1.0)
    naive = naive_p(signs, people[columns].to_numpy(), number, n_permutations=N_NAIVE)
    yield ("naive scheme", "free permutation, pooled AUC", draw), bool(naive <= LEVEL)
    audited = read_json(results.target("plain", "audit.json"))
    yield ("audit", "any gate", draw), not audited["passed"]
    for gate in audited["gates"]:
        yield ("audit", f"`{gate['gate']}`", draw), not gate["passed"]


def _written(people: pd.DataFrame, place: Path) -> tuple[Plan, Results]:
    """Write the tables of a study whose features are ready."""
    place.mkdir(parents=True, exist_ok=True)
    columns = [column for column in people if "__" in str(column)]
    features = people[["participant", *columns]].assign(condition="rest", window="epoch")
    features.to_csv(place / "features.tsv", sep="\t", index=False, na_rep="n/a")
    tabled = people.assign(participant_id="sub-" + people["participant"])[["participant_id", "age", "sex", "group"]]
    tabled.to_csv(place / "participants.tsv", sep="\t", index=False)
    study = study_of({"root": str(place), "layout": "features", "features_table": "features.tsv"})
    results = Results(place / "results")
    return Plan(study, results), results
