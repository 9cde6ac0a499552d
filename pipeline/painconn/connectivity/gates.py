"""Bands as sets of frequency bins, and the gates that decide what is computable."""

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9


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
    low, high = band_hz
    if n_epochs < min_epochs:
        return f"{n_epochs} epochs, wanted at least {min_epochs}"
    cycles = why_not_over_time(band_hz, segment_length_s=epoch_length_s, min_cycles=min_cycles)
    if cycles:
        return cycles
    if high - low < 2 * half_bandwidth_hz - _ROUNDING:
        found = f"the band is {high - low:g} Hz wide, the smoothing {2 * half_bandwidth_hz:g} Hz"
        return f"{found}: longer epochs or a wider band"
    return why_not_in_band(band_hz, highest_hz=highest_hz)


def why_not_over_time(band_hz: tuple[float, float], *, segment_length_s: float, min_cycles: float) -> str | None:
    """Say why a segment (or epoch) is too short for a band, or None when it holds enough cycles of the lower edge."""
    low = band_hz[0]
    if segment_length_s * low < min_cycles - _ROUNDING:
        found = f"{segment_length_s * low:.3g} cycles of {low:g} Hz in {segment_length_s:g} s"
        needed = f"{min_cycles / low:.3g} s" if low > 0 else "a lower edge above 0 Hz"
        return f"{found}, wanted {min_cycles:g} ({needed})"
    return None


def why_not_in_band(band_hz: tuple[float, float], *, highest_hz: float) -> str | None:
    """Say why a band cannot be read from data with this low-pass, or None when it can."""
    if band_hz[1] > highest_hz + _ROUNDING:
        return f"the band ends at {band_hz[1]:g} Hz, the data at {highest_hz:g} Hz (low-pass)"
    return None
