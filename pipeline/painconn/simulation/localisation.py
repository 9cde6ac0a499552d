"""How well an inverse finds a planted source when the true head is not the head of the analysis.

Conventions of this file: covariances are of one frequency band, in V², average-referenced; places are those of the
bundled head, in mm, so that a source of a deformed head is compared with its counterpart on the template.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from painconn.config.cortex import CortexConfig
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.kernels import SourceKernel, make_source_kernel
from painconn.cortex.lead_field import LeadField
from painconn.cortex.leakage import bundled_positions_mm
from painconn.cortex.parcellations import parcellation_of
from painconn.cortex.regions import region_average
from painconn.cortex.registry import INVERSES
from painconn.simulation.truth import Truth

Array = NDArray[np.float64]

BACKGROUND_V = 5e-6
"""Standard deviation of the background in a channel, mean over channels."""

SENSOR_NOISE = 0.1
"""Variance of independent sensor noise over that of the cortical background, mean over channels."""

_DEFAULTS = CortexConfig()


@dataclass(frozen=True)
class Analysis:
    """What an analysis assumes: its lead field and its regions.

    Attributes
    ----------
    field : LeadField
        On the bundled head.
    parcellation : str
        A name of `painconn.cortex.registry.PARCELLATIONS`.
    cortex : CortexConfig
        Options of the inverses.
    """

    field: LeadField
    parcellation: str = "desikan_killiany"
    cortex: CortexConfig = _DEFAULTS

    @cached_property
    def places_mm(self) -> Array:
        """Return where its sources lie, (sources, 3)."""
        return bundled_positions_mm(self.field.vertices)

    @cached_property
    def region_average(self) -> Array:
        """Return the mean-flip operator, (regions, sources)."""
        return region_average(self.field, parcellation_of(self.parcellation))

    def kernel(self, inverse: str, covariance_v2: Array, *, rank: int | None = None) -> SourceKernel:
        """Return the kernel of an inverse for the data covariance of one session, at full rank unless it is given."""
        rank = len(self.field.channel_names) - 1 if rank is None else rank
        noise = noise_covariance("adhoc", covariance_v2, rank=rank)
        return make_source_kernel(inverse, self.field, covariance_v2, noise, rank=rank, cortex=self.cortex)


def background_covariance(gain_v_per_am: Array) -> Array:
    """Return the covariance of independent, equally strong sources everywhere, with sensor noise.

    Parameters
    ----------
    gain_v_per_am : array, shape (electrodes, sources)

    Returns
    -------
    covariance_v2 : array, shape (electrodes, electrodes)
        Average-referenced, mean variance `BACKGROUND_V` squared.
    """
    n_channels = len(gain_v_per_am)
    reference = np.eye(n_channels) - 1 / n_channels
    cortical = reference @ gain_v_per_am @ gain_v_per_am.T @ reference
    covariance = cortical / np.trace(cortical) + SENSOR_NOISE * reference / np.trace(reference)
    return np.asarray(BACKGROUND_V**2 * n_channels * covariance / np.trace(covariance))


def sampled(covariance_v2: Array, n_samples: int, rng: np.random.Generator) -> Array:
    """Return the covariance of `n_samples` independent Gaussian samples (bandwidth x duration x 2 of a band)."""
    variance, basis = np.linalg.eigh(covariance_v2)
    samples = (basis * np.sqrt(np.maximum(variance, 0))) @ rng.standard_normal((len(variance), n_samples))
    return np.asarray(samples @ samples.T / n_samples)


@dataclass(frozen=True)
class Localised:
    """Where one planted source was found.

    Attributes
    ----------
    read_out : str
        One of `READ_OUTS`.
    region : str
        Of the planted source.
    found_region : str
        Where the region signals say that it is.
    error_mm : float
        From the planted source to where the source signals say that it is.
    """

    read_out: str
    region: str
    found_region: str
    error_mm: float

    @property
    def region_right(self) -> bool:
        """Whether the found region is the planted one."""
        return self.found_region == self.region

    @property
    def hemisphere_right(self) -> bool:
        """Whether the found region is on the side of the planted one."""
        return self.found_region.rpartition("-")[2] == self.region.rpartition("-")[2]


READ_OUTS = ("ratio", "difference")
"""A source is where power is largest relative to the baseline, or where it rises most in the inverse's own unit."""


def localise(
    truth: Truth,
    analysis: Analysis,
    inverse: str,
    sources: Iterable[int],
    *,
    snr: float = 1.0,
    equal_moment: bool = False,
    patch_radius_mm: float = 0.0,
    n_samples: int = 1200,
    seed: int = 0,
) -> Iterator[Localised]:
    """Plant sources one by one and look for them.

    A session has as many samples of baseline (background alone) as with the source, independent of one another; the
    kernel is made from both together, as in a study. Each source wears the next cap.

    Parameters
    ----------
    truth : Truth
        Of the electrodes of the analysis, in their order.
    analysis : Analysis
    inverse : str
        A name of `painconn.cortex.registry.INVERSES`.
    sources : iterable of int
        Positions among the sources of `truth`; each must lie in a region.
    snr : float
        Variance that the source gives a channel over that of the background, means over channels.
    equal_moment : bool
        Give all sources the moment at which the median source of the cortex has this SNR, so that deep ones show less;
        otherwise each has the SNR, whatever it takes.
    patch_radius_mm : float
        The source is all of its region within this distance, acting as one; 0 is a single dipole.
    n_samples : int
        Samples in each of the two conditions; 1,200 are two minutes of a band of 5 Hz.
    seed : int
        The same seed gives the same data for every inverse.

    Yields
    ------
    localised : Localised
        For each of `sources` and each of `READ_OUTS`.
    """
    if truth.electrodes != analysis.field.channel_names:
        raise ValueError("truth and analysis have different electrodes")
    regions = parcellation_of(analysis.parcellation).region_names
    labels = truth.regions(analysis.parcellation)
    gains = truth.gain_v_per_am - truth.gain_v_per_am.mean(axis=1, keepdims=True)
    backgrounds = [background_covariance(gain) for gain in gains]
    usual_v2 = [np.median(np.mean(gain**2, axis=0)) for gain in gains]
    kernel: SourceKernel | None = None
    for position, source in enumerate(sources):
        rng = np.random.default_rng((seed, source))
        cap = position % len(gains)
        near = np.linalg.norm(truth.places_mm - truth.places_mm[source], axis=1) <= patch_radius_mm
        shown = gains[cap][:, near & (labels == labels[source])].mean(axis=1)
        unit_v2 = usual_v2[cap] if equal_moment else np.mean(shown**2)
        planted = snr * BACKGROUND_V**2 / unit_v2 * np.outer(shown, shown)
        before = sampled(backgrounds[cap], n_samples, rng)
        during = sampled(backgrounds[cap] + planted, n_samples, rng)
        if kernel is None or INVERSES[inverse].needs_data_covariance:
            kernel = analysis.kernel(inverse, (before + during) / 2)
        peaks = _peaks(kernel.values, before, during)
        region_peaks = _peaks(analysis.region_average @ kernel.values, before, during)
        for read_out in READ_OUTS:
            error_mm = np.linalg.norm(analysis.places_mm[peaks[read_out]] - truth.places_mm[source])
            yield Localised(read_out, regions[labels[source]], regions[region_peaks[read_out]], float(error_mm))


def _peaks(values: Array, before_v2: Array, during_v2: Array) -> dict[str, int]:
    """Return the row of a kernel where each read-out is largest."""
    before, during = _power(values, before_v2), _power(values, during_v2)
    return dict(zip(READ_OUTS, (int(np.argmax(during / before)), int(np.argmax(during - before))), strict=True))


def _power(values: Array, covariance_v2: Array) -> Array:
    return np.asarray(np.einsum("sc,sc->s", values @ covariance_v2, values))


def draw_sources(truth: Truth, region_names: Sequence[str], n_per_region: int, rng: np.random.Generator) -> list[int]:
    """Draw true sources from Desikan-Killiany regions, without replacement.

    Returns
    -------
    sources : list of int
        In the order of the regions; all of a region that has fewer than asked for.
    """
    labels, known = truth.regions("desikan_killiany"), parcellation_of("desikan_killiany").region_names
    drawn: list[int] = []
    for name in region_names:
        members = np.flatnonzero(labels == known.index(name))
        drawn += rng.choice(members, min(n_per_region, len(members)), replace=False).tolist()
    return drawn


def error_map(truth: Truth, analysis: Analysis, inverse: str) -> Array:
    """Return the localisation error of every true source in the limit of endless data, by an inverse of the head alone.

    What remains is the point spread of the kernel: its estimate of the source, over the standard deviation of its
    estimate of the background, does not depend on the strength of the source.

    Parameters
    ----------
    truth : Truth
        The first cap is taken.
    analysis : Analysis
    inverse : str
        One that does not follow the data.

    Returns
    -------
    error_mm : array, shape (sources of truth,)
    """
    if INVERSES[inverse].needs_data_covariance:
        raise ValueError(f"{inverse} follows the data: its error depends on the planted source")
    gain = truth.gain_v_per_am[0] - truth.gain_v_per_am[0].mean(axis=0)
    background = background_covariance(gain)
    values = analysis.kernel(inverse, background).values
    values = values / np.sqrt(_power(values, background))[:, np.newaxis]
    peaks = np.array([np.abs(values @ shown).argmax() for shown in gain.T])
    return np.asarray(np.linalg.norm(analysis.places_mm[peaks] - truth.places_mm, axis=1))
