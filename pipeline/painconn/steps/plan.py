"""What the workflow must know while it is parsed: sessions, montages, targets, and the settings of every job.

Each ``settings_*`` method returns the slice of the study that a step depends on, as JSON text: a changed option changes
the text of the steps it touches and of no other.
"""

import os
import sys
from pathlib import Path
from typing import Any

from painconn.config.study import StudyConfig
from painconn.paths import Results, SessionKey
from painconn.provenance import canonical_json, code_hash, settings_json, text_hash
from painconn.recordings.companions import Companions
from painconn.steps.inventory import load_inventory
from painconn.steps.people import covariates_of


def prepare_environment() -> None:
    """Let jobs run the interpreter that runs the workflow, also when its environment is not activated.

    MNE's compiled kernels are off: importing the compiler costs every job more than they save.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    os.environ["MNE_USE_NUMBA"] = "false"


class Plan:
    """A study together with what lies in its data folders.

    Parameters
    ----------
    study : StudyConfig
        The validated study.
    results : Results
        Where everything is written.
    write : bool
        Whether the inventory is kept there; False looks and leaves no trace.
    """

    def __init__(self, study: StudyConfig, results: Results, *, write: bool = True) -> None:
        self.study = study
        self.results = results
        self.inventory = load_inventory(study, results, write=write)
        self.sessions: dict[str, dict[str, Any]] = {session["name"]: session for session in self.inventory["sessions"]}
        self._code: dict[str, str] = {}
        self._companions = Companions()

    @property
    def montages(self) -> list[str]:
        """Montage keys that at least one session has."""
        return sorted({session["montage"] for session in self.sessions.values() if session["montage"]})

    def key(self, name: str) -> SessionKey:
        """Return the key of a session of the inventory."""
        return SessionKey.parse(name)

    def recordings(self, name: str) -> list[str]:
        """Return a session's recordings with their sidecars, and the manual decisions: all files that are there now."""
        session = self.sessions[name]
        root = Path(self._source(session)["root"])
        manual = self.study.cleaning.manual_decisions
        files = [file for row in session["recordings"] for file in self._companions.of(root / row["path"], root)]
        return [str(file) for file in dict.fromkeys([*files, *([manual] if manual else [])]) if file.is_file()]

    def code(self, step: str) -> str:
        """Return the code hash of a step."""
        if step not in self._code:
            self._code[step] = code_hash(f"painconn.steps.{step}")
        return self._code[step]

    def _source(self, session: dict[str, Any]) -> dict[str, Any]:
        source = next(source for source in self.study.data.sources if source.site == session["site"])
        return source.model_dump(mode="json")

    def _conditions(self) -> dict[str, Any]:
        return {name: condition.model_dump(mode="json") for name, condition in self.study.data.conditions.items()}

    def settings_head(self) -> str:
        """Head: conductivities and source space."""
        cortex = self.study.cortex
        return settings_json(
            cortex.model_dump(mode="json", include={"template", "conductivity_s_per_m", "source_spacing"})
        )

    def settings_forward(self, montage: str) -> str:
        """Forward: the electrodes."""
        limit = self.study.cortex.max_electrode_distance_mm
        return settings_json({"montage": self.inventory["montages"][montage], "max_electrode_distance_mm": limit})

    def settings_clean(self, name: str) -> str:
        """Clean one session: its recordings, its source, the conditions and the cleaning section."""
        session = self.sessions[name]
        return settings_json(
            {
                "session": session,
                "montage": self.inventory["montages"].get(session["montage"]),
                "source": self._source(session),
                "conditions": self._conditions(),
                "checks": self.study.data.checks.model_dump(mode="json"),
                "cleaning": self.study.cleaning.model_dump(mode="json"),
                "seed": self.study.seed,
            }
        )

    def settings_connect(self, name: str) -> str:
        """Cortex, connectivity and features of one session."""
        of_cortex = {"inverses", "lcmv_regularisation", "parcellation", "max_silent_fraction"}
        cortex = self.study.cortex.model_dump(mode="json", include=of_cortex)
        connectivity = self.study.connectivity
        no_effect = {"warn_epochs"} | (set() if connectivity.spectra == "morlet" else {"n_cycles"})
        return settings_json(
            {
                "session": {key: self.sessions[name][key] for key in ("participant", "session", "site", "montage")},
                "cortex": cortex,
                "connectivity": connectivity.model_dump(mode="json", exclude=no_effect),
                "features": self.study.features.model_dump(mode="json"),
                "seed": self.study.seed if connectivity.n_surrogates else None,
            }
        )

    def settings_table(self) -> str:
        """Table: the people, which sessions there are, and how good they have to be."""
        data = self.study.data.model_dump(mode="json", include={"participants", "phenotype", "sources", "inclusion"})
        found = [self.inventory["sessions"], self.inventory["unplaced"]]
        return settings_json({"data": data, "inventory": text_hash(canonical_json(found))})

    def settings_target(self, target: str) -> str:
        """Compare and predict: one target, with what its families are made of."""
        study = self.study
        chosen = study.targets[target]
        named = chosen.covariates if chosen.covariates is not None else study.data.covariates
        return settings_json(
            {
                "name": target,
                "target": chosen.model_dump(mode="json"),
                "covariates": covariates_of(chosen.contrast, named),
                "minimum_per_group": study.data.minimum_per_group,
                "data": study.data.model_dump(mode="json"),
                "positive_controls": {
                    name: control.model_dump(mode="json") for name, control in study.positive_controls.items()
                },
                "connectivity": study.connectivity.model_dump(mode="json", include={"bands_hz", "measures"}),
                "inverses": list(study.cortex.inverses),
                **study.features.model_dump(mode="json", include={"groups", "graph_measures"}),
                "seed": study.seed,
            }
        )

    def settings_report(self) -> str:
        """Report: the resolved study, which is saved with the results."""
        return settings_json(self.study.model_dump(mode="json"))

    def user_tables(self) -> list[str]:
        """Return the tables about people (and a ready features table), those that are there now."""
        data = self.study.data
        source = data.sources[0]
        tables = [data.participants.table, *data.participants.more_tables, data.phenotype.table, source.features_table]
        paths = dict.fromkeys(source.root / table for table in tables if table is not None)
        return [str(path) for path in paths if path.is_file()]
