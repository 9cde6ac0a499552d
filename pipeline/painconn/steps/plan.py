"""What the workflow must know while it is parsed: sessions, montages, targets, and the settings of every job.

Each ``settings_*`` method returns the slice of the study that a step depends on, as JSON text: a changed option changes
the text of the steps it touches and of no other.
"""

import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from painconn.config.head import HeadConfig
from painconn.config.study import StudyConfig
from painconn.cortex.heads import HeadParts, head_of
from painconn.cortex.parcellations import fingerprint
from painconn.cortex.template import Parcellation
from painconn.paths import Results, SessionKey, forward_key
from painconn.provenance import canonical_json, code_hash, file_hash, settings_json, text_hash
from painconn.recordings.companions import Companions
from painconn.steps.blinding import blinding_of, labels_were_opened
from painconn.steps.inventory import load_inventory
from painconn.steps.lock import frozen_settings
from painconn.steps.people import covariates_of
from painconn.steps.portable import portable
from painconn.steps.regions import regions_of


def prepare_environment() -> None:
    """Let jobs run the interpreter that runs the workflow, also when its environment is not activated.

    MNE's compiled kernels are off: importing the compiler costs every job more than they save.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    os.environ["MNE_USE_NUMBA"] = "false"


@dataclass(frozen=True)
class ForwardJob:
    """A montage on a head."""

    head: HeadParts
    montage: str


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
        self._write = write
        self.inventory = load_inventory(study, results, write=write)
        self.sessions: dict[str, dict[str, Any]] = {session["name"]: session for session in self.inventory["sessions"]}
        self._code: dict[str, str] = {}
        self._companions = Companions()

    @property
    def montages(self) -> list[str]:
        """Montage keys that at least one session has."""
        return sorted({session["montage"] for session in self.sessions.values() if session["montage"]})

    @cached_property
    def _heads_of_people(self) -> dict[str, HeadParts]:
        people = {session["participant"] for session in self.sessions.values()}
        return {person: head_of(self.study.cortex, person) for person in sorted(people)}

    @cached_property
    def heads(self) -> dict[str, HeadParts]:
        """The heads of the study, by label: one for all, or one per participant."""
        return {parts.label: parts for parts in self._heads_of_people.values()}

    @cached_property
    def forwards(self) -> dict[str, ForwardJob]:
        """Which montages are wanted on which heads, by the key of the forward solution."""
        jobs = {}
        for name, session in sorted(self.sessions.items()):
            key = self.forward_of(name)
            if key is not None:
                jobs[key] = ForwardJob(self.head_of(name), session["montage"])
        return dict(sorted(jobs.items()))

    def head_of(self, name: str) -> HeadParts:
        """Return the head that a session is analysed with."""
        return self._heads_of_people[self.sessions[name]["participant"]]

    def forward_of(self, name: str) -> str | None:
        """Return the key of a session's forward solution; None when its electrodes are unknown."""
        session = self.sessions[name]
        if not session["montage"]:
            return None
        parts = self.head_of(name)
        return forward_key(session["montage"], parts.label if parts.own else "")

    def head_files(self, label: str) -> list[str]:
        """Return the files of a head that are there now."""
        return [str(path) for path in self.heads[label].files.values() if path.is_file()]

    @cached_property
    def regions(self) -> Parcellation:
        """The regions of the study."""
        return regions_of(self.study)

    @cached_property
    def _blinding(self) -> dict[str, Any]:
        """What decides the labels of a blinded study; nothing in any other."""
        return blinding_of(self.study, self.results, write=self._write) if self.study.blinded else {}

    def _features(self) -> dict[str, Any]:
        """Return the section with the groups that apply."""
        groups = {name: list(members) for name, members in self.study.groups.items()}
        return self.study.features.model_dump(mode="json") | {"groups": groups}

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

    def settings_head(self, label: str) -> str:
        """Head: where its parts lie, conductivities and source space."""
        of_model = self.study.cortex.model_dump(mode="json", include={"conductivity_s_per_m", "source_spacing"})
        return settings_json({"head": self.heads[label].as_settings(), **of_model})

    def settings_forward(self, key: str) -> str:
        """Forward: the head and the electrodes."""
        job = self.forwards[key]
        of_distance = {"warn_electrode_distance_mm", "max_electrode_distance_mm"}
        limits = self.study.cortex.model_dump(mode="json", include=of_distance)
        montage = self.inventory["montages"][job.montage]
        return settings_json({"head": job.head.label, "montage": montage, **limits})

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
        # The head is in the forward solution; the limits of leakage only mark what is there.
        cortex = self.study.cortex.model_dump(mode="json", exclude={*HeadConfig.model_fields, "leakage"})
        connectivity = self.study.connectivity
        no_effect = {"warn_epochs"} | (set() if connectivity.spectra == "morlet" else {"n_cycles"})
        return settings_json(
            {
                "session": {
                    **{key: self.sessions[name][key] for key in ("participant", "session", "site")},
                    "montage": self.forward_of(name),
                },
                "cortex": cortex,
                "regions": fingerprint(self.regions),
                "connectivity": connectivity.model_dump(mode="json", exclude=no_effect),
                "features": self._features(),
                "seed": self.study.seed if connectivity.n_surrogates else None,
            }
        )

    def settings_table(self) -> str:
        """Table: the people, which sessions there are, how good they have to be, and which leakage is marked."""
        data = self.study.data.model_dump(mode="json", include={"participants", "phenotype", "sources", "inclusion"})
        found = [self.inventory["sessions"], self.inventory["unplaced"]]
        leakage = self.study.cortex.leakage.model_dump(mode="json")
        parts = {"data": data, "leakage": leakage, "inventory": text_hash(canonical_json(found))}
        return settings_json(parts | self._blinding)

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
                "regions": list(self.regions.region_names),
                "groups": self._features()["groups"],
                "graph_measures": list(study.features.graph_measures),
                "seed": study.seed,
                **self._blinding,
            }
        )

    def settings_audit(self, target: str) -> str:
        """Audit: what compare and predict get; of a study that was blinded, what has to be as it was locked."""
        settings = json.loads(self.settings_target(target))
        was_blinded = self.results.lock.is_file() or labels_were_opened(self.results) is not None
        if was_blinded and not self.study.blinded:
            lock = file_hash(self.results.lock) if self.results.lock.is_file() else None
            settings |= {"frozen": self.frozen(), "code": self.frozen_code(), "lock": lock}
        return settings_json(settings)

    def frozen(self) -> dict[str, str]:
        """Return what a lock holds of the study itself: a hash per section, and per table about people."""
        tables = {f"table {Path(path).name}": file_hash(Path(path)) for path in self.user_tables()}
        return frozen_settings(portable(json.loads(self.settings_report()))) | tables

    def frozen_code(self) -> dict[str, str]:
        """Return the code hash of every step that makes a number."""
        return {step: self.code(step) for step in ("clean", "connect", "table", "compare", "predict")}

    def settings_model(self, target: str) -> str:
        """Model: what compare and predict get, and how recordings are prepared, without what belongs to one study."""
        study = self.study
        sources = [source.model_dump(mode="json", exclude={"root"}) for source in study.data.sources]
        line = {
            "sources": sources,
            "conditions": self._conditions(),
            **study.data.model_dump(mode="json", include={"checks", "inclusion"}),
            "cleaning": study.cleaning.model_dump(mode="json", exclude={"manual_decisions"}),
            "cortex": study.cortex.model_dump(mode="json", exclude={"subjects_dir", "transform", "bem_solution"}),
            "connectivity": study.connectivity.model_dump(mode="json"),
            "features": self._features(),
            "seed": study.seed,
        }
        return settings_json(json.loads(self.settings_target(target)) | {"line": line})

    def settings_report(self) -> str:
        """Report: the resolved study, which is saved with the results."""
        return settings_json(self.study.model_dump(mode="json") | {"features": self._features()})

    def user_tables(self) -> list[str]:
        """Return the tables about people (and a ready features table), those that are there now."""
        data = self.study.data
        source = data.sources[0]
        tables = [data.participants.table, *data.participants.more_tables, data.phenotype.table, source.features_table]
        paths = dict.fromkeys(source.root / table for table in tables if table is not None)
        return [str(path) for path in paths if path.is_file()]
