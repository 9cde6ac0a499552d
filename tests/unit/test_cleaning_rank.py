from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.typing import NDArray

from painconn.cleaning.rank import numerical_rank, session_rank
from painconn.simulation.signals import powerlaw_noise

NAMES = [f"E{number}" for number in range(1, 31)]
Array = NDArray[np.float64]


@pytest.fixture
def data(rng: np.random.Generator) -> Array:
    """30 channels of unequal strength with drifts a thousand times larger than the rest, in V."""
    mixing = rng.standard_normal((30, 30)) * np.geomspace(1.0, 0.05, 30)
    signals = 5e-6 * mixing @ powerlaw_noise(rng, 30, 6000, sfreq_hz=200.0, exponent=1.3)
    return signals + 5e-3 * np.outer(rng.standard_normal(30), np.linspace(-1, 1, 6000))


def recorded(data: Array) -> mne.io.RawArray:
    return mne.io.RawArray(data, mne.create_info(NAMES, 200.0, "eeg"), verbose="ERROR")


def test_average_reference_taken_by_hand_costs_the_dimension_that_the_header_keeps(data: Array) -> None:
    raw = recorded(data - data.mean(axis=0))
    assert mne.compute_rank(raw, rank="info", verbose="ERROR") == {"eeg": 30}
    rank = session_rank({"rest": raw}, good_channels=NAMES)
    assert (rank.tracked, rank.data, rank.referenced) == (29, {"rest": 29}, {"rest": 29})
    assert rank.before_ica == 29


def test_reference_is_counted_once_and_lost_directions_on_top(data: Array) -> None:
    assert session_rank({"rest": recorded(data)}, good_channels=NAMES).before_ica == 29
    repeated = data.copy()
    repeated[7] = data[[3, 4]].mean(axis=0)
    rank = session_rank({"rest": recorded(data), "task": recorded(repeated)}, good_channels=NAMES)
    assert (rank.data, rank.before_ica) == ({"rest": 30, "task": 29}, 28)
    assert session_rank({"task": recorded(repeated)}, good_channels=NAMES[:7] + NAMES[8:]).before_ica == 28


def test_rounding_to_the_steps_of_a_file_does_not_bring_a_dimension_back(data: Array) -> None:
    step_v = 1e-9
    referenced = np.round((data - data.mean(axis=0)) / step_v) * step_v
    assert numerical_rank(referenced, average_reference=False) == 29


def test_scale_and_order_do_not_matter(data: Array, rng: np.random.Generator) -> None:
    lost = data - data.mean(axis=0)
    for changed in (1e6 * lost, lost[rng.permutation(30)], lost[:, ::-1], lost + 1e-2):
        assert numerical_rank(changed, average_reference=False) == 29
    assert numerical_rank(np.zeros((4, 100)), average_reference=True) == 0


@pytest.mark.realdata
@pytest.mark.parametrize(("number", "rank"), [(2, 18), (13, 17), (18, 17), (28, 17), (35, 17)])
def test_real_recordings_cleaned_earlier_lack_a_dimension(real_data: Path, number: int, rank: int) -> None:
    path = real_data / "eegmat-rest-arithmetic" / f"Subject{number:02d}_1.edf"
    raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR").drop_channels(["EEG A2-A1", "ECG ECG"])
    assert len(raw.ch_names) == 19
    assert session_rank({"rest": raw}, good_channels=raw.ch_names).before_ica == rank
