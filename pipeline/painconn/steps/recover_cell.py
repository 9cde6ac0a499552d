"""Recovery, per cell of its grid: people are simulated, analysed by the library's own line, and their edges kept."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.epochs import reject_epochs, rest_epochs, select_epochs
from painconn.cleaning.segments import envelope_segments
from painconn.cleaning.session import clean_session
from painconn.config.cleaning import CleaningConfig
from painconn.config.cortex import CortexConfig
from painconn.connectivity.engine import over_epochs, over_time
from painconn.connectivity.envelope import analytic_band
from painconn.connectivity.registry import MEASURES
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.kernels import RegionKernel, make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.leakage import pair_leakage
from painconn.cortex.montage import place_electrodes
from painconn.cortex.template import parcellation, write_subject
from painconn.errors import RecordingFault
from painconn.features.edges import edges
from painconn.features.names import join
from painconn.provenance import seed_for
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.people import draw_person
from painconn.simulation.person import cortex_signals, simulate_person
from painconn.simulation.recovery import planted_pairs
from painconn.simulation.recovery_grid import Cell
from painconn.steps.kernels import pooled_covariance

if TYPE_CHECKING:
    import mne

logger = logging.getLogger(__name__)

Signals = NDArray[np.float64]
Edges = dict[str, Signals]

CORTEX = "cortex"
"""In place of an inverse: the measure on the signals of the cortex themselves."""

_SEGMENT_S = 10.0
_NORMAL = 2
_NO_DIRECTION = 0.5


@dataclass(frozen=True)
class Sitting:
    """One person's cleaned recording and what their cortex did at the same times.

    Attributes
    ----------
    raw : mne.io.BaseRaw
    rank : int
    starts : array of int
        First samples of the epochs that were kept.
    threshold_v : float | None
        Of the rejection.
    cortex : array, shape (regions, times)
        At the rate of `raw`, regions of the analysis.
    """

    raw: "mne.io.BaseRaw"
    rank: int
    starts: NDArray[np.intp]
    threshold_v: float | None
    cortex: Signals


def edge_arrays(cell: Cell) -> dict[str, NDArray[Any]]:
    """Simulate and analyse the people of a cell.

    Returns
    -------
    arrays : dict
        ``groups`` (people,); per method ``INVERSE__MEASURE__BAND__N`` (people, pairs) and ``cortex__MEASURE__BAND__N``
        (people, planted pairs), both as magnitudes, NaN where there is no value; ``leakage__INVERSE``
        (regions, regions), mean over people.
    """
    spec, regions = cell.spec(), parcellation().region_names
    people = cell.roster()
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        head = build_simulation_head(spec, Path(folder))
        model = build_head(Path(folder), source_spacing=cell.grid.source_spacing, bem_ico=cell.grid.bem_ico)
        field = lead_field(make_forward(model, place_electrodes(cell.channels)))
    planted = planted_pairs(regions, spec.couplings)
    found: dict[str, list[Signals]] = {}
    for number, (participant, group) in enumerate(people, start=1):
        logger.info("%s, %s, %s: person %d of %d", cell.cohort, cell.montage, cell.cleaning, number, len(people))
        try:
            sitting = _sitting(cell, head, participant, group)
        except RecordingFault as fault:
            logger.warning("%s left out: %s", participant, fault)
            sitting = None
        for name, values in _analysed(cell, field, planted, sitting, participant):
            found.setdefault(name, []).append(values)
    leakage = {name for name in found if name.startswith("leakage")}
    return {
        "groups": np.array([group for _, group in people]),
        **{name: np.nanmean(values, axis=0) for name, values in found.items() if name in leakage},
        **{name: np.stack(values).astype(np.float32) for name, values in found.items() if name not in leakage},
    }


def _sitting(cell: Cell, head: SimulationHead, participant: str, group: str) -> Sitting:
    import mne

    spec, seed = cell.spec(), cell.grid.seed
    raw = simulate_person(spec, participant, group, seed=seed, head=head).pick(list(cell.channels))
    raw.set_montage(mne.channels.make_dig_montage(place_electrodes(cell.channels), coord_frame="head"))
    quiet = cell.cleaning == "artefact_free"
    cleaning = CleaningConfig(preset="already_clean", reject="none") if quiet else CleaningConfig()
    cleaned = clean_session(
        {"rest": raw},
        line_freq_hz=spec.protocol.line_hz,
        line_noise=cleaning.line_noise,
        recording_lowpass_hz=None,
        sfreq_hz=min(cleaning.sfreq_hz, spec.protocol.sfreq_hz),
        bad_channels=cleaning.bad_channels,
        ica=cleaning.ica,
        seed=seed_for(seed, "clean", participant),
    )
    rest = cleaned.raws["rest"]
    epochs = rest_epochs(rest, length_s=cell.grid.epoch_s, block="rest")
    rejected = reject_epochs([epochs], method=cleaning.reject, seed=seed_for(seed, "reject", participant))
    person = draw_person(spec, participant, group, seed=seed)
    order = [head.regions.index(name) for name in parcellation().region_names]
    cortex = cortex_signals(spec, person, head.regions, seed=seed)[order]
    return Sitting(
        rest, cleaned.rank.final, epochs.events[rejected.kept, 0] - rest.first_samp, rejected.threshold_v, cortex
    )


def _analysed(
    cell: Cell, field: LeadField, planted: NDArray[np.bool_], sitting: Sitting | None, participant: str
) -> Iterator[tuple[str, Signals]]:
    """Yield the edges of every method, and what its kernel leaks; NaN where the person cannot be used."""
    n_regions = len(parcellation().region_names)
    if sitting is not None:
        sfreq_hz = float(sitting.raw.info["sfreq"])
        sensors, cortex = Continuous(sitting.raw.get_data(), sfreq_hz), Continuous(sitting.cortex, sfreq_hz)
    for n_epochs in cell.part.n_epochs:
        try:
            if sitting is None:
                raise _too_few(0, n_epochs)
            windows = _windows(cell, sitting, n_epochs, participant)
        except RecordingFault as fault:
            logger.warning("%s, %d epochs: %s", participant, n_epochs, fault)
            nothing = np.full(planted.size, np.nan)
            for inverse in (CORTEX, *cell.part.inverses):
                of = planted if inverse == CORTEX else np.ones_like(planted)
                yield from ((name, nothing[of]) for name in _names(cell, inverse, n_epochs))
            yield from ((join("leakage", one), np.full((n_regions, n_regions), np.nan)) for one in cell.part.inverses)
            continue
        yield from _named(cell, CORTEX, n_epochs, windows.edges(cell, cortex), planted)
        for inverse in cell.part.inverses:
            kernel = _kernel(inverse, field, windows.epochs(sensors.signals), sitting.rank)
            yield join("leakage", inverse), pair_leakage(kernel.values @ field.gain_v_per_am[:, :, _NORMAL])
            yield from _named(cell, inverse, n_epochs, windows.edges(cell, sensors, kernel.values))


def _too_few(found: int, wanted: int) -> RecordingFault:
    from painconn.errors import Problem

    return RecordingFault("too few epochs", Problem("epochs", str(found), f"{wanted}", "fewer epochs"))


def _names(cell: Cell, inverse: str, n_epochs: int) -> list[str]:
    return [join(inverse, measure, band, str(n_epochs)) for measure in cell.part.measures for band in cell.part.bands]


def _named(
    cell: Cell, inverse: str, n_epochs: int, found: Mapping[tuple[str, str], Signals], kept: Any = slice(None)
) -> Iterator[tuple[str, Signals]]:
    for measure in cell.part.measures:
        for band in cell.part.bands:
            yield join(inverse, measure, band, str(n_epochs)), found[measure, band][kept]


class Continuous:
    """Continuous signals and their analytic signals, each band filtered once: kernels are applied afterwards."""

    def __init__(self, signals: Signals, sfreq_hz: float) -> None:
        self.signals = signals
        self._sfreq_hz = sfreq_hz
        self._analytic: dict[tuple[float, float], NDArray[np.complex128]] = {}

    def analytic(self, band_hz: tuple[float, float]) -> NDArray[np.complex128]:
        """Return the analytic signals of a band."""
        if band_hz not in self._analytic:
            self._analytic[band_hz] = analytic_band(self.signals, sfreq_hz=self._sfreq_hz, band_hz=band_hz)
        return self._analytic[band_hz]


@dataclass(frozen=True)
class Windows:
    """The epochs and segments of one person at one number of epochs."""

    starts: NDArray[np.intp]
    length: int
    segments: tuple[tuple[int, int], ...]
    sfreq_hz: float
    lowpass_hz: float

    def epochs(self, signals: Signals) -> Signals:
        """Return (epochs, rows, times) of continuous signals."""
        return np.stack([signals[:, start : start + self.length] for start in self.starts])

    def edges(
        self, cell: Cell, continuous: Continuous, kernel: Signals | None = None
    ) -> dict[tuple[str, str], Signals]:
        """Return the magnitudes of all edges by (measure, band), of region signals or of sensors through a kernel."""
        of = {
            estimator: [name for name in cell.part.measures if MEASURES[name].estimators[0] == estimator]
            for estimator in ("over_epochs", "over_time")
        }
        at: dict[str, Any] = {"sfreq_hz": self.sfreq_hz, "bands_hz": cell.bands_hz, "highest_hz": self.lowpass_hz}

        def through(signals: NDArray[Any]) -> NDArray[Any]:
            return signals if kernel is None else kernel @ signals

        epochs = through(self.epochs(continuous.signals))
        matrices = dict(over_epochs(epochs, measures=of["over_epochs"], gates=None, **at).matrices)
        if of["over_time"] and self.segments:

            def analytic(band: str) -> NDArray[np.complex128]:
                whole = continuous.analytic(cell.bands_hz[band])
                return through(np.stack([whole[:, start:stop] for start, stop in self.segments]))

            matrices |= over_time(analytic, measures=of["over_time"], gates=None, **at).matrices
        n_regions = epochs.shape[1]
        nothing = np.full(n_regions * (n_regions - 1) // 2, np.nan)
        return {
            (measure, band): magnitudes(measure, matrices[measure, band]) if (measure, band) in matrices else nothing
            for measure in cell.part.measures
            for band in cell.part.bands
        }


def magnitudes(measure: str, matrix: Signals) -> Signals:
    """Return how large the edges are, whichever region leads."""
    definition = MEASURES[measure]
    if definition.both_directions:
        return np.maximum(edges(matrix), edges(matrix.T))
    if definition.kind == "directed":
        return np.abs(edges(matrix) - _NO_DIRECTION)
    return np.abs(edges(matrix)) if definition.kind == "antisymmetric" else edges(matrix)


def _windows(cell: Cell, sitting: Sitting, n_epochs: int, participant: str) -> Windows:
    seed = seed_for(cell.grid.seed, "select", participant)
    chosen = select_epochs(len(sitting.starts), n_epochs=n_epochs, seed=seed)
    sfreq_hz = float(sitting.raw.info["sfreq"])
    segments = envelope_segments(
        sitting.raw,
        length_s=_SEGMENT_S,
        n_segments=max(1, int(n_epochs * cell.grid.epoch_s / _SEGMENT_S)),
        block="rest",
        seed=seed,
        reject_threshold_v=sitting.threshold_v,
    )
    return Windows(
        sitting.starts[chosen],
        round(cell.grid.epoch_s * sfreq_hz),
        segments.spans,
        sfreq_hz,
        float(sitting.raw.info["lowpass"]),
    )


def _kernel(inverse: str, field: LeadField, epochs: Signals, rank: int) -> RegionKernel:
    cortex = CortexConfig()
    covariance = pooled_covariance({("rest", "epoch"): epochs})
    noise = noise_covariance("adhoc", covariance, rank=rank)
    sources = make_source_kernel(inverse, field, covariance, noise, rank=rank, cortex=cortex)
    return make_region_kernel(sources, field, parcellation(), covariance)
