"""Per montage and head: the forward solution and the lead field taken from it."""

from typing import Any

import numpy as np

from painconn.cortex.forward import make_forward, scalp_distances_mm
from painconn.cortex.head import load_head
from painconn.cortex.lead_field import lead_field
from painconn.errors import InputError, RecordingFault
from painconn.paths import Results
from painconn.recordings.findings import Finding
from painconn.store import read_result, write_arrays, write_exclusion, write_json, write_result

_DIGITS = 3


def run(results: Results, settings: dict[str, Any], key: str) -> None:
    """Solve the forward problem of one montage on one head; electrodes that do not fit the head exclude its sessions.

    The exclusion of a person's head is passed on.
    """
    sidecar = results.forward(key)
    head_sidecar = results.head(settings["head"])
    made = read_result(head_sidecar)
    if made["status"] != "ok":
        write_json(sidecar, made | {"montage": key})
        return
    head = load_head(head_sidecar.parent)
    places = zip(settings["montage"]["names"], settings["montage"]["positions_m"], strict=True)
    positions_m = {name: np.array(place) for name, place in places}
    try:
        forward = make_forward(head, positions_m, scalp_limit_mm=settings["max_electrode_distance_mm"])
    except (RecordingFault, InputError) as error:
        fault = _as_fault(error, made["head"])
        write_exclusion(sidecar, fault, step="forward", montage=key, head=made["head"])
        return
    distances = scalp_distances_mm(head, positions_m)
    field = lead_field(forward)
    record = {
        "step": "forward",
        "montage": key,
        "head": made["head"],
        "n_sources": len(field.normals),
        "electrode_distance_mm": {
            "median": float(np.median(list(distances.values()))),
            "largest": max(distances.values()),
            "each": {name: round(distance, _DIGITS) for name, distance in distances.items()},
        },
        "findings": [finding.as_record() for finding in _distant(distances, settings["warn_electrode_distance_mm"])],
    }
    name = f"montage-{key}_leadfield.npz"
    write_result(sidecar, record, {name: lambda path: write_arrays(path, field.as_arrays())})


def _as_fault(error: RecordingFault | InputError, head: dict[str, Any]) -> RecordingFault:
    """Return what excludes a session; a head that everybody shares and that loses sources stops the study instead."""
    if isinstance(error, RecordingFault):
        return error
    if not head["own"]:
        raise error
    return RecordingFault("head", error.problems[0])


def _distant(distances_mm: dict[str, float], limit_mm: float) -> list[Finding]:
    """Tell of electrodes that are used although they lie off the scalp; the forward solution moves them onto it."""
    distant = {name: distance for name, distance in distances_mm.items() if distance > limit_mm}
    if not distant:
        return []
    found = ", ".join(f"{name} {distance:.0f} mm" for name, distance in distant.items())
    fix = "check positions, montage and head; source analysis puts these electrodes on the nearest place of the scalp"
    return [
        Finding(
            "electrode_distance", f"off the scalp: {found}", f"at most {limit_mm:g} mm", "note", fix, tuple(distant)
        )
    ]
