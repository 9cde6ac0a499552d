"""The linear model of one effect with nuisance columns, and its statistic under rearrangement of the residuals.

Conventions of this file: values are (people, tests); a rearrangement acts on people. The model is
``Y = x beta + Z gamma + error`` where the error variance may differ between *variance groups* of people. With
``r`` the effect column after removal of ``Z`` and ``R`` the residual-forming matrix of the full model::

    estimate = r'Y / r'r
    variance = sum_g s_g^2 sum_{i in g} r_i^2 / (r'r)^2,   s_g^2 = sum_{i in g} e_i^2 / d_g,   d_g = sum_{i in g} R_ii
    df       = variance^2 / sum_g (term_g^2 / d_g)

which is Welch's t with its degrees of freedom for two groups without covariates, the usual t for one variance group.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem
from painconn.inference.rearrangements import Rearrangements

Floats = NDArray[np.float64]

_RANK_TOLERANCE = 1e-9
# Residual variance below this share of the reduced model's is rounding: a test that separates perfectly stays finite.
_VARIANCE_FLOOR = 1e-13


@dataclass(frozen=True)
class LinearModel:
    """A fitted design: everything about the model that does not depend on the values.

    Attributes
    ----------
    nuisance_basis : array, shape (people, nuisance rank)
        Orthonormal basis of the nuisance columns.
    effect : array, shape (people,)
        The effect column with the nuisance removed.
    information : float
        Sum of squares of ``effect``; for two groups without covariates n_a n_b / (n_a + n_b).
    basis : array, shape (people, rank)
        Orthonormal basis of the whole model, turned so that its columns are also orthogonal within variance groups.
    groups : array, shape (variance groups, people)
        Membership, 0 or 1.
    shares : array, shape (variance groups, rank)
        Squared length of each basis column inside each variance group.
    weights, df : array, shape (variance groups,)
        Weight of the group's error variance in the variance of the estimate, and its residual degrees of freedom.
    """

    nuisance_basis: Floats
    effect: Floats
    information: float
    basis: Floats
    groups: Floats
    shares: Floats
    weights: Floats
    df: Floats

    def residuals(self, values: Floats) -> Floats:
        """Remove the nuisance columns from values, shape (people, tests)."""
        return values - self.nuisance_basis @ (self.nuisance_basis.T @ values)


@dataclass(frozen=True)
class Fit:
    """The observed model, one number per test: estimate, its standard error, t, degrees of freedom, and the plain t.

    ``pooled_t`` assumes one error variance (ordinary least squares), with ``pooled_df`` degrees of freedom.
    """

    estimate: Floats
    standard_error: Floats
    t: Floats
    df: Floats
    pooled_t: Floats
    pooled_df: float


def linear_model(effect: Floats, nuisance: Floats, groups: Floats, *, where: str) -> LinearModel:
    """Prepare the model of one effect.

    Parameters
    ----------
    effect : array, shape (people,)
        Column of interest: 0 and 1 for two groups, ones for paired differences.
    nuisance : array, shape (people, k)
        Columns to adjust for, with the intercept where the model has one; k may be 0, columns may be dependent.
    groups : array, shape (variance groups, people)
        Membership (0 or 1) of people with the same error variance.
    where : str
        Name of the comparison for error messages.

    Returns
    -------
    model : LinearModel

    Raises
    ------
    DesignError
        When the nuisance determines the effect, or too few people are left to estimate an error variance.
    """
    nuisance_basis = _orthonormal(nuisance)
    reduced = effect - nuisance_basis @ (nuisance_basis.T @ effect)
    information = float(reduced @ reduced)
    if information <= _RANK_TOLERANCE * float(effect @ effect):
        raise DesignError(
            Problem(
                where,
                "covariates (or strata) that determine the groups or the difference completely",
                "at least some people in whom they differ",
                "drop the covariate or the stratification, or add people",
            )
        )
    basis = np.column_stack([nuisance_basis, reduced / np.sqrt(information)])
    basis = basis @ np.linalg.eigh(basis.T @ (basis * groups[0][:, None]))[1]
    shares = groups @ basis**2
    df = groups.sum(axis=1) - shares.sum(axis=1)
    if df.min() < 1 - _RANK_TOLERANCE:
        raise DesignError(
            Problem(
                where,
                f"{effect.size} people in groups of {groups.sum(axis=1).astype(int).tolist()} "
                f"for a model of {basis.shape[1]} columns",
                "at least one residual degree of freedom in every group",
                "use fewer covariates or add people",
            )
        )
    return LinearModel(
        nuisance_basis=nuisance_basis,
        effect=reduced,
        information=information,
        basis=basis,
        groups=groups,
        shares=shares,
        weights=groups @ reduced**2 / information**2,
        df=df,
    )


def fit(model: LinearModel, values: Floats) -> Fit:
    """Estimate the effect in every test.

    Parameters
    ----------
    model : LinearModel
    values : array, shape (people, tests)
        Finite values.

    Returns
    -------
    fit : Fit
    """
    reduced = model.residuals(values)
    estimate = model.effect @ reduced / model.information
    squares = (reduced - np.outer(model.effect, estimate)) ** 2
    floor = _VARIANCE_FLOOR * (reduced**2).sum(axis=0)
    terms = np.maximum(model.groups @ squares, floor) * (model.weights / model.df)[:, None]
    variance = terms.sum(axis=0)
    pooled_df = values.shape[0] - model.basis.shape[1]
    pooled = np.maximum(squares.sum(axis=0), floor) / pooled_df / model.information
    return Fit(
        estimate=estimate,
        standard_error=np.sqrt(variance),
        t=estimate / np.sqrt(variance),
        df=variance**2 / (terms**2 / model.df[:, None]).sum(axis=0),
        pooled_t=estimate / np.sqrt(pooled),
        pooled_df=float(pooled_df),
    )


def rearranged_statistics(
    model: LinearModel, residuals: Floats, rearrangements: Rearrangements, span: slice
) -> tuple[Floats, Floats]:
    """Compute t and its degrees of freedom for a span of rearrangements, by matrix products only.

    Parameters
    ----------
    model : LinearModel
    residuals : array, shape (people, tests)
        Residuals of the reduced (nuisance) model, each column with unit sum of squares.
    rearrangements : Rearrangements
        Which residual goes to which row of the design, and with which sign.
    span : slice
        The rearrangements to compute.

    Returns
    -------
    t, df : array, shape (rearrangements in span, tests)

    References
    ----------
    Freedman-Lane scheme: 10.1016/j.neuroimage.2014.01.060. Studentised: 10.1080/01621459.2016.1202117.
    """
    from painconn.inference.statistic_kernels import studentise

    columns = _moving_columns(model, rearrangements, span)
    shares = model.groups @ columns**2
    shares[shares < _RANK_TOLERANCE] = 0.0
    squares = _squares(model, residuals**2, rearrangements, span)
    inside = _products(model, columns, shares, residuals, rearrangements, span)
    t, df = np.empty(inside.shape[2:]), np.empty(inside.shape[2:])
    projection = columns.T @ model.effect / model.information
    studentise(inside, squares, shares, projection, model.weights, model.df, _VARIANCE_FLOOR, t, df)
    return t, df


def rearranged_correlations(
    model: LinearModel, residuals: Floats, rearrangements: Rearrangements, span: slice
) -> Floats | None:
    """Correlate the effect with rearranged residuals where ``|t|`` is a rising function of that alone.

    So it is with one error variance when nothing moves the nuisance: two groups of equal variances without covariates,
    signs of paired differences, a score without covariates. ``t = c sqrt(df / (1 - c^2))``.

    Parameters
    ----------
    model, residuals, rearrangements, span
        As in :func:`rearranged_statistics`.

    Returns
    -------
    correlations : array, shape (rearrangements in span, tests), or None
        None when more is needed.
    """
    columns = _moving_columns(model, rearrangements, span)
    if len(model.groups) > 1 or columns.shape[1] > 1:
        return None
    return rearrangements.place(columns[:, 0], span) @ residuals


def _moving_columns(model: LinearModel, rearrangements: Rearrangements, span: slice) -> Floats:
    """Return the columns whose products have to be made.

    With one variance group any basis will do, and nuisance columns that nothing moves (the intercept, strata) have no
    product with residuals of the nuisance.
    """
    if len(model.groups) > 1:
        return model.basis
    moving = [column for column in model.nuisance_basis.T if not rearrangements.keep(column, span)]
    return np.column_stack([*moving, model.effect / np.sqrt(model.information)])


def _products(
    model: LinearModel,
    columns: Floats,
    shares: Floats,
    residuals: Floats,
    rearrangements: Rearrangements,
    span: slice,
) -> Floats:
    """Multiply each column, within each variance group, with the rearranged residuals."""
    n_rows = len(range(*span.indices(len(rearrangements))))
    inside = np.empty((*shares.shape, n_rows, residuals.shape[1]))
    wanted = list(zip(*np.nonzero(shares), strict=True))
    nuisance = model.nuisance_basis
    # Two groups and no covariate: the residuals of both sum to 0, so that one sum tells the other.
    mirrored = len(model.groups) == 2 and nuisance.shape[1] == 1 and rearrangements.keep(nuisance[:, 0], span)
    for group, column in wanted[:1] if mirrored else wanted:
        placed = rearrangements.place(model.groups[group] * columns[:, column], span)
        np.matmul(placed, residuals, out=inside[group, column])
    if mirrored:
        (group, column), (other, mirror) = wanted
        lengths = np.sqrt(model.groups.sum(axis=1))
        signs = [np.sign(model.groups[g] @ columns[:, c]) for g, c in wanted]
        factor = -signs[0] * signs[1] * lengths[group] / lengths[other]
        np.multiply(inside[group, column], factor, out=inside[other, mirror])
    return inside


def _squares(model: LinearModel, squared: Floats, rearrangements: Rearrangements, span: slice) -> Floats:
    """Sum squared residuals within variance groups, shape (groups, rearrangements, or 1 when all are alike, tests)."""
    if rearrangements.rows is None:
        return np.asarray((model.groups @ squared)[:, np.newaxis])
    if len(model.groups) == 1:
        return np.ones((1, 1, squared.shape[1]))
    n_rows = len(range(*span.indices(len(rearrangements))))
    squares = np.empty((len(model.groups), n_rows, squared.shape[1]))
    for group, own in zip(model.groups[:-1], squares[:-1], strict=True):
        np.matmul(rearrangements.place(group, span, signed=False), squared, out=own)
    np.subtract(1.0, squares[:-1].sum(axis=0) if len(squares) > 2 else squares[0], out=squares[-1])
    return squares


def normal_score(t: Floats, df: Floats) -> Floats:
    """Turn ``|t|`` with its own degrees of freedom into the normal deviate of about equal tail probability.

    ``z = sqrt(df log(1 + t^2 / df)) (8 df + 1) / (8 df + 3)`` (Wallace 1959, 10.1214/aoms/1177706093): tests and
    rearrangements whose degrees of freedom differ become comparable, which a maximum over them needs.
    """
    score = np.sqrt(df * np.log1p(t * t / df))
    return np.asarray(score * ((8 * df + 1) / (8 * df + 3)), dtype=np.float64)


def _orthonormal(columns: Floats) -> Floats:
    if columns.shape[1] == 0:
        return columns
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    return np.ascontiguousarray(left[:, singular > _RANK_TOLERANCE * singular[0]])
