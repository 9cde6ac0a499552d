"""What the methods section says about bands, spectra, measures, gates and graphs."""

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.graph.registry import GRAPH_MEASURES
from painconn.connectivity.registry import MEASURES
from painconn.reporting.citations import Citations
from painconn.reporting.notation import listing, words

_SINGLE_PRECISION = ("sums", "bins", "analytic", "band_signal")


def connectivity_paragraphs(settings: ConnectivityConfig, cited: Citations, *, segment_length_s: float) -> list[str]:
    """Write the paragraphs about connectivity.

    Parameters
    ----------
    settings : ConnectivityConfig
        Of the study.
    cited : Citations
        Gets the works cited.
    segment_length_s : float
        Length of the contiguous segments of measures over time.

    Returns
    -------
    paragraphs : list of str
    """
    bands = sorted(settings.bands_hz.items(), key=lambda item: item[1])
    told = listing([f"{words(name)} {low:g}–{high:g} Hz" for name, (low, high) in bands])
    return [
        f"Bands, upper edge not included: {told}. Bands from 30 Hz are exploratory, because muscle dominates there "
        f"{cited.cite('whitham2007')}.",
        _samples(settings, cited, segment_length_s),
        f"Measures: {'; '.join(_measure(settings, name, cited) for name in settings.measures)}. {_gates(settings)}",
        *_surrogates(settings),
    ]


def _samples(settings: ConnectivityConfig, cited: Citations, segment_length_s: float) -> str:
    sentences = []
    if settings.measures_of("over_epochs"):
        sentences.append(
            "Measures over epochs take an epoch as one sample per frequency: spectra were "
            f"{_spectra(settings, cited)}, values were computed per frequency bin and averaged over the bins of a band."
        )
    if settings.measures_of("over_time"):
        sentences.append(
            "Measures over time take the time points of the band-passed analytic signal within contiguous segments of "
            f"{segment_length_s:g} s as samples and were averaged over segments."
        )
    if settings.precision == "float32":
        sentences += _precision(settings)
    return " ".join(sentences)


def _precision(settings: ConnectivityConfig) -> list[str]:
    """Say what single precision holds for: mean cross-spectral matrices are always of double precision."""
    single = [name for name in settings.measures if MEASURES[name].takes in _SINGLE_PRECISION]
    if len(single) == len(settings.measures):
        return ["All measures were computed in single precision."]
    return [f"Computed in single precision: {listing([words(name) for name in single])}."] if single else []


def _spectra(settings: ConnectivityConfig, cited: Citations) -> str:
    if settings.spectra == "morlet":
        return f"Morlet wavelets of {settings.n_cycles:g} cycles at whole Hz"
    if settings.spectra == "fourier":
        return "Fourier transforms under one Hann window (half-bandwidth 2 over the window's length)"
    return (
        f"multitaper estimates {cited.cite('thomson1982')} with a half-bandwidth of {settings.half_bandwidth_hz:g} Hz "
        "(one taper for windows below 2 s; never below 1 over the window's length)"
    )


def _measure(settings: ConnectivityConfig, name: str, cited: Citations) -> str:
    definition = MEASURES[name]
    estimator = settings.estimator_of(name)
    epochs, cycles = settings.gates_of(name)
    gates = f"at least {epochs} epochs and {cycles:g} cycles" if estimator == "over_epochs" else f"{cycles:g} cycles"
    source = f" {cited.work(f'{words(name)}: doi:{definition.doi}')}" if definition.doi else ""
    return f"{words(name)} ({estimator.replace('_', ' ')}; {gates}): {definition.description}{source}"


def _gates(settings: ConnectivityConfig) -> str:
    lowered = [told.partition(":") for told in settings.lowered_gates()]
    told = "; ".join(f"{words(name)}:{gates}" for name, _, gates in lowered)
    sentences = [
        "A measure was not computed with less than is said in brackets (cycles are those of the band's lower edge in "
        "an epoch or segment), nor in a band narrower than the smoothing of its spectra or filter.",
        f"Gates were lowered below a measure's own minimum: {told}." if told else "",
        f"Phase measures were flagged below {settings.warn_epochs} epochs."
        if settings.measures_of("over_epochs")
        else "",
        "What was not computable stays missing.",
    ]
    return " ".join(filter(None, sentences))


def _surrogates(settings: ConnectivityConfig) -> list[str]:
    if not settings.n_surrogates or not settings.measures_of("over_epochs"):
        return []
    return [
        f"For every edge of a measure over epochs, mean and 95 % bound without coupling were taken from "
        f"{settings.n_surrogates} surrogates in which the epochs of each region were rotated against each other."
    ]


def graph_paragraphs(settings: ConnectivityConfig, features: FeaturesConfig, cited: Citations) -> list[str]:
    """Say which graph measures were computed, and from which graphs; nothing when there are none."""
    if not features.graph_measures:
        return []
    named = []
    for name in features.graph_measures:
        definition = GRAPH_MEASURES[name]
        named.append(f"{words(name)}: {definition.description} {cited.work(f'{words(name)}: doi:{definition.doi}')}")
    densities = listing([f"{density:g}" for density in features.graph_densities])
    nulls = (
        f" Null graphs of the same degrees: {features.graph_nulls} per graph and density."
        if any(GRAPH_MEASURES[name].needs_nulls for name in features.graph_measures)
        else ""
    )
    return [
        f"Graph measures of {listing([words(name) for name in settings.symmetric_measures()])}: the strongest positive "
        f"edges, exactly as many as a density asks for, {'all of weight 1' if features.graph_binarise else 'weighted'}"
        f"; area under the curve over densities {densities}, divided by their range. {'; '.join(named)}.{nulls} A "
        "matrix with a missing edge, or with fewer positive edges than the largest density asks for, has none."
    ]
