"""What a simulated dataset says of its people: participants, ratings, and what the dataset is."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from painconn.simulation.bookkeeping import Enrolled
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.people import CONTROL, Person, pinpricks
from painconn.simulation.ratings import rate_pinpricks
from painconn.simulation.recording_files import MISSING, event_columns, write_json

_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "age": {"Description": "Age", "Units": "years"},
    "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
    "group": {"Description": "Simulated pain phenotype"},
    "pain_now": {"Description": "Pain at the time of the recording, 0 (none) to 10 (worst imaginable)"},
    "pain_duration_years": {"Description": "Time since the pain began", "Units": "years"},
    "pain_side": {"Description": "Side of the pain"},
    "medication": {"Description": "Class of the medication"},
    "site": {"Description": "Where the recording was made"},
    "amplifier": {"Description": "Amplifier of the site"},
}
_GROUPS = {
    CONTROL: "no pain",
    "localized": "hyperalgesia at the painful site only",
    "widespread": "hyperalgesia at the painful site and at a remote site",
}


def write_tables(spec: CohortSpec, people: Sequence[tuple[Enrolled, Person]], dataset: Path, *, seed: int) -> None:
    """Write the participants table, the ratings, the description and the README of a dataset.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    people : sequence of (Enrolled, Person)
        Everybody, in the order of the rows.
    dataset : Path
        Folder of the dataset.
    seed : int
        Seed of the cohort.
    """
    columns = participant_columns(spec)
    rows = [[f"sub-{one.label}", *(_cell(spec, one, person, column) for column in columns)] for one, person in people]
    _write_tsv(dataset / "participants.tsv", ["participant_id", *columns], rows)
    write_json(dataset / "participants.json", columns)
    if spec.psychophysics:
        _write_ratings(spec, [one for one, _ in people], dataset / "phenotype", seed=seed)
    _write_description(spec, dataset)
    (dataset / "README").write_text(_readme(spec), encoding="utf-8")


def participant_columns(spec: CohortSpec) -> dict[str, dict[str, Any]]:
    """Return the columns of the participants table in their order, each with its description."""
    there = {*spec.covariates.declared(), "group", "pain_now"} | ({"amplifier"} if spec.covariates.amplifier else set())
    columns = {name: dict(about) for name, about in _COLUMNS.items() if name in there}
    columns["group"]["Levels"] = {name: _GROUPS.get(name, name) for name in sorted(spec.n_per_group)}
    for name, about in columns.items():
        levels = getattr(spec.covariates.declared().get(name), "shares", None)
        if levels is not None:
            about["Levels"] = {level: about.get("Levels", {}).get(level, level) for level in levels}
    return columns


def _cell(spec: CohortSpec, one: Enrolled, person: Person, column: str) -> str:
    if spec.bookkeeping.missing.get(column) == one.stated_group:
        return MISSING
    if column in ("group", "pain_now"):
        return one.stated_group if column == "group" else str(person.pain_now)
    return str(person.covariates.get(column, MISSING))


def _write_ratings(spec: CohortSpec, people: Sequence[Enrolled], folder: Path, *, seed: int) -> None:
    folder.mkdir()
    rows = []
    for one in people:
        trials = pinpricks(spec, one.source, seed=seed)
        ratings = rate_pinpricks(spec, one.source, one.group, seed=seed)
        for number, (trial, rating) in enumerate(zip(trials, ratings, strict=True), start=1):
            rows.append([f"sub-{one.label}", f"run-{number:02d}", str(trial.site), f"{trial.force_mn:g}", str(rating)])
    _write_tsv(folder / "pinprick.tsv", ["participant_id", "run_id", *event_columns(spec)], rows)
    # Released versions of BIDS know one row per person here; a row per trial comes with `run_id` in the next one.
    (folder.parent / ".bidsignore").write_text("phenotype/\n", encoding="utf-8")
    tool = {"Description": "Ratings of pinpricks during the recording (simulated), one row per pinprick"}
    run = {"Description": "Number of the pinprick in the recording"}
    write_json(folder / "pinprick.json", {"MeasurementToolMetadata": tool, "run_id": run, **event_columns(spec)})


def _write_description(spec: CohortSpec, dataset: Path) -> None:
    import mne_bids

    mne_bids.make_dataset_description(
        path=dataset,
        name=f"Simulated pain cohort ({spec.name})",
        dataset_type="raw",
        data_license="CC0",
        authors=["The Painconn developers"],
        generated_by=[{"Name": "painconn", "Version": metadata.version("painconn")}],
        overwrite=True,
        verbose="error",
    )


def _readme(spec: CohortSpec) -> str:
    return (
        f"Simulated EEG of a pain cohort, made by painconn (cohort {spec.name}). Nobody was recorded.\n\n"
        f"Each recording: {spec.protocol.rest_s:g} s of rest, then {spec.protocol.n_pinpricks} pinpricks; "
        f"{len(spec.channels)} channels against {spec.reference}.\n"
    )


def _write_tsv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = ["\t".join(row) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
