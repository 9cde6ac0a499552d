"""Reliability of features: textbook values, planted reliability, missing people, and the study-wide tables."""

import numpy as np
import pandas as pd
import pytest
from connected_session import write_connected
from hypothesis import given, settings
from hypothesis import strategies as st

from painconn.connectivity.reliability import attenuation, intraclass_correlation, spearman_brown, split_half
from painconn.paths import Results, SessionKey
from painconn.steps import table as table_step
from painconn.steps.reliability import reliability
from painconn.store import read_json, read_parquet, write_json

# Shrout & Fleiss 1979, table 2: six targets, four judges.
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
REGIONS = ["insula-lh", "insula-rh", "cuneus-lh"]
EDGES = [
    f"wpli2_debiased__lcmv__alpha__{a}__{b}"
    for a, b in (("insula-lh", "insula-rh"), ("insula-lh", "cuneus-lh"), ("insula-rh", "cuneus-lh"))
]
BLOCKS = ["wpli2_debiased__lcmv__alpha__sensory__sensory", "wpli2_debiased__lcmv__alpha__sensory__other"]
COLUMNS = ["power_rel__lcmv__alpha__insula-lh", *EDGES, *BLOCKS, "quality__n_epochs"]


def planted(rng, n_people, n_columns, of_whole):
    """Two halves of a measurement whose whole has this reliability."""
    truth = np.sqrt(of_whole) * rng.standard_normal((n_people, n_columns))
    error_of_half = np.sqrt(2 * (1 - of_whole)) * rng.standard_normal((2, n_people, n_columns))
    return truth + error_of_half


def test_intraclass_correlations_of_the_textbook_example():
    absolute, consistent = intraclass_correlation(RATINGS[:, :, None])
    assert absolute.value[0] == pytest.approx(0.29, abs=0.005)
    assert consistent.value[0] == pytest.approx(0.71, abs=0.005)
    assert (absolute.low[0], absolute.high[0]) == pytest.approx((0.019, 0.761), abs=0.001)
    assert (consistent.low[0], consistent.high[0]) == pytest.approx((0.342, 0.946), abs=0.001)
    assert absolute.n[0] == 6


def test_intraclass_correlations_equal_an_analysis_of_variance_column_by_column(rng):
    values = rng.standard_normal((9, 3, 4)) + rng.standard_normal((9, 1, 4)) + np.arange(3)[:, None]
    absolute, consistent = intraclass_correlation(values)
    for column in range(4):
        ratings = values[..., column]
        grand, n, k = ratings.mean(), 9, 3
        of_people = k * ((ratings.mean(axis=1) - grand) ** 2).sum() / (n - 1)
        of_sessions = n * ((ratings.mean(axis=0) - grand) ** 2).sum() / (k - 1)
        rest = ratings - ratings.mean(axis=1, keepdims=True) - ratings.mean(axis=0) + grand
        error = (rest**2).sum() / ((n - 1) * (k - 1))
        both = (of_people - error) / (of_people + (k - 1) * error)
        assert consistent.value[column] == pytest.approx(both, rel=1e-12)
        agreement = (of_people - error) / (of_people + (k - 1) * error + k * (of_sessions - error) / n)
        assert absolute.value[column] == pytest.approx(agreement, rel=1e-12)


def test_a_shift_between_sessions_lowers_agreement_and_not_consistency(rng):
    values = rng.standard_normal((20, 1, 1)) + 0.3 * rng.standard_normal((20, 2, 1))
    shifted = values + np.array([0.0, 2.0])[:, None]
    assert intraclass_correlation(shifted)[1].value == pytest.approx(intraclass_correlation(values)[1].value)
    assert intraclass_correlation(shifted)[0].value[0] < intraclass_correlation(values)[0].value[0] - 0.3


@pytest.mark.parametrize("of_session", [0.2, 0.7])
def test_planted_intraclass_correlation_is_recovered_and_covered(rng, of_session):
    people = np.sqrt(of_session) * rng.standard_normal((20, 1, 3000))
    values = people + np.sqrt(1 - of_session) * rng.standard_normal((20, 3, 3000))
    for icc in intraclass_correlation(values):
        assert np.median(icc.value) == pytest.approx(of_session, abs=0.02)
        assert ((icc.low <= of_session) & (of_session <= icc.high)).mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("of_whole", [0.2, 0.7, 0.95])
@pytest.mark.parametrize("n_people", [12, 40])
def test_planted_reliability_is_recovered_and_covered(rng, n_people, of_whole):
    found = split_half(*planted(rng, n_people, 4000, of_whole))
    assert np.median(found.reliability) == pytest.approx(of_whole, abs=0.03)
    assert ((found.low <= of_whole) & (of_whole <= found.high)).mean() == pytest.approx(0.95, abs=0.015)
    assert (found.n == n_people).all()


def test_an_effect_shrinks_by_the_attenuation(rng):
    """The planted difference is 1 in true standard deviations."""
    group = np.repeat([0.0, 1.0], 20000)[:, None]
    of_whole = 0.5
    whole = (planted(rng, 40000, 1, of_whole) + np.sqrt(of_whole) * group).mean(axis=0)
    spread = np.sqrt(np.mean([whole[:20000].var(), whole[20000:].var()]))
    observed = (whole[20000:].mean() - whole[:20000].mean()) / spread
    assert observed == pytest.approx(attenuation(of_whole), abs=0.03)


def test_split_half_equals_the_correlation_of_people_with_both_halves(rng):
    first, second = planted(rng, 12, 3, 0.6)
    first[[0, 3], 1], second[5, 1] = np.nan, np.inf
    first[:, 2], second[2:, 2] = 4.0, np.nan
    found = split_half(first, second)
    assert found.r[0] == pytest.approx(np.corrcoef(first[:, 0], second[:, 0])[0, 1], rel=1e-12)
    kept = np.isfinite(first[:, 1]) & np.isfinite(second[:, 1])
    assert found.r[1] == pytest.approx(np.corrcoef(first[kept, 1], second[kept, 1])[0, 1], rel=1e-12)
    assert found.n.tolist() == [12, 9, 2]
    assert np.isnan([found.r[2], found.reliability[2], found.low[2]]).all()


def test_three_people_have_a_reliability_and_no_interval(rng):
    found = split_half(rng.standard_normal((3, 1)), rng.standard_normal((3, 1)))
    assert np.isfinite(found.reliability[0])
    assert np.isnan([found.low[0], found.high[0]]).all()


def test_spearman_brown_projects_to_twice_the_length_and_keeps_the_sign():
    np.testing.assert_allclose(spearman_brown(np.array([0.0, 0.5, 1.0, -0.5, -1.0])), [0, 2 / 3, 1, -2 / 3, -1])


def test_attenuation_is_unknown_without_reliability():
    np.testing.assert_array_equal(attenuation(np.array([0.0, -0.2, np.nan])), [np.nan] * 3)
    assert attenuation(0.64) == pytest.approx(0.8)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.integers(0, 8),
    st.integers(0, 4),
    st.sampled_from([1e-300, 1e-12, 1.0, 1e150]),
    st.sampled_from([0.0, 0.1, 1e6]),
    st.integers(0, 3),
)
def test_odd_inputs_give_values_in_range_or_nan(n_people, n_columns, scale, offset, n_missing):
    rng = np.random.default_rng(n_people + 10 * n_columns)
    halves = scale * (rng.standard_normal((2, n_people, n_columns)) + offset)
    halves[0, :n_missing] = np.nan
    found = split_half(*halves)
    icc = intraclass_correlation(halves.swapaxes(0, 1))
    computable = n_people - n_missing >= 3
    assert np.isfinite(found.r).all() == (computable or not n_columns)
    assert np.isfinite(icc[1].value).all() == (computable or not n_columns)
    known = found.r[np.isfinite(found.r)]
    assert (np.abs(known) <= 1).all()
    same = split_half(halves[0] / scale, 3 * halves[1] / scale)
    np.testing.assert_allclose(same.r, found.r, atol=1e-6)


@pytest.mark.parametrize("constant", [0.1, 1e-7, 1e9])
def test_a_constant_has_no_reliability(rng, constant):
    flat = np.full((23, 1), constant)
    assert np.isnan(split_half(flat, rng.standard_normal((23, 1))).r[0])
    assert np.isnan(intraclass_correlation(np.repeat(flat, 2, axis=1)[..., None])[0].value[0])


def observations(rng, people, *, sessions=("",), conditions=("rest",), windows=("epoch",), of_whole=0.8):
    """Return a study-wide table and halves, the columns of connectivity with a planted reliability."""
    rows, first, second = [], [], []
    for person in people:
        own = rng.standard_normal(len(COLUMNS))
        for session in sessions:
            for condition in conditions:
                for window in windows:
                    rows.append((person, session, condition, window, "site"))
                    errors = rng.standard_normal((2, len(COLUMNS))) * np.sqrt(2 * (1 - of_whole) / of_whole)
                    first.append(own + errors[0])
                    second.append(own + errors[1])
    halves = np.array([first, second])
    index = pd.DataFrame(rows, columns=["participant", "session", "condition", "window", "site"])
    features = pd.concat([index, pd.DataFrame(halves.mean(axis=0), columns=COLUMNS)], axis=1)
    halves[..., [0, -1]] = np.nan
    return features, halves


def test_the_table_has_a_row_per_connectivity_column_and_observation(rng):
    features, halves = observations(rng, [f"{i:02d}" for i in range(40)], conditions=("rest", "task"))
    found, summary = reliability(features, halves, REGIONS)
    assert len(found) == 2 * 5
    assert found.groupby("kind").size().to_dict() == {"block": 4, "edge": 6}
    assert set(found["condition"]) == {"rest", "task"}
    assert (found["n_people"] == 40).all()
    assert found["spearman_brown"].median() == pytest.approx(0.8, abs=0.1)
    assert not any(column.startswith(("icc", "participant", "label")) for column in found)
    rest, task, difference = summary
    assert (rest["condition"], rest["window"], rest["minus"]) == ("rest", "epoch", None)
    assert task["condition"] == difference["condition"] == "task"
    assert difference["minus"] == {"condition": "rest", "window": "epoch"}
    # The planted people do not differ in how much they change: a difference of reliable values is not reliable.
    assert difference["spearman_brown"]["edges"]["median"] < 0.4
    own = found[(found["condition"] == "rest") & (found["kind"] == "block")]["spearman_brown"]
    spread = rest["spearman_brown"]["blocks"]
    assert (spread["n"], spread["n_computed"]) == (2, 2)
    assert (spread["lowest"], spread["median"], spread["highest"]) == pytest.approx(
        (own.min(), own.median(), own.max())
    )
    assert spread["attenuation"] == pytest.approx(np.sqrt(own.median()))
    assert spread["median_low"] < own.min() <= spread["median_high"]
    assert rest["edges_within_person_r"]["n"] == 40


def test_graph_columns_have_no_halves_and_no_place_in_the_table(rng):
    features, halves = observations(rng, list("abcdefgh"), sessions=("1", "2"))
    graphs = ["graph__modularity__coh__lcmv__alpha", "graph__degree__coh__lcmv__alpha__insula-lh"]
    more = features.assign(**{name: rng.standard_normal(len(features)) for name in graphs})
    without = np.concatenate([halves, np.full((*halves.shape[:2], len(graphs)), np.nan)], axis=-1)
    (found, summary), (expected, same) = reliability(more, without, REGIONS), reliability(features, halves, REGIONS)
    pd.testing.assert_frame_equal(found, expected)
    assert summary == same


def test_the_order_of_rows_does_not_matter(rng):
    features, halves = observations(rng, list("abcdefgh"), sessions=("1", "2"))
    order = rng.permutation(len(features))
    found, _ = reliability(features, halves, REGIONS)
    again, _ = reliability(features.iloc[order].reset_index(drop=True), halves[:, order], REGIONS)
    pd.testing.assert_frame_equal(found, again, rtol=1e-12)


def test_sessions_that_repeat_give_intraclass_correlations_and_the_first_one_the_halves(rng):
    features, halves = observations(rng, list("abcdefghij"), sessions=("1", "2", "3"))
    missing = (features["participant"] == "a") & (features["session"] == "3")
    alone = (features["participant"] == "b") & (features["session"] != "2")
    kept = ~(missing | alone).to_numpy()
    features, halves = features[kept].reset_index(drop=True), halves[:, kept]
    found, summary = reliability(features, halves, REGIONS)
    row = found.set_index(["a", "b"]).loc[("insula-lh", "insula-rh")]
    assert (row["n_people"], row["n_people_repeated"], row["n_sessions"]) == (10, 9, 2)
    assert (summary[0]["n_people"], summary[0]["n_people_repeated"], summary[0]["n_sessions"]) == (10, 9, 2)
    by_person = features.groupby("participant")
    two = [by_person.get_group(person)[EDGES[0]].to_numpy()[:2] for person in "acdefghij"]
    absolute, consistent = intraclass_correlation(np.array(two)[..., None])
    assert row["icc_2_1"] == pytest.approx(absolute.value[0])
    assert row["icc_3_1_low"] == pytest.approx(consistent.low[0])
    position = [by_person.get_group(person).index[0] for person in "abcdefghij"]
    assert row["split_half_r"] == pytest.approx(split_half(*halves[:, position, 1:2]).r[0])


def test_a_band_that_was_not_computable_is_said_to_be_so(rng):
    features, halves = observations(rng, list("abcdef"))
    features[EDGES + BLOCKS], halves[..., 1:-1] = np.nan, np.nan
    halves[0, :, 1] = halves[1, :, 1] = rng.standard_normal(6)
    found, summary = reliability(features, halves, REGIONS)
    assert found["spearman_brown"].notna().sum() == 1
    spread = summary[0]["spearman_brown"]["blocks"]
    assert (spread["n"], spread["n_computed"], spread["median"], spread["attenuation"]) == (2, 0, None, None)
    assert spread["median_low"] is spread["median_high"] is None


def test_nothing_without_halves_or_repeated_sessions(rng):
    features, halves = observations(rng, list("abcdef"))
    found, summary = reliability(features, np.full_like(halves, np.nan), REGIONS)
    assert found.empty
    assert summary == []


def write_session(results, key, rng, *, halves, columns):
    rows = rng.standard_normal((1, len(columns)))
    arrays = {
        "columns": np.array(columns),
        "values": rows,
        "spectra_db": np.zeros((1, 2)),
        "spectra_freqs_hz": np.array([1.0, 2.0]),
    }
    if halves:
        arrays["halves"] = rows + 0.3 * rng.standard_normal((2, 1, len(columns)))
    observations = [{"condition": "rest", "window": "epoch"}]
    write_connected(results, key, arrays, regions=REGIONS, site="site", observations=observations, fingerprints={})
    write_json(
        results.cleaned(key),
        {
            "status": "ok",
            "files": {},
            "components": [],
            "findings": [],
            "bads": {},
            "good_channels": ["Cz"],
            "conditions": {"rest": {"n_kept": 1, "n_cut": 1}},
            "rank": {"used": 1, "tracked": 1, "components_removed": 0},
            "lowpass_hz": 100.0,
            "quality": {"rest": {}},
        },
    )


@pytest.mark.parametrize("halves", [True, False])
def test_the_table_step_writes_reliability_only_where_there_are_halves(rng, tmp_path, halves):
    results = Results(tmp_path)
    keys = [SessionKey(f"{number:02d}", "") for number in range(6)]
    for position, key in enumerate(keys):
        write_session(results, key, rng, halves=halves, columns=COLUMNS[:: 1 if position else -1])
    sessions = [{"name": key.name, "recordings": [{}]} for key in keys]
    write_json(results.inventory, {"sessions": sessions, "unplaced": []})
    table_step.run(
        results,
        {
            "data": {
                "sources": [{"layout": "bids", "root": "."}],
                "participants": {},
                "phenotype": {},
                "inclusion": {},
            },
            "leakage": {},
        },
    )
    names = read_json(results.table)["files"]
    assert ("reliability.parquet" in names) == ("features.json" in names) == halves
    if halves:
        found = read_parquet(results.group("reliability.parquet"))
        assert found["spearman_brown"].between(0.3, 1).all()
        assert found["kind"].tolist() == ["block", "block", "edge", "edge", "edge"]  # as the first session has them
        summary = read_json(results.group("features.json"))["reliability"]
        assert [entry["band"] for entry in summary] == ["alpha"]
