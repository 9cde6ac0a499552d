"""The parts that a simulated cohort is declared with; a truth file has the same names.

Conventions of this file: every part holds only numbers, text and tuples, refuses what it does not know, and can be
written beside the data as the truth; regions are named as in the Desikan-Killiany parcellation (``postcentral-lh``).
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat
from pydantic.dataclasses import dataclass

Probability = Annotated[float, Field(ge=0, le=1)]
Kind = Literal["lagged", "directed", "amplitude", "zero_lag"]

PART = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=PART)
class Spread:
    """How a trait varies over people: normal with `mean` and `sd`, kept within `low` and `high`."""

    mean: float
    sd: NonNegativeFloat
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.mean <= self.high:
            told = f"mean {self.mean:g}, low {self.low:g}, high {self.high:g}"
            raise ValueError(f"{told}, wanted low up to mean up to high")

    def at(self, z: float) -> float:
        """Return the value of somebody `z` standard deviations from the mean."""
        return float(np.clip(self.mean + self.sd * z, self.low, self.high))

    def draw(self, rng: np.random.Generator, *, shift_sd: float = 0.0) -> float:
        """Return one person's value (always exactly one random number, so that specs stay comparable)."""
        return self.at(rng.standard_normal() + shift_sd)


@dataclass(frozen=True, config=PART)
class Rhythm:
    """A narrow-band oscillation that every region has, in its own strength.

    Parameters
    ----------
    name : str
        Theta, alpha, beta.
    peak_hz : Spread
        Peak frequency of a person at the age of 45.
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
    peak_hz_per_year : float
        How the peak moves with age.
    eyes_closed_gain : mapping
        Factor of the amplitude while the eyes are closed, by region name without side; 1 for the others.
    """

    name: str
    peak_hz: Spread
    width_hz: PositiveFloat
    moment_nam: Spread
    weights: Mapping[str, float]
    other_weight: NonNegativeFloat
    suppression: Spread
    peak_hz_per_year: float = 0.0
    eyes_closed_gain: Mapping[str, PositiveFloat] = field(default_factory=dict)

    def weight(self, region: str) -> float:
        """Return the weight of a region such as ``insula-lh``."""
        return self.weights.get(region.rpartition("-")[0], self.other_weight)


@dataclass(frozen=True, config=PART)
class Coupling:
    """A planted coupling.

    Parameters
    ----------
    name : str
        Name in the truth.
    rhythm : str
        The rhythm that is coupled.
    leaders, followers : tuple of str
        Regions; the coupling is between the two sets.
    strength : Spread
        Share of the common process, 0 to 1: the magnitude of the coherency before amplitude modulation, or, for
        amplitude coupling, the correlation of the log envelopes. In the reference group, which no effect moves.
    delay_s : float
        How much later the followers are; a quarter cycle is the most visible to imaginary and phase-lag measures.
    kind : {"lagged", "directed", "amplitude", "zero_lag"}
        `lagged`: one common process that all leaders hold at once and all followers later. `directed`: each follower
        holds the delayed processes of the leaders, which hold nothing of it; with several leaders its coherency with
        each is `strength` over the square root of their number, and less where a leader is in another coupling of the
        rhythm, because only its own process is sent. `amplitude`: the envelopes of all its regions go together, the
        phases do not. `zero_lag`: a common process without any delay, as volume conduction makes it.
    span : str
        When it is there: ``recording``, the name of a block, or ``pre`` or ``post``, the windows at each pinprick.
    """

    name: str
    rhythm: str
    leaders: tuple[str, ...]
    followers: tuple[str, ...]
    strength: Spread
    delay_s: NonNegativeFloat = 0.025
    kind: Kind = "lagged"
    span: str = "recording"


@dataclass(frozen=True, config=PART)
class Effect:
    """What moves a trait: the group (the effect that is looked for), or a covariate (a confound).

    Parameters
    ----------
    trait : str
        ``coupling:NAME``, ``moment:RHYTHM``, ``peak:RHYTHM``, ``suppression:RHYTHM``, ``artefact:NAME``, ``pain_now``,
        ``exponent``, ``background_uv``, ``evoked_nam``, or a covariate.
    by : str
        ``group`` or a covariate; a covariate itself can only be moved by the group.
    d : float
        By how many standard deviations of the trait between people: for the people at `level`, or per standard
        deviation of a covariate that is a number.
    level : str, optional
        The group, or the level of a covariate that is text.
    """

    trait: str
    by: str
    d: float
    level: str | None = None


@dataclass(frozen=True, config=PART)
class Artefacts:
    """What the cleaning has to deal with."""

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


@dataclass(frozen=True, config=PART)
class Restlessness:
    """Eye and head movements; none by default."""

    saccades_per_minute: Spread = Spread(0.0, 0.0, 0.0, 0.0)
    saccade_uv: Spread = Spread(35.0, 8.0, 15.0, 70.0)
    movements_per_minute: Spread = Spread(0.0, 0.0, 0.0, 0.0)
    movement_uv: Spread = Spread(300.0, 60.0, 150.0, 600.0)


@dataclass(frozen=True, config=PART)
class Contacts:
    """Electrodes that do not do what they should."""

    noisy_probability: Probability = 0.4
    noisy_uv: NonNegativeFloat = 90.0
    flat_probability: Probability = 0.15
    popping_probability: Probability = 0.0
    popping_uv: NonNegativeFloat = 200.0
    bridged_probability: Probability = 0.0
    gain_sd: Annotated[float, Field(ge=0, lt=0.5)] = 0.0


@dataclass(frozen=True, config=PART)
class Variation:
    """How the strength of what the cortex does differs from place to place and comes and goes; not at all by default.

    Parameters
    ----------
    background_weights : mapping
        Strength of the aperiodic background in a region, by its name without side; 1 for the others.
    region_sd : float
        Standard deviation over regions of the log strength of the background, each person's own.
    background_waxing_sd, rhythm_waxing_sd : float
        Standard deviation over time of the log strength of the background, and of each rhythm; the course is one for
        the whole cortex.
    waxing_hz : float
        How fast it comes and goes: bandwidth of that course.
    """

    background_weights: Mapping[str, PositiveFloat] = field(default_factory=dict)
    region_sd: NonNegativeFloat = 0.0
    background_waxing_sd: NonNegativeFloat = 0.0
    rhythm_waxing_sd: NonNegativeFloat = 0.0
    waxing_hz: PositiveFloat = 0.3


@dataclass(frozen=True, config=PART)
class HeadSpec:
    """The head of the simulation; it differs from that of the analysis on purpose (no inverse crime)."""

    conductivity_s_per_m: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (0.33, 0.0125, 0.33)
    source_spacing: Literal["oct5", "oct6", "ico5"] = "oct5"
    bem_ico: Annotated[int, Field(ge=2, le=4)] = 3
    electrode_jitter_m: NonNegativeFloat = 0.003
    patch_radius_m: NonNegativeFloat = 0.010


@dataclass(frozen=True, config=PART)
class Block:
    """A stretch of rest; the annotation of the recording has its name."""

    name: str = "rest"
    duration_s: PositiveFloat = 60.0
    eyes_closed: bool = False


@dataclass(frozen=True, config=PART)
class Protocol:
    """One recording: blocks of rest, a pause, then pinpricks at jittered intervals.

    The pinpricks take turns over all pairs of site and force, in an order that is each person's own.
    """

    task: str = "pain"
    blocks: tuple[Block, ...] = (Block(),)
    pause_s: NonNegativeFloat = 5.0
    n_pinpricks: Annotated[int, Field(ge=0)] = 40
    interval_s: tuple[PositiveFloat, PositiveFloat] = (3.0, 3.5)
    window_s: PositiveFloat = 1.25
    sites: tuple[str, ...] = ()
    forces_mn: tuple[PositiveFloat, ...] = ()
    sfreq_hz: PositiveFloat = 250.0
    line_hz: PositiveFloat = 50.0
    resolution_uv: PositiveFloat = 0.05

    @property
    def rest_s(self) -> float:
        """Return the length of all blocks together."""
        return sum(block.duration_s for block in self.blocks)

    @property
    def duration_s(self) -> float:
        """Return the length of the recording, the same for everybody."""
        return self.rest_s + self.pause_s + (self.n_pinpricks + 1) * self.interval_s[1]

    @property
    def n_times(self) -> int:
        """Return the number of samples."""
        return round(self.duration_s * self.sfreq_hz)

    def block_spans_s(self) -> dict[str, tuple[float, float]]:
        """Return start and end of each block."""
        ends = np.cumsum([block.duration_s for block in self.blocks])
        return {
            block.name: (float(end - block.duration_s), float(end))
            for block, end in zip(self.blocks, ends, strict=True)
        }

    def eyes_closed_spans_s(self) -> list[tuple[float, float]]:
        """Return start and end of the blocks with closed eyes."""
        spans_s = self.block_spans_s()
        return [spans_s[block.name] for block in self.blocks if block.eyes_closed]


@dataclass(frozen=True, config=PART)
class Levels:
    """A covariate that is text: level and its share; effects and correlations move the normal variable behind it."""

    shares: Mapping[str, Probability]

    def at(self, z: float) -> str:
        """Return the level of somebody whose underlying normal variable is `z`; the first levels lie lowest."""
        from scipy.stats import norm

        edges = np.cumsum(list(self.shares.values()))
        return list(self.shares)[min(int(np.searchsorted(edges, norm.cdf(z))), len(self.shares) - 1)]


@dataclass(frozen=True, config=PART)
class Correlation:
    """How two covariates go together within a group: the correlation of the normal variables behind them."""

    between: tuple[str, str]
    r: Annotated[float, Field(gt=-1, lt=1)]


@dataclass(frozen=True, config=PART)
class Covariates:
    """What is known about a person beside the EEG; what is null has no column.

    `amplifier` names the amplifier of each site; it is a column when it is given.
    """

    age: Spread = Spread(48.0, 11.0, 21.0, 75.0)
    sex: Levels = Levels({"M": 0.5, "F": 0.5})
    pain_duration_years: Spread | None = None
    pain_side: Levels | None = None
    medication: Levels | None = None
    site: Levels | None = None
    amplifier: Mapping[str, str] = field(default_factory=dict)
    correlations: tuple[Correlation, ...] = ()

    def declared(self) -> dict[str, Spread | Levels]:
        """Return the covariates that are there, by name, in the order of their columns."""
        named = {name: value for name, value in vars(self).items() if isinstance(value, Spread | Levels)}
        order = ("age", "sex", "pain_duration_years", "pain_side", "medication", "site")
        return {name: named[name] for name in order if name in named}

    def correlation(self) -> NDArray[np.float64]:
        """Return the correlation matrix of the normal variables behind the declared covariates, in their order."""
        names = list(self.declared())
        matrix = np.eye(len(names))
        for one in self.correlations:
            first, second = (names.index(name) for name in one.between)
            matrix[first, second] = matrix[second, first] = one.r
        return matrix


@dataclass(frozen=True, config=PART)
class Psychophysics:
    r"""How strong a pinprick feels, on a scale from 0 to `highest_rating`.

    The logarithm of a rating is that of a person's rating of the reference force, plus the exponent of the power
    function times the log of the force over the reference force, plus hyperalgesia at the site, plus trial noise
    (Stevens' power law, DOI 10.1037/h0046162).

    Parameters
    ----------
    reference_mn : float
        The force that `log_rating` belongs to.
    log_rating : Spread
        Natural logarithm of a person's rating of the reference force at a site without hyperalgesia.
    exponent : Spread
        Of the power function.
    painful_site : str
        The site of the protocol that hurts; the others are remote.
    painful_log_gain, remote_log_gain : Spread
        Hyperalgesia of those who have it, natural logarithm of the factor of a rating.
    painful_in, remote_in : tuple of str
        Groups with hyperalgesia at the painful site, and at the remote ones.
    trial_sd : float
        Standard deviation of the log rating over trials.
    highest_rating : float
        Ratings are whole numbers from 0 to this.
    """

    reference_mn: PositiveFloat = 256.0
    log_rating: Spread = Spread(2.3, 0.45, 0.5, 4.2)
    exponent: Spread = Spread(0.6, 0.12, 0.2, 1.2)
    painful_site: str = "back"
    painful_log_gain: Spread = Spread(1.5, 0.2, 0.8, 2.5)
    remote_log_gain: Spread = Spread(1.5, 0.2, 0.8, 2.5)
    painful_in: tuple[str, ...] = ("localized", "widespread")
    remote_in: tuple[str, ...] = ("widespread",)
    trial_sd: NonNegativeFloat = 0.25
    highest_rating: PositiveFloat = 100.0


@dataclass(frozen=True, config=PART)
class Bookkeeping:
    """What the tables of the dataset get wrong on purpose; the truth has the right values.

    Parameters
    ----------
    n_duplicated : int
        People whose recording is there again under another label, with traits and group as they were.
    label_noise : float
        Share of each group whose label in the participants table is that of another group.
    missing : mapping of str to str
        Column of the participants table: the group for which it is ``n/a``.
    """

    n_duplicated: Annotated[int, Field(ge=0)] = 0
    label_noise: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    missing: Mapping[str, str] = field(default_factory=dict)
