"""Everything that a results folder holds, as one typed object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from painconn.reporting.notation import is_number, side_name
from painconn.reporting.records import records


@dataclass(frozen=True)
class TargetResults:
    """The saved results of one target; a file that is not there is None.

    Parameters
    ----------
    name : str
        Name of the target.
    settings : mapping
        Its section of the study file.
    declaration : mapping
        What was declared before labels were opened, and who was compared.
    compare : DataFrame
        A row per test, with the column ``role`` (primary, exploratory, positive_control).
    scores, audit : mapping or None
        Performance of the classifiers and baselines; the gates.
    agreement : mapping or None
        What became of the primary result under the other inverses.
    predictions : DataFrame or None
        Out-of-fold score and probability per observation and repeat.
    networks, network_edges, companions, sessions : DataFrame or None
        Components of edges; the edges with their scores; the plain tests beside the declared ones; the mixed model of
        several sessions.
    model : mapping or None
        Whether a model was saved, and what the interpretation rests on.
    interpretation : DataFrame or None
        Patterns of columns and importances of blocks.
    """

    name: str
    settings: Mapping[str, Any]
    declaration: Mapping[str, Any] | None = None
    compare: pd.DataFrame | None = None
    scores: Mapping[str, Any] | None = None
    predictions: pd.DataFrame | None = None
    audit: Mapping[str, Any] | None = None
    agreement: Mapping[str, Any] | None = None
    networks: pd.DataFrame | None = None
    network_edges: pd.DataFrame | None = None
    companions: pd.DataFrame | None = None
    sessions: pd.DataFrame | None = None
    model: Mapping[str, Any] | None = None
    interpretation: pd.DataFrame | None = None

    def tests(self, role: str) -> pd.DataFrame:
        """Return the rows of one role (an empty table when there are none)."""
        if self.compare is None:
            return pd.DataFrame(columns=["role", "test"])
        return self.compare[self.compare["role"] == role].reset_index(drop=True)

    @property
    def kind(self) -> str:
        """``between`` or ``within`` people, or ``association``."""
        return str((self.declaration or {}).get("kind") or self.settings["contrast"]["kind"])

    @property
    def blinded(self) -> bool:
        """Whether its labels were dealt by lot."""
        return bool((self.declaration or {}).get("blinded"))

    @property
    def sides(self) -> tuple[str, str]:
        """Names of the reference side a and of the side of interest b."""
        contrast = self.settings["contrast"]
        if contrast["kind"] == "association":
            return f"lower {contrast['column']}", f"higher {contrast['column']}"
        return side_name(contrast["a"]), side_name(contrast["b"])

    @property
    def question(self) -> str:
        """The contrast in words."""
        if self.kind == "association":
            return f"association with {self.settings['contrast']['column']}"
        a, b = self.sides
        return f"between {a} and {b}" if self.kind == "between" else f"{a} versus {b}, within people"

    @property
    def primary_feature_set(self) -> str:
        """Name of the feature set whose score answers the question."""
        return str((self.scores or {}).get("primary_feature_set") or "blocks")

    @property
    def feature_sets(self) -> dict[str, Mapping[str, Any]]:
        """Scores per feature set, the primary one first."""
        sets: Mapping[str, Any] = (self.scores or {}).get("feature_sets") or {}
        order = sorted(sets, key=lambda name: name != self.primary_feature_set)
        return {name: sets[name] for name in order}

    @property
    def gates(self) -> list[Mapping[str, Any]]:
        """Every gate of the audit."""
        return list((self.audit or {}).get("gates") or [])

    @property
    def failed_gates(self) -> list[Mapping[str, Any]]:
        """The gates that did not pass; an audit that failed without naming a gate yields one that says so.

        A gate that could not be evaluated has not passed; it counts as failed unless the audit as a whole passed.
        """
        passed = (self.audit or {}).get("passed")
        failed = [
            gate
            for gate in self.gates
            if gate.get("passed") is False and not (passed and gate.get("evaluated") is False)
        ]
        if not failed and passed is False:
            failed = [{"gate": "audit", "expected": "passed", "found": "failed, no gate named", "passed": False}]
        return failed

    @property
    def n_sides(self) -> tuple[Any, Any]:
        """Number of people on side a and side b."""
        given = self.declaration or {}
        return given.get("n_a"), given.get("n_b")


@dataclass(frozen=True)
class StudyResults:
    """The saved results of a study; a file that is not there is None.

    Parameters
    ----------
    study : mapping
        The resolved study file.
    targets : dict of str to TargetResults
        In the order of the study file.
    flow, provenance, reliability, phenotype, leakage : mapping or None
        Counts of what was found and used; versions, seeds and hashes; how reliable the features are; the rule that made
        the labels; limits of leakage, and how much lies beyond them.
    features, spectra, quality, quality_outliers : DataFrame or None
    exclusions, findings, not_computable, regions, leakage_regions, phenotype_sensitivity : DataFrame or None
        The tables of the same names.
    """

    study: Mapping[str, Any]
    targets: dict[str, TargetResults]
    flow: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] | None = None
    reliability: Mapping[str, Any] | None = None
    phenotype: Mapping[str, Any] | None = None
    leakage: Mapping[str, Any] | None = None
    features: pd.DataFrame | None = None
    spectra: pd.DataFrame | None = None
    quality: pd.DataFrame | None = None
    quality_outliers: pd.DataFrame | None = None
    exclusions: pd.DataFrame | None = None
    findings: pd.DataFrame | None = None
    not_computable: pd.DataFrame | None = None
    regions: pd.DataFrame | None = None
    phenotype_sensitivity: pd.DataFrame | None = None
    leakage_regions: pd.DataFrame | None = None

    @property
    def title(self) -> str:
        """Title of the page."""
        return str((self.study.get("report") or {}).get("title") or self.study["name"])

    @property
    def blinded(self) -> bool:
        """Whether labels, scores and sides were dealt by lot."""
        return bool(self.study.get("blinded"))

    @property
    def centroids(self) -> dict[str, tuple[float, float, float]]:
        """A point per region, in mm (x to the right, y to the front); none of a region without a saved one."""
        if self.regions is None:
            return {}
        points = self.regions[["x_mm", "y_mm", "z_mm"]].apply(pd.to_numeric, errors="coerce")
        known = points.notna().all(axis=1)
        rows = points[known].itertuples(index=False, name=None)
        return {str(name): point for name, point in zip(self.regions.loc[known, "name"], rows, strict=True)}

    @property
    def ranks(self) -> tuple[int, int] | None:
        """Lowest and highest rank of the data of a session; None when it was not saved."""
        if self.features is None or "quality__rank" not in self.features or not len(self.features):
            return None
        return int(self.features["quality__rank"].min()), int(self.features["quality__rank"].max())

    @property
    def audit_failed(self) -> bool:
        """Whether any target failed its own audit."""
        return any(target.failed_gates for target in self.targets.values())

    @property
    def exclusion_reasons(self) -> list[tuple[str, str, int]]:
        """Step, check and number of lines of the exclusion table, in order of appearance."""
        if self.exclusions is None or self.exclusions.empty:
            return []
        sizes = self.exclusions.groupby(["step", "check"], sort=False).size().reset_index(name="lines")
        return [(str(row["step"]), str(row["check"]), int(row["lines"])) for row in records(sizes)]


@dataclass(frozen=True)
class Control:
    """A positive control: what had to be there, and what was found.

    Parameters
    ----------
    name, feature, expected : str
        Its name, its column of the table and the expected direction of b against a (``lower`` or ``higher``).
    contrast : mapping
        What is compared.
    row : mapping or None
        Its row of the comparison table; None when it was not saved.
    """

    name: str
    feature: str
    expected: str
    contrast: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> str:
        """``found``, ``direction only``, ``opposite``, ``not computable`` or ``not available``."""
        if self.row is None:
            return "not available"
        estimate, p = self.row.get("estimate"), self.row.get("p")
        if estimate is None or not is_number(estimate):
            return "not computable"
        if (estimate < 0) != (self.expected == "lower"):
            return "opposite"
        return "found" if p is not None and is_number(p) and p < 0.05 else "direction only"


def positive_controls(results: StudyResults) -> list[Control]:
    """Return every positive control of the study with its row, whichever target's table it was saved in."""
    controls = []
    for name, settings in (results.study.get("positive_controls") or {}).items():
        row = None
        for target in results.targets.values():
            rows = target.tests("positive_control")
            if rows.empty:
                continue
            named = rows.get("family", rows["test"]).astype(str).eq(name) | rows["test"].astype(str).eq(name)
            matching = rows[named] if named.any() else rows[rows["test"].astype(str).eq(settings["feature"])]
            if not matching.empty:
                row = records(matching.head(1))[0]
                break
        controls.append(
            Control(
                name=str(name),
                feature=str(settings["feature"]),
                expected=str(settings["expected"]),
                contrast=settings["contrast"],
                row=row,
            )
        )
    return controls
