"""The only place where a file name of the results is built or parsed."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from painconn.errors import PathError, Problem

_LABEL = re.compile(r"[A-Za-z0-9]+")
_SESSION_NAME = re.compile(r"sub-(?P<participant>[A-Za-z0-9]+)(?:_ses-(?P<session>[A-Za-z0-9]+))?")
_PATH_SETTING = "path:"
_FORWARD_KEY = re.compile(r"[0-9a-f]{12}(_head-[A-Za-z0-9]+)?")


def check_label(label: str, *, what: str) -> str:
    """Return the label when it is letters and digits only.

    Raises
    ------
    PathError
        For anything else: it would become part of a path or a command.
    """
    if not _LABEL.fullmatch(label):
        raise PathError(
            Problem(
                what, repr(label), "letters and digits only (A-Z a-z 0-9)", "rename it in the data or the study file"
            )
        )
    return label


def as_setting(path: Path) -> str:
    """Return a path as text that survives the workflow engine, which reads values as YAML (001 would become 1)."""
    return _PATH_SETTING + quote(str(path), safe="/")


def from_setting(value: object) -> Path:
    """Return the path of a setting, written by :func:`as_setting` or by hand."""
    text = str(value)
    return Path(unquote(text.removeprefix(_PATH_SETTING))) if text.startswith(_PATH_SETTING) else Path(text)


@dataclass(frozen=True, order=True)
class SessionKey:
    """One sitting of one participant with the cap on.

    Parameters
    ----------
    participant : str
        Label of the participant, without ``sub-``.
    session : str
        Label of the session; empty when the participant has the only one.
    """

    participant: str
    session: str = ""

    def __post_init__(self) -> None:
        check_label(self.participant, what="participant label")
        if self.session:
            check_label(self.session, what="session label")

    @property
    def name(self) -> str:
        """BIDS name: ``sub-02`` or ``sub-02_ses-01``."""
        return f"sub-{self.participant}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> str:
        """BIDS folder: ``sub-02`` or ``sub-02/ses-01``."""
        return self.name.replace("_", "/")

    @classmethod
    def parse(cls, name: str) -> "SessionKey":
        """Return the key of a BIDS name.

        Raises
        ------
        PathError
            When the text is not such a name.
        """
        match = _SESSION_NAME.fullmatch(name)
        if match is None:
            raise PathError(
                Problem("session name", repr(name), "sub-LABEL or sub-LABEL_ses-LABEL", "use a name of the inventory")
            )
        return cls(match["participant"], match["session"] or "")


def forward_key(montage: str, head: str = "") -> str:
    """Return the key of a forward solution: that of the montage, with the head's label where heads differ."""
    return f"{montage}_head-{check_label(head, what='head label')}" if head else montage


@dataclass(frozen=True)
class Results:
    """File names below the results folder of one study.

    Methods with a :class:`SessionKey` take None for the pattern that the workflow fills (``{folder}``, ``{session}``).
    """

    root: Path

    def _session_file(self, area: str, key: SessionKey | None, ending: str) -> Path:
        folder, name = (key.folder, key.name) if key else ("{folder}", "{session}")
        return self.root / "derivatives" / area / folder / "eeg" / f"{name}_{ending}"

    @property
    def inventory(self) -> Path:
        """Sessions and recordings found, written when the workflow is parsed."""
        return self.root / "derivatives" / "inventory.json"

    @property
    def headers(self) -> Path:
        """What the headers of the recordings say, kept beside the inventory to save time."""
        return self.inventory.with_name("headers.json")

    def head(self, label: str | None) -> Path:
        """Sidecar of a head model; its files are in a folder of their own."""
        name = "{head}" if label is None else check_label(label, what="head label")
        return self.root / "derivatives" / "head" / name / "head.json"

    def forward(self, key: str | None) -> Path:
        """Sidecar of the forward solution of a montage on a head (:func:`forward_key`)."""
        if key is not None and not _FORWARD_KEY.fullmatch(key):
            raise PathError(Problem("montage key", repr(key), "12 hexadecimal digits", "use a key of the inventory"))
        return self.root / "derivatives" / "forward" / f"montage-{key or '{montage}'}_forward.json"

    def cleaned(self, key: SessionKey | None) -> Path:
        """Sidecar of a session's cleaned data."""
        return self._session_file("cleaned", key, "desc-clean_eeg.json")

    def connectivity(self, key: SessionKey | None) -> Path:
        """Sidecar of a session's kernels, matrices and feature rows."""
        return self._session_file("connectivity", key, "desc-connectivity_relmat.json")

    def quality_page(self, key: SessionKey | None) -> Path:
        """Quality page of a session."""
        return self._session_file("quality", key, "desc-quality_report.html")

    def group(self, name: str) -> Path:
        """File of the whole study (``features.parquet``, ``quality.tsv`` ...)."""
        return self.root / "group" / name

    @property
    def table(self) -> Path:
        """Sidecar of the study-wide table, written after all its files."""
        return self.group("table.json")

    @property
    def blinding(self) -> Path:
        """Salt of the lots of a blinded study, and whether its labels were opened."""
        return self.group("blinding.json")

    @property
    def lock(self) -> Path:
        """What was frozen before labels were opened."""
        return self.group("lock.json")

    def target(self, target: str | None, name: str) -> Path:
        """File of one target (``compare.tsv``, ``scores.json`` ...)."""
        label = "{target}" if target is None else check_label(target, what="target name")
        return self.root / "group" / label / name

    def model(self, target: str) -> Path:
        """Folder of the model of one target."""
        return self.target(target, "model")

    @property
    def page(self) -> Path:
        """The report."""
        return self.root / "report" / "index.html"

    def made_with(self, output: Path) -> Path:
        """Record of what an output of the workflow was made with."""
        below = output.relative_to(self.root)
        return self.root / "made_with" / below.with_name(f"{below.name}.json")

    def log(self, rule: str, name: str) -> Path:
        """Log of a job."""
        return self.root / "logs" / rule / f"{name}.log"

    def benchmark(self, rule: str, name: str) -> Path:
        """Time and memory of a job."""
        return self.root / "benchmarks" / rule / f"{name}.tsv"


def inside(root: Path, path: Path) -> Path:
    """Return the resolved path when it lies below the root.

    Raises
    ------
    PathError
        When the path (also through a link) leads outside.
    """
    resolved = path.resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise PathError(
            Problem(str(path), f"leads to {resolved}", f"a file below {root}", "move the file into the folder")
        )
    return resolved
