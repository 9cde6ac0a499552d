"""Study-wide: the head model."""

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from painconn.cortex.head import build_head, save_head
from painconn.cortex.template import write_subject
from painconn.paths import Results
from painconn.store import write_result


def run(results: Results, settings: dict[str, Any]) -> None:
    """Write the head's surfaces, solve its boundary elements and lay out its sources."""
    folder = results.head.parent
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".subjects-") as subjects:
        write_subject(Path(subjects))
        head = build_head(
            Path(subjects),
            conductivity_s_per_m=tuple(settings["conductivity_s_per_m"]),
            source_spacing=settings["source_spacing"],
        )
    with TemporaryDirectory(dir=folder, prefix=".head-") as parts:
        save_head(head, Path(parts))
        files = {part.name: partial(shutil.copyfile, part) for part in sorted(Path(parts).iterdir())}
        write_result(results.head, {"step": "head", "settings": settings}, files)
