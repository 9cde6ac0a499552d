"""The quality table, who stands out of it, and the rules that exclude by it."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from connected_session import write_connected

from painconn.config.inclusion import Limits
from painconn.config.loader import load_study
from painconn.config.quality_numbers import QUALITY_NUMBERS
from painconn.errors import ConfigError
from painconn.paths import Results, SessionKey
from painconn.steps import table
from painconn.steps.inclusion import left_out
from painconn.steps.plan import Plan
from painconn.steps.quality_rows import alpha_reactivity_db, outliers, quality_rows, quality_table, robust_z
from painconn.store import read_json, read_parquet, read_tsv, write_json

ABOUT = {"participant": "01", "session": ""}
REGIONS = ["insula-lh", "insula-rh"]
COLUMNS = ["power_rel__lcmv__alpha__insula-lh", "wpli2_debiased__lcmv__alpha__insula-lh__insula-rh"]

STUDY = """\
name: rules
data:
  sources: [{{root: ., layout: folder, pattern: 'P{{participant}}_{{task}}_eeg.fif', line_freq_hz: 50}}]
  conditions: {{rest: {{kind: rest, n_epochs: 10}}, task: {{kind: rest, n_epochs: 10}}}}
{more}
targets:
  x: {{contrast: {{kind: between, column: g, a: a, b: b, observation: {{condition: rest}}}}}}
"""


def sidecar(*, muscle: tuple[float | None, float | None] = (0.1, 0.1), bads: int = 1, **more: Any) -> dict[str, Any]:
    """What cleaning says about a session with a rest and a task recording of a condition each."""
    condition = {"n_cut": 30, "n_kept": 24, "n_epochs": 10}
    names = [f"E{number}" for number in range(20)]
    return {
        "status": "ok",
        "files": {},
        "findings": [],
        "fingerprints": {},
        "bads": {name: ["flat"] for name in names[:bads]},
        "good_channels": names[bads:],
        "rank": {"used": 17, "tracked": 18, "components_removed": 2},
        "lowpass_hz": 45.0,
        "components": [
            {"index": 0, "label": "eye blink", "probability": 0.97, "removed": True,
             "reasons": ["eye blink 0.97", "EOG 0.83"]},
            {"index": 1, "label": "other", "probability": 0.5, "removed": True, "reasons": ["ECG 0.91"]},
            {"index": 2, "label": "brain", "probability": 0.9, "removed": False, "reasons": []},
        ],
        "conditions": {
            "rest": condition | {"epoch_times_s": {"task-rest": []}, "eyes": "open", "posterior_alpha_db": 3.0},
            "task": condition
            | {"n_kept": 30, "epoch_times_s": {"task-task": []}, "eyes": "closed", "posterior_alpha_db": 9.5},
        },
        "quality": {
            "task-rest": {"muscle_index": muscle[0], "minutes_retained": 4.0},
            "task-task": {"muscle_index": muscle[1], "minutes_retained": 5.0},
        },
    } | more  # fmt: skip


def test_a_row_per_recording_with_the_numbers_and_words_of_its_session() -> None:
    rows = quality_rows(sidecar(muscle=(0.12, None)), ABOUT)
    first, second = rows
    assert [row["recording"] for row in rows] == ["task-rest", "task-task"]
    assert (first["muscle_index"], first["minutes_retained"], second["minutes_retained"]) == (0.12, 4.0, 5.0)
    assert math.isnan(second["muscle_index"])
    assert first["fraction_interpolated"] == 1 / 20
    assert first["fraction_epochs_kept"] == 54 / 60
    assert first["alpha_reactivity_db"] == 6.5
    assert (first["bad_channels"], first["epochs_kept"]) == ("E0 (flat)", "rest 24/30, task 30/30")
    assert first["components"] == "eye blink 0.97 (EOG 0.83); other 0.50 (ECG 0.91)"
    columns = list(quality_table(rows).columns)
    assert set(QUALITY_NUMBERS) < set(columns)
    assert columns[columns.index("n_channels") + 1] == "bad_channels"


def test_reactivity_needs_both_states_of_the_eyes() -> None:
    both = {"a": {"eyes": "open", "posterior_alpha_db": 5.0}, "b": {"eyes": "closed", "posterior_alpha_db": 3.0}}
    assert alpha_reactivity_db(both) == -2.0
    assert math.isnan(alpha_reactivity_db({"a": both["a"]}))
    assert math.isnan(alpha_reactivity_db(both | {"b": {"eyes": "closed", "posterior_alpha_db": None}}))
    assert math.isnan(alpha_reactivity_db({name: record | {"eyes": None} for name, record in both.items()}))


def cohort_quality(rng: np.random.Generator, n: int = 12) -> pd.DataFrame:
    rows = []
    for number in range(n):
        record = sidecar(muscle=(0.1 + 0.01 * rng.standard_normal(), 0.3 + 0.01 * rng.standard_normal()), bads=0)
        rows += quality_rows(record, {"participant": f"{number:02d}", "session": ""})
    return quality_table(rows)


def test_the_planted_outlier_is_named_and_a_task_is_no_outlier_of_rest(rng: np.random.Generator) -> None:
    quality = cohort_quality(rng)
    quality.loc[(quality["participant"] == "07") & (quality["recording"] == "task-rest"), "muscle_index"] = 0.3
    quality.loc[quality["participant"] == "03", "fraction_interpolated"] = 0.2
    found = outliers(quality)
    told = list(zip(found["participant"], found["recording"], found["number"], strict=True))
    assert told == [("03", "", "fraction_interpolated"), ("07", "task-rest", "muscle_index")]
    assert (found["robust_z"] > 3.5).all()
    assert (found["n_compared"] == 12).all()
    assert outliers(quality[quality["participant"] < "07"]).empty


def test_robust_z_follows_a_normal_deviation_and_is_zero_where_all_are_equal(rng: np.random.Generator) -> None:
    values = rng.normal(5.0, 2.0, 20_000)
    assert robust_z(values) == pytest.approx((values - 5) / 2, abs=0.12)
    assert (robust_z(np.full(9, 3.0)) == 0).all()


def test_limits_include_their_edges_and_a_missing_number_excludes_nobody() -> None:
    rules = {"muscle_index": Limits(max=0.35), "alpha_reactivity_db": Limits(min=0)}
    for muscle in (0.35, None):
        record = sidecar(muscle=(muscle, 0.1))
        assert left_out(quality_rows(record, ABOUT), rules, record["conditions"]) == (set(), [])


def test_a_recording_outside_takes_the_conditions_it_serves_and_a_session_all() -> None:
    rules = {"muscle_index": Limits(max=0.35), "fraction_interpolated": Limits(max=0.2)}
    record = sidecar(muscle=(0.41, 0.1))
    lost, exclusions = left_out(quality_rows(record, ABOUT), rules, record["conditions"])
    assert lost == {"rest"}
    (row,) = exclusions
    assert (row["check"], row["recording"], row["condition"]) == ("inclusion", "task-rest", "rest")
    assert (row["found"], row["wanted"]) == ("muscle_index 0.41", "at most 0.35")
    record = sidecar(bads=5)
    lost, exclusions = left_out(quality_rows(record, ABOUT), rules, record["conditions"])
    assert lost == {"rest", "task"}
    assert [(one["recording"], one["found"]) for one in exclusions] == [("", "fraction_interpolated 0.25")]


def write_session(results: Results, person: str, record: dict[str, Any]) -> None:
    key, rng = SessionKey(person), np.random.default_rng(int(person))
    arrays = {
        "columns": np.array(COLUMNS),
        "values": rng.standard_normal((2, 2)),
        "halves": rng.standard_normal((2, 2, 2)),
        "spectra_db": rng.standard_normal((2, 2)),
        "spectra_freqs_hz": np.array([1.0, 2.0]),
    }
    observations = [{"condition": name, "window": "epoch"} for name in record["conditions"]]
    write_connected(results, key, arrays, regions=REGIONS, site="site1", observations=observations)
    write_json(results.cleaned(key), record)


def test_a_rule_excludes_whom_it_names_and_leaves_the_numbers_of_the_others(tmp_path: Any) -> None:
    people = {
        "01": sidecar(),
        "02": sidecar(muscle=(0.5, 0.1)),
        "03": sidecar(bads=6),
        "04": sidecar(muscle=(None, 0.2)),
    }
    tables = {}
    rules = {"muscle_index": {"max": 0.35}, "fraction_interpolated": {"max": 0.2}}
    for name, inclusion in (("all", {}), ("good", rules)):
        results = Results(tmp_path / name)
        for person, record in people.items():
            write_session(results, person, record)
        sessions = [{"name": f"sub-{person}", "recordings": [{}, {}]} for person in people]
        write_json(results.inventory, {"sessions": sessions, "unplaced": []})
        data = {"sources": [{"layout": "bids", "root": "."}], "participants": {}, "phenotype": {}}
        table.run(results, {"data": data | {"inclusion": inclusion}, "leakage": {}})
        tables[name] = read_parquet(results.group("features.parquet")).set_index(["participant", "condition"])
    everybody, good = tables["all"], tables["good"]
    kept = [("01", "rest"), ("01", "task"), ("02", "task"), ("04", "rest"), ("04", "task")]
    assert len(everybody) == 8
    assert list(good.index) == kept
    pd.testing.assert_frame_equal(good, everybody.loc[kept])
    listed = read_tsv(results.group("exclusions.tsv"), dtype=str)
    assert dict(zip(listed["participant"], listed["found"], strict=True)) == {
        "02": "muscle_index 0.5",
        "03": "fraction_interpolated 0.3",
    }
    assert set(listed["check"]) == {"inclusion"}
    flow = read_json(results.group("flow.json"))
    assert (flow["sessions_used"], flow["recordings_excluded"], flow["observations"]) == (3, 3, 5)
    spectra = read_tsv(results.group("spectra.tsv"), dtype={"participant": str})
    assert list(zip(spectra["participant"], spectra["condition"], strict=True)) == kept
    quality = read_tsv(results.group("quality.tsv"), dtype={"participant": str})
    assert sorted(set(quality["participant"])) == list(people)


def study(folder: Any, rules: str) -> Any:
    (folder / "study.yaml").write_text(STUDY.format(more=f"  inclusion: {rules}"), encoding="utf-8")
    return load_study(folder / "study.yaml")


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("{muscle_idx: {max: 0.3}}", "did you mean muscle_index?"),
        ("{muscle_index: {}}", "state min, max or both"),
        ("{muscle_index: {min: 0.5, max: 0.3}}", "nothing would be included"),
        ("{muscle_index: {maximum: 0.3}}", "maximum"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(tmp_path: Any, rules: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("?", r"\?")):
        study(tmp_path, rules)


def test_a_changed_rule_reruns_the_table_and_nothing_before_it(tmp_path: Any) -> None:
    settings = []
    for rules in ("{}", "{muscle_index: {max: 0.3}}"):
        plan = object.__new__(Plan)
        plan.study, plan.results = study(tmp_path, rules), Results(tmp_path / "out")
        plan.inventory = {"sessions": [], "montages": {}, "unplaced": []}
        plan.sessions = {
            "sub-01": {"participant": "01", "session": "", "site": "site1", "montage": None, "recordings": []}
        }
        settings.append((plan.settings_clean("sub-01"), plan.settings_connect("sub-01"), plan.settings_table()))
    (clean_before, connect_before, table_before), (clean_after, connect_after, table_after) = settings
    assert (clean_before, connect_before) == (clean_after, connect_after)
    assert json.loads(table_after)["data"]["inclusion"] == {"muscle_index": {"min": None, "max": 0.3}}
    assert table_before != table_after
