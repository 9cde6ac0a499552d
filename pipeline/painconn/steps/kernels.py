"""Per session: the kernels of every inverse, what they were made from, and what they leak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.cortex import CortexConfig
from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.gates import band_bins, why_not_in_band
from painconn.connectivity.spectra import slepian_tapers
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.kernels import RegionKernel, make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField
from painconn.cortex.leakage import Leakage, leakage_of
from painconn.cortex.own_surface import SURFACE_FILE, on_own_surface
from painconn.cortex.parcellations import parcellation_of
from painconn.cortex.template import Parcellation
from painconn.features.names import join
from painconn.paths import Results
from painconn.store import read_arrays, read_result

Signals = NDArray[np.float64]
Observations = Mapping[tuple[str, str], Signals]

_WITH_EVOKED = ("epoch", "pre_evoked", "post_evoked")
_BEFORE_EVENTS = "pre_evoked"


@dataclass(frozen=True)
class SourceSpace:
    """Where a session's sources lie, and what they show at its electrodes.

    Attributes
    ----------
    field : LeadField
        Of the session's channels, in their order.
    parcellation : Parcellation
        On the surface of the session's head.
    positions_mm : array, shape (sources, 3) | None
        Of a head of one's own; None stands for the places of the bundled surface.
    head : dict
        Which head it is, for records.
    """

    field: LeadField
    parcellation: Parcellation
    positions_mm: Signals | None
    head: dict[str, Any]


@dataclass(frozen=True)
class BandKernel:
    """A kernel, and the bands that its region signals are for.

    Attributes
    ----------
    bands : tuple of str
    kernel : RegionKernel
        With several components per region for multivariate measures.
    leakage : Leakage
    """

    bands: tuple[str, ...]
    kernel: RegionKernel
    leakage: Leakage

    def regions(self, data: Signals) -> Signals:
        """Return one signal per region, its first component, of data (..., channels, times)."""
        return np.asarray(self.kernel.values[:: self.kernel.n_components] @ data)

    def components(self, data: Signals) -> Signals:
        """Return all components, (..., regions x components, times)."""
        return np.asarray(self.kernel.values @ data)


def source_space(results: Results, settings: dict[str, Any], channels: tuple[str, ...]) -> SourceSpace:
    """Read the forward solution of a session and lay the regions of the study on its head."""
    forward = settings["session"]["montage"]
    sidecar = results.forward(forward)
    stored = read_arrays(sidecar.with_name(f"montage-{forward}_leadfield.npz"))
    field = LeadField.from_arrays(stored).pick(channels)
    head = read_result(sidecar)["head"]
    regions = parcellation_of(CortexConfig.model_validate(settings["cortex"]).parcellation)
    positions_mm = None
    if head["kind"] == "individual":
        folder = results.head(head["label"]).parent
        regions = on_own_surface(regions, read_arrays(folder / SURFACE_FILE), field.vertices)
        positions_mm = _positions_mm(folder)
    return SourceSpace(field, regions, positions_mm, head)


def _positions_mm(folder: Any) -> Signals:
    from painconn.cortex.head import load_head

    return np.concatenate([space["rr"][space["vertno"]] for space in load_head(folder).sources]) * 1e3


def make_kernels(
    space: SourceSpace, observations: Observations, settings: dict[str, Any], cleaned: Mapping[str, Any]
) -> dict[str, tuple[BandKernel, ...]]:
    """Make the kernels of every inverse from data pooled over equal amounts of every condition.

    Parameters
    ----------
    space : SourceSpace
    observations : mapping of (condition, window) to array, shape (epochs, channels, times)
        In V.
    settings : dict
        Slice of the session.
    cleaned : mapping
        Record of the cleaned data: its rank, sampling rate and low-pass.

    Returns
    -------
    kernels : dict of str to tuple of BandKernel
        By inverse: one kernel for all bands, or one per band (``cortex.lcmv_per_band``).

    Raises
    ------
    RecordingFault
        A covariance has too few dimensions, or there are no windows before events to take the noise from.
    """
    cortex, rank = CortexConfig.model_validate(settings["cortex"]), cleaned["rank"]["used"]
    connectivity = ConnectivityConfig.model_validate(settings["connectivity"])
    pooled = {key: data for key, data in observations.items() if key[1] in _WITH_EVOKED}
    covariance = pooled_covariance(pooled)
    noise = noise_covariance(cortex.noise_covariance, covariance, rank=rank, pre_event_v=_before_events(observations))

    def kernel(inverse: str, bands: Sequence[str], data: Signals) -> BandKernel:
        sources = make_source_kernel(inverse, space.field, data, noise, rank=rank, cortex=cortex)
        regions = make_region_kernel(
            sources,
            space.field,
            space.parcellation,
            data,
            aggregation=cortex.aggregation,
            n_components=cortex.n_components,
        )
        leakage = leakage_of(regions, space.field, space.parcellation, sources, positions_mm=space.positions_mm)
        return BandKernel(tuple(bands), regions, leakage)

    def within(band_hz: tuple[float, float]) -> Signals:
        """Return the covariance of a band; of all frequencies where the data do not hold the band, nor any measure."""
        if why_not_in_band(band_hz, highest_hz=cleaned["lowpass_hz"]):
            return covariance
        return band_covariance(
            pooled,
            sfreq_hz=cleaned["sfreq_hz"],
            band_hz=band_hz,
            half_bandwidth_hz=connectivity.half_bandwidth_hz,
        )

    bands_hz = connectivity.bands_hz
    return {
        inverse: tuple(kernel(inverse, (band,), within(band_hz)) for band, band_hz in bands_hz.items())
        if inverse == "lcmv" and cortex.lcmv_per_band
        else (kernel(inverse, tuple(bands_hz), covariance),)
        for inverse in cortex.inverses
    }


def kernel_arrays(kernels: Mapping[str, Sequence[BandKernel]]) -> dict[str, Signals]:
    """Return what is saved of the kernels: ``kernel__INVERSE``, with ``__BAND`` where bands have their own."""
    return {
        join("kernel", inverse, *(made.bands if len(own) > 1 else ())): made.kernel.values
        for inverse, own in kernels.items()
        for made in own
    }


def kernel_records(kernels: Mapping[str, Sequence[BandKernel]]) -> list[dict[str, Any]]:
    """Describe every kernel: its bands, components, the variance they explain, and signs that may differ."""
    return [
        {
            "inverse": inverse,
            "bands": list(made.bands),
            "n_components": made.kernel.n_components,
            "explained": {
                region: [round(float(share), 4) for share in shares]
                for region, shares in zip(made.kernel.region_names, made.kernel.explained, strict=True)
            },
            "uncertain_signs": list(made.kernel.uncertain_signs),
        }
        for inverse, own in kernels.items()
        for made in own
    ]


def leakages(kernels: Mapping[str, Sequence[BandKernel]]) -> dict[str, Leakage]:
    """Return the leakage of every inverse, the median over bands where bands have kernels of their own."""
    found = {}
    for inverse, own in kernels.items():
        arrays = [made.leakage.as_arrays() for made in own]
        found[inverse] = Leakage.from_arrays(
            {name: np.median([one[name] for one in arrays], axis=0) for name in arrays[0]}
        )
    return found


def pooled_covariance(observations: Observations) -> Signals:
    """Pool the sensor covariance over an equal number of samples of every condition.

    Parameters
    ----------
    observations : mapping of (condition, window) to array, shape (epochs, channels, times)
        Volts; the windows of one condition count as one.

    Returns
    -------
    covariance : array, shape (channels, channels)
        Volts squared; each epoch's own mean is removed.
    """
    by_condition: dict[str, list[Signals]] = {}
    for (condition, _), data in observations.items():
        centred = data - data.mean(axis=-1, keepdims=True)
        by_condition.setdefault(condition, []).extend(centred)
    samples = min(sum(epoch.shape[-1] for epoch in epochs) for epochs in by_condition.values())
    parts = [np.hstack(_spread(epochs, samples))[:, :samples] for epochs in by_condition.values()]
    return np.asarray(np.mean([part @ part.T / part.shape[1] for part in parts], axis=0))


def _spread(epochs: list[Signals], samples: int) -> list[Signals]:
    """Order epochs so that the first ones are spread over all of them, enough for the number of samples."""
    wanted = min(len(epochs), -(-samples // epochs[0].shape[-1]))
    chosen = np.unique(np.linspace(0, len(epochs) - 1, wanted).round().astype(int))
    rest = [index for index in range(len(epochs)) if index not in set(chosen)]
    return [epochs[index] for index in (*chosen, *rest)]


def band_covariance(
    observations: Observations, *, sfreq_hz: float, band_hz: tuple[float, float], half_bandwidth_hz: float
) -> Signals:
    """Pool the sensor covariance within a band, every condition counting the same.

    The real part of the multitaper cross-spectra of the epochs, integrated over the band: epochs are too short for a
    band-pass filter.

    Parameters
    ----------
    observations : mapping of (condition, window) to array, shape (epochs, channels, times)
        Volts; the windows of one condition count as one.
    sfreq_hz : float
    band_hz : tuple of float
        Half-open.
    half_bandwidth_hz : float
        Of the tapers.

    Returns
    -------
    covariance : array, shape (channels, channels)
        Volts squared; zero when no frequency bin lies in the band.
    """
    by_condition: dict[str, list[Signals]] = {}
    for (condition, _), data in observations.items():
        tapers = slepian_tapers(data.shape[-1], sfreq_hz=sfreq_hz, half_bandwidth_hz=half_bandwidth_hz)
        bins = np.flatnonzero(band_bins(tapers.freqs_hz, band_hz))
        cross = mean_cross_spectra(data - data.mean(axis=-1, keepdims=True), tapers, bins)
        # A density of both sides: what lies at negative frequencies counts, too.
        integral = 2 * cross.values.real.sum(axis=0) * sfreq_hz / data.shape[-1]
        by_condition.setdefault(condition, []).append(integral)
    return np.asarray(np.mean([np.mean(parts, axis=0) for parts in by_condition.values()], axis=0))


def _before_events(observations: Observations) -> Signals | None:
    """Return equally many windows before the events of every condition that has any."""
    windows = [data for (_, window), data in observations.items() if window == _BEFORE_EVENTS]
    if not windows:
        return None
    number = min(len(data) for data in windows)
    return np.concatenate([_first_spread(data, number) for data in windows])


def _first_spread(data: Signals, number: int) -> Signals:
    return data[np.linspace(0, len(data) - 1, number).round().astype(int)]
