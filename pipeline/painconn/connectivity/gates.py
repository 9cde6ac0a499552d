"""Bands as sets of frequency bins, and the gates that decide what is computable."""

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9
_SAMPLES_PER_COMPONENT = 10


class NotComputable(Exception):  # noqa: N818 - not an error: an outcome with a reason
    """A measure cannot be computed from these data; the text says what was found and what would be needed."""


def band_bins(freqs_hz: NDArray[np.floating], band_hz: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which bins lie in the half-open band ``[low, high)``, shape (frequencies,)."""
    return (freqs_hz >= band_hz[0] - _ROUNDING) & (freqs_hz < band_hz[1] - _ROUNDING)


def why_not_over_epochs(
    band_hz: tuple[float, float],
    *,
    n_epochs: int,
    epoch_length_s: float,
    half_bandwidth_hz: float,
    highest_hz: float,
    min_epochs: int,
    min_cycles: float,
) -> str | None:
    """Say why a measure over epochs is not computable in a band, or None when it is.

    Parameters
    ----------
    band_hz : tuple of float
        Half-open band.
    n_epochs, min_epochs : int
        Epochs there are, and the gate.
    epoch_length_s : float
        Length of an epoch.
    half_bandwidth_hz : float
        Effective smoothing of the spectra.
    highest_hz : float
        Highest frequency that the recording holds (its low-pass).
    min_cycles : float
        Gate: cycles of the lower edge that an epoch must hold.

    Returns
    -------
    reason : str | None
        Names what was found and what would be needed.
    """
    if n_epochs < min_epochs:
        return f"{n_epochs} epochs, wanted at least {min_epochs}"
    return (
        _why_too_short(band_hz, length_s=epoch_length_s, min_cycles=min_cycles)
        or _why_too_narrow(band_hz, half_bandwidth_hz, "longer epochs or a wider band")
        or why_not_in_band(band_hz, highest_hz=highest_hz)
    )


def why_not_over_time(
    band_hz: tuple[float, float],
    *,
    segment_length_s: float,
    half_bandwidth_hz: float,
    highest_hz: float,
    min_cycles: float,
) -> str | None:
    """Say why a measure over time is not computable in a band, or None when it is.

    Parameters
    ----------
    band_hz : tuple of float
        Pass band.
    segment_length_s : float
        Length of a segment.
    half_bandwidth_hz : float
        How far the band-pass reaches beyond the band.
    highest_hz : float
        Highest frequency that the recording holds (its low-pass).
    min_cycles : float
        Gate: cycles of the lower edge that a segment must hold.

    Returns
    -------
    reason : str | None
        Names what was found and what would be needed.
    """
    return (
        why_not_in_band(band_hz, highest_hz=highest_hz)
        or _why_too_narrow(band_hz, half_bandwidth_hz, "a wider band")
        or _why_too_short(band_hz, length_s=segment_length_s, min_cycles=min_cycles)
    )


def why_not_components(n_components: NDArray[np.intp], *, n_samples: int) -> str | None:
    """Say why regions of so many components cannot be related from so few samples, or None when they can.

    Fitted to as many components as there are samples, noise looks perfectly coupled.

    Parameters
    ----------
    n_components : array of int, shape (regions,)
        Components of each region.
    n_samples : int
        Epochs times tapers.
    """
    pair = int(np.sort(n_components)[-2:].sum())
    if n_samples < _SAMPLES_PER_COMPONENT * pair:
        found = f"{n_samples} samples (epochs x tapers) for {pair} components of a pair of regions"
        return f"{found}, wanted at least {_SAMPLES_PER_COMPONENT * pair}: more epochs or fewer components"
    return None


def _why_too_short(band_hz: tuple[float, float], *, length_s: float, min_cycles: float) -> str | None:
    low = band_hz[0]
    if length_s * low < min_cycles - _ROUNDING:
        found = f"{length_s * low:.3g} cycles of {low:g} Hz in {length_s:g} s"
        needed = f"{min_cycles / low:.3g} s" if low > 0 else "a lower edge above 0 Hz"
        return f"{found}, wanted {min_cycles:g} ({needed})"
    return None


def _why_too_narrow(band_hz: tuple[float, float], half_bandwidth_hz: float, advice: str) -> str | None:
    low, high = band_hz
    if high - low < 2 * half_bandwidth_hz - _ROUNDING:
        return f"the band is {high - low:g} Hz wide, the smoothing {2 * half_bandwidth_hz:.3g} Hz: {advice}"
    return None


def why_not_in_band(band_hz: tuple[float, float], *, highest_hz: float) -> str | None:
    """Say why a band cannot be read from data with this low-pass, or None when it can."""
    if band_hz[1] > highest_hz + _ROUNDING:
        return f"the band ends at {band_hz[1]:g} Hz, the data at {highest_hz:g} Hz (low-pass)"
    return None
