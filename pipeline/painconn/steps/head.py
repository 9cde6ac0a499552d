"""Per head: the head model. A study has one, or one per participant."""

import logging
import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from painconn.cortex.head import build_head_of, head_identity, save_head
from painconn.cortex.heads import HeadParts
from painconn.cortex.own_surface import SURFACE_FILE, read_own_surface
from painconn.errors import InputError, RecordingFault
from painconn.paths import Results
from painconn.store import Writer, write_arrays, write_exclusion, write_result

logger = logging.getLogger(__name__)


def run(results: Results, settings: dict[str, Any], label: str) -> None:
    """Solve the boundary elements of a head and lay out its sources; a person without a usable head is excluded."""
    sidecar = results.head(label)
    parts = HeadParts.from_settings(settings["head"])
    sidecar.parent.mkdir(parents=True, exist_ok=True)
    try:
        _build(sidecar, parts, settings)
    except InputError as error:
        if not parts.own:
            raise
        logger.warning("head %s excluded: %s", label, error)
        write_exclusion(sidecar, RecordingFault("head", error.problems[0]), step="head", head=label)


def _build(sidecar: Path, parts: HeadParts, settings: dict[str, Any]) -> None:
    model = {
        "conductivity_s_per_m": tuple(settings["conductivity_s_per_m"]),
        "source_spacing": settings["source_spacing"],
    }
    with TemporaryDirectory(dir=sidecar.parent, prefix=".subjects-") as subjects:
        head = build_head_of(parts, Path(subjects), **model)
    with TemporaryDirectory(dir=sidecar.parent, prefix=".head-") as folder:
        save_head(head, Path(folder))
        files: dict[str, Writer] = {
            part.name: partial(shutil.copyfile, part) for part in sorted(Path(folder).iterdir())
        }
        if parts.kind == "individual":
            surface = read_own_surface(parts.files, parts.subject)
            files[SURFACE_FILE] = lambda path: write_arrays(path, surface)
        identity = head_identity(head, parts, source_spacing=settings["source_spacing"])
        write_result(sidecar, {"step": "head", "head": identity}, files)
