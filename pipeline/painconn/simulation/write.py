"""A simulated cohort on disk: a BIDS dataset, and its truth beside it."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.cortex.template import write_subject
from painconn.errors import InputError, Problem
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.people import Person, draw_person, roster
from painconn.simulation.person import simulate_person

if TYPE_CHECKING:
    import mne

_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "age": {"Description": "Age", "Units": "years"},
    "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
    "group": {
        "Description": "Simulated pain phenotype",
        "Levels": {
            "localized": "hyperalgesia at the painful site only",
            "widespread": "hyperalgesia at the painful site and at a remote site",
        },
    },
    "pain_now": {"Description": "Pain at the time of the recording, 0 (none) to 10 (worst imaginable)"},
}


def truth_path(out: Path) -> Path:
    """Return where the truth of the dataset at `out` lies: beside it, never inside."""
    return out.with_name(f"{out.name}-truth.json")


def write_cohort(spec: CohortSpec, out: Path, *, seed: int, head: SimulationHead | None = None) -> Path:
    """Simulate a cohort and write it as a BIDS dataset (BrainVision); the same seed gives the same bytes.

    The dataset appears under its name when it is complete. The truth is written to :func:`truth_path`.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    out : Path
        Folder to make; it must not exist.
    seed : int
        Everything random follows from it.
    head : SimulationHead, optional
        Built from the bundled template when it is not given.

    Returns
    -------
    out : Path
        The dataset.

    Raises
    ------
    InputError
        `out` exists.
    """
    if out.exists():
        raise InputError(
            Problem(str(out), "it exists", "a place for a new dataset", "name another folder or remove this one")
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        if head is None:
            head = _bundled_head(spec, Path(work) / "subjects")
        dataset = Path(work) / "dataset"
        people = []
        for participant, group in roster(spec, seed=seed):
            raw = simulate_person(spec, participant, group, seed=seed, head=head)
            _write_recording(spec, raw, dataset, participant)
            people.append(draw_person(spec, participant, group, seed=seed))
        _write_tables(spec, people, dataset)
        _write_json(truth_path(out), _truth(spec, people, seed))
        dataset.rename(out)
    return out


def _bundled_head(spec: CohortSpec, subjects_dir: Path) -> SimulationHead:
    subjects_dir.mkdir()
    write_subject(subjects_dir)
    return build_simulation_head(spec, subjects_dir)


def _write_recording(spec: CohortSpec, raw: "mne.io.RawArray", dataset: Path, participant: str) -> None:
    import mne_bids

    path = mne_bids.BIDSPath(subject=participant, task=spec.protocol.task, datatype="eeg", root=dataset)
    names = dict.fromkeys(raw.annotations.description)
    codes = {name: code for code, name in enumerate(names, start=1)}
    mne_bids.write_raw_bids(
        raw, path, event_id=codes, allow_preload=True, format="BrainVision", overwrite=False, verbose="error"
    )
    sidecar = path.copy().update(suffix="eeg", extension=".json")
    changes = {
        "EEGReference": spec.reference,
        "Manufacturer": "n/a",
        "TaskDescription": "Rest, then pinpricks (simulated)",
    }
    mne_bids.update_sidecar_json(sidecar, changes, verbose="error")


def _write_tables(spec: CohortSpec, people: list[Person], dataset: Path) -> None:
    import mne_bids

    rows = [("participant_id", *_COLUMNS)]
    rows += [(f"sub-{one.participant}", *(str(_value(one, column)) for column in _COLUMNS)) for one in people]
    (dataset / "participants.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    _write_json(dataset / "participants.json", _COLUMNS)
    mne_bids.make_dataset_description(
        path=dataset,
        name=f"Simulated pain cohort ({spec.name})",
        dataset_type="raw",
        data_license="CC0",
        generated_by=[{"Name": "painconn", "Version": metadata.version("painconn")}],
        overwrite=True,
        verbose="error",
    )
    readme = (
        f"Simulated EEG of a pain cohort, made by painconn (preset {spec.name}). Nobody was recorded.\n\n"
        f"Each recording: {spec.protocol.rest_s:g} s of rest, then {spec.protocol.n_pinpricks} pinpricks; "
        f"{len(spec.channels)} channels against {spec.reference}.\n"
    )
    (dataset / "README").write_text(readme, encoding="utf-8")


def _value(person: Person, column: str) -> float | str:
    return person.covariates[column] if column in person.covariates else getattr(person, column)


def _truth(spec: CohortSpec, people: list[Person], seed: int) -> dict[str, Any]:
    return {"seed": seed, "cohort": spec.as_record(), "people": [asdict(person) for person in people]}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
