"""The methods section of a paper, written from the resolved study file and from what happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.cortex.registry import INVERSES
from painconn.prediction.registry import CLASSIFIERS
from painconn.reporting.agreement import agreement_method
from painconn.reporting.citations import Citations
from painconn.reporting.companions import companion_method
from painconn.reporting.connectivity_text import connectivity_paragraphs, graph_paragraphs
from painconn.reporting.head_text import head_paragraph
from painconn.reporting.leakage import leakage_sentences
from painconn.reporting.networks import network_method
from painconn.reporting.notation import MISSING, count, listing, plural, words
from painconn.reporting.phenotype import phenotype_sentences
from painconn.reporting.quality_text import quality_paragraphs
from painconn.reporting.region_text import dependence, region_words, tested_words
from painconn.reporting.regression import regression_method
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.site_text import confound_method, harmonisation_method


@dataclass(frozen=True)
class MethodsSection:
    """A heading and its paragraphs (plain text)."""

    title: str
    paragraphs: tuple[str, ...]


def methods_text(results: StudyResults) -> str:
    """Write the methods section as Markdown.

    Parameters
    ----------
    results : StudyResults
        The resolved study file and every saved table.

    Returns
    -------
    text : str
        Sections in the order of COBIDAS-MEEG (10.1038/s41593-020-00709-0), then the references.
    """
    sections, references = methods_sections(results)
    lines = ["# Methods", ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        for paragraph in section.paragraphs:
            lines += [_markdown(paragraph), ""]
    lines += ["## References", "", *(f"{index}. {_markdown(work)}" for index, work in enumerate(references, 1)), ""]
    return "\n".join(lines)


def _markdown(text: str) -> str:
    """Keep labels from being read as Markdown or HTML."""
    for character in "\\`*_<>#|":
        text = text.replace(character, f"\\{character}")
    return text


def methods_sections(results: StudyResults) -> tuple[list[MethodsSection], list[str]]:
    """Return the sections and the numbered references, for a page that sets its own markup."""
    cited = Citations()
    writers: tuple[tuple[str, Callable[[StudyResults, Citations], Sequence[str]]], ...] = (
        ("Overview", _overview),
        ("Participants and exclusions", _participants),
        ("Recordings and conditions", _recordings),
        ("Preprocessing", _preprocessing),
        ("Source reconstruction", _sources),
        ("Spectra, connectivity and power", _connectivity),
        ("Targets and primary family", _targets),
        ("Group comparison", _comparison),
        ("Classification and validation", _classification),
        ("Software and reproducibility", _software),
    )
    sections = [MethodsSection(title, tuple(write(results, cited))) for title, write in writers]
    return [section for section in sections if section.paragraphs], cited.works


def _has_recordings(results: StudyResults) -> bool:
    return all(source.get("layout") != "features" for source in results.study["data"]["sources"])


def _overview(results: StudyResults, cited: Citations) -> list[str]:
    version = ((results.provenance or {}).get("environment") or {}).get("painconn", MISSING)
    return [
        f"The study “{results.title}” was analysed with painconn {version}, a workflow run by Snakemake "
        f"{cited.cite('molder2021')} on top of MNE-Python {cited.cite('gramfort2013')}. Reporting follows the order "
        f"of the COBIDAS-MEEG recommendations {cited.cite('pernet2020')}. This text was written from the resolved "
        "settings and the saved results, not by hand; what the recording laboratory did before the files were "
        "written is not known to the software and has to be added."
    ]


def _participants(results: StudyResults, cited: Citations) -> list[str]:
    flow, data = results.flow or {}, results.study["data"]
    paragraphs = []
    if flow:
        paragraphs.append(
            f"Found: {_flow_words(flow, 'found')}. Excluded: "
            f"{plural(flow.get('recordings_excluded', 0), 'recording')}. Used: {_flow_words(flow, 'used')}."
        )
    reasons = [f"{n} at {words(step)} ({words(check)})" for step, check, n in results.exclusion_reasons]
    if reasons:
        paragraphs.append(f"Reasons for exclusion: {listing(reasons)}.")
    named = (data.get("participants") or {}).get("exclude") or []
    if named:
        paragraphs.append(f"Left out by name in the study file: {plural(len(named), 'participant')}.")
    if results.blinded:
        paragraphs.append(
            "BLINDED: labels were dealt by lot within sites, and sides within people exchanged by lot, when this text "
            "was written; no number of this run is a result."
        )
    paragraphs.append(
        f"{_labels(results, cited)} Labels were joined to the data after all signal processing; no earlier step could "
        "read them."
    )
    return paragraphs


def _labels(results: StudyResults, cited: Citations) -> str:
    """Say where labels come from: the rule as it was applied, or the columns that contrasts name."""
    if not results.phenotype:
        return "Labels came from columns of the participants table, as they stand."
    source = str(results.phenotype.get("citation") or "")
    doi = results.phenotype.get("doi")
    reference = f" The rule: {cited.work(source + (f'. doi:{doi}' if doi else ''))}." if source else ""
    column = (results.study["data"].get("phenotype") or {}).get("column")
    named = f" The column was {column}." if column else ""
    return " ".join(phenotype_sentences(results)) + named + reference


def _flow_words(flow: Mapping[str, Any], stage: str) -> str:
    parts = [
        plural(flow[f"{noun}s_{stage}"], noun)
        for noun in ("participant", "session", "recording")
        if f"{noun}s_{stage}" in flow
    ]
    return listing(parts) or MISSING


def _recordings(results: StudyResults, cited: Citations) -> list[str]:
    data, paragraphs = results.study["data"], []
    layouts = listing(sorted({str(source["layout"]) for source in data["sources"]}))
    bids = f" {cited.cite('appelhoff2019')}" if "bids" in layouts else ""
    sites = {str(source.get("site", "site1")) for source in data["sources"]}
    # A ready table has its sites in a column: how many it is not said, rather than said wrongly.
    came_from = plural(len(sites), "site") if _has_recordings(results) else "a ready table of features"
    paragraphs.append(f"Data came from {came_from} (layout: {layouts}{bids}).")
    lowpass = {source.get("recording_lowpass_hz") for source in data["sources"]} - {None}
    if lowpass:
        paragraphs.append(
            f"The files had been low-pass filtered at {listing([f'{hz:g} Hz' for hz in sorted(lowpass)])} before they "
            "were read."
        )
    for name, condition in (data.get("conditions") or {}).items():
        if condition["kind"] == "rest":
            length = results.study["cleaning"]["epoch_length_s"]
            text = (
                f"Condition {name}: contiguous blocks cut into epochs of {length:g} s; {condition['n_epochs']} epochs "
                "per participant"
            )
            text += (
                f" and {condition['n_segments']} contiguous segments for measures over time"
                if condition.get("n_segments")
                else ""
            )
        else:
            low, high = condition["window_s"]
            text = (
                f"Condition {name}: windows from {low:g} to {high:g} s around events "
                f"({listing([str(e) for e in condition['events']])}), with a pre-stimulus window of equal length; "
                f"{condition['n_epochs']} per participant; the evoked mean was removed (and kept, as a separate "
                "window)"
            )
        paragraphs.append(
            f"{text}. The number was fixed in the study file: whoever had fewer was excluded, whoever had more "
            "contributed a random subset with a seed of their own."
        )
    return paragraphs


def _preprocessing(results: StudyResults, cited: Citations) -> list[str]:
    if not _has_recordings(results):
        return []
    cleaning = results.study["cleaning"]
    order = [f"high-pass filter at {cleaning['l_freq_hz']:g} Hz"]
    if cleaning["line_noise"] != "none":
        lines = {source.get("line_freq_hz") for source in results.study["data"]["sources"]} - {None}
        at = f" ({listing([f'{hz:g} Hz' for hz in sorted(lines)])})" if lines else ""
        order.insert(0, f"{_LINE_NOISE[cleaning['line_noise']]} at the mains frequency{at} and its harmonics")
    if cleaning["bad_channels"] == "pyprep":
        order.append(f"search for bad channels (PyPREP) {cited.cite('bigdely2015')}")
    order.append("average reference over the good channels")
    if cleaning["ica"] != "none":
        order.append(_decomposition(cleaning, cited))
    order += [
        f"low-pass filter at {cleaning['h_freq_hz']:g} Hz or lower where the sampling rate or the recording required "
        "it",
        f"resampling to {cleaning['sfreq_hz']:g} Hz",
        f"interpolation of bad channels and {_final_reference(cleaning)}",
        "cutting into epochs",
    ]
    if cleaning["reject"] == "autoreject_global":
        order.append(
            f"rejection of epochs by data-driven thresholds (autoreject, global; no repair) {cited.cite('jas2017')}"
        )
    paragraphs = [
        "Steps in order: " + "; ".join(order) + ".",
        "Bad channels and components were determined once per session over all its recordings; a session with more "
        f"than {100 * cleaning['max_bad_fraction']:g} % bad channels was excluded. The rank was the smaller of the "
        "tracked and the numerical rank and was passed explicitly to every step that needs it.",
    ]
    return paragraphs + quality_paragraphs(results)


def _final_reference(cleaning: Mapping[str, Any]) -> str:
    if cleaning["reference"] == "average":
        return "renewed average reference"
    return f"reference to the mean of {listing(cleaning['mastoids'])}"


_LINE_NOISE = {
    "notch": "notch filters",
    "spectrum_fit": "subtraction of fitted sinusoids",
    "zapline": "a spatial filter (in the manner of ZapLine)",
}
_ICA = {"picard": "extended infomax by Picard", "infomax": "extended infomax", "fastica": "FastICA"}


def _decomposition(cleaning: Mapping[str, Any], cited: Citations) -> str:
    """Say how components were found and which were removed."""
    method = _ICA[cleaning["ica"]] + (f" {cited.cite('ablin2018')}" if cleaning["ica"] == "picard" else "")
    if cleaning["ica_repetitions"] > 1:
        method += f", the most typical of {cleaning['ica_repetitions']} runs"
    threshold = cleaning["ica_threshold"]
    if isinstance(threshold, Mapping):
        limits = listing([f"{name} {value:g}" for name, value in threshold.items()])
        when = f"at or above a probability of its class ({limits})"
    else:
        when = f"when eye, muscle, heart or line noise had a probability of at least {threshold:g}"
    return (
        f"independent component analysis on the good channels at the rank of the data ({method}), components "
        f"classified by ICLabel {cited.cite('pionton2019')} and removed {when}, or when they followed an EOG or ECG "
        "channel where there was one"
    )


def _sources(results: StudyResults, cited: Citations) -> list[str]:
    if not _has_recordings(results):
        return []
    cortex = results.study["cortex"]
    return [
        head_paragraph(results, cited),
        f"Inverse: {listing([_inverse(name, cited) for name in cortex['inverses']])}; one kernel per session for all "
        "its conditions and windows. Regularisation of the data covariance (LCMV): "
        f"{100 * cortex['lcmv_regularisation']:g} % of the mean sensor variance. Signals of the "
        f"{region_words(results, cited)} are means over sources after sign flipping.{dependence(results)}",
        *_leakage(results, cited),
    ]


def _leakage(results: StudyResults, cited: Citations) -> list[str]:
    said = leakage_sentences(results)
    return [f"{' '.join(said)} {cited.cite('hauk2022', 'palva2018')}"] if said else []


def _inverse(name: str, cited: Citations) -> str:
    definition = INVERSES.get(name)
    if definition is None:
        return name
    return f"{name} ({definition.description}) " + (
        cited.work(f"{name}: doi:{definition.doi}") if definition.doi else ""
    )


def _connectivity(results: StudyResults, cited: Citations) -> list[str]:
    if not _has_recordings(results):
        return []
    settings = ConnectivityConfig.model_validate(results.study["connectivity"])
    low, high = results.study["features"]["relative_power_hz"]
    return [
        *connectivity_paragraphs(settings, cited, segment_length_s=results.study["cleaning"]["segment_length_s"]),
        *graph_paragraphs(settings, FeaturesConfig.model_validate(results.study["features"]), cited),
        "Power was computed at sensors and regions from multitaper spectra, absolute (log10) and relative to "
        f"{low:g}–{high:g} Hz.",
        *(
            ["Reliability was estimated from every other epoch or segment (Spearman-Brown)."]
            if any(entry.get("spearman_brown") for entry in (results.reliability or {}).get("reliability") or [])
            else []
        ),
    ]


def _targets(results: StudyResults, _: Citations) -> list[str]:
    return [_target(results, target) for target in results.targets.values()]


def _target(results: StudyResults, target: TargetResults) -> str:
    declaration, tests = target.declaration or {}, target.tests("primary")
    n_a, n_b = target.n_sides
    a, b = target.sides
    people = (
        f"{count(n_a)} {a} and {count(n_b)} {b}"
        if target.kind == "between"
        else f"{plural(n_a, 'person', 'people')}"
        if n_a
        else MISSING
    )
    covariates = listing([words(str(name)) for name in declaration.get("covariates") or []]) or "none"
    dropped = len(declaration.get("dropped") or [])
    return (
        f"Target {target.name}: {target.question} (n = {people}; {plural(dropped, 'person', 'people')} dropped). "
        "Primary family, declared in the study file and hashed before labels were opened (hash "
        f"{str(declaration.get('family_hash', MISSING))[:12]}): {tested_words(results, target)}: "
        f"{plural(len(tests), 'test')}. "
        f"Covariates: {covariates}. All other tests are exploratory, each in a family of its own."
    )


def _comparison(results: StudyResults, cited: Citations) -> list[str]:
    kinds = {target.kind for target in results.targets.values()}
    statistics = {
        "between": "between people, Welch's t (with covariates: its counterpart with one error variance per group); "
        "p is the larger of those from permuting and from sign-flipping the residuals",
        "within": "within people, t of the mean difference; p from sign flips per person",
        "association": "for an association, t of the partial correlation; p is the larger of those from permuting and "
        "from sign-flipping the residuals",
    }
    told = "; ".join(statistics[kind] for kind in sorted(kinds) if kind in statistics)
    n = listing(sorted({count(target.settings["n_permutations"]) for target in results.targets.values()}))
    return [
        f"Statistic: {told} ({n} rearrangements, fewer where all could be listed). Family-wise p values compare each "
        f"statistic with the distribution of the largest one in the family {cited.cite('nichols2002')}; exploratory "
        f"families also carry the false discovery rate {cited.cite('benjamini1995')}. Effect sizes are Hedges' g (dz "
        f"within people) {cited.cite('hedges1981')} with 95 % intervals from the noncentral t distribution (of "
        "correlations, Fisher's), and Bayes "
        f"factors for no effect (JZS) {cited.cite('rouder2009')}. Positive effects mean more in the second-named side.",
        *companion_method(results, cited),
        *network_method(results, cited),
        *agreement_method(results, cited),
    ]


def _classification(results: StudyResults, cited: Citations) -> list[str]:
    paragraphs = []
    for target in results.targets.values():
        if not target.feature_sets:
            continue
        settings = target.settings
        definition = CLASSIFIERS.get(settings["classifier"])
        model = definition.description.rstrip(".") if definition else settings["classifier"]
        doi = f" {cited.work(f'{definition.name}: doi:{definition.doi}')}" if definition and definition.doi else ""
        sets = listing([words(name) for name in target.feature_sets])
        paragraphs.append(
            f"Target {target.name}: {model}{doi}; feature sets {sets}, of which {words(target.primary_feature_set)} "
            f"was declared primary; up to {settings['n_outer_folds']} outer folds grouped by person, "
            f"{plural(settings['n_repeats'], 'repeat')}, inner folds for tuning; {count(settings['n_permutations'])} "
            "permutations of the whole procedure."
        )
    paragraphs += [
        *harmonisation_method(results, cited),
        *confound_method(results, cited),
        *regression_method(results, cited),
    ]
    if all(target.kind == "association" for target in results.targets.values() if target.feature_sets):
        return paragraphs
    paragraphs.append(
        "Everything learned (imputation, scaling, tuning, calibration) was learned inside the training fold. AUC "
        "uses only pairs inside one test fold, averaged over folds and repeats. Labels were permuted within the "
        "outer folds (swapped within a person for paired targets), with the same folds, repeats and tuning as the "
        f"observed score {cited.cite('ojala2010')}. Intervals are for the expected performance of this procedure at "
        f"this number of people {cited.cite('varoquaux2018')}. Baselines on the same folds: {_baselines(results)} "
        f"{cited.cite('snoek2019')}. The run audits itself; gates and their results are listed in the report."
    )
    return paragraphs


def _baselines(results: StudyResults) -> str:
    saved = [scores for target in results.targets.values() for scores in target.feature_sets.values()]
    return (
        listing(list(dict.fromkeys(words(name) for scores in saved for name in scores.get("baselines") or {})))
        or "none"
    )


def _software(results: StudyResults, _: Citations) -> list[str]:
    provenance: Mapping[str, Any] = results.provenance or {}
    environment = provenance.get("environment") or {}
    packages = ", ".join(f"{name} {version}" for name, version in (environment.get("packages") or {}).items())
    return [
        f"painconn {environment.get('painconn', MISSING)}, Python {environment.get('python', MISSING)} on "
        f"{environment.get('platform', MISSING)}; {packages or 'package versions not available'}. Seed "
        f"{provenance.get('seed', MISSING)}; seeds and folds derive from participant labels, never from order. Hash "
        f"of the settings: {provenance.get('config_hash', MISSING)}."
    ]
