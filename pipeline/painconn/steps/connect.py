"""Per session: one kernel per inverse, region signals, connectivity, and a row of features per observation."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.epochs import remove_evoked
from painconn.cleaning.quality import muscle_share
from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.surrogates import surrogate_floor
from painconn.connectivity.usable import Usable
from painconn.cortex.inverse import RegionKernel
from painconn.cortex.lead_field import LeadField
from painconn.cortex.registry import INVERSES
from painconn.cortex.template import parcellation
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
from painconn.store import read_arrays, read_result, write_result

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
        _connect(results, settings, key, cleaned, about)
    except RecordingFault as fault:
        logger.warning("%s excluded: %s", name, fault)
        _exclude(sidecar, about, [*cleaned["exclusions"], {"step": "connect", **fault.as_record()}])


def _exclude(sidecar: "Path", about: dict[str, str], exclusions: list[dict[str, str]]) -> None:
    write_result(sidecar, {**about, "status": "excluded", "step": "connect", "exclusions": exclusions})


def _connect(
    results: Results, settings: dict[str, Any], key: SessionKey, cleaned: dict[str, Any], about: dict[str, str]
) -> None:
    folder = results.cleaned(key).parent
    observations, channels = _observations(folder, key, cleaned)
    continuous = _continuous(folder, key, cleaned, channels)
    kernels = _kernels(results, settings, cleaned, observations, channels)
    regions = next(iter(kernels.values())).region_names
    connectivity = ConnectivityConfig.model_validate(settings["connectivity"])
    rows, index, missing, matrices = [], [], [], []
    arrays: dict[str, NDArray[Any]] = {}
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
        for inverse, kernel in kernels.items():
            signals = kernel.values @ data
            _check_regions(signals, regions, f"{condition}, {window}, {inverse}", settings["cortex"])
            row.add_regions(inverse, regions, signals)
            row.add_continuous(
                inverse, regions, _segments(kernel, continuous, cleaned["conditions"][condition], window)
            )
            row.add_graphs(inverse, regions)
            place = {"condition": condition, "window": window, "inverse": inverse}
            floors = _floors(row, signals, connectivity, settings, (key.participant, key.session, *place.values()))
            for estimate in row.estimates[inverse]:
                described, values = matrix_records(connectivity, estimate, floors, **place)
                matrices += described
                arrays |= values
        muscle = muscle_share(*row.sensor_density, channels, lowpass_hz=cleaned["lowpass_hz"])
        row.columns |= _quality_columns(cleaned, condition) | {join(QUALITY, "muscle_index"): muscle}
        rows.append(row)
        index.append({"condition": condition, "window": window})
        missing += [{"condition": condition, "window": window, **reason} for reason in row.not_computable]
    arrays |= {join("kernel", inverse): kernel.values for inverse, kernel in kernels.items()}
    names, writers = connectivity_writers(results.connectivity(key), arrays, regions)
    record = {
        "step": "connect",
        **about,
        "observations": index,
        "not_computable": missing,
        "exclusions": cleaned["exclusions"],
        "regions": list(regions),
        "channels": list(channels),
        "rank": next(iter(kernels.values())).rank,
        "sfreq_hz": cleaned["sfreq_hz"],
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
    write_result(results.connectivity(key), record, {**writers, f"{key.name}_desc-features_table.npz": table})


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
    signals: Signals,
    connectivity: ConnectivityConfig,
    settings: dict[str, Any],
    labels: tuple[str, ...],
) -> Floors | None:
    """Compute the surrogate floors of the measures over epochs, when the study asks for them."""
    if not connectivity.n_surrogates or not connectivity.measures_of("over_epochs"):
        return None
    seed = seed_for(settings["seed"], "surrogates", *labels)
    floors = surrogate_floor(
        signals,
        lambda surrogate: row.estimate_over_epochs(surrogate).matrices,
        n_surrogates=connectivity.n_surrogates,
        seed=seed,
        kind=SURROGATES,
    )
    return Floors(floors, seed)


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


def _kernels(
    results: Results,
    settings: dict[str, Any],
    cleaned: dict[str, Any],
    observations: dict[tuple[str, str], Signals],
    channels: tuple[str, ...],
) -> dict[str, RegionKernel]:
    """Make one kernel per inverse from data pooled over equal amounts of every condition."""
    sidecar = results.forward(settings["session"]["montage"])
    arrays = read_arrays(sidecar.with_name(f"montage-{settings['session']['montage']}_leadfield.npz"))
    field = LeadField.from_arrays(arrays).pick(channels)
    covariance = pooled_covariance(
        {key: data for key, data in observations.items() if key[1] in ("epoch", "pre_evoked", "post_evoked")}
    )
    return {
        inverse: INVERSES[inverse].load()(
            field,
            parcellation(),
            covariance,
            rank=cleaned["rank"]["used"],
            regularisation=settings["cortex"]["lcmv_regularisation"],
        )
        for inverse in settings["cortex"]["inverses"]
    }


def pooled_covariance(observations: Mapping[tuple[str, str], Signals]) -> Signals:
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
    return np.mean([part @ part.T / part.shape[1] for part in parts], axis=0)


def _spread(epochs: list[Signals], samples: int) -> list[Signals]:
    """Order epochs so that the first ones are spread over all of them, enough for the number of samples."""
    wanted = min(len(epochs), -(-samples // epochs[0].shape[-1]))
    chosen = np.unique(np.linspace(0, len(epochs) - 1, wanted).round().astype(int))
    rest = [index for index in range(len(epochs)) if index not in set(chosen)]
    return [epochs[index] for index in (*chosen, *rest)]


def _segments(
    kernel: RegionKernel, continuous: dict[str, Signals], condition: dict[str, Any], window: str
) -> Continuous | str:
    """Return what gives the continuous region signals of each recording and the spans to use, or why there are none."""
    if window != "epoch":
        return "events have no continuous segments"
    spans = condition["segments"]
    return condition["segments_reason"] or (
        lambda: [(kernel.values @ continuous[recording], spans[recording]) for recording in spans]
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
