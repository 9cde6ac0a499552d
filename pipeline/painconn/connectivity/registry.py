"""The measures that a study can name."""

from typing import Any, Literal

from painconn.connectivity.definition import Estimator, MeasureDefinition

EPOCHS: tuple[Estimator, ...] = ("over_epochs",)
TIME: tuple[Estimator, ...] = ("over_time",)
EITHER: tuple[Estimator, ...] = ("over_epochs", "over_time")
WEIGHTED_PLI = "10.1016/j.neuroimage.2011.01.055"


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


def _over_time(
    name: str,
    function: str,
    value_range: tuple[float | None, float | None],
    zero_lag_safe: Literal["gaussian_only", "no"],
    description: str,
    doi: str,
    takes: Literal["analytic", "band_signal"] = "analytic",
    **options: Any,
) -> MeasureDefinition:
    return MeasureDefinition(
        name=name,
        function=f"painconn.connectivity.{function}",
        takes=takes,
        estimators=TIME,
        kind="symmetric",
        value_range=value_range,
        min_epochs=1,
        min_cycles=5.0,
        zero_lag_safe=zero_lag_safe,
        description=description,
        doi=doi,
        options=options,
    )


_PAIRWISE = "envelope:orthogonalised_envelope_correlation"
_OVER_TIME = (
    _over_time(
        "aec_orth",
        _PAIRWISE,
        (-1.0, 1.0),
        "gaussian_only",
        "Amplitude-envelope correlation, pairwise orthogonalised, signed",
        "10.1038/nn.3101",
    ),
    _over_time(
        "aec_orth_abs",
        _PAIRWISE,
        (0.0, 1.0),
        "gaussian_only",
        "The same, absolute values averaged: above 0 without coupling",
        "10.1038/nn.3101",
        absolute=True,
    ),
    _over_time(
        "aec_orth_log",
        _PAIRWISE,
        (-1.0, 1.0),
        "gaussian_only",
        "The same of log power envelopes, signed",
        "10.1038/nn.3101",
        log=True,
    ),
    _over_time(
        "aec_orth_log_corrected",
        _PAIRWISE,
        (-1.0 / 0.577, 1.0 / 0.577),
        "gaussian_only",
        "The same of log power envelopes, over the 0.577 that orthogonalisation leaves of a correlation",
        "10.1038/nn.3101",
        log=True,
        corrected=True,
    ),
    _over_time(
        "aec_symmetric",
        "envelope:symmetric_orthogonalised_envelope_correlation",
        (-1.0, 1.0),
        "gaussian_only",
        "Amplitude-envelope correlation, all regions orthogonalised at once; needs full rank",
        "10.1016/j.neuroimage.2015.03.071",
    ),
    _over_time(
        "aec",
        "envelope:envelope_correlation",
        (-1.0, 1.0),
        "no",
        "Amplitude-envelope correlation, plain; a comparator that volume conduction inflates",
        "10.1038/nn.3101",
    ),
    _over_time(
        "wsmi",
        "information:weighted_symbolic_mutual_information",
        (None, 1.0),
        "no",
        "Weighted symbolic mutual information; its floor falls with the length of a segment",
        "10.1016/j.cub.2013.07.075",
        takes="band_signal",
    ),
)


def _from_cross(
    name: str,
    function: str,
    kind: Literal["symmetric", "antisymmetric", "directed", "multivariate"],
    value_range: tuple[float | None, float | None],
    zero_lag_safe: Literal["yes", "no"],
    description: str,
    doi: str,
) -> MeasureDefinition:
    takes: dict[str, Literal["cross", "whole_range", "components"]] = {
        "granger": "whole_range",
        "partial": "cross",
        "multivariate": "components",
    }
    return MeasureDefinition(
        name=name,
        function=f"painconn.connectivity.{function}",
        takes=takes[function.split(":")[0]],
        estimators=EPOCHS,
        kind=kind,
        value_range=value_range,
        min_epochs=20,
        min_cycles=5.0,
        zero_lag_safe=zero_lag_safe,
        description=description,
        doi=doi,
        both_directions=kind == "directed",
    )


_FROM_CROSS = (
    _from_cross(
        "gc",
        "granger:granger",
        "directed",
        (0.0, None),
        "no",
        "Granger causality of the row on the column, pairwise, by frequency",
        "10.1080/01621459.1982.10477803",
    ),
    _from_cross(
        "gc_tr",
        "granger:granger_time_reversed",
        "directed",
        (0.0, None),
        "no",
        "The same of the signals reversed in time",
        "10.1016/j.neuroimage.2012.09.036",
    ),
    _from_cross(
        "gc_net",
        "granger:granger_net",
        "antisymmetric",
        (None, None),
        "no",
        "Granger causality of the row on the column less that of the column on the row",
        "10.1080/01621459.1982.10477803",
    ),
    _from_cross(
        "trgc",
        "granger:time_reversed_contrast",
        "antisymmetric",
        (None, None),
        "yes",
        "Net Granger causality less that of the signals reversed in time",
        "10.1109/TSP.2016.2531628",
    ),
    _from_cross(
        "pcoh",
        "partial:partial_coherence",
        "symmetric",
        (0.0, 1.0),
        "no",
        "Partial coherence given all other regions, from a shrunk cross-spectral matrix",
        "10.1016/j.neuroimage.2009.12.022",
    ),
    _from_cross(
        "impcoh",
        "partial:partial_imaginary_coherence",
        "antisymmetric",
        (-1.0, 1.0),
        "yes",
        "Imaginary part of partial coherency; positive where the row leads the column",
        "10.1016/j.neuroimage.2009.12.022",
    ),
    _from_cross(
        "mim",
        "multivariate:multivariate_interaction",
        "multivariate",
        (0.0, None),
        "yes",
        "Multivariate interaction measure between regions of several components; grows with their number",
        "10.1016/j.neuroimage.2011.11.084",
    ),
    _from_cross(
        "mic",
        "multivariate:maximised_imaginary_coherency",
        "multivariate",
        (0.0, 1.0),
        "yes",
        "Maximised imaginary coherency between regions of several components",
        "10.1016/j.neuroimage.2011.11.084",
    ),
    _from_cross(
        "cacoh",
        "multivariate:canonical_coherence",
        "multivariate",
        (0.0, 1.0),
        "no",
        "Canonical coherence between regions of several components; volume conduction inflates it",
        "10.1016/j.neuroimage.2019.116009",
    ),
)

MEASURES: dict[str, MeasureDefinition] = {
    definition.name: definition for definition in (*_SPECTRAL, *_OVER_TIME, *_FROM_CROSS)
}
