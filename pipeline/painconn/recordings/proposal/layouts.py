"""Which layout a folder has: BIDS (one dataset, or one per site), files with a naming scheme, or a ready table."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from painconn.errors import InputError, Problem
from painconn.recordings.entities import bids_labels
from painconn.recordings.features_table import KEYS
from painconn.recordings.proposal.naming import guess_pattern
from painconn.recordings.proposal.wording import listed, plain_label
from painconn.recordings.registry import READERS
from painconn.recordings.tables import TableError, read_text_table
from painconn.recordings.tree import LEFT_OUT, Candidate, candidates

PARTICIPANT_TABLES = tuple(f"{stem}{end}" for stem in ("participants", "subjects") for end in (".tsv", ".csv", ".xlsx"))
_TABLE_SUFFIXES = (".tsv", ".csv", ".parquet")


@dataclass(frozen=True)
class FolderLayout:
    """Sources as they stand in a study file: fields by name, with the folder of each.

    Parameters
    ----------
    sources : list of (Path, dict)
        Folder, and the fields ``layout``, ``pattern``, ``features_table``, ``site`` and ``extension`` that are needed.
    notes : list of str
        What was left aside.
    """

    sources: list[tuple[Path, dict[str, Any]]]
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Layout of the sources."""
        return str(self.sources[0][1]["layout"])


def folder_layout(folder: Path, ids: list[str]) -> FolderLayout:
    """Find the sources in a folder.

    Parameters
    ----------
    folder : Path
        What the user points at.
    ids : list of str
        Identifiers of the participants table.

    Raises
    ------
    InputError
        No folder, nothing that could be analysed (with what is there instead), or names without a common structure.
    """
    if not folder.is_dir():
        raise _fault(folder, "no such folder", "a folder of recordings", "correct the path")
    recordings = list(candidates(folder, without=LEFT_OUT))
    named = [one.name for one in recordings if isinstance(bids_labels(one), dict)]
    if named:
        tops = sorted({name.split("/")[0] for name in named})
        apart = [folder / top for top in tops if not top.startswith("sub-") and any((folder / top).glob("sub-*"))]
        return _sites(apart) if len(apart) == len(tops) else _bids([(folder, {})])
    if recordings:
        return _named(folder, recordings, ids)
    tables = list(_feature_tables(folder))
    if tables:
        return _table(tables, folder)
    raise _nothing(folder, ids)


def _bids(roots: list[tuple[Path, dict[str, str]]], notes: list[str] | None = None) -> FolderLayout:
    notes = list(notes or ())
    sources = []
    for root, more in roots:
        fields = {"layout": "bids", **more}
        formats: dict[str, set[str]] = defaultdict(set)
        for one in candidates(root, without=LEFT_OUT):
            if isinstance(bids_labels(one), dict):
                formats[one.name[: -len(one.suffix)]].add(one.suffix)
        if any(len(suffixes) > 1 for suffixes in formats.values()):
            counts = Counter(suffix for suffixes in formats.values() for suffix in suffixes)
            fields["extension"] = max(sorted(counts), key=lambda suffix: (counts[suffix], suffix == ".vhdr"))
            notes.append(
                f"recordings lie there in several formats ({', '.join(sorted(counts))}); "
                f"{fields['extension']} is read: change extension for another one"
            )
        sources.append((root, fields))
    return FolderLayout(sources, notes)


def _sites(folders: list[Path]) -> FolderLayout:
    if len(folders) == 1:
        return _bids([(folders[0], {})], [f"the dataset lies in the folder {folders[0].name}"])
    labels = [plain_label(path.name) or f"site{number}" for number, path in enumerate(folders, start=1)]
    unique = [label if labels.count(label) == 1 else f"{label}x{number}" for number, label in enumerate(labels)]
    shown = ", ".join(path.name for path in folders)
    note = (
        f"{len(folders)} datasets ({shown}) are taken as the sites of one study: each participant in one of them only"
    )
    return _bids([(path, {"site": label}) for path, label in zip(folders, unique, strict=True)], [note])


def _named(folder: Path, recordings: list[Candidate], ids: list[str]) -> FolderLayout:
    by_format: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in recordings:
        end = one.name[-len(one.suffix) :]
        by_format[one.reader.name, end].append(one.name.removesuffix(end))
    (reader_name, suffix), names = max(by_format.items(), key=lambda item: len(item[1]))
    pattern = guess_pattern(names, ids)
    if pattern is None:
        shown = ", ".join(name + suffix for name in names[:3])
        fix = "write data.sources yourself, with a pattern such as {participant}_{task}" + suffix
        raise _fault(folder, f"names without a common structure ({shown})", "a pattern", fix)
    layout = "epochs" if READERS[reader_name].holds == "epochs" else "folder"
    notes = [
        f"{len(others)} recording(s) that end in {end} are not used: one source has one pattern"
        for (_, end), others in by_format.items()
        if end != suffix
    ]
    return FolderLayout([(folder, {"layout": layout, "pattern": pattern + suffix})], notes)


def _feature_tables(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _TABLE_SUFFIXES and path.name.lower() not in PARTICIPANT_TABLES and path.is_file():
            columns = _columns(path)
            if KEYS[0] in columns and set(columns) - set(KEYS) - {"site"}:
                yield path


def _columns(path: Path) -> list[str]:
    if path.suffix.lower() != ".parquet":
        try:
            return list(read_text_table(path).columns)
        except TableError:
            return []
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except (OSError, ValueError):
        return []


def _table(tables: list[Path], folder: Path) -> FolderLayout:
    chosen = max(tables, key=lambda path: (path.stem.lower().startswith("features"), path.stat().st_size))
    others = [path.name for path in tables if path != chosen]
    notes = [f"other tables with a column participant are not used: {listed(others)}"] if others else []
    return FolderLayout([(folder, {"layout": "features", "features_table": chosen.name})], notes)


def _nothing(folder: Path, ids: list[str]) -> InputError:
    """Say what is there instead of recordings."""
    described = {
        path.name.split("_")[0]
        for pattern in (
            "sub-*/eeg/*_eeg.json",
            "sub-*/eeg/*.tsv",
            "sub-*/ses-*/eeg/*_eeg.json",
            "sub-*/ses-*/eeg/*.tsv",
        )
        for path in folder.glob(pattern)
    }
    if described:
        found = f"sidecars of {len(described)} people, but not one recording file beside them"
        fix = "get the recordings: painconn fetch, datalad get, or copy them to where the sidecars lie"
        return _fault(folder, found, "the recordings themselves", fix)
    if ids:
        found = f"a participants table of {len(ids)} people, but no recording"
        return _fault(folder, found, "the recordings beside it", "fetch them (painconn fetch, datalad get)")
    known = ", ".join(suffix for reader in READERS.values() for suffix in reader.suffixes)
    wanted = f"files that end in {known}, or a table with a column participant and numbers"
    return _fault(folder, "no recording", wanted, "point at the folder of the recordings")


def _fault(folder: Path, found: str, wanted: str, fix: str) -> InputError:
    return InputError(Problem(str(folder), found, wanted, fix))
