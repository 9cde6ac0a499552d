"""Recordings that look broken and are handled, and what is on record about it (rows 7, 15, 18, 20, 22, 26, 27, 30)."""

import numpy as np
import pytest
from cohort_runs import PARTNER, run_sessions
from recording_faults import SURVIVORS, Fault
from small_cohort import CAP_19, STUDY, recordings_of

pytestmark = pytest.mark.slow

BY_NAME = {f"{fault.row} {fault.form}": fault for fault in SURVIVORS}
N_ALL = 25
"""Every rest epoch there is, so that no draw of epochs, which depends on the label, tells two people apart."""


@pytest.mark.parametrize("fault", SURVIVORS, ids=[f"{fault.row:02d} {fault.form}" for fault in SURVIVORS])
def test_it_stays_and_the_others_keep_their_numbers(fault: Fault, crowd, changed_numbers):
    sidecar = crowd.sidecar(fault.label)
    assert sidecar["status"] == "ok", sidecar["exclusions"]
    assert {one["condition"] for one in sidecar["observations"]} == set(fault.left)
    assert changed_numbers(crowd) == []


def finding_of(crowd, name: str, check: str) -> str:
    """Return what the table of findings says about a person, in one line."""
    rows = crowd.findings(BY_NAME[name].label)
    (fitting,) = rows[rows["check"] == check].to_dict("records")
    return " · ".join(str(cell) for cell in fitting.values())


def test_a_flat_channel_is_bad_interpolated_and_costs_one_rank(crowd):
    label = BY_NAME["15 one channel"].label
    cleaned = crowd.cleaned(label)
    assert list(cleaned["bads"]) == ["Fp1"]
    assert "flat" in cleaned["bads"]["Fp1"]
    assert cleaned["rank"]["used"] == len(CAP_19) - 2
    assert crowd.sidecar(label)["rank"] == cleaned["rank"]["used"]
    assert "Fp1" in finding_of(crowd, "15 one channel", "flat")
    values = crowd.columns(label)
    fp1 = [value for name, value in values.items() if "__sensors__" in name and name.endswith("__Fp1")]
    assert len(fp1) > 0
    assert np.isfinite(fp1).all()


@pytest.mark.parametrize("form", ["nan", "inf"])
def test_a_sample_without_a_number_is_cut_out_and_never_averaged_over(crowd, form):
    told = finding_of(crowd, f"17 {form}", "finite")
    assert "Fp1" in told
    assert "mark stretch" in told
    label = BY_NAME[f"17 {form}"].label
    cleaned = crowd.cleaned(label)
    assert cleaned["conditions"]["rest"]["n_cut"] == 23
    columns = crowd.columns(label)
    missing = {name for name, value in columns.items() if np.isnan(value)}
    healthy = crowd.columns(BY_NAME["15 one channel"].label)
    assert missing == {name for name, value in healthy.items() if np.isnan(value)}


@pytest.mark.parametrize(("name", "check"), [("18 one copy", "copied"), ("18 one bridge", "bridged")])
def test_copied_and_bridged_channels_are_named_and_bad(crowd, name, check):
    told = finding_of(crowd, name, check)
    assert "Fp1" in told
    assert "Fp2" in told
    assert set(crowd.cleaned(BY_NAME[name].label)["bads"]) == {"Fp1", "Fp2"}


def test_a_missing_channel_is_named_and_interpolated(crowd):
    label = BY_NAME["20 one channel less"].label
    assert CAP_19[-1] in finding_of(crowd, "20 one channel less", "missing")
    assert list(crowd.cleaned(label)["bads"]) == [CAP_19[-1]]


@pytest.fixture(scope="module")
def variants(people, head_folder, tmp_path_factory):
    """One signal stored in several ways, under labels of their own."""
    folder = tmp_path_factory.mktemp("variants")
    stored = {"plain": None, "reversed": "20 other order", "fast": "22 faster", "average": "26 average reference",
              "linked": None}  # fmt: skip
    for label, name in stored.items():
        (recording,) = recordings_of(folder / "bids", label, people[PARTNER])
        if name is not None:
            BY_NAME[name].before({"rest": recording})
        if label == "linked":
            # Another reference electrode: the same signal is taken off every channel.
            recording.data = recording.data - people[PARTNER].rest[9] * 0.7
        recording.write()
    text = STUDY.replace("n_epochs: 20, n_segments: 2", f"n_epochs: {N_ALL}, n_segments: 5")
    text = "".join(line for line in text.splitlines(keepends=True) if "pinprick:" not in line)
    return run_sessions(folder, text, head_from=head_folder)


@pytest.mark.parametrize(("label", "tolerance"), [("reversed", 1e-6), ("average", 2e-3), ("linked", 2e-3)])
def test_the_way_of_storing_changes_no_number(variants, label, tolerance):
    plain, found = variants.columns("plain"), variants.columns(label)
    assert plain.keys() == found.keys()
    names = [name for name in plain if not np.isnan(plain[name])]
    assert len(names) > 1000
    np.testing.assert_allclose(
        [found[name] for name in names], [plain[name] for name in names], rtol=tolerance, atol=tolerance
    )
    assert {name for name in found if np.isnan(found[name])} == {name for name in plain if np.isnan(plain[name])}


@pytest.mark.parametrize("label", ["plain", "average", "linked"])
def test_the_rank_is_recorded_whatever_the_reference_was(variants, label):
    assert variants.cleaned(label)["rank"]["used"] == len(CAP_19) - 1
    assert variants.sidecar(label)["rank"] == len(CAP_19) - 1


def test_a_faster_recording_is_resampled_to_the_rate_of_the_study(variants):
    assert variants.cleaned("fast")["sfreq_hz"] == 250
    plain, fast = variants.columns("plain"), variants.columns("fast")
    assert plain.keys() == fast.keys()
    names = [name for name in plain if name.startswith("wpli2_debiased__lcmv__alpha") and np.isfinite(plain[name])]
    assert np.corrcoef([plain[name] for name in names], [fast[name] for name in names])[0, 1] > 0.98


def test_components_taken_out_are_taken_off_the_rank_that_the_inverse_gets(people, head_folder, tmp_path):
    (recording,) = recordings_of(tmp_path / "bids", "ica", people[PARTNER])
    recording.write()
    text = STUDY.replace("ica: none", "ica: picard, ica_threshold: 0.51")
    text = "".join(line for line in text.splitlines(keepends=True) if "pinprick:" not in line)
    run = run_sessions(tmp_path, text, head_from=head_folder)
    rank = run.cleaned("ica")["rank"]
    assert rank["components_removed"] >= 1
    assert rank["used"] == len(CAP_19) - 1 - rank["components_removed"]
    assert run.sidecar("ica")["rank"] == rank["used"]
