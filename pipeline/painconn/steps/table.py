"""Study-wide: one table of all observations, with quality, exclusions and what could not be computed beside it."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.cortex import LeakageConfig
from painconn.config.data import Participants, Source
from painconn.config.inclusion import Limits
from painconn.config.phenotype import Phenotype
from painconn.features.names import KEYS
from painconn.paths import Results, SessionKey
from painconn.prediction.likeness import SAME_RECORDING, likeness_of_pairs
from painconn.recordings.features_table import read_features
from painconn.recordings.findings import Finding
from painconn.steps.blinding import is_blinded, open_labels
from painconn.steps.inclusion import left_out
from painconn.steps.leakage import leakage_files, read_leakage
from painconn.steps.people import read_people
from painconn.steps.quality_rows import outliers, quality_rows, quality_table
from painconn.steps.reliability import reliability
from painconn.store import (
    MISSING,
    Writer,
    read_arrays,
    read_json,
    read_result,
    read_tsv,
    save_json,
    save_parquet,
    save_tsv,
    write_json,
    write_result,
    write_text,
)

_EXCLUSION_COLUMNS = (
    "participant",
    "session",
    "recording",
    "condition",
    "step",
    "check",
    "where",
    "found",
    "wanted",
    "fix",
)
_FINDING_COLUMNS = (
    "participant",
    "session",
    "recording",
    "check",
    "found",
    "limit",
    "consequence",
    "channels",
    "stretches_s",
    "fix",
)
_REASON_COLUMNS = ("participant", "session", "condition", "window", "measure", "band", "reason")
_PHENOTYPE_FILES = ("phenotype.tsv", "phenotype.json", "phenotype_sensitivity.tsv")
_DERIVATIVES = ("cleaned", "connectivity", "quality")


def run(results: Results, settings: dict[str, Any]) -> None:
    """Gather the rows of every session; sessions that were excluded are listed, never dropped silently."""
    sources = settings["data"]["sources"]
    if not is_blinded(settings):
        open_labels(results)
    phenotype = _phenotype_files(results, settings["data"], blinded=is_blinded(settings))
    if sources[0]["layout"] == "features":
        _from_features_table(results, sources[0], phenotype)
        return
    inventory = read_json(results.inventory)
    rules = {name: Limits.model_validate(limits) for name, limits in settings["data"]["inclusion"].items()}
    records = [_read_session(results, SessionKey.parse(session["name"]), rules) for session in inventory["sessions"]]
    used = [record for record in records if record["status"] == "ok"]
    quality = quality_table([row for record in records for row in record["quality_rows"]])
    tables = {
        "exclusions.tsv": _frame(
            [*(row for record in records for row in record["exclusion_rows"]), *_unplaced(inventory)],
            _EXCLUSION_COLUMNS,
        ),
        "findings.tsv": _frame(
            [row for record in records for row in record["finding_rows"]] + _same_signals(records), _FINDING_COLUMNS
        ),
        "not_computable.tsv": _frame([row for record in used for row in record["missing_rows"]], _REASON_COLUMNS),
        "quality.tsv": quality,
        "quality_outliers.tsv": outliers(quality),
        "spectra.tsv": _spectra(used),
        **({"regions.tsv": read_tsv(used[0]["region_table"], dtype=str)} if used else {}),
    }
    values = {
        "fingerprints.json": {record["key"].name: record["fingerprints"] for record in used},
        "flow.json": _flow(inventory, records),
    }
    _describe_derivatives(results)
    features = _features(used)
    leakage = _leakage_files(used, LeakageConfig.model_validate(settings["leakage"]))
    _write(results, features, tables, values, _reliability_files(features, used) | leakage | phenotype)


def _write(
    results: Results,
    features: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    values: dict[str, Any],
    more: dict[str, Writer] | None = None,
) -> None:
    files: dict[str, Writer] = {"features.parquet": partial(save_parquet, features), **(more or {})}
    files |= {name: partial(save_tsv, table) for name, table in tables.items()}
    files |= {name: partial(save_json, value) for name, value in values.items()}
    write_result(results.table, {"step": "table", "observations": len(features)}, files)


def _read_session(results: Results, key: SessionKey, rules: dict[str, Limits]) -> dict[str, Any]:
    sidecar = results.connectivity(key)
    connected = read_result(sidecar)
    cleaned = read_result(results.cleaned(key), verify=False)
    about = {"participant": key.participant, "session": key.session}
    found: dict[str, Any] = {
        "key": key,
        "status": connected["status"],
        "exclusion_rows": [about | row for row in connected["exclusions"]],
        "fingerprints": cleaned.get("fingerprints", {}),
        "finding_rows": [
            about | row
            for row in (*cleaned["findings"], *({"recording": ""} | row for row in connected.get("findings", [])))
        ],
        "quality_rows": quality_rows(cleaned, about) if cleaned["status"] == "ok" else [],
        "recordings_used": len(cleaned.get("quality", {})) if connected["status"] == "ok" else 0,
    }
    if connected["status"] == "ok":
        arrays = read_arrays(sidecar.with_name(f"{key.name}_desc-features_table.npz"))
        found |= {
            "index": [about | observation | {"site": connected["site"]} for observation in connected["observations"]],
            "missing_rows": [about | row for row in connected["not_computable"]],
            "regions": connected["regions"],
            "leakage": read_leakage(results, key),
            "region_table": sidecar.with_name(connected["region_table"]),
            "halves": np.full((2, *arrays["values"].shape), np.nan),
            **arrays,
        }
        lost, exclusions = left_out(found["quality_rows"], rules, cleaned["conditions"])
        found["exclusion_rows"] += [about | row for row in exclusions]
        _leave_out(found, lost, {row["recording"] for row in exclusions})
    return found


def _leave_out(found: dict[str, Any], lost: set[str], recordings: set[str]) -> None:
    """Take the observations of the lost conditions out of a session; without any left it is excluded."""
    kept = np.array([row["condition"] not in lost for row in found["index"]])
    if not kept.any():
        found |= {"status": "excluded", "recordings_used": 0}
        return
    found |= {
        "index": [row for row, stays in zip(found["index"], kept, strict=True) if stays],
        "missing_rows": [row for row in found["missing_rows"] if row["condition"] not in lost],
        "values": found["values"][kept],
        "halves": found["halves"][:, kept],
        "spectra_db": found["spectra_db"][kept],
        "recordings_used": found["recordings_used"] - len(recordings),
    }


def _unplaced(inventory: dict[str, Any]) -> list[dict[str, str]]:
    """Return a row for each recording that lies in a source and belongs to no session."""
    nowhere = dict.fromkeys(("participant", "session", "condition"), "")
    return [nowhere | {"step": "inventory"} | one for one in inventory["unplaced"]]


def _same_signals(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a finding for each recording whose signal another session has too; both are named."""
    fingerprints, sessions = {}, {}
    for record in records:
        for recording, values in record["fingerprints"].items():
            if values:
                fingerprints[f"{record['key'].name} {recording}"] = np.array(values)
                sessions[f"{record['key'].name} {recording}"] = record["key"]
    owners = {label: key.name for label, key in sessions.items()}
    rows = []
    for pair, likeness in likeness_of_pairs(fingerprints, owners).items():
        if likeness > SAME_RECORDING:
            for label, other in (pair, pair[::-1]):
                finding = Finding(
                    check="same_signal",
                    value=f"the signal of {other} (likeness {likeness:.5f})",
                    limit="a signal of its own; the audit fails when two people share one",
                    consequence="note",
                    fix="find out whose recording it is, and leave the other out",
                )
                key = sessions[label]
                about = {"participant": key.participant, "session": key.session}
                rows.append(about | {"recording": label.removeprefix(f"{key.name} ")} | finding.as_record())
    return rows


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def _features(used: list[dict[str, Any]]) -> pd.DataFrame:
    if not used:
        return pd.DataFrame(columns=list(KEYS))
    index = pd.DataFrame([row for record in used for row in record["index"]], columns=list(KEYS))
    columns = list(dict.fromkeys(name for record in used for name in record["columns"].tolist()))
    aligned = [_aligned(record, "values", columns) for record in used]
    return pd.concat([index, pd.DataFrame(np.vstack(aligned), columns=columns)], axis=1)


def _aligned(record: dict[str, Any], name: str, columns: list[str]) -> np.ndarray:
    """Order a session's columns like everybody's, by name; a column it lacks is missing."""
    own, values = record["columns"].tolist(), np.asarray(record[name])
    if own == columns:
        return values
    position = {column: index for index, column in enumerate(own)}
    known = [column in position for column in columns]
    aligned = np.full((*values.shape[:-1], len(columns)), np.nan)
    aligned[..., known] = values[..., [position[column] for column in columns if column in position]]
    return aligned


def _reliability_files(features: pd.DataFrame, used: list[dict[str, Any]]) -> dict[str, Writer]:
    """Return the files about reliability; none when no session has halves and none repeats."""
    if not used:
        return {}
    columns = [str(column) for column in features.columns.drop(list(KEYS))]
    halves = np.concatenate([_aligned(record, "halves", columns) for record in used], axis=1)
    table, summary = reliability(features, halves, used[0]["regions"])
    if not summary:
        return {}
    return {
        "reliability.parquet": partial(save_parquet, table),
        "features.json": partial(save_json, {"reliability": summary}),
    }


def _leakage_files(used: list[dict[str, Any]], limits: LeakageConfig) -> dict[str, Writer]:
    if not used:
        return {}
    return leakage_files([record["leakage"] for record in used], used[0]["regions"], limits)


def _spectra(used: list[dict[str, Any]]) -> pd.DataFrame:
    frames = []
    for record in used:
        names = [f"{frequency:g}" for frequency in record["spectra_freqs_hz"]]
        index = pd.DataFrame(record["index"])[["participant", "session", "condition", "window"]]
        frames.append(pd.concat([index, pd.DataFrame(record["spectra_db"], columns=names)], axis=1))
    if not frames:
        return pd.DataFrame(columns=["participant", "session", "condition", "window"])
    merged = pd.concat(frames, ignore_index=True)
    frequencies = sorted(merged.columns[4:], key=float)
    return merged[[*merged.columns[:4], *frequencies]]


def _flow(inventory: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, int]:
    used = [record for record in records if record["status"] == "ok"]
    found = sum(len(session["recordings"]) for session in inventory["sessions"])
    recordings_used = sum(record["recordings_used"] for record in used)
    return {
        "recordings_found": found,
        "recordings_excluded": found - recordings_used,
        "sessions_found": len(records),
        "sessions_used": len(used),
        "participants_found": len({record["key"].participant for record in records}),
        "participants_used": len({record["key"].participant for record in used}),
        "observations": sum(len(record["index"]) for record in used),
    }


def _phenotype_files(results: Results, data: dict[str, Any], *, blinded: bool) -> dict[str, Writer]:
    """Return the files about the phenotype rule; none without one, and none while it is hidden who has which label.

    Labels stay beside the features, not among them.
    """
    phenotype = Phenotype.model_validate(data["phenotype"])
    participants = Participants.model_validate(data["participants"])
    root = Path(data["sources"][0]["root"])
    made_by_rule = phenotype.makes_labels and not blinded
    labels = read_people(participants, phenotype, root)[1] if made_by_rule else None
    sensitivity = labels.sensitivity() if labels else None
    made: dict[str, Writer] = {}
    if labels is not None:
        made |= {
            "phenotype.tsv": partial(save_tsv, labels.table()),
            "phenotype.json": partial(save_json, labels.record()),
        }
    if sensitivity is not None:
        made["phenotype_sensitivity.tsv"] = partial(save_tsv, sensitivity)
    for name in set(_PHENOTYPE_FILES) - set(made):
        results.group(name).unlink(missing_ok=True)
    return made


def _from_features_table(results: Results, source: dict[str, Any], more: dict[str, Writer]) -> None:
    """Take a ready table: the statistics without the EEG."""
    table = read_features(Source.model_validate(source), Path(source["root"]))
    people = table["participant"].nunique()
    sessions = len(table[["participant", "session"]].drop_duplicates())
    flow = {
        "recordings_found": 0, "recordings_excluded": 0, "sessions_found": sessions, "sessions_used": sessions,
        "participants_found": people, "participants_used": people, "observations": len(table),
    }  # fmt: skip
    tables = {"exclusions.tsv": _frame([], _EXCLUSION_COLUMNS), "not_computable.tsv": _frame([], _REASON_COLUMNS)}
    _write(results, table, tables, {"fingerprints.json": {}, "flow.json": flow}, more)


def _describe_derivatives(results: Results) -> None:
    """Write the dataset descriptions that BIDS asks of derivatives."""
    for area in _DERIVATIVES:
        folder = results.root / "derivatives" / area
        if folder.is_dir():
            description = {
                "Name": f"painconn {area}",
                "BIDSVersion": "1.10.0",
                "DatasetType": "derivative",
                "GeneratedBy": [{"Name": "painconn"}],
            }
            write_json(folder / "dataset_description.json", description)
            write_text(
                folder / "README", f"{area} data written by painconn; {MISSING} stands for a missing value in tables.\n"
            )
