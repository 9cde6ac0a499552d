"""Measure what an analysis loses with fewer electrodes (docs/method/localisation.md).

Usage: python tools/measure_density.py [--people 18] [--recordings FILE ...]

Simulated people: a lagged coupling between two regions, in a head and under a cap that differ from those of the
analysis in every way of `measure_localisation`. Recordings: EDF files of the EEG Motor Movement/Imagery Dataset
(64 channels, eyes open), cleaned once with all channels; the smaller montages are parts of them.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from measure_localisation import ALL, PATCH_MM, SEED, TRUTHS, analyses, bundled_field, montages, print_table, rate
from painconn.cleaning.epochs import reject_epochs, rest_epochs
from painconn.cleaning.session import clean_session
from painconn.connectivity.engine import over_epochs
from painconn.cortex.kernels import make_region_kernel
from painconn.cortex.leakage import leakage_of
from painconn.cortex.montage import place_electrodes
from painconn.cortex.registry import FUNCTIONAL_GROUPS
from painconn.cortex.template import parcellation
from painconn.features.edges import block_pairs, blocks, edges
from painconn.features.power import relative_power
from painconn.simulation.localisation import Analysis, background_covariance
from painconn.simulation.signals import band_noise, delayed, mixed_with, powerlaw_noise
from painconn.simulation.truth import Truth, build_truth

Array = NDArray[np.float64]

INVERSES = ("lcmv", "eloreta")
MEASURE, ALPHA_HZ, RANGE_HZ = "wpli2_debiased", (8.0, 13.0), (1.0, 40.0)
SFREQ_HZ, EPOCH_S, N_EPOCHS = 100.0, 2.0, 60
PEAK_HZ, WIDTH_HZ, DELAY_S, STRENGTH = 10.0, 1.0, 0.025, 0.8
RHYTHM, COUPLED = 1.0, 4.0
"""Variance that the rhythm of all regions gives a channel over the background's; amplitude of the two coupled ones."""
PAIRS = {
    "S1 left, superior frontal right": ("postcentral-lh", "superiorfrontal-rh"),
    "S1 left, insula right": ("postcentral-lh", "insula-rh"),
    "S1 left, dorsal ACC right": ("postcentral-lh", "caudalanteriorcingulate-rh"),
}
REGIONS = parcellation().region_names


def person(truth: Truth, number: int, pair: tuple[str, str], *, coupled: bool) -> Array:
    """Simulate a recording, (electrodes, times) in V; people differ in cap, patches and all signals.

    With and without the coupling everything else is the same, random numbers and amplitudes included.
    """
    place, background, own, shared = (np.random.default_rng((SEED, number, stream)) for stream in range(4))
    n_times = int(N_EPOCHS * EPOCH_S * SFREQ_HZ)
    gain = truth.gain_v_per_am[number % len(truth.gain_v_per_am)]
    gain = gain - gain.mean(axis=0)
    line: dict[str, float] = {"sfreq_hz": SFREQ_HZ, "peak_hz": PEAK_HZ, "width_hz": WIDTH_HZ}
    waves = band_noise(own, len(REGIONS), n_times, **line)
    process = band_noise(shared, 1, n_times, **line)[0]
    leader, follower = (REGIONS.index(name) for name in pair)
    if coupled:
        waves[leader] = mixed_with(waves[[leader]], process, STRENGTH)[0]
        waves[follower] = mixed_with(waves[[follower]], delayed(process, DELAY_S, sfreq_hz=SFREQ_HZ), STRENGTH)[0]
    waves[[leader, follower]] *= COUPLED
    patches = _patches(truth, gain, place)
    covariance = background_covariance(gain)
    rhythm = patches * np.sqrt(RHYTHM * np.trace(covariance) / np.sum(patches**2))
    variance, basis = np.linalg.eigh(covariance)
    noise = powerlaw_noise(background, len(gain), n_times, sfreq_hz=SFREQ_HZ, exponent=1.2)
    return np.asarray(rhythm @ waves + (basis * np.sqrt(np.maximum(variance, 0))) @ noise)


def _patches(truth: Truth, gain: Array, rng: np.random.Generator) -> Array:
    """Return the gain of one patch per region, (electrodes, regions)."""
    labels = truth.regions("desikan_killiany")
    columns = []
    for region in range(len(REGIONS)):
        members = np.flatnonzero(labels == region)
        away = np.linalg.norm(truth.places_mm[members] - truth.places_mm[rng.choice(members)], axis=1)
        columns.append(gain[:, members[away <= PATCH_MM]].mean(axis=1))
    return np.column_stack(columns)


def region_signals(analysis: Analysis, inverse: str, epochs: Array, *, rank: int | None = None) -> Array:
    """Return region signals, (epochs, regions, times), of epochs of the analysis's channels in V."""
    referenced = epochs - epochs.mean(axis=1, keepdims=True)
    samples = np.moveaxis(referenced - referenced.mean(axis=-1, keepdims=True), 1, 0).reshape(epochs.shape[1], -1)
    kernel = analysis.kernel(inverse, samples @ samples.T / samples.shape[1], rank=rank)
    return np.asarray((analysis.region_average @ kernel.values) @ referenced)


def alpha(signals: Array, sfreq_hz: float) -> tuple[Array, tuple[Array, ...]]:
    """Return the matrix of debiased wPLI, and those of every other epoch."""
    found = over_epochs(
        signals, sfreq_hz=sfreq_hz, bands_hz={"alpha": ALPHA_HZ}, measures=[MEASURE], gates=None, halves=True
    )
    return found.matrices[MEASURE, "alpha"], tuple(half[MEASURE, "alpha"] for half in found.halves)


def simulate(made: dict[int, Analysis], truths: Sequence[Truth], n_people: int) -> pd.DataFrame:
    """Return a row per person, pair, coupling, montage and inverse, with all edges and blocks."""
    names = montages()
    rows = []
    for number in range(n_people):
        truth = truths[number % len(truths)]
        for label, pair in PAIRS.items():
            for coupled in (False, True):
                data = person(truth, number, pair, coupled=coupled)
                for n_channels, analysis in made.items():
                    kept = data[[truth.electrodes.index(name) for name in names[n_channels]]]
                    epochs = kept.reshape(len(kept), N_EPOCHS, -1).swapaxes(0, 1)
                    for inverse in INVERSES:
                        signals = region_signals(analysis, inverse, epochs)
                        matrix, _ = alpha(signals, SFREQ_HZ)
                        rows.append(
                            {
                                "pair": label,
                                "coupled": coupled,
                                "channels": n_channels,
                                "inverse": inverse,
                                "edges": edges(matrix),
                                "blocks": blocks(matrix, REGIONS, FUNCTIONAL_GROUPS),
                                "dimensions": effective_dimensions(signals),
                            }
                        )
    return pd.DataFrame(rows)


def effective_dimensions(signals: Array) -> float:
    """Return (sum of eigenvalues)² / (sum of squares) of the correlations of region signals."""
    correlation = np.corrcoef(np.moveaxis(signals, 1, 0).reshape(signals.shape[1], -1))
    return float(len(correlation) ** 2 / np.sum(correlation**2))


def positions(pair: tuple[str, str]) -> tuple[int, int]:
    """Return where a pair is among the edges, and where its block is among the blocks."""
    marked = np.zeros((len(REGIONS), len(REGIONS)))
    first, second = sorted(REGIONS.index(name) for name in pair)
    marked[first, second] = marked[second, first] = 1
    of = {region: group for group, regions in FUNCTIONAL_GROUPS.items() for region in regions}
    wanted = {of[pair[0]], of[pair[1]]}
    return int(edges(marked).argmax()), [set(one) for one in block_pairs(FUNCTIONAL_GROUPS)].index(wanted)


def sensitivity_rows(found: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield a row per pair, montage and inverse."""
    for (label, n_channels, inverse), rows in found.groupby(["pair", "channels", "inverse"], sort=False):
        edge, block = positions(PAIRS[label])
        coupled, null = rows[rows["coupled"]], rows[~rows["coupled"]]
        with_edges, without = np.stack(coupled["edges"]), np.stack(null["edges"])
        with_blocks, no_blocks = np.stack(coupled["blocks"]), np.stack(null["blocks"])
        floor = np.quantile(without, 0.95)
        rank = 1 + np.sum(with_edges > with_edges[:, [edge]], axis=1)
        low, middle, high = np.quantile(rank, [0.25, 0.5, 0.75])
        yield (
            label,
            str(n_channels),
            f"`{inverse}`",
            rate(with_edges[:, edge] > floor),
            f"{middle:.0f} ({low:.0f}-{high:.0f})",
            f"{100 * np.delete(with_edges > floor, edge, axis=1).mean():.0f}",
            rate(with_blocks[:, block] > np.quantile(no_blocks, 0.95)),
        )


def montage_rows(made: dict[int, Analysis], found: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield what each montage and inverse can tell apart."""
    for (n_channels, inverse), rows in found[~found["coupled"]].groupby(["channels", "inverse"], sort=False):
        analysis = made[n_channels]
        covariance = background_covariance(analysis.field.gain_v_per_am[:, :, 2])
        sources = analysis.kernel(inverse, covariance)
        regions = make_region_kernel(sources, analysis.field, parcellation(), covariance)
        leakage = leakage_of(regions, analysis.field, parcellation(), sources)
        cells = [f"{leakage.pair_leakage[tuple(REGIONS.index(name) for name in pair)]:.2f}" for pair in PAIRS.values()]
        yield (
            str(n_channels),
            f"`{inverse}`",
            str(n_channels - 1),
            f"{rows['dimensions'].mean():.1f}",
            f"{np.median(edges(leakage.pair_leakage)):.2f}",
            *cells,
        )


def recording_rows(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield how like the results with 64 channels those with fewer are, in one recording."""
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    mne.datasets.eegbci.standardize(raw)
    raw.set_montage(mne.channels.make_dig_montage(place_electrodes(raw.info), coord_frame="head"))
    cleaned = clean_session(
        {"rest": raw},
        line_freq_hz=60.0,
        line_noise="notch",
        recording_lowpass_hz=None,
        sfreq_hz=raw.info["sfreq"],
        bad_channels="pyprep",
        ica="picard",
        seed=SEED,
    )
    epochs = rest_epochs(cleaned.raws["rest"], length_s=EPOCH_S, block="T0")
    data = epochs[reject_epochs([epochs], method="autoreject_global", seed=SEED).kept].get_data()
    whole = bundled_field(tuple(epochs.ch_names))
    names = {64: tuple(epochs.ch_names)} | {n: kept for n, kept in montages().items() if n < 64}
    for inverse in INVERSES:
        full: dict[str, Array] = {}
        for n_channels, kept in names.items():
            part = data[:, [epochs.ch_names.index(name) for name in kept]]
            rank = min(cleaned.rank.final, n_channels - 1)
            signals = region_signals(Analysis(whole.pick(kept)), inverse, part, rank=rank)
            matrix, halves = alpha(signals, cleaned.sfreq_hz)
            here = {
                "edges": edges(matrix),
                "blocks": blocks(matrix, REGIONS, FUNCTIONAL_GROUPS),
                "power": _relative_alpha(signals, cleaned.sfreq_hz),
            }
            full = full or here
            cells = [f"{spearmanr(here[kind], full[kind]).statistic:.2f}" for kind in ("power", "edges", "blocks")]
            own = spearmanr(*(edges(half) for half in halves)).statistic
            yield f"{path.stem}, {len(data)} epochs", str(n_channels), str(rank), f"`{inverse}`", *cells, f"{own:.2f}"


def _relative_alpha(signals: Array, sfreq_hz: float) -> Array:
    density, freqs_hz = mne.time_frequency.psd_array_multitaper(
        signals, sfreq_hz, fmin=RANGE_HZ[0], fmax=RANGE_HZ[1], bandwidth=2.0, verbose="error"
    )
    return relative_power(density.mean(axis=0), freqs_hz, ALPHA_HZ, range_hz=RANGE_HZ)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=18, help="simulated people")
    parser.add_argument("--recordings", type=Path, nargs="*", default=[], help="EDF files of 64 channels")
    options = parser.parse_args()
    if options.people:
        made = analyses()
        caps = -(-options.people // len(TRUTHS[ALL]))
        truths = [
            build_truth(spec, montages()[64], n_caps=caps, seed=SEED + place) for place, spec in enumerate(TRUTHS[ALL])
        ]
        found = simulate(made, truths, options.people)
        print_table(
            f"Simulated people, n = {options.people}",
            "planted coupling | channels | inverse | pair found, % | rank of the pair among 2,278 | other pairs above "
            "the floor, % | block found, %",
            [*sensitivity_rows(found)],
        )
        print_table(
            "What the montages tell apart",
            "channels | inverse | rank | effective dimensions of 68 signals | median pair leakage | "
            f"{' | '.join(PAIRS)}",
            [*montage_rows(made, found)],
        )
    if options.recordings:
        print_table(
            "Recordings, rank correlation with 64 channels",
            "recording | channels | rank | inverse | relative alpha power, 68 regions | 2,278 edges | 21 blocks | "
            "edges of one half with the other",
            [row for path in options.recordings for row in recording_rows(path)],
        )


if __name__ == "__main__":
    main()
