"""Measure leakage and ghost edges per montage and inverse (tables of docs/method/leakage.md)."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mne
import numpy as np
from numpy.typing import NDArray

from painconn.config.cortex import CortexConfig, LeakageConfig
from painconn.connectivity.engine import over_epochs
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.forward import make_forward
from painconn.cortex.ghosts import draw_edges, ghost_sizes
from painconn.cortex.head import build_head
from painconn.cortex.kernels import RegionKernel, make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.leakage import Leakage, leakage_of
from painconn.cortex.montage import place_electrodes
from painconn.cortex.regions import region_labels
from painconn.cortex.template import parcellation, write_subject

INVERSES = ("lcmv", "eloreta")
NORMAL = 2
SFREQ_HZ, LENGTH_S, LAG_S, SEED = 100.0, 2.0, 0.02, 8
ALPHA = {"alpha": (8.0, 13.0)}
N_EDGES, N_EPOCHS = 24, 60
STRENGTH = 400.0
"""Variance of an edge's two sources over that of any other source."""
SENSOR_NOISE = 0.1
"""Sensor noise variance over the mean variance that the cortex gives a channel."""
SIZES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 1.01)
"""Limits between ranges of the predicted imaginary coherence."""
MEASURE = "wpli2_debiased"


@dataclass(frozen=True)
class Case:
    """A montage under an inverse, with kernels made from the covariance of independent sources everywhere."""

    name: str
    field: LeadField
    covariance: NDArray[np.float64]
    kernel: RegionKernel
    leakage: Leakage

    @property
    def gain(self) -> NDArray[np.float64]:
        """Lead field along the cortical normal."""
        return self.field.gain_v_per_am[:, :, NORMAL]


def montages() -> dict[int, list[str]]:
    """Return channel names by number of channels."""
    known = mne.channels.make_standard_montage
    low = [name for name in known("fsaverage_1020").ch_names if name not in ("Fpz", "Oz")]
    return {19: low, 32: known("biosemi32").ch_names, 64: known("biosemi64").ch_names}


def cases() -> Iterator[Case]:
    """Yield every montage under every inverse."""
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        head = build_head(Path(folder))
        fields = {n: lead_field(make_forward(head, place_electrodes(names))) for n, names in montages().items()}
    for n_channels, field in fields.items():
        covariance = background_covariance(field)
        rank = n_channels - 1
        noise = noise_covariance("adhoc", covariance, rank=rank)
        for inverse in INVERSES:
            sources = make_source_kernel(inverse, field, covariance, noise, rank=rank, cortex=CortexConfig())
            regions = make_region_kernel(sources, field, parcellation(), covariance)
            leakage = leakage_of(regions, field, parcellation(), sources)
            yield Case(f"{n_channels}, {inverse}", field, covariance, regions, leakage)


def background_covariance(field: LeadField) -> NDArray[np.float64]:
    """Return the sensor covariance of independent sources of unit moment, and of sensor noise."""
    gain = field.gain_v_per_am[:, :, NORMAL]
    covariance = gain @ gain.T
    n_channels = len(covariance)
    noise = SENSOR_NOISE * np.trace(covariance) / n_channels * (np.eye(n_channels) - 1 / n_channels)
    return np.asarray(covariance + noise)


def leakage_row(case: Case) -> str:
    """Return how leakage lies over regions and pairs."""
    found, limits = case.leakage, LeakageConfig()
    pairs = found.pair_leakage[np.triu_indices(len(found.own_share), 1)]
    marked = (found.own_share < limits.min_own_share) | (found.localisation_error_mm > limits.max_localisation_error_mm)
    cells = (
        case.name,
        _quartiles(100 * found.own_share, 0),
        _quartiles(found.localisation_error_mm, 0),
        _quartiles(found.spread_mm, 0),
        _quartiles(pairs, 2),
        f"{marked.sum()}",
        f"{100 * (pairs > limits.max_pair_leakage).mean():.0f}",
        f"{found.ghosts.pairs_per_edge:.0f}",
        f"{100 * found.ghosts.found:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _quartiles(values: NDArray[np.float64], digits: int) -> str:
    low, middle, high = (f"{value:.{digits}f}" for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return f"{middle} ({low}-{high})"


def regions_row(case: Case) -> str:
    """Return the regions of the pain circuit with their numbers, the poorer side of each."""
    names = case.kernel.region_names
    cells = []
    for stem in (
        "postcentral", "superiorfrontal", "insula", "caudalanteriorcingulate", "rostralanteriorcingulate",
        "medialorbitofrontal",
    ):  # fmt: skip
        sides = [names.index(f"{stem}-{side}") for side in ("lh", "rh")]
        share, error = case.leakage.own_share[sides].min(), case.leakage.localisation_error_mm[sides].max()
        cells.append(f"{100 * share:.0f} %, {error:.0f} mm")
    return f"| {case.name} | {' | '.join(cells)} |"


def ghosts_row(case: Case) -> str:
    """Return the rate of false edges by predicted size, over planted edges."""
    rng = np.random.default_rng(SEED)
    labels = region_labels(parcellation(), case.field.vertices)
    resolution = case.kernel.values @ case.gain
    above = np.quantile(_edges(case, rng, None), 0.95)
    edges = draw_edges(labels, N_EDGES, rng)
    pairs = np.triu_indices(len(resolution), 1)
    sizes, false, true = [], [], []
    for first, second in edges:
        own = (pairs[0] == min(labels[[first, second]])) & (pairs[1] == max(labels[[first, second]]))
        found = _edges(case, rng, (first, second)) > above
        sizes.append(_predicted(resolution, first, second)[pairs][~own])
        false.append(found[~own])
        true.append(found[own])
    bins = np.digitize(np.concatenate(sizes), SIZES) - 1
    wrong = np.concatenate(false)
    rates = [_percent(wrong[bins == one]) for one in range(len(SIZES) - 1)]
    return f"| {case.name} | {' | '.join(rates)} | {_percent(wrong)} | {_percent(np.concatenate(true))} |"


def _percent(found: NDArray[np.bool_]) -> str:
    return f"{100 * found.mean():.0f} ({len(found)})" if len(found) else "- (0)"


def _predicted(resolution: NDArray[np.float64], first: int, second: int) -> NDArray[np.float64]:
    """Return the imaginary coherence that the resolution matrix predicts for every pair of estimates."""
    power = np.square(resolution)
    background = power.sum(axis=1)
    variance = background + STRENGTH * power[:, [first, second]].sum(axis=1)
    factor = np.sqrt(background / variance)
    return np.asarray(STRENGTH * ghost_sizes(resolution, first, second) * np.outer(factor, factor))


def _edges(case: Case, rng: np.random.Generator, edge: tuple[int, int] | None) -> NDArray[np.float64]:
    """Simulate a recording, with one lagged edge or none, and return the measure of every pair of regions."""
    n_times = int(LENGTH_S * SFREQ_HZ)
    # Sources that are Gaussian, independent and alike need not be simulated one by one.
    variance, basis = np.linalg.eigh(case.covariance)
    root = basis * np.sqrt(np.clip(variance, 0, None))
    data = root @ rng.standard_normal((N_EPOCHS, len(root), n_times))
    if edge is not None:
        lag = round(LAG_S * SFREQ_HZ)
        leading = rng.standard_normal((N_EPOCHS, n_times + lag)) * np.sqrt(STRENGTH)
        shown = case.gain[:, list(edge)]
        data += np.einsum("c,et->ect", shown[:, 0], leading[:, lag:]) + np.einsum(
            "c,et->ect", shown[:, 1], leading[:, :-lag]
        )
    signals = case.kernel.values @ data
    found = over_epochs(signals, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, measures=[MEASURE]).matrices[MEASURE, "alpha"]
    return np.asarray(found[np.triu_indices(len(found), 1)])


def main() -> None:
    """Print the tables."""
    made = list(cases())
    header = (
        "channels, inverse | own share, % | localisation error, mm | spread, mm | pair leakage | marked regions of 68 "
        "| pairs above the limit, % | pairs per true edge | own pair among them, %"
    )
    _table(header, [leakage_row(case) for case in made])
    _table(
        "channels, inverse | postcentral | superior frontal | insula | caudal anterior cingulate | "
        "rostral anterior cingulate | medial orbitofrontal",
        [regions_row(case) for case in made],
    )
    spans = [f"{low:g}-{high:g}" for low, high in pairwise(SIZES[:-1])] + [f"above {SIZES[-2]:g}"]
    _table(
        f"channels, inverse | {' | '.join(spans)} | all other pairs | the true pair",
        [ghosts_row(case) for case in made],
    )


def _table(header: str, rows: list[str]) -> None:
    print(f"| {header} |\n{'|---' * (header.count('|') + 1)}|", *rows, "", sep="\n")


if __name__ == "__main__":
    main()
