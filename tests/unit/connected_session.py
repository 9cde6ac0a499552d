"""What the connect step leaves of a session, as far as the table step reads it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from painconn.cortex.ghosts import Ghosts
from painconn.cortex.leakage import Leakage
from painconn.paths import Results, SessionKey
from painconn.steps.leakage import leakage_file, leakage_writer
from painconn.store import save_tsv, write_arrays, write_result


def no_leakage(n_regions: int) -> Leakage:
    apart, zeros = np.eye(n_regions), np.zeros(n_regions)
    return Leakage(apart, apart, np.ones(n_regions), zeros, zeros, Ghosts(1.0, 1.0))


def write_connected(
    results: Results, key: SessionKey, arrays: Mapping[str, Any], *, regions: Sequence[str], **record: Any
) -> None:
    """Write the sidecar, the table of features, the regions and their leakage, of one inverse."""
    table, regions_file = f"{key.name}_desc-features_table.npz", f"{key.name}_desc-regions.tsv"
    write_result(
        results.connectivity(key),
        {"regions": list(regions), "region_table": regions_file, "not_computable": [], "exclusions": [], **record},
        {
            table: lambda path: write_arrays(path, arrays),
            regions_file: partial(save_tsv, pd.DataFrame({"name": list(regions)})),
            leakage_file(key): leakage_writer({"lcmv": no_leakage(len(regions))}),
        },
    )
