import hashlib
import json
from dataclasses import replace

import mne_bids
import numpy as np
import pytest

from painconn.cortex.template import template_arrays, write_subject
from painconn.errors import InputError
from painconn.simulation.head import build_simulation_head
from painconn.simulation.people import draw_person, roster
from painconn.simulation.person import simulate_person
from painconn.simulation.presets import TINY
from painconn.simulation.specification import Block, Protocol
from painconn.simulation.write import truth_path, write_cohort

pytestmark = pytest.mark.slow

SPEC = replace(
    TINY,
    n_per_group={"localized": 1, "widespread": 2},
    protocol=Protocol(blocks=(Block(duration_s=10.0),), n_pinpricks=6),
)
SEED = 11


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    subjects_dir = tmp_path_factory.mktemp("subjects")
    write_subject(subjects_dir)
    return build_simulation_head(SPEC, subjects_dir)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, head):
    return write_cohort(SPEC, tmp_path_factory.mktemp("simulated") / "cohort", seed=SEED, head=head)


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_head_is_not_the_one_of_the_analysis(head):
    arrays = template_arrays()
    mri_to_head = np.linalg.inv(arrays["head_to_mri"])
    for side in ("lh_white", "rh_white"):
        analysed = 1e-3 * arrays[side][:2562] @ mri_to_head[:3, :3].T + mri_to_head[:3, 3]
        nearest = np.linalg.norm(head.source_positions_m[:, None] - analysed, axis=2).min(axis=1)
        assert nearest.min() > 1e-5
    assert len(head.regions) == 68
    assert head.gain.shape == (3, 20, len(head.source_positions_m))


def test_every_cap_sits_a_little_differently(head):
    planned = head.gain[0]
    first, second = (head.person_gain(np.random.default_rng(number), jitter_m=0.003) for number in (1, 2))
    assert 0.01 < np.linalg.norm(first - planned) / np.linalg.norm(planned) < 0.2
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(head.person_gain(np.random.default_rng(1), jitter_m=0.0), planned)


def test_patches_lie_inside_their_region(head):
    marked = np.broadcast_to(head.region_of_source.astype(float), head.gain[0].shape)
    patches = head.region_gain(np.random.default_rng(1), marked, patch_radius_m=0.02)
    np.testing.assert_allclose(patches, np.broadcast_to(np.arange(68.0), patches.shape))


def test_recordings_are_read_back_from_the_dataset(dataset, head):
    for participant, group in roster(SPEC, seed=SEED):
        path = mne_bids.BIDSPath(subject=participant, task="pain", datatype="eeg", root=dataset)
        raw = mne_bids.read_raw_bids(path, verbose="error")
        made = simulate_person(SPEC, participant, group, seed=SEED, head=head)
        np.testing.assert_allclose(raw.get_data(), made.get_data(), atol=1e-10)
        descriptions = list(raw.annotations.description)
        assert descriptions.count("pinprick") == 6
        assert descriptions.count("rest") == 1
        assert raw.annotations.duration[descriptions.index("rest")] == 10.0
        np.testing.assert_allclose(raw.annotations.onset, made.annotations.onset, atol=1e-6)
        assert raw.info["line_freq"] == 50.0
        sidecar = json.loads(path.copy().update(suffix="eeg", extension=".json").fpath.read_text())
        assert sidecar["EEGReference"] == "FCz"


def test_tables_say_who_is_who(dataset):
    lines = [line.split("\t") for line in (dataset / "participants.tsv").read_text().splitlines()]
    assert lines[0] == ["participant_id", "age", "sex", "group", "pain_now"]
    assert [(row[0], row[3]) for row in lines[1:]] == [
        (f"sub-{label}", group) for label, group in roster(SPEC, seed=SEED)
    ]
    columns = json.loads((dataset / "participants.json").read_text())
    assert set(columns) == set(lines[0][1:])
    assert json.loads((dataset / "dataset_description.json").read_text())["DatasetType"] == "raw"


def test_the_truth_lies_beside_the_dataset_and_not_in_it(dataset):
    truth = json.loads(truth_path(dataset).read_text())
    assert truth_path(dataset).parent == dataset.parent
    assert truth["seed"] == SEED
    assert truth["cohort"]["couplings"][0]["rhythm"] == "alpha"
    for person in truth["people"]:
        drawn = draw_person(SPEC, person["participant"], person["group"], seed=SEED)
        assert person["coupling"] == drawn.coupling
    assert not [path for path in dataset.rglob("*") if "truth" in path.name]
    for path in dataset.rglob("*"):
        if path.suffix in {".json", ".tsv", ".vhdr", ".vmrk"} or path.name == "README":
            assert "coupling" not in path.read_text(encoding="utf-8")


def test_the_same_seed_writes_the_same_bytes(dataset, head, tmp_path):
    again = write_cohort(SPEC, tmp_path / "cohort", seed=SEED, head=head)
    assert digests(again) == digests(dataset)
    assert truth_path(again).read_bytes() == truth_path(dataset).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cohort", "cohort-truth.json"]


def test_an_existing_folder_is_not_touched(dataset, head):
    before = digests(dataset)
    with pytest.raises(InputError):
        write_cohort(SPEC, dataset, seed=SEED, head=head)
    assert digests(dataset) == before
