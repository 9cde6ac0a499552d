"""Before any job: what lies in the data folders, session by session, with a montage key."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from painconn.config.data import Source
from painconn.config.study import StudyConfig
from painconn.cortex.montage import montage_key, place_electrodes
from painconn.errors import IntegrityError, RecordingFault
from painconn.paths import Results, SessionKey
from painconn.provenance import canonical_json, code_hash, text_hash
from painconn.recordings.layout import RecordingFile, find_inventory
from painconn.recordings.sidecars import sidecar_files
from painconn.store import read_json, write_json

_SIDECARS = (
    ("eeg", ".json"), ("channels", ".tsv"), ("events", ".tsv"), ("electrodes", ".tsv"), ("coordsystem", ".json"),
)  # fmt: skip


def load_inventory(study: StudyConfig, results: Results) -> dict[str, Any]:
    """List sessions, their recordings and montages; read again from disk when nothing has changed.

    Parameters
    ----------
    study : StudyConfig
        The study; only its ``data`` section matters.
    results : Results
        Where the inventory is kept.

    Returns
    -------
    inventory : dict
        ``sessions`` (name, participant, session, site, montage, recordings), ``montages`` (key: names and positions in
        metres, head frame), ``fingerprint``.

    Raises
    ------
    InputError
        With everything that is wrong with the folders at once.
    """
    if study.data.sources[0].layout == "features":
        inventory: dict[str, Any] = {"sessions": [], "montages": {}, "fingerprint": "features"}
    else:
        sources = [(source, Path(source.root)) for source in study.data.sources]
        files = find_inventory(sources, study.data.conditions, exclude=study.data.participants.exclude)
        fingerprint = _fingerprint(study, files)
        kept = _kept(results, fingerprint)
        if kept is not None:
            return kept
        inventory = {**_build(study, files), "fingerprint": fingerprint}
    if not results.inventory.is_file() or read_json(results.inventory) != inventory:
        write_json(results.inventory, inventory)
    return inventory


def _fingerprint(study: StudyConfig, files: list[RecordingFile]) -> str:
    roots = {source.site: Path(source.root) for source in study.data.sources}
    rows = [(file.site, file.path, file.size_bytes, file.mtime_ns) for file in files]
    beside = [
        (path.name, path.stat().st_mtime_ns)
        for file in files
        for path in companions(roots[file.site] / file.path, roots[file.site])
        if path.is_file()
    ]
    parts = {
        "data": study.data.model_dump(mode="json"),
        "files": rows,
        "beside": beside,
        "code": code_hash("painconn.steps.inventory"),
    }
    return text_hash(canonical_json(parts))


def companions(path: Path, root: Path) -> list[Path]:
    """Return a recording, the files beside it with its name, and the BIDS sidecars above it that apply to it."""
    inherited = [file for suffix, extension in _SIDECARS for file in sidecar_files(path, root, suffix, extension)]
    stem = path.name.rsplit(".", 1)[0]
    shared = stem.removesuffix("eeg") if stem.endswith("_eeg") else f"{stem}."
    beside = [neighbour for name, neighbour in _listing(path.parent) if name.startswith(shared)]
    return list(dict.fromkeys([path, *beside, *(file for file in inherited if path.name.startswith("sub-"))]))


@cache
def _listing(folder: Path) -> list[tuple[str, Path]]:
    return sorted((entry.name, entry) for entry in folder.iterdir()) if folder.is_dir() else []


def _kept(results: Results, fingerprint: str) -> dict[str, Any] | None:
    try:
        kept = read_json(results.inventory)
    except IntegrityError:
        return None
    return kept if isinstance(kept, dict) and kept.get("fingerprint") == fingerprint else None


def _build(study: StudyConfig, files: list[RecordingFile]) -> dict[str, Any]:
    sources = {source.site: source for source in study.data.sources}
    montages: dict[str, Any] = {}
    sessions: dict[SessionKey, dict[str, Any]] = {}
    for file in files:
        key = SessionKey(file.participant, file.session)
        session = sessions.setdefault(
            key,
            {
                "name": key.name,
                "participant": key.participant,
                "session": key.session,
                "site": file.site,
                "montage": None,
                "recordings": [],
            },
        )
        session["recordings"].append({"path": file.path, "task": file.task, "run": file.run, "suffix": file.suffix})
        if session["montage"] is None:
            session["montage"] = _montage(sources[file.site], file, montages)
    return {"sessions": [sessions[key] for key in sorted(sessions)], "montages": montages}


def _montage(source: Source, file: RecordingFile, montages: dict[str, Any]) -> str | None:
    """Return the montage key of a recording's header; None when it cannot be read (the clean step says why)."""
    from painconn.recordings.readers import read_header

    try:
        header = read_header(Path(source.root) / file.path, source, Path(source.root))
        eeg = [name for name, kind in zip(header.names, header.types, strict=True) if kind == "eeg"]
        positions = header.positions_m if header.positions_m is not None else place_electrodes(eeg)
    except RecordingFault:
        return None
    places = {name: np.asarray(place, float) for name, place in positions.items()}
    key = montage_key(list(places), places)
    montages.setdefault(key, {"names": list(places), "positions_m": [place.tolist() for place in places.values()]})
    return key
