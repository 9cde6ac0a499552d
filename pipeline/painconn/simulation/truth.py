"""True heads for the study of localisation: what they share with the bundled head, and what is deliberately wrong."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.lead_field import lead_field
from painconn.cortex.leakage import bundled_positions_mm
from painconn.cortex.montage import place_electrodes
from painconn.cortex.parcellations import SOURCES_PER_HEMISPHERE, parcellation_of
from painconn.cortex.template import HEMISPHERES, SUBJECT, template_arrays, write_subject
from painconn.simulation.head import tangents

Array = NDArray[np.float64]

_CAP_CENTRE_M = (0.0, 0.0, 0.04)
_CAP_RADIUS_M = 0.1


@dataclass(frozen=True)
class TruthSpec:
    """How the true head differs from the head of the analysis; the defaults differ in nothing but the sources.

    Attributes
    ----------
    conductivity_s_per_m : tuple of float
        Brain, skull, scalp.
    scale : tuple of float
        Of the whole head, electrodes included: to the right, to the front, upwards.
    jitter_m : float
        Distance of each electrode from its place along the scalp, root mean square.
    cap_shift_m : float
        How far the vertex of the cap slid, in a direction drawn per cap.
    tilt_deg : float
        Angle between each dipole and the template's cortical normal, about an axis drawn per source: the gyri of a
        person do not lie as those of the template.
    source_spacing : str
        Of the true sources, on the bundled surfaces.
    shared_sources : bool
        Whether the sources of an ico4 source space may be true sources too; they are left out otherwise.
    bem_ico : int
        Subdivision of the shells.
    """

    conductivity_s_per_m: tuple[float, float, float] = (0.3, 0.006, 0.3)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    jitter_m: float = 0.0
    cap_shift_m: float = 0.0
    tilt_deg: float = 0.0
    source_spacing: str = "oct6"
    shared_sources: bool = False
    bem_ico: int = 3


@dataclass(frozen=True)
class Truth:
    """What the true sources show at the electrodes of several caps.

    Attributes
    ----------
    electrodes : tuple of str
    gain_v_per_am : array, shape (caps, electrodes, sources)
        Along each source's true direction.
    vertices : tuple of two arrays of int
        Surface vertex of each source, left then right hemisphere.
    """

    electrodes: tuple[str, ...]
    gain_v_per_am: Array
    vertices: tuple[NDArray[np.int64], NDArray[np.int64]]

    @cached_property
    def places_mm(self) -> Array:
        """Return where the counterparts of the sources lie on the bundled head, (sources, 3)."""
        return bundled_positions_mm(self.vertices)

    def regions(self, parcellation: str) -> NDArray[np.int16]:
        """Return each source's position among the regions of a parcellation, -1 outside all of them."""
        labels = parcellation_of(parcellation).vertex_regions
        return np.concatenate([labels[side][kept] for side, kept in zip(HEMISPHERES, self.vertices, strict=True)])

    def seen_by(self, electrodes: Sequence[str]) -> "Truth":
        """Return the same sources as some of the electrodes see them, in the given order."""
        rows = [self.electrodes.index(name) for name in electrodes]
        return replace(self, electrodes=tuple(electrodes), gain_v_per_am=self.gain_v_per_am[:, rows])


def build_truth(spec: TruthSpec, electrodes: Sequence[str], *, n_caps: int = 1, seed: int = 0) -> Truth:
    """Build a true head and put caps on it.

    Parameters
    ----------
    spec : TruthSpec
    electrodes : sequence of str
        Names of the template montage.
    n_caps : int
        Caps that differ in what is random about the electrodes.
    seed : int

    Returns
    -------
    truth : Truth
    """
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        _scale_subject(Path(folder) / SUBJECT, spec.scale)
        head = build_head(
            Path(folder),
            conductivity_s_per_m=spec.conductivity_s_per_m,
            bem_ico=spec.bem_ico,
            source_spacing=spec.source_spacing,
        )
    planned = _scaled_positions(np.array(list(place_electrodes(tuple(electrodes)).values())), spec.scale)
    caps = np.concatenate([displace(planned, spec, rng) for _ in range(n_caps)])
    names = [f"{name} {cap}" for cap in range(n_caps) for name in electrodes]
    seen = lead_field(make_forward(head, dict(zip(names, caps, strict=True))))
    first = 0 if spec.shared_sources else SOURCES_PER_HEMISPHERE["ico4"]
    kept = np.concatenate(seen.vertices) >= first
    directions = _directions(int(kept.sum()), spec.tilt_deg, rng)
    gain = np.einsum("csd,sd->cs", seen.gain_v_per_am[:, kept], directions).reshape(n_caps, len(electrodes), -1)
    left, right = (vertices[vertices >= first] for vertices in seen.vertices)
    return Truth(tuple(electrodes), gain, (left, right))


def _scale_subject(folder: Path, scale: tuple[float, float, float]) -> None:
    from nibabel.freesurfer import read_geometry, write_geometry

    for path in (*folder.glob("surf/*.white"), *folder.glob("bem/*.surf")):
        places, triangles = read_geometry(path)
        write_geometry(path, places * np.asarray(scale), triangles)


def _scaled_positions(positions_m: Array, scale: tuple[float, float, float]) -> Array:
    """Scale electrodes, in head coordinates, about the origin of the surfaces, which is not that of the head."""
    transform = np.asarray(template_arrays()["head_to_mri"], float)
    on_surface = (positions_m @ transform[:3, :3].T + transform[:3, 3]) * np.asarray(scale)
    return np.asarray((on_surface - transform[:3, 3]) @ np.linalg.inv(transform[:3, :3]).T)


def displace(planned_m: Array, spec: TruthSpec, rng: np.random.Generator) -> Array:
    """Put a cap on as it sits in practice: electrodes off their places, the whole cap slid.

    Parameters
    ----------
    planned_m : array, shape (electrodes, 3)
        In m, head coordinates.
    spec : TruthSpec
    rng : numpy.random.Generator

    Returns
    -------
    worn_m : array, shape (electrodes, 3)
        Near the scalp; the forward solution projects electrodes on it.
    """
    from scipy.spatial.transform import Rotation

    along = rng.standard_normal((2, len(planned_m), 1)) * spec.jitter_m / np.sqrt(2)
    jittered = planned_m + np.sum(along * tangents(planned_m), axis=0)
    heading = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(heading), np.sin(heading), 0.0])
    slid = Rotation.from_rotvec(axis * spec.cap_shift_m / _CAP_RADIUS_M)
    return np.asarray(slid.apply(jittered - _CAP_CENTRE_M) + _CAP_CENTRE_M)


def _directions(n_sources: int, tilt_deg: float, rng: np.random.Generator) -> Array:
    """Return unit vectors in the sources' own frames (two tangents, normal), (sources, 3)."""
    tilt, around = np.deg2rad(tilt_deg), rng.uniform(0, 2 * np.pi, n_sources)
    along = np.full(n_sources, np.cos(tilt))
    return np.column_stack([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), along])
