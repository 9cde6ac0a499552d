"""What the registry says of a measure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Literal

Estimator = Literal["over_epochs", "over_time"]

ALWAYS_DOUBLE = ("cross", "whole_range", "components")
"""What measures take that are computed in double precision whatever is asked for."""

FEWEST_SURROGATES = 50
"""Surrogates from which every edge has a 95 % bound, also where some of them do not count for it."""


@dataclass(frozen=True)
class MeasureDefinition:
    """What a connectivity measure is.

    Parameters
    ----------
    name : str
        Name in a study file and in column names.
    label : str
        Short name in a text.
    function : str
        ``"module:function"``, loaded on use.
    takes : {'sums', 'bins', 'cross', 'whole_range', 'components', 'analytic', 'band_signal'}
        What the function is given: sums of one cross-spectral pass bin by bin, those of all bins of a band together,
        the mean cross-spectral matrix of the bands, or from 0 Hz to Nyquist, or of several components per region,
        band-limited analytic signals, or band-limited signals.
    estimators : tuple of {'over_epochs', 'over_time'}
        Whether the samples are epochs (one value per epoch and frequency) or the time points of contiguous segments
        (then averaged over segments). A measure that corrects for the number of samples needs independent ones: epochs.
    kind : {'symmetric', 'antisymmetric', 'hermitian', 'directed', 'multivariate'}
        What the matrix does under transposition; multivariate ones are symmetric and relate regions of several
        components.
    value_range : tuple of float
        Smallest and largest possible value (of the magnitude, for complex ones); None where there is no bound.
    min_epochs : int
        Gate: epochs below which it is not computable over epochs; segments are not counted.
    min_cycles : float
        Gate: cycles of a band's lower edge that an epoch (or segment) must hold.
    zero_lag_safe : {'yes', 'gaussian_only', 'no'}
        Whether instantaneous mixing of independent sources leaves it at its floor: always, only for stationary
        Gaussian sources, or not at all.
    description, doi : str
        One line for people, and the source.
    both_directions : bool
        Whether the two triangles of a directed matrix say different things (one follows from the other for dPLI).
    options : dict
        Fixed arguments of the function.
    """

    name: str
    label: str
    function: str
    takes: Literal["sums", "bins", "cross", "whole_range", "components", "analytic", "band_signal"]
    estimators: tuple[Estimator, ...]
    kind: Literal["symmetric", "antisymmetric", "hermitian", "directed", "multivariate"]
    value_range: tuple[float | None, float | None]
    min_epochs: int
    min_cycles: float
    zero_lag_safe: Literal["yes", "gaussian_only", "no"]
    description: str
    doi: str
    both_directions: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def signed_by_order(self) -> bool:
        """Whether a pair has one value, and its sign (dPLI: its side of 0.5) says which of the two leads."""
        return self.kind == "antisymmetric" or (self.kind == "directed" and not self.both_directions)

    def load(self) -> Callable[..., Any]:
        """Return the function, with its fixed options."""
        module, _, function = self.function.partition(":")
        return partial(getattr(import_module(module), function), **self.options)
