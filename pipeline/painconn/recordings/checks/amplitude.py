"""How large the signal is: wrong units of a recording or of single channels, and amplifiers at their limit."""

from collections.abc import Iterator

import numpy as np

from painconn.config.checks import Checks
from painconn.recordings.checks.signal import Signal, joined
from painconn.recordings.findings import Finding


def check_amplitude(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find wrong units: the median over channels and one-second windows of the peak-to-peak amplitude."""
    median = float(np.median(signal.peak_to_peak_v))
    low, high = limits.amplitude_v
    if not low <= median <= high:
        looks = {True: "microvolt or millivolt read as volt", False: "a wrong scale, or no signal at all"}
        fix = "if the file has wrong units, state unit_scale of this source (e.g. 1.0e-6)"
        found = f"median peak-to-peak {median:.3g} V (looks like {looks[median > high]})"
        yield Finding("amplitude", found, f"{low:g} to {high:g} V", "exclude recording", fix)


def check_scale(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find single channels in another unit, or that carry no EEG: far larger or smaller than the median channel."""
    per_channel = np.median(signal.peak_to_peak_v, axis=0)
    ratio = per_channel / np.median(per_channel)
    most = limits.max_amplitude_ratio
    odd = tuple(name for name, value in zip(signal.good_names, ratio, strict=True) if value > most or value < 1 / most)
    if odd:
        values = [
            f"{name} ({value:.3g} x)" for name, value in zip(signal.good_names, ratio, strict=True) if name in odd
        ]
        wanted = f"1/{most:g} to {most:g} times the median channel"
        fix = "export these channels in the unit of the others, or look at their electrodes"
        yield Finding("scale", joined(values), wanted, "mark channel", fix, channels=odd)


def check_clipped(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find amplifiers at their limit: samples that stand, with both neighbours, at the channel's own extreme."""
    stuck = {}
    for name, samples in zip(signal.good_names, signal.usable, strict=True):
        share = max(
            float(np.mean(at[:-2] & at[1:-1] & at[2:])) for at in (samples == samples.max(), samples == samples.min())
        )
        if share > limits.max_clipped_fraction:
            stuck[name] = share
    if stuck:
        found = joined([f"{name} ({share:.1%} of the samples at its extreme)" for name, share in stuck.items()])
        wanted = f"at most {limits.max_clipped_fraction:.1%} at the extreme"
        fix = "lower the gain of the amplifier, or wait for offsets to settle"
        yield Finding("clipped", found, wanted, "mark channel", fix, channels=tuple(stuck))
