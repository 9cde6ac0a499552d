"""Surrogate signals without coupling, and the floor of a measure over them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.definition import FEWEST_SURROGATES
from painconn.connectivity.estimate import Key, Matrix
from painconn.connectivity.registry import MEASURES

SurrogateKind = Literal["shift_epochs", "independent_phases", "common_phases"]
Signals = NDArray[np.floating]

_LEVEL = 0.95
_ROUNDING = 1e-9
_FEWEST_VALUES = 19  # of an edge: the largest of fewer does not bound 95 %
FEWEST_EPOCHS = _FEWEST_VALUES + 1  # a pair is shifted in one way less
_HAS_SIGN = ("antisymmetric", "hermitian")


@dataclass(frozen=True)
class SurrogateFloor:
    """What a measure shows when there is nothing to show.

    Attributes
    ----------
    mean : array, shape (regions, regions)
        Mean over surrogates.
    q95 : array, shape (regions, regions)
        A value that an uncoupled edge exceeds with a probability of at most 0.05: the order statistic
        ``ceil(0.95 (n + 1))`` of ``n`` surrogates, higher where a pair has few different shifts (and then up to 0.056).
        An upper bound only: a symmetric measure that can be negative (``aec_orth``) has no lower one.
    n_surrogates : int
        Number of surrogates.
    of_magnitude : bool
        Whether both are of the absolute value: so for measures with a sign or phase (antisymmetric, hermitian).
    without_bound : str | None
        How many pairs have no bound, and why; None when all have one.
    """

    mean: NDArray[np.float64]
    q95: NDArray[np.float64]
    n_surrogates: int
    of_magnitude: bool
    without_bound: str | None


def epoch_offsets(n_epochs: int, n_regions: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw by how many epochs each region is rotated: all different while there are as many epochs as regions.

    With more regions than epochs, every offset is used about equally often; regions that share one keep their coupling.

    Parameters
    ----------
    n_epochs, n_regions : int
        Size of the signals.
    rng : Generator
        Source of randomness.

    Returns
    -------
    offsets : array of int, shape (regions,)
    """
    rounds = [rng.permutation(n_epochs) for _ in range(-(-n_regions // n_epochs))]
    return np.concatenate(rounds)[:n_regions]


def shift_epochs(signals: Signals, offsets: NDArray[np.intp]) -> Signals:
    """Rotate the sequence of epochs of each region: epoch ``e`` of region ``r`` becomes epoch ``e - offsets[r]``.

    Every region keeps its own epochs untouched; what two regions did in the same epoch is taken apart: phase coupling,
    common amplitudes, and mixing at zero lag. What repeats in every epoch survives: an evoked response, line noise
    whose period divides the epoch; and so does, for small offsets, a slow drift over neighbouring epochs. Two regions
    can be shifted against each other in ``epochs - 1`` ways only.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Real or analytic signals.
    offsets : array of int, shape (regions,)
        See :func:`epoch_offsets`.

    Returns
    -------
    surrogate : array, shape (epochs, regions, times)
    """
    epochs = (np.arange(len(signals))[:, None] - offsets) % len(signals)
    shifted: Signals = signals[epochs, np.arange(signals.shape[1])]
    return shifted


def phase_randomise(
    signals: Signals,
    rng: np.random.Generator,
    *,
    keep_cross_spectra: bool = False,
    region_of: NDArray[np.intp] | None = None,
) -> Signals:
    r"""Add random phases to the Fourier coefficients of every epoch, :math:`X_r(f) e^{i \varphi}`.

    Amplitude spectra are kept exactly; 0 Hz and, at even lengths, Nyquist are real and left as they are. Phases are
    drawn for every epoch and frequency: a phase that is the same in all epochs would leave coupling over epochs intact.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Real signals.
    rng : Generator
        Source of randomness.
    keep_cross_spectra : bool
        False: phases of their own for every region, so that all coupling is lost. True: the same for all regions, so
        that every cross-spectrum :math:`X_r \bar X_s` of an epoch stays (exactly without taper, on average with one)
        and with it every linear relation, mixing included; only what goes beyond it is lost (common amplitudes,
        nonlinear coupling).
    region_of : array of int, shape (rows,) | None
        Region of each row of the signals, when a region has several components: they share their phases.

    Returns
    -------
    surrogate : array, shape (epochs, regions, times)
        In the precision of the signals.

    References
    ----------
    Prichard & Theiler 1994, 10.1103/PhysRevLett.73.951.
    """
    from scipy.fft import irfft, rfft

    n_epochs, n_rows, n_times = signals.shape
    rows = np.arange(n_rows) if region_of is None else region_of
    if keep_cross_spectra:
        rows = np.zeros(n_rows, dtype=np.intp)
    coefficients = rfft(signals, axis=-1)
    turning = slice(1, (n_times + 1) // 2)
    phases = rng.uniform(0.0, 2.0 * np.pi, (n_epochs, int(rows.max()) + 1, (n_times - 1) // 2))
    coefficients[..., turning] *= np.exp(1j * phases).astype(coefficients.dtype)[:, rows]
    surrogate: Signals = irfft(coefficients, n=n_times, axis=-1)
    return surrogate


def surrogate_floor(
    signals: Signals,
    compute: Callable[[Signals], Mapping[Key, Matrix]],
    *,
    n_surrogates: int,
    seed: int,
    kind: SurrogateKind = "shift_epochs",
    region_of: NDArray[np.intp] | None = None,
) -> dict[Key, SurrogateFloor]:
    """Compute measures on surrogates, and from these the floor of every edge.

    A value above the floor of ``shift_epochs`` or ``independent_phases`` says that the two signals have something in
    common, and not what: both surrogates take mixing away together with coupling, so that leakage alone lifts a measure
    that is not safe against it (coherence, phase locking) far above the floor. It is no test of true interaction.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Epochs, or the segments of a measure over time.
    compute : callable
        Given signals of that shape, returns whole matrices by (measure, band), names as in `MEASURES`; e.g.
        ``lambda signals: over_epochs(signals, ...).matrices``.
    n_surrogates : int
        All matrices are held until the end: 8 n_surrogates regions^2 bytes per key.
    seed : int
        Fixes every surrogate; the first ``n`` are the same whatever their number.
    kind : {'shift_epochs', 'independent_phases', 'common_phases'}
        :func:`shift_epochs`, or :func:`phase_randomise` without or with cross-spectra kept. The floor of
        ``common_phases`` is what linear coupling and mixing explain.
    region_of : array of int, shape (rows,) | None
        Region of each row of the signals, for multivariate measures.

    Returns
    -------
    floors : dict of (measure, band) to SurrogateFloor
        NaN where a measure is NaN in too many surrogates; a pair that shared its offset is not counted. With fewer than
        20 epochs to shift there is a mean but no bound: a pair has too few different shifts. ``without_bound`` tells.

    Raises
    ------
    ValueError
        For another `kind`, and for fewer than 50 surrogates: some edges would have no value that bounds 95 %.
    """
    if kind not in get_args(SurrogateKind):
        raise ValueError(f"kind: found {kind!r}, wanted {', '.join(get_args(SurrogateKind))}")
    if n_surrogates < FEWEST_SURROGATES:
        raise ValueError(f"n_surrogates: found {n_surrogates}, wanted {FEWEST_SURROGATES} or more for a 95 % bound")
    rng = np.random.default_rng(seed)
    rows = np.arange(signals.shape[1]) if region_of is None else np.asarray(region_of)
    found: dict[Key, list[NDArray[np.float64]]] = {}
    for _ in range(n_surrogates):
        offsets = None
        if kind == "shift_epochs":
            offsets = epoch_offsets(len(signals), int(rows.max()) + 1, rng)
            surrogate = shift_epochs(signals, offsets[rows])
        else:
            common = kind == "common_phases"
            surrogate = phase_randomise(signals, rng, keep_cross_spectra=common, region_of=region_of)
        for key, matrix in compute(surrogate).items():
            values = (np.abs(matrix) if _of_magnitude(key) else matrix).real
            if offsets is not None:
                own = offsets[rows] if _of_rows(key, matrix, len(rows)) else offsets
                values = np.where(own[:, None] == own, np.nan, values)
            found.setdefault(key, []).append(values)
    n_epochs = len(signals) if kind == "shift_epochs" else None
    return {key: _floor(np.stack(values), n_epochs, _of_magnitude(key)) for key, values in found.items()}


def _of_rows(key: Key, matrix: Matrix, n_rows: int) -> bool:
    """Whether a matrix relates the rows of the signals, and not regions of several of them."""
    return len(matrix) == n_rows and MEASURES[key[0]].kind != "multivariate"


def _of_magnitude(key: Key) -> bool:
    return MEASURES[key[0]].kind in _HAS_SIGN


def _floor(values: NDArray[np.float64], n_epochs: int | None, of_magnitude: bool) -> SurrogateFloor:
    """Take mean and bound over the finite values of each edge, shape (surrogates, regions, regions).

    `n_epochs` is the number of epochs that were shifted, None where none were.
    """
    counts = np.isfinite(values).sum(axis=0)
    mean = np.divide(np.nansum(values, axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    level = _level(None if n_epochs is None else n_epochs - 1)
    if level is None:
        why = f"all pairs: {n_epochs} epochs to shift, wanted at least {FEWEST_EPOCHS}"
        return SurrogateFloor(mean, np.full(mean.shape, np.nan), len(values), of_magnitude, why)
    fewest = np.ceil(_LEVEL * (counts + 1) - _ROUNDING)
    order = np.minimum(np.ceil(level * (counts + 1) - _ROUNDING), counts).astype(int)
    ordered = np.sort(values, axis=0)  # NaN last
    bound = np.take_along_axis(ordered, np.maximum(order - 1, 0)[None], axis=0)[0]
    enough = fewest <= counts
    bound = np.where(enough, bound, np.nan)
    return SurrogateFloor(mean, bound, len(values), of_magnitude, _why_without_bound(enough, counts))


def _why_without_bound(enough: NDArray[np.bool_], counts: NDArray[np.int_]) -> str | None:
    """Say how many pairs have no bound, and why."""
    lacking = ~enough & ~np.eye(len(enough), dtype=bool)
    if not lacking.any():
        return None
    n_pairs, most = np.count_nonzero(lacking) // 2, counts[lacking].max()
    return f"{n_pairs} pairs: a value in {most} surrogates at most, wanted at least {_FEWEST_VALUES}"


def _level(n_different: int | None) -> float | None:
    """Return the level of the quantile: surrogates drawn from few different ones repeat, and must not count as new.

    None when there are too few for any: an uncoupled edge would be the largest of them all too often.
    """
    if n_different is None:
        return _LEVEL
    order = float(np.ceil(_LEVEL * (n_different + 1) - _ROUNDING))
    return None if order > n_different else max(_LEVEL, (order - 0.5) / n_different)
