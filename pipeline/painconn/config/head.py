"""The head fields of ``cortex``: whose head, how it conducts, how far an electrode may be from it."""

from pathlib import Path
from string import Formatter
from typing import Literal, Self

from pydantic import Field, model_validator

from painconn.config.base import Section

PARTICIPANT = "{participant}"
"""Stands for the participant's label in a pattern."""


class HeadConfig(Section):
    """One kind of head for the whole study."""

    template: Literal["bundled", "fsaverage", "individual"] = Field(
        "bundled",
        description="Head of the whole study. bundled: the fsaverage5 that comes with painconn · fsaverage: "
        "FreeSurfer's full fsaverage, which must lie in subjects_dir · individual: each participant's own FreeSurfer "
        "subject and transform",
    )
    subjects_dir: Path | None = Field(
        None,
        description="fsaverage, individual: folder of the FreeSurfer subjects; null: the one that MNE-Python is set "
        "to (SUBJECTS_DIR)",
    )
    subject: str | None = Field(
        None,
        min_length=1,
        description="individual: name of the FreeSurfer subject, e.g. sub-{participant}; without {participant} all "
        "share it",
    )
    transform: Path | None = Field(
        None,
        description="individual: the transform between head and MRI, e.g. trans/sub-{participant}-trans.fif; relative "
        "to the study file",
    )
    bem_solution: Path | None = Field(
        None,
        description="fsaverage, individual: a ready three-shell solution (*-bem-sol.fif, {participant} as in "
        "transform); null: solved here from the subject's shells, 1,280 triangles each",
    )
    conductivity_s_per_m: tuple[float, float, float] = Field((0.3, 0.006, 0.3), description="Brain, skull, scalp")
    source_spacing: Literal["ico3", "ico4"] = Field("ico4", description="Source space; ico3 is for quick tests")
    warn_electrode_distance_mm: float = Field(
        10.0, gt=0, description="An electrode farther from the scalp than this is a finding"
    )
    max_electrode_distance_mm: float = Field(
        25.0, gt=0, description="An electrode farther from the scalp than this stops the session"
    )

    @model_validator(mode="after")
    def _head_is_whole(self) -> Self:
        problems = [*self._misplaced(), *self._unknown_parts()]
        if self.template == "individual":
            problems += [
                f"template individual needs {name}" for name in ("subject", "transform") if getattr(self, name) is None
            ]
        if not all(value > 0 for value in self.conductivity_s_per_m):
            problems.append("conductivity_s_per_m: wanted three values above 0")
        if self.warn_electrode_distance_mm > self.max_electrode_distance_mm:
            problems.append("warn_electrode_distance_mm is beyond max_electrode_distance_mm, which excludes")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _misplaced(self) -> list[str]:
        of_individuals = () if self.template == "individual" else ("subject", "transform")
        of_folders = ("subjects_dir", "bem_solution") if self.template == "bundled" else ()
        given = [name for name in (*of_individuals, *of_folders) if getattr(self, name) is not None]
        return [f"{name} has no meaning with template {self.template}" for name in given]

    def _unknown_parts(self) -> list[str]:
        problems = []
        for name in ("subject", "transform", "bem_solution"):
            pattern = str(getattr(self, name) or "")
            try:
                parts = {part for _, part, _, _ in Formatter().parse(pattern) if part is not None}
            except ValueError:
                parts = {"?"}
            if parts - {"participant"}:
                problems.append(f"{name}: the only part between braces is {PARTICIPANT}")
        return problems
