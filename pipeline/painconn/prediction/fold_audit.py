"""Gates on what happens inside a fold: nothing is learned from the rows that are tested, and noise is at chance.

Conventions of this file: the classifier is run again, on the row lists that the evaluator recorded, through the steps
that it used. Both gates look at what comes out, so that they hold for any classifier and any step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.confounds import numeric_table
from painconn.prediction.evaluation import Evaluation, auc_of, score_folds
from painconn.prediction.folds import FeatureTable, Fold, Rows, RowStep
from painconn.prediction.gates import Evaluated, Record, gate, near_chance, not_evaluated
from painconn.provenance import seed_for

_N_NOISE_TABLES = 20
_REPEATS_OF_NOISE = 2
_SAME_SCORE = 1e-7
_FAR = 10.0


@dataclass(frozen=True)
class _Recorder:
    """A step that changes nothing and keeps the rows that each fit was given."""

    seen: list[Rows] = field(default_factory=list)

    def __call__(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        self.seen.append(np.sort(train))
        return values


def pure_noise(
    evaluation: Evaluation,
    features: pd.DataFrame,
    *,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Record:
    """Gate: seeded noise in place of the features is at chance.

    Noise has the mean and the spread of each column and its gaps; design, labels, folds and steps are those of the
    evaluation. Passes when the mean AUC of 20 tables lies within 0.01 + 4 standard errors (their own) of one half: an
    honest evaluation fails it less often than once in 1,000 times.
    """
    signs = evaluation.design.signs[:, None]
    found = [
        auc_of(evaluation.scores["classifier"], noisy, signs, folds)[0]
        for noisy, folds in noise_tables(evaluation, features, seed=seed, matrices=matrices, steps=steps)
    ]
    return noise_gate(found, "AUC of", 0.5)


def noise_gate(found: Sequence[float], score: str, chance: float) -> Record:
    """Return the record of a gate: the mean score of tables of noise is at chance."""
    what = f"mean {score} {len(found)} tables of noise"
    error = float(np.std(found, ddof=1)) / np.sqrt(len(found))
    return near_chance("pure_noise", what, float(np.mean(found)), chance, standard_error=error)


def noise_tables(
    evaluation: Evaluated,
    features: pd.DataFrame,
    *,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Iterator[tuple[FeatureTable, list[Fold]]]:
    """Yield tables of seeded noise with the mean, the spread and the gaps of each column, and the folds to use."""
    table, folds = _table(features, matrices, steps), _first_repeats(evaluation, _REPEATS_OF_NOISE)
    generator = np.random.default_rng(seed_for(seed, "pure noise"))
    columns = pd.DataFrame(table.values)
    mean, spread = columns.mean().fillna(0.0).to_numpy(), columns.std().fillna(0.0).to_numpy()
    for _ in range(_N_NOISE_TABLES):
        noise = mean + spread * generator.standard_normal(table.values.shape)
        yield replace(table, values=np.where(np.isnan(table.values), np.nan, noise)), folds


def fitted_inside_fold(
    evaluation: Evaluated,
    features: pd.DataFrame,
    *,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Record:
    """Gate: nothing is learned from rows that are tested.

    Two looks at every outer fold of the first repeat. The rows that each fit was given are recorded; each such list has
    to be the training rows of a split. And the rows tested are overwritten with other numbers and other labels, all but
    one: scores of training rows, the chosen setting and the score of that one row must not move.
    """
    expected = "each fit on the training rows of a split; scores unmoved by overwriting the rows tested"
    folds, classifier = _first_repeats(evaluation, 1), evaluation.scores["classifier"]
    if not folds:
        return not_evaluated("fitted_inside_fold", expected, "no splits were recorded")
    recorder = _Recorder()
    table = _table(features, matrices, steps)
    table = replace(table, steps=(*table.steps, recorder))
    signs = evaluation.design.signs[:, None]
    before = score_folds(classifier, table, signs, folds)
    allowed = {np.sort(train).tobytes() for fold in folds for train in (fold.train, *(rows for rows, _ in fold.inner))}
    generator = np.random.default_rng(seed_for(seed, "overwritten rows"))
    # Predicted numbers are as large as the unit of their score makes them.
    unit = float(np.std(signs))
    moved = 0.0
    for fold, first in zip(folds, before, strict=True):
        others = fold.test[1:]
        values, labels = table.values.copy(), signs.copy()
        values[others] += _FAR * generator.standard_normal(values[others].shape)
        labels[fold.test] *= -1.0
        (again,) = score_folds(classifier, replace(table, values=values), labels, [fold])
        for one, other, least in (
            (first.inner, again.inner, unit),
            (first.test[:1], again.test[:1], unit),
            (first.setting, again.setting, 1.0),
        ):
            size = max(float(np.max(np.abs(one), initial=0.0)), least)
            moved = max(moved, float(np.max(np.nan_to_num(np.abs(one - other)), initial=0.0)) / size)
    outside = sum(rows.tobytes() not in allowed for rows in recorder.seen)
    found = f"{outside} of {len(recorder.seen)} fits on other rows; largest change of a score {moved:.1g}"
    return gate("fitted_inside_fold", expected, found, outside == 0 and moved < _SAME_SCORE)


def _table(features: pd.DataFrame, matrices: Sequence[NDArray[np.intp]], steps: Sequence[RowStep]) -> FeatureTable:
    return replace(numeric_table(features), matrices=tuple(matrices), steps=tuple(steps))


def _first_repeats(evaluation: Evaluated, n_repeats: int) -> list[Fold]:
    """Return the recorded folds of the first repeats, their rows ascending as classifiers expect them."""
    return [
        replace(
            fold,
            train=np.sort(fold.train),
            test=np.sort(fold.test),
            inner=tuple((np.sort(train), np.sort(test)) for train, test in fold.inner),
        )
        for fold in evaluation.splits
        if fold.repeat < n_repeats
    ]
