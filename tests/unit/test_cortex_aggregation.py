"""From sources to regions: equal to MNE-Python, the same sign for everybody, components that carry what they say."""

import mne
import numpy as np
import pytest
from head_bench import bundled, covariance_of, field_of, mixed_noise
from pydantic import ValidationError

from painconn.config.cortex import CortexConfig
from painconn.connectivity.engine import over_epochs
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.kernels import SourceKernel, make_region_kernel, make_source_kernel
from painconn.cortex.regions import region_average, region_labels
from painconn.cortex.registry import INVERSES
from painconn.cortex.template import parcellation
from painconn.errors import InputError

REGIONS = parcellation()
ALPHA = {"alpha": (8.0, 13.0)}


def cortical_noise(rng: np.random.Generator, n_channels: int, samples: int = 3000) -> np.ndarray:
    """Every source active, each person's with other strengths, and noise at the sensors."""
    gain = field_of(n_channels).gain_v_per_am[:, :, 2]
    strengths = rng.lognormal(0, 0.5, gain.shape[1])
    data = (gain * strengths) @ rng.normal(size=(gain.shape[1], samples))
    data = data / data.std() + 0.3 * rng.normal(size=data.shape)
    return (data - data.mean(axis=0)) * 1e-5


def source_kernel_of(inverse: str, n_channels: int, covariance: np.ndarray) -> SourceKernel:
    rank = n_channels - 1
    noise = noise_covariance("adhoc", covariance, rank=rank)
    return make_source_kernel(inverse, field_of(n_channels), covariance, noise, rank=rank, cortex=CortexConfig())


def kernel_of(inverse: str, n_channels: int, covariance: np.ndarray, **options):
    source_kernel = source_kernel_of(inverse, n_channels, covariance)
    return make_region_kernel(source_kernel, field_of(n_channels), REGIONS, covariance, **options)


@pytest.mark.slow
@pytest.mark.parametrize("inverse", INVERSES)
def test_pca_flip_equals_that_of_mne_with_its_sign(rng, inverse):
    data = mixed_noise(rng, 19, 120)
    data -= data.mean(axis=0)
    source_kernel = source_kernel_of(inverse, 19, covariance_of(data))
    kernel = make_region_kernel(source_kernel, field_of(19), REGIONS, covariance_of(data), aggregation="pca_flip")
    sources = mne.SourceEstimate(source_kernel.values @ data, list(field_of(19).vertices), 0, 0.004, "fsaverage5")
    chosen = [bundled().labels[name] for name in REGIONS.region_names]
    expected = sources.extract_label_time_course(chosen, bundled().head.sources, mode="pca_flip", verbose="error")
    error = np.abs(kernel.values @ data - expected).max(axis=1) / np.abs(expected).max(axis=1)
    assert error.max() < 1e-9


@pytest.mark.parametrize("options", [{}, {"aggregation": "pca_flip"}, {"aggregation": "pca_flip", "n_components": 3}])
def test_weights_shares_and_rows_fit_together(rng, options):
    data = cortical_noise(rng, 19)
    covariance = covariance_of(data)
    source_kernel = source_kernel_of("eloreta", 19, covariance)
    kernel = make_region_kernel(source_kernel, field_of(19), REGIONS, covariance, **options)
    n_components = options.get("n_components", 1)
    assert kernel.values.shape == (68 * n_components, 19)
    np.testing.assert_allclose(kernel.source_weights @ source_kernel.values, kernel.values)
    assert np.abs(kernel.values.sum(axis=1)).max() < 1e-10 * np.abs(kernel.values).max()
    labels = region_labels(REGIONS, field_of(19).vertices)
    for region in (0, 5, 33, 40, 67):
        rows = kernel.values[region * n_components : (region + 1) * n_components] @ data
        sources = source_kernel.values[labels == region] @ data
        total = (sources**2).sum()
        for row, share in zip(rows, kernel.explained[region], strict=True):
            predicted = np.outer(sources @ row / (row @ row), row)
            assert share == pytest.approx(1 - ((sources - predicted) ** 2).sum() / total)
        if options:
            scaled = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            np.testing.assert_allclose(scaled @ scaled.T, np.eye(n_components), atol=1e-8)
            assert (rows[0] ** 2).mean() == pytest.approx((sources**2).mean())
            assert (kernel.source_weights[region * n_components][labels != region] == 0).all()


def test_the_main_component_carries_most_and_the_mean_less(rng):
    covariance = covariance_of(cortical_noise(rng, 19))
    components = kernel_of("eloreta", 19, covariance, aggregation="pca_flip", n_components=3).explained
    mean = kernel_of("eloreta", 19, covariance).explained
    assert (np.diff(components, axis=1) <= 0).all()
    assert (components.sum(axis=1) <= 1 + 1e-12).all()
    assert (mean[:, 0] <= components[:, 0] + 1e-12).all()
    assert (mean > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inverse", "of_people", "least", "most_uncertain"),
    [("eloreta", True, 0.99, 0.1), ("eloreta", False, 0.99, 0.1), ("lcmv", False, 0.95, 0.3), ("lcmv", True, 0.9, 0.3)],
)
def test_signs_are_the_same_for_everybody(rng, inverse, of_people, least, most_uncertain):
    """Rows of people whose brains differ, or of bootstrap samples of one person, point to the same side.

    The main component of beamformer signals is not the same one in everybody, so less is asked of people there.
    """
    own = cortical_noise(rng, 19, 1500)
    first = covariance_of(own)
    kernels = []
    for _ in range(6):
        data = cortical_noise(rng, 19, 1500) if of_people else own[:, rng.integers(0, 1500, 1500)]
        kernels.append(kernel_of(inverse, 19, covariance_of(data), aggregation="pca_flip"))
    certain = [np.array([name not in kernel.uncertain_signs for name in REGIONS.region_names]) for kernel in kernels]
    same = []
    for one in range(6):
        for other in range(one):
            along = np.einsum("rc,cd,rd->r", kernels[one].values, first, kernels[other].values)
            same += (along[certain[one] & certain[other]] > 0).tolist()
    assert np.mean(same) >= least
    assert 1 - np.mean(certain) < most_uncertain


def test_a_region_whose_halves_oppose_each_other_is_reported(rng):
    field = field_of(19)
    average = region_average(field, REGIONS)
    covariance = covariance_of(mixed_noise(rng, 19))
    source_kernel = source_kernel_of("eloreta", 19, covariance)
    members = np.flatnonzero(average[10])
    main, other = source_kernel.values[members[0]], source_kernel.values[0]
    other = other - (other @ covariance @ main) / (main @ covariance @ main) * main
    signs, halves = np.sign(average[10][members]), np.where(np.arange(len(members)) < len(members) // 2, 1.0, -1.0)
    values = source_kernel.values.copy()
    values[members] = np.outer(signs * halves, main) + 0.1 * np.outer(signs, other)
    odd = SourceKernel(values, source_kernel.directions, source_kernel.channel_names, source_kernel.rank)
    found = {
        aggregation: make_region_kernel(odd, field, REGIONS, covariance, aggregation=aggregation).uncertain_signs
        for aggregation in ("mean_flip", "pca_flip")
    }
    assert REGIONS.region_names[10] in found["pca_flip"]
    assert found["mean_flip"] == ()


def test_a_change_of_scale_of_the_data_changes_no_weight(rng):
    covariance = covariance_of(cortical_noise(rng, 19))
    source_kernel = source_kernel_of("eloreta", 19, covariance)
    one, other = (
        make_region_kernel(source_kernel, field_of(19), REGIONS, scale * covariance, aggregation="pca_flip")
        for scale in (1.0, 1e6)
    )
    np.testing.assert_allclose(one.values, other.values, atol=1e-8 * np.abs(one.values).max())


@pytest.mark.slow
def test_components_go_to_the_multivariate_measures_whatever_their_sign(rng):
    data = cortical_noise(rng, 19, 44 * 125)
    kernel = kernel_of("eloreta", 19, covariance_of(data), aggregation="pca_flip", n_components=2)
    rows = slice(0, 4 * 2)
    epochs = (kernel.values[rows] @ data).reshape(8, 44, 125).swapaxes(0, 1)
    flips = np.where(np.arange(8) % 3, 1.0, -1.0)[:, np.newaxis]
    found = [
        over_epochs(
            signals, sfreq_hz=125.0, bands_hz=ALPHA, measures=["mim"], region_of=np.repeat(np.arange(4), 2)
        ).matrices["mim", "alpha"]
        for signals in (epochs, epochs * flips)
    ]
    assert found[0].shape == (4, 4)
    pairs = np.tril_indices(4, -1)
    assert np.isfinite(found[0][pairs]).all()
    np.testing.assert_allclose(found[1][pairs], found[0][pairs], rtol=1e-6)


def test_more_components_than_sources_are_refused(rng):
    covariance = covariance_of(mixed_noise(rng, 19))
    with pytest.raises(InputError, match=r"frontalpole-lh \(\d\), frontalpole-rh \(\d\)"):
        kernel_of("eloreta", 19, covariance, aggregation="pca_flip", n_components=7)
    with pytest.raises(ValueError, match="one component"):
        kernel_of("eloreta", 19, covariance, n_components=2)
    with pytest.raises(ValidationError, match="needs aggregation: pca_flip"):
        CortexConfig(n_components=2)


def test_a_beamformer_of_a_band_follows_the_band(rng):
    """The same function, given the covariance of a band: it finds the source of that band, the broad one does not."""
    gain = field_of(19).gain_v_per_am[:, :, 2]
    strong, weak = (gain @ region_average(field_of(19), REGIONS)[REGIONS.region_names.index(name)] for name in (
        "lateraloccipital-lh", "postcentral-rh"))  # fmt: skip
    background = covariance_of(rng.normal(size=(19, 5000)))
    in_band = background + 20 * np.outer(weak, weak) / (weak @ weak)
    broad = in_band + 400 * np.outer(strong, strong) / (strong @ strong)
    for covariance, wanted in ((in_band, "postcentral-rh"), (broad, "lateraloccipital-lh")):
        kernel = kernel_of("lcmv", 19, covariance).values
        power = np.einsum("rc,cd,rd->r", kernel, covariance, kernel) / np.einsum("rc,rc->r", kernel, kernel)
        assert REGIONS.region_names[int(power.argmax())] == wanted
