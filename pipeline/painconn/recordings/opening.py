"""Opening: one function per format that gives an MNE object without loading its samples, and the boundary around them.

The one boundary where any exception of a third-party reader becomes an exclusion is :func:`at_boundary`.
"""

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from painconn.errors import Problem, RecordingFault
from painconn.recordings.door import FileAtDoor, pass_door
from painconn.recordings.headers import brainvision, cnt
from painconn.recordings.headers.outline import Outline
from painconn.recordings.registry import load

if TYPE_CHECKING:
    import mne

_Value = TypeVar("_Value")


def open_edf(path: Path) -> "mne.io.BaseRaw":
    """Open an EDF or EDF+ file."""
    import mne

    return _with_encodings(lambda encoding: mne.io.read_raw_edf(path, encoding=encoding, verbose="ERROR"))


def open_bdf(path: Path) -> "mne.io.BaseRaw":
    """Open a BDF or BDF+ file."""
    import mne

    return _with_encodings(lambda encoding: mne.io.read_raw_bdf(path, encoding=encoding, verbose="ERROR"))


def open_gdf(path: Path) -> "mne.io.BaseRaw":
    """Open a GDF file."""
    import mne

    return mne.io.read_raw_gdf(path, verbose="ERROR")


def open_brainvision(path: Path) -> "mne.io.BaseRaw":
    """Open a BrainVision header with the files that the door has seen; without markers there are no events."""
    import mne

    samples, markers = brainvision.file_names(path)
    overrides = {"data_fname": samples.absolute(), "marker_fname": markers.absolute() if markers else False}
    return mne.io.read_raw_brainvision(path, ignore_marker_types=False, overrides=overrides, verbose="ERROR")


def open_eeglab(path: Path) -> "mne.io.BaseRaw":
    """Open a continuous EEGLAB data set."""
    import mne

    return mne.io.read_raw_eeglab(path, verbose="ERROR")


def open_epochs_eeglab(path: Path) -> "mne.BaseEpochs":
    """Open an EEGLAB data set of epochs."""
    import mne

    return mne.read_epochs_eeglab(path, verbose="ERROR")


def open_fif(path: Path) -> "mne.io.BaseRaw":
    """Open an MNE raw file; every part of a split recording must be there."""
    import mne

    return mne.io.read_raw_fif(path, on_split_missing="raise", verbose="ERROR")


def open_epochs_fif(path: Path) -> "mne.BaseEpochs":
    """Open an MNE epochs file."""
    import mne

    return mne.read_epochs(path, proj=False, preload=False, verbose="ERROR")


def open_egi_mff(path: Path) -> "mne.io.BaseRaw":
    """Open an EGI folder."""
    import mne

    return mne.io.read_raw_egi(path, events_as_annotations=True, verbose="ERROR")


def open_egi_simple(path: Path) -> "mne.io.BaseRaw":
    """Open an EGI simple binary file."""
    import mne

    return mne.io.read_raw_egi(path, events_as_annotations=True, verbose="ERROR")


def open_cnt(path: Path) -> "mne.io.BaseRaw":
    """Open a ``.cnt`` of Neuroscan or of ANT Neuro."""
    import mne

    if cnt.made_by_ant(path):
        _need("antio")
        return mne.io.read_raw_ant(path, verbose="ERROR")
    return mne.io.read_raw_cnt(path, verbose="ERROR")


def open_curry(path: Path) -> "mne.io.BaseRaw":
    """Open a Curry recording."""
    import mne

    return mne.io.read_raw_curry(path, verbose="ERROR")


def open_persyst(path: Path) -> "mne.io.BaseRaw":
    """Open a Persyst header."""
    import mne

    return mne.io.read_raw_persyst(path, verbose="ERROR")


def open_nedf(path: Path) -> "mne.io.BaseRaw":
    """Open a Neuroelectrics recording."""
    import mne

    return mne.io.read_raw_nedf(path, verbose="ERROR")


def open_checked(file: FileAtDoor, holds: str) -> Any:
    """Pass the door, open a recording, and compare what the reader found with what the file says.

    Raises
    ------
    RecordingFault
        Refused at the door, not a format that can be read (``readable``), parts outside the root (``inside``), or a
        reader that finds something else than the header says (``header``).
    """
    reader = file.reader
    if reader is None or reader.holds != holds:
        wanted = "a format of `painconn list readers`" if reader is None else f"a {holds} recording"
        found = f"format {file.path.suffix}" if reader is None else f"a format of {reader.holds} recordings"
        raise RecordingFault(
            "readable", Problem(file.name, found, wanted, "convert it, e.g. to BrainVision, or set layout")
        )
    pass_door(file)
    opened = at_boundary(file, lambda: load(reader.function)(file.path))
    if not all(file.holds(Path(name)) for name in _file_names(opened)):
        found, fix = "a part outside the dataset", "copy the parts into the dataset"
        raise RecordingFault("inside", Problem(file.name, found, "files inside the root", fix))
    outline = file.outline
    if outline is not None:
        at_boundary(file, lambda: _compare(opened, outline, file))
    return opened


def at_boundary(file: FileAtDoor, call: Callable[[], _Value]) -> _Value:
    """Call into a third-party reader; whatever it raises is an exclusion of this recording, except lack of memory.

    Warnings are not shown: what they are about is judged by the door checks on the data, and their texts may hold what
    a header says about a person. For the same reason the cause is told by its kind and place only. Lack of memory stays
    an error of the job: a header that asks for more than its file can hold was refused before.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except (MemoryError, RecordingFault):
        raise
    except _MissingPackageError as error:
        problem = Problem(
            file.name,
            f"a format that is read with the package {error}, which is not installed",
            "that package, or another format",
            f"pip install {error}, or export the recording to BrainVision or EDF",
        )
        raise RecordingFault("readable", problem) from error
    except Exception as error:
        problem = Problem(
            file.name,
            f"could not be read ({type(error).__name__} in {_raised_in(error)})",
            "a readable recording",
            "copy or export the file again",
        )
        raise RecordingFault("readable", problem) from error


class _MissingPackageError(Exception):
    """A format whose reader needs a package that is not installed."""


def _need(package: str) -> None:
    try:
        import_module(package)
    except ImportError:
        raise _MissingPackageError(package) from None


def _with_encodings(open_with: Callable[[str], "mne.io.BaseRaw"]) -> "mne.io.BaseRaw":
    """Open a file whose annotations should be UTF-8, but in older recordings are Latin-1."""
    try:
        return open_with("utf8")
    except Exception as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        return open_with("latin1")


def _raised_in(error: BaseException) -> str:
    """Return the module that raised."""
    trace, place = error.__traceback__, "the reader"
    while trace is not None:
        place = str(trace.tb_frame.f_globals.get("__name__", place))
        trace = trace.tb_next
    return place


def _file_names(opened: Any) -> Sequence[str | Path]:
    names = getattr(opened, "filenames", None) or (getattr(opened, "filename", None),)
    return [name for name in names if name is not None]


def _compare(opened: Any, outline: Outline, file: FileAtDoor) -> None:
    epochs = outline.n_epochs > 0
    stated = (outline.n_channels, outline.n_samples, outline.n_epochs if epochs else None, outline.sfreq_hz)
    n_times = len(opened.times) if epochs else opened.n_times
    found = (len(opened.ch_names), n_times, len(opened.events) if epochs else None, float(opened.info["sfreq"]))
    for name, wanted, there in zip(("channels", "samples", "epochs", "Hz"), stated, found, strict=True):
        if wanted is not None and there is not None and abs(there - wanted) > 1e-6 * wanted:
            problem = Problem(
                file.name,
                f"{there:.10g} {name} by the reader",
                f"{wanted:.10g} {name} by its header",
                "export it again",
            )
            raise RecordingFault("header", problem)
