import json

import numpy as np
import pytest

from painconn.config.connectivity import ConnectivityConfig
from painconn.connectivity.engine import over_epochs
from painconn.connectivity.estimate import Connectivity
from painconn.connectivity.surrogates import surrogate_floor
from painconn.cortex.parcellations import parcellation_of, region_centroids
from painconn.errors import InputError, IntegrityError
from painconn.steps.connectivity_files import CONVENTIONS, SURROGATES, Floors, connectivity_writers, matrix_records
from painconn.store import write_result
from painconn.store.connectivity import read_connectivity

REGIONS = ["insula-lh", "postcentral-lh", "insula-rh", "elsewhere"]
BANDS_HZ = {"alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
SETTINGS = ConnectivityConfig.model_validate(
    {"measures": ["wpli2_debiased", "imcoh", "dpli", "aec_orth"], "bands_hz": BANDS_HZ, "n_surrogates": 50}
)
OVER_EPOCHS = {"sfreq_hz": 250.0, "bands_hz": BANDS_HZ, "measures": SETTINGS.measures_of("over_epochs")}


@pytest.fixture(scope="module")
def signals():
    """Four noisy signals; the first leads the second by 20 ms in the alpha band and above."""
    rng = np.random.default_rng(5)
    source = rng.standard_normal((40, 600))
    signals = rng.standard_normal((40, 4, 500))
    signals[:, 0] += 2 * source[:, 50:550]
    signals[:, 1] += 2 * source[:, 45:545]
    return signals


@pytest.fixture(scope="module")
def estimate(signals):
    return over_epochs(signals, **OVER_EPOCHS)


@pytest.fixture
def sidecar(tmp_path, signals, estimate):
    floors = surrogate_floor(
        signals, lambda surrogate: over_epochs(surrogate, **OVER_EPOCHS).matrices, n_surrogates=50, seed=3
    )
    no_segments = {("aec_orth", band): "too few segments" for band in BANDS_HZ}
    over_time = Connectivity("over_time", 0, 0.0, {}, None, {}, no_segments)
    matrices, arrays = [], {}
    for each in (estimate, over_time):
        place = {"condition": "rest", "window": "epoch", "inverse": "lcmv"}
        described, values = matrix_records(SETTINGS, each, Floors(floors, 3), **place)
        matrices += described
        arrays |= values
    path = tmp_path / "sub-01_desc-connectivity_relmat.json"
    names, writers = connectivity_writers(path, arrays, REGIONS, region_centroids(parcellation_of("desikan_killiany")))
    about = {"participant": "01", "session": "", "site": "lab"}
    write_result(path, {**about, **CONVENTIONS, **names, "matrices": matrices}, writers)
    return path


def test_what_was_saved_comes_back_with_everything_needed_to_read_it(sidecar, estimate):
    saved = read_connectivity(sidecar)
    assert [region.name for region in saved.regions] == REGIONS
    assert [region.hemisphere for region in saved.regions] == ["L", "L", "R", None]
    assert saved.regions[0].position_mm[0] < 0 < saved.regions[2].position_mm[0]
    assert saved.regions[3].position_mm is None
    assert len(saved.matrices) == 8
    for matrix in saved.matrices:
        assert matrix.band_hz == BANDS_HZ[matrix.band]
        if matrix.measure == "aec_orth":
            assert (matrix.values, matrix.reason, matrix.estimator) == (None, "too few segments", "over_time")
            continue
        np.testing.assert_array_equal(matrix.values, estimate.matrices[matrix.measure, matrix.band])
        assert (matrix.n_epochs, matrix.epoch_length_s, matrix.half_bandwidth_hz, matrix.n_tapers) == (40, 2.0, 1.0, 3)
        assert (matrix.spectra, matrix.precision, matrix.reason) == ("multitaper", "float64", None)
    dpli = saved.select(measure="dpli", band="alpha").one()
    assert (dpli.kind, dpli.value_range) == ("directed", (0.0, 1.0))


def test_the_surrogate_floor_lies_beside_its_matrix(sidecar):
    matrix = read_connectivity(sidecar, measure="wpli2_debiased", band="alpha").one()
    assert dict(matrix.surrogates) | {"mean": 0, "q95": 0} == {
        "kind": SURROGATES, "n": 50, "seed": 3, "of_magnitude": False, "mean": 0, "q95": 0,
        "without_bound": None,
    }  # fmt: skip
    assert matrix.values[0, 1] > matrix.surrogate_q95[0, 1] > matrix.surrogate_mean[0, 1]
    assert read_connectivity(sidecar, measure="aec_orth", band="alpha").one().surrogate_q95 is None


@pytest.mark.parametrize("measure", ["dpli", "imcoh"])
def test_mne_connectivity_gets_whole_matrices_in_its_own_orientation(sidecar, signals, measure):
    from mne_connectivity import spectral_connectivity_epochs

    ours = read_connectivity(sidecar, measure=measure, band="alpha").to_mne()
    assert ours.names == REGIONS
    assert (ours.method, ours.n_epochs_used, ours.indices, ours.n_nodes) == (measure, 40, "all", 4)
    assert (ours.attrs["band"], ours.attrs["estimator"]) == ("alpha", "over_epochs")
    assert (ours.attrs["spectra"], ours.attrs["precision"]) == ("multitaper", "float64")
    dense = ours.get_data("dense")
    np.testing.assert_array_equal(dense, read_connectivity(sidecar).select(measure=measure, band="alpha").one().values)
    theirs = spectral_connectivity_epochs(
        signals,
        names=REGIONS,
        method=measure,
        indices=(np.array([0, 1]), np.array([1, 0])),
        sfreq=250.0,
        fmin=8.0,
        fmax=12.9,
        mt_bandwidth=2.0,
        faverage=True,
        verbose="ERROR",
    ).get_data("dense")[:2, :2, 0]
    neutral = 0.5 if measure == "dpli" else 0.0
    assert dense[0, 1] > neutral > dense[1, 0]
    assert theirs[0, 1] > neutral > theirs[1, 0]
    np.testing.assert_allclose(dense[[0, 1], [1, 0]], theirs[[0, 1], [1, 0]], atol=0.02)


def test_xarray_gets_named_dimensions_and_units(sidecar, estimate):
    array = read_connectivity(sidecar).to_xarray()
    assert array.dims == ("observation", "inverse", "measure", "band", "region_row", "region_column")
    place = {"observation": "rest/epoch", "inverse": "lcmv", "measure": "dpli", "band": "beta"}
    np.testing.assert_array_equal(array.sel(place).values, estimate.matrices["dpli", "beta"])
    pair = {"region_row": "insula-lh", "region_column": "postcentral-lh"}
    assert float(array.sel(place | pair)) == estimate.matrices["dpli", "beta"][0, 1]
    assert (array.attrs["units"], array.attrs["orientation"]) == ("1", "row leads column")
    assert "multitaper" in array.attrs["spectra"]
    assert array.attrs["precision"] == "float64"
    assert array["estimator"].sel(measure="aec_orth") == "over_time"
    assert array["low_hz"].values.tolist() == [8.0, 13.0]
    assert array["n_epochs"].sel(place) == 40
    missing = array.sel(observation="rest/epoch", inverse="lcmv", measure="aec_orth", band="alpha")
    assert missing["reason"] == "too few segments"
    assert np.isnan(missing).all()


def test_a_changed_file_a_wrong_label_and_a_missing_matrix_are_errors_that_help(sidecar):
    saved = read_connectivity(sidecar)
    with pytest.raises(InputError, match=r"unknown label measur · wanted: condition, window, inverse, measure, band"):
        read_connectivity(sidecar, measur="imcoh")
    with pytest.raises(InputError, match=r"band: alpha, beta"):
        saved.select(band="theta")
    with pytest.raises(InputError, match=r"8 matrices.*measure \(wpli2_debiased, imcoh, dpli, aec_orth\)"):
        saved.to_mne()
    with pytest.raises(InputError, match="too few segments"):
        saved.select(measure="aec_orth", band="alpha").to_mne()
    values = sidecar.with_suffix(".npz")
    values.write_bytes(values.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="sha256"):
        read_connectivity(sidecar)


def test_an_excluded_session_says_why(tmp_path):
    sidecar = tmp_path / "x.json"
    write_result(sidecar, {"status": "excluded", "exclusions": [{"found": "all channels flat"}]})
    assert json.loads(sidecar.read_text())["status"] == "excluded"
    with pytest.raises(InputError, match="all channels flat"):
        read_connectivity(sidecar)
