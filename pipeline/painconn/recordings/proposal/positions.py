"""Whether the recordings hold positions that were measured, in a frame that is known."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from painconn.config.data import Source
from painconn.errors import RecordingFault
from painconn.recordings.layout import RecordingFile
from painconn.recordings.proposal.survey import Survey
from painconn.recordings.readers import Header, read_header
from painconn.recordings.sidecars import sidecar_files

_MOST_READ = 6
_RADIUS_M = (0.05, 0.15)
_STEP_M = 1e-4
_UNKNOWN_FRAMES = frozenset({"other", "n/a", ""})


def propose_montage(survey: Survey, notes: list[str]) -> str:
    """Return the value of ``montage``: ``digitised`` only where positions differ between people and can be true."""
    template = survey.naming.montage if survey.naming else "template"
    tabled = [_coordinate_frame(survey.sources[file.source], file) for file, _ in survey.headers]
    frames = {frame for frame in tabled if frame is not None}
    if frames and frames <= _UNKNOWN_FRAMES:
        notes.append(
            "electrode positions: _electrodes.tsv is there, but its coordinate system is "
            f"{' or '.join(sorted(filter(None, frames))) or 'not stated'}, which no head can be aligned with; "
            f"montage {template} (positions by channel name) is used"
        )
        return template
    read = list(_digitised(survey))
    if not read:
        return template
    reason = _why_not(read)
    if reason is not None:
        notes.append(f"electrode positions in the recordings are not used ({reason}); montage {template} is")
        return template
    notes.append(
        f"electrode positions of {len(read)} recordings were looked at and differ between people: montage digitised; "
        f"set {template} for the same place by name in everybody"
    )
    return "digitised"


def _coordinate_frame(source: Source, file: RecordingFile) -> str | None:
    """Return what ``_coordsystem.json`` states, in lower case; None where there is no ``_electrodes.tsv``."""
    path = source.root / file.path
    if source.layout != "bids" or not sidecar_files(path, source.root, "electrodes", ".tsv"):
        return None
    for sidecar in sidecar_files(path, source.root, "coordsystem", ".json"):
        try:
            stated = json.loads(sidecar.read_bytes().decode("utf-8-sig"))
        except ValueError:
            return ""
        return str(stated.get("EEGCoordinateSystem", "")).lower() if isinstance(stated, dict) else ""
    return ""


def _digitised(survey: Survey) -> Iterator[tuple[RecordingFile, Header]]:
    """Read headers of different people again, with positions."""
    first = {file.participant: file for file, _ in reversed(survey.headers)}
    people = sorted(first)
    picks = np.unique(np.linspace(0, len(people) - 1, _MOST_READ).astype(int))
    for file in (first[people[index]] for index in picks):
        source = survey.named_source(file).model_copy(update={"montage": "digitised"})
        try:
            header = read_header(Path(source.root) / file.path, source, Path(source.root))
        except RecordingFault:
            continue
        if header.positions_m:
            yield file, header


def _why_not(read: list[tuple[RecordingFile, Header]]) -> str | None:
    for file, header in read:
        positions_m = header.positions_m or {}
        eeg = [name for name, kind in zip(header.names, header.types, strict=True) if kind == "eeg"]
        missing = [name for name in eeg if name not in positions_m]
        if missing:
            return f"{len(missing)} of {len(eeg)} EEG channels of {file.path} have none"
        places = np.array(list(positions_m.values()))
        radius_m = float(np.median(np.linalg.norm(places - (places.max(axis=0) + places.min(axis=0)) / 2, axis=1)))
        if not _RADIUS_M[0] <= radius_m <= _RADIUS_M[1]:
            return f"those of {file.path} lie about {radius_m:.2g} m from their middle, no head"
    if len({file.participant for file, _ in read}) < 2:
        return "one person does not show whether they were measured"
    rounded = {
        tuple(
            (name, *np.rint(np.asarray(place) / _STEP_M).astype(int))
            for name, place in (header.positions_m or {}).items()
        )
        for _, header in read
    }
    return "they are the same in everybody: a template, not measured" if len(rounded) == 1 else None
