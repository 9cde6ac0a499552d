"""The forward solution: what every cortical source would show at the electrodes of one montage."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.head import Head
from painconn.cortex.scalp import surface_distance
from painconn.errors import InputError, Problem, RecordingFault

if TYPE_CHECKING:
    import mne

SCALP_LIMIT_MM = 25.0
"""Beyond this an electrode is not on this head: wrong unit, wrong coordinate frame or wrong person."""


def scalp_distances_mm(head: Head, positions_m: Mapping[str, NDArray]) -> dict[str, float]:
    """Return each electrode's distance to the head model's scalp.

    Parameters
    ----------
    head : Head
    positions_m : mapping of str to array, shape (3,)
        In m, head coordinates.

    Returns
    -------
    distances_mm : dict of str to float
        Unsigned, to the nearest place of the surface the forward solution projects the electrode on.
    """
    scalp = max(head.bem["surfs"], key=lambda shell: float(np.ptp(shell["rr"], axis=0).sum()))
    transform = np.asarray(head.transform["trans"], float)
    points = np.array(list(positions_m.values())) @ transform[:3, :3].T + transform[:3, 3]
    distances = surface_distance(points, scalp["rr"], scalp["tris"]) * 1e3
    return dict(zip(positions_m, distances.tolist(), strict=True))


def make_forward(
    head: Head, positions_m: Mapping[str, NDArray], *, scalp_limit_mm: float = SCALP_LIMIT_MM
) -> "mne.Forward":
    """Compute the EEG forward solution of one montage.

    Free orientation in surface coordinates: the third column of each source is its outward normal, which is what ties
    the sign of every inverse kernel to the anatomy. The potentials are not yet average-referenced;
    `painconn.cortex.lead_field.lead_field` does that, and MNE-Python does it by the projector in the recording's Info.

    Parameters
    ----------
    head : Head
    positions_m : mapping of str to array, shape (3,)
        In m, head coordinates, in the order of the channels (`painconn.cortex.montage.place_electrodes`).
    scalp_limit_mm : float
        Largest accepted distance between an electrode and the scalp.

    Returns
    -------
    forward : mne.Forward

    Raises
    ------
    RecordingFault
        Check ``"electrode_distance"``: electrodes lie farther from the scalp than the limit; all are named.
    InputError
        The head model lost sources (they lie outside the inner skull), so regions would silently shrink.
    """
    import mne

    _refuse_distant(scalp_distances_mm(head, positions_m), scalp_limit_mm)
    info = mne.create_info(list(positions_m), sfreq=1.0, ch_types="eeg", verbose="error")
    places = {name: np.asarray(place, float) for name, place in positions_m.items()}
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="error")
    forward = mne.make_forward_solution(
        info, head.transform, head.sources, head.bem, meg=False, eeg=True, verbose="error"
    )
    wanted = sum(int(space["nuse"]) for space in head.sources)
    if forward["nsource"] != wanted:
        problem = Problem(
            "head model",
            f"{forward['nsource']} of {wanted} sources lie inside the inner skull",
            "all of them",
            "mend the surfaces of this head: its cortex reaches through the inner-skull shell",
        )
        raise InputError(problem)
    return mne.convert_forward_solution(forward, surf_ori=True, copy=False, verbose="error")


def _refuse_distant(distances_mm: dict[str, float], limit_mm: float) -> None:
    distant = {name: distance for name, distance in distances_mm.items() if not distance <= limit_mm}
    if distant:
        found = ", ".join(f"{name} {distance:.0f} mm" for name, distance in distant.items())
        problem = Problem(
            "electrode positions",
            f"far from the scalp: {found}",
            f"at most {limit_mm:g} mm",
            "check the unit (m) and the coordinate frame of the positions and, for an individual head, whose transform "
            "it is; or use the template montage",
        )
        raise RecordingFault("electrode_distance", problem)
