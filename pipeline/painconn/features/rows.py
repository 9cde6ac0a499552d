"""One observation (participant x session x condition x window) becomes one row of columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.engine import over_epochs, over_time
from painconn.connectivity.envelope import analytic_band, band_smoothing_hz
from painconn.connectivity.estimate import Connectivity, Gates, Key, Matrix
from painconn.connectivity.gates import why_not_in_band
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.spectra import power_density, slepian_tapers
from painconn.features.edges import block_names, blocks, edge_names, edges
from painconn.features.graphs import graph_columns
from painconn.features.names import POWER_LOG10, POWER_RELATIVE, SENSORS, power_names
from painconn.features.power import log10_power, relative_power

Signals = NDArray[np.float64]
Continuous = Callable[[], list[tuple[Signals, list[list[int]]]]]

_MICROVOLTS_PER_VOLT = 1e6
_SPECTRUM_BOTTOM_HZ = 1.0
_SPECTRUM_TOP_HZ = 100.0
_PAIRS_TOLD = 3


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
    epoch_overlap : float
        Share of an epoch that the next one repeats. Gates count what overlaps once; halves of such epochs would share
        samples and are not computed.

    Attributes
    ----------
    columns : dict of str to float
        The row.
    halves : tuple of two dicts
        The columns of connectivity, from every other epoch (or segment).
    estimates : dict of str to list of Connectivity
        Per inverse, over epochs and over time (each once, whatever number of kernels its bands have).
    """

    def __init__(
        self,
        connectivity: ConnectivityConfig,
        features: FeaturesConfig,
        *,
        sfreq_hz: float,
        highest_hz: float,
        channels: Sequence[str],
        epoch_overlap: float = 0.0,
    ) -> None:
        self._connectivity = connectivity
        self._features = features
        self._sfreq_hz = sfreq_hz
        self._highest_hz = highest_hz
        self._channels = list(channels)
        self._gates = Gates(connectivity.min_epochs, connectivity.min_cycles, epoch_overlap)
        self.columns: dict[str, float] = {}
        self.halves: tuple[dict[str, float], dict[str, float]] = ({}, {})
        self.estimates: dict[str, list[Connectivity]] = {}
        self.not_computable: list[dict[str, str]] = []
        self.power_smoothing: dict[str, float] = {}
        self.sensor_freqs_hz: Signals = np.empty(0)
        self.sensor_spectrum_db: Signals = np.empty(0)
        self.sensor_density: tuple[Signals, Signals] = (np.empty((0, 0)), np.empty(0))

    def _density(self, data: Signals, top_hz: float) -> tuple[Signals, Signals]:
        """Return the power spectral density above 0 Hz, up to `top_hz` and below Nyquist, and its frequencies."""
        tapers = slepian_tapers(
            data.shape[-1], sfreq_hz=self._sfreq_hz, half_bandwidth_hz=self._connectivity.half_bandwidth_hz
        )
        self.power_smoothing = {"half_bandwidth_hz": tapers.half_bandwidth_hz, "n_tapers": tapers.n_tapers}
        freqs_hz = tapers.freqs_hz
        bins = np.flatnonzero((freqs_hz > 0) & (freqs_hz <= top_hz) & (freqs_hz < self._sfreq_hz / 2))
        return power_density(data, tapers, bins), freqs_hz[bins]

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
        density, freqs_hz = self._density(data * _MICROVOLTS_PER_VOLT, min(_SPECTRUM_TOP_HZ, self._highest_hz))
        top_hz = int(min(_SPECTRUM_TOP_HZ, self._highest_hz))
        self.sensor_freqs_hz = np.arange(_SPECTRUM_BOTTOM_HZ, top_hz + 1.0)
        self.sensor_density = (density, freqs_hz)
        self.sensor_spectrum_db = np.interp(self.sensor_freqs_hz, freqs_hz, 10 * np.log10(density.mean(axis=0)))
        self._add_power(SENSORS, self._channels, density, freqs_hz)

    def _bands_hz(self, bands: Sequence[str] | None) -> dict[str, tuple[float, float]]:
        """Return some bands of the study, or all."""
        known = self._connectivity.bands_hz
        return dict(known) if bands is None else {band: known[band] for band in bands}

    def _add_power(
        self,
        place: str,
        signals: Sequence[str],
        density: Signals,
        freqs_hz: Signals,
        bands: Sequence[str] | None = None,
    ) -> None:
        range_hz = self._features.relative_power_hz
        whole = why_not_in_band(range_hz, highest_hz=self._highest_hz)
        if whole:
            self._miss(f"relative power ({place})", "all", whole)
        for band, band_hz in self._bands_hz(bands).items():
            reason = why_not_in_band(band_hz, highest_hz=self._highest_hz)
            if reason:
                self._miss(f"power ({place})", band, reason)
            absolute = log10_power(density, freqs_hz, band_hz)
            relative = relative_power(density, freqs_hz, band_hz, range_hz=range_hz)
            for quantity, values, why_not in (
                (POWER_LOG10, absolute, reason),
                (POWER_RELATIVE, relative, reason or whole),
            ):
                kept = np.full(len(values), np.nan) if why_not else values
                names = power_names(quantity, place, band, signals)
                self.columns |= dict(zip(names, [*kept.tolist(), float(kept.mean())], strict=True))

    def _miss(self, measure: str, band: str, reason: str) -> None:
        """Note what is missing, once: what several inverses or kernels lack alike is one fact."""
        missing = {"measure": measure, "band": band, "reason": reason}
        if missing not in self.not_computable:
            self.not_computable.append(missing)

    def add_regions(
        self, inverse: str, regions: Sequence[str], signals: Signals, *, bands: Sequence[str] | None = None
    ) -> None:
        """Add region power and the measures over epochs that relate one signal per region.

        Parameters
        ----------
        inverse : str
            Name for the columns.
        regions : sequence of str
            Region of each signal.
        signals : array, shape (epochs, regions, times)
            Region signals.
        bands : sequence of str | None
            Bands that these signals are for; None: all.
        """
        self._add_power(inverse, regions, *self._density(signals, self._top_hz), bands)
        wanted = self._measures_over_epochs(of_components=False)
        if not wanted:
            return
        estimate = self.estimate_over_epochs(signals, bands=bands, halves=not self._gates.epoch_overlap)
        self._add_estimate(inverse, regions, wanted, estimate, bands)

    def add_components(
        self, inverse: str, regions: Sequence[str], signals: Signals, *, bands: Sequence[str] | None = None
    ) -> None:
        """Add the multivariate measures, from several signals per region.

        Parameters
        ----------
        inverse, bands
            As for :meth:`add_regions`.
        regions : sequence of str
            Regions, equally many signals of each.
        signals : array, shape (epochs, regions x components, times)
            The components of a region adjoin.
        """
        wanted = self._measures_over_epochs(of_components=True)
        if not wanted:
            return
        n_components = signals.shape[1] // len(regions)
        region_of = np.repeat(np.arange(len(regions)), n_components)
        found = self.estimate_components(signals, region_of, bands=bands, halves=not self._gates.epoch_overlap)
        for row, why_not in found.unusable_regions.items():
            where = f"component {row % n_components + 1} of {regions[region_of[row]]}"
            self._miss(f"all of components ({inverse})", "all", f"{where}: {why_not}")
        # Rows of components are no regions: what is known of them must not be taken for regions of that number.
        estimate = replace(found, unusable_regions={}, copied_pairs=())
        self._add_estimate(inverse, regions, wanted, estimate, bands)

    def _measures_over_epochs(self, *, of_components: bool) -> list[str]:
        measures = self._connectivity.measures_of("over_epochs")
        return [name for name in measures if (MEASURES[name].takes == "components") == of_components]

    def estimate_over_epochs(
        self, signals: NDArray[np.floating], *, bands: Sequence[str] | None = None, halves: bool = False
    ) -> Connectivity:
        """Compute the study's measures over epochs from one signal per region (epochs, regions, times)."""
        return self._over_epochs(signals, self._measures_over_epochs(of_components=False), bands, halves=halves)

    def estimate_components(
        self,
        signals: NDArray[np.floating],
        region_of: NDArray[np.intp],
        *,
        bands: Sequence[str] | None = None,
        halves: bool = False,
    ) -> Connectivity:
        """Compute the study's multivariate measures from (epochs, rows, times) and the region of each row."""
        wanted = self._measures_over_epochs(of_components=True)
        return self._over_epochs(signals, wanted, bands, halves=halves, region_of=region_of)

    def _over_epochs(
        self,
        signals: NDArray[np.floating],
        measures: Sequence[str],
        bands: Sequence[str] | None,
        *,
        halves: bool,
        region_of: NDArray[np.intp] | None = None,
    ) -> Connectivity:
        settings = self._connectivity
        return over_epochs(
            signals,
            sfreq_hz=self._sfreq_hz,
            bands_hz=self._bands_hz(bands),
            measures=measures,
            region_of=region_of,
            spectra=settings.spectra,
            half_bandwidth_hz=settings.half_bandwidth_hz,
            n_cycles=settings.n_cycles,
            highest_hz=self._highest_hz,
            gates=self._gates,
            precision=settings.precision,
            shrinkage=settings.partial_shrinkage,
            halves=halves,
        )

    def add_continuous(
        self,
        inverse: str,
        regions: Sequence[str],
        continuous: Continuous | str,
        *,
        bands: Sequence[str] | None = None,
    ) -> None:
        """Add the measures over time, from contiguous segments of continuous region signals.

        Parameters
        ----------
        inverse, regions, bands
            As for :meth:`add_regions`.
        continuous : callable | str
            Returns, per recording, continuous region signals (regions, times) and the sample spans to use; a text says
            why there are none.
        """
        wanted = self._connectivity.measures_of("over_time")
        if not wanted:
            return
        if isinstance(continuous, str):
            missing = {(name, band): continuous for name in wanted for band in self._bands_hz(bands)}
            estimate = Connectivity("over_time", 0, 0.0, {}, None, {}, missing)
        else:
            estimate = self._estimate_over_time(wanted, continuous, bands)
        self._add_estimate(inverse, regions, wanted, estimate, bands)

    def _estimate_over_time(
        self, measures: Sequence[str], continuous: Continuous, bands: Sequence[str] | None
    ) -> Connectivity:
        settings, recordings, bands_hz = self._connectivity, continuous(), self._bands_hz(bands)

        def segments(band: str) -> NDArray[np.complex128]:
            analytic = [
                (analytic_band(signals, sfreq_hz=self._sfreq_hz, band_hz=bands_hz[band]), spans)
                for signals, spans in recordings
            ]
            return np.stack([signal[:, start:stop] for signal, spans in analytic for start, stop in spans])

        return over_time(
            segments,
            sfreq_hz=self._sfreq_hz,
            bands_hz=bands_hz,
            measures=measures,
            smoothing_hz={
                band: band_smoothing_hz(sfreq_hz=self._sfreq_hz, band_hz=band_hz) for band, band_hz in bands_hz.items()
            },
            highest_hz=self._highest_hz,
            gates=self._gates,
            precision=settings.precision,
            halves=True,
        )

    def _add_estimate(
        self,
        inverse: str,
        regions: Sequence[str],
        measures: Sequence[str],
        estimate: Connectivity,
        bands: Sequence[str] | None,
    ) -> None:
        self._keep(inverse, estimate)
        for name in measures:
            for band in self._bands_hz(bands):
                if (name, band) in estimate.not_computable:
                    self._miss(name, band, estimate.not_computable[name, band])
                self.columns |= self._columns(name, inverse, band, regions, estimate.matrices)
                for half, matrices in zip(self.halves, estimate.halves, strict=False):
                    half |= self._columns(name, inverse, band, regions, matrices)
        for (name, band), pairs in estimate.unscored_pairs.items():
            told = ", ".join(f"{regions[column]} and {regions[row]}" for row, column in pairs[:_PAIRS_TOLD])
            more = f" and {len(pairs) - _PAIRS_TOLD} more" if len(pairs) > _PAIRS_TOLD else ""
            self._miss(name, band, f"too alike to tell apart ({inverse}): {told}{more}")
        samples = f"all {estimate.estimator.replace('_', ' ')} ({inverse})"
        for region, why_not in estimate.unusable_regions.items():
            self._miss(samples, "all", f"{regions[region]}: {why_not}")
        for row, column in estimate.copied_pairs:
            self._miss(samples, "all", f"{regions[column]} and {regions[row]}: copies of each other")

    def _keep(self, inverse: str, estimate: Connectivity) -> None:
        known = self.estimates.setdefault(inverse, [])
        same = next((index for index, one in enumerate(known) if one.estimator == estimate.estimator), None)
        if same is None:
            known.append(estimate)
        else:
            known[same] = known[same].joined(estimate)

    def add_graphs(self, inverse: str, regions: Sequence[str]) -> None:
        """Add the graph measures of the symmetric matrices of an inverse, once its regions and continuous are added.

        Parameters
        ----------
        inverse : str
            Name for the columns.
        regions : sequence of str
            Region of each signal.
        """
        if not self._features.graph_measures:
            return
        known: dict[Key, Matrix | str] = {}
        for estimate in self.estimates[inverse]:
            known.update(estimate.not_computable)
            known.update(estimate.matrices)
        wanted = self._connectivity.symmetric_measures()
        matrices = {(name, band): known[name, band] for name in wanted for band in self._connectivity.bands_hz}
        found = graph_columns(matrices, inverse, regions, self._features)
        self.columns |= found.columns
        for missing in found.not_computable:
            self._miss(*missing)

    def _columns(
        self, measure: str, inverse: str, band: str, regions: Sequence[str], matrices: Mapping[Key, Matrix]
    ) -> dict[str, float]:
        """Return the edges and blocks of a matrix, NaN where it is missing."""
        both, signed = MEASURES[measure].both_directions, MEASURES[measure].signed_by_order
        groups = self._features.groups or {}
        matrix = matrices.get((measure, band))
        if matrix is None:
            matrix = np.full((len(regions), len(regions)), np.nan)
        names = [*edge_names(measure, inverse, band, regions), *block_names(measure, inverse, band, groups)]
        values = [
            *edges(matrix, both_directions=both).tolist(),
            *blocks(matrix, regions, groups, both_directions=both, signed_by_order=signed).tolist(),
        ]
        return dict(zip(names, values, strict=True))
