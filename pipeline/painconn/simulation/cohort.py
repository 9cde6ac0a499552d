"""What a simulated cohort is: the declared truth, and the people drawn from it.

Conventions of this file: a :class:`CohortSpec` holds only numbers, text and tuples, so it can be written beside the
data as the truth; regions are named as in the Desikan-Killiany parcellation (``postcentral-lh``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem
from painconn.provenance import seed_for

Array = NDArray[np.float64]
Span = Literal["recording", "rest", "pre", "post"]


@dataclass(frozen=True)
class Spread:
    """How a trait varies over people: normal with `mean` and `sd`, kept within `low` and `high`."""

    mean: float
    sd: float
    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one person's value (always exactly one random number, so that specs stay comparable)."""
        return float(np.clip(self.mean + self.sd * rng.standard_normal(), self.low, self.high))


@dataclass(frozen=True)
class Rhythm:
    """A narrow-band oscillation that every region has, in its own strength.

    Parameters
    ----------
    name : str
        Theta, alpha, beta.
    peak_hz : Spread
        Peak frequency of a person at the age of 45.
    peak_hz_per_year : float
        How the peak moves with age.
    width_hz : float
        Standard deviation of the line in the power spectrum.
    moment_nam : Spread
        Root-mean-square dipole moment of a region patch with weight 1.
    weights : mapping
        Weight of a region (both sides), by its name without side; others have `other_weight`.
    other_weight : float
        Weight of the regions that `weights` does not name.
    suppression : Spread
        Fraction of the amplitude that is lost after a pinprick.
    """

    name: str
    peak_hz: Spread
    width_hz: float
    moment_nam: Spread
    weights: Mapping[str, float]
    other_weight: float
    suppression: Spread
    peak_hz_per_year: float = 0.0

    def weight(self, region: str) -> float:
        """Return the weight of a region such as ``insula-lh``."""
        return self.weights.get(region.rpartition("-")[0], self.other_weight)


@dataclass(frozen=True)
class Coupling:
    """A planted coupling: one process that the followers hold later than the leaders.

    Parameters
    ----------
    name : str
        Name in the truth.
    rhythm : str
        The rhythm that is coupled.
    leaders, followers : tuple of str
        Regions; coupling is lagged between the two sets and without lag within a set.
    delay_s : float
        How much later the followers are; a quarter cycle is the most visible to imaginary and phase-lag measures.
    strength : mapping of str to Spread
        By group: share of the common process, which is the magnitude of the coherency before amplitude modulation.
    span : {"recording", "rest", "pre", "post"}
        When it is there; pre and post are the windows before and after each pinprick.
    """

    name: str
    rhythm: str
    leaders: tuple[str, ...]
    followers: tuple[str, ...]
    delay_s: float
    strength: Mapping[str, Spread]
    span: Span = "recording"


@dataclass(frozen=True)
class Artefacts:
    """What the cleaning has to deal with; nothing here depends on the group."""

    blinks_per_minute: Spread = Spread(10.0, 4.0, 2.0, 25.0)
    blink_uv: Spread = Spread(110.0, 25.0, 50.0, 200.0)
    heart_per_minute: Spread = Spread(70.0, 9.0, 48.0, 100.0)
    heart_uv: Spread = Spread(3.0, 1.0, 0.5, 8.0)
    muscle_bursts_per_minute: Spread = Spread(0.8, 0.4, 0.0, 3.0)
    muscle_burst_uv: Spread = Spread(12.0, 4.0, 3.0, 40.0)
    muscle_tone_uv: Spread = Spread(1.0, 0.4, 0.2, 3.0)
    line_uv: Spread = Spread(3.0, 1.0, 0.5, 10.0)
    drift_uv: Spread = Spread(15.0, 5.0, 3.0, 40.0)
    sensor_noise_uv: Spread = Spread(0.8, 0.15, 0.4, 2.0)
    noisy_channel_probability: float = 0.4
    noisy_channel_uv: float = 90.0
    flat_channel_probability: float = 0.15


@dataclass(frozen=True)
class HeadSpec:
    """The head of the simulation; it differs from that of the analysis on purpose (no inverse crime)."""

    conductivity_s_per_m: tuple[float, float, float] = (0.33, 0.0125, 0.33)
    source_spacing: str = "oct5"
    bem_ico: int = 3
    electrode_jitter_m: float = 0.003
    patch_radius_m: float = 0.010


@dataclass(frozen=True)
class Protocol:
    """One recording: a rest block, then pinpricks at jittered intervals."""

    task: str = "pain"
    rest_s: float = 60.0
    pause_s: float = 5.0
    n_pinpricks: int = 40
    interval_s: tuple[float, float] = (3.0, 3.5)
    window_s: float = 1.25
    sfreq_hz: float = 250.0
    line_hz: float = 50.0
    resolution_uv: float = 0.05

    @property
    def duration_s(self) -> float:
        """Return the length of the recording, the same for everybody."""
        return self.rest_s + self.pause_s + (self.n_pinpricks + 1) * self.interval_s[1]

    @property
    def n_times(self) -> int:
        """Return the number of samples."""
        return round(self.duration_s * self.sfreq_hz)


@dataclass(frozen=True)
class CohortSpec:
    """The declared truth of a cohort."""

    name: str
    n_per_group: Mapping[str, int]
    channels: tuple[str, ...]
    rhythms: tuple[Rhythm, ...]
    couplings: tuple[Coupling, ...]
    reference: str = "FCz"
    protocol: Protocol = Protocol()
    head: HeadSpec = HeadSpec()
    artefacts: Artefacts = Artefacts()
    age_years: Spread = Spread(48.0, 11.0, 21.0, 75.0)
    pain_now: Spread = Spread(4.5, 1.6, 0.0, 10.0)
    exponent: Spread = Spread(1.3, 0.18, 0.8, 1.9)
    background_uv: Spread = Spread(8.0, 1.2, 4.0, 14.0)
    evoked_nam: Spread = Spread(60.0, 15.0, 20.0, 120.0)
    evoked_regions: tuple[str, ...] = ("postcentral", "insula", "caudalanteriorcingulate")

    def __post_init__(self) -> None:
        rhythms = {rhythm.name for rhythm in self.rhythms}
        problems = [
            Problem(f"coupling {one.name}", found, wanted, "correct the specification of the cohort")
            for one in self.couplings
            for wrong, found, wanted in (
                (one.rhythm not in rhythms, f"rhythm {one.rhythm}", f"one of {', '.join(sorted(rhythms))}"),
                (
                    set(one.strength) != set(self.n_per_group),
                    f"strengths of {', '.join(sorted(one.strength))}",
                    f"one per group: {', '.join(sorted(self.n_per_group))}",
                ),
                (
                    bool(set(one.leaders) & set(one.followers)),
                    "a region that leads and follows",
                    "two separate sets of regions",
                ),
            )
            if wrong
        ]
        if problems:
            raise DesignError(problems)

    def as_record(self) -> dict[str, Any]:
        """Return the specification as plain values, ready for JSON."""
        return {**asdict(self), "duration_s": self.protocol.duration_s}


@dataclass(frozen=True)
class Person:
    """One person's traits: what the truth says about them."""

    participant: str
    group: str
    age: int
    sex: str
    pain_now: float
    exponent: float
    background_uv: float
    evoked_nam: float
    peak_hz: Mapping[str, float]
    moment_nam: Mapping[str, float]
    suppression: Mapping[str, float]
    coupling: Mapping[str, float]
    artefacts: Mapping[str, float] = field(default_factory=dict)
    noisy_channel: str | None = None
    flat_channel: str | None = None


def stream(seed: int, participant: str, purpose: str) -> np.random.Generator:
    """Return the random numbers of one person for one purpose; they depend on nothing else."""
    return np.random.default_rng(seed_for(seed, "simulation", participant, purpose))


def roster(spec: CohortSpec, *, seed: int) -> tuple[tuple[str, str], ...]:
    """Return (participant label, group) of everybody, groups in seeded order so that a label tells nothing.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    seed : int
        Seed of the cohort.

    Returns
    -------
    people : tuple of (str, str)
        Labels ``001``, ``002`` ... in order.
    """
    groups = [group for group in sorted(spec.n_per_group) for _ in range(spec.n_per_group[group])]
    np.random.default_rng(seed_for(seed, "simulation", "roster")).shuffle(groups)
    return tuple((f"{number:03d}", group) for number, group in enumerate(groups, start=1))


def draw_person(spec: CohortSpec, participant: str, group: str, *, seed: int) -> Person:
    """Draw one person's traits; only `Person.coupling` depends on the group.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    participant, group : str
        Label, and one of the spec's groups.
    seed : int
        Seed of the cohort.

    Returns
    -------
    person : Person
    """
    rng = stream(seed, participant, "traits")
    age = round(spec.age_years.draw(rng))
    sex = ("F", "M")[int(rng.random() < 0.5)]
    body = {name: getattr(spec, name).draw(rng) for name in ("pain_now", "exponent", "background_uv", "evoked_nam")}
    peaks = {one.name: one.peak_hz.draw(rng) + one.peak_hz_per_year * (age - 45) for one in spec.rhythms}
    moments = {one.name: one.moment_nam.draw(rng) for one in spec.rhythms}
    suppression = {one.name: one.suppression.draw(rng) for one in spec.rhythms}
    spreads = {name: value for name, value in vars(spec.artefacts).items() if isinstance(value, Spread)}
    artefacts = {name: value.draw(rng) for name, value in spreads.items()}
    noisy, flat = (str(name) for name in rng.choice(spec.channels, 2, replace=False))
    has_noisy, has_flat = rng.random(2) < (
        spec.artefacts.noisy_channel_probability,
        spec.artefacts.flat_channel_probability,
    )
    coupling_rng = stream(seed, participant, "coupling")
    return Person(
        participant=participant,
        group=group,
        age=age,
        sex=sex,
        **{name: round(value, 1) if name == "pain_now" else value for name, value in body.items()},
        peak_hz=peaks,
        moment_nam=moments,
        suppression=suppression,
        coupling={one.name: one.strength[group].draw(coupling_rng) for one in spec.couplings},
        artefacts=artefacts,
        noisy_channel=noisy if has_noisy else None,
        flat_channel=flat if has_flat else None,
    )


def pinprick_onsets_s(spec: CohortSpec, participant: str, *, seed: int) -> Array:
    """Return the times of one person's pinpricks, on samples; intervals are uniform within the protocol's range."""
    protocol = spec.protocol
    intervals_s = stream(seed, participant, "pinpricks").uniform(*protocol.interval_s, protocol.n_pinpricks)
    onsets_s = protocol.rest_s + protocol.pause_s + np.cumsum(intervals_s) - protocol.interval_s[0]
    return np.asarray(np.round(onsets_s * protocol.sfreq_hz) / protocol.sfreq_hz)
