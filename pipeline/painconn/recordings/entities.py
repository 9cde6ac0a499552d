"""What the name of a file in a BIDS dataset says, also where the tree around it is not as the standard has it."""

from collections.abc import Mapping

from painconn.errors import Problem
from painconn.recordings.tree import Candidate

PARTS = {"sub": "participant", "ses": "session", "task": "task", "run": "run"}

_OTHER_KINDS = frozenset({"meg", "ieeg", "nirs", "emg", "motion", "physio", "eyetrack", "stim", "headshape"})


def bids_labels(candidate: Candidate) -> dict[str, str] | Problem | None:
    """Return the labels of a recording, why it has no place, or None for a recording that is no EEG.

    The entities of the file name count; ``sub-`` and ``ses-`` that it lacks are taken from the folders. Entities other
    than participant, session, task and run tell nothing that the study asks for. Where folder and file name contradict
    each other both are shown as the label, which no label may look like.

    Parameters
    ----------
    candidate : Candidate
        A file or folder below the root.
    """
    *folders, file_name = candidate.name.split("/")
    *pieces, kind = file_name.rpartition(".")[0].split("_")
    if kind.lower() in _OTHER_KINDS:
        return None
    fault = _fault(pieces, kind, candidate)
    if fault is not None:
        found, wanted, fix = fault
        return Problem(candidate.name, found, wanted, fix)
    labels = _labels(pieces)
    for part, label in _labels([folder for folder in folders if folder[:4].lower() in ("sub-", "ses-")]).items():
        stated = labels.setdefault(part, label)
        if stated != label:
            labels[part] = f"{label} (folder) / {stated} (file name)"
    if "participant" not in labels:
        return Problem(
            candidate.name,
            "no sub- in its name or above it",
            "sub-LABEL_task-LABEL_eeg",
            "rename it, or use layout: folder with a pattern",
        )
    return labels


def sidecar_entities(name: str) -> tuple[frozenset[str], str]:
    """Return the entities that must be in the name of a recording for a sidecar to apply to it, and the sidecar's end.

    ``space-`` of electrodes and coordinate systems says in which frame the positions are, and is never in the name of
    a recording.

    Parameters
    ----------
    name : str
        Such as ``sub-01_space-CapTrak_electrodes.tsv``, which gives ``{"sub-01"}`` and ``electrodes.tsv``.
    """
    *entities, end = name.split("_")
    placed = end in ("electrodes.tsv", "coordsystem.json")
    return frozenset(entity for entity in entities if not (placed and entity.startswith("space-"))), end


def _labels(pieces: list[str]) -> dict[str, str]:
    entities: Mapping[str, str] = {key.lower(): label for key, _, label in (piece.partition("-") for piece in pieces)}
    return {part: entities[key] for key, part in PARTS.items() if key in entities}


def _fault(pieces: list[str], kind: str, candidate: Candidate) -> tuple[str, str, str] | None:
    rename = "rename it, or use layout: folder with a pattern"
    if candidate.reader.holds != "continuous":
        return "epochs already cut", "a continuous recording", "a source of its own, with layout: epochs"
    if kind.lower() != "eeg":
        return f"a name that ends in {kind}", "a name that ends in _eeg", rename
    nameless = [piece for piece in pieces if "-" not in piece]
    if nameless:
        return f"{', '.join(nameless)} without saying what it is", "parts such as task-rest", rename
    splits = [piece.partition("-")[2] for piece in pieces if piece.lower().startswith("split-")]
    if splits and splits[0].strip("0") not in ("", "1"):
        return "a later part of a split recording, without the first", "all parts", "copy the first part beside it"
    return None
