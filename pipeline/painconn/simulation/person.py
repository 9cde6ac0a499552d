"""One person's recording: cortex, head, artefacts, amplifier."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.simulation import artefacts, contacts, signals
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead
from painconn.simulation.oscillations import oscillation
from painconn.simulation.people import Person, draw_person, pinprick_onsets_s, pinpricks, stream
from painconn.simulation.variation import source_strength, waxing

if TYPE_CHECKING:
    import mne

Array = NDArray[np.float64]

EVOKED_WAVES = {"peaks_s": (0.12, 0.25), "widths_s": (0.025, 0.05), "sizes": (-0.7, 1.0)}
"""Negative-positive complex after a pinprick, in units of the person's evoked moment."""


def cortex_signals(spec: CohortSpec, person: Person, regions: tuple[str, ...], *, seed: int) -> Array:
    """Return what the regions do: rhythms, their couplings, and the response to each pinprick.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    person : Person
        Traits, from :func:`painconn.simulation.people.draw_person`.
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
        moments += oscillation(spec, person, rhythm, regions, onsets_s, seed=seed)
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


def _background(spec: CohortSpec, person: Person, gain: Array, head: SimulationHead, *, seed: int) -> Array:
    """Return aperiodic activity of the whole cortex at the electrodes.

    Independent sources of one common spectrum, seen through a gain matrix, are a Gaussian process with that spectrum
    and the spatial covariance of the gains; so as many series as there are electrodes stand for all sources, exactly.
    """
    rng = stream(seed, person.participant, "background")
    weighted = gain * np.exp(0.3 * rng.standard_normal(gain.shape[1]))
    weighted *= source_strength(spec, person.participant, head, seed=seed)
    values, vectors = np.linalg.eigh(weighted @ weighted.T)
    # The symmetric root is unique; one made of eigenvectors alone would hang on their arbitrary signs.
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    centred = root - root.mean(axis=0)
    scale = person.background_uv / np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    noise = signals.powerlaw_noise(
        rng,
        len(gain),
        spec.protocol.n_times,
        sfreq_hz=spec.protocol.sfreq_hz,
        exponent=person.exponent,
        knee_hz=spec.knee_hz,
    )
    course = waxing(spec, person.participant, "background", sd=spec.variation.background_waxing_sd, seed=seed)
    return np.asarray(scale * root @ noise * course)


def _surroundings(
    spec: CohortSpec, person: Person, positions_m: Array, rng: np.random.Generator, *, seed: int
) -> Array:
    """Return what the electrodes see besides the brain, before the amplifier."""
    protocol, levels = spec.protocol, person.artefacts
    n_channels, n_times, sfreq_hz = len(positions_m), protocol.n_times, protocol.sfreq_hz
    closed_s = protocol.eyes_closed_spans_s()
    data = artefacts.blinks(
        rng,
        positions_m,
        n_times,
        sfreq_hz=sfreq_hz,
        per_minute=levels["blinks_per_minute"],
        size_uv=levels["blink_uv"],
        closed_s=closed_s,
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
    if levels["saccades_per_minute"]:
        data += artefacts.saccades(
            stream(seed, person.participant, "saccades"),
            positions_m,
            n_times,
            sfreq_hz=sfreq_hz,
            per_minute=levels["saccades_per_minute"],
            size_uv=levels["saccade_uv"],
            closed_s=closed_s,
        )
    if levels["movements_per_minute"]:
        data += artefacts.movements(
            stream(seed, person.participant, "movements"),
            positions_m,
            n_times,
            sfreq_hz=sfreq_hz,
            per_minute=levels["movements_per_minute"],
            size_uv=levels["movement_uv"],
        )
    return data


def _with_bad_contacts(spec: CohortSpec, person: Person, data: Array, *, seed: int) -> Array:
    names, sfreq_hz = spec.channels, spec.protocol.sfreq_hz
    for purpose, channel, disturbed, size_uv in (
        ("noisy channel", person.noisy_channel, contacts.with_noisy_channel, spec.contacts.noisy_uv),
        ("popping channel", person.popping_channel, contacts.with_popping_channel, spec.contacts.popping_uv),
    ):
        if channel is not None:
            rng = stream(seed, person.participant, purpose)
            data = disturbed(rng, data, names.index(channel), sfreq_hz=sfreq_hz, size_uv=size_uv)
    if person.flat_channel is not None:
        data = contacts.with_flat_channel(data, names.index(person.flat_channel))
    return data


def electrode_signals(spec: CohortSpec, person: Person, *, seed: int, head: SimulationHead) -> Array:
    """Return one person's recording as the amplifier stores it: every channel against the reference electrode.

    Parameters
    ----------
    spec, person, seed
        As for :func:`cortex_signals`.
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
    data += _background(spec, person, gain, head, seed=seed)
    rng = stream(seed, person.participant, "artefacts")
    surroundings = _surroundings(spec, person, head.positions_m, rng, seed=seed)
    if person.bridged_channels:
        bridged = [spec.channels.index(name) for name in person.bridged_channels]
        data, surroundings = (contacts.with_bridge(part, bridged) for part in (data, surroundings))
    surroundings += artefacts.sensor_noise(rng, *data.shape, size_uv=person.artefacts["sensor_noise_uv"])
    data += surroundings
    data = _with_bad_contacts(spec, person, data[:-1] - data[-1], seed=seed)
    if person.channel_gains:
        data *= np.array([person.channel_gains[name] for name in spec.channels])[:, None]
    return np.asarray(np.round(data / spec.protocol.resolution_uv) * spec.protocol.resolution_uv)


def simulate_person(
    spec: CohortSpec, participant: str, group: str, *, seed: int, head: SimulationHead
) -> "mne.io.RawArray":
    """Simulate one person's recording; it follows from the arguments alone, whoever else is in the cohort.

    Parameters
    ----------
    spec, participant, group, seed
        As for :func:`painconn.simulation.people.draw_person`.
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
