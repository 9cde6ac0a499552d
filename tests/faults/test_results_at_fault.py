"""What goes wrong after reading: a cut result, a flat region, a single epoch (rows 8, 16, 24)."""

import json
import shutil

import numpy as np
import pytest
from cohort_runs import HEALTHY, PARTNER, Run, differing, run_sessions, saved_arrays
from small_cohort import STUDY, recordings_of

from painconn.config.loader import load_study
from painconn.cortex.registry import PARCELLATIONS
from painconn.errors import IntegrityError
from painconn.paths import Results
from painconn.steps import clean, connect
from painconn.steps.plan import Plan

pytestmark = pytest.mark.slow

REST_ONLY = "".join(line for line in STUDY.splitlines(keepends=True) if "pinprick:" not in line)


@pytest.fixture(scope="module")
def two_folder(people, head_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    for label in (HEALTHY, PARTNER):
        for recording in recordings_of(folder / "bids", label, people[label]):
            recording.write()
    run_sessions(folder, REST_ONLY, head_from=head_folder)
    return folder


@pytest.fixture
def two(two_folder, tmp_path):
    """Two people who went through all steps, in a folder that may be broken."""
    shutil.copytree(two_folder, tmp_path / "two")
    return Run(Plan(load_study(tmp_path / "two" / "study.yaml"), Results(tmp_path / "two" / "results")))


def connect_again(run: Run, label: str) -> None:
    connect.run(run.plan.results, json.loads(run.plan.settings_connect(f"sub-{label}")), f"sub-{label}")


def test_a_cut_result_is_an_error_that_says_what_to_delete_and_made_again_gives_the_same(two):
    before, own = saved_arrays(two), saved_arrays(two, PARTNER)
    sidecar = two.plan.results.cleaned(two.plan.key(f"sub-{PARTNER}"))
    (epochs,) = sidecar.parent.glob("*_epo.fif")
    epochs.write_bytes(epochs.read_bytes()[: epochs.stat().st_size // 2])
    with pytest.raises(IntegrityError) as caught:
        connect_again(two, PARTNER)
    assert caught.value.exit_status == 1
    (problem,) = caught.value.problems
    assert (epochs.name in problem.where, "sha256" in problem.wanted) == (True, True)
    assert f"delete {sidecar} and run again" in problem.fix
    connect_again(two, HEALTHY)
    assert differing(before, saved_arrays(two)) == []
    sidecar.unlink()
    clean.run(two.plan.results, json.loads(two.plan.settings_clean(f"sub-{PARTNER}")), f"sub-{PARTNER}")
    connect_again(two, PARTNER)
    assert differing(own, saved_arrays(two, PARTNER)) == []


def make_flat(monkeypatch, n_regions: int) -> list[str]:
    """Let the inverse give nothing in the first regions of the partner."""
    made = connect.make_kernels

    def kernels(space, observations, settings, cleaned):
        found = made(space, observations, settings, cleaned)
        if settings["session"]["participant"] == PARTNER:
            for (whole,) in found.values():
                whole.kernel.values[:n_regions] = 0.0
        return found

    monkeypatch.setattr(connect, "make_kernels", kernels)
    return list(PARCELLATIONS["desikan_killiany"].region_names[:n_regions])


def test_a_flat_region_is_missing_for_that_person_and_nowhere_0(two, monkeypatch):
    before, own = saved_arrays(two), two.columns(PARTNER)
    (flat,) = make_flat(monkeypatch, 1)
    for label in (PARTNER, HEALTHY):
        connect_again(two, label)
    assert differing(before, saved_arrays(two)) == []
    found = two.columns(PARTNER)
    parts = {name: name.split("__") for name in own}
    edges = [name for name in own if flat in parts[name] and not name.startswith(("power", "graph"))]
    assert len(edges) > 500
    assert np.isnan([found[name] for name in edges]).all()
    power = [name for name in own if flat in parts[name] and name.startswith("power")]
    assert not any(np.isfinite(found[name]) and "rel" in name for name in power)
    others = [name for name, words in parts.items() if words[0] in ("wpli2_debiased", "aec_orth") and len(words) == 5
              and flat not in words and not any("+" in word for word in words)]  # fmt: skip
    finite = [name for name in others if np.isfinite(own[name]) and np.isfinite(found[name])]
    assert len(finite) > 0.9 * len(others)
    np.testing.assert_allclose([found[name] for name in finite], [own[name] for name in finite], atol=1e-9)
    told = json.dumps(two.sidecar(PARTNER)["not_computable"] + two.sidecar(PARTNER)["exclusions"])
    assert flat in told


def test_too_many_flat_regions_exclude(two, monkeypatch):
    before = saved_arrays(two)
    flat = make_flat(monkeypatch, 40)
    for label in (PARTNER, HEALTHY):
        connect_again(two, label)
    sidecar = two.sidecar(PARTNER)
    assert sidecar["status"] == "excluded"
    (exclusion,) = sidecar["exclusions"]
    assert exclusion["step"] == "connect"
    assert "40" in exclusion["found"] or flat[0] in exclusion["found"]
    assert exclusion["fix"]
    assert differing(before, saved_arrays(two)) == []


def test_a_single_epoch_gives_no_phase_measure_at_all(people, head_folder, tmp_path):
    """The measure itself would be 1 for every pair."""
    for label in (HEALTHY, PARTNER):
        for recording in recordings_of(tmp_path / "bids", label, people[label]):
            recording.write()
    run = run_sessions(tmp_path, REST_ONLY.replace("n_epochs: 20", "n_epochs: 1"), head_from=head_folder)
    values = {name: value for name, value in run.columns(PARTNER).items() if name.startswith("wpli2_debiased__")}
    assert len(values) > 5000
    assert np.isnan(list(values.values())).all()
    reasons = [row for row in run.sidecar(PARTNER)["not_computable"] if row["measure"] == "wpli2_debiased"]
    assert {row["band"] for row in reasons} == {"theta", "alpha", "beta", "low_gamma"}
    assert all("1 epoch" in row["reason"] for row in reasons), reasons
