"""Gates on an evaluation: what must hold before its headline may be believed.

Conventions of this file: a gate returns a record ``{gate, expected, found, passed, evaluated}``. A gate that could not
be evaluated says why and has not passed. Gates look at what the evaluator recorded, not at what it was meant to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.evaluation import Evaluation, evaluate
from painconn.prediction.fold_audit import fitted_inside_fold, pure_noise
from painconn.prediction.folds import RowStep
from painconn.prediction.gates import Evaluated, Record, gate, near_chance, not_evaluated, same_again
from painconn.prediction.likeness import SAME_RECORDING, Fingerprint, likeness_of_pairs
from painconn.provenance import seed_for

AUC_LIMITS = {"between": 0.95, "within": 0.98}


def audit_evaluation(
    evaluation: Evaluation,
    features: pd.DataFrame,
    *,
    seed: int,
    fingerprints: Mapping[str, Fingerprint] | None = None,
    owners: Mapping[str, str] | None = None,
    auc_limit: float | None = None,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> list[Record]:
    """Run every gate.

    Parameters
    ----------
    evaluation : Evaluation
        What :func:`painconn.prediction.evaluation.evaluate` returned.
    features : DataFrame, (n, p)
        The table it was given.
    seed : int
        Study seed.
    fingerprints, owners : mapping, optional
        Recording to its signature (numbers or a hash), and recording to its participant.
    auc_limit : float, optional
        Highest believable AUC; default 0.95 between and 0.98 within people.
    matrices, steps : sequence of (r, r) arrays of int, sequence of RowStep
        As given to the evaluation.

    Returns
    -------
    records : list of dict
        One per gate.
    """
    return [
        shuffled_labels(evaluation),
        shuffled_run(evaluation, features, seed=seed, matrices=matrices, steps=steps),
        pure_noise(evaluation, features, seed=seed, matrices=matrices, steps=steps),
        fitted_inside_fold(evaluation, features, seed=seed, matrices=matrices, steps=steps),
        person_overlap(evaluation),
        fold_class_counts(evaluation),
        duplicate_recordings(fingerprints, owners),
        result_too_good(evaluation, auc_limit),
    ]


def shuffled_labels(evaluation: Evaluation) -> Record:
    """Gate: the mean AUC over permuted labels is one half, within Monte Carlo error and a slack of 0.01.

    The slack is for labels shuffled inside blocks of unequal composition. A mean above it says that something that
    is kept by the shuffling (a stratum, a site) tells the labels apart.
    """
    null = evaluation.null
    if len(null) < 2:
        return not_evaluated("shuffled_labels", "mean AUC 0.5 under permuted labels", "no permutations were run")
    exact = bool(evaluation.scores["permutation"]["exact"])
    error = 0.0 if exact else float(null.std()) / np.sqrt(len(null))
    what = f"mean AUC over {len(null)} permuted labellings"
    return near_chance("shuffled_labels", what, float(null.mean()), 0.5, standard_error=error)


def shuffled_run(
    evaluation: Evaluation,
    features: pd.DataFrame,
    *,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Record:
    """Gate: one permuted labelling, handed to the complete evaluation as if it were true, gives its AUC of the null.

    This shows on this very table that the permuted statistic is the same function as the observed one.
    """
    design, signs = evaluation.design, evaluation.design.signs
    differing = np.flatnonzero(np.any(evaluation.labellings != signs[:, None], axis=0))
    if len(differing) == 0:
        expected = "a permuted labelling gives the same AUC when evaluated from the start"
        return not_evaluated("shuffled_run", expected, "no permutations were run")
    column = differing[seed_for(seed, "shuffled run") % len(differing)]
    labels = np.where(evaluation.labellings[:, column] > 0, design.b, design.a)
    repeated = evaluate(
        features,
        replace(design, labels=labels),
        classifier=evaluation.scores["classifier"],
        n_permutations=1,
        seed=seed,
        matrices=matrices,
        steps=steps,
    )
    auc = float(evaluation.null[column])
    return same_again(f"AUC {auc:.6f} of permuted labelling {column}", auc, float(repeated.scores["auc"]))


def person_overlap(evaluation: Evaluated) -> Record:
    """Gate: no participant stands on both sides of any outer or inner split that was used, and each is tested."""
    people = evaluation.design.participants
    pairs = [(fold.train, fold.test) for fold in evaluation.splits]
    pairs += [pair for fold in evaluation.splits for pair in fold.inner]
    shared = {person for train, test in pairs for person in set(people[train].tolist()) & set(people[test].tolist())}
    n_rows, n_repeats = len(people), evaluation.design.n_repeats
    tested = np.bincount(np.concatenate([fold.test for fold in evaluation.splits]), minlength=n_rows)
    uneven = int(np.sum(tested != n_repeats))
    found = f"{len(shared)} participants on both sides"
    found += f" ({', '.join(sorted(shared)[:5])})" if shared else ""
    found += f", {uneven} rows not tested once per repeat"
    return gate(
        "person_overlap",
        f"no participant on both sides of any of {len(pairs)} splits; every row tested once per repeat",
        found,
        not shared and not uneven,
    )


def fold_class_counts(evaluation: Evaluation) -> Record:
    """Gate: every permuted labelling has the observed class counts in every test fold."""
    labellings = evaluation.labellings
    expected = "observed class counts in every fold under every permutation"
    if labellings.shape[1] == 0:
        return not_evaluated("fold_class_counts", expected, "no permutations were run")
    signs = evaluation.design.signs
    changed = sum(
        int(np.sum(labellings[fold.test].sum(axis=0) != signs[fold.test].sum())) for fold in evaluation.splits
    )
    n_checked = labellings.shape[1] * len(evaluation.splits)
    return gate("fold_class_counts", expected, f"{changed} of {n_checked} fold labellings differ", changed == 0)


def duplicate_recordings(
    fingerprints: Mapping[str, Fingerprint] | None,
    owners: Mapping[str, str] | None,
    *,
    limit: float = SAME_RECORDING,
) -> Record:
    """Gate: no two participants have the same recording.

    Parameters
    ----------
    fingerprints : mapping of recording to (k,) array or str
        A hash, or numbers that describe the recording (features, say), equally long for all.
    owners : mapping of recording to participant
        Whose recording it is.
    limit : float
        Correlation from which two recordings are the same. Values are standardised over recordings first, so that a
        profile common to all people does not count as likeness; with fewer than 20 shared values or 5 recordings
        only equality counts.

    Returns
    -------
    record : dict
        ``found`` names the pairs, or the likest pair.
    """
    expected = f"no two participants with equal signatures or correlation above {limit:g}"
    if not fingerprints or owners is None:
        return not_evaluated("duplicate_recordings", expected, "no signatures were given")
    unknown = sorted(set(fingerprints) - set(owners))
    if unknown:
        return not_evaluated("duplicate_recordings", expected, f"no participant known for {', '.join(unknown[:5])}")
    alike = likeness_of_pairs(fingerprints, owners)
    if not alike:
        return not_evaluated("duplicate_recordings", expected, "fewer than two participants")
    same = [f"{first} = {second} ({value:.5f})" for (first, second), value in alike.items() if value > limit]
    likest = max(alike, key=alike.__getitem__)
    found = "; ".join(same) or f"none in {len(alike)} pairs; highest {alike[likest]:.4f} ({likest[0]}, {likest[1]})"
    return gate("duplicate_recordings", expected, found, not same)


def result_too_good(evaluation: Evaluation, limit: float | None = None) -> Record:
    """Gate: the AUC is believable for this kind of target."""
    highest = AUC_LIMITS[evaluation.design.kind] if limit is None else limit
    auc = float(evaluation.scores["auc"])
    return gate("result_too_good", f"AUC at most {highest:g}", f"{auc:.3f}", auc <= highest)
