"""``painconn init``: a study file proposed from what a folder shows, with what could not be decided as comments."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from painconn.recordings.forecast import ready_length_s
from painconn.recordings.proposal.conditions import ProposedCondition, propose_conditions
from painconn.recordings.proposal.groups import ProposedPeople, propose_people, read_levels
from painconn.recordings.proposal.positions import propose_montage
from painconn.recordings.proposal.survey import Survey, survey_folder
from painconn.recordings.proposal.targets import pairs_of_conditions, pairs_of_table, propose_targets, target_lines
from painconn.recordings.proposal.wording import indented, listed, plain_label, quoted

__all__ = ["plain_label", "propose_study"]

_HIGHEST_BAND_HZ, _RATE_PER_BAND, _MOST_SFREQ_HZ = 45.0, 2.5, 250.0


def propose_study(folder: Path, *, root: str | None = None) -> str:
    """Propose a study file for a folder of recordings, or of a ready table.

    Parameters
    ----------
    folder : Path
        Folder of the recordings.
    root : str or None
        What to write as root of the source (of several sites: the folder above them); None: the absolute path.

    Returns
    -------
    text : str
        YAML with comments. It is a valid study when the folder shows something to compare (two conditions of the same
        kind, an event, or two groups of at least five people); otherwise ``targets`` is left to be written, and a
        comment says so.

    Raises
    ------
    InputError
        Nothing that could be analysed, or names that cannot be used.
    """
    folder = folder.resolve()
    survey = survey_folder(folder)
    notes = list(survey.undecided)
    people = _people(survey, folder)
    lines = [
        "# A proposal of `painconn init`: every line is guessed from the files; read it before you run it.",
        f"name: {quoted(plain_label(folder.name) or 'study')}",
        "data:",
    ]
    if survey.layout.kind == "features":
        lines += indented(2, _table_source_lines(survey, folder, root))
        lines += indented(2, _participant_lines(survey, people))
        pairs = pairs_of_table(survey.features, notes) if survey.features is not None else []
        observation = _first_observation(survey)
    else:
        line_hz = _line_freq(survey, notes)
        conditions = propose_conditions(survey, notes)
        lines += indented(2, _source_lines(survey, folder, root, line_hz, notes))
        lines += ["  conditions:", *(line for one in conditions for line in indented(4, _condition_lines(one)))]
        lines += indented(2, _participant_lines(survey, people))
        lines += ["cleaning:", *indented(2, _cleaning_lines(survey, line_hz, notes))]
        pairs = pairs_of_conditions(conditions, notes)
        observation = (conditions[0].name, conditions[0].observation)
        notes += _session_notes(survey)
    notes += people.notes
    targets = propose_targets(pairs, people.groups, observation)
    lines += target_lines(targets, observation, notes, len(survey.people))
    if notes:
        lines += ["", "# Not decided here:", *(f"# - {' '.join(note.split())}" for note in notes)]
    return "\n".join(lines) + "\n"


def _people(survey: Survey, folder: Path) -> ProposedPeople:
    """Propose groups among the people who have recordings."""
    if survey.table is None or survey.participants is None:
        return ProposedPeople()
    present = survey.table.loc[survey.table.index.isin(survey.people)]
    return propose_people(present, levels=read_levels(folder / survey.participants.table))


def _first_observation(survey: Survey) -> tuple[str, str]:
    if survey.features is None or survey.features.empty:
        return ("all", "epoch")
    first = survey.features.iloc[0]
    return (str(first["condition"]), str(first["window"]))


def _root(source_root: Path, folder: Path, root: str | None) -> str:
    if root is None:
        return source_root.as_posix()
    below = source_root.relative_to(folder).as_posix()
    return root if below == "." else f"{root}/{below}"


def _table_source_lines(survey: Survey, folder: Path, root: str | None) -> Iterator[str]:
    yield "sources:"
    for path, fields in survey.layout.sources:
        yield f"  - root: {quoted(_root(path, folder, root))}"
        yield from (f"    {key}: {quoted(value)}" for key, value in fields.items())


def _source_lines(
    survey: Survey, folder: Path, root: str | None, line_hz: float | None, notes: list[str]
) -> Iterator[str]:
    montage = propose_montage(survey, notes)
    common = list(_channel_lines(survey, notes))
    yield "sources:"
    for path, fields in survey.layout.sources:
        yield f"  - root: {quoted(_root(path, folder, root))}"
        yield from (f"    {key}: {quoted(value)}" for key, value in fields.items())
        if montage != "template":
            yield f"    montage: {quoted(montage)}"
        yield from indented(4, common)
        if line_hz is not None:
            yield f"    line_freq_hz: {line_hz:g}"
    notes += _lowpass_notes(survey)


def _lowpass_notes(survey: Survey) -> Iterator[str]:
    """Say what the sidecars state and what the spectra show; the study says what was applied."""
    edges = sorted(survey.lowpass_hz)
    seen = edges[len(edges) // 2] if edges else 0.0
    told = [f"little is left above about {seen:g} Hz"] if seen else []
    if survey.stated_lowpass_hz:
        told.append(f"channels.tsv states {', '.join(f'{edge:g}' for edge in sorted(survey.stated_lowpass_hz))} Hz")
    if told:
        yield f"low-pass: {'; '.join(told)}; set recording_lowpass_hz to what was applied before the files were written"


def _channel_lines(survey: Survey, notes: list[str]) -> Iterator[str]:
    naming = survey.naming
    if naming is None:
        notes.append("no EEG channel was found: write channel_types of this source")
        return
    notes += naming.undecided
    for key, value in (("strip_prefix", naming.strip_prefix), ("strip_suffix", naming.strip_suffix)):
        if value:
            yield f"{key}: {quoted(value)}"
    yield from _mapping("rename_channels", {name: quoted(new) for name, new in naming.rename.items()})
    misc = () if naming.numbered else naming.unknown
    yield from _mapping("channel_types", {**naming.kinds, **dict.fromkeys(misc, "misc")})
    if naming.references:
        yield f"drop_channels: [{', '.join(map(quoted, naming.references))}]  # references and differences"


def _mapping(key: str, values: dict[str, Any]) -> Iterator[str]:
    if values:
        yield f"{key}: {{{', '.join(f'{quoted(name)}: {value}' for name, value in values.items())}}}"


def _line_freq(survey: Survey, notes: list[str]) -> float | None:
    """Return the mains frequency of the sidecars, else of the spectra."""
    stated = {header.line_freq_hz for _, header in survey.headers if header.line_freq_hz}
    seen = stated or survey.lines_hz
    if len(seen) == 1:
        return next(iter(seen))
    if len(stated) > 1:
        shown = " and ".join(f"{line:g} Hz" for line in sorted(stated))
        notes.append(f"mains frequency: the sidecars state {shown}; each recording is notched at its own")
        return None
    found = " and ".join(f"{line:g} Hz" for line in sorted(seen)) or "no clear peak at 50 or 60 Hz was seen"
    notes.append(f"mains frequency: {found}; set line_freq_hz and cleaning.line_noise if a filter is wanted")
    return None


def _condition_lines(condition: ProposedCondition) -> Iterator[str]:
    yield f"{quoted(condition.name)}:"
    yield f"  kind: {condition.kind}"
    if condition.task not in ("", condition.name):
        yield f"  task: {quoted(condition.task)}"
    if condition.block:
        yield f"  block: {quoted(condition.block)}"
    if condition.events:
        yield f"  events: [{', '.join(map(quoted, condition.events))}]"
    yield f"  n_epochs: {condition.n_epochs}  # of {condition.n_available} in the shorter recordings"
    if condition.n_segments:
        yield f"  n_segments: {condition.n_segments}"


def _participant_lines(survey: Survey, people: ProposedPeople) -> Iterator[str]:
    if survey.participants is None or survey.table is None:
        return
    yield "participants:"
    yield f"  table: {quoted(survey.participants.table.as_posix())}"
    yield f"  id_column: {quoted(survey.participants.id_column)}"
    if survey.participants.id_prefix:
        yield f"  id_prefix: {quoted(survey.participants.id_prefix)}"
    if people.covariates:
        yield f"covariates: [{', '.join(map(quoted, people.covariates))}]"


def _cleaning_lines(survey: Survey, line_hz: float | None, notes: list[str]) -> Iterator[str]:
    rates = sorted({header.sfreq_hz for _, header in survey.headers})
    enough = [rate for rate in rates if rate >= _RATE_PER_BAND * _HIGHEST_BAND_HZ]
    if len(rates) > 1:
        shown = ", ".join(f"{rate:g}" for rate in rates)
        notes.append(f"sampling rates differ ({shown} Hz); recordings slower than cleaning.sfreq_hz are excluded")
    if not enough:
        notes.append(f"{rates[-1]:g} Hz is slow for bands up to {_HIGHEST_BAND_HZ:g} Hz; shorten connectivity.bands_hz")
    yield f"sfreq_hz: {min((enough or rates)[0], _MOST_SFREQ_HZ):g}"
    lengths_s = sorted({length for _, header in survey.headers if (length := ready_length_s(header))})
    if lengths_s:
        yield f"epoch_length_s: {lengths_s[0]:g}  # of the epochs as they are"
    if len(lengths_s) > 1:
        shown = ", ".join(f"{length:g}" for length in lengths_s)
        notes.append(f"epochs differ in length ({shown} s): compare only what has the same length")
    if line_hz is None and not all(header.line_freq_hz for _, header in survey.headers):
        yield "line_noise: none"


def _session_notes(survey: Survey) -> Iterator[str]:
    sessions = {file.session for file in survey.files}
    people = {name: {file.participant for file in survey.files if file.session == name} for name in sessions}
    if len(sessions) > 1:
        shown = [f"{name or 'none'} ({len(people[name])} people)" for name in sorted(sessions)]
        yield f"sessions {listed(shown)}: the sessions of a person are averaged in every target"
