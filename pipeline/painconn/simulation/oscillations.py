"""The rhythms of the cortex: what each region does, how regions are coupled, and what eyes and pinpricks do to it.

Conventions of this file: processes are ``(n_regions, n_times)`` with expected variance 1 before their moments; what
several couplings put into one region adds up, whatever their order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.simulation import signals
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.people import Person, stream
from painconn.simulation.specification import Coupling, Protocol, Rhythm
from painconn.simulation.variation import waxing

Array = NDArray[np.float64]

_MODULATION_DEPTH = 0.25
_EYES_RAMP_S = 0.5
"""Alpha needs about as long to come up after the eyes close."""


@dataclass(frozen=True)
class Line:
    """One person's spectral line of a rhythm, and how long the recording is."""

    n_times: int
    sfreq_hz: float
    peak_hz: float
    width_hz: float

    def noise(self, rng: np.random.Generator, n_signals: int) -> Array:
        """Return that many independent processes."""
        return signals.band_noise(
            rng, n_signals, self.n_times, sfreq_hz=self.sfreq_hz, peak_hz=self.peak_hz, width_hz=self.width_hz
        )


def oscillation(
    spec: CohortSpec, person: Person, rhythm: Rhythm, regions: tuple[str, ...], onsets_s: Array, *, seed: int
) -> Array:
    """Return one rhythm in every region.

    Parameters
    ----------
    spec, person, seed
        As for :func:`painconn.simulation.person.cortex_signals`.
    rhythm : Rhythm
        One of the cohort's.
    regions : tuple of str
        Regions of the head; those of the couplings are among them.
    onsets_s : ndarray
        Times of the pinpricks.

    Returns
    -------
    moments_nam : ndarray, shape (n_regions, n_times)
    """
    protocol = spec.protocol
    rng = stream(seed, person.participant, f"rhythm {rhythm.name}")
    line = Line(protocol.n_times, protocol.sfreq_hz, person.peak_hz[rhythm.name], rhythm.width_hz)
    own = line.noise(rng, len(regions))
    parts = [
        part
        for coupling in spec.couplings
        if coupling.rhythm == rhythm.name
        for part in _parts(spec, person, coupling, regions, own, onsets_s, line, seed=seed)
    ]
    waves = signals.mixed(own, parts)
    waves *= signals.slow_modulation(
        rng, len(regions), protocol.n_times, sfreq_hz=protocol.sfreq_hz, depth=_MODULATION_DEPTH
    )
    waves *= signals.desynchronisation(
        protocol.n_times, onsets_s, sfreq_hz=protocol.sfreq_hz, depth=person.suppression[rhythm.name]
    )
    waves *= waxing(spec, person.participant, f"rhythm {rhythm.name}", sd=spec.variation.rhythm_waxing_sd, seed=seed)
    _raise_while_eyes_are_closed(waves, rhythm, regions, protocol)
    moments = person.moment_nam[rhythm.name] * np.array([rhythm.weight(region) for region in regions])
    return np.asarray(moments[:, None] * waves)


def _parts(
    spec: CohortSpec,
    person: Person,
    coupling: Coupling,
    regions: tuple[str, ...],
    own: Array,
    onsets_s: Array,
    line: Line,
    *,
    seed: int,
) -> list[signals.Part]:
    r"""Return what a coupling puts into which regions, and how large a share of their variance that is.

    With the person's strength :math:`s`, delay :math:`\tau`, and :math:`p_i` each region's own process, a region is

    .. math:: x_i(t) = \sqrt{1 - \sum_k c_{k}(t)} \; p_i(t) + \sum_k \sqrt{c_{k}(t)} \; h_{ki}(t)

    over its couplings :math:`k`, whose shares :math:`c_k` are divided by their sum where that is above 1:

    * lagged: :math:`c = s`; leaders hold :math:`h(t)`, followers :math:`h(t - \tau)`; zero lag: :math:`\tau = 0`.
    * directed: leaders hold nothing; each follower holds the :math:`L` leaders' own processes,
      :math:`h(t) = \sum_i p_i(t - \tau) / \sqrt L`, with :math:`c = s^2`: its coherency with that sum is :math:`s`,
      with a single leader :math:`s / \sqrt L`. Nothing of a follower is in a leader.
    * amplitude: every region, leaders too, holds :math:`h` with a phase that wanders on its own
      (:func:`painconn.simulation.signals.with_wandering_phase`), with the share that makes the correlation of the log
      envelopes :math:`s` (:func:`painconn.simulation.signals.share_for_log_envelopes`).
    """
    leaders, followers = ([regions.index(name) for name in names] for names in (coupling.leaders, coupling.followers))
    strength, opened = person.coupling[coupling.name], _gate(spec.protocol, coupling, onsets_s)
    if coupling.kind == "directed":
        sent = own[leaders].sum(axis=0) / np.sqrt(len(leaders))
        late = signals.delayed(sent, coupling.delay_s, sfreq_hz=line.sfreq_hz)
        return [(followers, late, strength**2 * opened)]
    rng = stream(seed, person.participant, f"coupling {coupling.name}")
    shared = line.noise(rng, 1)[0]
    if coupling.kind == "amplitude":
        rows = [*leaders, *followers]
        wandering = signals.with_wandering_phase(rng, shared, len(rows), sfreq_hz=line.sfreq_hz)
        return [(rows, wandering, signals.share_for_log_envelopes(strength) * opened)]
    delay_s = 0.0 if coupling.kind == "zero_lag" else coupling.delay_s
    late = signals.delayed(shared, delay_s, sfreq_hz=line.sfreq_hz)
    return [(leaders, shared, strength * opened), (followers, late, strength * opened)]


def _gate(protocol: Protocol, coupling: Coupling, onsets_s: Array) -> Array:
    spans_s: dict[str, Array] = {
        "recording": np.array([[-1.0, protocol.duration_s + 1.0]]),
        **{name: np.array([span]) for name, span in protocol.block_spans_s().items()},
        "pre": np.column_stack([onsets_s - protocol.window_s, onsets_s]),
        "post": np.column_stack([onsets_s, onsets_s + protocol.window_s]),
    }
    return signals.gate(protocol.n_times, spans_s[coupling.span], sfreq_hz=protocol.sfreq_hz)


def _raise_while_eyes_are_closed(waves: Array, rhythm: Rhythm, regions: tuple[str, ...], protocol: Protocol) -> None:
    closed = signals.gate(
        protocol.n_times, protocol.eyes_closed_spans_s(), sfreq_hz=protocol.sfreq_hz, ramp_s=_EYES_RAMP_S
    )
    for row, region in enumerate(regions):
        gain = rhythm.eyes_closed_gain.get(region.rpartition("-")[0], 1.0)
        if gain != 1.0:
            waves[row] *= 1.0 + (gain - 1.0) * closed
