"""The tiny cohort through the real workflow engine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from running import STUDY, environment, planned, run

from painconn.paths import Results, SessionKey
from painconn.store import read_json, read_parquet, read_result, read_tsv
from painconn.store.connectivity import read_connectivity

pytestmark = pytest.mark.slow


def snakemake_dry_run(python, repository, out, study, cwd, **more):
    command = ["snakemake", "--snakefile", str(repository / "workflow" / "Snakefile"), "--configfile", str(study)]
    command += [
        "--config",
        f"painconn_out={out.name}",
        "--profile",
        str(repository / "workflow" / "profiles" / "default"),
        "--cores",
        "1",
        "-n",
    ]
    done = run(python, *command, cwd=cwd, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return planned(done.stdout + done.stderr)


def test_the_results_are_complete_and_the_outcome_is_printed(finished):
    out, done = finished
    expected = [
        "report/index.html", "group/features.parquet", "group/quality.tsv", "group/exclusions.tsv",
        "group/provenance.json", "group/methods.md", "group/study.json", "group/hyperalgesia/compare.tsv",
        "group/hyperalgesia/scores.json", "group/hyperalgesia/predictions.tsv",
        "group/hyperalgesia/audit.json", "group/hyperalgesia/agreement.json",
        "group/hyperalgesia/interpretation.tsv", "group/hyperalgesia/model/model.json",
        "group/hyperalgesia/model/coefficients.npz", "group/hyperalgesia/model/model_card.md",
    ]  # fmt: skip
    assert [name for name in expected if not (out / name).is_file()] == []
    assert "report: " in done.stdout
    assert "hyperalgesia" in done.stdout
    page = (out / "report" / "index.html").read_text()
    assert "localized" in page
    assert (
        str(out.parent)
        not in page + (out / "group" / "study.json").read_text() + (out / "group" / "provenance.json").read_text()
    )


def test_the_table_has_a_row_per_observation_and_the_primary_family_is_whole(finished):
    out, _ = finished
    table = read_parquet(out / "group" / "features.parquet")
    windows = {
        ("rest", "epoch"),
        ("pinprick", "pre"),
        ("pinprick", "post"),
        ("pinprick", "pre_evoked"),
        ("pinprick", "post_evoked"),
    }
    people = set(table["participant"])
    assert len(people) == 6
    assert len(table) == 6 * len(windows)
    assert set(zip(table["condition"], table["window"], strict=True)) == windows
    muscle = table["quality__muscle_index"]
    assert muscle.between(0, 1).all()
    assert muscle.nunique() == len(table)
    compared = read_tsv(out / "group" / "hyperalgesia" / "compare.tsv")
    primary = compared[compared["role"] == "primary"]
    assert len(primary) == 63
    assert (primary["family_size"] == 63).all()
    assert primary["p_fwe"].between(0, 1).all()
    assert (primary["p_fwe"] >= primary["p"] - 1e-12).all()
    again = compared[compared["role"] == "agreement"]
    assert again["test"].tolist() == [test.replace("__lcmv__", "__eloreta__") for test in primary["test"]]
    control = compared[compared["role"] == "positive_control"]
    assert control["estimate"].item() < 0


def test_the_classifier_is_scored_on_people_it_never_saw(finished):
    out, _ = finished
    scores = read_json(out / "group" / "hyperalgesia" / "scores.json")
    assert scores["primary_feature_set"] == "blocks"
    primary = scores["feature_sets"]["blocks"]
    assert 0 <= primary["auc_ci"][0] <= primary["auc"] <= primary["auc_ci"][1] <= 1
    gates = {gate["gate"]: gate for gate in read_json(out / "group" / "hyperalgesia" / "audit.json")["gates"]}
    assert gates["person_overlap"]["passed"]
    assert gates["duplicate_recordings"]["passed"]
    assert gates["primary_family_declared"]["passed"]


def test_saved_connectivity_is_read_back_and_agrees_with_the_table(finished):
    out, _ = finished
    table = read_parquet(out / "group" / "features.parquet").set_index(["participant", "condition", "window"])
    sidecars = sorted((out / "derivatives" / "connectivity").rglob("*_relmat.json"))
    assert len(sidecars) == 6
    for sidecar in sidecars:
        saved = read_connectivity(sidecar, measure="wpli2_debiased", band="alpha")
        array = saved.to_xarray().sel(region_row="insula-lh", region_column="insula-rh", inverse="lcmv")
        for matrix in saved.matrices:
            place = (saved.participant, matrix.condition, matrix.window)
            column = table.loc[place, "wpli2_debiased__lcmv__alpha__insula-lh__insula-rh"]
            found = array.sel(observation=f"{matrix.condition}/{matrix.window}").item()
            assert found == column
    versions = read_json(out / "group" / "provenance.json")["environment"]["packages"]
    assert "numba" in versions


def test_a_second_run_does_nothing(finished, wheel_python, cohort):
    out, _ = finished
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    done = run(
        wheel_python, "painconn", "run", str(cohort / "tiny.yaml"), "--out", "out", "--cores", "1", cwd=out.parent
    )
    assert done.returncode in (0, 3)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


def test_a_changed_band_reruns_connectivity_onward_and_never_cleaning(finished, repository, cohort):
    out, _ = finished
    changed = cohort / "changed.yaml"
    bands = "{theta: [4, 8], alpha: [8, 12], beta: [12, 30], low_gamma: [30, 45]}"
    changed.write_text(STUDY + f"connectivity: {{bands_hz: {bands}}}\n")
    jobs = snakemake_dry_run(sys.executable, repository, out, changed, out.parent)
    assert jobs["connect_session"] == 6
    assert jobs["gather_table"] == 1
    assert not {"clean_session", "write_quality_page", "build_head", "solve_forward"} & jobs.keys()
    changed.write_text(STUDY.replace("n_repeats: 2", "n_repeats: 3"))
    jobs = snakemake_dry_run(sys.executable, repository, out, changed, out.parent)
    after_table = {
        "compare_target", "predict_target", "agree_target", "audit_target", "save_model", "write_report", "all",
    }  # fmt: skip
    assert jobs.keys() <= after_table


def test_results_that_moved_are_made_again_where_the_settings_differ_and_nowhere_else(finished, repository, cohort):
    """The engine has no memory in the new folder: what was made with what must be known from the results alone."""
    out, _ = finished
    elsewhere = cohort / "elsewhere"
    shutil.copytree(out, elsewhere / "moved")
    moved = Results(elsewhere / "moved")
    assert snakemake_dry_run(sys.executable, repository, moved.root, cohort / "tiny.yaml", elsewhere) == {}
    changed = cohort / "moved.yaml"
    bands = "{theta: [4, 8], alpha: [8, 12], beta: [13, 30], low_gamma: [30, 45]}"
    changed.write_text(STUDY + f"connectivity: {{bands_hz: {bands}}}\n")
    jobs = snakemake_dry_run(sys.executable, repository, moved.root, changed, elsewhere)
    assert jobs["connect_session"] == 6
    assert not {"clean_session", "write_quality_page", "build_head", "solve_forward"} & jobs.keys()
    cwd = elsewhere / "cwd"
    cwd.mkdir()
    command = ["painconn", "run", str(changed), "--out", "../../elsewhere/moved", "--cores", "2"]
    done = run(sys.executable, *command, cwd=cwd)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    sidecars = sorted((moved.root / "derivatives" / "connectivity").rglob("*_relmat.json"))
    assert len(sidecars) == 6
    for sidecar in sidecars:
        for matrix in read_connectivity(sidecar, band="alpha").matrices:
            assert matrix.band_hz == (8, 12)
    before, after = (read_parquet(Results(root).group("features.parquet")) for root in (out, moved.root))
    column = "wpli2_debiased__lcmv__{}__insula-lh__insula-rh"
    assert not np.allclose(before[column.format("alpha")], after[column.format("alpha")])
    np.testing.assert_array_equal(before[column.format("theta")], after[column.format("theta")])
    assert snakemake_dry_run(sys.executable, repository, moved.root, changed, elsewhere) == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (
            "connectivity/phase.py",
            {
                "connect_session",
                "gather_table",
                "compare_target",
                "predict_target",
                "agree_target",
                "audit_target",
                "save_model",
                "write_report",
                "all",
            },
        ),
        (
            "prediction/ridge.py",
            {"predict_target", "agree_target", "audit_target", "save_model", "write_report", "all"},
        ),
        ("reporting/methods.py", {"write_report", "all"}),
        ("cli/commands.py", set()),
    ],
)
def test_an_edited_module_reruns_exactly_its_steps(finished, repository, cohort, tmp_path, module, expected):
    out, _ = finished
    shutil.copytree(repository / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    edited = tmp_path / "pipeline" / "painconn" / module
    edited.write_text(edited.read_text() + "\n\nEDITED = True\n")
    jobs = snakemake_dry_run(
        sys.executable, tmp_path, out, cohort / "tiny.yaml", out.parent, PYTHONPATH=str(tmp_path / "pipeline")
    )
    assert set(jobs) == expected


def test_a_comment_reruns_nothing(finished, repository, cohort, tmp_path):
    out, _ = finished
    shutil.copytree(repository / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    edited = tmp_path / "pipeline" / "painconn" / "connectivity" / "phase.py"
    edited.write_text(edited.read_text() + "\n# a comment\n")
    jobs = snakemake_dry_run(
        sys.executable, repository, out, cohort / "tiny.yaml", out.parent, PYTHONPATH=str(tmp_path / "pipeline")
    )
    assert jobs == {}


def test_the_workflow_works_as_a_module_of_another_one(repository, cohort, tmp_path):
    (tmp_path / "Snakefile").write_text(
        "module painconn:\n"
        f"    snakefile: {str(repository / 'workflow' / 'Snakefile')!r}\n"
        f"    config: {{'study': {str(cohort / 'tiny.yaml')!r}, 'painconn_out': 'elsewhere'}}\n"
        "use rule * from painconn as painconn_*\n"
        "rule everything:\n    input: rules.painconn_all.input\n    default_target: True\n"
    )
    done = run(sys.executable, "snakemake", "-n", "--cores", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = planned(done.stdout + done.stderr)
    assert jobs["painconn_clean_session"] == 6
    assert jobs["painconn_write_report"] == 1


def test_a_module_given_a_mapping_refuses_labels_that_are_not_text_any_more(repository, tmp_path):
    text = STUDY.replace("a: localized, b: widespread", "a: 001, b: no")
    (tmp_path / "config.yaml").write_text(text)
    (tmp_path / "Snakefile").write_text(
        "configfile: 'config.yaml'\n"
        "module painconn:\n"
        f"    snakefile: {str(repository / 'workflow' / 'Snakefile')!r}\n"
        "    config: config\n"
        "use rule * from painconn as painconn_*\n"
    )
    done = run(sys.executable, "snakemake", "-n", "--cores", "1", cwd=tmp_path)
    assert done.returncode != 0
    assert "may have been 001" in done.stdout + done.stderr


def test_a_broken_recording_changes_nobody_elses_numbers_even_after_a_kill(finished, wheel_python, cohort, tmp_path):
    """Two healthy people and one whose signal file is empty; the run is killed once on the way."""
    whole, _ = finished
    healthy = sorted(path.name for path in (cohort / "cohort").glob("sub-*"))[:2]
    broken = sorted(path.name for path in (cohort / "cohort").glob("sub-*"))[2]
    data = tmp_path / "cohort"
    ignored = [path.name for path in (cohort / "cohort").glob("sub-*") if path.name not in (*healthy, broken)]
    shutil.copytree(cohort / "cohort", data, ignore=shutil.ignore_patterns(*ignored))
    next((data / broken / "eeg").glob("*.eeg")).write_bytes(b"")
    (tmp_path / "tiny.yaml").write_text(STUDY.replace("minimum_per_group: 3", "minimum_per_group: 2"))
    command = [str(wheel_python), "-m", "snakemake", "--snakefile", str(_shipped(wheel_python, "workflow/Snakefile"))]
    command += ["--configfile", "tiny.yaml", "--config", "painconn_out=out", "--cores", "2", "out/group/table.json"]
    command += ["--profile", str(_shipped(wheel_python, "workflow/profiles/default"))]

    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    results = Results(tmp_path / "out")
    first = results.cleaned(SessionKey.parse(healthy[0]))
    deadline = time.monotonic() + 240
    while not first.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert first.exists()
    assert not results.table.exists()

    unlocked = subprocess.run(
        [*command, "--unlock"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert unlocked.returncode == 0, unlocked.stderr
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    record = read_result(results.connectivity(SessionKey.parse(broken)))
    assert record["status"] == "excluded"
    exclusions = read_tsv(results.group("exclusions.tsv"), dtype=str)
    assert set(exclusions["participant"]) == {broken.removeprefix("sub-")}
    assert exclusions["fix"].notna().all()
    flow = json.loads(results.group("flow.json").read_text())
    assert (flow["participants_found"], flow["participants_used"], flow["recordings_excluded"]) == (3, 2, 1)

    mine, theirs = read_parquet(results.group("features.parquet")), read_parquet(whole / "group" / "features.parquet")
    labels = {name.removeprefix("sub-") for name in healthy}
    assert set(mine["participant"]) == labels
    keys = ["participant", "session", "condition", "window"]
    theirs = theirs[theirs["participant"].isin(labels)].sort_values(keys).reset_index(drop=True)
    mine = mine.sort_values(keys).reset_index(drop=True)
    np.testing.assert_array_equal(
        mine.drop(columns="site").to_numpy()[:, 4:].astype(float),
        theirs.drop(columns="site").to_numpy()[:, 4:].astype(float),
    )


def _shipped(python, name):
    code = f"from painconn.provenance import SHIPPED; print(SHIPPED / {name!r})"
    return subprocess.run(
        [str(python), "-c", code], env=environment(), capture_output=True, text=True, check=True
    ).stdout.strip()


def test_hostile_names_and_numbers_in_the_data_change_nothing(cohort, tmp_path):
    shutil.copytree(cohort / "cohort", tmp_path / "cohort")
    victim = next((tmp_path / "cohort").glob("sub-*"))
    hostile = victim.with_name("sub-$(touch marker);")
    victim.rename(hostile)
    (tmp_path / "tiny.yaml").write_text(STUDY)
    done = run(sys.executable, "painconn", "run", "tiny.yaml", "--cores", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert "letters and digits" in done.stderr
    assert not list(tmp_path.rglob("marker"))


def test_folders_with_names_that_look_like_numbers_or_comments_are_taken_as_they_are(cohort, tmp_path):
    shutil.copytree(cohort / "cohort", tmp_path / "my study #2")
    (tmp_path / "tiny.yaml").write_text(STUDY)
    command = ["painconn", "run", "tiny.yaml", "--data", "my study #2", "--out", "001", "--cores", "1", "--", "-n"]
    done = run(sys.executable, *command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "001/derivatives" in done.stderr
    assert (tmp_path / "001" / "derivatives" / "inventory.json").is_file()


def test_check_finds_every_obstacle_before_a_job_starts(cohort, tmp_path):
    (tmp_path / "tiny.yaml").write_text(
        STUDY.replace("root: cohort", f"root: {cohort / 'cohort'}")
        .replace("b: widespread", "b: Widespread")
        .replace("    n_permutations: 100\n", "    n_permutations: 100\n    covariates: [agee]\n")
    )
    done = run(sys.executable, "painconn", "check", "tiny.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "Widespread" in done.stderr
    assert "did you mean age?" in done.stderr
    fine = run(sys.executable, "painconn", "check", str(cohort / "tiny.yaml"), cwd=tmp_path)
    assert fine.returncode == 0, fine.stderr
    assert "nothing stands in the way" in fine.stdout


def test_report_rebuilds_the_page_from_what_is_saved(finished, wheel_python, tmp_path):
    out, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    (copy / "report" / "index.html").unlink()
    done = run(wheel_python, "painconn", "report", str(copy), cwd=tmp_path)
    assert done.returncode in (0, 3), done.stderr
    assert (copy / "report" / "index.html").read_text() == (out / "report" / "index.html").read_text()
