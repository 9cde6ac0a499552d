"""One observation (participant x session x condition x window) becomes one row of columns."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.envelope import analytic_band
from painconn.connectivity.gates import why_not_in_band, why_not_over_epochs
from painconn.connectivity.phase import band_matrices
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.spectra import Spectra, multitaper_spectra
from painconn.features.edges import blocks, edges
from painconn.features.names import (
    POWER_LOG10,
    POWER_RELATIVE,
    SENSORS,
    block_names,
    edge_names,
    join,
    power_names,
)
from painconn.features.power import log10_power, relative_power

Signals = NDArray[np.float64]
Envelopes = Callable[[], list[tuple[Signals, list[list[int]]]]]

_MICROVOLTS_PER_VOLT = 1e6
_SPECTRUM_BOTTOM_HZ = 1.0
_SPECTRUM_TOP_HZ = 100.0


def measure_function(name: str) -> Callable[..., Any]:
    """Return the function of a registered measure."""
    module, function = MEASURES[name].function.split(":")
    return getattr(import_module(module), function)


class ObservationFeatures:
    """Collects the columns of one observation, and why a column is missing.

    Parameters
    ----------
    connectivity, features : ConnectivityConfig, FeaturesConfig
        Bands, gates, measures; ranges and groups.
    sfreq_hz, highest_hz : float
        Sampling rate, and the low-pass of the data.
    channels : sequence of str
        Sensors.
    """

    def __init__(
        self,
        connectivity: ConnectivityConfig,
        features: FeaturesConfig,
        *,
        sfreq_hz: float,
        highest_hz: float,
        channels: Sequence[str],
    ) -> None:
        self._connectivity = connectivity
        self._features = features
        self._sfreq_hz = sfreq_hz
        self._highest_hz = highest_hz
        self._channels = list(channels)
        self.columns: dict[str, float] = {}
        self.matrices: dict[str, Signals] = {}
        self.not_computable: list[dict[str, str]] = []
        self.smoothing_hz: dict[str, float] = {}
        self.sensor_freqs_hz: Signals = np.empty(0)
        self.sensor_spectrum_db: Signals = np.empty(0)
        self.sensor_density: tuple[Signals, Signals] = (np.empty((0, 0)), np.empty(0))

    def _spectra(self, data: Signals, high_hz: float) -> Spectra:
        width = self._connectivity.half_bandwidth_hz
        return multitaper_spectra(data, sfreq_hz=self._sfreq_hz, half_bandwidth_hz=width, high_hz=high_hz)

    @property
    def _top_hz(self) -> float:
        edges_hz = [high for _, high in self._connectivity.bands_hz.values()]
        return max(*edges_hz, self._features.relative_power_hz[1])

    def add_sensors(self, data: Signals) -> None:
        """Add sensor power and the mean sensor spectrum, the latter at whole Hz so that windows of any length compare.

        Parameters
        ----------
        data : array, shape (epochs, sensors, times)
            Volts.
        """
        spectra = self._spectra(data * _MICROVOLTS_PER_VOLT, min(_SPECTRUM_TOP_HZ, self._highest_hz))
        density = spectra.power()
        top_hz = int(min(_SPECTRUM_TOP_HZ, self._highest_hz))
        self.sensor_freqs_hz = np.arange(_SPECTRUM_BOTTOM_HZ, top_hz + 1.0)
        self.sensor_density = (density, spectra.freqs_hz)
        self.sensor_spectrum_db = np.interp(self.sensor_freqs_hz, spectra.freqs_hz, 10 * np.log10(density.mean(axis=0)))
        self.smoothing_hz = {"half_bandwidth_hz": spectra.half_bandwidth_hz, "n_tapers": len(spectra.weights)}
        self._add_power(SENSORS, self._channels, density, spectra.freqs_hz)

    def _add_power(self, place: str, signals: Sequence[str], density: Signals, freqs_hz: Signals) -> None:
        range_hz = self._features.relative_power_hz
        whole = why_not_in_band(range_hz, highest_hz=self._highest_hz)
        if whole:
            self.not_computable.append({"measure": f"relative power ({place})", "band": "all", "reason": whole})
        for band, band_hz in self._connectivity.bands_hz.items():
            reason = why_not_in_band(band_hz, highest_hz=self._highest_hz)
            if reason:
                self.not_computable.append({"measure": f"power ({place})", "band": band, "reason": reason})
            absolute = log10_power(density, freqs_hz, band_hz)
            relative = relative_power(density, freqs_hz, band_hz, range_hz=range_hz)
            for quantity, values, why_not in (
                (POWER_LOG10, absolute, reason),
                (POWER_RELATIVE, relative, reason or whole),
            ):
                kept = np.full(len(values), np.nan) if why_not else values
                names = power_names(quantity, place, band, signals)
                self.columns |= dict(zip(names, [*kept.tolist(), float(kept.mean())], strict=True))

    def add_regions(self, inverse: str, regions: Sequence[str], signals: Signals) -> None:
        """Add region power and the measures over epochs.

        Parameters
        ----------
        inverse : str
            Name for the columns.
        regions : sequence of str
            Region of each signal.
        signals : array, shape (epochs, regions, times)
            Region signals.
        """
        spectra = self._spectra(signals, self._top_hz)
        self._add_power(inverse, regions, spectra.power(), spectra.freqs_hz)
        wanted = [name for name in self._connectivity.measures if MEASURES[name].estimator == "over_epochs"]
        reasons = {
            band: self._why_not(band_hz, spectra, signals) for band, band_hz in self._connectivity.bands_hz.items()
        }
        possible = {band: self._connectivity.bands_hz[band] for band, reason in reasons.items() if reason is None}
        found = band_matrices(spectra, bands_hz=possible, measures={name: measure_function(name) for name in wanted})
        for name in wanted:
            for band, reason in reasons.items():
                self._add_matrix(name, inverse, band, regions, found.get((name, band)), reason)

    def _why_not(self, band_hz: tuple[float, float], spectra: Spectra, signals: Signals) -> str | None:
        return why_not_over_epochs(
            band_hz,
            n_epochs=len(signals),
            epoch_length_s=signals.shape[-1] / self._sfreq_hz,
            half_bandwidth_hz=spectra.half_bandwidth_hz,
            highest_hz=self._highest_hz,
            min_epochs=self._connectivity.min_epochs,
            min_cycles=self._connectivity.min_cycles,
        )

    def add_envelopes(
        self, inverse: str, regions: Sequence[str], envelopes: Envelopes | None, reason: str | None
    ) -> None:
        """Add the measures over time, from contiguous segments of continuous region signals.

        Parameters
        ----------
        inverse : str
            Name for the columns.
        regions : sequence of str
            Region of each signal.
        envelopes : callable | None
            Returns, per recording, continuous region signals (regions, times) and the sample spans to use; None when
            there are none.
        reason : str | None
            Why there are none.
        """
        wanted = [name for name in self._connectivity.measures if MEASURES[name].estimator == "over_time"]
        recordings = envelopes() if envelopes and wanted else []
        for band, band_hz in self._connectivity.bands_hz.items() if wanted else ():
            why_not = reason or why_not_in_band(band_hz, highest_hz=self._highest_hz)
            segments = None
            if why_not is None:
                analytic = [
                    (analytic_band(signals, sfreq_hz=self._sfreq_hz, band_hz=band_hz), spans)
                    for signals, spans in recordings
                ]
                segments = np.stack([signal[:, start:stop] for signal, spans in analytic for start, stop in spans])
            for name in wanted:
                matrix = None if segments is None else measure_function(name)(segments)
                self._add_matrix(name, inverse, band, regions, matrix, why_not)

    def _add_matrix(
        self, measure: str, inverse: str, band: str, regions: Sequence[str], matrix: Signals | None, reason: str | None
    ) -> None:
        if matrix is None:
            self.not_computable.append({"measure": measure, "band": band, "reason": reason or "no signal"})
            matrix = np.full((len(regions), len(regions)), np.nan)
        else:
            self.matrices[join(measure, inverse, band)] = matrix
        groups = self._features.groups
        self.columns |= dict(zip(edge_names(measure, inverse, band, regions), edges(matrix).tolist(), strict=True))
        self.columns |= dict(
            zip(block_names(measure, inverse, band, groups), blocks(matrix, regions, groups).tolist(), strict=True)
        )
