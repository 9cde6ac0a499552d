"""Per session: region signals of every inverse, connectivity, and a row of features per observation."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.epochs import remove_evoked
from painconn.cleaning.quality import muscle_share
from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.estimate import Key
from painconn.connectivity.surrogates import SurrogateFloor, surrogate_floor
from painconn.connectivity.usable import Usable
from painconn.cortex.parcellations import parcellation_of, region_centroids
from painconn.errors import Problem, RecordingFault
from painconn.features.names import QUALITY, join
from painconn.features.rows import Continuous, ObservationFeatures
from painconn.paths import Results, SessionKey
from painconn.provenance import seed_for
from painconn.steps.connectivity_files import (
    CONVENTIONS,
    SURROGATES,
    Floors,
    connectivity_writers,
    feature_writer,
    matrix_records,
)
from painconn.steps.kernels import (
    BandKernel,
    kernel_arrays,
    kernel_records,
    leakages,
    make_kernels,
    source_space,
)
from painconn.steps.leakage import leakage_file, leakage_writer
from painconn.store import read_result, write_result

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

_MOST_NAMED = 8
_OF_RECORDINGS = ("drowsiness_index", "line_noise_ratio_after")

Signals = NDArray[np.float64]


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Turn a cleaned session into feature rows; an exclusion of an earlier step is passed on untouched."""
    key = SessionKey.parse(name)
    sidecar = results.connectivity(key)
    cleaned = read_result(results.cleaned(key))
    about = {key: cleaned[key] for key in ("participant", "session", "site")}
    if cleaned["status"] != "ok":
        _exclude(sidecar, about, cleaned["exclusions"])
        return
    forward = read_result(results.forward(settings["session"]["montage"]))
    if forward["status"] != "ok":
        _exclude(sidecar, about, [*cleaned["exclusions"], *forward["exclusions"]])
        return
    try:
        _connect(results, settings, key, cleaned, about | {"findings": forward.get("findings", [])})
    except RecordingFault as fault:
        logger.warning("%s excluded: %s", name, fault)
        _exclude(sidecar, about, [*cleaned["exclusions"], {"step": "connect", **fault.as_record()}])


def _exclude(sidecar: "Path", about: dict[str, str], exclusions: list[dict[str, str]]) -> None:
    write_result(sidecar, {**about, "status": "excluded", "step": "connect", "exclusions": exclusions})


def _connect(
    results: Results, settings: dict[str, Any], key: SessionKey, cleaned: dict[str, Any], about: dict[str, Any]
) -> None:
    folder = results.cleaned(key).parent
    observations, channels = _observations(folder, key, cleaned)
    continuous = _continuous(folder, key, cleaned, channels)
    space = source_space(results, settings, channels)
    kernels = make_kernels(space, observations, settings, cleaned)
    regions = space.parcellation.region_names
    connectivity = ConnectivityConfig.model_validate(settings["connectivity"])
    rows, index, missing, matrices = [], [], [], []
    arrays: dict[str, NDArray[Any]] = dict(kernel_arrays(kernels))
    for (condition, window), data in observations.items():
        row = ObservationFeatures(
            connectivity,
            FeaturesConfig.model_validate(settings["features"]),
            sfreq_hz=cleaned["sfreq_hz"],
            highest_hz=cleaned["lowpass_hz"],
            channels=channels,
            epoch_overlap=cleaned["conditions"][condition]["epoch_overlap"],
        )
        row.add_sensors(data)
        segments = partial(_segments, continuous=continuous, condition=cleaned["conditions"][condition], window=window)
        for inverse, own in kernels.items():
            place = {"condition": condition, "window": window, "inverse": inverse}
            floors = _add_inverse(
                row, inverse, own, data, segments, settings, (key.participant, key.session, *place.values())
            )
            for estimate in row.estimates.get(inverse, ()):
                described, values = matrix_records(connectivity, estimate, floors, **place)
                matrices += described
                arrays |= values
        muscle = muscle_share(*row.sensor_density, channels, lowpass_hz=cleaned["lowpass_hz"])
        row.columns |= _quality_columns(cleaned, condition) | {join(QUALITY, "muscle_index"): muscle}
        rows.append(row)
        index.append({"condition": condition, "window": window})
        missing += [{"condition": condition, "window": window, **reason} for reason in row.not_computable]
    template = parcellation_of(settings["cortex"]["parcellation"])
    names, writers = connectivity_writers(results.connectivity(key), arrays, regions, region_centroids(template))
    record = {
        "step": "connect",
        **about,
        "head": space.head,
        "observations": index,
        "not_computable": missing,
        "exclusions": cleaned["exclusions"],
        "regions": list(regions),
        "channels": list(channels),
        "rank": cleaned["rank"]["used"],
        "sfreq_hz": cleaned["sfreq_hz"],
        "kernels": kernel_records(kernels),
        "power": [place | row.power_smoothing for place, row in zip(index, rows, strict=True)],
        "fingerprints": cleaned["fingerprints"],
        **CONVENTIONS,
        **names,
        "matrices": matrices,
    }
    table = feature_writer(
        [row.columns for row in rows],
        [row.halves for row in rows],
        [row.sensor_spectrum_db for row in rows],
        rows[0].sensor_freqs_hz,
    )
    writers |= {f"{key.name}_desc-features_table.npz": table, leakage_file(key): leakage_writer(leakages(kernels))}
    write_result(results.connectivity(key), record, writers)


def _add_inverse(
    row: ObservationFeatures,
    inverse: str,
    kernels: Sequence[BandKernel],
    data: Signals,
    segments: Callable[[BandKernel], Continuous | str],
    settings: dict[str, Any],
    labels: tuple[str, ...],
) -> Floors | None:
    """Add everything of one inverse to a row; return the surrogate floors of its matrices, where they are wanted."""
    n_surrogates = ConnectivityConfig.model_validate(settings["connectivity"]).n_surrogates
    seed = seed_for(settings["seed"], "surrogates", *labels) if n_surrogates else None
    floors: dict[Key, SurrogateFloor] = {}
    for made in kernels:
        regions, signals = made.kernel.region_names, made.regions(data)
        _check_regions(signals, regions, ", ".join(labels[2:]), settings["cortex"])
        row.add_regions(inverse, regions, signals, bands=made.bands)
        components = made.components(data) if made.kernel.n_components > 1 else None
        if components is not None:
            row.add_components(inverse, regions, components, bands=made.bands)
        row.add_continuous(inverse, regions, segments(made), bands=made.bands)
        if seed is not None:
            floors |= _floors(row, made, signals, components, n_surrogates, seed)
    row.add_graphs(inverse, regions)
    return Floors(floors, seed) if floors and seed is not None else None


def _check_regions(signals: Signals, regions: tuple[str, ...], where: str, cortex: dict[str, Any]) -> None:
    """Refuse a session most of whose regions say nothing; a few are missing in every measure, with the reason."""
    silent = Usable.of(signals).reasons
    limit = cortex["max_silent_fraction"]
    if len(silent) <= limit * len(regions):
        return
    named = ", ".join(f"{regions[region]} ({reason})" for region, reason in list(silent.items())[:_MOST_NAMED])
    problem = Problem(
        where,
        f"{len(silent)} of {len(regions)} regions without a signal: {named}",
        f"at most {limit:.0%}",
        "look at the channels and the positions of this session; a higher cortex.max_silent_fraction lets it in",
    )
    raise RecordingFault("silent regions", problem)


def _floors(
    row: ObservationFeatures,
    made: BandKernel,
    signals: Signals,
    components: Signals | None,
    n_surrogates: int,
    seed: int,
) -> dict[Key, SurrogateFloor]:
    """Compute the surrogate floors of the measures over epochs."""
    floor = partial(surrogate_floor, n_surrogates=n_surrogates, seed=seed, kind=SURROGATES)
    found = floor(signals, lambda shifted: row.estimate_over_epochs(shifted, bands=made.bands).matrices)
    if components is not None:
        region_of = np.repeat(np.arange(len(made.kernel.region_names)), made.kernel.n_components)
        found |= floor(
            components,
            lambda shifted: row.estimate_components(shifted, region_of, bands=made.bands).matrices,
            region_of=region_of,
        )
    return found


def _observations(
    folder: "Path", key: SessionKey, cleaned: dict[str, Any]
) -> tuple[dict[tuple[str, str], Signals], tuple[str, ...]]:
    """Read the selected epochs, (epochs, channels, times) in volts; event windows with and without evoked mean."""
    import mne

    observations: dict[tuple[str, str], Signals] = {}
    channels: tuple[str, ...] = ()
    for condition, record in cleaned["conditions"].items():
        for window in record["windows"]:
            path = folder / f"{key.name}_cond-{condition}_window-{window}_desc-clean_epo.fif"
            epochs = mne.read_epochs(path, proj=False, verbose="WARNING")
            data = epochs.get_data(copy=False, verbose="WARNING")
            channels = tuple(epochs.ch_names)
            if window == "epoch":
                observations[condition, window] = data
            else:
                observations[condition, window] = remove_evoked(data)
                observations[condition, f"{window}_evoked"] = data
    return observations, channels


def _continuous(
    folder: "Path", key: SessionKey, cleaned: dict[str, Any], channels: tuple[str, ...]
) -> dict[str, Signals]:
    import mne

    wanted = {recording for condition in cleaned["conditions"].values() for recording in condition["segments"]}
    signals = {}
    for recording in sorted(wanted):
        raw = mne.io.read_raw_fif(folder / f"{key.name}_{recording}_desc-clean_eeg.fif", verbose="WARNING")
        signals[recording] = raw.get_data(picks=list(channels), verbose="WARNING")
    return signals


def _segments(
    made: BandKernel, *, continuous: dict[str, Signals], condition: dict[str, Any], window: str
) -> Continuous | str:
    """Return what gives the continuous region signals of each recording and the spans to use, or why there are none."""
    if window != "epoch":
        return "events have no continuous segments"
    spans = condition["segments"]
    return condition["segments_reason"] or (
        lambda: [(made.regions(continuous[recording]), spans[recording]) for recording in spans]
    )


def _quality_columns(cleaned: dict[str, Any], condition: str) -> dict[str, float]:
    record = cleaned["conditions"][condition]
    return {
        "quality__n_epochs": float(record["n_epochs"]),
        "quality__n_epochs_kept": float(record["n_kept"]),
        "quality__fraction_epochs_kept": record["n_kept"] / record["n_cut"],
        "quality__n_bad_channels": float(len(cleaned["bads"])),
        "quality__components_removed": float(cleaned["rank"]["components_removed"]),
        "quality__rank": float(cleaned["rank"]["used"]),
        "quality__fraction_interpolated": len(cleaned["bads"]) / (len(cleaned["bads"]) + len(cleaned["good_channels"])),
        **{f"quality__{name}": _mean_quality(cleaned, record, name) for name in _OF_RECORDINGS},
    }


def _mean_quality(cleaned: dict[str, Any], record: dict[str, Any], name: str) -> float:
    """Return the mean over the recordings that the epochs came from; NaN where it is not known of each."""
    used = [recording for recording, fates in record.get("epoch_fate", {}).items() if "used" in fates]
    values = [cleaned["quality"].get(recording, {}).get(name) for recording in used]
    return float(np.mean([np.nan if value is None else value for value in values])) if values else np.nan
