import subprocess
import sys

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from painconn.cortex.montage import montage_key, place_electrodes
from painconn.cortex.scalp import surface_distance
from painconn.cortex.template import template_arrays
from painconn.errors import RecordingFault

NAMES = ["Fp1", "Fz", "T7", "T8", "P7", "P8", "Oz"]


def test_names_match_without_regard_to_case_and_keep_their_own_spelling():
    usual, odd = place_electrodes(NAMES), place_electrodes([name.upper() for name in NAMES])
    assert list(odd) == [name.upper() for name in NAMES]
    for name in NAMES:
        np.testing.assert_array_equal(usual[name], odd[name.upper()])


def test_former_names_mean_their_successors():
    former, present = place_electrodes(["T3", "T4", "t5", "T6"]), place_electrodes(["T7", "T8", "P7", "P8"])
    np.testing.assert_array_equal(list(former.values()), list(present.values()))


def test_every_unknown_name_is_reported_at_once():
    with pytest.raises(RecordingFault, match="EOG, E17, M1") as caught:
        place_electrodes(["Cz", "EOG", "E17", "M1"])
    assert caught.value.check == "electrodes"


def test_one_electrode_under_two_names_is_refused():
    with pytest.raises(RecordingFault, match="T3 = T7"):
        place_electrodes(["T3", "T7", "Cz"])


def test_only_eeg_channels_of_an_info_are_placed():
    info = mne.create_info(["Cz", "EOG1", "Pz"], 100.0, ["eeg", "eog", "eeg"], verbose="error")
    info["bads"] = ["Pz"]
    assert list(place_electrodes(info)) == ["Cz", "Pz"]


def test_digitised_positions_come_back_and_missing_ones_are_named():
    info = mne.create_info(["Cz", "Pz"], 100.0, "eeg", verbose="error")
    with pytest.raises(RecordingFault, match="Cz, Pz"):
        place_electrodes(info, "digitised")
    places = {"Cz": np.array([0.0, 0.01, 0.1]), "Pz": np.array([0.0, -0.05, 0.09])}
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    found = place_electrodes(info, "digitised")
    assert all(np.allclose(found[name], places[name]) for name in places)


def test_template_positions_lie_on_this_head_with_sides_and_axes_right():
    positions = place_electrodes(mne.channels.make_standard_montage("fsaverage_1005").ch_names)
    arrays = template_arrays()
    transform = arrays["head_to_mri"]
    on_mri = (np.array(list(positions.values())) @ transform[:3, :3].T + transform[:3, 3]) * 1e3
    assert surface_distance(on_mri, arrays["outer_skin"], arrays["shell_triangles"]).max() < 10
    assert positions["C3"][0] < -0.04 < 0.04 < positions["C4"][0]
    assert positions["Oz"][1] < 0 < positions["Fpz"][1]
    assert max(positions, key=lambda name: positions[name][2]) in {
        "Cz",
        "CCPz",
        "CPz",
        "FCCz",
        "FCz",
        "C1",
        "C2",
        "C1h",
        "C2h",
    }


def test_surface_distance_equals_the_minimum_over_a_dense_sampling(rng):
    vertices, triangles = rng.normal(size=(12, 3)), rng.integers(0, 12, size=(8, 3))
    triangles = triangles[[len(set(row)) == 3 for row in triangles.tolist()]]
    points = rng.normal(size=(20, 3)) * 2
    steps = np.linspace(0, 1, 80)
    grid = np.array([(1 - a, a * (1 - b), a * b) for a in steps for b in steps])
    sampled = np.einsum("gk,tkd->tgd", grid, vertices[triangles]).reshape(-1, 3)
    brute = np.linalg.norm(points[:, np.newaxis] - sampled, axis=2).min(axis=1)
    exact = surface_distance(points, vertices, triangles)
    assert (exact <= brute + 1e-12).all()
    np.testing.assert_allclose(exact, brute, atol=0.02)


@given(st.permutations(NAMES))
def test_key_depends_on_the_order(order):
    positions = place_electrodes(NAMES)
    assert (montage_key(order, positions) == montage_key(NAMES, positions)) == (list(order) == NAMES)


def test_key_depends_on_names_and_on_positions_from_a_tenth_of_a_millimetre():
    positions = {name: np.round(place, 4) for name, place in place_electrodes(NAMES).items()}
    key = montage_key(NAMES, positions)
    assert len(key) == 12
    assert key == montage_key(NAMES, {name: place + 4e-5 for name, place in positions.items()})
    assert key != montage_key(NAMES, positions | {"Fz": positions["Fz"] + [2e-4, 0, 0]})
    renamed = ["Fp2" if name == "Fp1" else name for name in NAMES]
    assert key != montage_key(renamed, positions | {"Fp2": positions["Fp1"]})


def test_the_key_is_made_without_mne():
    program = (
        "import sys, painconn.cortex.montage as m; m.montage_key(['a'], {'a': (0, 0, 0)}); print('mne' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
