"""Where the electrodes are: template positions by name, and the key that says which recordings share a lead field."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.config.montages import Montage
from painconn.cortex.caps import cap_positions, template_positions
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    import mne

FORMER_NAMES = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}

_KEY_DIGITS = 12
_KEY_STEP_M = 1e-4


def place_electrodes(
    channels: "mne.Info | Iterable[str]", montage: Montage = "template"
) -> dict[str, NDArray[np.float64]]:
    """Return the position of each EEG channel, in head coordinates.

    Parameters
    ----------
    channels : mne.Info or iterable of str
        With an Info its EEG channels are placed, those marked bad included.
    montage : {"template", "digitised"} or str
        ``"template"``: international 10-05 positions native to fsaverage (`painconn.cortex.caps.TEMPLATE_MONTAGE`),
        matched without regard to case; the former names T3, T4, T5, T6 mean T7, T8, P7, P8. ``"digitised"``: the
        positions in the Info. Otherwise the name of a cap (`painconn.config.montages.Cap`): its electrodes by name.

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
    elif montage == "template":
        positions = _from_template(_eeg_names(channels))
    else:
        positions = _from_cap(_eeg_names(channels), montage)
    _refuse_shared(positions)
    return positions


def _eeg_names(channels: "mne.Info | Iterable[str]") -> list[str]:
    if not hasattr(channels, "ch_names"):
        return list(channels)
    import mne

    return [channels.ch_names[pick] for pick in mne.pick_types(channels, eeg=True, exclude=())]


def _from_template(names: list[str]) -> dict[str, NDArray[np.float64]]:
    known = template_positions()
    lowered = {name: FORMER_NAMES.get(name.strip().lower(), name.strip().lower()) for name in names}
    unknown = [name for name in names if lowered[name] not in known]
    if unknown:
        raise _fault(
            f"no template position for {', '.join(unknown)}",
            "names of the international 10-05 system",
            "rename these channels, or give those that are not scalp EEG (EOG, ECG, mastoids, earlobes) their type",
        )
    return {name: known[lowered[name]].copy() for name in names}


def _from_cap(names: list[str], cap: str) -> dict[str, NDArray[np.float64]]:
    known = cap_positions(cap)
    found = {name: known.find(name) for name in names}
    found |= {
        name: known.find(FORMER_NAMES.get(name.strip().lower(), name)) for name, place in found.items() if place is None
    }
    positions = {name: place.copy() for name, place in found.items() if place is not None}
    unknown = [name for name in names if name not in positions]
    if unknown:
        raise _fault(
            f"no electrode of {cap} called {', '.join(unknown)}",
            f"names of that cap, such as {', '.join(list(known.places_m)[:3])}",
            "rename these channels, give those that are not scalp EEG their type, or name another cap",
        )
    return positions


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
