import subprocess
import sys
from typing import get_args

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from painconn.config.cortex import CortexConfig
from painconn.config.montages import Cap
from painconn.cortex.caps import cap_positions, template_positions
from painconn.cortex.montage import montage_key, place_electrodes
from painconn.cortex.scalp import onto_surface, surface_distance
from painconn.cortex.template import template_arrays
from painconn.errors import RecordingFault

CAPS = get_args(Cap)
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


def test_caps_are_those_of_mne_without_the_template_ideal_spheres_and_optodes():
    others = {
        name for name in mne.channels.get_builtin_montages() if name.startswith(("fsaverage", "spherical", "artinis"))
    }
    assert set(CAPS) == set(mne.channels.get_builtin_montages()) - others


@pytest.mark.slow
@pytest.mark.parametrize("cap", CAPS)
def test_electrodes_of_every_cap_lie_near_the_scalp(cap):
    names = mne.channels.make_standard_montage(cap).ch_names[::3]
    positions = {name: cap_positions(cap).find(name) for name in names}
    arrays = template_arrays()
    transform = arrays["head_to_mri"]
    on_mri = (np.array(list(positions.values())) @ transform[:3, :3].T + transform[:3, 3]) * 1e3
    distances_mm = surface_distance(on_mri, arrays["outer_skin"], arrays["shell_triangles"])
    assert distances_mm.max() < 10 < CortexConfig().max_electrode_distance_mm


@pytest.mark.parametrize("cap", [cap for cap in CAPS if cap != "colin27_prefixed"])
def test_homologous_electrodes_are_mirror_images_as_well_as_the_template_is(cap):
    def asymmetry_mm(positions):
        places = np.unique(np.array(list(positions.values())), axis=0)
        return np.linalg.norm(places[:, np.newaxis] - places * (-1, 1, 1), axis=2).min(axis=0).max() * 1e3

    assert asymmetry_mm(cap_positions(cap).places_m) < max(5, asymmetry_mm(template_positions()))


@pytest.mark.parametrize("cap", ["biosemi16", "biosemi32", "biosemi64", "easycap-M1", "brainproducts-RNP-BA-128"])
def test_electrodes_with_ten_five_names_lie_where_the_template_has_them(cap):
    names = [name for name in mne.channels.make_standard_montage(cap).ch_names if name.lower() in template_positions()]
    own, template = place_electrodes(names, cap), place_electrodes(names)
    distances_mm = np.array([np.linalg.norm(own[name] - template[name]) * 1e3 for name in names])
    assert len(names) >= 16
    assert np.median(distances_mm) < 2
    assert distances_mm.max() < 7


def test_the_numbered_cap_of_a_maker_agrees_with_the_named_ones():
    """Electrodes of the 128-channel BioSemi layout that stand at (A1, A23, C17) or next to a 10-20 place."""
    near = {"A1": "Cz", "A23": "Oz", "C17": "Fpz", "C21": "Fz", "A19": "Pz", "D19": "C3", "B22": "C4"}
    own, template = place_electrodes(near, "biosemi128"), place_electrodes(near.values())
    distances_mm = {name: np.linalg.norm(own[name] - template[other]) * 1e3 for name, other in near.items()}
    assert max(distances_mm[name] for name in ("A1", "A23", "C17")) < 3
    assert max(distances_mm.values()) < 8, distances_mm


def test_a_net_is_the_right_way_round_and_its_electrodes_near_their_ten_twenty_places():
    near = {
        "E24": "F3",
        "E124": "F4",
        "E36": "C3",
        "E104": "C4",
        "E62": "Pz",
        "E75": "Oz",
        "E22": "Fp1",
        "E9": "Fp2",
        "E70": "O1",
    }
    net, template = place_electrodes(near, "GSN-HydroCel-128"), place_electrodes(near.values())
    assert all(np.linalg.norm(net[own] - template[name]) < 10e-3 for own, name in near.items())


def test_every_spelling_of_a_numbered_electrode_is_one_electrode():
    spellings = ["E1", "e01", "E001", "EEG 001", "EEG1", "1", "Ch1", " E1 "]
    places = [place_electrodes([name], "GSN-HydroCel-128")[name] for name in spellings]
    assert (np.ptp(places, axis=0) == 0).all()
    with pytest.raises(RecordingFault, match="E1 = 1"):
        place_electrodes(["E1", "1"], "GSN-HydroCel-128")
    with pytest.raises(RecordingFault, match="no electrode of biosemi160 called 1"):
        place_electrodes(["1", "E1"], "biosemi160")


@pytest.mark.parametrize(
    ("net", "number"),
    [("GSN-HydroCel-32", 33), ("GSN-HydroCel-64_1.0", 65), ("GSN-HydroCel-128", 129), ("GSN-HydroCel-257", 257)],
)
def test_the_reference_of_a_net_is_there_under_every_name(net, number):
    vertex = place_electrodes(["Cz"])["Cz"]
    for name in ("Cz", "VREF", "Vertex Reference", f"E{number}", str(number)):
        assert np.linalg.norm(place_electrodes([name], net)[name] - vertex) < 15e-3


def test_unknown_electrodes_of_a_cap_are_named_with_the_cap():
    with pytest.raises(RecordingFault, match=r"no electrode of GSN-HydroCel-128 called E130, Fp1 .*e1, e2, e3"):
        place_electrodes(["E1", "E130", "Fp1"], "GSN-HydroCel-128")


def test_former_names_mean_their_successors_on_a_named_cap():
    former, present = place_electrodes(["T3", "T6"], "easycap-M1"), place_electrodes(["T7", "P8"], "easycap-M1")
    np.testing.assert_array_equal(list(former.values()), list(present.values()))


def test_points_move_along_their_ray_to_the_outermost_crossing(rng):
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    from scipy.spatial import ConvexHull

    triangles = ConvexHull(corners).simplices
    both = np.concatenate([triangles, triangles + len(corners)])
    centre = np.array([0.1, -0.2, 0.05])
    points = centre + rng.normal(size=(50, 3)) * 3
    moved = onto_surface(points, centre, np.concatenate([corners, 2 * corners]), both)
    np.testing.assert_allclose(np.abs(moved).max(axis=1), 2)
    np.testing.assert_allclose(np.cross(moved - centre, points - centre), 0, atol=1e-9)
    assert (np.einsum("ij,ij->i", moved - centre, points - centre) > 0).all()
    with pytest.raises(ValueError, match="does not meet"):
        onto_surface(np.array([[0.0, 0.0, 5.0]]), np.zeros(3), corners, triangles[:1])
