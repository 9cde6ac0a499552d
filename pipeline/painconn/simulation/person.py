"""One person's recording: cortex, head, artefacts, amplifier."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.simulation import artefacts, signals
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead
from painconn.simulation.people import Person, draw_person, pinprick_onsets_s, pinpricks, stream
from painconn.simulation.specification import Coupling, Rhythm

if TYPE_CHECKING:
    import mne

Array = NDArray[np.float64]

EVOKED_WAVES = {"peaks_s": (0.12, 0.25), "widths_s": (0.025, 0.05), "sizes": (-0.7, 1.0)}
"""Negative-positive complex after a pinprick, in units of the person's evoked moment."""


def _coupling_gate(spec: CohortSpec, coupling: Coupling, onsets_s: Array) -> Array:
    protocol = spec.protocol
    spans_s: dict[str, Array] = {
        "recording": np.array([[-1.0, protocol.duration_s + 1.0]]),
        **{name: np.array([span]) for name, span in protocol.block_spans_s().items()},
        "pre": np.column_stack([onsets_s - protocol.window_s, onsets_s]),
        "post": np.column_stack([onsets_s, onsets_s + protocol.window_s]),
    }
    return signals.gate(protocol.n_times, spans_s[coupling.span], sfreq_hz=protocol.sfreq_hz)


def _oscillation(
    spec: CohortSpec, person: Person, rhythm: Rhythm, regions: tuple[str, ...], onsets_s: Array, *, seed: int
) -> Array:
    protocol = spec.protocol
    rng = stream(seed, person.participant, f"rhythm {rhythm.name}")
    line = {"sfreq_hz": protocol.sfreq_hz, "peak_hz": person.peak_hz[rhythm.name], "width_hz": rhythm.width_hz}
    waves = signals.band_noise(rng, len(regions), protocol.n_times, **line)
    for coupling in spec.couplings:
        if coupling.rhythm != rhythm.name:
            continue
        shared_rng = stream(seed, person.participant, f"coupling {coupling.name}")
        shared = signals.band_noise(shared_rng, 1, protocol.n_times, **line)[0]
        strength = person.coupling[coupling.name] * _coupling_gate(spec, coupling, onsets_s)
        late = signals.delayed(shared, coupling.delay_s, sfreq_hz=protocol.sfreq_hz)
        for names, process in ((coupling.leaders, shared), (coupling.followers, late)):
            rows = [regions.index(name) for name in names]
            waves[rows] = signals.mixed_with(waves[rows], process, strength)
    waves *= signals.slow_modulation(rng, len(regions), protocol.n_times, sfreq_hz=protocol.sfreq_hz, depth=0.25)
    waves *= signals.desynchronisation(
        protocol.n_times, onsets_s, sfreq_hz=protocol.sfreq_hz, depth=person.suppression[rhythm.name]
    )
    moments = person.moment_nam[rhythm.name] * np.array([rhythm.weight(region) for region in regions])
    return moments[:, None] * waves


def cortex_signals(spec: CohortSpec, person: Person, regions: tuple[str, ...], *, seed: int) -> Array:
    """Return what the regions do: rhythms, their couplings, and the response to each pinprick.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    person : Person
        Traits, from :func:`painconn.simulation.cohort.draw_person`.
    regions : tuple of str
        Regions of the head.
    seed : int
        Seed of the cohort.

    Returns
    -------
    moments_nam : ndarray, shape (n_regions, n_times)
        Dipole moment of each region patch, without the aperiodic background.
    """
    onsets_s = pinprick_onsets_s(spec, person.participant, seed=seed)
    moments = np.zeros((len(regions), spec.protocol.n_times))
    for rhythm in spec.rhythms:
        moments += _oscillation(spec, person, rhythm, regions, onsets_s, seed=seed)
    evoked = person.evoked_nam * signals.evoked_response(
        stream(seed, person.participant, "evoked"),
        spec.protocol.n_times,
        onsets_s,
        sfreq_hz=spec.protocol.sfreq_hz,
        jitter_s=0.012,
        variation=0.3,
        **EVOKED_WAVES,
    )
    rows = [index for index, region in enumerate(regions) if region.rpartition("-")[0] in spec.evoked_regions]
    moments[rows] += evoked
    return moments


def _background(spec: CohortSpec, person: Person, gain: Array, *, seed: int) -> Array:
    """Return aperiodic activity of the whole cortex at the electrodes.

    Independent sources of one common spectrum, seen through a gain matrix, are a Gaussian process with that spectrum
    and the spatial covariance of the gains; so as many series as there are electrodes stand for all sources, exactly.
    """
    rng = stream(seed, person.participant, "background")
    weighted = gain * np.exp(0.3 * rng.standard_normal(gain.shape[1]))
    values, vectors = np.linalg.eigh(weighted @ weighted.T)
    # The symmetric root is unique; one made of eigenvectors alone would hang on their arbitrary signs.
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    centred = root - root.mean(axis=0)
    scale = person.background_uv / np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    noise = signals.powerlaw_noise(
        rng, len(gain), spec.protocol.n_times, sfreq_hz=spec.protocol.sfreq_hz, exponent=person.exponent
    )
    return np.asarray(scale * root @ noise)


def _artefacts(spec: CohortSpec, person: Person, positions_m: Array, *, seed: int) -> Array:
    protocol, levels = spec.protocol, person.artefacts
    n_channels, n_times, sfreq_hz = len(positions_m), protocol.n_times, protocol.sfreq_hz
    rng = stream(seed, person.participant, "artefacts")
    data = artefacts.blinks(
        rng, positions_m, n_times, sfreq_hz=sfreq_hz, per_minute=levels["blinks_per_minute"], size_uv=levels["blink_uv"]
    )
    data += artefacts.heart(
        rng, positions_m, n_times, sfreq_hz=sfreq_hz, per_minute=levels["heart_per_minute"], size_uv=levels["heart_uv"]
    )
    data += artefacts.muscle(
        rng,
        positions_m,
        n_times,
        sfreq_hz=sfreq_hz,
        bursts_per_minute=levels["muscle_bursts_per_minute"],
        burst_uv=levels["muscle_burst_uv"],
        tone_uv=levels["muscle_tone_uv"],
    )
    data += artefacts.line_noise(
        rng, n_channels, n_times, sfreq_hz=sfreq_hz, line_hz=protocol.line_hz, size_uv=levels["line_uv"]
    )
    data += artefacts.drifts(rng, n_channels, n_times, sfreq_hz=sfreq_hz, size_uv=levels["drift_uv"])
    data += artefacts.sensor_noise(rng, n_channels, n_times, size_uv=levels["sensor_noise_uv"])
    return data


def electrode_signals(spec: CohortSpec, person: Person, *, seed: int, head: SimulationHead) -> Array:
    """Return one person's recording as the amplifier stores it: every channel against the reference electrode.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    person : Person
        Traits.
    seed : int
        Seed of the cohort.
    head : SimulationHead
        Its electrodes are the spec's channels, then the reference.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
        In the order of ``spec.channels``.
    """
    rng = stream(seed, person.participant, "head")
    gain = head.person_gain(rng, jitter_m=spec.head.electrode_jitter_m)
    region_gain = head.region_gain(rng, gain, patch_radius_m=spec.head.patch_radius_m)
    data = region_gain @ cortex_signals(spec, person, head.regions, seed=seed)
    data += _background(spec, person, gain, seed=seed)
    data += _artefacts(spec, person, head.positions_m, seed=seed)
    data = data[:-1] - data[-1]
    if person.noisy_channel is not None:
        data = artefacts.with_noisy_channel(
            stream(seed, person.participant, "noisy channel"),
            data,
            spec.channels.index(person.noisy_channel),
            sfreq_hz=spec.protocol.sfreq_hz,
            size_uv=spec.contacts.noisy_uv,
        )
    if person.flat_channel is not None:
        data = artefacts.with_flat_channel(data, spec.channels.index(person.flat_channel))
    return np.asarray(np.round(data / spec.protocol.resolution_uv) * spec.protocol.resolution_uv)


def simulate_person(
    spec: CohortSpec, participant: str, group: str, *, seed: int, head: SimulationHead
) -> "mne.io.RawArray":
    """Simulate one person's recording; it follows from the arguments alone, whoever else is in the cohort.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    participant, group : str
        Label, and one of the spec's groups.
    seed : int
        Seed of the cohort.
    head : SimulationHead
        Built for ``(*spec.channels, spec.reference)``.

    Returns
    -------
    raw : mne.io.RawArray
        Volts; an annotation for each block and each pinprick; no date, no electrode positions.
    """
    import mne

    person = draw_person(spec, participant, group, seed=seed)
    info = mne.create_info(list(spec.channels), spec.protocol.sfreq_hz, "eeg", verbose="error")
    data_v = 1e-6 * electrode_signals(spec, person, seed=seed, head=head)
    raw = mne.io.RawArray(data_v, info, verbose="error")
    raw.info["line_freq"] = spec.protocol.line_hz
    blocks = spec.protocol.block_spans_s()
    events = pinpricks(spec, participant, seed=seed)
    raw.set_annotations(
        mne.Annotations(
            onset=[*(start for start, _ in blocks.values()), *(one.onset_s for one in events)],
            duration=[*(end - start for start, end in blocks.values()), *np.zeros(len(events))],
            description=[*blocks, *(one.name for one in events)],
        )
    )
    return raw
