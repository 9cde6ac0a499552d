import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.gates import NotComputable
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra
from painconn.connectivity.partial import partial_coherence, partial_imaginary_coherence, shrinkage_intensity
from painconn.connectivity.spectra import slepian_tapers

SFREQ_HZ = 250.0
ALPHA = {"alpha": (8.0, 13.0)}
MEASURES = (partial_coherence, partial_imaginary_coherence)


def spectra_of(signals):
    return mean_cross_spectra(signals, slepian_tapers(signals.shape[-1], sfreq_hz=SFREQ_HZ, half_bandwidth_hz=1.0))


def alpha_values(cross):
    return cross.values[(cross.freqs_hz >= 8.0) & (cross.freqs_hz < 13.0)]


def coherency(values):
    power = np.einsum("fii->fi", values).real
    return values / np.sqrt(power[:, :, None] * power[:, None, :])


def chain(rng, n_epochs=60):
    """A leads B by 12 ms and B leads C; D stands apart."""
    noise = rng.standard_normal((4, n_epochs, 520))
    a = noise[0]
    b = noise[1] + 2 * np.roll(a, 3, axis=-1)
    c = noise[2] + np.roll(b, 3, axis=-1)
    return np.stack([a, b, c, noise[3]], axis=1)[..., 10:510]


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def test_without_shrinkage_equal_to_removing_the_others_by_regression(rng):
    cross = spectra_of(chain(rng))
    values = alpha_values(cross)
    expected = np.full(values.shape, complex(np.nan, np.nan))
    for number, matrix in enumerate(values):
        for i in range(4):
            for j in set(range(4)) - {i}:
                others = sorted(set(range(4)) - {i, j})
                pair = np.ix_([i, j], others)
                left = (
                    matrix[np.ix_([i, j], [i, j])]
                    - matrix[pair] @ np.linalg.inv(matrix[np.ix_(others, others)]) @ matrix[pair].conj().T
                )
                expected[number, i, j] = left[0, 1] / np.sqrt(left[0, 0].real * left[1, 1].real)
    np.testing.assert_allclose(
        partial_coherence(cross, ALPHA, shrinkage=0.0)["alpha"], np.abs(expected).mean(axis=0), atol=1e-12
    )
    np.testing.assert_allclose(
        partial_imaginary_coherence(cross, ALPHA, shrinkage=0.0)["alpha"], expected.imag.mean(axis=0), atol=1e-12
    )


def test_two_signals_have_their_ordinary_coherency_with_the_row_leading(rng):
    cross = spectra_of(chain(rng)[:, :2])
    bivariate = coherency(alpha_values(cross))[:, 0, 1]
    imaginary = partial_imaginary_coherence(cross, ALPHA, shrinkage=0.0)["alpha"]
    assert partial_coherence(cross, ALPHA, shrinkage=0.0)["alpha"][0, 1] == pytest.approx(np.abs(bivariate).mean())
    assert imaginary[0, 1] == pytest.approx(bivariate.imag.mean())
    assert imaginary[0, 1] > 0.3
    assert partial_coherence(cross, ALPHA, shrinkage=0.4)["alpha"][0, 1] == pytest.approx(
        0.6 * np.abs(bivariate).mean()
    )


@pytest.mark.parametrize("shrinkage", [None, 0.0])
def test_a_chain_keeps_its_links_and_loses_its_shortcut(rng, shrinkage):
    cross = spectra_of(chain(rng))
    bivariate = np.abs(coherency(alpha_values(cross))).mean(axis=0)
    matrix = partial_coherence(cross, ALPHA, shrinkage=shrinkage)["alpha"]
    assert bivariate[0, 2] > 0.6
    assert matrix[0, 2] < 0.2
    assert min(matrix[0, 1], matrix[1, 2]) > 0.5
    assert matrix[3, :3].max() < 0.2
    imaginary = partial_imaginary_coherence(cross, ALPHA, shrinkage=shrinkage)["alpha"]
    assert min(imaginary[0, 1], imaginary[1, 2]) > 0.3
    assert abs(imaginary[0, 2]) < 0.1


def test_mixing_of_independent_sources_inflates_the_magnitude_and_not_the_imaginary_part(rng):
    mixing = np.eye(5) + 0.6 * rng.random((5, 5))
    cross = spectra_of(np.einsum("ij,ejt->eit", mixing, rng.laplace(size=(120, 5, 500))))
    assert np.median(off_diagonal(partial_coherence(cross, ALPHA)["alpha"])) > 0.2
    assert np.abs(off_diagonal(partial_imaginary_coherence(cross, ALPHA)["alpha"])).max() < 0.06


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.3])
def test_properties_of_the_matrix(rng, measure, shrinkage):
    signals = chain(rng)
    matrix = measure(spectra_of(signals), ALPHA, shrinkage=shrinkage)["alpha"]
    assert np.isnan(np.diagonal(matrix)).all()
    assert np.isfinite(off_diagonal(matrix)).all()
    assert np.abs(off_diagonal(matrix)).max() <= 1
    sign = 1 if measure is partial_coherence else -1
    np.testing.assert_allclose(matrix, sign * matrix.T, atol=1e-12)
    gains = np.array([1e-6, 3.0, 1e5, 1e-6])[:, None]
    scaled = measure(spectra_of(gains * signals[::-1]), ALPHA, shrinkage=shrinkage)["alpha"]
    np.testing.assert_allclose(scaled, matrix, atol=1e-9)
    order = np.array([2, 0, 3, 1])
    shuffled = measure(spectra_of(signals[:, order]), ALPHA, shrinkage=shrinkage)["alpha"]
    np.testing.assert_allclose(shuffled, matrix[np.ix_(order, order)], atol=1e-9)


def test_full_shrinkage_leaves_nothing(rng):
    assert np.abs(off_diagonal(partial_coherence(spectra_of(chain(rng)), ALPHA, shrinkage=1.0)["alpha"])).max() == 0


def wishart(rng, covariance, n_samples):
    root = np.linalg.cholesky(covariance)
    samples = root @ (rng.standard_normal((2, len(covariance), n_samples)).T @ [1, 1j]).T / np.sqrt(2)
    return samples @ samples.conj().T / n_samples


@pytest.mark.parametrize(
    ("n_signals", "n_samples", "rank"), [(10, 30, 2), (10, 200, 2), (40, 30, 12), (40, 120, 12), (40, 40, 40)]
)
def test_shrinkage_is_close_to_the_best_possible_one(rng, n_signals, n_samples, rank):
    patterns = rng.standard_normal((n_signals, rank)) + 1j * rng.standard_normal((n_signals, rank))
    truth = patterns @ patterns.conj().T + rank * np.eye(n_signals)
    truth = coherency(truth[None])[0]
    values = np.stack([wishart(rng, truth, n_samples) for _ in range(30)])
    cross = MeanCrossSpectra(values, np.arange(30.0), SFREQ_HZ, n_samples, 1, 0.5)
    chosen = shrinkage_intensity(cross, {"all": (0.0, 30.0)})["all"]
    estimates, expected = (each[..., ~np.eye(n_signals, dtype=bool)] for each in (coherency(values), truth))
    shares = np.linspace(0, 1, 101)
    errors = np.array([np.square(np.abs((1 - share) * estimates - expected)).sum() for share in shares])
    at_chosen = np.square(np.abs((1 - chosen) * estimates - expected)).sum()
    assert abs(chosen - shares[np.argmin(errors)]) < 0.05
    assert at_chosen < 1.02 * errors.min()


def test_signals_of_low_rank_and_few_epochs_are_finite_thanks_to_shrinkage(rng):
    sources = rng.standard_normal((10, 17, 500))
    cross = spectra_of(np.einsum("ij,ejt->eit", rng.standard_normal((68, 17)), sources))
    for measure in MEASURES:
        assert np.isfinite(off_diagonal(measure(cross, ALPHA)["alpha"])).all()
    assert 0 < shrinkage_intensity(cross, ALPHA)["alpha"] < 1
    plenty = replace(cross, n_epochs=100)
    assert np.isnan(partial_coherence(plenty, ALPHA, shrinkage=0.0)["alpha"]).all()


def test_shrinkage_falls_with_the_number_of_epochs(rng):
    signals = chain(rng)
    few, many = (shrinkage_intensity(spectra_of(some), ALPHA)["alpha"] for some in (signals[:10], signals))
    assert few > 3 * many


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shrinkage", [None, 0.0])
def test_flat_missing_and_copied_signals(rng, measure, shrinkage):
    signals = chain(rng)
    clean = measure(spectra_of(signals), ALPHA, shrinkage=shrinkage)["alpha"]
    flat = np.zeros((len(signals), 1, 500))
    odd = spectra_of(np.concatenate([flat, signals, -3.0 * signals[:, 1:2], signals[:, :1]], axis=1))
    values = odd.values.copy()
    values[:, 6] = values[:, :, 6] = np.nan
    matrix = measure(replace(odd, values=values), ALPHA, shrinkage=shrinkage)["alpha"]
    assert np.isnan(matrix[[0, 6]]).all()
    assert np.isnan(matrix[:, [0, 6]]).all()
    np.testing.assert_allclose(matrix[1:5, 1:5], clean, atol=1e-12)
    sign = 1 if measure is partial_coherence else -1
    assert np.isnan(matrix[2, 5])
    np.testing.assert_allclose(matrix[5, [1, 3, 4]], sign * clean[1, [0, 2, 3]], atol=1e-12)


def test_what_cannot_be_computed_says_what_was_found_and_wanted(rng):
    cross = spectra_of(chain(rng))
    assert np.isnan(partial_coherence(cross, {"none": (8.1, 8.2)})["none"]).all()
    assert np.isnan(shrinkage_intensity(cross, {"none": (8.1, 8.2)})["none"])
    with pytest.raises(NotComputable, match="1 epochs times tapers, wanted at least 2"):
        partial_coherence(replace(cross, n_epochs=1, n_tapers=1), ALPHA)
    with pytest.raises(NotComputable, match="3 epochs times tapers for 4 signals"):
        partial_coherence(replace(cross, n_epochs=1, n_tapers=3), ALPHA, shrinkage=0.0)
    with pytest.raises(ValueError, match=r"shrinkage is 1\.5"):
        partial_coherence(cross, ALPHA, shrinkage=1.5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_signals=st.integers(1, 6),
    n_epochs=st.integers(2, 5),
    exponent=st.integers(-100, 100),
    odd=st.sampled_from(["none", "flat", "copy", "nan"]),
)
def test_odd_inputs_give_numbers_or_nan(seed, n_signals, n_epochs, exponent, odd):
    signals = np.random.default_rng(seed).standard_normal((n_epochs, n_signals, 125)) * 10.0**exponent
    if odd == "flat":
        signals[:, -1] = 1.0
    elif odd == "copy":
        signals[:, -1] = -signals[:, 0]
    cross = spectra_of(signals)
    if odd == "nan":
        cross.values[:, -1] = cross.values[:, :, -1] = np.nan
    for measure in MEASURES:
        matrix = measure(cross, ALPHA)["alpha"]
        sound = ~np.eye(n_signals, dtype=bool)
        if odd in ("flat", "nan"):
            assert np.isnan(matrix[-1]).all()
            sound[-1] = sound[:, -1] = False
        elif odd == "copy":
            assert np.isnan(matrix[0, -1])
            sound[0, -1] = sound[-1, 0] = False
        assert (np.abs(matrix[sound]) <= 1 + 1e-9).all()


def test_measures_of_the_mean_cross_spectra_load_neither_numba_nor_mne():
    code = (
        "import sys; import painconn.connectivity.granger, painconn.connectivity.multivariate, "
        "painconn.connectivity.partial; print([m for m in ('numba', 'mne', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
