"""Gates on the evaluation of a score: what must hold before its headline may be believed.

Conventions of this file: as in :mod:`painconn.prediction.audit`. Where that compares an AUC with one half, this
compares what is recovered (:mod:`painconn.prediction.number_scores`) with 0: R2 and correlation lie below 0 by chance,
by how much hangs on the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.audit import duplicate_recordings, person_overlap
from painconn.prediction.fold_audit import fitted_inside_fold, noise_gate, noise_tables
from painconn.prediction.folds import RowStep
from painconn.prediction.gates import Record, gate, near_chance, not_evaluated, same_again
from painconn.prediction.likeness import Fingerprint
from painconn.prediction.number_evaluation import NumberEvaluation, evaluate_numbers, reached_by
from painconn.provenance import seed_for

R2_LIMIT = 0.9


def audit_numbers(
    evaluation: NumberEvaluation,
    features: pd.DataFrame,
    *,
    seed: int,
    fingerprints: Mapping[str, Fingerprint] | None = None,
    owners: Mapping[str, str] | None = None,
    r2_limit: float = R2_LIMIT,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> list[Record]:
    """Run every gate.

    Parameters
    ----------
    evaluation : NumberEvaluation
        What :func:`painconn.prediction.number_evaluation.evaluate_numbers` returned.
    features, seed, fingerprints, owners, matrices, steps
        As for :func:`painconn.prediction.audit.audit_evaluation`.
    r2_limit : float
        Highest believable R2.

    Returns
    -------
    records : list of dict
        One per gate.
    """
    return [
        shuffled_scores(evaluation),
        shuffled_run(evaluation, features, seed=seed, matrices=matrices, steps=steps),
        pure_noise(evaluation, features, seed=seed, matrices=matrices, steps=steps),
        fitted_inside_fold(evaluation, features, seed=seed, matrices=matrices, steps=steps),
        person_overlap(evaluation),
        duplicate_recordings(fingerprints, owners),
        result_too_good(evaluation, r2_limit),
    ]


def shuffled_scores(evaluation: NumberEvaluation) -> Record:
    """Gate: nothing is recovered of shuffled scores, within Monte Carlo error and a slack of 0.01.

    A mean above 0 says that something that is kept by the shuffling (a stratum, a site) goes with the score.
    """
    null = evaluation.scores["permutation"]
    n = int(null["n_permutations"])
    if n < 2:
        return not_evaluated("shuffled_scores", "nothing recovered of shuffled scores", "no permutations were run")
    error, mean = float(null["null_sd_recovered"]) / np.sqrt(n), float(null["null_mean_recovered"])
    what = f"mean recovered of {n} shuffled lists of scores"
    return near_chance("shuffled_scores", what, mean, 0.0, standard_error=error)


def shuffled_run(
    evaluation: NumberEvaluation,
    features: pd.DataFrame,
    *,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Record:
    """Gate: one shuffled list, handed to the complete evaluation as if it were true, gives its R2 of the null."""
    design = evaluation.design
    if evaluation.labellings.shape[1] == 0:
        expected = "a shuffled list of scores gives the same R2 when evaluated from the start"
        return not_evaluated("shuffled_run", expected, "no permutations were run")
    column = seed_for(seed, "shuffled run") % evaluation.labellings.shape[1]
    repeated = evaluate_numbers(
        features,
        replace(design, values=evaluation.labellings[:, column]),
        classifier=evaluation.scores["classifier"],
        n_permutations=1,
        seed=seed,
        matrices=matrices,
        steps=steps,
    )
    r2 = float(evaluation.null[column])
    return same_again(f"R2 {r2:.6f} of shuffled list {column}", r2, float(repeated.scores["r2"]))


def pure_noise(
    evaluation: NumberEvaluation,
    features: pd.DataFrame,
    *,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Record:
    """Gate: seeded noise in place of the features recovers nothing, within 0.01 + 4 standard errors over 20 tables."""
    values = evaluation.design.values[:, None]
    found = [
        float(reached_by(evaluation.scores["classifier"], noisy, values, folds).recovered[0])
        for noisy, folds in noise_tables(evaluation, features, seed=seed, matrices=matrices, steps=steps)
    ]
    return noise_gate(found, "recovered from", 0.0)


def result_too_good(evaluation: NumberEvaluation, limit: float = R2_LIMIT) -> Record:
    """Gate: the R2 is believable."""
    r2 = float(evaluation.scores["r2"])
    return gate("result_too_good", f"R2 at most {limit:g}", f"{r2:.3f}", r2 <= limit)
