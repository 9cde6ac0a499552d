"""The mixed model of several sessions: against analysis of variance, and what it says when it cannot be computed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from painconn.inference.sessions import mixed_models

N_PEOPLE, N_SESSIONS = 16, 3


def observations(rng, *, shift=1.0, between=1.0):
    people = np.repeat([f"{number:02d}" for number in range(N_PEOPLE)], N_SESSIONS)
    group = np.repeat(np.arange(N_PEOPLE) % 2, N_SESSIONS)
    own = np.repeat(between * rng.standard_normal(N_PEOPLE), N_SESSIONS)
    values = own + shift * group + 0.7 * rng.standard_normal(people.size)
    return pd.DataFrame({"edge": 1e-4 * values}), pd.Series(people), pd.Series(group.astype(float))


def test_a_balanced_design_gives_the_t_of_the_means_of_people(rng):
    """With equal numbers of sessions the fixed effect and its error are those of the means per person."""
    values, people, group = observations(rng)
    row = mixed_models(values, people, group).loc[0]
    means = values["edge"].groupby(people).mean()
    groups = group.groupby(people).first()
    expected = stats.ttest_ind(means[groups == 1], means[groups == 0])
    assert row["estimate"] == pytest.approx(means[groups == 1].mean() - means[groups == 0].mean(), rel=1e-6)
    assert row["z"] == pytest.approx(expected.statistic, rel=1e-3)
    assert (row["n_people"], row["n_observations"], row["reason"]) == (16, 48, "")


def test_the_share_between_people_is_recovered(rng):
    found = [mixed_models(*observations(rng, between=1.4)).loc[0, "share_between_people"] for _ in range(12)]
    assert np.mean(found) == pytest.approx(1.4**2 / (1.4**2 + 0.7**2), abs=0.1)


def test_what_cannot_be_fitted_says_why(rng):
    values, people, group = observations(rng)
    noise = pd.Series(rng.standard_normal(48))
    # Sessions of a person that differ more than people do: the variance between people lies on its bound.
    alternating = pd.Series(np.tile([1.0, 0.0, -1.0], N_PEOPLE) + 0.01 * noise)
    single = values["edge"].where(~people.duplicated() | (people == "03"))
    table = pd.DataFrame({"flat": 0 * noise + 3.0, "bound": alternating, "single": single, "edge": values["edge"]})
    found = mixed_models(table, people, group, {"same": np.ones(48)}).set_index("test")
    assert "the same for all" in found.loc["flat", "reason"]
    assert "no variance between people" in found.loc["bound", "reason"]
    assert "fewer than 2 people" in found.loc["single", "reason"]
    assert found.loc[["flat", "bound", "single"], "p_mixed"].isna().all()
    assert found.loc["edge", "reason"] == ""
    tied = mixed_models(values, people, group, {"tied": 2 * group.to_numpy()})
    assert "determine the effect" in tied.loc[0, "reason"]
