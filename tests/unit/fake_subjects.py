"""FreeSurfer subjects on disk, made from the bundled head, so that what is right about them is known."""

import shutil
from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
from nibabel.freesurfer import read_annot, read_geometry, write_annot, write_geometry

from painconn.cortex.template import HEMISPHERES, template_arrays, write_subject

SURFACES = tuple(f"surf/{side}.{kind}" for side in HEMISPHERES for kind in ("white", "sphere", "sphere.reg"))
SHELLS = ("bem/inner_skull.surf", "bem/outer_skull.surf", "bem/outer_skin.surf")


def write_fake(subjects_dir: Path, name: str) -> Path:
    """Write a subject that is the bundled head, with what an individual has in addition; return its folder."""
    made = subjects_dir / f"making-{name}"
    write_subject(made)
    folder = subjects_dir / name
    shutil.move(made / "fsaverage5", folder)
    made.rmdir()
    for side in HEMISPHERES:
        shutil.copy(folder / "surf" / f"{side}.sphere", folder / "surf" / f"{side}.sphere.reg")
    return folder


def change(path: Path, moved: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the vertices of a surface (mm)."""
    vertices, triangles = read_geometry(path)
    write_geometry(path, moved(vertices), triangles, create_stamp="test")


def write_transform(path: Path, *, shift_m: tuple[float, float, float] = (0, 0, 0), inverted: bool = False) -> Path:
    """Write the transform of the bundled head, moved."""
    matrix = template_arrays()["head_to_mri"].copy()
    matrix[:3, 3] += shift_m
    transform = mne.transforms.Transform("head", "mri", matrix)
    if inverted:
        transform = mne.transforms.invert_transform(transform)
    path.parent.mkdir(parents=True, exist_ok=True)
    mne.write_trans(path, transform, overwrite=True, verbose="error")
    return path


def refine(folder: Path) -> None:
    """Divide every triangle of the cortex into four; the first vertices stay what they were, as on fsaverage."""
    for name in SURFACES:
        vertices, triangles = read_geometry(folder / name)
        edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, position = np.unique(edges, axis=0, return_inverse=True)
        middle = len(vertices) + position.reshape(-1, 3)
        finer = np.concatenate([vertices, vertices[unique].mean(axis=1)])
        if "sphere" in name:
            finer *= 100 / np.linalg.norm(finer, axis=1, keepdims=True)
        a, b, c = triangles.T
        ab, bc, ca = middle.T
        parts = [np.column_stack(corners) for corners in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        write_geometry(folder / name, finer, np.concatenate(parts), create_stamp="test")


def shuffle_vertices(folder: Path, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Number the vertices of the cortex anew, as no two people's surfaces are numbered alike.

    Returns
    -------
    origin : dict of str to array
        Of each hemisphere: the former number of each vertex.
    """
    origin = {}
    for side in HEMISPHERES:
        order = rng.permutation(len(read_geometry(folder / "surf" / f"{side}.white")[0]))
        former = np.argsort(order)
        for name in (name for name in SURFACES if f"/{side}." in name):
            vertices, triangles = read_geometry(folder / name)
            write_geometry(folder / name, vertices[order], former[triangles], create_stamp="test")
        path = folder / "label" / f"{side}.aparc.annot"
        labels, colours, names = read_annot(path)
        write_annot(path, labels[order], colours[:, :4], names, fill_ctab=True)
        origin[side] = order
    return origin
