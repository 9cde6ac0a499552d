"""The lock of a blinded study: what is frozen before its labels are opened, and the gate that looks at it later."""

from collections.abc import Iterable, Mapping
from typing import Any

from painconn.paths import Results
from painconn.prediction.gates import Record, gate, not_applicable
from painconn.provenance import canonical_json, file_hash, text_hash
from painconn.steps.blinding import is_blinded, labels_were_opened
from painconn.store import read_json, write_json

GATE = "locked_before_unblinding"
_EXPECTED = "settings, tables, exclusions and features as they were locked before labels were opened"
_FILES = ("exclusions.tsv", "features.parquet")
_FAMILY = "primary family of "


def frozen_settings(study: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of every section of a portable study, but for whether it is blinded and what its page is called."""
    kept = {name: section for name, section in study.items() if name not in ("blinded", "report")}
    return {f"settings {name}": text_hash(canonical_json(section)) for name, section in kept.items()}


def write_lock(results: Results, frozen: Mapping[str, str], code: Mapping[str, str], targets: Iterable[str]) -> str:
    """Freeze a study.

    Parameters
    ----------
    results : Results
        Of the blinded run.
    frozen : mapping of str to str
        Hashes of settings and of people's tables.
    code : mapping of str to str
        Hash of the code of every step that makes a number.
    targets : iterable of str
        Names of the targets, whose primary families are frozen.

    Returns
    -------
    digest : str
        The hash of the whole lock, for a preregistration.
    """
    of_targets = {name: part for target in targets for name, part in _family(results, target).items()}
    parts = {"frozen": {**frozen, **_files(results), **of_targets}, "code": dict(code)}
    digest = _digest(parts)
    write_json(results.lock, {"hash": digest, **parts})
    return digest


def lock_gate(results: Results, settings: Mapping[str, Any], name: str) -> Record:
    """Gate: what a target of a study that was blinded rests on was locked before its labels were opened.

    Code that changed since is named and fails nothing: the numbers above it are compared themselves.
    """
    if is_blinded(settings):
        return not_applicable(GATE, _EXPECTED, "the study is blinded and its labels are closed")
    if "frozen" not in settings:
        return not_applicable(GATE, _EXPECTED, "the study was not blinded")
    if not results.lock.is_file():
        return gate(GATE, _EXPECTED, "labels were opened without a lock", False)
    lock = read_json(results.lock)
    if lock["hash"] != _digest({"frozen": lock["frozen"], "code": lock["code"]}):
        return gate(GATE, _EXPECTED, "a lock that was changed by hand", False)
    if labels_were_opened(results) is None:
        return gate(GATE, _EXPECTED, "a lock, and no record of a blinded run", False)
    now = {**settings["frozen"], **_files(results), **_family(results, name)}
    there = {part for part in lock["frozen"] if not part.startswith(_FAMILY)} | set(now)
    differ = sorted(part for part in there if lock["frozen"].get(part) != now.get(part))
    if differ:
        return gate(GATE, _EXPECTED, f"not as locked: {', '.join(differ)}", False)
    steps = sorted(step for step, digest in settings["code"].items() if lock["code"].get(step) != digest)
    since = f"; the code of {', '.join(steps)} has changed since" if steps else ""
    return gate(GATE, _EXPECTED, f"as locked ({lock['hash'][:12]}){since}", True)


def _family(results: Results, target: str) -> dict[str, str]:
    declared = read_json(results.target(target, "primary_family.json"))
    return {f"{_FAMILY}{target}": str(declared["family_hash"])}


def _files(results: Results) -> dict[str, str]:
    return {name: file_hash(results.group(name)) for name in _FILES}


def _digest(parts: Mapping[str, Any]) -> str:
    return text_hash(canonical_json(parts))
