"""The same signal under two names is found; different people are not confused."""

from pathlib import Path

import numpy as np
import pytest

from painconn.config.data import Source
from painconn.recordings.fingerprint import fingerprint
from painconn.recordings.readers import read_recording

SFREQ = 250.0


def eeg(rng: np.random.Generator, n_times: int = 15000) -> np.ndarray:
    return 2e-5 * np.cumsum(rng.standard_normal((8, n_times)), axis=1) / 10


def test_copies_are_found(rng: np.random.Generator) -> None:
    data = eeg(rng)
    original = fingerprint(data, SFREQ)
    step = np.ptp(data) / 2**16
    copies = {
        "rounded": np.round(data / step) * step,
        "rescaled": 1e6 * data,
        "single": data.astype(np.float32),
        "re-referenced": data - data[3],
        "re-ordered": data[::-1],
        "longer": np.hstack([data, eeg(rng, 5000)]),
    }
    for name, copy in copies.items():
        assert original @ fingerprint(copy, SFREQ) > 0.9999, name
    assert original.shape == (256,)
    assert np.linalg.norm(original) == pytest.approx(1)


def test_others_are_not(rng: np.random.Generator) -> None:
    signatures = np.array([fingerprint(2e-5 * rng.standard_normal((8, 15000)), SFREQ) for _ in range(20)])
    correlations = (signatures @ signatures.T)[np.triu_indices(20, 1)]
    assert np.abs(correlations).max() < 0.35


def test_constant_short_and_broken(rng: np.random.Generator) -> None:
    assert not fingerprint(np.ones((4, 1000)), SFREQ).any()
    for bad in (np.ones((4, 255)), np.full((4, 1000), np.nan)):
        with pytest.raises(ValueError, match="at least 256 finite samples"):
            fingerprint(bad, SFREQ)


@pytest.mark.realdata
def test_real_people_are_told_apart(real_data: Path) -> None:
    root = real_data / "eegmat-rest-arithmetic"
    source = Source(
        root=root, layout="folder", pattern="{participant}.edf", strip_prefix="EEG ", channel_types={"ECG ECG": "ecg"}
    )
    signatures = []
    for path in sorted(root.glob("*_1.edf"))[:6]:
        raw = read_recording(path, source=source, root=root, descriptions=())
        signatures.append(fingerprint(raw.get_data(picks="eeg"), raw.info["sfreq"]))
    correlations = np.array(signatures) @ np.array(signatures).T
    assert np.abs(correlations[np.triu_indices(6, 1)]).max() < 0.8
