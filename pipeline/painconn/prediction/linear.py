r"""A linear model refitted on everybody: weights, calibration of a classifier, and how both vary with who took part.

Conventions of this file: the log odds of the positive label are :math:`\beta (w^\top z + b) + \gamma` with the
standardised columns :math:`z`, gaps filled with training means, and Platt's :math:`\beta, \gamma`. The setting is
chosen and the calibration learned on the outer folds of the first repeat, as in the inner loop of the evaluation.
Weights in the span of the training rows follow from the scores of those rows; those of sparse models are fitted again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from painconn.prediction.calibration import PlattScaling, fit_platt
from painconn.prediction.copies import with_copies
from painconn.prediction.design import Design
from painconn.prediction.folds import FeatureTable, Fold, Rows
from painconn.prediction.logistic import MIXTURE
from painconn.prediction.preparation import PreparedTable
from painconn.prediction.registry import CLASSIFIERS
from painconn.prediction.sparse import SparseLogistic
from painconn.provenance import seed_for

N_DRAWS = 200

Sparse = Callable[[NDArray[np.float64], NDArray[np.float64], float], tuple[NDArray[np.float64], float]]
"""``sparse(rows, labels, setting)``: weights and intercept of a model whose weights do not follow from its scores."""

_MIXTURES = {"logistic_lasso": 1.0, "logistic_elastic_net": MIXTURE}
_SAME_ZERO = 1e-7
_FEWEST_FOLDS = 2


@dataclass(frozen=True)
class LinearModel:
    """A classifier or a regression as numbers.

    Parameters
    ----------
    mean, scale, weights : (p,) arrays
        Training mean and standard deviation of each column (1 for a constant one), weight of the standardised column.
    intercept : float
        Score of a person with mean columns.
    setting : float
        Chosen value of what was tuned.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    setting: float

    def standardised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows (n, p) on the scale of the training rows, 0 in gaps."""
        return np.where(np.isnan(values), 0.0, (values - self.mean) / self.scale)

    def scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score rows of columns, (n, p), NaN where one is missing."""
        return np.asarray(self.standardised(values) @ self.weights + self.intercept)


@dataclass(frozen=True)
class LinearClassifier(LinearModel):
    """A classifier as numbers; ``platt`` leads from scores to probabilities."""

    platt: PlattScaling

    def probability(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the positive label of rows (n, p)."""
        return self.platt.probability(self.scores(values))


@dataclass(frozen=True)
class Draws:
    """The log odds of models of other people: each was fitted to a sample of the participants, drawn with replacement.

    Parameters
    ----------
    weights : (n_draws, p) array
        Of the columns as the model itself standardises them.
    intercepts : (n_draws,) array
        Log odds of a person with mean columns.
    """

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def interval(self, standardised: NDArray[np.float64], level: float = 0.95) -> NDArray[np.float64]:
        """Return the percentile interval of the probability of each row, shape (2, n)."""
        probability = expit(standardised @ self.weights.T + self.intercepts)
        tail = (1.0 - level) / 2.0
        return np.asarray(np.quantile(probability, [tail, 1.0 - tail], axis=1))


def fit_linear(classifier: str, table: FeatureTable, signs: NDArray[np.float64], assignment: Rows) -> LinearClassifier:
    """Fit a linear classifier to all rows of a table.

    Parameters
    ----------
    classifier : str
        A name in ``CLASSIFIERS`` whose definition is ``linear``.
    table : FeatureTable
        n observations by p columns with weight 1, without steps of the fold.
    signs : (n,) array
        Labels, -1 or +1.
    assignment : (n,) array of int
        Fold of each row, to choose the setting and to calibrate; each has both labels.

    Returns
    -------
    model : LinearClassifier
    """
    sparse = partial(_sparse_logistic, _MIXTURES[classifier]) if classifier in _MIXTURES else None
    model, inner = refit(classifier, table, signs, assignment, sparse)
    return LinearClassifier(**vars(model), platt=fit_platt(inner, signs))


def refit(
    classifier: str, table: FeatureTable, labels: NDArray[np.float64], assignment: Rows, sparse: Sparse | None
) -> tuple[LinearModel, NDArray[np.float64]]:
    """Fit a linear classifier or regression to all rows of a table.

    Returns
    -------
    model : LinearModel
    inner : (n,) array
        Out-of-fold scores of the rows at the chosen setting.
    """
    n = len(table.values)
    everybody = np.arange(n)
    inner = tuple(
        (np.flatnonzero(assignment != fold), np.flatnonzero(assignment == fold)) for fold in np.unique(assignment)
    )
    whole = Fold(repeat=0, fold=0, train=everybody, test=everybody + n, inner=inner)
    both = np.concatenate([labels, labels])[:, None]
    (scored,) = CLASSIFIERS[classifier].load()(with_copies(table, [table.values]), both, [whole])
    prepared = PreparedTable.of(table)
    filled, standardised = prepared.filled(everybody), prepared.standardised(everybody)
    setting = float(scored.setting[0])
    if sparse is None:
        weights, intercept = _solution(standardised, scored.test[:, 0])
    else:
        weights, intercept = sparse(standardised, labels, setting)
    varies = standardised.any(axis=0)
    model = LinearModel(
        mean=filled.mean(axis=0),
        scale=np.where(varies, filled.std(axis=0), 1.0),
        weights=np.where(varies, weights, 0.0),
        intercept=intercept,
        setting=setting,
    )
    return model, scored.inner[:, 0]


def _sparse_logistic(
    mixture: float, rows: NDArray[np.float64], signs: NDArray[np.float64], setting: float
) -> tuple[NDArray[np.float64], float]:
    fitted = SparseLogistic(setting, mixture).fit(rows, signs)
    return np.asarray(fitted.coef_), float(fitted.intercept_)


def _solution(rows: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    # Standardised rows have mean 0, so that the mean score is the intercept.
    intercept = float(scores.mean())
    return np.linalg.pinv(rows, rcond=_SAME_ZERO) @ (scores - intercept), intercept


def carried(
    weights: NDArray[np.float64], intercept: float, fitted: LinearModel, model: LinearModel
) -> tuple[NDArray[np.float64], float]:
    """Return weights and intercept for columns as another model standardises them.

    Parameters
    ----------
    weights, intercept : (p,) array and float
        For columns as the model standardises them that was fitted.
    fitted, model : LinearModel
        Whose columns they are for, and whose they become.
    """
    per_unit = weights / fitted.scale
    return per_unit * model.scale, intercept + float(per_unit @ (model.mean - fitted.mean))


def draw_models(
    classifier: str, table: FeatureTable, design: Design, model: LinearClassifier, *, seed: int, n_draws: int = N_DRAWS
) -> Draws:
    """Fit the classifier again to samples of the participants, the setting and the calibration included.

    People are drawn with replacement among those of their label and dealt to folds anew, all copies of a person to the
    same one; there are fewer folds where fewer people of a label were drawn.

    Parameters
    ----------
    classifier : str
        As for the model.
    table, design : FeatureTable, Design
        Rows in the order of the design.
    model : LinearClassifier
        Fitted to all of them.
    seed : int
        Study seed.
    n_draws : int
        How many samples.
    """
    generator = np.random.default_rng(seed_for(seed, "draws"))
    weights, intercepts = [], []
    for _ in range(n_draws):
        rows, folds = _sample(design, generator)
        sample = FeatureTable(table.values[rows], table.weights)
        drawn = fit_linear(classifier, sample, design.signs[rows], folds)
        score = drawn.platt.slope * drawn.intercept + drawn.platt.intercept
        weight, intercept = carried(drawn.platt.slope * drawn.weights, score, drawn, model)
        weights.append(weight)
        intercepts.append(intercept)
    return Draws(np.array(weights), np.array(intercepts))


def _sample(design: Design, generator: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw people and deal them to folds; return their rows (twice of those drawn twice) and the fold of each."""
    strata = _people_by_label(design)
    n_folds = 0
    while n_folds < _FEWEST_FOLDS:
        drawn = [np.unique(generator.choice(people, size=len(people)), return_counts=True) for people in strata]
        n_folds = min(design.n_outer, *(len(people) for people, _ in drawn))
    rows, folds = [], []
    for people, counts in drawn:
        for place, who in enumerate(generator.permutation(len(people))):
            own = np.tile(np.flatnonzero(design.participants == people[who]), counts[who])
            rows.append(own)
            folds.append(np.full(len(own), place % n_folds))
    return np.concatenate(rows), np.concatenate(folds)


def _people_by_label(design: Design) -> Sequence[NDArray[np.str_]]:
    if design.kind == "within":
        return [np.unique(design.participants)]
    return [np.unique(design.participants[design.labels == label]) for label in (design.a, design.b)]
