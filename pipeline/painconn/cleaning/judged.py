"""The signals that bad channels and components are judged on: recordings of a session, filtered alike and joined."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from painconn.cleaning.segments import bridge_stretches
from painconn.cleaning.signal import high_pass, low_pass, resample

if TYPE_CHECKING:
    from mne.io import BaseRaw


def eye_and_heart(
    raws: Mapping[str, "BaseRaw"], *, rate_hz: float, lowpass_hz: float, l_freq_hz: float
) -> "BaseRaw | None":
    """Return the EOG and ECG channels that all recordings have, filtered and joined as the EEG is judged.

    Returns
    -------
    beside : mne.io.BaseRaw | None
        None without such a channel; one that is marked bad or has samples that are no numbers is left out.
    """
    kinds: dict[str, str] = {}
    for raw in raws.values():
        here = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
        names = kinds or {name: kind for name, kind in here.items() if kind in ("eog", "ecg")}
        kinds = {
            name: kind
            for name, kind in names.items()
            if here.get(name) == kind and name not in raw.info["bads"] and np.isfinite(raw.get_data(picks=[name])).all()
        }
        if not kinds:
            return None
    wide = {}
    for name, raw in raws.items():
        # filters leave channels alone that are no EEG
        alone = raw.copy().pick(list(kinds), verbose="WARNING")
        alone.set_channel_types(dict.fromkeys(kinds, "eeg"), verbose="WARNING")
        wide[name] = high_pass(bridge_stretches(alone.load_data(verbose="WARNING")), l_freq_hz=l_freq_hz)
    return joined(wide, rate_hz=rate_hz, lowpass_hz=lowpass_hz).set_channel_types(kinds, verbose="WARNING")


def joined(wide: Mapping[str, "BaseRaw"], *, rate_hz: float, lowpass_hz: float) -> "BaseRaw":
    """Join the usable parts of all recordings at the rate and low-pass at which channels and components are judged."""
    import mne

    parts = [resample(low_pass(raw, h_freq_hz=lowpass_hz), sfreq_hz=rate_hz, where=name) for name, raw in wide.items()]
    data = np.hstack([part.get_data(reject_by_annotation="omit", verbose="WARNING") for part in parts])
    return mne.io.RawArray(data, parts[0].info.copy(), verbose="WARNING")
