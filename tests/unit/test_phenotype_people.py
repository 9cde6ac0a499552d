"""One person's cells decide about that person only: forces, covariates, impossible pairs, every rule as a property."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from painconn.config.data import Participants
from painconn.config.phenotype import Phenotype
from painconn.errors import InputError
from painconn.recordings.participants import read_participants
from painconn.recordings.phenotype.labels import PhenotypeLabels, label_people

Frame = pd.DataFrame
CONTROLS = {"column": "group", "value": "hc"}
QUIET = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
N_CONTROLS, N = 20, 26
LAST = f"p{N - 1}"


def apply(folder: Path, people: Frame, trials: Frame | None = None, **options: Any) -> PhenotypeLabels:
    people.to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    if trials is not None:
        trials.to_csv(folder / "pinprick.csv", index=False, na_rep="n/a")
        options["table"] = "pinprick.csv"
    table = read_participants(Participants(), folder)
    phenotype = Phenotype.model_validate({"rule": "pinprick", "controls": CONTROLS, **options})
    made = label_people(table, Participants(), phenotype, folder)[1]
    assert made is not None
    return made


def without(made: PhenotypeLabels, person: str) -> list[list[Any]]:
    """Return the written rows of everybody else, numbers to ten digits."""
    table = made.table()
    rows = table[table["participant"] != person].to_numpy().tolist()
    return [[float(f"{cell:.10g}") if isinstance(cell, float) else cell for cell in row] for row in rows]


@pytest.fixture
def people(rng) -> Frame:
    names = [f"p{place:02d}" for place in range(N)]
    group = ["hc"] * N_CONTROLS + ["pain"] * (N - N_CONTROLS)
    ages = rng.integers(20, 70, N)
    return pd.DataFrame(
        {"participant_id": names, "group": group, "age": ages, "sex": ["F", "M"] * (N // 2)}, dtype=object
    )


@pytest.fixture
def trials(rng) -> Frame:
    """Two trials at each of two forces at each site; patients rate e times as high."""
    rows = [
        (f"p{place:02d}", site, force, round(float(np.exp(2 + (place >= N_CONTROLS) + 0.4 * rng.normal())), 1))
        for place in range(N) for site in ("painful", "remote") for force in ("128", "256") for _ in range(2)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["participant_id", "site", "force", "rating"], dtype=object)


def rows_of(trials: Frame, person: str, site: str, force: str) -> list[int]:
    return [
        int(row)
        for row in trials.index[(trials[["participant_id", "site", "force"]] == (person, site, force)).all(axis=1)]
    ]


# Forces


@pytest.mark.parametrize("person", [LAST, "p00"])
def test_an_extra_or_a_missing_force_of_one_person_is_left_out_and_said(tmp_path, people, trials, person):
    plain = apply(tmp_path, people, trials)
    assert plain.notes == ()
    extra = pd.concat([trials, Frame([[person, "painful", "512", 90.0]], columns=trials.columns)])
    made = apply(tmp_path, people, extra)
    assert made.table()[["label", "z_painful"]].equals(plain.table()[["label", "z_painful"]])
    note = f"painful site: 1 ratings at 512, which nearly all controls lack, were not used (row {len(extra) + 1})"
    assert made.notes == (note,)
    row = rows_of(trials, person, "remote", "256")[0]
    gap = trials.copy()
    gap.loc[row, "force"] = np.nan
    made = apply(tmp_path, people, gap)
    assert made.labels.to_dict() == plain.labels.to_dict()
    assert made.notes == (f"remote site: 1 ratings without a force were not used (row {row + 2})",)


@pytest.mark.parametrize(
    ("unit", "slip"), [("", "265"), ("", "256 mN"), (" mN", "256mN"), (" mN", "256"), (" mN", "250 mN")]
)
def test_a_force_that_is_nearly_another_one_stops_with_its_row(tmp_path, people, trials, unit, slip):
    trials["force"] += unit
    row = rows_of(trials, LAST, "painful", f"256{unit}")[1]
    trials.loc[row, "force"] = slip
    with pytest.raises(InputError) as caught:
        apply(tmp_path, people, trials)
    (problem,) = caught.value.problems
    assert (problem.where, problem.found) == (f"pinprick.csv row {row + 2} column force", slip)
    assert problem.fix == f"did you mean 256{unit}? write it alike"


def test_forces_are_those_of_nearly_all_controls_and_a_control_without_one_is_counted(tmp_path, people, trials):
    def lacking(n: int) -> Frame:
        gone = [row for place in range(n) for row in rows_of(trials, f"p{place:02d}", "painful", "256")]
        return trials.drop(index=gone)

    made = apply(tmp_path, people, lacking(2))
    sites = made.record()["facts"]["sites"]
    assert sites["painful"]["forces"] == {"128": 1.0, "256": 0.9}
    assert (sites["painful"]["n_controls"], sites["remote"]["n_controls"]) == (18, 20)
    assert made.notes == ("painful site: 2 of 20 controls lack a force that the others have (256)",)
    for n in (3, 17):
        with pytest.raises(InputError) as caught:
            apply(tmp_path, people, lacking(n))
        (problem,) = caught.value.problems
        assert problem.where == "pinprick.csv column force, painful site"
        assert problem.found.startswith(f"256 in {20 - n} of 20 controls (rows ")
    # Hardly any control has it: the patients' ratings at it do not count either.
    assert apply(tmp_path, people, lacking(18)).record()["facts"]["sites"]["painful"]["forces"] == {"128": 1.0}


def test_a_gap_in_every_control_is_no_force(tmp_path, people, trials):
    gaps = trials.copy()
    for person in people["participant_id"]:
        gaps.loc[rows_of(trials, person, "painful", "256")[0], "force"] = np.nan
    made = apply(tmp_path, people, gaps)
    assert made.record()["facts"]["sites"]["painful"]["forces"] == {"128": 1.0, "256": 1.0}
    assert made.counts["unclassified"] == apply(tmp_path, people, trials).counts["unclassified"]


# Covariates


@pytest.mark.parametrize("named", [None, ["age", "sex"]])
@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [("age", "n/a", "age"), ("sex", "n/a", "sex"), ("sex", "O", "sex (no control has that)")],
)
def test_a_patient_without_a_usable_covariate_has_no_z_and_nobody_else_changes(
    tmp_path, people, trials, named, column, cell, told
):
    plain = apply(tmp_path, people, trials, adjust_for=named)
    people.loc[N - 1, column] = cell
    made = apply(tmp_path, people, trials, adjust_for=named)
    assert made.record()["facts"]["adjusted_for"] == ["age", "sex"]
    assert without(made, LAST) == without(plain, LAST)
    assert (made.labels[LAST], made.why[LAST]) == (None, "missing")
    assert made.table().set_index("participant").loc[LAST, "missing"] == told
    assert made.notes == ("1 people have no z: age or sex is missing, or something that no control has",)


@pytest.mark.parametrize(("column", "cell", "wanted"), [("sex", "m", "'M'"), ("age", "forty", "a number")])
def test_a_slip_of_a_patient_in_a_named_covariate_stops_and_otherwise_costs_only_that_person(
    tmp_path, people, trials, column, cell, wanted
):
    plain = apply(tmp_path, people, trials)
    people.loc[N - 1, column] = cell
    assert without(apply(tmp_path, people, trials), LAST) == without(plain, LAST)
    told = f"column {column}, participant {LAST} · found: '{cell}' · wanted: {wanted}, as in the controls"
    with pytest.raises(InputError, match=told):
        apply(tmp_path, people, trials, adjust_for=["age", "sex"])


# Scale, and pairs that cannot be


def test_ratings_that_look_like_another_scale_are_noted(tmp_path, people, trials):
    small = trials.assign(rating=(trials["rating"].astype(float) / 10).clip(upper=10))
    (note,) = apply(tmp_path, people, small).notes
    assert "looks like a scale from 0 to 10 (set data.phenotype.rating_range)" in note
    assert apply(tmp_path, people, small, rating_range=(0, 10)).notes == ()
    small.loc[0, "rating"] = 10.5
    assert apply(tmp_path, people, small).notes == ()


@pytest.mark.parametrize(
    ("wpi", "regions", "possible"),
    [
        (4, 5, False), (5, 5, True), (19, 5, True), (7, 1, True), (8, 1, False), (4, 0, True), (5, 0, False),
        (16, 4, True), (17, 4, False), ("n/a", 1, True), (19, "n/a", True),
    ],
)  # fmt: skip
def test_acr2016_refuses_pairs_of_wpi_and_regions_that_cannot_be(tmp_path, wpi, regions, possible):
    row = {"participant_id": "p1", "group": "pain", "wpi": wpi, "regions": regions, "sss": 5, "months": 12}
    control = row | {"participant_id": "p0", "group": "hc", "wpi": 0, "regions": 0}
    table = Frame([control, row])
    if possible:
        assert len(apply(tmp_path, table, rule="acr2016").labels) == 2
        return
    with pytest.raises(InputError, match=rf"participants.tsv row 3 · found: WPI {wpi} with {regions} regions"):
        apply(tmp_path, table, rule="acr2016")


# Every rule: nobody's label hangs on another patient

ANSWER = st.sampled_from(["yes", "no", "n/a"])
ITEMS = ("regional", "not_nociceptive_alone", "not_neuropathic_alone", "history", "comorbidity", "evoked")
CELLS = {
    "acr2016": st.fixed_dictionaries(
        {"wpi": st.sampled_from([5, 6, 7, 9, "n/a"]), "regions": st.sampled_from([2, 4, 5, "n/a"])}
        | {"sss": st.sampled_from([4, 5, 9, "n/a"]), "months": st.sampled_from([2, 3, 12])}
    ),
    "body_map": st.sampled_from([(0, 0), (3, 1), (6, 4), (7, 4), (15, 5), ("n/a", 4), (7, "n/a")]).map(
        lambda pair: dict(zip(("sites", "regions"), pair, strict=True))
    ),
    "iasp2021": st.fixed_dictionaries({"months": st.sampled_from([3, 4, "n/a"])} | dict.fromkeys(ITEMS, ANSWER)),
    "given_column": st.sampled_from(["a", "b", "n/a"]).map(lambda text: {"told": text}),
}
OPTIONS: dict[str, dict[str, Any]] = {"given_column": {"column": "told", "controls": None}}


@pytest.mark.parametrize("rule", CELLS)
@QUIET
@given(data=st.data())
def test_rules_that_count_items_judge_each_person_alone(tmp_path, rule, data):
    cells = data.draw(st.lists(CELLS[rule], min_size=3, max_size=6))
    changed = data.draw(CELLS[rule])
    rows = [
        {"participant_id": f"p{place}", "group": "pain" if place else "hc"} | own for place, own in enumerate(cells)
    ]
    rows += [rows[1] | {"participant_id": "p8"}]
    options = {"rule": rule, **OPTIONS.get(rule, {})}
    wanted = without(apply(tmp_path, Frame(rows), **options), "p8")
    assert without(apply(tmp_path, Frame([*rows[:-1], rows[-1] | changed]), **options), "p8") == wanted
    assert without(apply(tmp_path, Frame(rows[:-1]), **options), "p8") == wanted


@pytest.mark.slow
@QUIET
@given(data=st.data(), place=st.integers(N_CONTROLS, N - 1))
def test_pinprick_judges_each_patient_against_the_controls_alone(tmp_path, people, trials, data, place):
    person = f"p{place:02d}"
    wanted = without(apply(tmp_path, people, trials), person)
    mine = trials["participant_id"] == person
    gone = people[people["participant_id"] != person]
    assert without(apply(tmp_path, gone, trials[~mine]), person) == wanted
    other = people.copy()
    other.loc[place, "age"] = data.draw(st.sampled_from([1, 99.5, "n/a", "forty"]))
    other.loc[place, "sex"] = data.draw(st.sampled_from(["F", "M", "m", "O", "n/a", "3"]))
    ratings = st.lists(st.sampled_from(["0", "7.5", "100", "n/a"]), min_size=8, max_size=8)
    forces = st.lists(st.sampled_from(["128", "256", "512", "n/a"]), min_size=8, max_size=8)
    changed = trials.copy()
    changed.loc[mine, "rating"] = data.draw(ratings)
    changed.loc[mine, "force"] = data.draw(forces)
    assert without(apply(tmp_path, other, changed), person) == wanted
