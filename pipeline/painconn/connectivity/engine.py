"""The engine: signals in, every requested measure in every band out.

*Over epochs*: an epoch gives one cross-spectrum per frequency, and a measure looks at how consistent it is from epoch
to epoch; it needs many epochs, and a single one always looks perfectly locked. *Over time*: a measure looks at the
time points within a contiguous segment and is averaged over segments; neighbouring time points are not independent.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.cross_sums import CrossSums, sums_over_samples
from painconn.connectivity.definition import Estimator, MeasureDefinition
from painconn.connectivity.estimate import Connectivity, Gates, Key, Matrix, whole
from painconn.connectivity.gates import NotComputable, why_not_in_band, why_not_over_epochs, why_not_over_time
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.spectra import Precision
from painconn.connectivity.transforms import Bands, MorletTransform, SpectraName, TaperTransform, transform
from painconn.connectivity.usable import Usable

Found = dict[Key, Matrix]
Refused = dict[Key, str]
Analytic = NDArray[np.complexfloating]

_NO_BIN = "no frequency bin lies in the band: longer epochs or a wider band"
_NO_NEIGHBOURS = "spectra morlet: no evenly spaced frequencies, wanted multitaper or fourier"
_FROM_CROSS = ("cross", "whole_range", "components")
_UNIT_VECTORS = {"plv", "ciplv", "ppc"}


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
    gates: Gates | None = None,
    precision: Precision = "float64",
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
        Limits; None refuses nothing.
    precision : {'float64', 'float32'}
        Of the cross-spectral pass. Single precision agrees with double to about 1e-4; measures made of signs (pli,
        dpli, pli2_unbiased) to a few epochs whose sign flips.
    halves : bool
        Whether to compute every other epoch apart, too.

    Returns
    -------
    connectivity : Connectivity

    Raises
    ------
    ValueError
        For a measure that is unknown or not estimated over epochs, unknown spectra, or signals of another shape.
    """
    definitions = _definitions(measures, "over_epochs")
    usable = Usable.of(signals)
    n_epochs, _, n_times = signals.shape
    chosen = transform(spectra, n_times, sfreq_hz=sfreq_hz, half_bandwidth_hz=half_bandwidth_hz, n_cycles=n_cycles)
    smoothing_hz = {band: chosen.smoothing_hz(band_hz) for band, band_hz in bands_hz.items()}

    def why_not(definition: MeasureDefinition, band: str, limits: Gates) -> str | None:
        return why_not_over_epochs(
            bands_hz[band],
            n_epochs=n_epochs,
            epoch_length_s=n_times / sfreq_hz,
            half_bandwidth_hz=smoothing_hz[band],
            highest_hz=min(highest_hz, sfreq_hz / 2),
            min_epochs=definition.min_epochs if limits.min_epochs is None else limits.min_epochs,
            min_cycles=definition.min_cycles if limits.min_cycles is None else limits.min_cycles,
        )

    refused = _refused(definitions, bands_hz, why_not, gates)
    wanted = _wanted(definitions, bands_hz, refused)
    matrices, failed, copied = _over_epochs(signals, usable, chosen, wanted, bands_hz, region_of, precision)
    return Connectivity(
        estimator="over_epochs",
        n_epochs=n_epochs,
        epoch_length_s=n_times / sfreq_hz,
        smoothing_hz=smoothing_hz,
        n_tapers=chosen.n_tapers,
        matrices=matrices,
        not_computable=refused | failed,
        unusable_regions=usable.reasons,
        copied_pairs=tuple(sorted({*usable.copied, *copied})),
        halves=tuple(
            _over_epochs(signals[half::2], usable, chosen, wanted, bands_hz, region_of, precision)[0]
            for half in ((0, 1) if halves and n_epochs > 1 else ())
        ),
    )


def over_time(
    segments: Callable[[str], Analytic],
    *,
    sfreq_hz: float,
    bands_hz: Bands,
    measures: Sequence[str],
    highest_hz: float = np.inf,
    gates: Gates | None = None,
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
    highest_hz : float
        Highest frequency that the data hold (their low-pass).
    gates : Gates | None
        Limits; ``min_epochs`` counts epochs, not segments, and is not looked at. None refuses nothing.
    precision : {'float64', 'float32'}
        Of the computation.
    halves : bool
        Whether to compute every other segment apart, too.

    Returns
    -------
    connectivity : Connectivity

    Raises
    ------
    ValueError
        For a measure that is unknown or not estimated over time, or segments of another shape.
    """
    definitions = _definitions(measures, "over_time")
    found: Found = {}
    refused: Refused = {}
    half_found: tuple[Found, Found] = ({}, {})
    reasons: dict[int, str] = {}
    copied: set[tuple[int, int]] = set()
    n_segments, length_s = 0, 0.0
    for band, band_hz in bands_hz.items():
        reason = None if gates is None else why_not_in_band(band_hz, highest_hz=min(highest_hz, sfreq_hz / 2))
        if reason:
            refused |= {(definition.name, band): reason for definition in definitions}
            continue
        dtype = np.complex64 if precision == "float32" else np.complex128
        # Read-only signals would make every kernel compile again.
        analytic: Analytic = np.require(segments(band), dtype, ["C", "W"])
        n_segments, length_s = len(analytic), analytic.shape[-1] / sfreq_hz

        def why_not(definition: MeasureDefinition, band: str, limits: Gates, length_s: float = length_s) -> str | None:
            cycles = definition.min_cycles if limits.min_cycles is None else limits.min_cycles
            return why_not_over_time(bands_hz[band], segment_length_s=length_s, min_cycles=cycles)

        refused |= _refused(definitions, {band: band_hz}, why_not, gates)
        wanted = [definition for definition in definitions if (definition.name, band) not in refused]
        usable = Usable.of(analytic)
        reasons |= usable.reasons
        matrices, failed, alike = _over_time(analytic, usable, band, band_hz, wanted, sfreq_hz, precision)
        found, refused, copied = found | matrices, refused | failed, copied | alike | set(usable.copied)
        if halves and n_segments > 1:
            for half, into in enumerate(half_found):
                into |= _over_time(analytic[half::2], usable, band, band_hz, wanted, sfreq_hz, precision)[0]
    return Connectivity(
        estimator="over_time",
        n_epochs=n_segments,
        epoch_length_s=length_s,
        smoothing_hz={},
        n_tapers=None,
        matrices=found,
        not_computable=refused,
        unusable_regions=reasons,
        copied_pairs=tuple(sorted(copied)),
        halves=half_found if halves and n_segments > 1 else (),
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


def _refused(
    definitions: Sequence[MeasureDefinition],
    bands: Iterable[str],
    why_not: Callable[[MeasureDefinition, str, Gates], str | None],
    gates: Gates | None,
) -> Refused:
    if gates is None:
        return {}
    reasons = {
        (definition.name, band): why_not(definition, band, gates) for definition in definitions for band in bands
    }
    return {key: reason for key, reason in reasons.items() if reason}


def _wanted(
    definitions: Sequence[MeasureDefinition], bands: Iterable[str], refused: Refused
) -> dict[str, list[MeasureDefinition]]:
    """Return per band the measures that are left."""
    return {
        band: [definition for definition in definitions if (definition.name, band) not in refused] for band in bands
    }


def _over_epochs(
    signals: NDArray[np.floating],
    usable: Usable,
    chosen: TaperTransform | MorletTransform,
    wanted: dict[str, list[MeasureDefinition]],
    bands_hz: Bands,
    region_of: NDArray[np.intp] | None,
    precision: Precision,
) -> tuple[Found, Refused, set[tuple[int, int]]]:
    kept = usable.pick(signals)
    found: Found = {}
    refused: Refused = {}
    copied: set[tuple[int, int]] = set()
    takes = ("sums", "bins") if isinstance(chosen, TaperTransform) else ("sums",)
    bivariate = {band: [each for each in defined if each.takes in takes] for band, defined in wanted.items()}
    bivariate = {band: defined for band, defined in bivariate.items() if defined}
    if bivariate:
        with_phase = any(each.name in _UNIT_VECTORS for defined in bivariate.values() for each in defined)
        some = {band: bands_hz[band] for band in bivariate}
        for group in chosen.passes(some):
            try:
                sums = chosen.sums(kept, group, gains=usable.gains, with_phase=with_phase, precision=precision)
            except NotComputable as reason:
                sums = {}
                refused |= {(each.name, band): str(reason) for band in group for each in bivariate[band]}
            for band, of_band in sums.items():
                matrices, alike = _from_sums(of_band, bivariate[band], usable)
                found |= {(name, band): matrix for name, matrix in matrices.items()}
                copied |= alike
    others, missing = _from_cross(kept, usable, chosen, wanted, bands_hz, region_of)
    found, refused = found | others, refused | missing
    for band, defined in wanted.items():
        for each in defined:
            if (each.name, band) not in found | refused:
                refused[each.name, band] = _NO_BIN if isinstance(chosen, TaperTransform) else _NO_NEIGHBOURS
    return found, refused, copied


def _from_sums(
    sums: CrossSums, definitions: Sequence[MeasureDefinition], usable: Usable
) -> tuple[dict[str, Matrix], set[tuple[int, int]]]:
    """Score every pair, mean over bins; pairs whose imaginary part is round-off only are copies."""
    rows, columns = np.tril_indices(len(usable.regions), -1)
    copies = np.flatnonzero(sums.copied())
    found = {}
    for definition in definitions:
        values = definition.load()(sums).mean(axis=0)
        values[copies] = np.nan
        found[definition.name] = usable.embed(whole(values, definition.kind, len(usable.regions)))
    return found, {(int(usable.regions[rows[pair]]), int(usable.regions[columns[pair]])) for pair in copies}


def _from_cross(
    signals: NDArray[np.floating],
    usable: Usable,
    chosen: TaperTransform | MorletTransform,
    wanted: dict[str, list[MeasureDefinition]],
    bands_hz: Bands,
    region_of: NDArray[np.intp] | None,
) -> tuple[Found, Refused]:
    """Compute directed, partial and multivariate measures from one mean cross-spectral matrix."""
    bands_of: dict[str, list[str]] = {}
    for band, defined in wanted.items():
        for each in defined:
            if each.takes in _FROM_CROSS and chosen.has_bins(bands_hz[band]):
                bands_of.setdefault(each.name, []).append(band)
    if not bands_of:
        return {}, {}
    found: Found = {}
    refused: Refused = {}
    rows = np.arange(usable.n_regions) if region_of is None else np.asarray(region_of)
    n_regions = {
        "cross": usable.n_regions,
        "whole_range": usable.n_regions,
        "components": int(rows.max(initial=-1)) + 1,
    }
    if len(usable.regions) < 2:
        return {
            (name, band): _no_pairs(n_regions[MEASURES[name].takes])
            for name, bands in bands_of.items()
            for band in bands
        }, {}
    whole_range = any(MEASURES[name].takes == "whole_range" for name in bands_of)
    used = {band: bands_hz[band] for bands in bands_of.values() for band in bands}
    try:
        cross = chosen.mean_cross_spectra(signals, None if whole_range else used)
    except NotComputable as reason:
        return {}, {(name, band): str(reason) for name, bands in bands_of.items() for band in bands}
    for name, bands in bands_of.items():
        each = MEASURES[name]
        some = {band: bands_hz[band] for band in bands}
        try:
            if each.takes == "components":
                matrices = each.load()(cross, some, rows[usable.regions])
                matrices = {band: _padded(matrix, n_regions["components"]) for band, matrix in matrices.items()}
            else:
                matrices = each.load()(cross, some)
                matrices = {band: usable.embed(matrix) for band, matrix in matrices.items()}
            found |= {(name, band): matrix for band, matrix in matrices.items()}
        except NotComputable as reason:
            refused |= {(name, band): str(reason) for band in bands}
    return found, refused


def _padded(matrix: Matrix, n_regions: int) -> Matrix:
    """Add NaN rows and columns for trailing regions none of whose components is usable."""
    result = np.full_like(matrix, np.nan, shape=(n_regions, n_regions))
    result[: len(matrix), : len(matrix)] = matrix
    return result


def _no_pairs(n_regions: int) -> Matrix:
    return np.full((n_regions, n_regions), np.nan)


def _over_time(
    analytic: Analytic,
    usable: Usable,
    band: str,
    band_hz: tuple[float, float],
    definitions: Sequence[MeasureDefinition],
    sfreq_hz: float,
    precision: Precision,
) -> tuple[Found, Refused, set[tuple[int, int]]]:
    kept = usable.pick(analytic)
    found: Found = {}
    refused: Refused = {}
    copied: set[tuple[int, int]] = set()
    bivariate = [each for each in definitions if each.takes == "sums"]
    if bivariate:
        sums = sums_over_samples(kept, gains=usable.gains, precision=precision)
        matrices, copied = _from_sums(sums, bivariate, usable)
        found |= {(name, band): matrix for name, matrix in matrices.items()}
    others = [each for each in definitions if each.takes in ("analytic", "band_signal")]
    if len(usable.regions) < 2:
        return found | {(each.name, band): _no_pairs(usable.n_regions) for each in others}, refused, copied
    for each in others:
        try:
            if each.takes == "analytic":
                found[each.name, band] = usable.embed(each.load()(kept))
            else:
                matrix = each.load()(kept.real, sfreq_hz=sfreq_hz, band_hz=band_hz)
                found[each.name, band] = usable.embed(matrix)
        except NotComputable as reason:
            refused[each.name, band] = str(reason)
    return found, refused, copied
