"""Measure how caps named in a study file sit on the bundled head (docs/decisions/0013)."""

from typing import get_args

import mne
import numpy as np
from mne.coreg import fit_matched_points

from painconn.config.montages import Cap
from painconn.cortex.caps import cap_positions, template_positions
from painconn.cortex.scalp import surface_distance
from painconn.cortex.template import template_arrays

SHARED_NAMES = ("biosemi16", "biosemi32", "biosemi64", "easycap-M1", "brainproducts-RNP-BA-128")
TEN_TWENTY_OF_NET = {
    "E22": "fp1", "E9": "fp2", "E33": "f7", "E24": "f3", "E11": "fz", "E124": "f4", "E122": "f8", "E45": "t7",
    "E36": "c3", "E104": "c4", "E108": "t8", "E58": "p7", "E52": "p3", "E62": "pz", "E92": "p4", "E96": "p8",
    "E70": "o1", "E75": "oz", "E83": "o2", "Cz": "cz",
}  # fmt: skip


def in_head(places_m: np.ndarray) -> np.ndarray:
    """Return places in surface RAS in head coordinates."""
    transform = np.linalg.inv(template_arrays()["head_to_mri"])
    return places_m @ transform[:3, :3].T + transform[:3, 3]


def scalp_mm(places_m: np.ndarray) -> np.ndarray:
    """Return distances to the scalp shell."""
    arrays = template_arrays()
    return surface_distance(places_m * 1e3, in_head(arrays["outer_skin"] / 1e3) * 1e3, arrays["shell_triangles"])


def by_fiducials(cap: str) -> np.ndarray:
    """Return a cap moved, turned and scaled by its ears and nasion alone."""
    given = mne.channels.make_standard_montage(cap).get_positions()
    fiducials = np.array([given["lpa"], given["nasion"], given["rpa"]])
    transform = fit_matched_points(fiducials, in_head(template_arrays()["fiducials_mri_m"].astype(float)), scale=True)
    return np.array(list(given["ch_pos"].values())) @ transform[:3, :3].T + transform[:3, 3]


def summary(distances_mm: np.ndarray) -> str:
    """Return median and largest as text."""
    return f"{np.median(distances_mm):.1f} / {distances_mm.max():.1f}" if len(distances_mm) else "-"


def main() -> None:
    """Print the tables of the decision record."""
    template = template_positions()
    print("| cap | scalp, fiducials alone | scalp, as laid | template, fiducials alone | template, as laid |")
    print("|---|---|---|---|---|")
    for cap in get_args(Cap):
        names = mne.channels.make_standard_montage(cap).ch_names
        before, after = by_fiducials(cap), np.array([cap_positions(cap).find(name) for name in names])
        shared = [index for index, name in enumerate(names) if cap in SHARED_NAMES and name.lower() in template]
        places = np.array([template[names[index].lower()] for index in shared]).reshape(-1, 3)
        far = [summary(np.linalg.norm(laid[shared] - places, axis=1) * 1e3) for laid in (before, after)]
        print(f"| `{cap}` | {summary(scalp_mm(before))} | {summary(scalp_mm(after))} | {far[0]} | {far[1]} |")
    net = cap_positions("GSN-HydroCel-128")
    distances = [
        np.linalg.norm(net.places_m[own.lower()] - template[name]) * 1e3 for own, name in TEN_TWENTY_OF_NET.items()
    ]
    print(
        f"\nGSN-HydroCel-128, nearest electrodes to 10-20 places: {summary(np.array(distances))} mm from the template"
    )


if __name__ == "__main__":
    main()
