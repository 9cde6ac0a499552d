"""Electrode positions of caps that MNE-Python knows by name, on the bundled head.

Two kinds of caps (docs/decisions/0013): those drawn on an ideal sphere are carried over by the electrodes that have
10-05 names, whose places on this head are known; those with measured positions are laid on by their landmarks and
pushed along the ray to the scalp.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.scalp import onto_surface
from painconn.cortex.template import template_arrays

if TYPE_CHECKING:
    from scipy.interpolate import RBFInterpolator

TEMPLATE_MONTAGE = "fsaverage_1005"

Positions = dict[str, NDArray[np.float64]]

# Their electrodes with 10-05 names agree within a few degrees; the numbered caps of the same makers follow them.
_NAMED_ON_SPHERE = ("biosemi64", "easycap-M1", "brainproducts-RNP-BA-128")
_ON_SPHERE = ("biosemi", "easycap-", "brainproducts-")
_NETS = "GSN-HydroCel-"
_WITH_REFERENCE = {
    "GSN-HydroCel-64_1.0": "GSN-HydroCel-65_1.0",
    "GSN-HydroCel-128": "GSN-HydroCel-129",
    "GSN-HydroCel-256": "GSN-HydroCel-257",
}
_REFERENCE_NAMES = ("vref", "vertex reference", "vertexreference", "ref")
_NUMBERED = re.compile(r"(?:eeg|e|ch|channel)?[ _.-]*0*([1-9]\d*)")
_UNNUMBERED = ("cz", "ref")
_DECIMALS = 6


@cache
def template_positions() -> Positions:
    """Return the template's electrodes in m, head coordinates, by name in lower case; do not change them."""
    import mne

    # Native coordinates of this montage are fsaverage's surface RAS, so this head's own transform applies to them:
    # aligning by the montage's slightly different fiducials would move every electrode off its place.
    montage = mne.channels.make_standard_montage(TEMPLATE_MONTAGE)
    mri_to_head = _mri_to_head()
    return {
        name.lower(): mri_to_head[:3, :3] @ place + mri_to_head[:3, 3]
        for name, place in montage.get_positions()["ch_pos"].items()
    }


@dataclass(frozen=True)
class CapPositions:
    """The electrodes of a cap on the bundled head.

    Parameters
    ----------
    places_m : dict of str to array, shape (3,)
        In m, head coordinates, rounded to a micrometre; by name in lower case, by ``e`` and number on a numbered cap.
    numbered : bool
        Whether the electrodes have numbers for names.
    """

    places_m: Positions
    numbered: bool

    def find(self, name: str) -> NDArray[np.float64] | None:
        """Return the place of an electrode, or None.

        Case does not count; on a numbered cap ``E1``, ``E001``, ``EEG 001``, ``Ch1`` and ``1`` are one electrode.
        """
        return self.places_m.get(_plain(name, numbered=self.numbered))


@cache
def cap_positions(cap: str) -> CapPositions:
    """Lay a cap on the bundled head.

    The vertex reference of a net is there under every name that it goes by (``Cz``, ``VREF``, ``E129`` ...).

    Parameters
    ----------
    cap : str
        A name of `painconn.config.montages.Cap`.
    """
    import mne

    given = mne.channels.make_standard_montage(_WITH_REFERENCE.get(cap, cap)).get_positions()
    names = list(given["ch_pos"])
    places = np.array(list(given["ch_pos"].values()), float)
    if cap.startswith(_ON_SPHERE):
        laid = _from_sphere()(places / np.linalg.norm(places, axis=1, keepdims=True))
    else:
        landmarks, wanted = _net_landmarks(given) if cap.startswith(_NETS) else _ears_and_nasion(given)
        laid = _laid_by(landmarks, wanted, places)
    numbered = all(_NUMBERED.fullmatch(name.lower()) or name.lower() in _UNNUMBERED for name in names)
    places_m = {
        _plain(name, numbered=numbered): place for name, place in zip(names, laid.round(_DECIMALS), strict=True)
    }
    if cap.startswith(_NETS) and "cz" in places_m:
        places_m |= dict.fromkeys((f"e{len(names)}", *_REFERENCE_NAMES), places_m["cz"])
    return CapPositions(places_m, numbered)


def _plain(name: str, *, numbered: bool) -> str:
    lowered = name.strip().lower()
    match = _NUMBERED.fullmatch(lowered) if numbered else None
    return f"e{match[1]}" if match else lowered


def _mri_to_head() -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(template_arrays()["head_to_mri"]))


def _in_head(places_m: NDArray) -> NDArray[np.float64]:
    transform = _mri_to_head()
    return np.asarray(places_m, float) @ transform[:3, :3].T + transform[:3, 3]


@cache
def _from_sphere() -> "RBFInterpolator":
    """Return the smooth map from directions of an ideal sphere to this head that named electrodes define."""
    import mne
    from scipy.interpolate import RBFInterpolator

    known = template_positions()
    directions: dict[str, list[NDArray]] = {}
    for cap in _NAMED_ON_SPHERE:
        for name, place in mne.channels.make_standard_montage(cap).get_positions()["ch_pos"].items():
            if name.lower() in known:
                directions.setdefault(name.lower(), []).append(place / np.linalg.norm(place))
    means = [np.mean(given, axis=0) for given in directions.values()]
    return RBFInterpolator(np.array(means), np.array([known[name] for name in directions]), kernel="thin_plate_spline")


def _ears_and_nasion(given: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return left ear, nasion and right ear of a cap and of this head."""
    on_head = _in_head(template_arrays()["fiducials_mri_m"])
    return np.array([given["lpa"], given["nasion"], given["rpa"]], float), on_head


def _net_landmarks(given: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return T9, nasion, T10 and Cz (where the net has it) of a net, and of this head.

    The points at the sides are called FidT9 and FidT10 in the files of the nets. Nets are made alike on both sides, but
    some of these files are not.
    """
    sides, on_head = _ears_and_nasion(given)
    mirrored = sides[::-1] * (-1, 1, 1)
    landmarks, known = [*((sides + mirrored) / 2)], template_positions()
    wanted = [known["t9"], on_head[1], known["t10"]]
    if "Cz" in given["ch_pos"]:
        landmarks.append(given["ch_pos"]["Cz"])
        wanted.append(known["cz"])
    return np.array(landmarks), np.array(wanted)


def _laid_by(landmarks: NDArray, wanted: NDArray, places: NDArray) -> NDArray[np.float64]:
    """Move, turn and scale a cap so that its landmarks meet those of this head, then push it to the scalp."""
    from mne.coreg import fit_matched_points

    arrays = template_arrays()
    transform = fit_matched_points(landmarks, wanted, scale=True)
    moved = places @ transform[:3, :3].T + transform[:3, 3]
    scalp = _in_head(arrays["outer_skin"].astype(float) / 1e3)
    return onto_surface(moved, scalp.mean(axis=0), scalp, arrays["shell_triangles"])
