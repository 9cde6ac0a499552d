"""Per target: the group comparison, with the primary family declared and hashed before labels are opened."""

from dataclasses import replace
from typing import Any

import pandas as pd

from painconn.config.data import DataConfig
from painconn.config.targets import PositiveControl, Target
from painconn.features.names import KEYS, QUALITY, join
from painconn.inference.association import correlate
from painconn.inference.companions import companion_table
from painconn.inference.comparison import compare_between, compare_within
from painconn.inference.families import Family, family_hash
from painconn.inference.results import Comparison
from painconn.paths import Results
from painconn.provenance import seed_for
from painconn.steps.blinding import lots_in, mark_of, with_lots
from painconn.steps.declare import MUSCLE, families
from painconn.steps.detectable import detectable
from painconn.steps.leakage import with_marks
from painconn.steps.networks import with_node_strength, write_networks
from painconn.steps.selection import Selection, read_features, select
from painconn.steps.sessions import write_mixed_models
from painconn.store import write_json, write_tsv


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Test the families of one target and the positive controls of the study."""
    target = Target.model_validate(settings["target"])
    settings = with_lots(results, settings)
    table = read_features(results)
    columns = [column for column in table.columns if column not in KEYS]
    declared = families(settings, columns)
    contrast = target.contrast.model_dump_json()
    digest = family_hash(declared, contrast)
    primary = declared[0]
    write_json(
        results.target(name, "primary_family.json"),
        {"family_hash": digest, "contrast": contrast, "tests": list(primary.tests)},
    )

    declared, left_out = _without_muscle_column(declared, columns)
    selection = select_for(declared, with_node_strength(table, settings), settings, name)
    declared, notes = _testable([_expanded(family, selection) for family in declared], selection)
    seed = seed_for(settings["seed"], "compare", name)
    compared = _compare(selection, declared, n_permutations=target.n_permutations, seed=seed)
    companions = companion_table(compared, declared, smallest_effect=target.smallest_effect, seed=seed)
    write_tsv(results.target(name, "companions.tsv"), companions)
    controls, control_notes = _controls(table, DataConfig.model_validate(settings["data"]), settings)
    tests = pd.concat([compared.table, *controls], ignore_index=True)
    write_tsv(results.target(name, "compare.tsv"), with_marks(results, tests, settings["groups"]))
    sessions = write_mixed_models(results, name, table, target.contrast, selection, primary)
    networks = write_networks(results, settings, name, compared, declared)
    n_a, n_b = selection.n_sides
    record = {
        "family_hash": digest,
        "primary": settings["target"]["primary"] | {"tests": list(primary.tests), "family_size": len(primary.tests)},
        "contrast": compared.table["contrast"].iloc[0],
        "kind": selection.kind,
        "a": selection.a,
        "b": selection.b,
        "n_a": n_a,
        "n_b": n_b,
        "dropped": selection.dropped,
        "covariates": list(primary.covariates),
        "notes": [*_grouped([*compared.notes, *control_notes]), *notes, *left_out],
        "minimum_detectable_effect": detectable(results, target, selection, declared[0]),
    }
    record |= {key: found for key, found in (("networks", networks), ("sessions", sessions)) if found}
    write_json(results.target(name, "declaration.json"), record | mark_of(settings))


def select_for(declared: list[Family], table: pd.DataFrame, settings: dict[str, Any], name: str) -> Selection:
    """Select the observations of a target, with the covariates of these families."""
    return select(
        table,
        DataConfig.model_validate(settings["data"]),
        Target.model_validate(settings["target"]).contrast,
        covariates=sorted({covariate for family in declared for covariate in family.covariates}),
        minimum_per_group=settings["minimum_per_group"],
        where=f"targets.{name}",
        lots=lots_in(settings),
    )


def compare_again(
    declared: list[Family], table: pd.DataFrame, settings: dict[str, Any], name: str
) -> tuple[Selection, Comparison]:
    """Test some of the families of a target, with the people and the model that they have in its table."""
    selection = select_for(declared, table, settings, name)
    expanded = [_expanded(family, selection) for family in declared]
    n_permutations = Target.model_validate(settings["target"]).n_permutations
    seed = seed_for(settings["seed"], "compare", name)
    return selection, _compare(selection, expanded, n_permutations=n_permutations, seed=seed)


def _without_muscle_column(declared: list[Family], columns: list[str]) -> tuple[list[Family], list[str]]:
    """Leave out exploratory families that need a muscle index which a ready table does not hold, and say so."""
    if join(QUALITY, MUSCLE) in columns:
        return declared, []
    left_out = [family.name for family in declared if MUSCLE in family.covariates and family.role != "primary"]
    kept = [family for family in declared if family.name not in left_out]
    return kept, [f"not tested, because the table holds no muscle index: {', '.join(left_out)}"] if left_out else []


def _expanded(family: Family, selection: Selection) -> Family:
    """Name the columns that a covariate with several categories became."""
    columns = [
        column
        for name in family.covariates
        for column in selection.covariates.columns
        if column == name or column.startswith(f"{name}__")
    ]
    return replace(family, covariates=tuple(columns))


def _testable(declared: list[Family], selection: Selection) -> tuple[list[Family], list[str]]:
    """Leave out families whose muscle covariate could not be computed for everybody, and say so."""
    if MUSCLE not in selection.covariates or selection.covariates[MUSCLE].notna().all():
        return declared, []
    left_out = [family.name for family in declared if MUSCLE in family.covariates and family.role != "primary"]
    kept = [family for family in declared if family.name not in left_out]
    return kept, [
        f"not tested, because the muscle index is missing for some people: {', '.join(left_out)}"
    ] if left_out else []


def _compare(selection: Selection, declared: list[Family], *, n_permutations: int, seed: int) -> Comparison:
    if selection.kind == "within":
        features_a, covariates_a = selection.side(selection.a)
        features_b, covariates_b = selection.side(selection.b)
        return compare_within(
            features_a,
            features_b,
            a=selection.a,
            b=selection.b,
            families=declared,
            covariates_a=covariates_a,
            covariates_b=covariates_b,
            n_permutations=n_permutations,
            seed=seed,
        )
    index = pd.Index(selection.participants, dtype=object)
    among_people: dict[str, Any] = {
        "families": declared,
        "covariates": selection.covariates.set_axis(index, axis=0),
        "strata": pd.Series(selection.sites, index=index) if len(set(selection.sites)) > 1 else None,
        "n_permutations": n_permutations,
        "seed": seed,
    }
    features, labels = selection.features.set_axis(index, axis=0), pd.Series(selection.labels, index=index)
    if selection.kind == "association":
        return correlate(features, labels, score=selection.b.removeprefix("higher "), **among_people)
    return compare_between(features, labels, a=selection.a, b=selection.b, **among_people)


def _controls(table: pd.DataFrame, data: DataConfig, settings: dict[str, Any]) -> tuple[list[pd.DataFrame], list[str]]:
    rows, notes = [], []
    for name, value in settings["positive_controls"].items():
        control = PositiveControl.model_validate(value)
        selection = select(
            table,
            data,
            control.contrast,
            covariates=[],
            minimum_per_group=2,
            where=f"positive_controls.{name}",
            lots=lots_in(settings),
        )
        family = Family(name, "positive_control", (control.feature,))
        n_permutations = settings["target"]["n_permutations"]
        compared = _compare(
            selection, [family], n_permutations=n_permutations, seed=seed_for(settings["seed"], "control", name)
        )
        rows.append(compared.table)
        notes += list(compared.notes)
    return rows, notes


def _grouped(notes: list[str]) -> list[str]:
    """Say once what holds for several families."""
    families: dict[str, list[str]] = {}
    for note in notes:
        family, _, text = note.partition("': ") if note.startswith("family '") else ("", "", note)
        families.setdefault(text, []).append(family.removeprefix("family '"))
    return [
        text if names == [""] else f"{text} ({names[0] if len(names) == 1 else f'{len(names)} families'})"
        for text, names in families.items()
    ]
