"""One simulated recording as BIDS files: signals, channels, events with ratings, sidecar.

Conventions of this file: a recording is written into a dataset folder of its own, so that people can be written at the
same time, in any order.
"""

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from painconn.simulation.cohort import CohortSpec
from painconn.simulation.people import Pinprick, pinpricks
from painconn.simulation.ratings import rate_pinpricks

if TYPE_CHECKING:
    import mne

Format = Literal["brainvision", "edf"]
FORMATS: dict[Format, str] = {"brainvision": "BrainVision", "edf": "EDF"}
"""Formats of a recording, by the name that a person types, with the name that mne_bids has for it."""

MISSING = "n/a"


def write_recording(
    spec: CohortSpec,
    raw: "mne.io.RawArray",
    root: Path,
    label: str,
    *,
    source: str,
    group: str,
    seed: int,
    file_format: Format,
) -> None:
    """Write one recording below `root`, under the given label.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    raw : mne.io.RawArray
        From :func:`painconn.simulation.person.simulate_person`; its annotations get further columns.
    root : Path
        A dataset folder, which may not exist yet.
    label : str
        Participant label of the dataset.
    source, group : str
        Label and group that the recording was simulated with.
    seed : int
        Seed of the cohort.
    file_format : {"brainvision", "edf"}
        EDF holds whole seconds: what is left of the last one is cut off.
    """
    import mne_bids

    path = mne_bids.BIDSPath(subject=label, task=spec.protocol.task, datatype="eeg", root=root)
    events = pinpricks(spec, source, seed=seed)
    columns = event_columns(spec)
    if columns:
        rows = _event_rows(list(columns), events, rate_pinpricks(spec, source, group, seed=seed))
        no_pinprick = dict.fromkeys(columns, MISSING)
        blocks = len(raw.annotations) - len(rows)
        raw.annotations.extras = [*([no_pinprick] * blocks), *rows]
    codes = {name: code for code, name in enumerate(_kinds(spec), start=1) if name in raw.annotations.description}
    if file_format == "edf":
        raw = _in_whole_seconds(raw)
    mne_bids.write_raw_bids(
        raw, path, event_id=codes, allow_preload=True, format=FORMATS[file_format], overwrite=False, verbose="error"
    )
    sidecar = path.copy().update(suffix="eeg", extension=".json")
    mne_bids.update_sidecar_json(sidecar, _sidecar(spec, source, group, seed=seed), verbose="error")
    described = path.copy().update(suffix="events", extension=".json").fpath
    known = json.loads(described.read_text(encoding="utf-8"))
    known["trial_type"]["Levels"] = {name: _meaning(spec, name) for name in codes}
    known["StimulusPresentation"] = {"SoftwareName": "none (simulated)"}
    write_json(described, known | columns)


def event_columns(spec: CohortSpec) -> dict[str, dict[str, Any]]:
    """Return what is known of a pinprick beside its time, by column, with its description."""
    protocol = spec.protocol
    columns: dict[str, dict[str, Any]] = {}
    if protocol.sites:
        columns["site"] = {"Description": "Where on the body", "Levels": {site: site for site in protocol.sites}}
        columns["force_mn"] = {"Description": "Force of the pinprick", "Units": "mN"}
    if spec.psychophysics:
        highest = spec.psychophysics.highest_rating
        columns["rating"] = {"Description": f"Pain of this pinprick, a whole number from 0 (none) to {highest:g}"}
    return columns


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people to read."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _event_rows(columns: list[str], events: Sequence[Pinprick], ratings: Sequence[int | None]) -> list[dict[str, str]]:
    rows = []
    for event, rating in zip(events, ratings, strict=True):
        force = MISSING if event.force_mn is None else f"{event.force_mn:g}"
        told = {"site": event.site or MISSING, "force_mn": force, "rating": MISSING if rating is None else str(rating)}
        rows.append({column: told[column] for column in columns})
    return rows


def _in_whole_seconds(raw: "mne.io.RawArray") -> "mne.io.RawArray":
    seconds = int(raw.n_times // raw.info["sfreq"])
    return raw.copy().crop(tmax=seconds, include_tmax=False)


def _sidecar(spec: CohortSpec, source: str, group: str, *, seed: int) -> dict[str, Any]:
    protocol = spec.protocol
    eyes = ", ".join(f"{one.name} (eyes {'closed' if one.eyes_closed else 'open'})" for one in protocol.blocks)
    return {
        "TaskDescription": f"Simulated: {eyes}, then {protocol.n_pinpricks} pinpricks",
        "Instructions": "None: nobody was recorded",
        "Manufacturer": "painconn (simulated)",
        "ManufacturersModelName": _amplifier(spec, source, group, seed=seed),
        "SoftwareVersions": f"painconn {metadata.version('painconn')}",
        "EEGReference": spec.reference,
        "EEGPlacementScheme": "10-10",
        "HardwareFilters": MISSING,
    }


def _amplifier(spec: CohortSpec, source: str, group: str, *, seed: int) -> str:
    from painconn.simulation.people import draw_person

    return str(draw_person(spec, source, group, seed=seed).covariates.get("amplifier", MISSING))


def _kinds(spec: CohortSpec) -> list[str]:
    """Return the names of all events in an order that is the same for everybody."""
    protocol = spec.protocol
    blocks = [block.name for block in protocol.blocks]
    kinds = [Pinprick(0.0, site, force).name for site in protocol.sites for force in protocol.forces_mn]
    return [*blocks, *(kinds or [Pinprick(0.0).name])]


def _meaning(spec: CohortSpec, name: str) -> str:
    for block in spec.protocol.blocks:
        if block.name == name:
            return f"rest, eyes {'closed' if block.eyes_closed else 'open'}"
    return "pinprick" if name == "pinprick" else "pinprick: site, force in mN"
