"""A blinded study tells nobody's label, and is the same study once it is locked and opened."""

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from painconn.cli.lock import lock_study
from painconn.config.loader import load_study
from painconn.config.targets import Contrast
from painconn.errors import InputError
from painconn.features.names import KEYS
from painconn.inference.families import Family
from painconn.paths import Results
from painconn.reporting.page import headline_lines
from painconn.steps import agreement, audit, compare, model, predict, report, table
from painconn.steps.blinding import Lots, with_lots
from painconn.steps.lock import GATE, lock_gate
from painconn.steps.made_with import MadeWith, record
from painconn.steps.people import people_of
from painconn.steps.plan import Plan
from painconn.steps.selection import select
from painconn.steps.sessions import write_mixed_models
from painconn.store import read_json, read_parquet, read_tsv, write_json

pytestmark = pytest.mark.slow

STUDY = """\
name: lots
blinded: true
data:
  sources:
    - {root: ., layout: features, features_table: table.tsv}
  phenotype: {rule: given_column, column: group}
targets:
  groups:
    contrast: {kind: between, column: phenotype, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
  states:
    contrast: {kind: within, a: {condition: rest}, b: {condition: task}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
  score:
    contrast: {kind: association, column: pain, observation: {condition: rest}}
    n_permutations: 100
positive_controls:
  men:
    contrast: {kind: between, column: sex, a: f, b: m, observation: {condition: rest}}
    feature: feature1
    expected: lower
"""
SALT = "ab" * 32
CLOSED = {"salt": SALT, "labels_were_opened": False}
PEOPLE = [f"p{number:02d}" for number in range(24)]
LABELS = ("localized", "widespread")


def write_study(folder, shift=0):
    """Write a table with an effect in everything, and labels that another shift gives to other people of the site."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    sites = ["north"] * 12 + ["south"] * 12
    group = np.array(LABELS * 6 + ("localized",) * 8 + ("widespread",) * 4)
    pain = np.arange(24) * 7 % 24 * 3 + 11
    sex = np.array(["f", "m", "m"] * 8)
    rolled = np.concatenate([np.roll(np.arange(12), shift), 12 + np.roll(np.arange(12), shift)])
    rows = []
    for index, (person, site) in enumerate(zip(PEOPLE, sites, strict=True)):
        for condition in ("rest", "task"):
            values = rng.standard_normal(4)
            values[0] += 3.0 * (group[index] == "widespread")
            values[2] += 3.0 * (condition == "task")
            keys = {"participant": person, "condition": condition, "site": site}
            rows.append(keys | {f"feature{i}": value for i, value in enumerate(values)})
    pd.DataFrame(rows).to_csv(folder / "table.tsv", sep="\t", index=False)
    people = pd.DataFrame({"participant_id": PEOPLE, "group": group[rolled], "pain": pain[rolled], "sex": sex[rolled]})
    people.assign(age=20 + np.arange(24)).to_csv(folder / "participants.tsv", sep="\t", index=False)
    (folder / "study.yaml").write_text(STUDY)
    return folder / "study.yaml"


def run_study(path, results):
    """Run the steps of a study as the workflow does."""
    plan = Plan(load_study(path), results)
    made_with = MadeWith(plan)
    table.run(results, json.loads(plan.settings_table()))
    record(results, "table", None, made_with.of("table"))
    for name in plan.study.targets:
        of_target = json.loads(plan.settings_target(name))
        slices = {audit: json.loads(plan.settings_audit(name)), model: json.loads(plan.settings_model(name))}
        for step in (compare, predict, agreement, audit, model):
            step.run(results, slices.get(step, of_target), name)
            label = step.__name__.rsplit(".", 1)[-1]
            record(results, label, name, made_with.of(label, name))
    report.run(results, json.loads(plan.settings_report()))
    record(results, "report", None, made_with.of("report"))
    return plan


def gate_of(results, name="groups"):
    gates = read_json(results.target(name, "audit.json"))["gates"]
    return next(gate for gate in gates if gate["gate"] == GATE)


@pytest.fixture(scope="module")
def blinded(tmp_path_factory):
    """A finished blinded run."""
    folder = tmp_path_factory.mktemp("blinded") / "study"
    path, results = write_study(folder), Results(folder / "out")
    write_json(results.blinding, CLOSED)
    run_study(path, results)
    return path, results


@pytest.fixture
def copied(blinded, tmp_path):
    """A copy of its results, to be changed, and a study file that changes with them; the data stay where they are."""
    shutil.copytree(blinded[1].root, tmp_path / "out")
    copy = Study(tmp_path / "study.yaml", blinded[0].parent)
    copy.write()
    return copy, Results(tmp_path / "out")


@dataclass(frozen=True)
class Study:
    """A study file beside other data."""

    path: Path
    data: Path

    def write(self, *, blinded=True, more=""):
        text = STUDY.replace("root: .", f"root: {self.data}").replace("blinded: true\n", "")
        self.path.write_text(f"blinded: {str(blinded).lower()}\n{text}{more}")


def lots_of(path, **changes):
    sites = dict.fromkeys(PEOPLE[:12], "north") | dict.fromkeys(PEOPLE[12:], "south")
    return Lots(**({"seed": 1, "salt": SALT, "columns": ("group", "pain"), "sites": sites} | changes))


def test_lots_keep_the_counts_of_each_site_and_hang_on_the_salt_and_on_no_owner(tmp_path):
    path = write_study(tmp_path / "one")
    data = load_study(path).data
    true, dealt = people_of(data), lots_of(path).people(data)
    for site in (PEOPLE[:12], PEOPLE[12:]):
        for column in ("group", "pain"):
            assert sorted(dealt.loc[site, column]) == sorted(true.loc[site, column])
    assert 4 <= (dealt["group"] != true["group"]).sum() <= 20
    assert dealt["sex"].tolist() == true["sex"].tolist()
    assert lots_of(path).people(data).equals(dealt)
    assert not lots_of(path, salt="cd" * 32).people(data)["group"].equals(dealt["group"])
    moved = load_study(write_study(tmp_path / "other", shift=5)).data
    assert people_of(moved)["group"].tolist() != true["group"].tolist()
    assert lots_of(path).people(moved)[["group", "pain"]].equals(dealt[["group", "pain"]])


def test_leaving_somebody_out_changes_nobody_elses_lot_and_shows_no_label(tmp_path):
    path = write_study(tmp_path / "one")
    data = load_study(path).data
    whole = lots_of(path).people(data)
    for person in ("p00", "p01", "p20"):
        without = data.participants.model_copy(update={"exclude": (person,)})
        left = lots_of(path).people(data.model_copy(update={"participants": without}))
        assert left.equals(whole.drop(index=person))


def test_sides_are_exchanged_for_about_half_whichever_side_is_named_first():
    sides = [{"condition": "rest"}, {"condition": "task"}]
    one, other = (Contrast.model_validate({"kind": "within", "a": a, "b": b}) for a, b in (sides, reversed(sides)))
    people = [str(number) for number in range(400)]
    exchanged = lots_of(None).exchanged(one, people)
    assert 150 < len(exchanged) < 250
    assert lots_of(None).exchanged(other, people) == exchanged
    assert lots_of(None, salt="cd" * 32).exchanged(one, people) != exchanged


def test_exchanged_sides_change_places_in_every_way_that_they_are_read(blinded):
    path, results = blinded
    data, features = load_study(path).data, read_parquet(results.group("features.parquet"))
    contrast = load_study(path).targets["states"].contrast
    options = {"covariates": [], "minimum_per_group": 3, "where": "targets.states"}
    lots = lots_of(path)
    true, dealt = (select(features, data, contrast, lots=given, **options) for given in (None, lots))
    assert (true.participants, true.labels) == (dealt.participants, dealt.labels)
    first, second = (one.features["feature2"].to_numpy().reshape(-1, 2) for one in (true, dealt))
    moved = np.array([person in dealt.exchanged for person in true.participants[::2]])
    assert 0 < moved.sum() < len(moved)
    np.testing.assert_array_equal(second[~moved], first[~moved])
    np.testing.assert_array_equal(second[moved], first[moved][:, ::-1])


def test_the_mixed_model_sees_the_sides_as_they_were_dealt(blinded, tmp_path, rng):
    path, results = blinded
    once = read_parquet(results.group("features.parquet"))
    again = once.assign(session="2")
    columns = [column for column in once if column not in KEYS]
    again[columns] += 0.1 * rng.standard_normal(again[columns].shape)
    both = pd.concat([once.assign(session="1"), again], ignore_index=True)
    study = load_study(path)
    contrast = study.targets["states"].contrast
    options = {"covariates": [], "minimum_per_group": 3, "where": "targets.states", "lots": None}
    chosen = select(both, study.data, contrast, **options)
    family, estimates = Family("primary", "primary", ("feature2",)), []
    for exchanged in (frozenset(), frozenset(PEOPLE)):
        write_mixed_models(Results(tmp_path), "states", both, contrast, replace(chosen, exchanged=exchanged), family)
        estimates.append(read_tsv(Results(tmp_path).target("states", "sessions.tsv"))["estimate"].item())
    assert estimates[0] > 1.5
    assert estimates[1] == pytest.approx(-estimates[0], rel=1e-3)


def texts_of(results):
    """Return every output but the sums of the inputs, among which is the table of labels itself."""
    files = [*results.group("").rglob("*"), results.page]
    return {
        path.relative_to(results.root): path.read_bytes()
        for path in files
        if path.is_file() and path.name != "provenance.json"
    }


def test_what_is_written_is_the_same_whoever_has_which_label(blinded, tmp_path):
    path = write_study(tmp_path / "moved", shift=5)
    results = Results(tmp_path / "moved" / "out")
    write_json(results.blinding, CLOSED)
    run_study(path, results)
    here, there = texts_of(blinded[1]), texts_of(results)
    assert len(here) > 30
    assert here.keys() == there.keys()
    assert [str(name) for name in here if here[name] != there[name]] == []


def test_every_label_beside_a_name_is_the_dealt_one_and_conditions_are_not_drawn_apart(blinded):
    path, results = blinded
    data = load_study(path).data
    settings = json.loads(Plan(load_study(path), results).settings_target("groups"))
    dealt, true = with_lots(results, settings)["lots"].people(data)["phenotype"], people_of(data)["phenotype"]
    assert (dealt != true).any()
    named = re.compile(r"\b(p\d\d)\b")
    found = {}
    for text in (
        content.decode("utf-8", "replace")
        for name, content in texts_of(results).items()
        if name.suffix in (".tsv", ".json", ".md", ".html")
    ):
        for line in text.splitlines():
            people, labels = set(named.findall(line)), [label for label in LABELS if label in line]
            if len(people) == 1 and len(labels) == 1:
                found[people.pop()] = labels[0]
    assert found == dealt.to_dict()
    assert not results.group("phenotype.tsv").exists()
    assert not results.group("phenotype.json").exists()
    assert "mean spectra" not in results.page.read_text()


def test_a_blinded_run_says_so_everywhere_and_saves_no_model(blinded):
    _, results = blinded
    for name in ("groups", "states", "score"):
        for file in ("declaration.json", "scores.json", "audit.json"):
            assert read_json(results.target(name, file))["blinded"] is True
        saved = read_json(results.target(name, "model.json"))
        assert not saved["saved"]
        assert not (results.model(name) / "model.json").exists()
        gate = gate_of(results, name)
        assert gate["passed"]
        assert not gate["evaluated"]
    assert "blinded" in read_json(results.target("groups", "model.json"))["reason"]
    assert headline_lines(results.root)[0].startswith("BLINDED")
    page = results.page.read_text()
    assert "Blinded: labels are permuted, no number here is a result" in page
    assert page.index("Blinded: labels") < page.index('id="answers"')
    assert "BLINDED" in results.group("methods.md").read_text()


@pytest.fixture(scope="module")
def never(tmp_path_factory):
    """The same study, never blinded."""
    path = write_study(tmp_path_factory.mktemp("never") / "study")
    path.write_text(STUDY.replace("blinded: true", "blinded: false"))
    results = Results(path.parent / "out")
    run_study(path, results)
    return results


def test_a_planted_effect_is_hidden_until_labels_are_opened(blinded, never):
    for name in ("groups", "states"):
        hidden, seen = (
            read_json(results.target(name, "scores.json"))["feature_sets"]["all columns"]["auc"]
            for results in (blinded[1], never)
        )
        assert seen > 0.85
        assert hidden < 0.8
    gate = gate_of(never)
    assert gate["passed"]
    assert gate["found"] == "not evaluated: the study was not blinded"
    assert "blinded" not in read_json(never.target("groups", "scores.json"))
    assert not never.blinding.exists()


def test_a_locked_study_opens_to_the_numbers_of_one_that_never_was_blinded(copied, never, capsys):
    study, results = copied
    lock_study(study.path, out=results.root)
    assert read_json(results.lock)["hash"] in capsys.readouterr().out
    study.write(blinded=False)
    run_study(study.path, results)
    assert read_json(results.blinding) == {"salt": None, "labels_were_opened": True}
    here, there = texts_of(results), texts_of(never)
    own = {"blinding.json", "lock.json", "audit.json", "index.html"}
    assert {name for name in here if name.name not in own} == {name for name in there if name.name not in own}
    assert [str(name) for name in there if name.name not in own and here[name] != there[name]] == []
    gate = gate_of(results)
    assert gate["passed"]
    assert gate["evaluated"]
    assert gate["found"].startswith("as locked (")
    after, before = (read_json(one.target("groups", "audit.json"))["gates"] for one in (results, never))
    assert [one for one in after if one["gate"] != GATE] == [one for one in before if one["gate"] != GATE]
    with pytest.raises(InputError, match="open labels"):
        lock_study(study.path, out=results.root)


def test_what_changed_after_the_lock_is_named_and_fails(copied):
    study, results = copied
    lock_study(study.path, out=results.root)

    def gate(change=""):
        study.write(blinded=False, more=change)
        settings = json.loads(Plan(load_study(study.path), results).settings_audit("groups"))
        return lock_gate(results, settings, "groups")

    assert gate()["passed"]
    assert gate("report: {title: another title}")["passed"]
    changed = gate("seed: 5")
    assert not changed["passed"]
    assert changed["found"] == "not as locked: settings seed"
    exclusions = results.group("exclusions.tsv")
    kept = exclusions.read_text()
    exclusions.write_text(kept + "p03\n")
    assert gate()["found"] == "not as locked: exclusions.tsv"
    exclusions.write_text(kept)
    people = study.data / "participants.tsv"
    true = people.read_text()
    try:
        people.write_text(true.replace("p03\tw", "p03\tl"))
        assert gate()["found"] == "not as locked: table participants.tsv"
    finally:
        people.write_text(true)
    lock = read_json(results.lock)
    write_json(results.lock, lock | {"frozen": lock["frozen"] | {"exclusions.tsv": "0"}})
    assert gate()["found"] == "a lock that was changed by hand"


def test_labels_opened_without_a_lock_fail_the_audit_and_the_run_goes_on(copied):
    study, results = copied
    study.write(blinded=False)
    plan = Plan(load_study(study.path), results)
    table.run(results, json.loads(plan.settings_table()))
    compare.run(results, json.loads(plan.settings_target("score")), "score")
    predict.run(results, json.loads(plan.settings_target("score")), "score")
    audit.run(results, json.loads(plan.settings_audit("score")), "score")
    gate = gate_of(results, "score")
    assert not gate["passed"]
    assert gate["found"] == "labels were opened without a lock"
    assert not read_json(results.target("score", "audit.json"))["passed"]
    study.write()
    Plan(load_study(study.path), results).settings_table()
    assert read_json(results.blinding)["labels_were_opened"] is True
    with pytest.raises(InputError, match="never opened"):
        lock_study(study.path, out=results.root)


def test_only_a_complete_blinded_run_of_this_study_can_be_locked(copied, tmp_path):
    study, results = copied
    with pytest.raises(InputError, match="no blinded run"):
        lock_study(study.path, out=tmp_path / "elsewhere")
    study.write(more="seed: 5\n")
    with pytest.raises(InputError, match="other settings"):
        lock_study(study.path, out=results.root)
    study.write()
    results.target("states", "audit.json").unlink()
    with pytest.raises(InputError, match="no such file"):
        lock_study(study.path, out=results.root)
    assert not results.lock.exists()


def test_a_salt_is_drawn_once_and_blinded_settings_open_nothing_by_mistake(tmp_path):
    path, results = write_study(tmp_path / "one"), Results(tmp_path / "out")
    Plan(load_study(path), results, write=False).settings_table()
    assert not results.blinding.exists()
    settings = Plan(load_study(path), results).settings_target("groups")
    salt = read_json(results.blinding)["salt"]
    assert re.fullmatch(r"[0-9a-f]{64}", salt)
    assert salt not in settings
    assert Plan(load_study(path), results).settings_target("groups") == settings
    table.run(results, json.loads(Plan(load_study(path), results).settings_table()))
    with pytest.raises(KeyError, match="lots"):
        predict.observations(read_parquet(results.group("features.parquet")), json.loads(settings), "groups")
