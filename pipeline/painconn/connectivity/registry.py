"""The measures that a study can name."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MeasureDefinition:
    """What a connectivity measure is.

    Parameters
    ----------
    name : str
        Name in a study file and in column names.
    function : str
        ``"module:function"``, loaded on use.
    estimator : {'over_epochs', 'over_time'}
        Phase measures are estimated over epochs; envelope measures over the samples of contiguous segments.
    kind : {'symmetric', 'antisymmetric'}
        What the matrix does under transposition.
    value_range : tuple of float
        Smallest and largest possible value.
    zero_lag_safe : {'yes', 'gaussian_only', 'no'}
        Whether instantaneous mixing of independent sources leaves it at its floor: always, only for stationary
        Gaussian sources, or not at all.
    description, doi : str
        One line for people, and the source.
    """

    name: str
    function: str
    estimator: Literal["over_epochs", "over_time"]
    kind: Literal["symmetric", "antisymmetric"]
    value_range: tuple[float, float]
    zero_lag_safe: Literal["yes", "gaussian_only", "no"]
    description: str
    doi: str


MEASURES: dict[str, MeasureDefinition] = {
    definition.name: definition
    for definition in (
        MeasureDefinition(
            name="wpli2_debiased",
            function="painconn.connectivity.phase:wpli2_debiased",
            estimator="over_epochs",
            kind="symmetric",
            value_range=(-1.0, 1.0),
            zero_lag_safe="yes",
            description="Debiased squared weighted phase-lag index (may be negative)",
            doi="10.1016/j.neuroimage.2011.01.055",
        ),
        MeasureDefinition(
            name="imcoh",
            function="painconn.connectivity.phase:imaginary_coherence",
            estimator="over_epochs",
            kind="antisymmetric",
            value_range=(-1.0, 1.0),
            zero_lag_safe="yes",
            description="Imaginary part of coherency; positive where the row leads the column",
            doi="10.1016/j.clinph.2004.04.029",
        ),
        MeasureDefinition(
            name="coh",
            function="painconn.connectivity.phase:coherence",
            estimator="over_epochs",
            kind="symmetric",
            value_range=(0.0, 1.0),
            zero_lag_safe="no",
            description="Magnitude of coherency; a comparator that volume conduction inflates",
            doi="10.1016/j.clinph.2004.04.029",
        ),
        MeasureDefinition(
            name="aec_orth",
            function="painconn.connectivity.envelope:orthogonalised_envelope_correlation",
            estimator="over_time",
            kind="symmetric",
            value_range=(-1.0, 1.0),
            zero_lag_safe="gaussian_only",
            description="Amplitude-envelope correlation, pairwise orthogonalised, signed",
            doi="10.1038/nn.3101",
        ),
    )
}
