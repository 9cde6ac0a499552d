"""Bad channels of a session, each with its reasons."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from mne.io import BaseRaw

BadChannelMethod = Literal["pyprep", "none"]
Reasons = dict[str, tuple[str, ...]]

FLAT_AMPLITUDE_V = 1e-9
"""A channel whose median absolute deviation stays below 1 nV carries no EEG."""

FEWEST_FOR_NEIGHBOURS = 32
"""Below this many channels a neighbour is too far away for criteria that compare channels with their neighbours."""

LEAST_DEVIATION_FACTOR = 2.0
"""With few channels of alike amplitude, a robust z-score above 5 is reached by a strong alpha rhythm or by blinks (1.5
to 1.7 times the median in clean 19-channel recordings); below 32 channels the amplitude must also be this many times
larger or smaller than the median."""

LOWEST_FOR_SPECTRUM_HZ = 15.0
"""Below it blinks make the forehead stand out, and ICA is there to take them out: seven frontal channels of a healthy
64-channel recording were bad for that reason alone."""

LOWEST_TOP_FOR_HF_NOISE_HZ = 60.0
"""The high-frequency criterion compares activity above 50 Hz with the rest; below this low-pass there is none."""


def merged(*found: Mapping[str, Sequence[str]]) -> Reasons:
    """Join several channel-to-reasons tables; reasons keep their order and appear once."""
    names = dict.fromkeys(name for table in found for name in table)
    return {name: tuple(dict.fromkeys(why for table in found for why in table.get(name, ()))) for name in names}


def unreadable_channels(raw: "BaseRaw") -> Reasons:
    """Find channels without usable signal in the data as read.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG as read, in volts; stretches annotated as bad are left out.

    Returns
    -------
    reasons : dict of str to tuple of str
        ``nan`` for a channel with a sample that is not finite, ``flat`` for one that hardly ever moves.
    """
    reasons: Reasons = {}
    data = raw.get_data(reject_by_annotation="omit", verbose="WARNING")
    for name, samples in zip(raw.ch_names, data, strict=True):
        if not np.isfinite(samples).all():
            reasons[name] = ("nan",)
        elif np.median(np.abs(samples - np.median(samples))) < FLAT_AMPLITUDE_V:
            reasons[name] = ("flat",)
    return reasons


def noisy_channels(raw: "BaseRaw", *, top_hz: float, max_bad_fraction: float, seed: int) -> Reasons:
    """Find noisy channels with the criteria of PREP (Bigdely-Shamlo 2015, doi:10.3389/fninf.2015.00016).

    Deviation: robust z-score of a channel's amplitude above 5, and below 32 channels also an amplitude at least
    twice or at most half the median. High-frequency noise: robust z-score above 5 of the ratio of activity above to
    below 50 Hz, when the data reach beyond 60 Hz. From 32 channels on also correlation with other channels,
    dropouts, power at 15-30 or 30-45 Hz and RANSAC prediction from the neighbours.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        High-passed EEG; channels in ``info["bads"]`` are left out.
    top_hz : float
        Highest frequency that the data hold.
    max_bad_fraction : float
        RANSAC is not tried when more channels than this are bad by the other criteria.
    seed : int
        Seed of RANSAC's subsets.

    Returns
    -------
    reasons : dict of str to tuple of str
        Out of ``deviation``, ``high-frequency noise``, ``correlation``, ``dropout``, ``spectrum``, ``ransac``.
    """
    from mne.utils import use_log_level
    from pyprep import NoisyChannels

    few = len(raw.ch_names) < FEWEST_FOR_NEIGHBOURS
    criteria = NoisyChannels(raw, do_detrend=False, random_state=seed % 2**32)
    criteria.find_bad_by_deviation()
    found: dict[str, Sequence[str]] = {
        "deviation": _far_from_median(raw, criteria.bad_by_deviation) if few else criteria.bad_by_deviation
    }
    if top_hz >= LOWEST_TOP_FOR_HF_NOISE_HZ:
        criteria.find_bad_by_hfnoise()
        found["high-frequency noise"] = criteria.bad_by_hf_noise
    if not few:
        criteria.find_bad_by_correlation()
        criteria.find_bad_by_PSD(fmin=LOWEST_FOR_SPECTRUM_HZ)
        found |= {
            "correlation": criteria.bad_by_correlation,
            "dropout": criteria.bad_by_dropout,
            "spectrum": criteria.bad_by_psd,
        }
        n_bad = len(set().union(raw.info["bads"], *found.values()))
        if n_bad <= max_bad_fraction * len(raw.ch_names):
            with use_log_level("WARNING"):
                criteria.find_bad_by_ransac()
            found["ransac"] = criteria.bad_by_ransac
    return merged(*({str(name): (why,) for name in names} for why, names in found.items()))


def _far_from_median(raw: "BaseRaw", names: Sequence[str]) -> list[str]:
    """Return those of `names` whose interquartile range is far from the median of all usable channels."""
    usable = [name for name in raw.ch_names if name not in raw.info["bads"]]
    lower, upper = np.percentile(raw.get_data(picks=usable, verbose="WARNING"), [25, 75], axis=1)
    log_ratio = np.log((upper - lower) / np.median(upper - lower))
    far = {name for name, value in zip(usable, log_ratio, strict=True) if abs(value) >= np.log(LEAST_DEVIATION_FACTOR)}
    return [name for name in names if name in far]


def marked_channels(recordings: Mapping[str, "BaseRaw"], manual_bads: Sequence[str]) -> Reasons:
    """Return the channels that a person (or the file) marked as bad.

    Raises
    ------
    RecordingFault
        When a name in `manual_bads` is not a channel of the session.
    """
    names = {name for raw in recordings.values() for name in raw.ch_names}
    unknown = sorted(set(manual_bads) - names)
    if unknown:
        problem = Problem(
            "channels marked by hand", ", ".join(unknown), "names of EEG channels of the session", "correct the names"
        )
        raise RecordingFault("unknown channel", problem)
    in_files = {name for raw in recordings.values() for name in raw.info["bads"]}
    return dict.fromkeys(sorted({*manual_bads, *in_files}), ("marked",))


def known_bads(
    recordings: Mapping[str, "BaseRaw"],
    found: Reasons,
    *,
    manual_bads: Sequence[str] = (),
    manual_goods: Sequence[str] = (),
) -> Reasons:
    """Return the bad channels of a session before any search for noisy ones.

    Parameters
    ----------
    recordings : mapping of str to mne.io.BaseRaw
        EEG as read.
    found : dict of str to tuple of str
        Channels that were found bad when the recordings were read.
    manual_bads, manual_goods : sequence of str
        What a person decided; it wins, but nobody can decide that a channel without signal has one.

    Returns
    -------
    reasons : dict of str to tuple of str
        Those found, those marked by the file or a person, and those without usable signal.
    """
    unreadable = merged(*map(unreadable_channels, recordings.values()))
    found = {name: why for name, why in found.items() if name not in manual_goods}
    silent = {name: why for name, why in unreadable.items() if name not in found}
    return merged(found, marked_channels(recordings, manual_bads), silent)


def check_bad_fraction(bads: Reasons, *, n_channels: int, max_bad_fraction: float) -> None:
    """Refuse a session with more bad channels than the cap.

    Raises
    ------
    RecordingFault
        Naming the channels and their reasons.
    """
    if len(bads) <= max_bad_fraction * n_channels:
        return
    listed = ", ".join(f"{name} ({', '.join(why)})" for name, why in bads.items())
    problem = Problem(
        "channels",
        f"{len(bads)} of {n_channels} bad: {listed}",
        f"at most {max_bad_fraction:.0%} bad",
        "look at the recording; a higher cleaning.max_bad_fraction lets it in",
    )
    raise RecordingFault("bad channels", problem)
