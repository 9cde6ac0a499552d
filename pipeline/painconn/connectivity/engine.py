"""The engine: signals in, every requested measure in every band out.

*Over epochs*: an epoch gives one cross-spectrum per frequency, and a measure looks at how consistent it is from epoch
to epoch; it needs many epochs, and a single one always looks perfectly locked. *Over time*: a measure looks at the
time points within a contiguous segment and is averaged over segments; neighbouring time points are not independent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.computation import Analytic, EpochPlan, Found, compute_over_time
from painconn.connectivity.definition import Estimator, MeasureDefinition
from painconn.connectivity.estimate import DEFAULT_GATES, Connectivity, Gates, Key, unscored_pairs
from painconn.connectivity.gates import why_not_components, why_not_over_epochs, why_not_over_time
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.spectra import Precision
from painconn.connectivity.transforms import Bands, SpectraName, transform
from painconn.connectivity.usable import Usable


def over_epochs(
    signals: NDArray[np.floating],
    *,
    sfreq_hz: float,
    bands_hz: Bands,
    measures: Sequence[str],
    spectra: SpectraName = "multitaper",
    half_bandwidth_hz: float = 1.0,
    n_cycles: float = 7.0,
    region_of: NDArray[np.intp] | None = None,
    highest_hz: float = np.inf,
    gates: Gates | None = DEFAULT_GATES,
    precision: Precision = "float64",
    shrinkage: float | None = None,
    halves: bool = False,
) -> Connectivity:
    """Compute measures over epochs in bands, all bivariate spectral ones from one cross-spectral pass.

    A measure is computed per frequency bin and averaged over the bins of a band.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Real signals; multivariate measures take several rows per region, see `region_of`.
    sfreq_hz : float
        Sampling rate.
    bands_hz : mapping
        Half-open bands ``[low, high)`` by name.
    measures : sequence of str
        Names of `MEASURES` that are estimated over epochs.
    spectra : {'multitaper', 'fourier', 'morlet'}
        Slepian tapers, one Hann window, or Morlet wavelets (at whole Hz from the lower edge, at times half a standard
        deviation of the longest wavelet apart, averaged over both).
    half_bandwidth_hz : float
        Of multitaper spectra.
    n_cycles : float
        Of Morlet wavelets.
    region_of : array of int, shape (rows,) | None
        Region, 0 to regions - 1, of each row of the signals, for multivariate measures; other measures then relate the
        rows. None: every row is a region.
    highest_hz : float
        Highest frequency that the data hold (their low-pass).
    gates : Gates | None
        Limits; None refuses nothing, and a single epoch then looks perfectly locked.
    precision : {'float64', 'float32'}
        Of the cross-spectral pass. Single precision agrees with double to about 1e-4; measures made of signs (pli,
        dpli, pli2_unbiased) to a few epochs whose sign flips.
    shrinkage : float | None
        Of partial measures, in [0, 1]; None lets the data decide, over all regions together.
    halves : bool
        Whether to compute every other epoch apart, too (equally many in both halves).

    Returns
    -------
    connectivity : Connectivity

    Raises
    ------
    ValueError
        For a measure that is unknown or not estimated over epochs, unknown spectra or precision, signals of another
        shape, or `region_of` that does not fit them.
    """
    definitions = _definitions(measures, "over_epochs")
    _require_precision(precision)
    usable = Usable.of(signals)
    rows = _regions(region_of, usable.n_regions)
    n_epochs, _, n_times = signals.shape
    chosen = transform(spectra, n_times, sfreq_hz=sfreq_hz, half_bandwidth_hz=half_bandwidth_hz, n_cycles=n_cycles)
    smoothing_hz = {band: chosen.smoothing_hz(band_hz) for band, band_hz in bands_hz.items()}

    def why_not(definition: MeasureDefinition, band: str, limits: Gates) -> str | None:
        if definition.takes == "components":
            few = why_not_components(np.bincount(rows), n_samples=limits.independent(n_epochs) * (chosen.n_tapers or 1))
            if few:
                return few
        return why_not_over_epochs(
            bands_hz[band],
            n_epochs=limits.independent(n_epochs),
            epoch_length_s=n_times / sfreq_hz,
            half_bandwidth_hz=smoothing_hz[band],
            highest_hz=min(highest_hz, sfreq_hz / 2),
            min_epochs=definition.min_epochs if limits.min_epochs is None else limits.min_epochs,
            min_cycles=_min_cycles(definition, limits),
        )

    refused = _refused(definitions, bands_hz, why_not, gates)
    wanted = {band: [each for each in definitions if (each.name, band) not in refused] for band in bands_hz}
    plan = EpochPlan(chosen, bands_hz, wanted, usable, rows, precision, shrinkage)
    found = plan.run(signals)
    copied = tuple(sorted({*usable.copied, *found.copied}))
    return Connectivity(
        estimator="over_epochs",
        n_epochs=n_epochs,
        epoch_length_s=n_times / sfreq_hz,
        smoothing_hz=smoothing_hz,
        n_tapers=chosen.n_tapers,
        matrices=found.matrices,
        not_computable=refused | found.refused,
        unusable_regions=usable.reasons,
        copied_pairs=copied,
        unscored_pairs=unscored_pairs(found.matrices, usable.reasons, copied, usable.n_regions),
        shrinkage=found.shrinkage,
        halves=tuple(plan.run(half).matrices for half in _halves(signals, halves)),
    )


def over_time(
    segments: Callable[[str], Analytic],
    *,
    sfreq_hz: float,
    bands_hz: Bands,
    measures: Sequence[str],
    smoothing_hz: Mapping[str, float] | None = None,
    highest_hz: float = np.inf,
    gates: Gates | None = DEFAULT_GATES,
    precision: Precision = "float64",
    halves: bool = False,
) -> Connectivity:
    """Compute measures over the time points of contiguous segments, averaged over segments.

    Parameters
    ----------
    segments : callable
        Given the name of a band, returns the band-limited analytic signals, complex (segments, regions, times); called
        once per band that the data hold.
    sfreq_hz : float
        Sampling rate.
    bands_hz : mapping
        Bands by name.
    measures : sequence of str
        Names of `MEASURES` that are estimated over time.
    smoothing_hz : mapping of str to float | None
        Half-bandwidth of each band-pass, see `painconn.connectivity.envelope.band_smoothing_hz`; None when not known.
    highest_hz : float
        Highest frequency that the data hold (their low-pass).
    gates : Gates | None
        Limits; ``min_epochs`` counts epochs, not segments, and is not looked at. None refuses nothing.
    precision : {'float64', 'float32'}
        Of the computation.
    halves : bool
        Whether to compute every other segment apart, too (equally many in both halves).

    Returns
    -------
    connectivity : Connectivity

    Raises
    ------
    ValueError
        For a measure that is unknown or not estimated over time, or segments of another shape or another number of
        them in another band.
    """
    definitions = _definitions(measures, "over_time")
    _require_precision(precision)
    found, half_found = Found(), (Found(), Found())
    reasons: dict[int, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}

    def why_not(definition: MeasureDefinition, band: str, limits: Gates) -> str | None:
        return why_not_over_time(
            bands_hz[band],
            segment_length_s=shapes[band][2] / sfreq_hz if band in shapes else np.inf,
            half_bandwidth_hz=(smoothing_hz or {}).get(band, 0.0),
            highest_hz=min(highest_hz, sfreq_hz / 2),
            min_cycles=_min_cycles(definition, limits),
        )

    for band, band_hz in bands_hz.items():
        found.refused |= _refused(definitions, [band], why_not, gates)
        if not _left(definitions, band, found):
            continue
        # Read-only signals would make every kernel compile again.
        dtype = np.complex64 if precision == "float32" else np.complex128
        analytic: Analytic = np.require(segments(band), dtype, ["C", "W"])
        usable = Usable.of(analytic)
        shapes[band] = analytic.shape
        if len(set(shapes.values())) > 1:
            raise ValueError(f"segments differ between bands (number, regions, times): {shapes}")
        found.refused |= _refused(definitions, [band], why_not, gates)
        left = _left(definitions, band, found)
        reasons |= usable.reasons
        found.copied |= set(usable.copied)
        parts = zip((found, *half_found), (analytic, *_halves(analytic, halves)), strict=False)
        for into, part in parts:
            into.add(
                compute_over_time(
                    part, left, usable=usable, band=band, band_hz=band_hz, sfreq_hz=sfreq_hz, precision=precision
                )
            )
    n_segments, n_regions, n_times = next(iter(shapes.values()), (0, 0, 0))
    copied = tuple(sorted(found.copied))
    return Connectivity(
        estimator="over_time",
        n_epochs=n_segments,
        epoch_length_s=n_times / sfreq_hz,
        smoothing_hz=dict(smoothing_hz or {}),
        n_tapers=None,
        matrices=found.matrices,
        not_computable=found.refused,
        unusable_regions=reasons,
        copied_pairs=copied,
        unscored_pairs=unscored_pairs(found.matrices, reasons, copied, n_regions),
        halves=tuple(half.matrices for half in half_found) if halves and n_segments > 1 else (),
    )


def _definitions(measures: Sequence[str], estimator: Estimator) -> list[MeasureDefinition]:
    unknown = [name for name in measures if name not in MEASURES]
    if unknown:
        raise ValueError(f"unknown measure {', '.join(unknown)}; there are: {', '.join(MEASURES)}")
    definitions = [MEASURES[name] for name in measures]
    other = [definition.name for definition in definitions if estimator not in definition.estimators]
    if other:
        raise ValueError(f"not estimated {estimator.replace('_', ' ')}: {', '.join(other)}")
    return definitions


def _require_precision(precision: str) -> None:
    if precision not in get_args(Precision):
        raise ValueError(f"unknown precision {precision}; there are: {', '.join(get_args(Precision))}")


def _regions(region_of: NDArray[np.intp] | None, n_rows: int) -> NDArray[np.intp]:
    """Return the region of each row of the signals."""
    if region_of is None:
        return np.arange(n_rows)
    rows = np.asarray(region_of)
    if rows.shape != (n_rows,) or rows.dtype.kind not in "iu" or rows.min(initial=0) < 0:
        found = f"{rows.dtype} of shape {rows.shape}"
        raise ValueError(
            f"region_of is {found}, wanted a whole number from 0 for each of the {n_rows} rows of the signals"
        )
    return rows


def _min_cycles(definition: MeasureDefinition, limits: Gates) -> float:
    return definition.min_cycles if limits.min_cycles is None else limits.min_cycles


def _refused(
    definitions: Sequence[MeasureDefinition],
    bands: Iterable[str],
    why_not: Callable[[MeasureDefinition, str, Gates], str | None],
    gates: Gates | None,
) -> dict[Key, str]:
    if gates is None:
        return {}
    reasons = {
        (definition.name, band): why_not(definition, band, gates) for definition in definitions for band in bands
    }
    return {key: reason for key, reason in reasons.items() if reason}


def _left(definitions: Sequence[MeasureDefinition], band: str, found: Found) -> list[MeasureDefinition]:
    return [each for each in definitions if (each.name, band) not in found.refused]


def _halves(signals: NDArray, wanted: bool) -> tuple[NDArray, ...]:
    """Return every other epoch and the ones between, equally many."""
    even = 2 * (len(signals) // 2)
    return (signals[0:even:2], signals[1:even:2]) if wanted and even else ()
