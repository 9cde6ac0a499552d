"""The head model: a boundary-element solution and a cortical source space, made once per head."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.cortex.heads import HeadParts, require_complete
from painconn.cortex.template import SUBJECT, template_arrays, write_subject
from painconn.errors import InputError, Problem

if TYPE_CHECKING:
    import mne

BEM_FILE = "bem-sol.fif"
SOURCES_FILE = "src.fif"
TRANSFORM_FILE = "head-trans.fif"

Conductivity = tuple[float, float, float]

_CHECKSUM_DIGITS = 16
_CHECKSUM_STEP_M = 1e-6
_CONDUCTIVITY_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Head:
    """What a forward solution needs to know about a head.

    Attributes
    ----------
    bem : mne.bem.ConductorModel
        Three-shell boundary-element model with its solution.
    sources : mne.SourceSpaces
        One cortical source space per hemisphere.
    transform : mne.transforms.Transform
        From head coordinates to MRI coordinates (surface RAS), in m.
    """

    bem: "mne.bem.ConductorModel"
    sources: "mne.SourceSpaces"
    transform: "mne.transforms.Transform"


def build_head(
    subjects_dir: Path,
    *,
    conductivity_s_per_m: Conductivity = (0.3, 0.006, 0.3),
    bem_ico: int = 3,
    source_spacing: str = "ico4",
    subject: str = SUBJECT,
) -> Head:
    """Solve the three-shell boundary-element model and lay sources on the white surface.

    Linear collocation with the isolated-skull correction, as MNE-Python does it (doi:10.1109/10.16463).

    Parameters
    ----------
    subjects_dir : Path
        Holds the FreeSurfer subject (`painconn.cortex.template.write_subject` writes the bundled one).
    conductivity_s_per_m : tuple of float
        Brain, skull, scalp.
    bem_ico : int
        Subdivision of each shell: 3 is 1,280 triangles, 4 is 5,120.
    source_spacing : str
        ``"ico4"`` is 2,562 sources per hemisphere.
    subject : str
        The subject's folder; it must hold surfaces, shells and ``bem/<subject>-trans.fif``.

    Returns
    -------
    head : Head
    """
    import mne

    model = mne.make_bem_model(
        subject, ico=bem_ico, conductivity=conductivity_s_per_m, subjects_dir=subjects_dir, verbose="error"
    )
    bem = mne.make_bem_solution(model, verbose="error")
    sources = mne.setup_source_space(
        subject, spacing=source_spacing, subjects_dir=subjects_dir, add_dist=False, verbose="error"
    )
    return Head(bem, sources, mne.read_trans(subjects_dir / subject / "bem" / f"{subject}-trans.fif", verbose="error"))


def build_head_of(
    parts: HeadParts, folder: Path, *, conductivity_s_per_m: Conductivity, source_spacing: str, bem_ico: int = 3
) -> Head:
    """Build a head of any kind from its files.

    Parameters
    ----------
    parts : HeadParts
        Where its files lie.
    folder : Path
        Where the bundled subject is written when it is the one; nothing is written into a subject of the user.
    conductivity_s_per_m, source_spacing, bem_ico
        As in `build_head`; a ready solution must have these conductivities.

    Returns
    -------
    head : Head

    Raises
    ------
    InputError
        A file is missing or damaged, the shells cross or cannot be solved, or a ready solution is another model's.
    """
    if parts.kind == "bundled":
        write_subject(folder)
        return build_head(
            folder, conductivity_s_per_m=conductivity_s_per_m, bem_ico=bem_ico, source_spacing=source_spacing
        )
    import mne

    require_complete(parts)
    known = {"subject": parts.subject, "subjects_dir": parts.subjects_dir, "verbose": "error"}
    shells = "closed shells inside one another, of 20 x 4^n triangles (mne watershed_bem)"
    with _told(parts, "bem/inner_skull, outer_skull, outer_skin", shells):
        if parts.bem_solution is None:
            bem = mne.make_bem_solution(
                mne.make_bem_model(ico=bem_ico, conductivity=conductivity_s_per_m, **known), verbose="error"
            )
        else:
            bem = mne.read_bem_solution(parts.bem_solution, verbose="error")
    _require_model(parts, bem, conductivity_s_per_m)
    with _told(parts, "surf/lh and rh, white and sphere", "surfaces of recon-all"):
        sources = mne.setup_source_space(spacing=source_spacing, add_dist=False, **known)
    return Head(bem, sources, _transform(parts))


def _transform(parts: HeadParts) -> "mne.transforms.Transform":
    import mne

    if parts.transform is None:
        # Template electrodes are brought to head coordinates by this very transform; fsaverage5 is part of fsaverage.
        return mne.transforms.Transform("head", "mri", template_arrays()["head_to_mri"])
    with _told(parts, "the transform", "a transform between head and MRI (mne coreg, mne.write_trans)"):
        read = mne.read_trans(parts.transform, verbose="error")
        return read if read.from_str == "head" else mne.transforms.invert_transform(read)


@contextmanager
def _told(parts: HeadParts, what: str, wanted: str) -> Iterator[None]:
    """Turn what MNE-Python says of a file into a problem of this head; its own text may hold folders and names."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, IndexError, KeyError, EOFError) as error:
        crossing = " (not completely inside one another)" if "inside" in str(error) else ""
        found = f"{what}: cannot be used{crossing}, {type(error).__name__}"
        fix = "look at these files (mne.viz.plot_bem), make them again"
        raise InputError(Problem(f"head {parts.subject}", found, wanted, fix)) from error


def _require_model(parts: HeadParts, bem: "mne.bem.ConductorModel", wanted: Conductivity) -> None:
    shells = [] if bem["is_sphere"] else bem["surfs"]
    # Shells are ordered from the scalp inwards.
    found = tuple(float(shell["sigma"]) for shell in reversed(shells))
    if len(found) != len(wanted) or not np.allclose(found, wanted, rtol=_CONDUCTIVITY_TOLERANCE, atol=0):
        problem = Problem(
            f"head {parts.subject}",
            f"a BEM solution of {len(found)} shells with {', '.join(f'{value:g}' for value in found) or 'no'} S/m",
            f"three shells with {', '.join(f'{value:g}' for value in wanted)} S/m (brain, skull, scalp)",
            "correct cortex.conductivity_s_per_m, or leave cortex.bem_solution out",
        )
        raise InputError(problem)


def head_identity(head: Head, parts: HeadParts, *, source_spacing: str) -> dict[str, Any]:
    """Describe a head for sidecars and texts: two heads with one checksum are one head.

    Returns
    -------
    identity : dict
        ``label``, ``kind``, ``subject``, ``own`` (one participant's), ``checksum`` (of shells, sources and transform,
        to a micrometre, and conductivities), ``conductivity_s_per_m`` (brain, skull, scalp), ``bem_solution``
        (``made`` or ``given``), ``n_triangles`` (of each shell, scalp first), ``source_spacing``, ``n_sources``.
    """
    sigma = [float(shell["sigma"]) for shell in reversed(head.bem["surfs"])]
    digest = hashlib.sha256(np.array(sigma, "<f8").tobytes())
    for shell in head.bem["surfs"]:
        digest.update(_micrometres(shell["rr"]) + np.asarray(shell["tris"], "<i8").tobytes())
    for space in head.sources:
        digest.update(_micrometres(space["rr"][space["vertno"]]) + np.asarray(space["vertno"], "<i8").tobytes())
    digest.update(_micrometres(head.transform["trans"]))
    return {
        "label": parts.label,
        "kind": parts.kind,
        "subject": parts.subject,
        "own": parts.own,
        "checksum": digest.hexdigest()[:_CHECKSUM_DIGITS],
        "conductivity_s_per_m": sigma,
        "bem_solution": "made" if parts.bem_solution is None else "given",
        "n_triangles": [int(shell["ntri"]) for shell in head.bem["surfs"]],
        "source_spacing": source_spacing,
        "n_sources": sum(int(space["nuse"]) for space in head.sources),
    }


def _micrometres(values: "np.typing.NDArray[Any]") -> bytes:
    return bytes(np.rint(np.asarray(values, float) / _CHECKSUM_STEP_M).astype("<i8").tobytes())


def save_head(head: Head, folder: Path) -> None:
    """Write the head into an existing folder, in MNE's own formats."""
    import mne

    mne.write_bem_solution(folder / BEM_FILE, head.bem, overwrite=True, verbose="error")
    mne.write_source_spaces(folder / SOURCES_FILE, head.sources, overwrite=True, verbose="error")
    mne.write_trans(folder / TRANSFORM_FILE, head.transform, overwrite=True, verbose="error")


def load_head(folder: Path) -> Head:
    """Read what `save_head` wrote."""
    import mne

    return Head(
        mne.read_bem_solution(folder / BEM_FILE, verbose="error"),
        mne.read_source_spaces(folder / SOURCES_FILE, verbose="error"),
        mne.read_trans(folder / TRANSFORM_FILE, verbose="error"),
    )
