"""``painconn init``: a study file proposed from what a folder shows, with what could not be decided as comments."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from painconn.errors import InputError
from painconn.recordings.participants import covariate_columns, read_participants
from painconn.recordings.proposed_conditions import ProposedCondition, propose_conditions
from painconn.recordings.survey import Survey, survey_folder

_HIGHEST_BAND_HZ, _RATE_PER_BAND, _MOST_SFREQ_HZ = 45.0, 2.5, 250.0
_MIN_PER_GROUP = 5
_USUAL_COVARIATES = frozenset({"age", "sex", "gender"})
_NO_GROUP = frozenset({"sex", "gender", "hand", "handedness", "site"})
_CONTROL_WORDS = frozenset({"control", "controls", "hc", "healthy", "ctl", "ctrl", "no", "0"})


def propose_study(folder: Path, *, root: str | None = None) -> str:
    """Propose a study file for a folder of recordings.

    Parameters
    ----------
    folder : Path
        Folder of the recordings.
    root : str or None
        What to write as root of the source; None: the absolute path of the folder.

    Returns
    -------
    text : str
        YAML with comments. It is a valid study when the folder shows something to compare (two conditions, or two
        groups of at least five people); otherwise ``targets`` is left to be written, and a comment says so.

    Raises
    ------
    InputError
        No recording in a known format, or names that cannot be used.
    """
    folder = folder.resolve()
    survey = survey_folder(folder)
    notes = list(survey.undecided)
    conditions = propose_conditions(survey, notes)
    table = read_participants(survey.participants, folder) if survey.participants and survey.table else None
    line_hz = _line_freq(survey, notes)
    lines = [
        "# A proposal of `painconn init`: every line is guessed from the files; read it before you run it.",
        f"name: {_text(plain_label(folder.name) or 'study')}",
        "data:",
        *_indented(2, _source_lines(survey, root or folder.as_posix(), line_hz, notes)),
        "  conditions:",
        *(line for condition in conditions for line in _indented(4, _condition_lines(condition))),
        *_indented(2, _participant_lines(survey, table)),
        "cleaning:",
        *_indented(2, _cleaning_lines(survey, line_hz, notes)),
        *_target_lines(conditions, table, notes),
    ]
    if notes:
        lines += ["", "# Not decided here:", *(f"# - {' '.join(note.split())}" for note in notes)]
    return "\n".join(lines) + "\n"


def plain_label(text: str) -> str:
    """Keep the letters and digits of a text."""
    return "".join(character for character in text if character.isascii() and character.isalnum())[:64]


def _text(value: str) -> str:
    """Quote a value so that every YAML reader takes it as text."""
    return json.dumps(value, ensure_ascii=False)


def _indented(spaces: int, lines: Iterable[str]) -> list[str]:
    return [" " * spaces + line for line in lines]


def _line_freq(survey: Survey, notes: list[str]) -> float | None:
    """Return the mains frequency of the sidecars, else of the spectra."""
    stated = {header.line_freq_hz for _, header in survey.headers if header.line_freq_hz}
    seen = stated or survey.lines_hz
    if len(seen) == 1:
        return next(iter(seen))
    found = " and ".join(f"{line:g} Hz" for line in sorted(seen)) or "no clear peak at 50 or 60 Hz was seen"
    notes.append(f"mains frequency: {found}; set line_freq_hz and cleaning.notch if a notch is wanted")
    return None


def _source_lines(survey: Survey, root: str, line_hz: float | None, notes: list[str]) -> Iterator[str]:
    yield "sources:"
    yield f"  - root: {_text(root)}"
    for key, value in survey.source.items():
        yield f"    {key}: {_text(value)}"
    naming = survey.naming
    if naming is not None:
        for key, value in (("strip_prefix", naming.strip_prefix), ("strip_suffix", naming.strip_suffix)):
            if value:
                yield f"    {key}: {_text(value)}"
        kinds = {**naming.kinds, **dict.fromkeys(naming.unknown, "misc")}
        if kinds:
            yield "    channel_types:"
            yield from (f"      {_text(channel)}: {kind}" for channel, kind in kinds.items())
        if naming.references:
            yield f"    drop_channels: [{', '.join(map(_text, naming.references))}]  # references and differences"
        if naming.unknown:
            notes.append(f"channels that are no known electrode are typed misc: {', '.join(naming.unknown)}")
    if line_hz is not None:
        yield f"    line_freq_hz: {line_hz:g}"
    edges = sorted(survey.lowpass_hz)
    if edges and edges[len(edges) // 2] > 0:
        found = f"little is left above about {edges[len(edges) // 2]:g} Hz"
        notes.append(f"low-pass: {found}; set recording_lowpass_hz to what was applied before the files were written")


def _condition_lines(condition: ProposedCondition) -> Iterator[str]:
    yield f"{_text(condition.name)}:"
    yield f"  kind: {condition.kind}"
    if condition.task not in ("", condition.name):
        yield f"  task: {_text(condition.task)}"
    if condition.block:
        yield f"  block: {_text(condition.block)}"
    if condition.events:
        yield f"  events: [{', '.join(map(_text, condition.events))}]"
    yield f"  n_epochs: {condition.n_epochs}  # of {condition.n_available} in the shorter recordings"
    if condition.n_segments:
        yield f"  n_segments: {condition.n_segments}"


def _participant_lines(survey: Survey, table: pd.DataFrame | None) -> Iterator[str]:
    if survey.participants is None or table is None:
        return
    yield "participants:"
    yield f"  table: {_text(survey.participants.table.as_posix())}"
    yield f"  id_column: {_text(survey.participants.id_column)}"
    if survey.participants.id_prefix:
        yield f"  id_prefix: {_text(survey.participants.id_prefix)}"
    usual = [column for column in table.columns if column.lower() in _USUAL_COVARIATES]
    covariates = [column for column in usual if _is_covariate(table, column)]
    if covariates:
        yield f"covariates: [{', '.join(map(_text, covariates))}]"


def _is_covariate(table: pd.DataFrame, column: str) -> bool:
    """Whether a column is complete, varies, and can be turned into numbers."""
    try:
        numbers = covariate_columns(table, [column])
    except InputError:
        return False
    return bool(numbers.notna().all().all() and (numbers.nunique() > 1).all())


def _cleaning_lines(survey: Survey, line_hz: float | None, notes: list[str]) -> Iterator[str]:
    rates = sorted({header.sfreq_hz for _, header in survey.headers})
    enough = [rate for rate in rates if rate >= _RATE_PER_BAND * _HIGHEST_BAND_HZ]
    if len(rates) > 1:
        shown = ", ".join(f"{rate:g}" for rate in rates)
        notes.append(f"sampling rates differ ({shown} Hz); recordings slower than cleaning.sfreq_hz are excluded")
    if not enough:
        notes.append(f"{rates[-1]:g} Hz is slow for bands up to {_HIGHEST_BAND_HZ:g} Hz; shorten connectivity.bands_hz")
    yield f"sfreq_hz: {min((enough or rates)[0], _MOST_SFREQ_HZ):g}"
    if line_hz is None:
        yield "notch: false"


def _target_lines(conditions: list[ProposedCondition], table: pd.DataFrame | None, notes: list[str]) -> Iterator[str]:
    targets: list[str] = []
    first, *others = conditions
    if others:
        name = plain_label(f"{first.name}vs{others[0].name}")
        sides = [f"    a: {_observation(first)}", f"    b: {_observation(others[0])}"]
        targets += [f"{_text(name)}:", "  contrast:", "    kind: within", *sides]
    if others[1:]:
        notes.append(f"only {first.name} and {others[0].name} are compared; add further pairs under targets")
    for column, (a, b) in _groups(table, notes).items():
        column_lines = ["    kind: between", f"    column: {_text(column)}", f"    a: {_text(a)}", f"    b: {_text(b)}"]
        name = plain_label(column) or "groups"
        targets += [f"{_text(name)}:", "  contrast:", *column_lines, f"    observation: {_observation(first)}"]
    if targets:
        yield "targets:"
        yield from _indented(2, targets)
    else:
        found = "neither two conditions nor a column with two groups of at least five people was found"
        notes.append(f"targets: {found}; write the question under targets before running")


def _observation(condition: ProposedCondition) -> str:
    window = "post" if condition.kind == "events" else "epoch"
    return f"{{condition: {_text(condition.name)}, window: {window}}}"


def _groups(table: pd.DataFrame | None, notes: list[str]) -> dict[str, tuple[str, str]]:
    """Return the columns with two values as (reference, other group); the reference is the control or larger group."""
    groups: dict[str, tuple[str, str]] = {}
    if table is None:
        return groups
    for column in table.columns:
        counts = table[column].dropna().value_counts()
        if len(counts) != 2 or column.lower() in _NO_GROUP:
            continue
        shown = ", ".join(f"{value} ({count})" for value, count in counts.items())
        if counts.min() < _MIN_PER_GROUP:
            notes.append(f"column {column} has two values, {shown}: too few for a target")
            continue
        ordered = sorted(
            counts.index, key=lambda value: (value.casefold() not in _CONTROL_WORDS, -counts[value], value)
        )
        groups[column] = (ordered[0], ordered[1])
        notes.append(f"column {column} has two values, {shown}: taken as a target; remove it if it is no question")
    return groups
