"""The pinprick rule: hand-worked cases, what must not matter, known hyperalgesia, and false positives of controls."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t, ttest_ind

from painconn.config.data import Participants
from painconn.config.phenotype import Phenotype
from painconn.errors import InputError
from painconn.recordings.participants import read_participants
from painconn.recordings.phenotype.labels import PhenotypeLabels, label_people
from painconn.recordings.phenotype.reference import Reference

CONTROLS = {"column": "group", "value": "hc"}
Frame = pd.DataFrame
QUIET = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def apply(folder: Path, people: Frame, trials: Frame | None = None, **options: Any) -> PhenotypeLabels:
    """Write the tables and apply the rule."""
    people.to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    if trials is not None:
        trials.to_csv(folder / "pinprick.csv", index=False, na_rep="n/a")
        options["table"] = "pinprick.csv"
    participants = Participants()
    table = read_participants(participants, folder)
    phenotype = Phenotype.model_validate({"rule": "pinprick", "controls": CONTROLS, "adjust_for": [], **options})
    made = label_people(table, participants, phenotype, folder)[1]
    assert made is not None
    return made


LOG_CONTROLS = np.array([1.0, 1.25, 1.5, 1.75, 2.0])
MEAN, SD = 1.5, float(np.sqrt(0.15625))


def at(z: float) -> float:
    """Return the rating that lies z standard deviations above the controls."""
    return float(np.exp(MEAN + z * SD) - 0.1)


def cohort(patients: list[tuple[Any, Any]]) -> Frame:
    """Return five controls with known mean and spread, and patients with ratings at the painful and the remote site."""
    controls = [{"group": "hc", "painful": rating, "remote": rating} for rating in np.exp(LOG_CONTROLS) - 0.1]
    rows = controls + [{"group": "pain", "painful": painful, "remote": remote} for painful, remote in patients]
    return pd.DataFrame(rows).assign(participant_id=[f"p{place}" for place in range(1, len(rows) + 1)])


def of_patients(made: PhenotypeLabels) -> list[tuple[str | None, str]]:
    return [(made.labels[name], made.why[name]) for name in list(made.labels.index)[5:]]


def test_each_combination_of_sites_at_the_cut(tmp_path):
    above, below = at(1.97), at(1.95)
    nothing = "n/a"
    cases = [
        ((above, above), ("widespread", "")),
        ((above, below), ("localized", "")),
        ((below, above), (None, "remote only")),
        ((below, below), (None, "neither")),
        ((above, nothing), (None, "missing")),
        ((nothing, above), (None, "missing")),
        ((below, nothing), (None, "missing")),
        ((nothing, nothing), (None, "missing")),
        ((0, 0), (None, "neither")),
    ]
    people = cohort([ratings for ratings, _ in cases]).sort_values("participant_id", key=lambda ids: ids.str.zfill(3))
    people["participant_id"] = [f"q{place:02d}" for place in range(len(people))]
    made = apply(tmp_path, people)
    assert of_patients(made) == [wanted for _, wanted in cases]
    assert made.counts == {"control": 5, "localized": 1, "widespread": 1, "unclassified": 7}
    assert made.reasons == {"missing": 4, "neither": 2, "remote only": 1}
    table = made.table().set_index("participant")
    assert table.loc["q05", "z_painful"] == pytest.approx(1.97)
    assert table.loc["q06", "z_remote"] == pytest.approx(1.95)
    assert table.loc["q09", "missing"] == "ratings at the remote site"
    facts = made.record()["facts"]["sites"]["remote"]
    assert facts["n_controls"] == 5
    assert facts["sd_log_rating"] == pytest.approx(SD)


def test_the_cut_itself_is_not_above_it(tmp_path):
    made = apply(tmp_path, cohort([(at(1.63), at(1.65)), (at(1.65), at(1.65))]), cut=1.64)
    assert of_patients(made) == [(None, "remote only"), ("widespread", "")]
    on, over = ({"z_painful": z, "z_remote": z} for z in (1.64, np.nextafter(1.64, 2)))
    judge, cut = made.evidence.judge, made.evidence.chosen
    assert (judge(on, cut).why, judge(over, cut).label) == ("neither", "widespread")


def test_sensitivity_counts_labels_and_changes_at_each_cut(tmp_path):
    patients = [(at(3), at(2)), (at(3), at(1.7)), (at(1.55), at(0)), (at(3), at(3))]
    table = apply(tmp_path, cohort(patients)).sensitivity()
    assert table is not None
    shown = table[["cut", "chosen", "widespread", "localized", "control", "unclassified", "changed"]]
    assert shown.to_numpy().tolist() == [
        ["z 1.5", "no", 3, 1, 5, 0, 2],
        ["z 1.64", "no", 3, 0, 5, 1, 1],
        ["z 1.96", "yes", 2, 1, 5, 1, 0],
        ["z 2.5", "no", 1, 2, 5, 1, 1],
        ["modified t, as rare as z 1.96", "no", 0, 0, 5, 4, 3],
    ]


def test_few_controls_are_said_to_make_false_positives(tmp_path):
    table = apply(tmp_path, cohort([])).sensitivity()
    assert table is not None
    expected = table.set_index("cut")["expected_false_positives"]
    assert expected["z 1.96"] == pytest.approx(t.sf(1.96 / np.sqrt(1.2), 4))
    assert expected["z 1.96"] > 0.07
    assert expected["modified t, as rare as z 1.96"] == pytest.approx(norm.sf(1.96))


# The reference


def test_the_modified_t_is_the_two_sample_t_test_of_one_against_many(rng):
    controls, case = rng.normal(size=12), 2.1
    found = Reference(np.ones((12, 1)), controls).distance(np.ones((1, 1)), np.array([case]))
    wanted = ttest_ind([case], controls, alternative="greater").pvalue
    assert found.p[0] == pytest.approx(wanted, rel=1e-9)
    assert found.z[0] == pytest.approx((case - controls.mean()) / controls.std(ddof=1))


def test_the_example_of_crawford_and_howell():
    # Their p. 483: 15 controls, mean 50, SD 10, a score of 33: t = -1.646 with 14 degrees of freedom.
    spread = 10 * np.sqrt(14 / 2)
    controls = np.array([50 - spread, *[50] * 13, 50 + spread])
    found = Reference(np.ones((15, 1)), controls).distance(np.ones((1, 1)), np.array([33.0]))
    assert t.isf(found.p[0], 14) == pytest.approx(-1.646, abs=5e-4)


@pytest.mark.parametrize("terms", [1, 3])
def test_controls_are_compared_with_the_others_exactly_as_if_they_were_left_out(rng, terms):
    design = np.column_stack([np.ones(14), rng.normal(size=(14, terms - 1))])
    values = rng.normal(size=14)
    together = Reference(design, values).distance_of_controls()
    for left in range(14):
        others = np.arange(14) != left
        alone = Reference(design[others], values[others]).distance(design[[left]], values[[left]])
        assert together.z[left] == pytest.approx(alone.z[0])
        assert together.p[left] == pytest.approx(alone.p[0])


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 20, 1000])
def test_false_positives_are_what_is_said_at_any_number_of_controls(rng, n):
    draws = 20_000
    values = rng.standard_normal((draws, n + 1))
    mean, sd = values[:, 1:].mean(axis=1), values[:, 1:].std(axis=1, ddof=1)
    z = (values[:, 0] - mean) / sd
    reference = Reference(np.ones((n, 1)), values[0, 1:])
    expected = reference.expected_false_positives(1.96)
    assert np.mean(z > 1.96) == pytest.approx(expected, abs=4 * np.sqrt(expected / draws))
    modified = t.sf(z / np.sqrt(1 + 1 / n), n - 1)
    assert np.mean(modified < norm.sf(1.96)) == pytest.approx(0.025, abs=4 * np.sqrt(0.025 / draws))
    own = reference.distance(np.ones((1, 1)), values[0, :1])
    assert (own.z[0], own.p[0]) == (pytest.approx(z[0]), pytest.approx(modified[0]))


@pytest.mark.slow
def test_controls_above_the_cut_are_about_a_fortieth_in_a_large_normal_sample(tmp_path, rng):
    ratings = np.exp(rng.normal(3, 0.3, size=(4000, 2)))
    people = pd.DataFrame({"participant_id": [f"c{i}" for i in range(4000)], "group": "hc"})
    people[["painful", "remote"]] = ratings
    sites = apply(tmp_path, people).record()["facts"]["sites"]
    for site in ("painful", "remote"):
        assert sites[site]["controls_above_cut"] / 4000 == pytest.approx(0.025, abs=4 * np.sqrt(0.025 / 4000))
        assert sites[site]["expected_false_positive_rate"] == pytest.approx(0.025, abs=2e-4)


# A cohort with known hyperalgesia


def simulated(rng: np.random.Generator, *, shift: float = 2.0, n: int = 20) -> tuple[Frame, Frame]:
    """Return people and trials: pain ratings rise with age and force; patients are shifted by a known amount."""
    kinds = ["hc"] * 2 * n + ["wide"] * n + ["local"] * n + ["neither"] * n
    people = pd.DataFrame({"participant_id": [f"s{place:03d}" for place in range(len(kinds))], "kind": kinds})
    people["group"] = ["hc" if kind == "hc" else "pain" for kind in kinds]
    people["age"] = rng.integers(20, 70, len(kinds))
    people["sex"] = rng.choice(["F", "M"], len(kinds))
    rows = []
    for person in people.itertuples():
        own = rng.normal(0, 0.25) + 0.02 * (person.age - 45) + 0.3 * (person.sex == "F")
        for site, text in (("painful", "back"), ("remote", "hand")):
            hyperalgesic = person.kind == "wide" or (person.kind == "local" and site == "painful")
            for force in (64, 128, 256):
                for _ in range(3):
                    log_rating = 1 + own + 0.4 * np.log2(force / 64) + shift * hyperalgesic + rng.normal(0, 0.2)
                    rating = max(round(float(np.exp(log_rating)) - 0.1, 1), 0.0)
                    rows.append((person.participant_id, text, force, min(rating, 100.0)))
    return people, pd.DataFrame(rows, columns=["participant_id", "location", "force", "rating"])


LONG = {"columns": {"site": "location"}, "sites": {"painful": "back", "remote": "hand"}, "adjust_for": None}


def test_a_known_hyperalgesia_is_found(tmp_path, rng):
    people, trials = simulated(rng)
    made = apply(tmp_path, people, trials, **LONG)
    kinds = people.set_index("participant_id")["kind"]
    assert made.record()["facts"]["adjusted_for"] == ["age", "sex"]
    assert made.record()["facts"]["sites"]["remote"]["degrees_of_freedom"] == 40 - 3
    assert (made.labels[kinds == "wide"] == "widespread").mean() >= 0.95
    # At 1.96 a fortieth of the remote sites is above by chance, somewhat more with 40 controls.
    assert (made.labels[kinds == "local"] == "localized").mean() >= 0.85
    assert made.labels[kinds == "neither"].isna().mean() >= 0.85


def test_age_that_differs_between_groups_makes_no_hyperalgesia_when_it_is_adjusted_for(tmp_path, rng):
    people, trials = simulated(rng, shift=0.0)
    old = people["group"] == "pain"
    # Everybody's ratings rise by 4 % per year; patients are 25 years older.
    people.loc[old, "age"] += 25
    factor = np.where(trials["participant_id"].isin(people.loc[old, "participant_id"]), np.exp(0.02 * 25), 1.0)
    trials["rating"] = np.minimum((trials["rating"] + 0.1) * factor - 0.1, 100).clip(lower=0).round(3)
    adjusted = apply(tmp_path, people, trials, **LONG)
    naive = apply(tmp_path, people, trials, **(LONG | {"adjust_for": []}))
    called = [made.counts.get("widespread", 0) + made.counts.get("localized", 0) for made in (adjusted, naive)]
    assert called[0] < called[1]
    z = [made.table()["z_remote"].iloc[40:].astype(float).mean() for made in (adjusted, naive)]
    # The slope comes from 40 controls and is carried on by 25 years: a standard error of about a quarter.
    assert z[0] == pytest.approx(0, abs=0.6)
    assert z[1] > z[0] + 0.5
    assert any("outside the controls' range of age" in note for note in adjusted.notes)


# What must not matter, and what must


@QUIET
@given(raised=st.floats(0, 90), base=st.floats(0, 100))
def test_raising_a_remote_rating_never_turns_widespread_into_localized(tmp_path, raised, base):
    low = min(base, 100 - raised)
    made = apply(tmp_path, cohort([(at(2.5), low), (at(2.5), low + raised)]))
    before, after = made.labels[["p6", "p7"]]
    assert {before, after} <= {"widespread", "localized"}
    assert (before, after) != ("widespread", "localized")


@pytest.mark.slow
@QUIET
@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([0.1, 0.2, 3.0]))
def test_neither_the_order_of_rows_nor_the_scale_of_ratings_matters(tmp_path, seed, factor):
    rng = np.random.default_rng(seed)
    people, trials = simulated(rng, n=4)
    plain = apply(tmp_path, people, trials, **LONG)
    scaled = trials.sample(frac=1, random_state=seed % 1000).assign(rating=lambda rows: rows["rating"] * factor)
    options = LONG | {"rating_range": [0, 100 * factor + 1e-9]}
    again = apply(tmp_path, people.sample(frac=1, random_state=1), scaled, **options)
    assert again.labels.to_dict() == plain.labels.to_dict()
    z = [made.table()[["z_painful", "z_remote"]].to_numpy(dtype=float) for made in (plain, again)]
    np.testing.assert_allclose(z[0], z[1], atol=1e-6)


def test_a_row_per_trial_and_a_column_per_site_agree(tmp_path, rng):
    ratings = rng.uniform(1, 99, size=(12, 2, 3)).round(2)
    people = pd.DataFrame({"participant_id": [f"p{i:02d}" for i in range(12)], "group": ["hc"] * 8 + ["pain"] * 4})
    long = pd.DataFrame(
        [(f"p{i:02d}", site, ratings[i, s, k]) for i in range(12) for s, site in enumerate(("painful", "remote"))
         for k in range(3)],
        columns=["participant_id", "site", "rating"],
    )  # fmt: skip
    names = {site: [f"{site}{k}" for k in range(3)] for site in ("painful", "remote")}
    wide = people.copy()
    for s, site in enumerate(("painful", "remote")):
        wide[names[site]] = ratings[:, s]
    one, other = apply(tmp_path, people, long), apply(tmp_path, wide, columns=names)
    columns = ["z_painful", "z_remote", "p_remote", "log_rating_painful", "n_painful"]
    np.testing.assert_allclose(
        one.table()[columns].to_numpy(dtype=float), other.table()[columns].to_numpy(dtype=float), rtol=1e-12
    )
    assert one.table()["n_remote"].tolist() == [3] * 12


def test_a_missing_force_makes_a_site_missing_and_a_missing_trial_does_not(tmp_path, rng):
    people, trials = simulated(rng, n=4)
    someone = people.loc[people["kind"] == "wide", "participant_id"].iloc[0]
    mine = (trials["participant_id"] == someone) & (trials["location"] == "hand") & (trials["force"] == 256)
    one_trial_less = trials.copy()
    one_trial_less.loc[mine.idxmax(), "rating"] = np.nan
    assert apply(tmp_path, people, one_trial_less, **LONG).labels[someone] == "widespread"
    made = apply(tmp_path, people, trials[~mine], **LONG)
    assert (made.labels[someone], made.why[someone]) == (None, "missing")
    row = made.table().set_index("participant").loc[someone]
    assert row["missing"] == "ratings at the remote site"
    assert (row["n_remote"], row["n_painful"]) == (6, 9)


def test_age_and_sex_are_left_out_with_the_reason_when_they_cannot_be_used(tmp_path, rng):
    people, trials = simulated(rng, n=6)
    people.loc[3, "age"] = np.nan
    people["sex"] = "F"
    notes = apply(tmp_path, people, trials, **LONG).notes
    assert notes == (
        "not adjusted for age: 1 of the controls have no value",
        "not adjusted for sex: the controls do not differ in it",
    )
    people["sex"] = np.where(np.arange(len(people)) % 2, "F", "M")
    few = people.iloc[4:]
    notes = apply(tmp_path, few, trials[trials["participant_id"].isin(few["participant_id"])], **LONG).notes
    assert "not adjusted for age: 8 controls for 2 fitted terms (at least 5 each)" in notes


def test_named_covariates_are_used_or_refused(tmp_path, rng):
    people, trials = simulated(rng, n=6)
    people.loc[14, "age"] = np.nan
    made = apply(tmp_path, people, trials, **(LONG | {"adjust_for": ["age"]}))
    someone = people.loc[14, "participant_id"]
    assert (made.labels[someone], made.why[someone]) == (None, "missing")
    assert made.table().set_index("participant").loc[someone, "missing"] == "age"
    with pytest.raises(InputError, match=r"no column aeg .* did you mean age"):
        apply(tmp_path, people, trials, **(LONG | {"adjust_for": ["aeg"]}))
    constant = people.assign(sex="F")
    with pytest.raises(InputError, match="controls who do not differ in sex"):
        apply(tmp_path, constant, trials, **(LONG | {"adjust_for": ["sex"]}))


# What is refused


def test_ratings_out_of_range_name_row_and_column(tmp_path, rng):
    people, trials = simulated(rng, n=4)
    trials["rating"] = trials["rating"].astype(object)
    trials.loc[[3, 10, 11], "rating"] = [250, -1, "twelve"]
    with pytest.raises(InputError) as caught:
        apply(tmp_path, people, trials, **LONG)
    assert [(problem.where, problem.found, problem.wanted) for problem in caught.value.problems] == [
        ("pinprick.csv row 5 column rating", "'250'", "a number from 0 to 100"),
        ("pinprick.csv row 12 column rating", "'-1'", "a number from 0 to 100"),
        ("pinprick.csv row 13 column rating", "'twelve'", "a number from 0 to 100"),
    ]


def test_sites_are_matched_exactly_near_misses_stop_and_others_are_counted(tmp_path, rng):
    people, trials = simulated(rng, n=4)
    more = trials.assign(location=trials["location"].replace({"hand": "thumb"}))
    made = apply(tmp_path, people, pd.concat([trials, more[more["location"] == "thumb"]]), **LONG)
    assert f"{len(trials) // 2} rows of 1 other sites were not used" in made.notes
    trials.loc[5, "location"] = "Back "
    with pytest.raises(InputError, match=r"row 7 column location · found: 'Back' · wanted: 'back'"):
        apply(tmp_path, people, trials, **LONG)
    with pytest.raises(InputError, match="found: thumb · wanted: rows of hand"):
        apply(tmp_path, people, more, **LONG)


def test_too_few_controls_and_controls_without_spread_stop(tmp_path):
    with pytest.raises(InputError, match="painful site · found: 4 controls with ratings · wanted: at least 5"):
        apply(tmp_path, cohort([(5, 5)]).iloc[1:])
    same = cohort([(5, 5)])
    same.loc[:4, ["painful", "remote"]] = 3.0
    with pytest.raises(InputError, match="the same ratings in every control"):
        apply(tmp_path, same)


def test_columns_of_both_kinds_or_of_neither_are_refused(tmp_path):
    people = cohort([(5, 5)])
    with pytest.raises(InputError, match="neither kind of column · wanted: site and rating"):
        apply(tmp_path, people.rename(columns={"remote": "hand"}))
    with pytest.raises(InputError, match="one row per trial and for one column per site"):
        apply(tmp_path, people.assign(site="painful", rating=3))


def test_a_person_whose_sessions_lead_to_two_labels_stops_the_run_and_everybody_is_listed(tmp_path):
    once = cohort([(at(3), at(3)), (at(3), at(0)), (at(3), at(3)), (at(3), at(3))])
    again = once.iloc[5:].assign(painful=[at(3)] * 4, remote=[at(0), at(3), at(3), None])
    sittings = pd.concat([once.assign(session="1"), again.assign(session="2")]).drop(columns="group")
    people = once[["participant_id", "group"]]
    with pytest.raises(InputError) as caught:
        apply(tmp_path, people, sittings)
    assert [problem.found for problem in caught.value.problems] == [
        "participant p6: widespread in row 7, localized in row 11",
        "participant p7: localized in row 8, widespread in row 12",
    ]
    assert caught.value.problems[0].where == "pinprick.csv"
    first = apply(tmp_path, people, sittings, only={"session": "1"})
    assert first.labels[["p6", "p7", "p8", "p9"]].tolist() == ["widespread", "localized", "widespread", "widespread"]
    with pytest.raises(InputError, match="column session · found: '1', '2' · wanted: '3'"):
        apply(tmp_path, people, sittings, only={"session": "3"})
