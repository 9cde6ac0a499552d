"""From signals to the sums of each band: by tapers, where all bands share one pass, or by Morlet wavelets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.cross_sums import CrossSums, mean_cross_spectra, sums_over_epochs, sums_over_samples
from painconn.connectivity.gates import NotComputable, band_bins
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra
from painconn.connectivity.morlet import half_bandwidth_hz, morlet_coefficients
from painconn.connectivity.spectra import Precision, Tapers, hann_taper, slepian_tapers

SpectraName = Literal["multitaper", "fourier", "morlet"]
Bands = Mapping[str, tuple[float, float]]

_MORLET_STEP_HZ = 1.0
_MORLET_STEP_SD = 0.5


@dataclass(frozen=True)
class TaperTransform:
    """Tapered Fourier coefficients; an epoch is one sample per frequency bin."""

    tapers: Tapers

    @property
    def n_tapers(self) -> int | None:
        """Tapers per epoch."""
        return self.tapers.n_tapers

    def smoothing_hz(self, band_hz: tuple[float, float]) -> float:
        """Return the half-bandwidth, the same in every band."""
        del band_hz
        return self.tapers.half_bandwidth_hz

    def has_bins(self, band_hz: tuple[float, float]) -> bool:
        """Say whether a band holds a frequency bin."""
        return bool(band_bins(self.tapers.freqs_hz, band_hz).any())

    def passes(self, bands_hz: Bands) -> list[Bands]:
        """Return which bands share a pass: all of them."""
        return [bands_hz]

    def sums(
        self,
        signals: NDArray[np.floating],
        bands_hz: Bands,
        *,
        gains: NDArray[np.floating],
        with_phase: bool,
        precision: Precision,
    ) -> dict[str, CrossSums]:
        """Return the sums of each band that holds a bin, from one pass over the bins of all of them.

        The bins at 0 Hz and Nyquist belong to no band: their coefficients are real and have no phase.
        """
        freqs_hz = self.tapers.freqs_hz
        has_phase = (freqs_hz > 0) & ~np.isclose(freqs_hz, self.tapers.sfreq_hz / 2)
        inside = {band: band_bins(freqs_hz, band_hz) & has_phase for band, band_hz in bands_hz.items()}
        bins = np.flatnonzero(np.any(list(inside.values()), axis=0))
        if not len(bins):
            return {}
        every = sums_over_epochs(signals, self.tapers, bins, gains=gains, with_phase=with_phase, precision=precision)
        found = {}
        for band, mask in inside.items():
            positions = np.flatnonzero(mask[bins])
            if len(positions):
                found[band] = every.in_bins(slice(int(positions[0]), int(positions[-1]) + 1))
        return found

    def mean_cross_spectra(self, signals: NDArray[np.floating], bands_hz: Bands | None) -> MeanCrossSpectra:
        """Return the mean cross-spectral matrix of the bins of some bands, or from 0 Hz to Nyquist."""
        freqs_hz = self.tapers.freqs_hz
        inside = [band_bins(freqs_hz, band_hz) for band_hz in (bands_hz or {}).values()]
        bins = np.flatnonzero(np.any(inside, axis=0)) if bands_hz else None
        return mean_cross_spectra(signals, self.tapers, bins)


@dataclass(frozen=True)
class MorletTransform:
    """Wavelet coefficients at whole Hz from a band's lower edge; every time point is a bin, epochs are its samples."""

    sfreq_hz: float
    n_cycles: float
    n_tapers: None = None

    def smoothing_hz(self, band_hz: tuple[float, float]) -> float:
        """Return the half width at half power at the upper edge of the band, where it is widest."""
        return half_bandwidth_hz(band_hz[1], self.n_cycles)

    def has_bins(self, band_hz: tuple[float, float]) -> bool:
        """Say yes: wavelets are made for the band."""
        del band_hz
        return True

    def passes(self, bands_hz: Bands) -> list[Bands]:
        """Return which bands share a pass: every band is one of its own, as wavelets may be too long for some only."""
        return [{band: band_hz} for band, band_hz in bands_hz.items()]

    def sums(
        self,
        signals: NDArray[np.floating],
        bands_hz: Bands,
        *,
        gains: NDArray[np.floating],
        with_phase: bool,
        precision: Precision,
    ) -> dict[str, CrossSums]:
        """Return the sums of each band.

        Every frequency has as many time points, so that all weigh the same in the mean: half a standard deviation of
        the wavelet apart at the lowest frequency, spread over the times where each wavelet fits.
        """
        del with_phase
        found = {}
        for band, (low, high) in bands_hz.items():
            freqs_hz = np.arange(low, high, _MORLET_STEP_HZ)
            freqs_hz = freqs_hz[(freqs_hz > 0) & (freqs_hz < self.sfreq_hz / 2)]
            if not len(freqs_hz):
                raise NotComputable(
                    f"no wavelet in {low:g}-{high:g} Hz, wanted a band between 0 and {self.sfreq_hz / 2:g} Hz"
                )
            parts = []
            coefficients = morlet_coefficients(
                signals, sfreq_hz=self.sfreq_hz, freqs_hz=freqs_hz, n_cycles=self.n_cycles
            )
            sd_s = self.n_cycles / (2 * np.pi * freqs_hz[0])
            step = max(1, round(_MORLET_STEP_SD * sd_s * self.sfreq_hz))
            n_points = 0
            for values in coefficients:
                n_points = n_points or -(-values.shape[-1] // step)
                times = np.linspace(0, values.shape[-1] - 1, n_points).round().astype(int)
                by_time = np.moveaxis(values[..., times], -1, 0).swapaxes(1, 2)
                parts.append(sums_over_samples(by_time, gains=gains, precision=precision))
            found[band] = CrossSums(
                len(signals),
                np.concatenate([part.power for part in parts]),
                np.concatenate([part.values for part in parts], axis=1),
                precision,
            )
        return found

    def mean_cross_spectra(self, signals: NDArray[np.floating], bands_hz: Bands | None) -> MeanCrossSpectra:
        """Refuse: wavelets give no evenly spaced bins."""
        del signals, bands_hz
        raise NotComputable("spectra morlet: no evenly spaced frequencies, wanted multitaper or fourier")


def transform(
    spectra: SpectraName, n_times: int, *, sfreq_hz: float, half_bandwidth_hz: float, n_cycles: float
) -> TaperTransform | MorletTransform:
    """Choose the transform by name: ``multitaper``, ``fourier`` (one Hann window) or ``morlet``."""
    if spectra == "morlet":
        return MorletTransform(sfreq_hz, n_cycles)
    if spectra == "fourier":
        return TaperTransform(hann_taper(n_times, sfreq_hz=sfreq_hz))
    if spectra == "multitaper":
        return TaperTransform(slepian_tapers(n_times, sfreq_hz=sfreq_hz, half_bandwidth_hz=half_bandwidth_hz))
    raise ValueError(f"unknown spectra {spectra}; there are: {', '.join(get_args(SpectraName))}")
