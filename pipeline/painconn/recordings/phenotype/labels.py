"""From a rule to labels: who gets which, who gets none and why, and how much of that hangs on the cut-off."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from painconn.config.data import Participants
from painconn.config.phenotype import Controls, Phenotype
from painconn.errors import InputError, Problem
from painconn.recordings.participants import doubtful_values
from painconn.recordings.phenotype.evidence import MISSING, Cut, Evidence, Outcome, Sitting
from painconn.recordings.phenotype.rows import Rows, join_rows, read_rows
from painconn.recordings.registry import PHENOTYPES, PhenotypeDefinition, load

CONTROL = "control"
LABEL_COLUMN = "phenotype"
UNCLASSIFIED = "unclassified"
_UNSURE = Outcome(None, MISSING)
_DIFFERS = "sessions differ"


@dataclass(frozen=True)
class PhenotypeLabels:
    """What a rule made of a table.

    Parameters
    ----------
    rule : PhenotypeDefinition
        Which rule, in which version.
    labels : Series of str
        Label by participant; None where the rule gives none.
    why : Series of str
        Why a participant has no label; empty with one.
    evidence : Evidence
        Values, cut-offs and facts.
    declared : mapping of str to Outcome
        Those whom the rule does not judge: controls, and people of whom it is not known whether they are.
    unknown : tuple of str
        Labels in the table that the participants table does not have.
    """

    rule: PhenotypeDefinition
    labels: "pd.Series[str]"
    why: "pd.Series[str]"
    evidence: Evidence
    declared: Mapping[str, Outcome]
    unknown: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Participants by label; ``unclassified`` are those without one."""
        return _counts(self.labels)

    @property
    def reasons(self) -> dict[str, int]:
        """Participants without a label, by why."""
        return dict(sorted(Counter(why for why in self.why if why).items()))

    def summary(self) -> str:
        """Return rule, cut-off and counts in one line."""
        counts = ", ".join(f"{label} {count}" for label, count in self.counts.items())
        why = ", ".join(f"{reason} {count}" for reason, count in self.reasons.items())
        told = f"{self.rule.name} (version {self.rule.version}, {self.evidence.chosen.name}): {counts}"
        return f"{told} ({why})" if why else told

    def table(self) -> pd.DataFrame:
        """Return a row per participant: label or why there is none, rule, version, the values used, what is missing."""
        names = list(dict.fromkeys(name for sitting in self.evidence.sittings for name in sitting.values))
        names = [name for name in names if name != "given"]
        telling = self._telling_sittings()
        rows = []
        for person, label in zip(map(str, self.labels.index), self.labels, strict=True):
            sitting = telling.get(person, Sitting(person, (), {}, ("no row",)))
            outcome = self.evidence.judge(sitting.values, self.evidence.chosen) if sitting.values else Outcome(None)
            unsure = ("whether a control",) if self.declared.get(person) == _UNSURE else ()
            rows.append(
                {"participant": person, "label": label, "why_unclassified": self.why[person] or None}
                | {"rule": self.rule.name, "version": self.rule.version}
                | {name: _as_text(sitting.values.get(name)) for name in names}
                | {"unmet": "; ".join(outcome.unmet) or None}
                | {"missing": "; ".join((*unsure, *sitting.missing)) or None}
            )
        columns = ["participant", "label", "why_unclassified", "rule", "version", *names, "unmet", "missing"]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def _telling_sittings(self) -> dict[str, Sitting]:
        """Return for each person the first sitting that lacks nothing the rule needs, else the first."""
        found: dict[str, Sitting] = {}
        complete = set[str]()
        for sitting in self.evidence.sittings:
            person = sitting.participant
            if person not in complete and self.evidence.judge(sitting.values, self.evidence.chosen).why != MISSING:
                complete.add(person)
                found[person] = sitting
            found.setdefault(person, sitting)
        return found

    def sensitivity(self) -> pd.DataFrame | None:
        """Return a row per cut-off: people by label, and how many change label against the chosen one.

        None for a rule without a cut-off. ``expected_false_positives`` is the share of people like the controls who are
        expected above the cut at one site.
        """
        if len(self.evidence.cuts) < 2:
            return None
        people = [str(person) for person in self.labels.index]
        kinds = [label for label in self.rule.labels if label != CONTROL or CONTROL in self.counts]
        rows = []
        for cut in self.evidence.cuts:
            outcomes, _ = outcomes_of(self.evidence, cut, people, self.declared)
            labels = [outcomes[person].label for person in people]
            changed = sum(there != here for there, here in zip(labels, self.labels, strict=True))
            counted = _counts(labels)
            row: dict[str, Any] = {"cut": cut.name, "chosen": "yes" if cut == self.evidence.chosen else "no"}
            row |= {label: counted.get(label, 0) for label in (*kinds, UNCLASSIFIED)} | {"changed": changed}
            if self.evidence.expected_false_positives:
                row["expected_false_positives"] = self.evidence.expected_false_positives[cut.name]
            rows.append(row)
        return pd.DataFrame(rows)

    def record(self) -> dict[str, Any]:
        """Return what stands beside the tables: rule, version, source, cut-off, counts, and what the values rest on."""
        return {
            "rule": self.rule.name,
            "version": self.rule.version,
            "description": self.rule.description,
            "citation": self.rule.citation,
            "doi": self.rule.doi,
            "cut": self.evidence.chosen.name,
            "counts": self.counts,
            "why_unclassified": self.reasons,
            "facts": dict(self.evidence.facts),
            "notes": list(self.notes),
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know; people are counted, never named."""
        unknown = f"{len(self.unknown)} labels of the table are not in the participants table and were not used"
        return (*self.evidence.notes, *((unknown,) if self.unknown else ()))


def label_people(
    people: pd.DataFrame, participants: Participants, phenotype: Phenotype, root: Path
) -> tuple[pd.DataFrame, PhenotypeLabels | None]:
    """Apply the study's rule.

    Parameters
    ----------
    people : DataFrame
        Participants table, text, indexed by participant.
    participants : Participants
        Where it came from.
    phenotype : Phenotype
        The rule, its table and its options.
    root : Path
        Folder that tables are relative to.

    Returns
    -------
    people : DataFrame
        With the columns of the rule's table that hold one value per person, and the label as ``phenotype``.
    labels : PhenotypeLabels or None
        None when the rule is ``given_column`` without a column: every contrast then names its own.

    Raises
    ------
    InputError
        Tables or columns that are not there, cells that cannot be, people with two labels; all at once.
    """
    if not phenotype.makes_labels:
        return people, None
    rows = read_rows(people, participants, phenotype, root)
    joined = join_rows(people, rows, phenotype.id_column or participants.id_column) if phenotype.table else people
    definition = PHENOTYPES[phenotype.rule]
    declared = _declared(joined, phenotype.controls, rows)
    controls = frozenset(person for person, outcome in declared.items() if outcome.label == CONTROL)
    evidence: Evidence = load(definition.function)(rows, phenotype, joined, controls)
    labels = [str(person) for person in people.index]
    outcomes, twice = outcomes_of(evidence, evidence.chosen, labels, declared)
    if LABEL_COLUMN in joined.columns and phenotype.column != LABEL_COLUMN:
        found = f"a column {LABEL_COLUMN} beside the rule {definition.name}"
        fix = "rename the column, or take it as the label (rule: given_column, column: phenotype)"
        rows.problems.append(Problem("participants table", found, "one source of labels", fix))
    problems = [*rows.problems, *(_two_labels(rows, evidence, person) for person in twice)]
    if problems:
        raise InputError(problems)
    index = people.index
    made = PhenotypeLabels(
        definition,
        pd.Series([outcomes[person].label for person in labels], index=index, dtype=object),
        pd.Series([outcomes[person].why for person in labels], index=index, dtype=object),
        evidence,
        declared,
        rows.unknown,
    )
    return joined.assign(**{LABEL_COLUMN: made.labels}), made


def outcomes_of(
    evidence: Evidence, cut: Cut, people: Iterable[str], declared: Mapping[str, Outcome]
) -> tuple[dict[str, Outcome], list[str]]:
    """Judge everybody at a cut-off.

    Returns
    -------
    outcomes : dict
        By participant. Somebody without a row is unclassified (missing); what is declared stands.
    twice : list of str
        People whose rows lead to different outcomes, those that only lack a value aside.
    """
    found: dict[str, list[Outcome]] = {}
    for sitting in evidence.sittings:
        found.setdefault(sitting.participant, []).append(evidence.judge(sitting.values, cut))
    outcomes, twice = {}, []
    for person in people:
        if person in declared:
            outcomes[person] = declared[person]
            continue
        known = [outcome for outcome in found.get(person, []) if outcome.why != MISSING]
        outcomes[person] = known[0] if known else Outcome(None, MISSING)
        if len({(outcome.label, outcome.why) for outcome in known}) > 1:
            outcomes[person] = Outcome(None, _DIFFERS)
            twice.append(person)
    return outcomes, twice


def _declared(people: pd.DataFrame, controls: Controls | None, rows: Rows) -> dict[str, Outcome]:
    """Return the controls, and the people of whom it is not known whether they are."""
    if controls is None:
        return {}
    if controls.column not in people.columns:
        found = f"no column {controls.column}, or several values for one person"
        there = f"one of: {', '.join(map(str, people.columns))}"
        rows.problems.append(Problem("data.phenotype.controls.column", found, there, "correct the name"))
        return {}
    column = people[controls.column]
    rows.problems.extend(doubtful_values(column, (controls.value,)))
    if controls.value not in set(column):
        shown = ", ".join(sorted({str(value) for value in column if value is not None})[:8]) or "no value at all"
        where = f"column {controls.column}"
        fix = "correct data.phenotype.controls.value"
        rows.problems.append(Problem(where, shown, f"somebody with {controls.value}", fix))
    known = {controls.value: Outcome(CONTROL), None: _UNSURE}
    return {str(person): known[value] for person, value in column.items() if value in known}


def _two_labels(rows: Rows, evidence: Evidence, person: str) -> Problem:
    told = []
    for sitting in evidence.sittings:
        if sitting.participant == person:
            outcome = evidence.judge(sitting.values, evidence.chosen)
            told.append(f"{outcome.label or f'{UNCLASSIFIED} ({outcome.why})'} in {_row_words(sitting)}")
    fix = "correct the rows, or choose those that count (data.phenotype.only)"
    return Problem(rows.text.name, f"participant {person}: {', '.join(told)}", "one label per person", fix)


def _row_words(sitting: Sitting) -> str:
    if len(sitting.rows) == 1:
        return f"row {sitting.rows[0]}"
    return f"rows {sitting.rows[0]} to {sitting.rows[-1]}"


def _counts(labels: Iterable[str | None]) -> dict[str, int]:
    counts = Counter(labels)
    unclassified = counts.pop(None, 0)
    return {**{str(label): counts[label] for label in sorted(map(str, counts))}, UNCLASSIFIED: unclassified}


def _as_text(value: Any) -> Any:
    return ("yes" if value else "no") if isinstance(value, bool) else value
