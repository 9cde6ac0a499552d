"""The order of the cleaning steps, for all recordings of one session together.

Filters act on each recording alone; bad channels and components are found once, on all recordings joined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.channels import (
    BadChannelMethod,
    Reasons,
    check_bad_fraction,
    known_bads,
    merged,
    noisy_channels,
)
from painconn.cleaning.component_methods import ComponentMethod
from painconn.cleaning.components import (
    Component,
    Decomposition,
    decided_by_hand,
    decompose,
    remove_components,
)
from painconn.cleaning.decisions import Decision
from painconn.cleaning.judged import eye_and_heart, joined
from painconn.cleaning.line_noise import LineNoiseMethod, suppress_line_noise
from painconn.cleaning.rank import SessionRank, session_rank
from painconn.cleaning.reference import ReferenceMethod, apply_reference, usable_mastoids
from painconn.cleaning.segments import bad_samples, bridge_stretches
from painconn.cleaning.signal import (
    SHORTEST_RECORDING_S,
    Spectrum,
    check_rate,
    effective_lowpass,
    high_pass,
    low_pass,
    mean_spectrum,
    resample,
)
from painconn.cleaning.vigilance import blink_rate_per_min
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from mne.io import BaseRaw

FIT_RATE_HZ = 250.0
"""Rate at which channels and components are judged, when the recordings are that fast: enough for 100 Hz."""

FIT_LOWPASS_HZ = 100.0
"""ICLabel was trained on 1-100 Hz."""


LineComponents = dict[float, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class CleanedSession:
    """A cleaned session and every decision that was taken on the way.

    Parameters
    ----------
    raws : dict of str to mne.io.BaseRaw
        Per recording: EEG channels only, all of them, in the order given, final reference and rate.
    bads : dict of str to tuple of str
        Bad channels and why; they are interpolated in `raws`.
    rank : SessionRank
        Tracked, numerical and final rank.
    decomposition : Decomposition | None
        Its labelled components, hands included; None without ICA.
    refused : tuple of (Decision, str)
        Decisions about components that were not followed, and why.
    good_channels : tuple of str
        The channels that `Component.weights` runs over.
    line_components : dict of str to dict of float to tuple of int
        Per recording and frequency, how many directions the spatial line filter took out in each chunk; else empty.
    lowpass_hz, sfreq_hz : float
        What the result has.
    line_freq_hz : float | None
        Line frequency of the session, when stated.
    before, after : dict of str to Spectrum
        Mean spectrum of the good channels as read and after cleaning, per recording.
    blink_rates_per_min : dict of str to float
        Blinks per minute before components were removed, per recording.
    """

    raws: dict[str, "BaseRaw"]
    bads: Reasons
    rank: SessionRank
    decomposition: Decomposition | None
    refused: tuple[tuple[Decision, str], ...]
    good_channels: tuple[str, ...]
    line_components: dict[str, LineComponents]
    lowpass_hz: float
    sfreq_hz: float
    line_freq_hz: float | None
    before: dict[str, Spectrum]
    after: dict[str, Spectrum]
    blink_rates_per_min: dict[str, float]

    @property
    def components(self) -> tuple[Component, ...]:
        """Labelled components; empty without ICA."""
        return () if self.decomposition is None else self.decomposition.components

    @property
    def interpolated_fraction(self) -> float:
        """Interpolated channels as a fraction of all."""
        return len(self.bads) / (len(self.bads) + len(self.good_channels))


def clean_session(
    raws: Mapping[str, "BaseRaw"],
    *,
    line_freq_hz: float | None,
    line_noise: LineNoiseMethod,
    l_freq_hz: float = 1.0,
    h_freq_hz: float = 100.0,
    recording_lowpass_hz: float | None,
    sfreq_hz: float = 250.0,
    bad_channels: BadChannelMethod,
    max_bad_fraction: float = 0.25,
    found_bads: Reasons | None = None,
    manual_bads: Sequence[str] = (),
    manual_goods: Sequence[str] = (),
    reference: ReferenceMethod = "average",
    mastoids: Sequence[str] = (),
    ica: ComponentMethod,
    ica_threshold: float | Mapping[str, float] = 0.8,
    ica_repetitions: int = 1,
    component_decisions: Sequence[Decision] = (),
    seed: int,
) -> CleanedSession:
    """Clean all recordings of one session.

    Line noise, high-pass, bad channels, average reference over the good channels, ICA at the rank, removal of eye,
    muscle, heart and line components, low-pass, resampling, interpolation of the bad channels, final reference.

    Parameters
    ----------
    raws : mapping of str to mne.io.BaseRaw
        The recordings of one session by name, with electrode positions, in volts, with the same EEG channels.
        Channels of type EOG and ECG that all of them have help to find components of eyes and heart.
        Annotations starting with ``BAD`` are left out of every fit and are carried along. Not modified.
    line_freq_hz : float | None
        Frequency of the mains; needed unless `line_noise` is ``none``.
    line_noise : {"notch", "spectrum_fit", "zapline", "none"}
        As in :func:`painconn.cleaning.line_noise.suppress_line_noise`.
    l_freq_hz, h_freq_hz : float
        High-pass and wanted low-pass edge.
    recording_lowpass_hz : float | None
        Low-pass that the recordings are stated to have had.
    sfreq_hz : float
        Sampling rate of the result, at most that of the slowest recording.
    bad_channels : {"pyprep", "none"}
        Whether noisy channels are looked for. Channels that are flat, not finite or marked are bad in any case.
    max_bad_fraction : float
        More bad channels than this fraction refuse the session.
    found_bads : dict of str to tuple of str, or None
        Channels that were found bad before, each with its reasons.
    manual_bads : sequence of str
        Channels that a person marked as bad.
    manual_goods : sequence of str
        Channels that a person found good: neither `found_bads` nor the search for noisy channels takes them.
    reference : {"average", "mastoids"}
        Of the result; all decisions are taken on the average reference.
    mastoids : sequence of str
        Channels of the reference ``mastoids``.
    ica : {"picard", "infomax", "fastica", "none"}
        Whether components are removed, and how they are found.
    ica_threshold : float | mapping of str to float
        Smallest ICLabel probability at which a component is removed; or one per class.
    ica_repetitions : int
        Runs of the decomposition; the most typical one is used.
    component_decisions : sequence of Decision
        What a person decided about components.
    seed : int
        Seed of ICA and RANSAC.

    Returns
    -------
    cleaned : CleanedSession
        New recordings, one per entry of `raws`, and what was done.

    Raises
    ------
    RecordingFault
        A recording is too slow, too short or without positions, its channels differ from the others', its line
        frequency is not stated, too many channels are bad, or a mastoid channel is bad or missing.
    """
    recordings = {name: raw.copy().pick("eeg", exclude=(), verbose="WARNING") for name, raw in raws.items()}
    _check_recordings(recordings, sfreq_hz=sfreq_hz)
    channels = list(next(iter(recordings.values())).ch_names)
    fit_rate_hz = min(max(sfreq_hz, FIT_RATE_HZ), *(float(raw.info["sfreq"]) for raw in recordings.values()))
    lowpass_hz, fit_lowpass_hz = (
        effective_lowpass(h_freq_hz=edge_hz, sfreq_hz=rate_hz, recording_lowpass_hz=recording_lowpass_hz)
        for edge_hz, rate_hz in ((h_freq_hz, sfreq_hz), (FIT_LOWPASS_HZ, fit_rate_hz))
    )
    bads = known_bads(recordings, found_bads or {}, manual_bads=manual_bads, manual_goods=manual_goods)
    check_bad_fraction(bads, n_channels=len(channels), max_bad_fraction=max_bad_fraction)

    wide: dict[str, BaseRaw] = {}
    line_components: dict[str, LineComponents] = {}
    for name, raw in recordings.items():
        filtered = bridge_stretches(_with_numbers(raw, bads))
        if line_noise != "none":
            filtered.info["bads"] = list(bads)
            found = suppress_line_noise(
                filtered,
                method=line_noise,
                line_freq_hz=_stated(line_freq_hz, name),
                lowpass_hz=max(lowpass_hz, fit_lowpass_hz),
            )
            filtered, line_components[name] = found.raw, found.n_components
        wide[name] = high_pass(filtered, l_freq_hz=l_freq_hz)

    judged = None
    if bad_channels != "none" or ica != "none":
        judged = joined(wide, rate_hz=fit_rate_hz, lowpass_hz=fit_lowpass_hz)
        judged.info["bads"] = list(bads)
    if judged is not None and bad_channels == "pyprep":
        noisy = noisy_channels(judged, top_hz=fit_lowpass_hz, max_bad_fraction=max_bad_fraction, seed=seed)
        bads = merged(bads, {name: why for name, why in noisy.items() if name not in manual_goods})
        check_bad_fraction(bads, n_channels=len(channels), max_bad_fraction=max_bad_fraction)
        judged.info["bads"] = list(bads)

    good = [name for name in channels if name not in bads]
    _check_positions(recordings, needed=bool(bads) or ica != "none")
    rank = session_rank(recordings, good_channels=good)
    if reference == "mastoids":
        usable_mastoids(mastoids, good)
    decomposition: Decomposition | None = None
    refused: list[tuple[Decision, str]] = []
    if judged is not None and ica != "none":
        beside = eye_and_heart(raws, rate_hz=fit_rate_hz, lowpass_hz=fit_lowpass_hz, l_freq_hz=l_freq_hz)
        automatic = decompose(
            _referenced(judged if beside is None else judged.add_channels([beside], force_update_info=True)),
            rank=rank.before_ica,
            threshold=ica_threshold,
            seed=seed,
            method=ica,
            n_repetitions=ica_repetitions,
        )
        decomposition, refused = decided_by_hand(automatic, component_decisions)
        rank = replace(rank, n_removed=len(decomposition.removed))
    elif component_decisions:
        refused = [(decision, "no components: cleaning.ica is none") for decision in component_decisions]

    before = {name: mean_spectrum(raw, channels=good) for name, raw in recordings.items()}
    blinks = {name: blink_rate_per_min(raw, bads=bads) for name, raw in wide.items()}
    cleaned = {
        name: _finished(wide.pop(name), bads, decomposition, lowpass_hz=lowpass_hz, sfreq_hz=sfreq_hz, where=name)
        for name in recordings
    }
    if reference != "average":
        cleaned = {name: apply_reference(raw, method=reference, mastoids=mastoids).raw for name, raw in cleaned.items()}
    return CleanedSession(
        raws=cleaned,
        bads=bads,
        rank=rank,
        decomposition=decomposition,
        refused=tuple(refused),
        good_channels=tuple(good),
        line_components=line_components,
        lowpass_hz=lowpass_hz,
        sfreq_hz=sfreq_hz,
        line_freq_hz=line_freq_hz,
        before=before,
        after={name: mean_spectrum(raw, channels=good) for name, raw in cleaned.items()},
        blink_rates_per_min=blinks,
    )


def _finished(
    raw: "BaseRaw",
    bads: Reasons,
    decomposition: Decomposition | None,
    *,
    lowpass_hz: float,
    sfreq_hz: float,
    where: str,
) -> "BaseRaw":
    """Take one high-passed recording through everything that follows the decisions (and let go of it)."""
    raw.info["bads"] = list(bads)
    raw = _referenced(raw)
    if decomposition is not None:
        raw = remove_components(raw, decomposition)
    raw = low_pass(raw, h_freq_hz=lowpass_hz)
    raw = resample(raw, sfreq_hz=sfreq_hz, where=where)
    return _referenced(raw.interpolate_bads(reset_bads=True, verbose="WARNING")) if bads else raw


def _referenced(raw: "BaseRaw") -> "BaseRaw":
    """Return a copy with the average of the good channels as reference."""
    return raw.copy().set_eeg_reference("average", projection=False, verbose="WARNING")


def _with_numbers(raw: "BaseRaw", bads: Reasons) -> "BaseRaw":
    """Return a loaded copy in which bad channels that are not finite are zero, so that a filter can run over them."""
    loaded = raw.copy().load_data(verbose="WARNING")
    missing = [name for name, why in bads.items() if "nan" in why]

    def silence(samples: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.zeros_like(samples)

    return loaded.apply_function(silence, picks=missing, verbose="WARNING") if missing else loaded


def _stated(line_freq_hz: float | None, where: str) -> float:
    if line_freq_hz is None:
        problem = Problem(
            where,
            "no line frequency",
            "50 or 60 Hz",
            "state it in the study file or the recording's sidecar, or set cleaning.line_noise: none",
        )
        raise RecordingFault("line frequency", problem)
    return line_freq_hz


def _check_recordings(recordings: Mapping[str, "BaseRaw"], *, sfreq_hz: float) -> None:
    """Refuse recordings that are too slow, too short or unlike each other."""
    first = next(iter(recordings.values()))
    for name, raw in recordings.items():
        if raw.ch_names != first.ch_names:
            differing = sorted(set(raw.ch_names) ^ set(first.ch_names)) or ["their order"]
            problem = Problem(
                name,
                f"EEG channels unlike the session's first recording: {', '.join(differing)}",
                "the same channels in the same order in all recordings of a session",
                "rename or leave out channels in the study file",
            )
            raise RecordingFault("channels differ", problem)
        check_recording(raw, sfreq_hz=sfreq_hz, where=name)


def check_recording(raw: "BaseRaw", *, sfreq_hz: float, where: str) -> None:
    """Refuse a recording that is slower than `sfreq_hz`, or has less than 7 s outside stretches marked as bad.

    Raises
    ------
    RecordingFault
        Naming `where`, what was found and what is needed.
    """
    check_rate(raw, sfreq_hz=sfreq_hz, where=where)
    usable_s = float(np.count_nonzero(~bad_samples(raw)) / raw.info["sfreq"])
    if usable_s < SHORTEST_RECORDING_S:
        found, wanted = f"{usable_s:.1f} s of usable signal", f"at least {SHORTEST_RECORDING_S:g} s"
        raise RecordingFault("too short", Problem(where, found, wanted, "leave it out"))


def _check_positions(recordings: Mapping[str, "BaseRaw"], *, needed: bool) -> None:
    """Refuse recordings without electrode positions where interpolation or ICLabel needs them."""
    for name, raw in recordings.items():
        without = [
            channel["ch_name"]
            for channel in raw.info["chs"]
            if not np.isfinite(channel["loc"][:3]).all() or not np.any(channel["loc"][:3])
        ]
        if needed and without:
            problem = Problem(
                name, f"no position for {', '.join(without)}", "a position for every EEG channel", "set data.montage"
            )
            raise RecordingFault("positions", problem)
