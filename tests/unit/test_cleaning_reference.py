import mne
import numpy as np
import pytest
from numpy.typing import NDArray

from painconn.cleaning.reference import ReferenceMethod, add_recording_reference, apply_reference
from painconn.errors import RecordingFault

RATE_HZ = 200.0
N_TIMES = 1000
CAP = mne.channels.make_standard_montage("biosemi128")
NAMES = CAP.ch_names
Array = NDArray[np.float64]


def info_of(names: list[str]) -> mne.Info:
    return mne.create_info(names, RATE_HZ, "eeg").set_montage(CAP)


def recorded(data: Array, names: list[str] = NAMES) -> mne.io.RawArray:
    return mne.io.RawArray(data.copy(), info_of(names), verbose="ERROR")


def forward_of(shells: tuple[float, ...], n_sources: int, seed: int) -> mne.Forward:
    """Dipoles all over a spherical head."""
    rng = np.random.default_rng(seed)
    sphere = mne.make_sphere_model((0.0, 0.0, 0.04), 0.095, info_of(NAMES), relative_radii=shells, verbose="ERROR")
    directions = rng.standard_normal((n_sources, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = {"rr": directions * 0.075 + [0.0, 0.0, 0.04], "nn": directions}
    sources = mne.setup_volume_source_space(pos=places, sphere=sphere, verbose="ERROR")
    return mne.make_forward_solution(info_of(NAMES), None, sources, sphere, meg=False, verbose="ERROR")


@pytest.fixture(scope="module")
def infinity() -> Array:
    """Potentials against infinity of 20 dipoles, in V."""
    gain = forward_of((0.88, 0.91, 0.97, 1.0), 20, seed=3)["sol"]["data"]
    rng = np.random.default_rng(4)
    currents = 3e-8 * np.repeat(rng.standard_normal((20, 1)), 3, axis=1).reshape(60, 1)
    data = gain @ (currents * np.cumsum(rng.standard_normal((60, N_TIMES)), axis=1) * 0.1)
    return data + 1e-3 * data.std() * rng.standard_normal(data.shape)


@pytest.fixture(scope="module")
def forward() -> mne.Forward:
    return forward_of((0.90, 0.92, 0.97, 1.0), 300, seed=5)


def mean_channel_error(data: Array, truth: Array) -> float:
    return float(np.linalg.norm(data - truth) / np.linalg.norm(truth))


def test_average_is_that_of_mne_over_the_good_channels(infinity: Array) -> None:
    raw = recorded(infinity - infinity[0])
    raw.info["bads"] = [NAMES[3], NAMES[7]]
    result = apply_reference(raw, method="average")
    expected = raw.copy().set_eeg_reference("average", projection=False, verbose="ERROR")
    assert np.array_equal(result.raw.get_data(), expected.get_data())
    assert result.channels == tuple(name for name in NAMES if name not in raw.info["bads"])
    assert (result.rank, result.was_average) == (len(NAMES) - 3, False)
    assert np.array_equal(raw.get_data(), infinity - infinity[0])


def test_average_taken_before_is_noticed_and_costs_nothing_more(infinity: Array) -> None:
    once = apply_reference(recorded(infinity), method="average")
    again = apply_reference(once.raw, method="average")
    assert again.was_average
    assert again.rank == once.rank == len(NAMES) - 1
    np.testing.assert_allclose(again.raw.get_data(), once.raw.get_data(), atol=1e-18)


def test_projector_that_waits_is_not_applied_on_top(infinity: Array) -> None:
    raw = recorded(infinity - infinity[0]).set_eeg_reference("average", projection=True, verbose="ERROR")
    result = apply_reference(raw, method="mastoids", mastoids=NAMES[:1])
    assert result.raw.info["projs"] == []
    np.testing.assert_allclose(result.raw.get_data(), infinity - infinity[0], atol=1e-15)


def test_rest_is_that_of_mne_whatever_the_reference_was(infinity: Array, forward: mne.Forward) -> None:
    results = [
        apply_reference(recorded(data), method="rest", forward=forward)
        for data in (infinity - infinity[0], infinity - infinity.mean(axis=0))
    ]
    expected = recorded(infinity).set_eeg_reference("REST", forward=forward, verbose="ERROR").get_data()
    for result in results:
        np.testing.assert_allclose(result.raw.get_data(), expected, atol=1e-9 * np.abs(expected).max())
        assert result.rank == len(NAMES) - 1
    assert [result.was_average for result in results] == [False, True]


def test_rest_is_nearer_to_infinity_than_the_average_with_another_head(infinity: Array, forward: mne.Forward) -> None:
    raw = recorded(infinity - infinity[0])
    errors = [
        mean_channel_error(apply_reference(raw, method=method, forward=forward).raw.get_data(), infinity)
        for method in ("rest", "average")
    ]
    assert errors[0] < 0.5 * errors[1]


def test_mastoids_are_zero_on_average(infinity: Array) -> None:
    pair = [NAMES[10], NAMES[60]]
    result = apply_reference(recorded(infinity), method="mastoids", mastoids=pair)
    expected = infinity - infinity[[10, 60]].mean(axis=0)
    np.testing.assert_allclose(result.raw.get_data(), expected, atol=1e-15)
    assert result.channels == tuple(pair)
    assert result.rank == len(NAMES) - 1


def test_current_source_density_is_that_of_mne_and_blind_to_the_reference(infinity: Array) -> None:
    first, second = (
        apply_reference(recorded(data), method="csd") for data in (infinity - infinity[0], infinity - infinity[9])
    )
    expected = mne.preprocessing.compute_current_source_density(recorded(infinity), verbose="ERROR").get_data()
    size = np.abs(expected).max()
    np.testing.assert_allclose(first.raw.get_data(), expected, atol=1e-6 * size)
    np.testing.assert_allclose(second.raw.get_data(), expected, atol=1e-6 * size)
    assert first.rank < len(NAMES)
    assert set(first.raw.get_channel_types()) == {"csd"}


def test_recording_reference_gives_the_dimension_back(infinity: Array) -> None:
    """Against the electrode that was the reference, n channels hold n dimensions; so do n + 1 in the average."""
    names = [name for name in NAMES if name != "A1"]
    raw = recorded((infinity - infinity[NAMES.index("A1")])[[NAMES.index(name) for name in names]], names)
    place = CAP.get_positions()["ch_pos"]["A1"]
    complete = add_recording_reference(raw, "A1", position_m=place)
    assert complete.ch_names == [*names, "A1"]
    assert not complete.get_data(picks=["A1"]).any()
    np.testing.assert_allclose(complete.info["chs"][-1]["loc"][:3], place)
    result = apply_reference(complete, method="average")
    assert result.rank == len(names)
    expected = infinity - infinity.mean(axis=0)
    np.testing.assert_allclose(result.raw.get_data(picks=NAMES), expected, atol=1e-15)
    assert apply_reference(raw, method="average").rank == len(names) - 1


def test_silent_channel_of_the_recording_reference_counts_as_good(infinity: Array) -> None:
    raw = recorded(infinity - infinity[5])
    raw.info["bads"] = [NAMES[5], NAMES[8]]
    complete = add_recording_reference(raw, NAMES[5], position_m=None)
    assert complete.info["bads"] == [NAMES[8]]
    assert raw.info["bads"] == [NAMES[5], NAMES[8]]
    assert apply_reference(complete, method="average").rank == len(NAMES) - 2


@pytest.mark.parametrize("averaged", [True, False])
def test_recording_reference_is_refused_after_another_reference(infinity: Array, averaged: bool) -> None:
    data = infinity - infinity.mean(axis=0) if averaged else infinity - infinity[0]
    with pytest.raises(RecordingFault) as caught:
        add_recording_reference(recorded(data), NAMES[5], position_m=None)
    assert caught.value.check == "reference"


def test_earlier_loss_of_a_dimension_stays_in_the_rank(infinity: Array) -> None:
    data = infinity.copy()
    data[4] = data[5]
    assert apply_reference(recorded(data), method="average").rank == len(NAMES) - 2


@pytest.mark.parametrize(
    ("method", "change", "named"),
    [
        ("mastoids", {"mastoids": ["M1", "A1"]}, "M1"),
        ("mastoids", {"mastoids": ["A3"]}, "A3"),
        ("mastoids", {}, "none named"),
        ("rest", {}, "A1"),
        ("csd", {}, "A3"),
    ],
)
def test_what_cannot_be_the_reference_is_named(
    infinity: Array, method: ReferenceMethod, change: dict[str, list[str]], named: str
) -> None:
    raw = recorded(infinity)
    raw.info["bads"] = ["A3"]
    with pytest.raises(RecordingFault, match=named) as caught:
        apply_reference(raw, method=method, **change)
    assert caught.value.check == "reference"


def test_forward_without_a_channel_is_refused(infinity: Array, forward: mne.Forward) -> None:
    fewer = mne.pick_channels_forward(forward, NAMES[1:], ordered=True, verbose="ERROR")
    with pytest.raises(RecordingFault, match=r"no forward solution for A1 "):
        apply_reference(recorded(infinity), method="rest", forward=fewer)


def test_nothing_follows_current_source_density(infinity: Array) -> None:
    density = apply_reference(recorded(infinity), method="csd").raw
    with pytest.raises(RecordingFault, match="current source density"):
        apply_reference(density, method="average")


def test_current_source_density_needs_places(infinity: Array) -> None:
    raw = mne.io.RawArray(infinity, mne.create_info(NAMES, RATE_HZ, "eeg"), verbose="ERROR")
    with pytest.raises(RecordingFault, match="no position for A1"):
        apply_reference(raw, method="csd")
