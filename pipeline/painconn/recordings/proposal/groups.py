"""Groups and covariates proposed from the participants table."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from painconn.errors import InputError
from painconn.recordings.participants import covariate_columns
from painconn.recordings.proposal.wording import listed
from painconn.recordings.sidecars import parse_number

MIN_PER_GROUP = 5
_MOST_GROUPS = 6
_GROUP_NAMES = frozenset(
    {
        *("group", "groups", "grp", "patientgroup", "cohort", "arm", "class", "type", "subjecttype", "label"),
        *("diagnosis", "dx", "disease", "diseasestatus", "status", "case", "patient", "patients", "phenotype"),
        "condition",
    }
)
_COVARIATES = frozenset({"age", "sex", "gender"})
_NO_GROUP = _COVARIATES | {"hand", "handedness", "laterality", "site", "center", "centre", "scanner", "year", "species"}
_SITE_NAMES = frozenset({"site", "center", "centre", "scanner"})
_NO_QUESTION = re.compile(r"year|date|note|(?:^|_)id$|comment|ntrials|file|sha|version|session|run", re.IGNORECASE)
_CONTROL = re.compile(
    r"(?:healthy|normal|pain ?free|no ?pain)?[ _-]?(?:controls?|volunteers?)|hc\d?|c|cn|nc|cg|ctl|ctrl|co|con|healthy|"
    r"normal|pain ?free|no ?pain|none?|0",
    re.IGNORECASE,
)
_CONTROL_MEANING = re.compile(r"\b(?:healthy|controls?|normal|pain[ -]?free|no pain)\b", re.IGNORECASE)
_COMPLETE = 0.9
_NUMBERS_SHOWN = 8


@dataclass(frozen=True)
class ProposedGroup:
    """Two groups of a column: `a` is the reference."""

    column: str
    a: str
    b: str


@dataclass
class ProposedPeople:
    """What the participants table offers; `notes` says in words what was left open."""

    groups: list[ProposedGroup] = field(default_factory=list)
    covariates: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def propose_people(table: pd.DataFrame, *, levels: Mapping[str, Mapping[str, str]] | None = None) -> ProposedPeople:
    """Propose groups and covariates.

    A column with a usual name (group, diagnosis, type, ...) is a group when it has two to six values, codes such as 1
    and 2 included; another one only when it has two texts and hardly a gap. Sex, hand and site are no groups. Every
    group is compared with the controls, where the values tell them.

    Parameters
    ----------
    table : DataFrame
        From :func:`painconn.recordings.participants.read_participants`, the people with recordings.
    levels : mapping of str to mapping of str to str or None
        Meaning of codes by column (``Levels`` of ``participants.json``).

    Returns
    -------
    proposed : ProposedPeople
    """
    proposed = ProposedPeople()
    levels = levels or {}
    cells = {column: _values(table[column]) for column in table.columns}
    taken: list[str] = []
    for column in sorted(cells, key=lambda name: (_folded(name) not in _GROUP_NAMES, list(cells).index(name))):
        if not _may_be_group(column, cells[column], len(table)):
            continue
        same = next((other for other in taken if _same_partition(cells[column], cells[other])), None)
        if same is not None:
            proposed.notes.append(f"column {column} says the same as column {same}: no target of its own")
            continue
        found = _compared(column, cells[column], levels.get(column, {}), proposed.notes)
        if found:
            taken.append(column)
            proposed.groups += found
    proposed.notes += _prefix_note(table.index) if not taken else ()
    proposed.covariates = _covariates(table, cells, proposed.notes)
    proposed.notes += _other_columns(cells, taken)
    return proposed


def read_levels(table: Path) -> dict[str, dict[str, str]]:
    """Return the meaning of codes from the JSON file beside a participants table; nothing when it cannot be read."""
    try:
        described = json.loads(table.with_suffix(".json").read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError):
        return {}
    columns = described.items() if isinstance(described, dict) else ()
    return {
        str(column): {str(code): str(meaning) for code, meaning in about["Levels"].items()}
        for column, about in columns
        if isinstance(about, dict) and isinstance(about.get("Levels"), dict)
    }


def _values(cells: "pd.Series[str]") -> "pd.Series[str]":
    """Return the cells that say something."""
    texts = cells.dropna().astype(str).str.strip()
    return texts[~texts.str.casefold().isin({"nan", "na", "null", "."})]


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _may_be_group(column: str, values: "pd.Series[str]", n_people: int) -> bool:
    distinct = set(values)
    if _folded(column) in _NO_GROUP or not 2 <= len(distinct) <= _MOST_GROUPS or len(distinct) == len(values):
        return False
    if _folded(column) in _GROUP_NAMES:
        return all(number is None or number == int(number) for number in map(parse_number, distinct))
    texts = all(parse_number(value) is None for value in distinct)
    return texts and len(distinct) == 2 and len(values) >= _COMPLETE * n_people and not _NO_QUESTION.search(column)


def _same_partition(one: "pd.Series[str]", other: "pd.Series[str]") -> bool:
    both = pd.DataFrame({"one": one, "other": other})
    pairs = len(both.drop_duplicates())
    return pairs == both["one"].nunique(dropna=False) == both["other"].nunique(dropna=False)


def _compared(
    column: str, values: "pd.Series[str]", meaning: Mapping[str, str], notes: list[str]
) -> list[ProposedGroup]:
    counts = Counter(values)
    shown = ", ".join(
        f"{value}{f' = {meaning[value]}' if value in meaning else ''} ({count})"
        for value, count in counts.most_common()
    )
    enough = [value for value, count in counts.most_common() if count >= MIN_PER_GROUP]
    if len(enough) < 2:
        notes.append(f"column {column} has the groups {shown}: too few people in them for a target")
        return []
    controls = [
        value for value in enough if _CONTROL.fullmatch(value) or _CONTROL_MEANING.search(meaning.get(value, value))
    ]
    if len(controls) == 1:
        reference = controls[0]
        found = [ProposedGroup(column, reference, value) for value in enough if value != reference]
        why = f"{reference} is taken as the reference"
    else:
        reference, second = sorted(enough, key=lambda value: (-counts[value], value))[:2]
        found = [ProposedGroup(column, reference, second)]
        why = f"which group is the reference is not known here: {reference}, as one of the larger groups"
    unsure = "" if _folded(column) in _GROUP_NAMES else "; remove it if it is no question"
    left = [value for value in counts if value not in {reference, *(group.b for group in found)}]
    rest = f"; {', '.join(left)} in no target" if left else ""
    notes.append(f"column {column} has the groups {shown}: taken as a target; {why}{rest}{unsure}")
    return found


def _prefix_note(labels: "pd.Index[str]") -> Iterator[str]:
    """Name groups that stand in the participant labels only (``hc1``, ``pd3``)."""
    matches = [re.match(r"[A-Za-z]*(?:\d[A-Za-z]+)?", str(label)) for label in labels]
    counts = Counter(match[0] for match in matches if match and match[0])
    large = {prefix: count for prefix, count in counts.items() if count >= MIN_PER_GROUP}
    if len(large) > 1:
        shown = ", ".join(f"{prefix} ({count})" for prefix, count in large.items())
        yield f"participant labels start with {shown}: if these are groups, add a column to the participants table"


def _covariates(table: pd.DataFrame, cells: Mapping[str, "pd.Series[str]"], notes: list[str]) -> list[str]:
    chosen = []
    for column in (name for name in cells if _folded(name) in _COVARIATES):
        missing = len(table) - len(cells[column])
        if missing:
            gap = "for nobody" if missing == len(table) else f"not for {missing} of {len(table)} people"
            notes.append(f"column {column} is known {gap}: no covariate until it is complete, or these are left out")
        elif _is_covariate(table, column):
            chosen.append(column)
    return chosen


def _is_covariate(table: pd.DataFrame, column: str) -> bool:
    """Whether a column varies and can be turned into numbers."""
    try:
        numbers = covariate_columns(table, [column])
    except InputError:
        return False
    return bool(numbers.notna().all().all() and (numbers.nunique() > 1).all())


def _other_columns(cells: Mapping[str, "pd.Series[str]"], taken: Collection[str]) -> Iterator[str]:
    rest = {name: values for name, values in cells.items() if name not in taken and _folded(name) not in _NO_GROUP}
    numbers = [
        name
        for name, values in rest.items()
        if values.nunique() > 2
        and not _NO_QUESTION.search(name)
        and all(parse_number(value) is not None for value in values)
    ]
    if numbers:
        yield f"columns of numbers that may be covariates: {listed(numbers, _NUMBERS_SHOWN)}"
    texts = [
        f"{name} ({values.nunique()} values)"
        for name, values in rest.items()
        if name not in numbers and 2 < values.nunique() <= _MOST_GROUPS and not _NO_QUESTION.search(name)
    ]
    if texts:
        yield f"columns of a few texts that may be groups: {listed(texts, _NUMBERS_SHOWN)}"
    sites = [name for name in cells if _folded(name) in _SITE_NAMES and cells[name].nunique() > 1]
    if sites:
        yield f"column {sites[0]} looks like sites: make one source per site, so that permutations stay inside a site"
