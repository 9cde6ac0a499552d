"""The files that belong to a recording: by name, by its header, inside it where it is a folder, and sidecars above."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from painconn.recordings.door import FileAtDoor
from painconn.recordings.entities import sidecar_entities
from painconn.recordings.headers.outline import HeaderFault
from painconn.recordings.tree import files_of, is_later_part

_SIDECARS = ("eeg.json", "channels.tsv", "events.tsv", "electrodes.tsv", "coordsystem.json")
# Larger files hold their samples themselves, and following a split recording takes time.
_LARGEST_HEADER_BYTES = 1 << 20
_SPLIT = re.compile(r"_split-\d+", re.IGNORECASE)


class Companions:
    """Finds the files that recordings depend on; every folder is listed once."""

    def __init__(self) -> None:
        self._listings: dict[Path, _Listing] = {}

    def of(self, path: Path, root: Path) -> list[Path]:
        """Return a recording (the files in it, where it is a folder) and what belongs to it, each once.

        Parameters
        ----------
        path, root : Path
            The recording, and the folder of its source.
        """
        found = [*files_of(path), *self._beside(path), *_named(path, root)]
        if path.name.lower().startswith("sub-"):
            found += self._inherited(path, root)
        return list(dict.fromkeys(found))

    def _beside(self, path: Path) -> Iterator[Path]:
        stem = path.name.rpartition(".")[0]
        listing = self._listing(path.parent)
        if stem.lower().endswith("_eeg"):
            shared = _SPLIT.sub("", stem)[: -len("eeg")]
            names: Iterator[str] = listing.starting_with(shared)
        else:
            parts = (name for name in listing.starting_with(f"{stem}-") if is_later_part(name, {path.name.lower()}))
            names = iter([*listing.starting_with(f"{stem}."), *parts])
        return (path.parent / name for name in names if name != path.name)

    def _inherited(self, path: Path, root: Path) -> Iterator[Path]:
        """Yield the sidecars whose entities are all in the name of the recording, from its folder up to the root."""
        pieces = path.name.split("_")[:-1]
        entities, folder = frozenset(pieces), path.parent
        while folder.is_relative_to(root):
            yield from (folder / name for name in self._listing(folder).sidecars(pieces[0], entities))
            if folder == root:
                break
            folder = folder.parent

    def _listing(self, folder: Path) -> "_Listing":
        if folder not in self._listings:
            self._listings[folder] = _Listing(folder)
        return self._listings[folder]


def _named(path: Path, root: Path) -> list[Path]:
    """Return the files that a small header names, whatever they are called; what cannot be read names none.

    Nothing but regular files inside the root is opened.
    """
    file, found = FileAtDoor(path, root), list[Path]()
    try:
        if not (path.is_file() and path.stat().st_size <= _LARGEST_HEADER_BYTES and file.holds(path)):
            return []
        for companion in file.companions():
            if companion.path.exists():
                if not (companion.path.is_file() and file.holds(companion.path)):
                    break
                found.append(companion.path)
    except (HeaderFault, OSError):
        pass  # told at the door
    return found


class _Listing:
    """Names in a folder, sorted; sidecars by the participant in their name."""

    def __init__(self, folder: Path) -> None:
        self.names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        self._sidecars: dict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
        for name in self.names:
            entities, end = sidecar_entities(name)
            if end in _SIDECARS:
                participant = name.partition("_")[0] if name.startswith("sub-") else ""
                self._sidecars[participant].append((entities, name))

    def starting_with(self, text: str) -> Iterator[str]:
        for name in self.names[bisect_left(self.names, text) :]:
            if not name.startswith(text):
                return
            yield name

    def sidecars(self, participant: str, entities: frozenset[str]) -> Iterator[str]:
        for own, name in (*self._sidecars[participant], *self._sidecars[""]):
            if own <= entities:
                yield name
