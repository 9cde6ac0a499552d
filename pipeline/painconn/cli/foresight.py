"""What the settings alone tell about a run: measures that will be refused, and settings without effect."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from painconn.config.data import Condition
from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast
from painconn.connectivity.envelope import band_smoothing_hz
from painconn.connectivity.gates import why_not_over_epochs, why_not_over_time
from painconn.connectivity.morlet import support_s
from painconn.connectivity.surrogates import FEWEST_EPOCHS
from painconn.connectivity.transforms import transform
from painconn.errors import Problem

_NEEDS_FULL_RANK = "aec_symmetric"

Refused = Mapping[tuple[str, str, str], str]
"""Reason by condition, measure and band."""


def refused(
    study: StudyConfig,
    n_channels: Iterable[int] = (),
    *,
    n_regions: int | None = None,
    ready_length_s: float | None = None,
) -> Refused:
    """Say why measures cannot be computed in bands of conditions, as far as the settings and the montages tell.

    Parameters
    ----------
    study : StudyConfig
        The study.
    n_channels : iterable of int
        Channels of each montage; none when they are not known.
    n_regions : int or None
        Regions of the parcellation; None when they are not known.
    ready_length_s : float or None
        Length of ready epochs; None: rest is cut as the study says.

    Returns
    -------
    reasons : dict of (condition, measure, band) to str
    """
    settings = study.connectivity
    lowpass = [source.recording_lowpass_hz for source in study.data.sources if source.recording_lowpass_hz]
    highest_hz = min([study.cleaning.h_freq_hz, 0.45 * study.cleaning.sfreq_hz, *lowpass])
    most_channels = max(n_channels, default=None)
    reasons = {}
    for (name, condition), measure, band in product(
        study.data.conditions.items(), settings.measures, settings.bands_hz
    ):
        length_s = _epoch_length_s(study, condition, ready_length_s)
        reason = _why_not(study, condition, measure, band, highest_hz, length_s)
        reason = reason or _rank_lacks(n_regions, measure, most_channels)
        if reason:
            reasons[name, measure, band] = reason
    return reasons


def refusals(study: StudyConfig, reasons: Refused) -> Iterator[str]:
    """Say what :func:`refused` found in lines: measures and bands with the same reason together."""
    settings = study.connectivity
    for condition in study.data.conditions:
        alike: dict[tuple[str, str], list[str]] = {}
        for (name, measure, band), reason in reasons.items():
            if name == condition:
                alike.setdefault((reason, measure), []).append(band)
        together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for (reason, measure), bands in alike.items():
            together.setdefault((reason, tuple(bands)), []).append(measure)
        for (reason, bands_of_all), measures in together.items():
            where = "all bands" if len(bands_of_all) == len(settings.bands_hz) else " ".join(bands_of_all)
            yield f"{', '.join(measures)}, {condition}, {where}: {reason}"


def refused_primary(study: StudyConfig, reasons: Refused) -> Iterator[tuple[str, list[str], str]]:
    """Yield target, bands and reason of the primary tests that will be refused on at least one side."""
    if study.data.sources[0].layout == "features":
        return
    for name, target in study.targets.items():
        alike: dict[str, list[str]] = {}
        for band in target.primary.bands:
            found = [
                f"{condition}: {reason}"
                for condition in _conditions(target.contrast)
                if (reason := reasons.get((condition, target.primary.measure, band)))
            ]
            if found:
                alike.setdefault("; ".join(found), []).append(band)
        yield from ((name, bands, reason) for reason, bands in alike.items())


def unanswerable(study: StudyConfig, reasons: Refused) -> Iterator[Problem]:
    """Yield a problem for every target none of whose primary tests will be computable."""
    known = list(refused_primary(study, reasons))
    for name, target in study.targets.items():
        mine = [(bands, reason) for own, bands, reason in known if own == name]
        if {band for bands, _ in mine for band in bands} == set(target.primary.bands):
            told = "; ".join(f"{' '.join(bands)}: {reason}" for bands, reason in mine)
            yield Problem(
                f"targets.{name}.primary",
                f"no primary test of {target.primary.measure} can be computed ({told})",
                "a primary measure and bands that both sides of the contrast can give",
                "choose another primary measure, other bands or conditions, or change what the reason names",
            )


def _conditions(contrast: Contrast) -> list[str]:
    return list(dict.fromkeys(side.condition for side in contrast.observations))


def notes(study: StudyConfig) -> Iterator[str]:
    """Say which connectivity settings do nothing in this study, or less than one may think."""
    settings = study.connectivity
    chosen = {name for name, field in type(settings).model_fields.items() if getattr(settings, name) != field.default}
    over_epochs = settings.measures_of("over_epochs")
    if not over_epochs:
        without = [name for name in ("n_surrogates", "min_epochs") if name in chosen]
        if without:
            yield f"no effect: connectivity.{', '.join(without)} (every measure of this study is estimated over time)"
    elif settings.n_surrogates:
        for name, condition in study.data.conditions.items():
            if condition.n_epochs < FEWEST_EPOCHS:
                found = f"{condition.n_epochs} epochs to shift, wanted at least {FEWEST_EPOCHS}"
                yield f"no bound from surrogates in {name}: {found}; the mean is saved"
    if "n_cycles" in chosen and settings.spectra != "morlet":
        yield f"no effect: connectivity.n_cycles (spectra are {settings.spectra}, not morlet)"
    if "half_bandwidth_hz" in chosen and settings.spectra != "multitaper":
        yield "connectivity.half_bandwidth_hz applies to band power only (spectra are not multitaper)"


def dependent_regions(n_regions: int, n_channels: Iterable[int]) -> Iterator[str]:
    """Say in numbers that there are more regions than the channels of a montage can tell apart."""
    for channels in sorted(set(n_channels)):
        # The average reference takes one dimension; interpolated channels and removed components take more.
        dimensions = channels - 1
        if n_regions > dimensions:
            yield (
                f"{n_regions} regions from {channels} channels: their signals have at most {dimensions} dimensions, "
                f"about {n_regions / max(dimensions, 1):.1f} regions for each, so that regions are mixtures of one "
                "another; take fewer regions (cortex.parcellation), and read measures that zero-lag mixing leaves alone"
            )


def _rank_lacks(n_regions: int | None, measure: str, most_channels: int | None) -> str | None:
    if measure != _NEEDS_FULL_RANK or n_regions is None or most_channels is None or most_channels >= n_regions:
        return None
    channels = f"the largest montage has {most_channels}"
    return f"as many independent channels as regions are needed: {n_regions}; {channels}"


def _epoch_length_s(study: StudyConfig, condition: Condition, ready_length_s: float | None) -> float:
    if condition.kind == "events":
        return condition.window_s[1] - condition.window_s[0]
    return study.cleaning.epoch_length_s if ready_length_s is None else ready_length_s


def _why_not(
    study: StudyConfig, condition: Condition, measure: str, band: str, highest_hz: float, length_s: float
) -> str | None:
    settings, sfreq_hz = study.connectivity, study.cleaning.sfreq_hz
    band_hz, (min_epochs, min_cycles) = settings.bands_hz[band], settings.gates_of(measure)
    if settings.estimator_of(measure) == "over_time":
        if condition.kind != "rest":
            return "events have no continuous segments"
        if study.data.sources[0].layout == "epochs":
            return "ready epochs have no continuous segments"
        if not condition.n_segments:
            return "n_segments is 0"
        return why_not_over_time(
            band_hz,
            segment_length_s=study.cleaning.segment_length_s,
            half_bandwidth_hz=band_smoothing_hz(sfreq_hz=sfreq_hz, band_hz=band_hz),
            highest_hz=highest_hz,
            min_cycles=min_cycles,
        )
    spectra = transform(
        settings.spectra,
        round(length_s * sfreq_hz),
        sfreq_hz=sfreq_hz,
        half_bandwidth_hz=settings.half_bandwidth_hz,
        n_cycles=settings.n_cycles,
    )
    reason = why_not_over_epochs(
        band_hz,
        n_epochs=study.cleaning.independent_epochs(condition.n_epochs)
        if condition.kind == "rest"
        else condition.n_epochs,
        epoch_length_s=length_s,
        half_bandwidth_hz=spectra.smoothing_hz(band_hz),
        highest_hz=highest_hz,
        min_epochs=min_epochs,
        min_cycles=min_cycles,
    )
    return reason or _wavelet_too_long(study, band_hz[0], length_s)


def _wavelet_too_long(study: StudyConfig, low_hz: float, length_s: float) -> str | None:
    settings = study.connectivity
    needed_s = support_s(low_hz, settings.n_cycles)
    if settings.spectra != "morlet" or needed_s <= length_s:
        return None
    wavelet = f"a wavelet of {settings.n_cycles:g} cycles at {low_hz:g} Hz is {needed_s:.3g} s long"
    return f"{wavelet}, the epoch {length_s:g} s: fewer n_cycles or longer epochs"
