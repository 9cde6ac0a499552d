"""Channels that hold one signal: copies, electrically bridged electrodes, and what the reference makes alike."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.config.checks import Checks
from painconn.recordings.checks.signal import STILL_STEP_V, Signal, joined
from painconn.recordings.findings import Finding

_LARGEST_MEAN_OF_AVERAGE_REFERENCE = 0.01
"""Standard deviation of the channel mean over that of a channel: rounding to file steps leaves below 0.005 in
average-referenced recordings, other references 0.4 and more."""

_REFERENCE_SITES = frozenset(
    {"CZ", "CPZ", "FCZ", "FZ", "AFZ", "PZ", "A1", "A2", "M1", "M2", "TP9", "TP10", "REF", "VREF"}
    | {"E33", "E65", "E129", "E257"}
)
"""Where recording references are put: midline, ears and mastoids, and the vertex of geodesic nets. A channel of zeros
anywhere else is a dead one."""


def _pairs(signal: Signal, alike: NDArray[np.bool_]) -> list[tuple[int, int]]:
    n_channels = len(signal.good_names)
    return [(int(one), int(other)) for one, other in np.argwhere(alike & np.triu(np.ones((n_channels,) * 2, bool), 1))]


def _members(signal: Signal, pairs: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    inside = {index for pair in pairs for index in pair}
    return tuple(name for index, name in enumerate(signal.good_names) if index in inside)


def check_copied(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find channels that are copies of each other, scaled or not: nobody knows which one is the electrode's."""
    pairs = _pairs(signal, 1 - signal.correlations < limits.max_copy_residual)
    if pairs:
        names = signal.good_names
        found = joined([f"{names[one]} = {names[other]}" for one, other in pairs])
        wanted = f"1 - correlation of at least {limits.max_copy_residual:g}"
        fix = "look at the montage of the amplifier, or drop the copies"
        yield Finding("copied", found, wanted, "mark channel", fix, channels=_members(signal, pairs))


def check_bridged(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find electrodes joined by gel: the difference of two channels is hardly more than amplifier noise.

    The electrical distance is the variance of the difference at 1-30 Hz, median over windows of 2 s (Alschuler 2014,
    doi:10.1016/j.clinph.2013.08.024). Both an absolute limit and one relative to the median distance of the recording
    must be passed: neighbours on dense or low-voltage caps pass the first, large common artefacts the second.
    """
    covariances = signal.covariances_uv2
    if len(signal.good_names) < 3:
        return
    powers = np.einsum("wcc->wc", covariances)
    distances_uv2 = powers[:, :, None] + powers[:, None, :] - 2 * covariances
    upper = np.triu_indices(len(signal.good_names), 1)
    typical = np.median(distances_uv2[:, upper[0], upper[1]], axis=1)
    absolute = np.median(distances_uv2, axis=0)
    relative = np.median(distances_uv2 / np.maximum(typical, np.finfo(float).tiny)[:, None, None], axis=0)
    pairs = _pairs(signal, (absolute < limits.bridge_distance_uv2) & (relative < limits.bridge_relative_distance))
    if pairs:
        names = signal.good_names
        found = joined([f"{names[one]} - {names[other]} ({absolute[one, other]:.2f} uV^2)" for one, other in pairs])
        wanted = (
            f"at least {limits.bridge_distance_uv2:g} uV^2, or {limits.bridge_relative_distance:.1%} of the median "
            "distance"
        )
        fix = "clean the cap between these electrodes before the next recording"
        yield Finding("bridged", found, wanted, "mark channel", fix, channels=_members(signal, pairs))


def check_reference(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Say which reference the recording shows: a channel of zeros, the average, or two electrodes together.

    The channel of zeros is the reference recorded against itself and no dead electrode; its potential is estimated
    from the others like that of a bad channel.
    """
    wanted, fix = "any reference", "nothing; cleaning applies the average reference"
    zero = tuple(name for name, samples in zip(signal.good_names, signal.eeg, strict=True) if not samples.any())
    if len(zero) == 1 and zero[0].upper() in _REFERENCE_SITES:
        found = f"{zero[0]} is zero throughout: the recording's reference"
        yield Finding("reference", found, wanted, "mark channel", fix, channels=zero)
        signal = signal.without(zero, "reference")
    spread = float(np.median(signal.usable.std(axis=1)))
    if spread < STILL_STEP_V:
        return
    if signal.usable.mean(axis=0).std() < _LARGEST_MEAN_OF_AVERAGE_REFERENCE * spread:
        found = "the channels sum to zero: average reference"
        yield Finding("reference", found, wanted, "note", fix)
    pairs = _pairs(signal, 1 + signal.correlations < limits.max_copy_residual)
    if pairs:
        names = signal.good_names
        found = joined([f"{names[one]} = -{names[other]}" for one, other in pairs])
        yield Finding("reference", f"{found}: linked reference", wanted, "note", fix)


def check_bad_channels(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Refuse a recording with too many channels marked by the checks before this one."""
    total = len(signal.marked) + len(signal.good_names)
    if len(signal.marked) > limits.max_marked_fraction * total:
        listed = joined([f"{name} ({check})" for name, check in signal.marked.items()])
        found = f"{len(signal.marked)} of {total} EEG channels bad: {listed}"
        wanted = f"at most {limits.max_marked_fraction:.0%} bad"
        fix = "look at the recording; a higher data.checks.max_marked_fraction lets it in"
        yield Finding("bad channels", found, wanted, "exclude recording", fix)
