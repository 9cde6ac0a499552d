"""Regions of one's own: FreeSurfer annotations of fsaverage, and coordinates with a radius.

Coordinates become patches of the cortical surface. A coordinate of MNI152 is carried to MNI305, the space of fsaverage,
by FreeSurfer's linear transform (https://surfer.nmr.mgh.harvard.edu/fswiki/CoordinateSystems). Its centre is the
nearest vertex of the cortex; a point far from it, or nearer to the medial wall than to the cortex, lies below the
cortex, and a surface has no sources there. A patch holds the vertices within the radius along the surface, and where
patches meet, a vertex goes to the nearer centre.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.template import HEMISPHERES, Parcellation, parcellation, template_arrays
from painconn.errors import InputError, Problem

COLUMNS = ("name", "x_mm", "y_mm", "z_mm", "radius_mm")
FARTHEST_MM = 15.0
"""A coordinate farther from the cortex is not on it."""

MNI305_TO_MNI152 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""FreeSurfer's linear transform between the two spaces, in mm."""

_N_VERTICES = 10_242
# An icosahedron divided further keeps the vertices that it had, in their order.
_FINER = {_N_VERTICES: "fsaverage5", 40_962: "fsaverage6", 163_842: "fsaverage"}
_NO_REGION = re.compile(r"unknown|\?+|corpuscallosum|(freesurfer_defined_)?medial[ _]?wall|background.*", re.IGNORECASE)
_NAME = re.compile(r"(?!.*__)[!-~]*[!-^`-~]")


def read_annotations(paths: Mapping[str, Path]) -> Parcellation:
    """Read the annotations of both hemispheres.

    Parameters
    ----------
    paths : mapping of str to Path
        For ``"lh"`` and ``"rh"``: labels of the vertices of fsaverage5, fsaverage6 or fsaverage.

    Returns
    -------
    parcellation : Parcellation
        Every label that has a vertex and is not the medial wall or unknown; names end in ``-lh`` or ``-rh``.

    Raises
    ------
    InputError
        Every problem of both files at once.
    """
    problems: list[Problem] = []
    names: list[str] = []
    vertex_regions = {}
    for hemisphere in HEMISPHERES:
        try:
            labels, table = _annotation(paths[hemisphere])
        except InputError as error:
            problems.extend(error.problems)
            continue
        present = [index for index in np.unique(labels[labels >= 0]) if not _NO_REGION.fullmatch(table[index])]
        place = np.full(len(table) + 1, -1, np.int16)
        place[present] = np.arange(len(names), len(names) + len(present))
        vertex_regions[hemisphere] = place[labels]
        own = [table[index] for index in present]
        problems += _bad_names((paths[hemisphere].name, name) for name in own)
        names += [_sided(name, hemisphere) for name in own]
    if not problems and not names:
        problems.append(Problem("cortex.parcellation.annot", "no region", "labels of regions", "check the files"))
    if problems:
        raise InputError(problems)
    return Parcellation(tuple(names), vertex_regions, "annotation files of the user")


def _annotation(path: Path) -> tuple[NDArray[Any], list[str]]:
    """Return the place of each fsaverage5 vertex in the table of names (-1: none), and the table."""
    from nibabel.freesurfer import read_annot

    wanted, fix = "a FreeSurfer annotation of fsaverage5, fsaverage6 or fsaverage", "check cortex.parcellation.annot"
    try:
        labels, _, names = read_annot(path)
    except FileNotFoundError:
        raise InputError(Problem(path.name, "no such file", wanted, fix)) from None
    except Exception as error:  # a damaged file makes nibabel raise anything
        raise InputError(Problem(path.name, f"not readable ({type(error).__name__})", wanted, fix)) from error
    if len(labels) not in _FINER:
        raise InputError(Problem(path.name, f"{len(labels)} vertices", f"{wanted}: one of {[*_FINER]} vertices", fix))
    return np.asarray(labels[:_N_VERTICES]), [name.decode(errors="replace").strip() for name in names]


def _bad_names(named: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Yield what is wrong with names, each given with its place."""
    fix, seen = "rename it: the name becomes part of column names", set[str]()
    for where, name in named:
        if not _NAME.fullmatch(name):
            wanted = "ASCII characters without blanks and double underscores, no underscore at the end"
            yield Problem(where, f"the region {name!r}", wanted, fix)
        if name in seen:
            yield Problem(where, f"another region called {name}", "a name for each region", fix)
        seen.add(name)


def _sided(name: str, hemisphere: str) -> str:
    return name if name.endswith(f"-{hemisphere}") else f"{name}-{hemisphere}"


@dataclass(frozen=True)
class _Centre:
    """A row of the table, in MNI305."""

    where: str
    name: str
    point_mm: NDArray[np.float64]
    radius_mm: float


@dataclass(frozen=True)
class _Cortex:
    """Both hemispheres: vertices (mm) and which of them are cortex."""

    points_mm: NDArray[np.float64]
    is_cortex: NDArray[np.bool_]

    @classmethod
    def of_template(cls) -> "_Cortex":
        arrays = template_arrays()
        points = np.concatenate([arrays[f"{side}_white"] for side in HEMISPHERES]).astype(float)
        return cls(points, np.concatenate([parcellation().vertex_regions[side] >= 0 for side in HEMISPHERES]))


def read_coordinates(path: Path, *, space: str = "mni152") -> Parcellation:
    """Read regions from a table of centres and radii.

    Parameters
    ----------
    path : Path
        Tab-separated, with the columns of `COLUMNS`: a name (the side is added: ``S1`` left of the midline becomes
        ``S1-lh``), a place and a radius along the surface, all in mm.
    space : str
        ``"mni152"`` or ``"mni305"``.

    Returns
    -------
    parcellation : Parcellation
        Left regions first, in the order of the table.

    Raises
    ------
    InputError
        Every problem of all rows at once: text for a number, a place below or outside the cortex with its distance, a
        name twice or with the wrong side, a region left without a vertex by nearer ones.
    """
    centres, problems = _read_table(path, space)
    cortex = _Cortex.of_template()
    nearest: list[int] = []
    names: list[str] = []
    for centre in centres:
        vertex, problem = _on_cortex(centre, cortex)
        hemisphere = HEMISPHERES[int(vertex >= _N_VERTICES)]
        other = HEMISPHERES[int(vertex < _N_VERTICES)]
        if problem is None and centre.name.endswith(f"-{other}"):
            found = f"{centre.name} in the hemisphere {hemisphere}"
            problem = Problem(centre.where, found, "the side of its name", "check the sign of x_mm, or the name")
        problems += [problem] if problem else []
        nearest.append(vertex)
        names.append(_sided(centre.name, hemisphere))
    problems += _bad_names((centre.where, name) for centre, name in zip(centres, names, strict=True))
    if problems:
        raise InputError(problems)
    return _patches(centres, names, nearest, cortex)


def _read_table(path: Path, space: str) -> tuple[list[_Centre], list[Problem]]:
    wanted = f"a tab-separated table with the columns {', '.join(COLUMNS)}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, delimiter="\t")
            rows, columns = list(table), list(table.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"not readable ({type(error).__name__})"
        return [], [Problem(path.name, reason, wanted, "check cortex.parcellation.coordinates")]
    lacking = [column for column in COLUMNS if column not in columns]
    if lacking or not rows:
        found = f"no column {', '.join(lacking)}" if lacking else "no row"
        return [], [Problem(path.name, found, wanted, "mend the table")]
    to_mni305 = np.linalg.inv(MNI305_TO_MNI152) if space == "mni152" else np.eye(4)
    centres, problems = [], []
    for number, row in enumerate(rows, start=2):
        where = f"{path.name}, row {number} ({row['name'] or 'no name'})"
        values = [_number(row[column]) for column in COLUMNS[1:]]
        bad = [f"{column} {row[column]!r}" for column, value in zip(COLUMNS[1:], values, strict=True) if value is None]
        x, y, z, radius_mm = (value if value is not None else 1.0 for value in values)
        if bad or radius_mm <= 0 or not row["name"]:
            found = ", ".join(bad) or ("no name" if not row["name"] else f"radius_mm {radius_mm:g}")
            problems.append(Problem(where, found, "a name, numbers in mm and a radius above 0", "correct the row"))
        else:
            centres.append(_Centre(where, row["name"].strip(), (to_mni305 @ [x, y, z, 1.0])[:3], radius_mm))
    return centres, problems


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _on_cortex(centre: _Centre, cortex: _Cortex) -> tuple[int, Problem | None]:
    """Return the nearest vertex of the cortex, and what is wrong when the place is not on it."""
    distance_mm = np.linalg.norm(cortex.points_mm - centre.point_mm, axis=1)
    vertex = int(np.where(cortex.is_cortex, distance_mm, np.inf).argmin())
    found = f"a place {distance_mm[vertex]:.1f} mm from the nearest cortex"
    wanted = f"at most {FARTHEST_MM:g} mm, and not below the cortex"
    fix = "leave it out: the sources of this method are on the cortex, deeper structures have none"
    if distance_mm[vertex] > FARTHEST_MM:
        return vertex, Problem(centre.where, found, wanted, fix)
    if distance_mm.min() < distance_mm[vertex]:
        return vertex, Problem(centre.where, f"{found}, and nearer to the medial wall", wanted, fix)
    return vertex, None


def _patches(centres: list[_Centre], names: list[str], nearest: list[int], cortex: _Cortex) -> Parcellation:
    """Give every vertex within a radius to the nearest centre, along the surface."""
    from scipy.sparse.csgraph import dijkstra

    reach = dijkstra(_edges(cortex), indices=nearest, limit=max(centre.radius_mm for centre in centres))
    reach[reach > np.array([[centre.radius_mm] for centre in centres])] = np.inf
    # The nearer centre wins also where the radii differ; of two as near, the first row.
    owner = np.where(np.isfinite(reach.min(axis=0)) & cortex.is_cortex, reach.argmin(axis=0), -1)
    empty = [Problem(centre.where, "no vertex is nearer to this place than to another one", "places apart",
                     "merge the rows, or move one of them")
             for row, centre in enumerate(centres) if not (owner == row).any()]  # fmt: skip
    if empty:
        raise InputError(empty)
    order = sorted(range(len(names)), key=lambda row: nearest[row] >= _N_VERTICES)
    position = np.full(len(names) + 1, -1, np.int16)
    position[order] = np.arange(len(names))
    labels = position[owner]
    sides = dict(zip(HEMISPHERES, np.split(labels, 2), strict=True))
    return Parcellation(tuple(names[row] for row in order), sides, "coordinates of the user")


def _edges(cortex: _Cortex) -> Any:
    """Return the lengths (mm) of the edges of both surfaces as a sparse symmetric matrix."""
    from scipy.sparse import coo_array

    triangles = template_arrays()["triangles"].astype(np.int64)
    corners = np.concatenate([triangles, triangles + _N_VERTICES])
    first, second = corners[:, [0, 1, 2]].ravel(), corners[:, [1, 2, 0]].ravel()
    lengths = np.linalg.norm(cortex.points_mm[first] - cortex.points_mm[second], axis=1)
    # Every inner edge stands in two triangles, once in each direction.
    n_vertices = len(cortex.points_mm)
    return coo_array((lengths, (first, second)), shape=(n_vertices, n_vertices)).tocsr()
