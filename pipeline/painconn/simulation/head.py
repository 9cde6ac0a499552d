"""The head of the simulation: where sources and electrodes are, and how one sees the other.

Conventions of this file: gains are in microvolts per nanoampere-metre, against a common unknown reference; positions
are in metres in MNE's head coordinates; the reference electrode is the last one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.lead_field import lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.parcellations import parcellation_of
from painconn.cortex.template import HEMISPHERES
from painconn.simulation.cohort import CohortSpec

Array = NDArray[np.float64]

_STEP_M = 0.004
_N_ICO4_VERTICES = 2562
_UV_PER_NAM = 1e-3


@dataclass(frozen=True)
class SimulationHead:
    """Lead field of the cap as planned, and of the cap displaced by a small step in two directions along the scalp.

    Parameters
    ----------
    electrodes : tuple of str
        Channels, then the reference.
    positions_m : ndarray, shape (n_electrodes, 3)
        Planned places.
    gain : ndarray, shape (3, n_electrodes, n_sources)
        Planned, displaced along the first tangent, displaced along the second.
    step_m : float
        Size of the displacement.
    source_positions_m : ndarray, shape (n_sources, 3)
        Sources, oriented along the cortical normal.
    regions : tuple of str
        Regions that hold at least one source.
    region_of_source : ndarray of int, shape (n_sources,)
        Index into `regions`; -1 outside all of them.
    """

    electrodes: tuple[str, ...]
    positions_m: Array
    gain: Array
    step_m: float
    source_positions_m: Array
    regions: tuple[str, ...]
    region_of_source: NDArray[np.intp]

    def person_gain(self, rng: np.random.Generator, *, jitter_m: float) -> Array:
        """Return the gain for one person's cap, each electrode off its place by `jitter_m` (root mean square).

        The gain is linear in the displacement, from the two displaced caps.

        Returns
        -------
        gain : ndarray, shape (n_electrodes, n_sources)
        """
        shift = rng.standard_normal((2, len(self.electrodes), 1)) * jitter_m / np.sqrt(2.0) / self.step_m
        return np.asarray(self.gain[0] + np.sum(shift * (self.gain[1:] - self.gain[0]), axis=0))

    def region_gain(self, rng: np.random.Generator, gain: Array, *, patch_radius_m: float) -> Array:
        """Return the gain of one patch per region: a random centre in the region and its neighbours there.

        Returns
        -------
        gain : ndarray, shape (n_electrodes, n_regions)
            Mean over the patch, so that a patch's moment is shared by its sources.
        """
        columns = np.empty((len(gain), len(self.regions)))
        for index in range(len(self.regions)):
            inside = np.flatnonzero(self.region_of_source == index)
            centre = self.source_positions_m[rng.choice(inside)]
            distance_m = np.linalg.norm(self.source_positions_m[inside] - centre, axis=1)
            columns[:, index] = gain[:, inside[distance_m <= patch_radius_m]].mean(axis=1)
        return columns


def tangents(positions_m: Array) -> Array:
    """Return two unit vectors along the scalp at each electrode, for a scalp that is round about the mean position.

    Parameters
    ----------
    positions_m : ndarray, shape (n_electrodes, 3)
        Electrodes.

    Returns
    -------
    directions : ndarray, shape (2, n_electrodes, 3)
        Orthogonal to each other and to the radius.
    """
    outward = positions_m - (0.0, 0.0, 0.04)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    helper = np.eye(3)[np.argmin(np.abs(outward), axis=1)]
    first = np.cross(outward, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(outward, first)])


def build_simulation_head(spec: CohortSpec, subjects_dir: Path) -> SimulationHead:
    """Build the head of a cohort from the bundled subject, with the spec's own conductivity and sources.

    Vertices that an ico4 source space would use are left out, so that no simulated source is a source of the analysis.

    Parameters
    ----------
    spec : CohortSpec
        Channels, reference and head.
    subjects_dir : Path
        Holds the subject written by :func:`painconn.cortex.template.write_subject`.

    Returns
    -------
    head : SimulationHead
    """
    electrodes = (*spec.channels, spec.reference)
    planned = np.array(list(place_electrodes(electrodes).values()))
    caps = np.concatenate([planned, *(planned + _STEP_M * tangents(planned))])
    names = [f"{name} {cap}" for cap in range(3) for name in electrodes]
    model = build_head(
        subjects_dir,
        conductivity_s_per_m=spec.head.conductivity_s_per_m,
        bem_ico=spec.head.bem_ico,
        source_spacing=spec.head.source_spacing,
    )
    forward = make_forward(model, dict(zip(names, caps, strict=True)))
    field = lead_field(forward)
    kept = np.concatenate(field.vertices) >= _N_ICO4_VERTICES
    atlas = parcellation_of("desikan_killiany")
    sides = zip(HEMISPHERES, field.vertices, strict=True)
    labels = np.concatenate([atlas.vertex_regions[side][vertices] for side, vertices in sides])[kept]
    present, region_of_source = np.unique(labels, return_inverse=True)
    outside = int(present[0] < 0)
    return SimulationHead(
        electrodes=electrodes,
        positions_m=planned,
        gain=_UV_PER_NAM * field.gain_v_per_am[:, kept, 2].reshape(3, len(electrodes), -1),
        step_m=_STEP_M,
        source_positions_m=forward["source_rr"][kept],
        regions=tuple(atlas.region_names[label] for label in present[outside:]),
        region_of_source=region_of_source - outside,
    )
