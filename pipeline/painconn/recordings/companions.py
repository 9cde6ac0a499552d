"""The files that belong to a recording: beside it by name, inside it where it is a folder, and sidecars above it."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from painconn.recordings.tree import files_of, is_later_part

_SIDECARS = ("eeg.json", "channels.tsv", "events.tsv", "electrodes.tsv", "coordsystem.json")
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
        found = [*files_of(path), *self._beside(path)]
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


class _Listing:
    """Names in a folder, sorted; sidecars by the participant in their name."""

    def __init__(self, folder: Path) -> None:
        self.names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        self._sidecars: dict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
        for name in self.names:
            *entities, end = name.split("_")
            if end in _SIDECARS:
                participant = entities[0] if entities and entities[0].startswith("sub-") else ""
                self._sidecars[participant].append((frozenset(entities), name))

    def starting_with(self, text: str) -> Iterator[str]:
        for name in self.names[bisect_left(self.names, text) :]:
            if not name.startswith(text):
                return
            yield name

    def sidecars(self, participant: str, entities: frozenset[str]) -> Iterator[str]:
        for own, name in (*self._sidecars[participant], *self._sidecars[""]):
            if own <= entities:
                yield name
