from collections import Counter
from dataclasses import replace

import pytest

from painconn.errors import DesignError
from painconn.simulation.bookkeeping import enrol
from painconn.simulation.pain import PAIN
from painconn.simulation.people import draw_person, roster
from painconn.simulation.presets import TINY
from painconn.simulation.specification import Bookkeeping, Covariates, Effect, Levels, Spread
from painconn.simulation.tables import participant_columns, write_tables
from painconn.simulation.truth_record import realised, truth_record

GROUPS = {"control": 40, "localized": 40, "widespread": 40}


def cohort(**bookkeeping):
    return replace(TINY, n_per_group=GROUPS, bookkeeping=Bookkeeping(**bookkeeping))


def drawn(spec, seed):
    return [(one, draw_person(spec, one.source, one.group, seed=seed)) for one in enrol(spec, seed=seed)]


def table(spec, seed, folder):
    folder.mkdir()
    write_tables(spec, drawn(spec, seed), folder, seed=seed)
    header, *rows = [line.split("\t") for line in (folder / "participants.tsv").read_text().splitlines()]
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_without_faults_the_dataset_is_the_roster():
    people = enrol(TINY, seed=4)
    assert [(one.label, one.group) for one in people] == list(roster(TINY, seed=4))
    assert all(one.source == one.label and one.stated_group == one.group for one in people)


def test_copies_have_labels_anywhere_and_everybody_is_there_once_more():
    places = []
    for seed in range(40):
        spec = cohort(n_duplicated=2)
        people = enrol(spec, seed=seed)
        assert [one.label for one in people] == [f"{number:03d}" for number in range(1, 123)]
        originals = {one.label: one for one in people if one.source == one.label}
        copies = [one for one in people if one.source != one.label]
        assert Counter(one.group for one in originals.values()) == GROUPS
        assert len({one.source for one in copies}) == 2
        for one in copies:
            original = originals[one.source]
            assert (one.group, one.stated_group) == (original.group, original.stated_group)
        places += [int(one.label) for one in copies]
        # Whoever is not moved for a copy is who they are without copies.
        without = dict(roster(spec, seed=seed))
        assert all(without[label] == one.group for label, one in originals.items() if label in without)
    assert min(places) < 30
    assert max(places) > 90
    assert 45 < sum(places) / len(places) < 77


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5])
def test_the_stated_share_of_each_group_has_the_label_of_another(share):
    people = enrol(cohort(label_noise=share), seed=8)
    for group, count in GROUPS.items():
        wrong = [one for one in people if one.group == group != one.stated_group]
        assert len(wrong) == round(share * count)
        others = {one.stated_group for one in wrong}
        assert others <= set(GROUPS) - {group}
        assert share < 0.2 or len(others) == 2
    assert people == enrol(cohort(label_noise=share), seed=8)
    assert not share or people != enrol(cohort(label_noise=share), seed=9)


def test_the_table_has_the_stated_group_and_the_persons_own_traits(tmp_path):
    spec = replace(cohort(label_noise=0.25), n_per_group={"localized": 12, "widespread": 12})
    people = enrol(spec, seed=8)
    rows = table(spec, 8, tmp_path / "cohort")
    assert [row["group"] for row in rows] == [one.stated_group for one in people]
    for row, one in zip(rows, people, strict=True):
        assert float(row["pain_now"]) == draw_person(spec, one.source, one.group, seed=8).pain_now


def test_every_declared_covariate_is_a_column_that_the_sidecar_describes(tmp_path):
    rows = table(PAIN, 5, tmp_path / "cohort")
    columns = participant_columns(PAIN)
    assert list(rows[0]) == ["participant_id", *columns]
    assert {"age", "sex", "group", "pain_now", *PAIN.covariates.declared(), "amplifier"} == set(columns)
    assert columns["pain_duration_years"]["Units"] == "years"
    for name in ("sex", "medication", "pain_side", "site", "group"):
        assert {row[name] for row in rows} - {"n/a"} <= set(columns[name]["Levels"])
    assert all(PAIN.covariates.amplifier[row["site"]] == row["amplifier"] for row in rows)


def test_people_without_pain_have_no_side_and_no_duration(tmp_path):
    rows = table(PAIN, 5, tmp_path / "cohort")
    for row in rows:
        without = row["group"] == "control"
        assert (row["pain_now"] == "0.0") == without
        assert (row["pain_side"] == "n/a") == without
        assert (row["pain_duration_years"] == "n/a") == without
        assert row["medication"] != "n/a"


def test_the_levels_of_sex_are_described_as_they_are_called():
    sexes = Covariates(sex=Levels({"F": 0.5, "not told": 0.5}))
    assert participant_columns(replace(TINY, covariates=sexes))["sex"]["Levels"] == {
        "F": "female",
        "not told": "not told",
    }


def test_a_column_can_be_missing_for_one_group(tmp_path):
    sides = Covariates(pain_side=Levels({"left": 0.5, "right": 0.5}))
    missing = Bookkeeping(missing={"pain_side": "localized"})
    spec = replace(TINY, covariates=sides, bookkeeping=missing, n_per_group={"localized": 5, "widespread": 5})
    rows = table(spec, 5, tmp_path / "cohort")
    assert {(row["group"], row["pain_side"] == "n/a") for row in rows} == {("localized", True), ("widespread", False)}


def test_more_copies_than_people_and_noise_in_one_group_are_refused():
    with pytest.raises(DesignError, match="n_duplicated"):
        replace(TINY, bookkeeping=Bookkeeping(n_duplicated=7))
    with pytest.raises(DesignError, match="label_noise"):
        replace(TINY, n_per_group={"localized": 6}, effects=(), bookkeeping=Bookkeeping(label_noise=0.2))


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Effect("coupling:sensory-lh with sensory-rh", "group", -1.2, "widespread"), -1.2),
        (Effect("peak:alpha", "group", 0.8, "localized"), 0.8),
        (Effect("artefact:muscle_tone_uv", "sex", 0.7, "F"), 0.7),
        (Effect("background_uv", "age", 0.6), 0.6),
        (Effect("age", "group", 0.5, "widespread"), 0.5),
    ],
    ids=lambda value: getattr(value, "trait", None),
)
def test_effects_come_out_as_large_as_declared_on_average(effect, expected):
    # Coupling strengths and traits are cut at their limits, which takes a little from an effect.
    spec = replace(cohort(), effects=(effect,), n_per_group={"localized": 150, "widespread": 150})
    found = realised(spec, effect, drawn(spec, 3))["realised_d"]
    assert found == pytest.approx(expected, abs=0.3)


def test_two_levels_of_one_trait_are_each_compared_with_those_whom_nothing_moves():
    effects = tuple(Effect("evoked_nam", "group", d, group) for group, d in (("localized", 1.0), ("widespread", -1.0)))
    wide = Spread(500.0, 10.0, 0.0, 1000.0)
    groups = {"localized": 150, "other": 150, "widespread": 150}
    spec = replace(TINY, n_per_group=groups, effects=effects, evoked_nam=wide)
    for effect in effects:
        found = realised(spec, effect, drawn(spec, 3))
        assert found["n"] == {"at_level": 150, "others": 150}
        assert found["realised_d"] == pytest.approx(effect.d, abs=0.3)


def test_controls_without_pain_are_not_compared_in_pain():
    effect = Effect("pain_now", "group", 1.0, "widespread")
    spec = replace(cohort(), effects=(effect,), n_per_group={"control": 150, "localized": 150, "widespread": 150})
    found = realised(spec, effect, drawn(spec, 3))
    assert found["n"] == {"at_level": 150, "others": 150}
    assert found["realised_d"] == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    ("kind", "delay_s", "n_beside"),
    [("lagged", 0.02, 2), ("directed", 0.02, 1), ("amplitude", None, 2), ("zero_lag", 0, 2)],
)
def test_the_record_has_the_delay_there_is_and_the_pairs_that_share_a_process(kind, delay_s, n_beside):
    spec = replace(TINY, couplings=(replace(TINY.couplings[0], kind=kind, delay_s=0.02),))
    (record,) = truth_record(spec, drawn(spec, 3), seed=3)["couplings"]
    assert record["delay_s"] == delay_s
    assert record["beside"][-1:] == [["postcentral-rh", "insula-rh"]]
    assert len(record["beside"]) == n_beside


def test_the_record_says_who_is_a_copy_whose_label_is_wrong_and_where_the_coupling_is():
    spec = replace(PAIN, bookkeeping=Bookkeeping(n_duplicated=3, label_noise=0.25))
    people = drawn(spec, 6)
    record = truth_record(spec, people, seed=6)
    by_label = {one["participant"]: one for one in record["people"]}
    copies = {label: one for label, one in by_label.items() if one["same_recording_as"]}
    assert len(copies) == 3
    for copy in copies.values():
        original = by_label[copy["same_recording_as"]]
        assert {**copy, "participant": "", "same_recording_as": None} == {**original, "participant": ""}
    n_wrong = sum(one["group"] != one["stated_group"] for one in by_label.values() if not one["same_recording_as"])
    assert n_wrong == sum(round(0.25 * count) for count in spec.n_per_group.values())
    coupling = record["couplings"][0]
    declared = spec.couplings[0]
    assert {tuple(edge) for edge in coupling["edges"]} == {
        (leader, follower) for leader in declared.leaders for follower in declared.followers
    }
    low, high = coupling["band_hz"]
    for _, person in people:
        assert low < person.peak_hz["alpha"] < high
    sex = next(one for one in record["effects"] if one["trait"] == "sex")
    assert sum(sum(counts.values()) for counts in sex["realised_counts"].values()) == sum(spec.n_per_group.values())
    assert record["seed"] == 6
