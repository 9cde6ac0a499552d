"""Simulated recordings of which every part is known: brain, each artefact, and what bad contacts do to them.

Conventions of this file: parts are ``(n_channels, n_times)`` in volts against the recording reference, as recorded;
they add up to the recording exactly.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.template import write_subject
from painconn.simulation import artefacts
from painconn.simulation.caps import CAP_19, CAP_32
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.contacts import pops
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.people import draw_person, stream
from painconn.simulation.person import electrode_signals
from painconn.simulation.presets import RHYTHMS
from painconn.simulation.signals import powerlaw_noise
from painconn.simulation.specification import Artefacts, Block, Protocol, Spread

if TYPE_CHECKING:
    import mne

Array = NDArray[np.float64]

SFREQ_HZ, LINE_HZ, SEED = 500.0, 50.0, 1
GROUP = "localized"

CAP_64 = (
    *CAP_32, "AF7", "AF3", "AFz", "AF4", "AF8", "F5", "F1", "F2", "F6", "FT7", "FC3", "FC4", "FT8", "C5", "C1", "C2",
    "C6", "TP7", "CP3", "CPz", "CP4", "TP8", "P5", "P1", "P2", "P6", "PO7", "PO3", "POz", "PO4", "PO8", "Iz",
)  # fmt: skip
CAPS = {len(cap): cap for cap in (CAP_19, CAP_32, CAP_64)}

LEVELS = Artefacts(
    blinks_per_minute=Spread(14.0, 4.0, 6.0, 25.0),
    muscle_bursts_per_minute=Spread(4.0, 2.0, 1.0, 10.0),
    muscle_burst_uv=Spread(30.0, 10.0, 12.0, 60.0),
    muscle_tone_uv=Spread(2.0, 0.8, 0.5, 4.0),
    line_uv=Spread(5.0, 2.0, 1.0, 12.0),
)
"""More muscle, blinks and line noise than in the simulated cohorts of the demo: recordings that need cleaning."""

ARTEFACTS = ("blinks", "saccades", "muscle", "heart", "line", "drift")
"""What does not come from the brain; the amplifier's own white noise is a part, too, that nobody can remove."""

SACCADES_PER_MINUTE, SACCADE_UV = 20.0, 35.0

EOG_M = {"VEOG": (-0.034, 0.088, -0.042), "HEOG": (0.066, 0.066, -0.012)}
"""Below the left eye, and at the outer canthus of the right one."""
_EOG_BRAIN_SHARE, _EOG_NOISE_UV = 0.5, 3.0

CONTACTS = ("flat", "disconnected", "noisy", "popping", "bridged")
"""Bad contacts; a bridge is one of them and takes two channels."""
N_CONTACTS = {19: 2, 32: 3, 64: 5}
NOISY_UV, DISCONNECTED_UV, DISCONNECTED_LINE_UV = 60.0, 10.0, 15.0
POP_UV = 200.0


@dataclass(frozen=True, eq=False)
class Recording:
    """A simulated recording and its truth.

    Parameters
    ----------
    raw : mne.io.RawArray
        EEG with electrode positions, and two EOG channels.
    brain : ndarray, shape (n_channels, n_times)
        The brain's part as good contacts would have recorded it.
    parts : dict of str to ndarray
        ``brain``, each of `ARTEFACTS`, ``contact`` and ``amplifier`` as recorded.
    bads : dict of str to str
        Channels with a bad contact, and which.
    """

    raw: "mne.io.RawArray"
    brain: Array
    parts: dict[str, Array]
    bads: dict[str, str]


def specification(n_channels: int, duration_s: float) -> CohortSpec:
    """Return the cohort that a recording is drawn from: rest, with the rhythms of the simulated pain cohort."""
    still = Protocol(blocks=(), pause_s=0.0, n_pinpricks=0)
    rest = Block(duration_s=duration_s - still.duration_s)
    return CohortSpec(
        name="cleaning",
        n_per_group={GROUP: 1},
        channels=CAPS[n_channels],
        rhythms=RHYTHMS,
        couplings=(),
        protocol=replace(still, blocks=(rest,), sfreq_hz=SFREQ_HZ, resolution_uv=1e-6),
        artefacts=LEVELS,
    )


@cache
def head_of(n_channels: int) -> SimulationHead:
    """Return the head of the simulation, which is not that of the analysis."""
    with tempfile.TemporaryDirectory() as folder:
        write_subject(Path(folder))
        return build_simulation_head(specification(n_channels, 10.0), Path(folder))


def simulate(n_channels: int, participant: str, *, duration_s: float, contacts: bool) -> Recording:
    """Simulate one person's recording; with bad contacts it is the same recording otherwise.

    Parameters
    ----------
    n_channels : {19, 32, 64}
        Which cap.
    participant : str
        Label; the contacts that are bad take turns with it.
    duration_s : float
        Length.
    contacts : bool
        Whether some contacts are bad.
    """
    import mne

    spec, head = specification(n_channels, duration_s), head_of(n_channels)
    person = draw_person(spec, participant, GROUP, seed=SEED)
    silent = {name: 0.0 if name.endswith("_uv") else level for name, level in person.artefacts.items()}
    clean = replace(person, artefacts=silent, noisy_channel=None, flat_channel=None)
    brain = electrode_signals(spec, clean, seed=SEED, head=head)
    positions_m = np.vstack([head.positions_m, list(EOG_M.values())])
    everywhere = _artefacts_uv(spec, participant, person.artefacts, positions_m)
    parts = {name: data[:n_channels] - data[n_channels] for name, data in everywhere.items()}
    noise = stream(SEED, participant, "amplifier")
    level_uv = person.artefacts["sensor_noise_uv"]
    parts["amplifier"] = artefacts.sensor_noise(noise, *brain.shape, size_uv=level_uv)
    eog = sum(data[n_channels + 1 :] - data[n_channels] for data in everywhere.values())
    eog += _EOG_BRAIN_SHARE * brain[:2] + artefacts.sensor_noise(noise, *eog.shape, size_uv=_EOG_NOISE_UV)
    bads: dict[str, str] = {}
    recorded = {"brain": brain.copy(), **parts, "contact": np.zeros_like(brain)}
    if contacts:
        turn = int(participant) * N_CONTACTS[n_channels]
        kinds = [CONTACTS[(turn + number) % len(CONTACTS)] for number in range(N_CONTACTS[n_channels])]
        bads = _spoil(stream(SEED, participant, "contacts"), recorded, spec.channels, head.positions_m, kinds)
    info = mne.create_info([*spec.channels, *EOG_M], SFREQ_HZ, ["eeg"] * n_channels + ["eog"] * len(EOG_M))
    raw = mne.io.RawArray(1e-6 * np.vstack([sum(recorded.values()), eog]), info, verbose="ERROR")
    places = dict(zip(spec.channels, head.positions_m, strict=False))
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    return Recording(raw, 1e-6 * brain, {name: 1e-6 * data for name, data in recorded.items()}, bads)


def _artefacts_uv(spec: CohortSpec, participant: str, levels: dict[str, float], positions_m: Array) -> dict[str, Array]:
    """Return each artefact at electrodes, reference and EOG channels; sizes are those at the scalp."""
    n_times, rate = spec.protocol.n_times, {"sfreq_hz": spec.protocol.sfreq_hz}
    n_scalp, n_all = len(spec.channels) + 1, len(positions_m)

    def rng(name: str) -> np.random.Generator:
        return stream(SEED, participant, f"cleaning {name}")

    blinks = artefacts.blinks(
        rng("blinks"), positions_m, n_times, **rate, per_minute=levels["blinks_per_minute"], size_uv=levels["blink_uv"]
    )
    looking = artefacts.gaze(rng("saccades"), n_times, **rate, per_minute=SACCADES_PER_MINUTE)
    saccades = np.outer(artefacts.gaze_topography(positions_m), looking)
    muscle = artefacts.muscle(
        rng("muscle"),
        positions_m[:n_scalp],
        n_times,
        **rate,
        bursts_per_minute=levels["muscle_bursts_per_minute"],
        burst_uv=levels["muscle_burst_uv"],
        tone_uv=levels["muscle_tone_uv"],
    )
    return {
        # the EOG electrodes are nearer to the eyes than any that the size is stated for
        "blinks": blinks * np.abs(blinks).max() / np.abs(blinks[:n_scalp]).max(),
        "saccades": SACCADE_UV * saccades / np.abs(saccades[:n_scalp]).max(),
        "muscle": np.vstack([muscle, np.zeros((n_all - n_scalp, n_times))]),
        "heart": artefacts.heart(
            rng("heart"),
            positions_m,
            n_times,
            **rate,
            per_minute=levels["heart_per_minute"],
            size_uv=levels["heart_uv"],
        ),
        "line": artefacts.line_noise(rng("line"), n_all, n_times, **rate, line_hz=LINE_HZ, size_uv=levels["line_uv"]),
        "drift": artefacts.drifts(rng("drift"), n_all, n_times, **rate, size_uv=levels["drift_uv"]),
    }


def _spoil(
    rng: np.random.Generator,
    parts: dict[str, Array],
    channels: Sequence[str],
    positions_m: Array,
    kinds: Sequence[str],
) -> dict[str, str]:
    """Change the parts as bad contacts do, noise of contacts into ``contact``; return the channels and their kinds.

    A contact that is lost or bridged changes every part alike, so that the parts still add up to the recording.
    """
    n_times = parts["brain"].shape[1]
    bads: dict[str, str] = {}
    for kind in kinds:
        free = [index for index, name in enumerate(channels) if name not in bads]
        index = int(rng.choice(free))
        rows = [index]
        if kind == "bridged":
            rows.append(
                min(set(free) - {index}, key=lambda other: np.linalg.norm(positions_m[other] - positions_m[index]))
            )
            for name in set(parts) - {"amplifier"}:
                parts[name][rows] = parts[name][rows].mean(axis=0)
        if kind in ("flat", "disconnected"):
            for data in parts.values():
                data[index] = 0.0
        parts["contact"][index] += _contact_noise(rng, kind, n_times)
        bads |= {channels[row]: kind for row in rows}
    return bads


def _contact_noise(rng: np.random.Generator, kind: str, n_times: int) -> Array:
    if kind == "noisy":
        return NOISY_UV * powerlaw_noise(rng, 1, n_times, sfreq_hz=SFREQ_HZ, exponent=0.5)[0]
    if kind == "disconnected":
        mains = artefacts.line_noise(rng, 1, n_times, sfreq_hz=SFREQ_HZ, line_hz=LINE_HZ, size_uv=DISCONNECTED_LINE_UV)[
            0
        ]
        return DISCONNECTED_UV * powerlaw_noise(rng, 1, n_times, sfreq_hz=SFREQ_HZ, exponent=1.0)[0] + mains
    if kind == "popping":
        return pops(rng, n_times, sfreq_hz=SFREQ_HZ, size_uv=POP_UV)
    return np.zeros(n_times)
