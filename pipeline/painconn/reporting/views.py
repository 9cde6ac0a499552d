"""What each part of the page shows: saved tables turned into pictures, tables and sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.quality_numbers import QUALITY_NUMBERS
from painconn.reporting import circuit_figures, data_figures, effect_figures, prediction_figures
from painconn.reporting.agreement import agreement_kind, agreement_sentences, agreement_table, agreement_verdict
from painconn.reporting.companions import companions_table, equivalence_sentence, sessions_table
from painconn.reporting.drawing import Picture
from painconn.reporting.head_text import heads_in_brief
from painconn.reporting.headline import answer, meaning, people, primary_performance
from painconn.reporting.interpretation import importances_table, interpretation_sentences, patterns_table
from painconn.reporting.leakage import family_sentence
from painconn.reporting.network_figures import network_pictures
from painconn.reporting.networks import network_sentences, networks_table
from painconn.reporting.notation import (
    count,
    number,
    plural,
    words,
)
from painconn.reporting.observations import compared_people, mean_probabilities, side_tables
from painconn.reporting.performance import (
    Performance,
    baselines_of,
    increment_sentences,
    left_out_sentence,
    performance_of,
    probe_sentences,
)
from painconn.reporting.power import chances_sentence, detectable_sentence
from painconn.reporting.quality_overview import outliers_table, overview
from painconn.reporting.regression import (
    regression_notes,
    regression_pictures,
    regression_sentences,
    regression_table,
)
from painconn.reporting.reliability import attenuation_sentence
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.secondary import secondary_sentences
from painconn.reporting.site_text import site_sentences
from painconn.reporting.tables import (
    Table,
    exploratory_families,
    exploratory_top,
    flag_table,
    gates_table,
    mapping_table,
    not_computable_table,
    performance_table,
    plain_table,
    spread_table,
    tests_table,
)

Position = tuple[float, float, float]


@dataclass(frozen=True)
class TargetView:
    """A target on the page; a part that was not saved is None or empty."""

    name: str
    kind: str
    question: str
    answer: str
    meaning: str
    audit_state: str
    agreement_verdict: str
    agreement_kind: str
    agreement: tuple[str, ...]
    agreement_table: Table | None
    gates: Table | None
    primary_pictures: tuple[Picture, ...]
    primary_table: Table | None
    primary_leakage: str
    classifier_pictures: tuple[Picture, ...]
    performance: Table | None
    beside: list[str]
    interval_notes: tuple[str, ...]
    interpretation: tuple[str, ...]
    patterns: Table | None
    importances: Table | None
    networks: tuple[str, ...]
    networks_table: Table | None
    network_pictures: tuple[Picture, ...]
    companions: Table | None
    sessions: Table | None
    limits: tuple[str, ...]
    notes: tuple[str, ...]
    exploratory_families: Table | None
    exploratory_top: Table | None
    spectra: Picture | None


def target_view(results: StudyResults, target: TargetResults, centroids: Mapping[str, Position]) -> TargetView:
    """Return everything that the page says about one target."""
    primary, exploratory = target.tests("primary"), target.tests("exploratory")
    n_people = f"n = {people(*target.n_sides, target.kind)}"
    state = "not available" if target.audit is None else "failed" if target.failed_gates else "passed"
    model = _regression(target, n_people) if target.kind == "association" else _classifier(target, n_people)
    return TargetView(
        name=target.name,
        kind=target.kind,
        question=target.question,
        answer=answer(target),
        meaning=meaning(target),
        audit_state=state,
        agreement_verdict=agreement_verdict(target),
        agreement_kind=agreement_kind(target),
        agreement=agreement_sentences(target),
        agreement_table=agreement_table(target),
        gates=gates_table(target) if target.audit is not None else None,
        primary_pictures=_primary_pictures(results, target, primary, centroids),
        primary_table=None
        if primary.empty
        else tests_table(
            primary,
            f"All {len(primary)} declared tests of {target.name}; p below .05 after family-wise correction is set in "
            "bold.",
            sides=target.sides,
            p_corrected="p_fwe",
        ),
        primary_leakage=family_sentence(primary),
        classifier_pictures=model.pictures,
        performance=model.table,
        beside=_beside(target, model),
        interval_notes=model.notes,
        interpretation=interpretation_sentences(target),
        patterns=patterns_table(target),
        importances=importances_table(target),
        networks=network_sentences(target),
        networks_table=networks_table(target),
        network_pictures=network_pictures(target, centroids),
        companions=companions_table(target),
        sessions=sessions_table(target),
        limits=_limits(results, target),
        notes=tuple(dict.fromkeys(str(note) for note in (target.declaration or {}).get("notes") or [])),
        exploratory_families=None if exploratory.empty else exploratory_families(exploratory),
        exploratory_top=None if exploratory.empty else exploratory_top(exploratory, sides=target.sides),
        spectra=_spectra(results, target),
    )


def _primary_pictures(
    results: StudyResults, target: TargetResults, primary: pd.DataFrame, centroids: Mapping[str, Position]
) -> tuple[Picture, ...]:
    if primary.empty:
        return ()
    groups = (results.study.get("features") or {}).get("groups") or {}
    drawn = (
        effect_figures.block_matrices(
            primary, sides=target.sides, title=f"{target.name}: primary family, effect sizes"
        ),
        effect_figures.largest_effects(primary, sides=target.sides, title=f"{target.name}: largest primary effects"),
        circuit_figures.circuits(
            primary,
            sides=target.sides,
            title=f"{target.name}: primary family on the brain",
            centroids=centroids,
            groups=groups,
        ),
    )
    return tuple(picture for picture in drawn if picture)


@dataclass(frozen=True)
class _Model:
    """What is shown of a model that was evaluated."""

    pictures: tuple[Picture, ...]
    table: Table | None
    sentences: list[str]
    notes: tuple[str, ...]


def _beside(target: TargetResults, model: _Model) -> list[str]:
    left_out = left_out_sentence(target.scores or {})
    audit = target.audit or {}
    return [*([left_out] if left_out else []), *model.sentences, *probe_sentences(audit), *site_sentences(audit)]


def _regression(target: TargetResults, n_people: str) -> _Model:
    return _Model(
        pictures=regression_pictures(target, n_people),
        table=regression_table(target, n_people),
        sentences=regression_sentences(target),
        notes=regression_notes(target),
    )


def _classifier(target: TargetResults, n_people: str) -> _Model:
    models = [performance_of(name, saved) for name, saved in target.feature_sets.items()]
    saved = target.feature_sets.get(target.primary_feature_set) or {}
    baselines = baselines_of(saved)
    score = primary_performance(target)
    return _Model(
        pictures=_classifier_pictures(target, models, baselines, n_people),
        table=performance_table(models, baselines, n_people) if models or baselines else None,
        sentences=[*increment_sentences(saved), *secondary_sentences(saved, target.sides)],
        notes=score.notes if score else (),
    )


def _classifier_pictures(
    target: TargetResults, models: list[Performance], baselines: list[Performance], n_people: str
) -> tuple[Picture, ...]:
    drawn = [
        prediction_figures.auc_against_null(
            models, baselines, people=n_people, title=f"{target.name}: AUC against permuted labels"
        )
    ]
    probabilities = mean_probabilities(target)
    if probabilities:
        observations, n_repeats = probabilities
        drawn.append(
            prediction_figures.probabilities(
                observations, sides=target.sides, n_repeats=n_repeats, title=f"{target.name}: probability per person"
            )
        )
    saved = target.feature_sets.get(target.primary_feature_set) or {}
    title = f"{target.name}: what the probabilities are worth"
    drawn.append(prediction_figures.probability_curves(saved, sides=target.sides, people=n_people, title=title))
    drawn += [
        prediction_figures.learning_curve(
            model, people=n_people, title=f"{target.name}: learning curve, {words(model.name)}"
        )
        for model in models[:1]
    ]
    return tuple(picture for picture in drawn if picture)


def _limits(results: StudyResults, target: TargetResults) -> tuple[str, ...]:
    """Say which effects this many people would have missed, and how wide the intervals are."""
    sentences = (
        detectable_sentence(target),
        chances_sentence(target),
        attenuation_sentence(results, target),
        _widths(target),
        equivalence_sentence(target),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _widths(target: TargetResults) -> str:
    tests = target.tests("primary")
    if tests.empty or not {"ci_low", "ci_high"} <= set(tests.columns):
        return ""
    width = (
        pd.to_numeric(tests["ci_high"], errors="coerce") - pd.to_numeric(tests["ci_low"], errors="coerce")
    ).dropna()
    if width.empty:
        return ""
    return (
        f"The 95 % intervals of the {plural(len(width), 'computed primary test')} are {number(width.median())} wide "
        f"(median; {effect_figures.effect_word(tests)}), the widest {number(width.max())}. An effect inside them can "
        "neither be claimed nor denied."
    )


def _spectra(results: StudyResults, target: TargetResults) -> Picture | None:
    if results.spectra is None:
        return None
    tables = side_tables(results, target.settings["contrast"], results.spectra)
    if tables is None:
        return None
    named = {
        side: table.rename(columns=float)
        for side, table in zip(target.sides, compared_people(target, tables), strict=True)
    }
    bands = (results.study.get("connectivity") or {}).get("bands_hz") or {}
    return data_figures.mean_spectra(named, bands_hz=bands, title=f"{target.name}: mean spectra")


_QUALITY_MEANINGS = {
    name: f"{number.description} ({number.unit}, {number.range})" for name, number in QUALITY_NUMBERS.items()
}
_FINDING_COLUMNS = ("participant", "session", "recording", "check", "found", "consequence")
"""Limit, stretches and what can be done are in the saved table."""


@dataclass(frozen=True)
class DataView:
    """Flow, exclusions, findings at the door, quality and what was not computable."""

    flow: Picture | None
    exclusions: Table | None
    findings: Table | None
    dropped: tuple[Table, ...]
    flags: Table | None
    overview: Picture | None
    outliers: Table | None
    spread: Table | None
    quality: Table | None
    not_computable: Table | None
    of_ready_table: bool


def data_view(results: StudyResults) -> DataView:
    """Return the sections about the data; a table that was not saved is None."""
    exclusions, missing = results.exclusions, results.not_computable
    quality = None if results.quality is None or results.quality.empty else results.quality
    outliers = results.quality_outliers
    settings = ConnectivityConfig.model_validate(results.study.get("connectivity") or {})
    conditions = (results.study.get("data") or {}).get("conditions") or {}
    n_epochs = {
        name: int(condition["n_epochs"])
        for name, condition in conditions.items()
        if settings.measures_of("over_epochs")
    }
    flags = None if quality is None else flag_table(quality, warn_epochs=settings.warn_epochs, n_epochs=n_epochs)
    return DataView(
        flow=_flow(results),
        exclusions=None
        if exclusions is None or exclusions.empty
        else plain_table(exclusions, "Every exclusion, with what was found, what was wanted and what can be done."),
        findings=None
        if results.findings is None or results.findings.empty
        else plain_table(
            results.findings[[name for name in _FINDING_COLUMNS if name in results.findings]],
            "Findings at the door: what was seen in the recordings as read, and what followed.",
        ),
        dropped=tuple(
            _dropped(target) for target in results.targets.values() if (target.declaration or {}).get("dropped")
        ),
        flags=flags if flags and flags.rows else None,
        overview=None if quality is None else overview(quality, outliers),
        outliers=None if outliers is None or outliers.empty else outliers_table(outliers),
        spread=None if quality is None else spread_table(quality),
        quality=None
        if quality is None
        else plain_table(quality, "Quality of every recording.", meanings=_QUALITY_MEANINGS),
        not_computable=None if missing is None or missing.empty else not_computable_table(missing),
        of_ready_table=any(source.get("layout") == "features" for source in results.study["data"]["sources"]),
    )


def _dropped(target: TargetResults) -> Table:
    rows = tuple(
        (str(entry.get("participant", "n/a")), str(entry.get("reason", "n/a")))
        for entry in (target.declaration or {})["dropped"]
    )
    return Table(caption=f"People left out of {target.name}.", header=("participant", "reason"), rows=rows)


def _flow(results: StudyResults) -> Picture | None:
    if results.flow is None:
        return None
    reasons = [(f"{words(step)}: {words(check)}", n) for step, check, n in results.exclusion_reasons]
    targets = []
    for target in results.targets.values():
        a, b = target.sides
        n_a, n_b = target.n_sides
        told = (
            f"{count(n_a)} {a}, {count(n_b)} {b}" if target.kind == "between" else f"{count(n_a)} people, {a} and {b}"
        )
        dropped = len((target.declaration or {}).get("dropped") or [])
        targets.append((target.name, f"{told}; {dropped} dropped"))
    return data_figures.exclusion_flow(results.flow, reasons=reasons, targets=targets, title="From found to compared")


def provenance_tables(results: StudyResults) -> tuple[Table, ...]:
    """Return versions, seeds and hashes, and what each step cost; inputs are counted, not named."""
    if results.provenance is None:
        return ()
    shown = {key: value for key, value in results.provenance.items() if key not in ("inputs", "jobs")}
    inputs = results.provenance.get("inputs")
    if inputs is not None:
        shown["inputs"] = f"{plural(len(inputs), 'file')}, names and hashes in group/provenance.json"
    if "heads" in shown:
        shown["heads"] = heads_in_brief(shown["heads"])
    tables = [mapping_table(shown, "Where the numbers come from.", ("what", "value"))]
    jobs = results.provenance.get("jobs")
    if jobs:
        tables.append(
            plain_table(pd.DataFrame([{"step": step, **cost} for step, cost in jobs.items()]), "What each step cost.")
        )
    return tuple(tables)
