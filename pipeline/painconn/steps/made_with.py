"""What every result was made with, kept beside the results: one made with other settings or code is made again.

The workflow engine remembers parameters in the folder it is started from; results that were copied, or that are made
from another folder, would pass for results of the settings at hand.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from painconn.errors import IntegrityError
from painconn.paths import Results, SessionKey
from painconn.provenance import canonical_json, file_hash, text_hash
from painconn.store import read_json, write_json

if TYPE_CHECKING:
    from painconn.steps.plan import Plan

Job = tuple[str, str | None]


def output_of(results: Results, step: str, name: str | None) -> Path:
    """Return the file that the workflow tracks for a job."""
    study_wide = {"table": results.table, "report": results.page}
    if name is None:
        return study_wide[step]
    if step in ("head", "forward"):
        return results.head(name) if step == "head" else results.forward(name)
    if step in ("clean", "connect", "quality_page"):
        of_session = {"clean": results.cleaned, "connect": results.connectivity, "quality_page": results.quality_page}
        return of_session[step](SessionKey.parse(name))
    of_target = {"compare": "declaration.json", "predict": "scores.json"}
    return results.target(name, of_target.get(step, f"{step}.json"))


def record(results: Results, step: str, name: str | None, made_with: str) -> None:
    """Write down what the output of a finished job was made with."""
    output = output_of(results, step, name)
    write_json(results.made_with(output), {"made_with": made_with, "sha256": file_hash(output)})


def forget(results: Results, step: str, name: str | None) -> None:
    """Remove what is known of an output that is about to be made again."""
    results.made_with(output_of(results, step, name)).unlink(missing_ok=True)


class MadeWith:
    """Hashes of what every job of a plan depends on: its settings, its code, and the same of the jobs before it.

    Parameters
    ----------
    plan : Plan
        The study and its sessions.
    """

    def __init__(self, plan: "Plan") -> None:
        self.plan = plan
        self._hashes: dict[Job, str] = {}

    def of(self, step: str, name: str | None = None) -> str:
        """Return the hash of a job."""
        if (step, name) not in self._hashes:
            before = [self.of(*job) for job in self._before(step, name)]
            parts = [self._settings(step, name), self.plan.code(step), *before]
            self._hashes[step, name] = text_hash(canonical_json(parts))
        return self._hashes[step, name]

    def stale(self, step: str, name: str | None = None) -> Path | None:
        """Return a job's output when it is there and was made with something else, or that is not known."""
        output = output_of(self.plan.results, step, name)
        if not output.is_file():
            return None
        try:
            known = read_json(self.plan.results.made_with(output))
        except IntegrityError:
            return output
        return None if known == {"made_with": self.of(step, name), "sha256": file_hash(output)} else output

    def _before(self, step: str, name: str | None) -> list[Job]:
        sessions, targets = list(self.plan.sessions), list(self.plan.study.targets)
        if step == "connect":
            forward = self.plan.forward_of(str(name))
            return [("clean", name), *([("forward", forward)] if forward else [])]
        if step == "forward":
            return [("head", self.plan.forwards[str(name)].head.label)]
        before: dict[str, list[Job]] = {
            "quality_page": [("clean", name)],
            "table": [("connect", session) for session in sessions],
            "compare": [("table", None)],
            "predict": [("table", None)],
            "agreement": [("compare", name), ("predict", name)],
            "audit": [("compare", name), ("predict", name)],
            "model": [("predict", name)],
            "report": [
                *((step, target) for target in targets for step in ("agreement", "audit", "model")),
                *(("quality_page", session) for session in sessions),
            ],
        }
        return before.get(step, [])

    def _settings(self, step: str, name: str | None) -> str:
        if step in ("compare", "predict", "agreement"):
            return self.plan.settings_target(str(name))
        if step == "quality_page":
            return ""
        settings = getattr(self.plan, f"settings_{step}")
        return str(settings() if name is None else settings(name))
