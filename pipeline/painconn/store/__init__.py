"""Results on disk: written atomically, sidecar last, verified when read.

A sidecar says what was made, whether the recording could be used, and the sha256 of every data file beside it. It is
the file that the workflow tracks: while it is not there, nothing half-written is taken for a result. What reads results
for other tools (:mod:`painconn.store.connectivity`) is imported by name, so that no step depends on it.
"""

from painconn.store.files import (
    MISSING,
    Writer,
    plain,
    read_arrays,
    read_json,
    read_parquet,
    read_result,
    read_tsv,
    save_json,
    save_parquet,
    save_tsv,
    write_arrays,
    write_atomically,
    write_exclusion,
    write_json,
    write_result,
    write_text,
    write_tsv,
)

__all__ = [
    "MISSING",
    "Writer",
    "plain",
    "read_arrays",
    "read_json",
    "read_parquet",
    "read_result",
    "read_tsv",
    "save_json",
    "save_parquet",
    "save_tsv",
    "write_arrays",
    "write_atomically",
    "write_exclusion",
    "write_json",
    "write_result",
    "write_text",
    "write_tsv",
]
