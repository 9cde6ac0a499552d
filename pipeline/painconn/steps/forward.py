"""Per montage: the forward solution and the lead field taken from it."""

from typing import Any

import numpy as np

from painconn.cortex.forward import make_forward, scalp_distances_mm
from painconn.cortex.head import load_head
from painconn.cortex.lead_field import lead_field
from painconn.errors import RecordingFault
from painconn.paths import Results
from painconn.store import read_result, write_arrays, write_exclusion, write_result


def run(results: Results, settings: dict[str, Any], montage: str) -> None:
    """Solve the forward problem for one montage; electrodes that do not fit the head exclude its sessions."""
    sidecar = results.forward(montage)
    read_result(results.head)
    head = load_head(results.head.parent)
    places = zip(settings["montage"]["names"], settings["montage"]["positions_m"], strict=True)
    positions_m = {name: np.array(place) for name, place in places}
    try:
        forward = make_forward(head, positions_m, scalp_limit_mm=settings["max_electrode_distance_mm"])
    except RecordingFault as fault:
        write_exclusion(sidecar, fault, step="forward", montage=montage)
        return
    distances = scalp_distances_mm(head, positions_m)
    field = lead_field(forward)
    record = {
        "step": "forward",
        "montage": montage,
        "n_sources": len(field.normals),
        "electrode_distance_mm": {
            "median": float(np.median(list(distances.values()))),
            "largest": max(distances.values()),
        },
    }
    name = f"montage-{montage}_leadfield.npz"
    write_result(sidecar, record, {name: lambda path: write_arrays(path, field.as_arrays())})
