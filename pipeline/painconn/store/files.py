"""Files of results: JSON, tables and arrays, and the sidecars that vouch for them."""

import json
import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.errors import IntegrityError, Problem, RecordingFault
from painconn.provenance import file_hash

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_PARTIAL = ".partial-"
MISSING = "n/a"

Writer = Callable[[Path], object]


def write_atomically(path: Path, write: Writer) -> None:
    """Let ``write`` make a temporary neighbour of the file, flush it to disk, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(_PARTIAL + path.name)
    partial.unlink(missing_ok=True)
    try:
        write(partial)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8", newline="\n"))


def save_json(value: Any, path: Path) -> None:
    """Write JSON into a file; NaN and infinity are refused (use None)."""
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8", newline="\n")


def plain(value: Any) -> Any:
    """Return what JSON can hold: numbers of NumPy as those of Python, NaN and infinity as None, keys as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return value


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; see :func:`save_json`."""
    write_atomically(path, partial(save_json, value))


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    IntegrityError
        When the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IntegrityError(
            Problem(str(path), "no such file", "a result of an earlier step", "run the study again")
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise IntegrityError(
            Problem(str(path), f"not JSON ({error})", "a whole JSON file", f"delete {path} and run again")
        ) from None


def save_tsv(table: "pd.DataFrame", path: Path) -> None:
    """Write a tab-separated table into a file, missing values as ``n/a``, numbers in full precision."""
    table.to_csv(path, sep="\t", index=False, na_rep=MISSING, lineterminator="\n")


def write_tsv(path: Path, table: "pd.DataFrame") -> None:
    """Write a tab-separated table atomically; see :func:`save_tsv`."""
    write_atomically(path, partial(save_tsv, table))


def read_tsv(path: Path, **options: Any) -> "pd.DataFrame":
    """Read a tab-separated table of ours; only ``n/a`` is missing, so that labels such as ``NA`` survive."""
    import pandas as pd

    if not path.is_file():
        raise IntegrityError(Problem(str(path), "no such file", "a result of an earlier step", "run the study again"))
    return pd.read_csv(path, sep="\t", na_values=[MISSING], keep_default_na=False, **options)


def save_parquet(table: "pd.DataFrame", path: Path) -> None:
    """Write a table as parquet, laid out for many columns and few rows."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    # Through pandas every one of tens of thousands of columns would become a Series of its own.
    numbers = iter(table.select_dtypes("float64").to_numpy().T)
    columns = [
        pa.array(next(numbers) if dtype == "float64" else table.iloc[:, position], from_pandas=True)
        for position, dtype in enumerate(table.dtypes)
    ]
    names = [str(column) for column in table.columns]
    text = [name for name, dtype in zip(names, table.dtypes, strict=True) if dtype.kind not in "fiub"]
    write_table(pa.Table.from_arrays(columns, names), path, use_dictionary=text, write_statistics=False)


def read_parquet(path: Path) -> "pd.DataFrame":
    """Read a parquet table of ours; thousands of columns come back as one block, which keeps later steps small."""
    from pyarrow.parquet import ParquetFile

    if not path.is_file():
        raise IntegrityError(Problem(str(path), "no such file", "a result of an earlier step", "run the study again"))
    # The dataset reader behind pandas keeps a buffer per column: gigabytes for a table of twenty thousand columns.
    return ParquetFile(path, memory_map=True).read(use_threads=False).to_pandas(use_threads=False).copy()


def write_arrays(path: Path, arrays: "Mapping[str, np.ndarray]") -> None:
    """Write named arrays into an npz file (no objects)."""
    import numpy as np

    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **dict(arrays))


def read_arrays(path: Path) -> "dict[str, np.ndarray]":
    """Read named arrays; object arrays are refused."""
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def write_result(sidecar: Path, record: Mapping[str, Any], files: Mapping[str, Writer] | None = None) -> None:
    """Write data files, then the sidecar that vouches for them.

    Parameters
    ----------
    sidecar : Path
        The JSON file that the workflow tracks.
    record : mapping
        What to keep beside the data (JSON types only).
    files : mapping of file name to writer
        Data files in the sidecar's folder; each writer gets a temporary path to write to.
    """
    hashes = {}
    for name, write in (files or {}).items():
        path = sidecar.with_name(name)
        write_atomically(path, write)
        hashes[name] = file_hash(path)
    write_json(sidecar, {"status": "ok", **record, "files": hashes})


def write_exclusion(sidecar: Path, fault: RecordingFault, *, step: str, **about: Any) -> None:
    """Write a sidecar that says why a session could not be used; later steps pass it on."""
    write_json(
        sidecar, {"status": "excluded", **about, "exclusions": [{"step": step, **fault.as_record()}], "files": {}}
    )


def read_result(sidecar: Path, *, verify: bool = True) -> dict[str, Any]:
    """Read a sidecar and check the data files that it names.

    Raises
    ------
    IntegrityError
        When the sidecar or a data file is broken or missing; the message says what to delete.
    """
    record = read_json(sidecar)
    fix = f"delete {sidecar} and run again"
    if not isinstance(record, dict) or not {"status", "files"} <= record.keys():
        raise IntegrityError(Problem(str(sidecar), "not a sidecar", "status and files", fix))
    problems = []
    for name, wanted in record["files"].items() if verify else ():
        path = sidecar.with_name(name)
        found = file_hash(path) if path.is_file() else "no such file"
        if found != wanted:
            problems.append(Problem(str(path), found, f"sha256 {wanted}", fix))
    if problems:
        raise IntegrityError(problems)
    return record
