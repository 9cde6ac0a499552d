"""``connectivity``: bands, spectra, gates and measures."""

from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Name, Section
from painconn.config.names import named_twice, unknown_name
from painconn.connectivity.definition import FEWEST_SURROGATES, Estimator, MeasureDefinition
from painconn.connectivity.registry import MEASURES

DEFAULT_BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0), "low_gamma": (30.0, 45.0)}
MUSCLE_FROM_HZ = 30.0
"""Bands that start here or above are exploratory and are always adjusted for the muscle index (Whitham 2007)."""

SpectraName = Literal["multitaper", "fourier", "morlet"]

_BIVARIATE_SPECTRAL = ("sums", "bins")
_FROM_WAVELETS = "sums"
_LACKS = {
    "sums": "it corrects for the number of samples, and neighbouring time points are not independent",
    "bins": "it needs the frequency bins of epochs",
}


class ConnectivityConfig(Section):
    """Measures, what they are estimated from, and the gates that protect them."""

    bands_hz: Mapping[Name, tuple[float, float]] = Field(DEFAULT_BANDS, description="Half-open bands [low, high)")
    spectra: SpectraName = Field(
        "multitaper",
        description="Spectra of the measures: multitaper (Slepian tapers), fourier (one Hann window) or morlet"
        " (wavelets); band power is always multitaper",
    )
    half_bandwidth_hz: float = Field(
        1.0, gt=0, description="Multitaper half-bandwidth; windows shorter than 2 s use one taper"
    )
    n_cycles: float = Field(7.0, gt=0, description="Cycles of a Morlet wavelet")
    phase_estimator: Estimator = Field(
        "over_epochs",
        description="Samples of the bivariate spectral measures: over_epochs (is the relation the same from epoch to"
        " epoch?) or over_time (within a contiguous segment, averaged over segments); the two are not comparable",
    )
    measures: tuple[str, ...] = Field(
        ("wpli2_debiased", "aec_orth"), min_length=1, description="Of `painconn list measures`"
    )
    precision: Literal["float64", "float32"] = Field(
        "float64", description="Of the computation; float32 is faster and agrees to about 1e-4"
    )
    partial_shrinkage: float | None = Field(
        None,
        ge=0,
        le=1,
        description="How far partial measures shrink coherencies to 0; null: the data of each observation decide, over"
        " all regions together",
    )
    min_epochs: int | None = Field(
        None,
        ge=2,
        description="Gate: not computable below this number of epochs; null: each measure's own minimum",
    )
    warn_epochs: int = Field(
        60, ge=2, description="A phase measure below this number of epochs is flagged in the report"
    )
    min_cycles: float | None = Field(
        None,
        gt=0,
        description="Gate: cycles of a band's lower edge that must fit into an epoch or segment; null: each measure's"
        " own minimum",
    )
    n_surrogates: int = Field(
        0,
        ge=0,
        description="Surrogates (epochs of each region shifted) for the floor of every edge of the measures over"
        f" epochs, saved beside the matrices; 0: none, otherwise {FEWEST_SURROGATES} or more",
    )

    def estimator_of(self, measure: str) -> Estimator:
        """Return what the samples of a measure are in this study."""
        definition = MEASURES[measure]
        return self.phase_estimator if definition.takes in _BIVARIATE_SPECTRAL else definition.estimators[0]

    def measures_of(self, estimator: Estimator) -> list[str]:
        """Return the measures that this study estimates over epochs, or over time."""
        return [name for name in self.measures if self.estimator_of(name) == estimator]

    def symmetric_measures(self) -> list[str]:
        """Return the measures whose matrices are undirected graphs."""
        return [name for name in self.measures if MEASURES[name].kind == "symmetric"]

    def gates_of(self, measure: str) -> tuple[int, float]:
        """Return the smallest number of epochs and of cycles at which a measure is computed."""
        definition = MEASURES[measure]
        return (
            definition.min_epochs if self.min_epochs is None else self.min_epochs,
            definition.min_cycles if self.min_cycles is None else self.min_cycles,
        )

    def lowered_gates(self) -> list[str]:
        """Say which gates this study lowers below a measure's own minimum."""
        told = []
        for name in self.measures:
            definition, (epochs, cycles) = MEASURES[name], self.gates_of(name)
            if self.estimator_of(name) == "over_epochs" and epochs < definition.min_epochs:
                told.append(f"{name}: {epochs} epochs instead of {definition.min_epochs}")
            if cycles < definition.min_cycles:
                told.append(f"{name}: {cycles:g} cycles instead of {definition.min_cycles:g}")
        return told

    @field_validator("bands_hz")
    @classmethod
    def _in_order(cls, bands_hz: Mapping[str, tuple[float, float]]) -> Mapping[str, tuple[float, float]]:
        wrong = [f"{name}: {low:g}-{high:g} Hz" for name, (low, high) in bands_hz.items() if not 0 < low < high]
        if wrong:
            raise ValueError(f"band {', '.join(wrong)}, wanted 0 < low < high")
        return bands_hz

    @field_validator("measures")
    @classmethod
    def _columns(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        problems = [problem for name in dict.fromkeys(names) for problem in _why_no_column(name)]
        problems += named_twice("measure", names)
        if problems:
            raise ValueError("; ".join(problems))
        return names

    @field_validator("n_surrogates")
    @classmethod
    def _bounds(cls, number: int) -> int:
        if 0 < number < FEWEST_SURROGATES:
            raise ValueError(f"wanted 0, or at least {FEWEST_SURROGATES} for a 95 % bound")
        return number

    @model_validator(mode="after")
    def _estimated_so(self) -> Self:
        problems = [problem for name in self.measures for problem in self._why_not_estimated(MEASURES[name])]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _why_not_estimated(self, definition: MeasureDefinition) -> Iterator[str]:
        name, estimator = definition.name, self.estimator_of(definition.name)
        if estimator not in definition.estimators:
            lacks = _LACKS[definition.takes]
            relatives = [
                other.name
                for other in MEASURES.values()
                if name.startswith(other.name) and estimator in other.estimators
            ]
            hint = f"; did you mean {relatives[0]}?" if relatives else ""
            yield f"measure {name} is not estimated {estimator.replace('_', ' ')}: {lacks}{hint}"
        elif self.spectra == "morlet" and estimator == "over_epochs" and definition.takes != _FROM_WAVELETS:
            yield f"measure {name} needs evenly spaced frequencies: spectra multitaper or fourier, not morlet"


def _why_no_column(name: str) -> Iterator[str]:
    """Say why a measure cannot be a column of the table."""
    definition = MEASURES.get(name)
    if definition is None:
        yield unknown_name("measure", name, MEASURES)
    elif definition.kind == "hermitian":
        yield f"measure {name} is complex and cannot be a column: use coh (magnitude) and imcoh (imaginary part)"
