"""Before any job: what lies in the data folders, session by session, with a montage key."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from painconn.config.study import StudyConfig
from painconn.errors import InputError, IntegrityError, Problem
from painconn.paths import Results, SessionKey
from painconn.provenance import canonical_json, code_hash, text_hash
from painconn.recordings.companions import Companions
from painconn.recordings.layout import Discovery, RecordingFile, Unplaced, discover
from painconn.steps.headers import Headers, Stamp
from painconn.store import read_json, write_json


def load_inventory(study: StudyConfig, results: Results, *, write: bool = True) -> dict[str, Any]:
    """List sessions, their recordings and montages; read again from disk when nothing has changed.

    Parameters
    ----------
    study : StudyConfig
        The study; only its ``data`` section matters.
    results : Results
        Where the inventory is kept.
    write : bool
        Whether anything is written; what was kept by an earlier call is used in any case.

    Returns
    -------
    inventory : dict
        ``sessions`` (name, participant, session, site, montage, recordings), ``montages`` (key: names and positions in
        metres, head frame), ``unplaced`` (recordings without a place in the study: recording, check, where, found,
        wanted, fix), ``fingerprint``.

    Raises
    ------
    InputError
        With everything that is wrong with the folders at once; the same recording under two participants is.
    """
    if study.data.sources[0].layout == "features":
        inventory: dict[str, Any] = {"sessions": [], "montages": {}, "unplaced": [], "fingerprint": "features"}
    else:
        sources = [(source, Path(source.root)) for source in study.data.sources]
        discovery = discover(sources, study.data.conditions, exclude=study.data.participants.exclude)
        stamps = _stamps(study, discovery.files)
        fingerprint = _fingerprint(study, discovery, stamps)
        kept = _kept(results, fingerprint)
        if kept is not None:
            return kept
        headers = Headers(results.headers)
        try:
            inventory = {**_build(study, discovery, stamps, headers), "fingerprint": fingerprint}
        finally:
            if write:
                headers.save()
    if write and (not results.inventory.is_file() or _read(results) != inventory):
        write_json(results.inventory, inventory)
    return inventory


def _stamps(study: StudyConfig, files: Sequence[RecordingFile]) -> dict[RecordingFile, Stamp]:
    """Return name, size and time of change of everything that each recording depends on."""
    companions_of = Companions().of
    roots = [Path(source.root) for source in study.data.sources]
    stamps = {}
    for file in files:
        paths = companions_of(roots[file.source] / file.path, roots[file.source])
        states = [(path.name, path.stat()) for path in paths if path.is_file()]
        stamps[file] = [(name, state.st_size, state.st_mtime_ns) for name, state in states]
    return stamps


def _fingerprint(study: StudyConfig, discovery: Discovery, stamps: dict[RecordingFile, Stamp]) -> str:
    parts = {
        "data": study.data.model_dump(mode="json"),
        "files": [(file.site, file.path, file.size_bytes, file.mtime_ns, stamps[file]) for file in discovery.files],
        "unplaced": [one.as_record() for one in discovery.unplaced],
        "code": code_hash("painconn.steps.inventory"),
    }
    return text_hash(canonical_json(parts))


def _kept(results: Results, fingerprint: str) -> dict[str, Any] | None:
    kept = _read(results)
    return kept if isinstance(kept, dict) and kept.get("fingerprint") == fingerprint else None


def _read(results: Results) -> Any:
    try:
        return read_json(results.inventory)
    except IntegrityError:
        return None


def _build(
    study: StudyConfig, discovery: Discovery, stamps: dict[RecordingFile, Stamp], headers: Headers
) -> dict[str, Any]:
    sources = study.data.sources
    looks = {file: headers.read(sources[file.source], file, stamps[file]) for file in discovery.files}
    copies = _copies({file: samples for file, (_, samples) in looks.items()})
    sessions: dict[SessionKey, dict[str, Any]] = {}
    for file in discovery.files:
        if file in copies:
            continue
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
            session["montage"] = looks[file][0]
    used = {session["montage"] for session in sessions.values()}
    unplaced = [one.as_record() for one in (*discovery.unplaced, *copies.values())]
    return {
        "sessions": [sessions[key] for key in sorted(sessions)],
        "montages": {key: montage for key, montage in headers.montages.items() if key in used},
        "unplaced": unplaced,
    }


def _copies(digests: dict[RecordingFile, str | None]) -> dict[RecordingFile, Unplaced]:
    """Return the recordings whose samples are there under another name of the same person, too.

    Under two sessions or two tasks nobody knows which name is right, and none is used; of two runs the first is.

    Raises
    ------
    InputError
        Two people have one recording: it would be in both groups, or in training and test.
    """
    alike: dict[str, list[RecordingFile]] = defaultdict(list)
    for file, digest in digests.items():
        if digest is not None:
            alike[digest].append(file)
    problems, copies = [], {}
    for files in alike.values():
        if len(files) < 2:
            continue
        if len({file.participant for file in files}) > 1:
            problems.append(_one_recording_of_two(files))
            continue
        runs_only = len({(file.session, file.task) for file in files}) == 1
        for file in files[1:] if runs_only else files:
            others = ", ".join(other.path for other in files if other is not file)
            copies[file] = Unplaced(
                file.path,
                Problem(
                    file.path,
                    f"the samples of {others}",
                    "a recording of its own",
                    "find out which name is right, and remove the other",
                ),
                check="copy",
            )
    if problems:
        raise InputError(problems)
    return copies


def _one_recording_of_two(files: Sequence[RecordingFile]) -> Problem:
    people = sorted({file.participant for file in files})
    found = f"the same samples in {', '.join(file.path for file in files)}"
    fix = "find out whose recording it is, and remove the other, or name them in data.participants.exclude"
    return Problem(f"participants {', '.join(people)}", found, "recordings of their own", fix)
