r"""Calibration and decision curves of out-of-fold probabilities, and intervals of what is decided by them.

Conventions of this file: each row has one probability, the mean over the repeats of what models said that never saw
its person. Intervals take these probabilities as given and cover the luck of who was tested; the luck of the training
sets, which the interval of the AUC holds, is not in them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from painconn.provenance import seed_for

THRESHOLDS = np.round(np.arange(0.05, 0.951, 0.05), 2)
ROWS_PER_BIN = 8
MOST_BINS = 10
N_DRAWS = 1000
LEVEL = 0.95

_SAME_LOG_ODDS = 1e-9


def calibration(
    probability: NDArray[np.float64], positive: NDArray[np.bool_], participants: NDArray[np.str_]
) -> dict[str, Any]:
    r"""Hold probabilities against what was observed.

    Parameters
    ----------
    probability : (n,) array
        Of the positive label, in (0, 1).
    positive : (n,) array of bool
        Labels, both present.
    participants : (n,) array of str
        Whose row it is; standard errors allow for rows of one person.

    Returns
    -------
    summary : dict
        ``intercept``: calibration in the large, :math:`a` of
        :math:`\operatorname{logit} P(+) = a + \operatorname{logit} p` (0 is best, above 0 the probabilities are too
        low). ``slope``: :math:`b` of :math:`a' + b \operatorname{logit} p` (1 is best, below 1 they are too extreme);
        None with ``slope_reason`` where it does not exist. Both with a Wald interval (``_ci``). ``bins``: quantile
        bins of 8 rows and more, with mean ``predicted``, share ``observed`` and its Wilson interval, ``n``.

    References
    ----------
    Van Calster et al. (2019), 10.1186/s12916-019-1466-7.
    """
    log_odds = logit(probability)
    intercept, intercept_ci = _logistic(np.ones((len(positive), 1)), positive, participants, offset=log_odds)
    report: dict[str, Any] = {"intercept": intercept, "intercept_ci": intercept_ci, "slope": None}
    reason = _no_slope(log_odds, positive)
    if reason:
        report["slope_reason"] = reason
    else:
        centred = log_odds - log_odds.mean()
        columns = np.column_stack([centred, np.ones(len(positive))])
        report["slope"], report["slope_ci"] = _logistic(columns, positive, participants)
    return report | {"bins": _bins(probability, positive)}


def decision_curve(
    probability: NDArray[np.float64],
    positive: NDArray[np.bool_],
    participants: NDArray[np.str_],
    *,
    seed: int,
    n_draws: int = N_DRAWS,
) -> dict[str, Any]:
    r"""Compute the net benefit of acting on everybody above a threshold probability.

    With the threshold :math:`t`, one false alarm is worth :math:`t / (1 - t)` of a hit:
    :math:`\mathrm{NB}(t) = (\mathrm{TP} - \mathrm{FP} \, t / (1 - t)) / n`, acting where :math:`p \ge t`.

    Parameters
    ----------
    probability, positive, participants : (n,) arrays
        As for :func:`calibration`.
    seed : int
        Study seed.
    n_draws : int
        Samples of people behind the interval.

    Returns
    -------
    curve : dict
        ``thresholds`` .05 to .95; ``net_benefit`` of the model, its 95 % percentile interval (``net_benefit_low``,
        ``net_benefit_high``) over samples of people drawn with replacement inside each label, so that the prevalence
        stays; ``treat_all``; ``treat_none`` (0); ``prevalence`` of this sample.

    References
    ----------
    Vickers & Elkin (2006), 10.1177/0272989X06295361.
    """
    per_row = _benefits(probability, positive)
    prevalence = float(positive.mean())
    odds = THRESHOLDS / (1.0 - THRESHOLDS)
    weights = _samples(positive, participants, n_draws, seed)
    drawn = weights @ per_row / weights.sum(axis=1, keepdims=True)
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return {
        "thresholds": THRESHOLDS.tolist(),
        "net_benefit": per_row.mean(axis=0).tolist(),
        "net_benefit_low": low.tolist(),
        "net_benefit_high": high.tolist(),
        "treat_all": (prevalence - (1.0 - prevalence) * odds).tolist(),
        "treat_none": 0.0,
        "prevalence": prevalence,
        "interval_method": f"percentiles over {n_draws} samples of people, models as they are",
    }


def decision_intervals(right: NDArray[np.float64], positive: NDArray[np.bool_]) -> dict[str, list[float]]:
    """Return intervals of sensitivity, specificity and balanced accuracy.

    Parameters
    ----------
    right : (n,) array
        Share of the repeats in which the decision about a row was right.
    positive : (n,) array of bool
        Labels, both present.

    Returns
    -------
    intervals : dict
        ``sensitivity_ci``, ``specificity_ci``: Wilson intervals with the number of rows of that label, however many
        repeats there were. ``balanced_accuracy_ci``: from the two, as of independent shares.

    References
    ----------
    Wilson (1927), 10.1080/01621459.1927.10502953; Zou & Donner (2008), 10.1002/sim.3095.
    """
    shares = [float(right[own].mean()) for own in (positive, ~positive)]
    intervals = [wilson(share, int(own.sum())) for share, own in zip(shares, (positive, ~positive), strict=True)]
    middle = sum(shares) / 2.0
    reaches = np.array(intervals) - np.array(shares)[:, None]
    down, up = (np.hypot(*reaches) / 2.0).tolist()
    return {
        "sensitivity_ci": list(intervals[0]),
        "specificity_ci": list(intervals[1]),
        "balanced_accuracy_ci": [middle - down, middle + up],
    }


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share of n; the share may be a mean over repeats."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * n, n, alpha=1.0 - LEVEL, method="wilson")
    return float(low), float(high)


def _logistic(
    columns: NDArray[np.float64],
    positive: NDArray[np.bool_],
    participants: NDArray[np.str_],
    offset: NDArray[np.float64] | None = None,
) -> tuple[float, list[float]]:
    """Return the first coefficient of a logistic regression and its interval."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    people, groups = np.unique(participants, return_inverse=True)
    model = GLM(positive.astype(float), columns, family=Binomial(), offset=offset)
    several = {"cov_type": "cluster", "cov_kwds": {"groups": groups}} if len(people) < len(participants) else {}
    fitted = model.fit(**several)
    return float(fitted.params[0]), [float(end) for end in fitted.conf_int(1.0 - LEVEL)[0]]


def _no_slope(log_odds: NDArray[np.float64], positive: NDArray[np.bool_]) -> str:
    """Say why there is no finite slope; empty when there is one."""
    if np.ptp(log_odds) <= _SAME_LOG_ODDS:
        return "the probabilities are all the same"
    above, below = log_odds[positive], log_odds[~positive]
    if below.max() <= above.min():
        return "the probabilities separate the labels completely: the slope is infinite"
    if above.max() <= below.min():
        return "the probabilities separate the labels completely, the wrong way round"
    return ""


def _bins(probability: NDArray[np.float64], positive: NDArray[np.bool_]) -> list[dict[str, Any]]:
    n_bins = int(np.clip(len(probability) // ROWS_PER_BIN, 2, MOST_BINS))
    inner_edges = np.quantile(probability, np.linspace(0.0, 1.0, n_bins + 1))[1:-1]
    place = np.searchsorted(inner_edges, probability)
    found = []
    for index in np.unique(place):
        own = place == index
        n, share = int(own.sum()), float(positive[own].mean())
        low, high = wilson(share, n)
        predicted = float(probability[own].mean())
        found.append({"predicted": predicted, "observed": share, "low": low, "high": high, "n": n})
    return found


def _benefits(probability: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what each row adds at each threshold, shape (n, thresholds)."""
    acted = probability[:, None] >= THRESHOLDS
    return np.asarray(acted * np.where(positive[:, None], 1.0, -THRESHOLDS / (1.0 - THRESHOLDS)), dtype=float)


def _samples(
    positive: NDArray[np.bool_], participants: NDArray[np.str_], n_draws: int, seed: int
) -> NDArray[np.float64]:
    """Return how often each row is drawn in each sample of people, shape (n_draws, n); each label has its own people.

    People who have rows of both labels are all drawn together, both rows at once.
    """
    generator = np.random.default_rng(seed_for(seed, "decision curve"))
    weights = np.zeros((n_draws, len(positive)))
    shared = bool(set(participants[positive].tolist()) & set(participants[~positive].tolist()))
    for rows in [np.arange(len(positive))] if shared else [np.flatnonzero(positive), np.flatnonzero(~positive)]:
        people, of_row = np.unique(participants[rows], return_inverse=True)
        chances = np.full(len(people), 1.0 / len(people))
        weights[:, rows] = generator.multinomial(len(people), chances, size=n_draws)[:, of_row]
    return weights
