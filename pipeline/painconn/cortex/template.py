"""The bundled head: FreeSurfer's fsaverage5 with a three-shell head model and the Desikan-Killiany regions.

The only module of this room that opens files of its own. `tools/build_template.py` makes the data file.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.registry import FUNCTIONAL_GROUPS
from painconn.errors import IntegrityError, Problem

SUBJECT = "fsaverage5"
HEMISPHERES = ("lh", "rh")
SHELLS = ("inner_skull", "outer_skull", "outer_skin")

_DATA = resources.files("painconn.cortex") / "data"
_FILE = f"{SUBJECT}.npz"
_ORIGIN = "painconn-template.sha256"


@dataclass(frozen=True)
class Parcellation:
    """A division of both cortical surfaces into regions.

    Attributes
    ----------
    region_names : tuple of str
        Names such as ``"postcentral-lh"``; all left regions first, then all right ones.
    vertex_regions : dict of str to array, shape (vertices,)
        For ``"lh"`` and ``"rh"``: position in `region_names` of each vertex of fsaverage5, -1 where there is no region
        (medial wall).
    name : str
        What it is called in tables and reports.
    groups : mapping of str to tuple of str
        Regions by group, unless a study names its own; empty where there is no default.
    """

    region_names: tuple[str, ...]
    vertex_regions: dict[str, NDArray[np.int16]]
    name: str = ""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def template_arrays() -> dict[str, NDArray]:
    """Return the arrays of the bundled head, their checksum verified; do not change them.

    Returns
    -------
    arrays : dict of str to array
        ``lh_white``, ``rh_white`` (10242, 3) and ``inner_skull``, ``outer_skull``, ``outer_skin`` (2562, 3) in mm,
        surface RAS (equal to MNI305); ``sphere``, ``triangles``, ``shell_triangles``; ``lh_aparc``, ``rh_aparc``
        (10242,) positions in ``aparc_names`` with ``aparc_colours`` (RGBA); ``head_to_mri`` (4, 4) in m;
        ``fiducials_mri_m`` (3, 3): left preauricular point, nasion, right preauricular point.

    Raises
    ------
    IntegrityError
        The file is missing or is not the one its checksum names.
    """
    with resources.as_file(_DATA / _FILE) as path, resources.as_file(_DATA / f"{_FILE}.sha256") as checksum:
        return read_verified(path, checksum)


def read_verified(path: Path, checksum: Path) -> dict[str, NDArray]:
    """Read every array of a npz file whose sha256 must be the one in `checksum`.

    Raises
    ------
    IntegrityError
        A file is missing, or the checksum differs.
    """
    missing = [file.name for file in (path, checksum) if not file.is_file()]
    if missing:
        raise IntegrityError(_damaged(path, f"no {' and no '.join(missing)}"))
    wanted = checksum.read_text().split()[0]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wanted:
        raise IntegrityError(_damaged(path, f"sha256 {found}", f"sha256 {wanted}"))
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _damaged(path: Path, found: str, wanted: str = "the bundled head and its checksum") -> Problem:
    return Problem(str(path), found, wanted, "install painconn again, or run tools/build_template.py in a checkout")


@cache
def parcellation() -> Parcellation:
    """Return the Desikan-Killiany regions of the bundled head (doi:10.1016/j.neuroimage.2006.01.021)."""
    arrays = template_arrays()
    names = arrays["aparc_names"][1:].tolist()
    vertex_regions = {}
    for side, hemisphere in enumerate(HEMISPHERES):
        index = arrays[f"{hemisphere}_aparc"].astype(np.int16) - 1
        vertex_regions[hemisphere] = np.where(index >= 0, index + np.int16(side * len(names)), np.int16(-1))
    regions = tuple(f"{name}-{side}" for side in HEMISPHERES for name in names)
    return Parcellation(regions, vertex_regions, "desikan_killiany", dict(FUNCTIONAL_GROUPS))


def write_subject(subjects_dir: Path) -> str:
    """Write the bundled head as a FreeSurfer subject that MNE-Python reads unchanged.

    The folder appears complete or not at all; one that is already there from the same bundled file is left alone.

    Parameters
    ----------
    subjects_dir : Path
        FreeSurfer's ``SUBJECTS_DIR``; made when it does not exist.

    Returns
    -------
    subject : str
        The folder's name, ``"fsaverage5"``.

    Raises
    ------
    IntegrityError
        A folder of that name is there that another version, or another program, made.
    """
    target = subjects_dir / SUBJECT
    if target.is_dir():
        _refuse_foreign(target)
        return SUBJECT
    subjects_dir.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{SUBJECT}-", dir=subjects_dir))
    try:
        unfinished.chmod(0o755)
        _write_surfaces(unfinished)
        _write_annotation(unfinished)
        _write_alignment(unfinished)
        (unfinished / _ORIGIN).write_text(_bundled_checksum())
        try:
            unfinished.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return SUBJECT


def _bundled_checksum() -> str:
    return (_DATA / f"{_FILE}.sha256").read_text()


def _refuse_foreign(folder: Path) -> None:
    origin = folder / _ORIGIN
    found = origin.read_text() if origin.is_file() else f"no {_ORIGIN}"
    if found != _bundled_checksum():
        wanted = f"the bundled head {_bundled_checksum().split()[0]}"
        raise IntegrityError(Problem(str(folder), found.strip(), wanted, "delete this folder; it is written again"))


def _write_surfaces(folder: Path) -> None:
    from nibabel.freesurfer import write_geometry

    arrays = template_arrays()
    stamp = "painconn bundled head"
    for name in ("surf", "bem"):
        (folder / name).mkdir()
    for hemisphere in HEMISPHERES:
        for surface in (f"{hemisphere}_white", "sphere"):
            path = folder / "surf" / f"{hemisphere}.{surface.rpartition('_')[2]}"
            write_geometry(path, arrays[surface], arrays["triangles"], create_stamp=stamp)
    for shell in SHELLS:
        write_geometry(folder / "bem" / f"{shell}.surf", arrays[shell], arrays["shell_triangles"], create_stamp=stamp)


def _write_annotation(folder: Path) -> None:
    from nibabel.freesurfer import write_annot

    arrays = template_arrays()
    colours = np.column_stack([arrays["aparc_colours"], np.zeros(len(arrays["aparc_colours"]))]).astype(np.int32)
    names = [str(name).encode() for name in arrays["aparc_names"]]
    (folder / "label").mkdir()
    for hemisphere in HEMISPHERES:
        path = folder / "label" / f"{hemisphere}.aparc.annot"
        write_annot(path, arrays[f"{hemisphere}_aparc"].astype(np.int32), colours, names, fill_ctab=True)


def _write_alignment(folder: Path) -> None:
    import mne

    arrays = template_arrays()
    transform = mne.transforms.Transform("head", "mri", arrays["head_to_mri"])
    mne.write_trans(folder / "bem" / f"{SUBJECT}-trans.fif", transform, verbose="error")
    left, nasion, right = arrays["fiducials_mri_m"].astype(float)
    montage = mne.channels.make_dig_montage(lpa=left, nasion=nasion, rpa=right, coord_frame="mri")
    mne.io.write_fiducials(folder / "bem" / f"{SUBJECT}-fiducials.fif", montage.dig, "mri", verbose="error")
    transforms = folder / "mri" / "transforms"
    transforms.mkdir(parents=True)
    identity = "MNI Transform File\n\nTransform_Type = Linear;\nLinear_Transform =\n1 0 0 0\n0 1 0 0\n0 0 1 0;\n"
    (transforms / "talairach.xfm").write_text(identity)
