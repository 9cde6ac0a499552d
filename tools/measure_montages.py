"""Measure how MNE-Python's dense template montages sit on the bundled head (docs/decisions/0001)."""

import mne
import numpy as np

from painconn.cortex.scalp import surface_distance
from painconn.cortex.template import template_arrays

SETS = {
    "19 (10-20)": [
        name for name in mne.channels.make_standard_montage("fsaverage_1020").ch_names if name not in ("Fpz", "Oz")
    ],
    "64 (BioSemi)": mne.channels.make_standard_montage("biosemi64").ch_names,
    "all": None,
}


def signed_distance_mm(points_mm: np.ndarray) -> np.ndarray:
    """Return the distance to the scalp shell, positive outside."""
    arrays = template_arrays()
    skin = arrays["outer_skin"].astype(float)
    centre = skin.mean(axis=0)
    nearest = skin[np.linalg.norm(points_mm[:, np.newaxis] - skin, axis=2).argmin(axis=1)]
    outside = np.linalg.norm(points_mm - centre, axis=1) > np.linalg.norm(nearest - centre, axis=1)
    return surface_distance(points_mm, skin, arrays["shell_triangles"]) * np.where(outside, 1, -1)


def main() -> None:
    """Print the table of the decision record."""
    print("| montage | electrodes | median | 95 % | largest | mean signed |\n|---|---|---|---|---|---|")
    for montage in ("fsaverage_1005", "colin27_1005"):
        places = mne.channels.make_standard_montage(montage).get_positions()["ch_pos"]
        for label, names in SETS.items():
            chosen = list(places) if names is None else names
            distance = signed_distance_mm(np.array([places[name] for name in chosen]) * 1e3)
            size = np.abs(distance)
            worst = chosen[size.argmax()]
            print(
                f"| `{montage}` | {label} | {np.median(size):.1f} | {np.percentile(size, 95):.1f} "
                f"| {size.max():.1f} ({worst}) | {distance.mean():+.1f} |"
            )


if __name__ == "__main__":
    main()
