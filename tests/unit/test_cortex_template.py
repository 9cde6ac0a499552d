import ast
import shutil
from importlib import resources
from pathlib import Path

import mne
import numpy as np
import pytest

from painconn.cortex import registry, template
from painconn.cortex.regions import region_labels
from painconn.cortex.registry import FUNCTIONAL_GROUPS as CIRCUITS
from painconn.errors import InputError, IntegrityError

DATA = resources.files("painconn.cortex") / "data"
ICO4 = (np.arange(2562), np.arange(2562))


@pytest.fixture(scope="module")
def subjects_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("subjects")
    template.write_subject(folder)
    return folder


@pytest.fixture
def stored(tmp_path):
    with resources.as_file(DATA) as folder:
        for name in ("fsaverage5.npz", "fsaverage5.npz.sha256"):
            shutil.copy(folder / name, tmp_path / name)
    return tmp_path / "fsaverage5.npz", tmp_path / "fsaverage5.npz.sha256"


def test_bundled_file_is_small_and_has_its_notice():
    assert len((DATA / "fsaverage5.npz").read_bytes()) < 1_000_000
    notice = (DATA / "NOTICE-fsaverage5.md").read_text()
    assert all(word in notice for word in ("FreeSurfer", "nilearn", "MNE-Python", "Apache", "Desikan"))


@pytest.mark.parametrize("position", [100, -100])
def test_one_changed_byte_is_refused_with_advice(stored, position):
    path, checksum = stored
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"sha256 .*build_template\.py"):
        template.read_verified(path, checksum)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_missing_file_is_refused(stored, lost):
    stored[lost].unlink()
    with pytest.raises(IntegrityError, match="install painconn again"):
        template.read_verified(*stored)


def test_untouched_copy_is_accepted(stored):
    arrays = template.read_verified(*stored)
    assert arrays.keys() == template.template_arrays().keys()


def test_region_names():
    names = list(template.parcellation().region_names)
    assert len(names) == len(set(names)) == registry.PARCELLATIONS["desikan_killiany"].n_regions
    assert [name.removesuffix("-lh") for name in names[:34]] == [name.removesuffix("-rh") for name in names[34:]]
    assert not {"unknown", "corpuscallosum"} & {name[:-3] for name in names}


def test_no_region_is_empty_at_ico4_and_homologues_are_alike_in_size():
    labels = region_labels(template.parcellation(), ICO4)
    sizes = np.bincount(labels[labels >= 0], minlength=68)
    assert sizes.min() >= 3
    assert np.corrcoef(sizes[:34], sizes[34:])[0, 1] > 0.95


def test_a_source_space_without_a_region_is_refused_with_every_name():
    parcellation = template.parcellation()
    bare = {side: np.where(index % 34 < 2, -1, index) for side, index in parcellation.vertex_regions.items()}
    with pytest.raises(InputError) as caught:
        region_labels(template.Parcellation(parcellation.region_names, bare), ICO4)
    assert all(
        name in str(caught.value) for name in (*parcellation.region_names[:2], *parcellation.region_names[34:36])
    )


def test_mne_reads_the_written_labels_as_the_same_regions(subjects_dir):
    parcellation = template.parcellation()
    labels = mne.read_labels_from_annot("fsaverage5", "aparc", subjects_dir=subjects_dir, verbose="error")
    by_name = {label.name: label for label in labels if not label.name.startswith("unknown")}
    assert set(by_name) == set(parcellation.region_names)
    for position, name in enumerate(parcellation.region_names):
        members = np.flatnonzero(parcellation.vertex_regions[name[-2:]] == position)
        np.testing.assert_array_equal(by_name[name].vertices, members)


def test_mne_reads_the_written_surfaces_and_alignment(subjects_dir):
    arrays, folder = template.template_arrays(), subjects_dir / "fsaverage5"
    vertices, triangles = mne.read_surface(folder / "surf" / "rh.white")
    np.testing.assert_array_equal(vertices, arrays["rh_white"])
    np.testing.assert_array_equal(triangles, arrays["triangles"])
    transform = mne.read_trans(folder / "bem" / "fsaverage5-trans.fif")
    np.testing.assert_allclose(transform["trans"], arrays["head_to_mri"], atol=1e-7)
    points, frame = mne.io.read_fiducials(folder / "bem" / "fsaverage5-fiducials.fif")
    assert frame == mne.io.constants.FIFF.FIFFV_COORD_MRI
    np.testing.assert_allclose([point["r"] for point in points], arrays["fiducials_mri_m"], atol=1e-7)


def test_shells_are_nested_with_room_between_them():
    arrays = template.template_arrays()
    skull, bone, skin = (arrays[shell].astype(float) for shell in template.SHELLS)
    assert np.linalg.norm(bone - skull, axis=1).min() > 2.9
    assert np.linalg.norm(skin - bone, axis=1).min() > 2.9
    assert np.linalg.norm(skin - skull, axis=1).max() < 30.1


def test_writing_twice_leaves_the_first_folder_and_no_remains(subjects_dir):
    stamp = (subjects_dir / "fsaverage5" / "surf" / "lh.white").stat().st_mtime_ns
    assert template.write_subject(subjects_dir) == "fsaverage5"
    assert (subjects_dir / "fsaverage5" / "surf" / "lh.white").stat().st_mtime_ns == stamp
    assert [path.name for path in subjects_dir.iterdir()] == ["fsaverage5"]


def test_a_subject_folder_of_another_origin_is_refused(tmp_path):
    (tmp_path / "fsaverage5").mkdir()
    with pytest.raises(IntegrityError, match="delete this folder"):
        template.write_subject(tmp_path)


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(_folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(template, "_write_annotation", fail)
    with pytest.raises(KeyboardInterrupt):
        template.write_subject(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_circuits_name_real_regions_once():
    assert list(CIRCUITS) == [
        f"{group}-{side}" for group in ("sensory", "affective", "cognitive") for side in ("lh", "rh")
    ]
    members = [region for regions in CIRCUITS.values() for region in regions]
    assert len(members) == len(set(members)) == 12
    assert set(members) <= set(template.parcellation().region_names)
    assert all(region.endswith(group[-2:]) for group, regions in CIRCUITS.items() for region in regions)


def test_registry_imports_nothing_heavy_and_its_functions_exist():
    imports = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(Path(registry.__file__).read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imports <= {
        "collections.abc",
        "dataclasses",
        "functools",
        "importlib",
        "importlib.resources",
        "itertools",
        "json",
        "typing",
    }
    assert all(callable(definition.load()) for definition in registry.INVERSES.values())
    for entries in (registry.INVERSES, registry.PARCELLATIONS):
        assert all(name == definition.name for name, definition in entries.items())
