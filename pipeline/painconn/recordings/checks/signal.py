"""What the checks of stage ``signal`` look at, and the quantities that several of them need."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.config.data import Source
from painconn.recordings.findings import Stretches
from painconn.recordings.readers import positions_of
from painconn.recordings.sidecars import Sidecars

STILL_STEP_V = 1e-10
"""Two samples that differ by less than this (0.1 nV, far below amplifier noise) count as the same value."""

_MOST_SPANS = 120
_MOST_WINDOWS = 60
_WINDOW_S = 2.0
_BAND_HZ = (1.0, 30.0)


@dataclass(frozen=True, eq=False)
class Signal:
    """A recording as the checks see it.

    Parameters
    ----------
    names : tuple of str
        All channels.
    eeg : ndarray, shape (channels, times)
        EEG channels that are not marked bad, in volts, all finite; epochs lie one after the other.
    missing : ndarray of bool, shape (channels, times), or None
        Which of these samples were no numbers and are filled in; None: none.
    good_names, eeg_names : tuple of str
        Names of the channels in `eeg`, and of all EEG channels.
    sfreq_hz : float
        Rate.
    sidecars : Sidecars
        What the sidecars say.
    positioned : tuple of str or None
        EEG channels with a position; None when the template's positions are used.
    stated_names : frozenset of str
        Names that the file itself holds; empty: not known.
    file_units : mapping of str to str
        Unit that the file states, by channel: V, mV, µV or nV; channels of another unit are left out.
    unit_scale : float or None
        The stated factor that the numbers of the file were multiplied by.
    marked : mapping of str to str
        Channels that a check has marked bad: the check.
    lost : ndarray of bool, shape (times,), or None
        Samples in stretches that a check has marked.
    """

    names: tuple[str, ...]
    eeg: NDArray[np.float64]
    missing: NDArray[np.bool_] | None
    good_names: tuple[str, ...]
    eeg_names: tuple[str, ...]
    sfreq_hz: float
    sidecars: Sidecars
    positioned: tuple[str, ...] | None
    stated_names: frozenset[str] = frozenset()
    file_units: Mapping[str, str] = field(default_factory=dict)
    unit_scale: float | None = None
    marked: Mapping[str, str] = field(default_factory=dict)
    lost: NDArray[np.bool_] | None = None

    @property
    def duration_s(self) -> float:
        """Length of what was read."""
        return self.eeg.shape[1] / self.sfreq_hz

    def without(self, channels: Collection[str], check: str) -> "Signal":
        """Return the signal for the checks that follow: `channels` are marked, and no longer looked at."""
        kept = [index for index, name in enumerate(self.good_names) if name not in channels]
        return replace(
            self,
            eeg=self.eeg[kept],
            missing=None if self.missing is None else self.missing[kept],
            good_names=tuple(self.good_names[index] for index in kept),
            marked={**self.marked, **dict.fromkeys(channels, check)},
        )

    def without_stretches(self, stretches_s: Stretches) -> "Signal":
        """Return the signal for the checks that follow: what is in these stretches is left out of `usable`."""
        lost = np.zeros(self.eeg.shape[1], dtype=bool) if self.lost is None else self.lost.copy()
        for onset_s, duration_s in stretches_s:
            lost[round(onset_s * self.sfreq_hz) : round((onset_s + duration_s) * self.sfreq_hz)] = True
        return replace(self, lost=lost)

    @cached_property
    def usable(self) -> NDArray[np.float64]:
        """What is left of `eeg` outside the marked stretches, shape (channels, times)."""
        return self.eeg if self.lost is None else self.eeg[:, ~self.lost]

    @cached_property
    def peak_to_peak_v(self) -> NDArray[np.float64]:
        """Peak-to-peak amplitude in windows of one second, shape (windows, channels).

        Windows of one second keep slow drifts and offsets of DC recordings out of the number.
        """
        n_times = self.usable.shape[1]
        n_window = min(max(round(self.sfreq_hz), 2), n_times)
        starts = np.unique(np.linspace(0, n_times - n_window, _MOST_SPANS).astype(int))
        return np.array([np.ptp(self.usable[:, start : start + n_window], axis=1) for start in starts])

    @cached_property
    def covariances_uv2(self) -> NDArray[np.float64]:
        """Covariance of the channels at 1-30 Hz, shape (windows, channels, channels), in square microvolts.

        Hann windows of 2 s, at most 60 of them spread over the recording. The diagonal holds band powers; by Parseval's
        theorem no filter is needed.
        """
        from scipy.fft import rfft, rfftfreq

        n_times = self.usable.shape[1]
        n_window = min(round(_WINDOW_S * self.sfreq_hz), n_times)
        n_fitting = n_times // n_window
        chosen = np.unique(np.linspace(0, n_fitting - 1, min(n_fitting, _MOST_WINDOWS)).astype(int))
        freqs_hz = rfftfreq(n_window, 1 / self.sfreq_hz)
        band = (freqs_hz >= _BAND_HZ[0]) & (freqs_hz <= _BAND_HZ[1])
        taper = np.hanning(n_window)
        covariances = []
        for start in chosen * n_window:
            piece = self.usable[:, start : start + n_window] * 1e6
            spectra = rfft((piece - piece.mean(axis=1, keepdims=True)) * taper, axis=1)[:, band]
            covariances.append((spectra @ spectra.conj().T).real * 2 / (n_window * np.sum(taper**2)))
        return np.array(covariances)

    @cached_property
    def correlations(self) -> NDArray[np.float64]:
        """Median over windows of the correlation at 1-30 Hz, shape (channels, channels)."""
        powers = np.einsum("wcc->wc", self.covariances_uv2)
        scale = np.sqrt(powers[:, :, None] * powers[:, None, :])
        ratio = np.divide(self.covariances_uv2, scale, out=np.zeros_like(scale), where=scale > 0)
        return np.median(ratio, axis=0)


def signal_of(
    read: Any, *, source: Source, sidecars: Sidecars | None = None, stated_names: frozenset[str] = frozenset()
) -> Signal:
    """Return what the checks need of a Raw or of Epochs (MNE)."""
    kinds = read.get_channel_types()
    picks = [
        index for index, name in enumerate(read.ch_names) if kinds[index] == "eeg" and name not in read.info["bads"]
    ]
    data = read.get_data(picks=picks) if picks else np.empty((0, 0))
    if data.ndim == 3:
        data = np.concatenate(list(data), axis=1) if len(data) else np.empty((len(picks), 0))
    # One sum tells whether anything is not finite; the mask of all samples is only made when it is.
    missing = None if np.isfinite(data.sum()) else ~np.isfinite(data)
    return Signal(
        names=tuple(read.ch_names),
        eeg=data if missing is None else np.array([filled(samples) for samples in data]),
        missing=missing,
        good_names=tuple(read.ch_names[index] for index in picks),
        eeg_names=tuple(name for name, kind in zip(read.ch_names, kinds, strict=True) if kind == "eeg"),
        sfreq_hz=float(read.info["sfreq"]),
        sidecars=sidecars or Sidecars(),
        positioned=tuple(positions_of(read.info)) if source.montage == "digitised" else None,
        stated_names=stated_names,
        file_units=getattr(read, "_orig_units", {}),
        unit_scale=source.unit_scale,
    )


def filled(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one channel with a straight line where it has no numbers; zeros when it has none at all."""
    finite = np.isfinite(samples)
    if finite.all():
        return samples
    if not finite.any():
        return np.zeros_like(samples)
    times = np.arange(len(samples))
    return np.interp(times, times[finite], samples[finite])


def joined(names: Collection[str], *, most: int = 8) -> str:
    """Return channel names for a message, the first ones when there are many."""
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
