"""The ways of cleaning that are compared, as linear operators: what each did to every part of a recording.

Once its decisions are taken, cleaning is linear: filters along time, the same for every channel, and one matrix across
the channels. Both are found here from the decisions and applied to each part alone; that the cleaned parts add up to
the cleaned recording is checked for every recording.

Conventions of this file: data are ``(n_channels, n_times)`` in volts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cleaning_recordings import LINE_HZ, SEED, Recording
from painconn.cleaning.components import Component, Decomposition, remove_components
from painconn.cleaning.epochs import reject_epochs, rest_epochs
from painconn.cleaning.line_noise import suppress_line_noise
from painconn.cleaning.session import FIT_LOWPASS_HZ, CleanedSession, clean_session
from painconn.cleaning.signal import effective_lowpass, high_pass, low_pass, resample
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Source
from painconn.provenance import seed_for
from painconn.recordings.admission import marked_channels, run_checks
from painconn.recordings.checks.signal import signal_of

if TYPE_CHECKING:
    import mne

Array = NDArray[np.float64]

PRESETS = ("recommended", "seed_like", "discover_eeg", "already_clean")
FILTER_ONLY, FIXED = "filter only", "fixed threshold"
WITH_EOG = " + EOG"
REFERENCE = "reference"
FIXED_V = 100e-6
LARGEST_RESIDUAL = 1e-6
_PLAIN = CleaningConfig(bad_channels="none", ica="none", reject="none")
_BESIDE = ("EOG", "ECG")


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A recording cleaned one way.

    Parameters
    ----------
    parts : dict of str to ndarray
        Every part after cleaning.
    reference : ndarray, shape (n_channels, n_times)
        What the cleaned brain is compared with: filtered the same way and average-referenced, nothing else.
    mixture : ndarray, shape (n_channels, n_times)
        Their sum, with the constant that ICA adds.
    starts : ndarray of int
        First samples of the kept epochs.
    n_epochs : int
        Epochs before rejection.
    length : int
        Samples of an epoch.
    sfreq_hz : float
        Rate.
    bads : dict of str to tuple of str
        Channels that were interpolated, with the reasons.
    components : tuple of Component
        Labelled components, if any.
    shares : ndarray, shape (n_components, n_parts)
        Share of each part (in the order of `parts`) in the variance of each component.
    """

    parts: dict[str, Array]
    reference: Array
    mixture: Array
    starts: NDArray[np.intp]
    n_epochs: int
    length: int
    sfreq_hz: float
    bads: Mapping[str, tuple[str, ...]]
    components: tuple[Component, ...] = ()
    shares: Array | None = None


def clean(recording: Recording, preset: str) -> dict[str, Cleaned]:
    """Clean a recording by a preset, through the door and the cleaning of a session, with its EOG channels and without.

    The decomposition does not know the EOG channels; without them, what was removed on their account only stays.

    Returns
    -------
    cleaned : dict of str to Cleaned
        By name of the preset, and with ICA also by that name and `WITH_EOG`.

    Raises
    ------
    RecordingFault
        The recording would be excluded.
    """
    config = CleaningConfig(preset=preset)
    session = cleaned_session(recording.raw, config)
    info = recording.raw.copy().pick("eeg").info
    filtered = filtered_parts(recording, config, info)
    with_eog = _applied(config, session, filtered, info)
    residual = residual_of(with_eog, session)
    if residual > LARGEST_RESIDUAL:
        raise AssertionError(f"cleaned parts differ from the cleaned recording by {residual:.1e} of its largest value")
    if session.decomposition is None:
        return {preset: with_eog}
    components = tuple(_without_beside(component) for component in session.components)
    alone = replace(session, decomposition=replace(session.decomposition, components=components))
    return {preset: _applied(config, alone, filtered, info), preset + WITH_EOG: with_eog}


def residual_of(cleaned: Cleaned, session: CleanedSession) -> float:
    """Return the largest difference between the cleaned parts together and the cleaned recording, relative to it."""
    own = session.raws["rest"].get_data()
    return float(np.abs(cleaned.mixture - own).max() / np.abs(own).max())


def cleaned_session(raw: "mne.io.RawArray", config: CleaningConfig) -> CleanedSession:
    """Run the checks at the door and the cleaning of a session, as the workflow does."""
    findings = run_checks(signal_of(raw, source=Source(root=Path(), layout="bids")), where="recording")
    return clean_session(
        {"rest": raw},
        line_freq_hz=LINE_HZ,
        line_noise=config.line_noise,
        l_freq_hz=config.l_freq_hz,
        h_freq_hz=config.h_freq_hz,
        recording_lowpass_hz=None,
        sfreq_hz=config.sfreq_hz,
        bad_channels=config.bad_channels,
        max_bad_fraction=config.max_bad_fraction,
        found_bads=dict(marked_channels(findings)),
        ica=config.ica,
        ica_threshold=config.ica_thresholds,
        ica_repetitions=config.ica_repetitions,
        seed=seed_for(SEED, "clean"),
    )


def filter_only(recording: Recording) -> dict[str, Cleaned]:
    """Notch, 1-100 Hz, 250 Hz, average reference; all epochs, or those whose every channel stays within `FIXED_V`."""
    info = recording.raw.copy().pick("eeg").info
    filtered = filtered_parts(recording, _PLAIN, info)
    matrix = average_reference(len(info.ch_names))
    parts = {name: matrix @ data for name, data in filtered.items() if name != REFERENCE}
    mixture = np.asarray(sum(parts.values()))
    epochs = _epochs(mixture, _PLAIN, info)
    starts = epochs.events[:, 0].astype(np.intp)
    kept = np.ptp(epochs.get_data(), axis=2).max(axis=1) <= FIXED_V
    reference = matrix @ filtered[REFERENCE]
    everything = Cleaned(parts, reference, mixture, starts, len(starts), len(epochs.times), _PLAIN.sfreq_hz, bads={})
    return {FILTER_ONLY: everything, FIXED: replace(everything, starts=starts[kept])}


def filtered_parts(recording: Recording, config: CleaningConfig, info: "mne.Info") -> dict[str, Array]:
    """Return every part, and the brain as good contacts would have seen it (`REFERENCE`), after all filters."""
    import mne

    lowpass_hz = effective_lowpass(h_freq_hz=config.h_freq_hz, sfreq_hz=config.sfreq_hz, recording_lowpass_hz=None)
    line = {"method": config.line_noise, "line_freq_hz": LINE_HZ, "lowpass_hz": max(lowpass_hz, FIT_LOWPASS_HZ)}

    def filtered(data: Array) -> Array:
        raw = suppress_line_noise(mne.io.RawArray(data, info, verbose="ERROR"), **line).raw
        raw = low_pass(high_pass(raw, l_freq_hz=config.l_freq_hz), h_freq_hz=lowpass_hz)
        return np.asarray(resample(raw, sfreq_hz=config.sfreq_hz, where="part").get_data())

    return {name: filtered(data) for name, data in {**recording.parts, REFERENCE: recording.brain}.items()}


def average_reference(n_channels: int) -> Array:
    """Return the matrix that takes the mean over channels out."""
    return np.eye(n_channels) - 1.0 / n_channels


def affine(
    function: "Callable[[mne.io.RawArray], mne.io.BaseRaw]", info: "mne.Info", bads: list[str]
) -> tuple[Array, Array]:
    """Return matrix and offset of a function that is affine across the channels, from what it makes of each alone.

    ICA subtracts the mean of the data it was fitted on; so a constant, some hundredths of a microvolt, is left.
    """
    import mne

    n_channels = len(info.ch_names)
    raw = mne.io.RawArray(np.hstack([np.eye(n_channels), np.zeros((n_channels, 1))]), info, verbose="ERROR")
    raw.info["bads"] = list(bads)
    made = np.asarray(function(raw).get_data())
    return made[:, :-1] - made[:, -1:], made[:, -1:]


def _applied(
    config: CleaningConfig, session: CleanedSession, filtered: Mapping[str, Array], info: "mne.Info"
) -> Cleaned:
    """Return what the decisions of a session make of every part."""
    bads, decomposition = list(session.bads), session.decomposition

    def across_channels(raw: "mne.io.RawArray") -> "mne.io.BaseRaw":
        raw = _referenced(raw)
        if decomposition is not None:
            raw = remove_components(raw, decomposition)
        return _referenced(raw.interpolate_bads(reset_bads=True, verbose="ERROR")) if bads else raw

    matrix, offset = affine(across_channels, info, bads)
    parts = {name: matrix @ data for name, data in filtered.items() if name != REFERENCE}
    mixture = np.asarray(sum(parts.values())) + offset
    epochs = _epochs(mixture, config, info)
    rejection = reject_epochs([epochs], method=config.reject, seed=seed_for(SEED, "reject"))
    starts = epochs.events[:, 0].astype(np.intp)
    return Cleaned(
        parts=parts,
        reference=average_reference(len(info.ch_names)) @ filtered[REFERENCE],
        mixture=mixture,
        starts=starts[rejection.kept],
        n_epochs=len(starts),
        length=len(epochs.times),
        sfreq_hz=config.sfreq_hz,
        bads=session.bads,
        components=session.components,
        shares=None if decomposition is None else component_shares(decomposition, filtered, info, bads),
    )


def component_shares(
    decomposition: Decomposition, filtered: Mapping[str, Array], info: "mne.Info", bads: list[str]
) -> Array:
    """Return the share of each part in the variance of each component, shape (n_components, n_parts)."""

    def sources(raw: "mne.io.RawArray") -> "mne.io.BaseRaw":
        return decomposition.ica.get_sources(_referenced(raw))

    unmixing, _ = affine(sources, info, bads)
    variances = np.array([(unmixing @ data).var(axis=1) for name, data in filtered.items() if name != REFERENCE]).T
    return np.asarray(variances / variances.sum(axis=1, keepdims=True))


def _referenced(raw: "mne.io.BaseRaw") -> "mne.io.BaseRaw":
    return raw.copy().set_eeg_reference("average", projection=False, verbose="ERROR")


def _epochs(mixture: Array, config: CleaningConfig, info: "mne.Info") -> "mne.BaseEpochs":
    import mne

    info = mne.create_info(info.ch_names, config.sfreq_hz, "eeg")
    raw = mne.io.RawArray(mixture, info, verbose="ERROR")
    return rest_epochs(raw, length_s=config.epoch_length_s, overlap=config.epoch_overlap, block=None)


def _without_beside(component: Component) -> Component:
    """Return a component as it is judged when no eye or heart channel was recorded."""
    reasons = tuple(reason for reason in component.reasons if not reason.startswith(_BESIDE))
    return replace(component, reasons=reasons, removed=bool(reasons), eog_correlation=None, ecg_correlation=None)
