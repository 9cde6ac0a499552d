"""From signals to the matrices of every wanted measure: what the engine does once it has decided what to compute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.cross_sums import CrossSums, sums_over_samples
from painconn.connectivity.definition import ALWAYS_DOUBLE, MeasureDefinition
from painconn.connectivity.estimate import Key, Matrix, whole
from painconn.connectivity.gates import NotComputable
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.spectra import Precision
from painconn.connectivity.transforms import Bands, MorletTransform, TaperTransform
from painconn.connectivity.usable import Usable

Analytic = NDArray[np.complexfloating]
Wanted = Mapping[str, Sequence[MeasureDefinition]]
Pairs = set[tuple[int, int]]

_NO_BIN = "no frequency bin lies in the band: longer epochs or a wider band"
_NO_NEIGHBOURS = "spectra morlet: no evenly spaced frequencies, wanted multitaper or fourier"
_UNIT_VECTORS = {"plv", "ciplv", "ppc"}


@dataclass
class Found:
    """Matrices as they are computed, reasons for those that are not, copies met on the way."""

    matrices: dict[Key, Matrix] = field(default_factory=dict)
    refused: dict[Key, str] = field(default_factory=dict)
    copied: Pairs = field(default_factory=set)
    shrinkage: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Found") -> None:
        """Take over what was found in another band."""
        self.matrices |= other.matrices
        self.refused |= other.refused
        self.copied |= other.copied


@dataclass(frozen=True)
class EpochPlan:
    """What is computed over epochs, and how.

    Attributes
    ----------
    transform : TaperTransform | MorletTransform
    bands_hz : mapping
        Half-open bands by name.
    wanted : mapping of str to sequence of MeasureDefinition
        Measures of each band.
    usable : Usable
        Rows of the signals that can be scored.
    region_of : array of int, shape (rows,)
        Region of each row, for multivariate measures.
    precision : {'float64', 'float32'}
        Of the cross-spectral pass.
    shrinkage : float | None
        Of partial measures; None lets the data decide.
    """

    transform: TaperTransform | MorletTransform
    bands_hz: Bands
    wanted: Wanted
    usable: Usable
    region_of: NDArray[np.intp]
    precision: Precision
    shrinkage: float | None

    def run(self, signals: NDArray[np.floating]) -> Found:
        """Compute from signals (epochs, rows, times)."""
        found = Found()
        kept = self.usable.pick(signals)
        self._add_bivariate(kept, found)
        self._add_from_cross(kept, found)
        missing = _NO_BIN if isinstance(self.transform, TaperTransform) else _NO_NEIGHBOURS
        for band, definitions in self.wanted.items():
            for each in definitions:
                if (each.name, band) not in found.matrices.keys() | found.refused.keys():
                    found.refused[each.name, band] = missing
        return found

    def _add_bivariate(self, signals: NDArray[np.floating], found: Found) -> None:
        """Score pairs from the sums of one pass over as many bands as possible."""
        takes = ("sums", "bins") if isinstance(self.transform, TaperTransform) else ("sums",)
        wanted = {band: [each for each in these if each.takes in takes] for band, these in self.wanted.items()}
        some = {band: self.bands_hz[band] for band, these in wanted.items() if these}
        with_phase = any(each.name in _UNIT_VECTORS for these in wanted.values() for each in these)
        for bands_hz in self.transform.passes(some) if some else ():
            try:
                sums = self.transform.sums(
                    signals, bands_hz, gains=self.usable.gains, with_phase=with_phase, precision=self.precision
                )
            except NotComputable as reason:
                found.refused |= {(each.name, band): str(reason) for band in bands_hz for each in wanted[band]}
                continue
            for band, of_band in sums.items():
                _add_from_sums(of_band, wanted[band], band, self.usable, found)

    def _add_from_cross(self, signals: NDArray[np.floating], found: Found) -> None:
        """Compute directed, partial and multivariate measures from one mean cross-spectral matrix."""
        bands_of: dict[str, dict[str, tuple[float, float]]] = {}
        for band, definitions in self.wanted.items():
            for each in definitions:
                if each.takes in ALWAYS_DOUBLE and self.transform.has_bins(self.bands_hz[band]):
                    bands_of.setdefault(each.name, {})[band] = self.bands_hz[band]
        if not bands_of:
            return
        if len(self.usable.regions) < 2:
            found.matrices |= {
                (name, band): _nothing(self._size(MEASURES[name]))
                for name, bands_hz in bands_of.items()
                for band in bands_hz
            }
            return
        whole_range = any(MEASURES[name].takes == "whole_range" for name in bands_of)
        used = {band: band_hz for bands_hz in bands_of.values() for band, band_hz in bands_hz.items()}
        try:
            cross = self.transform.mean_cross_spectra(signals, None if whole_range else used)
        except NotComputable as reason:
            found.refused |= {(name, band): str(reason) for name, bands_hz in bands_of.items() for band in bands_hz}
            return
        for name, bands_hz in bands_of.items():
            each = MEASURES[name]
            try:
                if each.takes == "components":
                    matrices = each.load()(cross, bands_hz, self.region_of[self.usable.regions])
                    size = self._size(each)
                    found.matrices |= {(name, band): _padded(matrix, size) for band, matrix in matrices.items()}
                    continue
                if each.takes == "cross":
                    from painconn.connectivity.partial import shrinkage_intensity

                    matrices = each.load()(cross, bands_hz, shrinkage=self.shrinkage)
                    chosen = dict.fromkeys(bands_hz, self.shrinkage or 0.0)
                    found.shrinkage |= shrinkage_intensity(cross, bands_hz) if self.shrinkage is None else chosen
                else:
                    matrices = each.load()(cross, bands_hz)
                found.matrices |= {(name, band): self.usable.embed(matrix) for band, matrix in matrices.items()}
            except NotComputable as reason:
                found.refused |= {(name, band): str(reason) for band in bands_hz}

    def _size(self, definition: MeasureDefinition) -> int:
        return int(self.region_of.max(initial=-1)) + 1 if definition.takes == "components" else self.usable.n_regions


def _add_from_sums(
    sums: CrossSums, definitions: Sequence[MeasureDefinition], band: str, usable: Usable, found: Found
) -> None:
    """Score every pair, mean over bins; pairs whose imaginary part is round-off only are copies."""
    rows, columns = np.tril_indices(len(usable.regions), -1)
    copies = np.flatnonzero(sums.copied())
    found.copied |= {(int(usable.regions[rows[pair]]), int(usable.regions[columns[pair]])) for pair in copies}
    for definition in definitions:
        values = definition.load()(sums).mean(axis=0)
        values[copies] = np.nan
        found.matrices[definition.name, band] = usable.embed(whole(values, definition.kind, len(usable.regions)))


def _padded(matrix: Matrix, n_regions: int) -> Matrix:
    """Add NaN rows and columns for trailing regions none of whose components is usable."""
    result = np.full_like(matrix, np.nan, shape=(n_regions, n_regions))
    result[: len(matrix), : len(matrix)] = matrix
    return result


def _nothing(n_regions: int) -> Matrix:
    return np.full((n_regions, n_regions), np.nan)


def compute_over_time(
    analytic: Analytic,
    definitions: Sequence[MeasureDefinition],
    *,
    usable: Usable,
    band: str,
    band_hz: tuple[float, float],
    sfreq_hz: float,
    precision: Precision,
) -> Found:
    """Compute measures over the time points of the analytic signals (segments, regions, times) of one band."""
    found = Found()
    kept = usable.pick(analytic)
    bivariate = [each for each in definitions if each.takes == "sums"]
    if bivariate:
        sums = sums_over_samples(kept, gains=usable.gains, precision=precision)
        _add_from_sums(sums, bivariate, band, usable, found)
    for each in definitions:
        key = each.name, band
        if each.takes == "sums":
            continue
        if len(usable.regions) < 2:
            found.matrices[key] = _nothing(usable.n_regions)
            continue
        try:
            if each.takes == "analytic":
                found.matrices[key] = usable.embed(each.load()(kept))
            else:
                found.matrices[key] = usable.embed(each.load()(kept.real, sfreq_hz=sfreq_hz, band_hz=band_hz))
        except NotComputable as reason:
            found.refused[key] = str(reason)
    return found
