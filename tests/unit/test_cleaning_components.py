from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.typing import NDArray

from painconn.cleaning.component_methods import ComponentMethod, largest_correlation
from painconn.cleaning.component_repetition import matched, typical_run
from painconn.cleaning.components import Component, Decomposition, decompose, remove_components
from painconn.cleaning.rank import numerical_rank
from painconn.errors import InputError
from painconn.simulation.artefacts import blinks, heart
from painconn.simulation.signals import powerlaw_noise, slow_modulation

pytestmark = pytest.mark.slow

RATE_HZ = 200.0
N_TIMES = int(30 * RATE_HZ)
NAMES = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz"),
    *("C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"),
]
RANK = len(NAMES) - 1
Array = NDArray[np.float64]


def places() -> Array:
    positions = mne.channels.make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    return np.array([positions[name] for name in NAMES])


def artefacts(rng: np.random.Generator) -> dict[str, Array]:
    settings = {"sfreq_hz": RATE_HZ}
    return {
        "eye": blinks(rng, places(), N_TIMES, per_minute=16.0, size_uv=150.0, **settings),
        "heart": heart(rng, places(), N_TIMES, per_minute=66.0, size_uv=50.0, **settings),
    }


def recorded(*, kinds: tuple[str, ...] = ("eye", "heart"), beside: bool = True) -> mne.io.RawArray:
    """Smooth brain sources, the artefacts named, and (beside) noisy EOG and ECG channels; 1-90 Hz."""
    rng = np.random.default_rng(7)
    place = places()
    centres = place[rng.integers(len(place), size=30)] + rng.normal(0, 0.02, (30, 3))
    maps = np.exp(-(np.linalg.norm(place[:, None] - centres, axis=2) ** 2) / (2 * 0.045**2)) * rng.choice([-1, 1], 30)
    activity = powerlaw_noise(rng, 30, N_TIMES, sfreq_hz=RATE_HZ, exponent=1.3)
    activity *= slow_modulation(rng, 30, N_TIMES, sfreq_hz=RATE_HZ, depth=0.7, rate_hz=0.5)
    data_uv = 5.0 * maps @ activity + 0.5 * rng.standard_normal((len(NAMES), N_TIMES))
    found = artefacts(np.random.default_rng(8))
    data_uv += sum(found[kind] for kind in kinds)
    strongest = found["heart"][np.abs(found["heart"]).sum(axis=1).argmax()]
    extra = [
        2.0 * found["eye"][0] + 10.0 * rng.standard_normal(N_TIMES),
        20.0 * strongest + 50.0 * rng.standard_normal(N_TIMES),
    ]
    info = mne.create_info([*NAMES, "VEOG", "ECG"], RATE_HZ, ["eeg"] * len(NAMES) + ["eog", "ecg"])
    raw = mne.io.RawArray(1e-6 * np.vstack([data_uv, extra]), info, verbose="ERROR").set_montage("colin27_1005")
    raw.filter(1.0, 90.0, picks="all", verbose="ERROR").set_eeg_reference("average", projection=False, verbose="ERROR")
    return raw if beside else raw.pick("eeg", verbose="ERROR")


@pytest.fixture(scope="module")
def recording() -> mne.io.RawArray:
    return recorded()


@pytest.fixture(scope="module")
def decomposition(recording: mne.io.RawArray) -> Decomposition:
    return decompose(recording, rank=RANK, threshold=0.8, seed=3, method="fastica")


def follows(component: Component, artefact: Array) -> float:
    """Correlation of a component's map with an artefact's, both against the average."""
    weights = np.linalg.svd(artefact - artefact.mean(axis=0), full_matrices=False)[0][:, 0]
    return float(abs(np.corrcoef(component.weights, weights)[0, 1]))


@pytest.mark.parametrize("method", ["picard", "infomax", "fastica"])
def test_every_method_finds_eye_and_heart_at_the_rank(recording: mne.io.RawArray, method: ComponentMethod) -> None:
    result = decompose(recording, rank=RANK, threshold=0.8, seed=3, method=method)
    assert len(result.components) == RANK
    truth = artefacts(np.random.default_rng(8))
    for kind in ("eye", "heart"):
        assert max(follows(result.components[index], truth[kind]) for index in result.removed) > 0.95
    assert len(result.removed) <= 4
    cleaned = remove_components(recording, result)
    assert numerical_rank(cleaned.get_data(picks="eeg"), average_reference=False, tolerance=1e-6) == RANK - len(
        result.removed
    )


def test_a_reason_with_its_number_stands_beside_every_removal(decomposition: Decomposition) -> None:
    for component in decomposition.components:
        expected = []
        if (
            component.label in {"eye blink", "muscle artifact", "heart beat", "line noise"}
            and component.probability >= 0.8
        ):
            expected.append(f"{component.label} {component.probability:.2f}")
        if component.eog_correlation is not None and component.eog_correlation >= 0.7:
            expected.append(f"EOG {component.eog_correlation:.2f}")
        if component.ecg_correlation is not None and component.ecg_correlation >= 0.7:
            expected.append(f"ECG {component.ecg_correlation:.2f}")
        assert list(component.reasons) == expected
        assert component.removed == bool(expected)
        assert (component.runs_removed, component.similarity) == (int(component.removed), None)


def test_eye_and_heart_channels_find_what_iclabel_may_not_remove(recording: mne.io.RawArray) -> None:
    result = decompose(recording, rank=RANK, threshold={}, seed=3, method="fastica")
    reasons = [reason.split()[0] for component in result.components for reason in component.reasons]
    assert sorted(reasons) == ["ECG", "EOG"]


def test_no_channel_no_correlation(recording: mne.io.RawArray, decomposition: Decomposition) -> None:
    marked = recording.copy()
    marked.info["bads"] = ["VEOG"]
    silent = recording.copy().apply_function(lambda samples: 0 * samples, picks=["ECG"])
    assert largest_correlation(marked, decomposition.ica, "eog") is None
    assert largest_correlation(silent, decomposition.ica, "ecg") is None
    alone = decompose(recorded(beside=False), rank=RANK, threshold=0.8, seed=3, method="fastica")
    assert {component.eog_correlation for component in alone.components} == {None}
    assert [c.probability for c in alone.components] == [c.probability for c in decomposition.components]


def test_without_artefacts_hardly_anything_goes() -> None:
    assert len(decompose(recorded(kinds=()), rank=RANK, threshold=0.8, seed=3, method="fastica").removed) <= 1


def test_each_class_has_its_own_threshold(recording: mne.io.RawArray, decomposition: Decomposition) -> None:
    blink = max(decomposition.components, key=lambda c: c.probability if c.label == "eye blink" else 0.0)
    closed = {"eog_threshold": 1.01, "ecg_threshold": 1.01}
    for limit, gone in ((blink.probability - 0.01, True), (blink.probability + 0.01, False)):
        result = decompose(recording, rank=RANK, threshold={"eye blink": limit}, seed=3, method="fastica", **closed)
        assert result.components[blink.index].removed == gone
        assert {result.components[index].label for index in result.removed} <= {"eye blink"}


@pytest.mark.parametrize("label", ["other", "brain", "eye blinks"])
def test_classes_that_may_hold_brain_signal_are_refused(recording: mne.io.RawArray, label: str) -> None:
    with pytest.raises(InputError, match=label):
        decompose(recording, rank=RANK, threshold={label: 0.8, "eye blink": 0.8}, seed=3)


def test_repetition_keeps_the_most_typical_run_and_the_spread(recording: mne.io.RawArray) -> None:
    result = decompose(recording, rank=RANK, threshold=0.8, seed=3, method="fastica", n_repetitions=3)
    assert len(result.removed_by_run) == len(result.similarity_by_run) == 3
    assert result.run == int(np.argmax(result.similarity_by_run))
    assert result.removed_by_run[result.run] == len(result.removed)
    for component in result.components:
        assert component.similarity is not None
        assert 0.3 < component.similarity <= 1.0 + 1e-9
        assert int(component.removed) <= component.runs_removed <= 3
    eye = next(c for c in result.components if any(reason.startswith("EOG") for reason in c.reasons))
    assert eye.runs_removed == 3
    assert eye.similarity > 0.99
    single = decompose(recording, rank=RANK, threshold=0.8, seed=3 + result.run, method="fastica")
    assert [c.probability for c in single.components] == [c.probability for c in result.components]


def test_same_seed_gives_the_same_components(recording: mne.io.RawArray, decomposition: Decomposition) -> None:
    again = decompose(recording, rank=RANK, threshold=0.8, seed=3, method="fastica")
    assert np.array_equal(again.ica.get_components(), decomposition.ica.get_components())
    first, second = ([vars(c) | {"weights": None} for c in result.components] for result in (decomposition, again))
    assert first == second


def test_partners_are_found_whatever_order_sign_and_size(rng: np.random.Generator) -> None:
    maps = rng.standard_normal((20, 8))
    order = rng.permutation(8)
    others = maps[:, order] * rng.choice([-3.0, 0.5], 8)
    partners, similarity = matched(maps, others)
    assert np.array_equal(order[partners], np.arange(8))
    np.testing.assert_allclose(similarity, 1.0)


def test_typical_run_is_the_one_between_the_others(rng: np.random.Generator) -> None:
    middle = rng.standard_normal((30, 6))
    runs = [middle + 0.5 * rng.standard_normal((30, 6)) for _ in range(4)]
    chosen, similarity = typical_run([*runs[:2], middle[:, ::-1], *runs[2:]])
    assert chosen == 2
    assert max(similarity[:2] + similarity[3:]) < similarity[2]


@pytest.mark.realdata
def test_heart_is_found_by_its_channel_in_real_recordings(real_data: Path) -> None:
    """Subject 5's heart is one clear component, to which ICLabel gives a probability below 0.2."""
    path = real_data / "eegmat-rest-arithmetic" / "Subject05_1.edf"
    raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR").drop_channels(["EEG A2-A1"])
    raw.set_channel_types({"ECG ECG": "ecg"}, verbose="ERROR")
    renamed = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    raw.rename_channels(lambda name: renamed.get(name.removeprefix("EEG "), name.removeprefix("EEG ")))
    raw.set_montage("colin27_1005").filter(1.0, 45.0, verbose="ERROR").set_eeg_reference("average", verbose="ERROR")
    result = decompose(raw, rank=18, threshold=0.8, seed=1, method="fastica")
    hearts = [component for component in result.components if any("ECG" in reason for reason in component.reasons)]
    assert len(hearts) == 1
    assert hearts[0].ecg_correlation > 0.9
    assert hearts[0].label != "heart beat"
