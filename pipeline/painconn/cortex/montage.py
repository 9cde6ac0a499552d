"""Where the electrodes are: template positions by name, and the key that says which recordings share a lead field."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.template import template_arrays
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    import mne

TEMPLATE_MONTAGE = "fsaverage_1005"
FORMER_NAMES = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}

_KEY_DIGITS = 12
_KEY_STEP_M = 1e-4


def place_electrodes(
    channels: "mne.Info | Iterable[str]", montage: Literal["template", "digitised"] = "template"
) -> dict[str, NDArray[np.float64]]:
    """Return the position of each EEG channel, in head coordinates.

    Parameters
    ----------
    channels : mne.Info or iterable of str
        With an Info its EEG channels are placed, those marked bad included.
    montage : {"template", "digitised"}
        ``"template"``: international 10-05 positions native to fsaverage (`TEMPLATE_MONTAGE`), matched without regard
        to case; the former names T3, T4, T5, T6 mean T7, T8, P7, P8. ``"digitised"``: the positions in the Info.

    Returns
    -------
    positions_m : dict of str to array, shape (3,)
        In m, keyed by the names as they were given, in their order.

    Raises
    ------
    RecordingFault
        Check ``"electrodes"``: some channels have no position, or two channels have the same one; all are named.
    """
    if montage == "digitised":
        if not hasattr(channels, "ch_names"):
            raise TypeError("digitised positions are read from an mne.Info, not from names")
        positions = _digitised(channels)
    else:
        positions = _from_template(_eeg_names(channels))
    _refuse_shared(positions)
    return positions


def _eeg_names(channels: "mne.Info | Iterable[str]") -> list[str]:
    if not hasattr(channels, "ch_names"):
        return list(channels)
    import mne

    return [channels.ch_names[pick] for pick in mne.pick_types(channels, eeg=True, exclude=())]


def _from_template(names: list[str]) -> dict[str, NDArray[np.float64]]:
    known = _template_positions()
    lowered = {name: FORMER_NAMES.get(name.strip().lower(), name.strip().lower()) for name in names}
    unknown = [name for name in names if lowered[name] not in known]
    if unknown:
        raise _fault(
            f"no template position for {', '.join(unknown)}",
            "names of the international 10-05 system",
            "rename these channels, or give those that are not scalp EEG (EOG, ECG, mastoids, earlobes) their type",
        )
    return {name: known[lowered[name]].copy() for name in names}


def _digitised(info: "mne.Info") -> dict[str, NDArray[np.float64]]:
    names = _eeg_names(info)
    by_name = dict(zip(info.ch_names, info["chs"], strict=True))
    positions = {name: np.asarray(by_name[name]["loc"][:3], float) for name in names}
    absent = [name for name, place in positions.items() if not np.isfinite(place).all() or not place.any()]
    if absent:
        raise _fault(
            f"no digitised position for {', '.join(absent)}",
            "a position for every EEG channel",
            "add the positions to the recording, or use the template montage",
        )
    return positions


def _refuse_shared(positions: Mapping[str, NDArray]) -> None:
    places: dict[tuple[int, ...], list[str]] = {}
    for name, place in positions.items():
        places.setdefault(_steps(place), []).append(name)
    shared = [" = ".join(names) for names in places.values() if len(names) > 1]
    if shared:
        raise _fault(
            f"channels at one position: {', '.join(shared)}",
            "one position per channel",
            "remove or rename the channels that are given twice",
        )


def _fault(found: str, wanted: str, fix: str) -> RecordingFault:
    return RecordingFault("electrodes", Problem("channels", found, wanted, fix))


@cache
def _template_positions() -> dict[str, NDArray[np.float64]]:
    import mne

    # Native coordinates of this montage are fsaverage's surface RAS, so this head's own transform applies to them:
    # aligning by the montage's slightly different fiducials would move every electrode off its place.
    montage = mne.channels.make_standard_montage(TEMPLATE_MONTAGE)
    mri_to_head = np.linalg.inv(template_arrays()["head_to_mri"])
    return {
        name.lower(): mri_to_head[:3, :3] @ place + mri_to_head[:3, 3]
        for name, place in montage.get_positions()["ch_pos"].items()
    }


def montage_key(names: Iterable[str], positions_m: Mapping[str, NDArray]) -> str:
    """Return the key shared by all recordings with the same channels, order and positions.

    The first 12 hexadecimal digits of the sha256 of the ordered names with positions rounded to 0.1 mm.

    Parameters
    ----------
    names : iterable of str
        In the order of the data.
    positions_m : mapping of str to array, shape (3,)
        In m, head coordinates.
    """
    lines = [f"{name}\t" + "\t".join(str(step) for step in _steps(positions_m[name])) for name in names]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_KEY_DIGITS]


def _steps(place: NDArray) -> tuple[int, ...]:
    return tuple(int(step) for step in np.rint(np.asarray(place, float) / _KEY_STEP_M))
