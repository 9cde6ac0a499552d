"""The measures that a study can name."""

from dataclasses import dataclass, field
from typing import Any, Literal

Estimator = Literal["over_epochs", "over_time"]

EPOCHS: tuple[Estimator, ...] = ("over_epochs",)
TIME: tuple[Estimator, ...] = ("over_time",)
EITHER: tuple[Estimator, ...] = ("over_epochs", "over_time")
WEIGHTED_PLI = "10.1016/j.neuroimage.2011.01.055"


@dataclass(frozen=True)
class MeasureDefinition:
    """What a connectivity measure is.

    Parameters
    ----------
    name : str
        Name in a study file and in column names.
    function : str
        ``"module:function"``, loaded on use.
    takes : {'sums', 'bins', 'cross', 'components', 'analytic', 'band_signal'}
        What the function is given: sums of one cross-spectral pass bin by bin, those of all bins of a band together,
        the mean cross-spectral matrix from 0 Hz to Nyquist, the same with several components per region, band-limited
        analytic signals, or band-limited signals.
    estimators : tuple of {'over_epochs', 'over_time'}
        Whether the samples are epochs (one value per epoch and frequency) or the time points of contiguous segments
        (then averaged over segments). A measure that corrects for the number of samples needs independent ones: epochs.
    kind : {'symmetric', 'antisymmetric', 'hermitian', 'directed', 'multivariate'}
        What the matrix does under transposition; multivariate ones are symmetric and relate regions of several
        components.
    value_range : tuple of float
        Smallest and largest possible value (of the magnitude, for complex ones); None where there is no bound.
    min_epochs : int
        Gate: epochs (or segments) below which it is not computable.
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
    function: str
    takes: Literal["sums", "bins", "cross", "components", "analytic", "band_signal"]
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


def _spectral(
    name: str,
    function: str,
    kind: Literal["symmetric", "antisymmetric", "hermitian", "directed"],
    value_range: tuple[float | None, float | None],
    zero_lag_safe: Literal["yes", "no"],
    description: str,
    doi: str,
    estimators: tuple[Estimator, ...] = EITHER,
    takes: Literal["sums", "bins"] = "sums",
) -> MeasureDefinition:
    return MeasureDefinition(
        name=name,
        function=f"painconn.connectivity.phase:{function}",
        takes=takes,
        estimators=estimators,
        kind=kind,
        value_range=value_range,
        min_epochs=20,
        min_cycles=5.0,
        zero_lag_safe=zero_lag_safe,
        description=description,
        doi=doi,
    )


_SPECTRAL = (
    _spectral(
        "wpli2_debiased",
        "debiased_squared_wpli",
        "symmetric",
        (-1.0, 1.0),
        "yes",
        "Debiased squared weighted phase-lag index (may be negative)",
        WEIGHTED_PLI,
        EPOCHS,
    ),
    _spectral(
        "wpli",
        "weighted_phase_lag_index",
        "symmetric",
        (0.0, 1.0),
        "yes",
        "Weighted phase-lag index; its floor falls with the number of epochs",
        WEIGHTED_PLI,
    ),
    _spectral(
        "pli2_unbiased",
        "unbiased_squared_pli",
        "symmetric",
        (-1.0, 1.0),
        "yes",
        "Unbiased squared phase-lag index (may be negative)",
        WEIGHTED_PLI,
        EPOCHS,
    ),
    _spectral(
        "pli",
        "phase_lag_index",
        "symmetric",
        (0.0, 1.0),
        "yes",
        "Phase-lag index; its floor falls with the number of epochs",
        "10.1002/hbm.20346",
    ),
    _spectral(
        "dpli",
        "directed_phase_lag_index",
        "directed",
        (0.0, 1.0),
        "yes",
        "Directed phase-lag index; above 0.5 where the row leads, upper triangle 1 - lower",
        "10.1016/j.neuroimage.2012.05.050",
    ),
    _spectral(
        "imcoh",
        "imaginary_coherence",
        "antisymmetric",
        (-1.0, 1.0),
        "yes",
        "Imaginary part of coherency; positive where the row leads the column",
        "10.1016/j.clinph.2004.04.029",
    ),
    _spectral(
        "lagged_coh",
        "lagged_coherence",
        "symmetric",
        (0.0, 1.0),
        "yes",
        "Lagged coherence: imaginary part over what the real part leaves",
        "10.48550/arXiv.0706.1776",
    ),
    _spectral(
        "coh",
        "coherence",
        "symmetric",
        (0.0, 1.0),
        "no",
        "Magnitude of coherency; a comparator that volume conduction inflates",
        "10.1016/j.clinph.2004.04.029",
    ),
    _spectral(
        "cohy",
        "coherency",
        "hermitian",
        (0.0, 1.0),
        "no",
        "Coherency, complex; not a column of the table (use coh and imcoh)",
        "10.1016/j.clinph.2004.04.029",
    ),
    _spectral(
        "plv",
        "phase_locking_value",
        "symmetric",
        (0.0, 1.0),
        "no",
        "Phase-locking value; inflated by volume conduction and by few epochs",
        "10.1002/(SICI)1097-0193(1999)8:4<194::AID-HBM4>3.0.CO;2-C",
    ),
    _spectral(
        "ciplv",
        "corrected_imaginary_plv",
        "symmetric",
        (0.0, 1.0),
        "yes",
        "Corrected imaginary phase locking",
        "10.1088/1741-2552/aacfe4",
    ),
    _spectral(
        "ppc",
        "pairwise_phase_consistency",
        "symmetric",
        (-1.0, 1.0),
        "no",
        "Pairwise phase consistency, without bias by the number of epochs (may be negative)",
        "10.1016/j.neuroimage.2010.01.073",
        EPOCHS,
    ),
    _spectral(
        "psi",
        "phase_slope_index",
        "antisymmetric",
        (None, None),
        "yes",
        "Phase-slope index; positive where the row leads the column",
        "10.1103/PhysRevLett.100.234101",
        EPOCHS,
        "bins",
    ),
)

_ENVELOPE = (
    MeasureDefinition(
        name="aec_orth",
        function="painconn.connectivity.envelope:orthogonalised_envelope_correlation",
        takes="analytic",
        estimators=TIME,
        kind="symmetric",
        value_range=(-1.0, 1.0),
        min_epochs=1,
        min_cycles=5.0,
        zero_lag_safe="gaussian_only",
        description="Amplitude-envelope correlation, pairwise orthogonalised, signed",
        doi="10.1038/nn.3101",
    ),
)

MEASURES: dict[str, MeasureDefinition] = {definition.name: definition for definition in (*_SPECTRAL, *_ENVELOPE)}
