import json
import os
import re
import subprocess
import sys

import pytest


def simulate(*arguments, cwd):
    command = [sys.executable, "-m", "painconn", "simulate", *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "new", "--preset", "plantd"], "did you mean planted?"),
        (["--out", "new", "--truth", "bad.yaml"], "bad.yaml, line 2, bookkeping"),
        (["--out", "new", "--truth", "none.yaml"], "no such file"),
        (["--out", "new", "--truth", "bad.yaml", "--preset", "tiny"], "one of the two"),
        (["--out", "there", "--preset", "tiny"], "there · found: it exists"),
        (["--out", ".", "--preset", "tiny"], ". · found: it exists"),
        (["--out", "bad.yaml/new", "--preset", "tiny"], "bad.yaml · found: "),
        (["--out", "new", "--format", "bdf"], "brainvision"),
    ],
)
def test_what_is_wrong_is_told_with_status_2_and_nothing_is_made(arguments, said, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "bad.yaml").write_text("preset: tiny\nbookkeping: {}\n")
    done = simulate(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.yaml", "there"]


@pytest.mark.slow
def test_the_example_of_the_guide_makes_a_dataset_and_its_truth(repository, tmp_path):
    guide = (repository / "docs" / "guide" / "simulate.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(preset:.*?)```", guide, re.S).group(1)
    assert "n_per_group: {control: 8, localized: 8, widespread: 8}" in example
    smaller = example.replace(": 8", ": 1") + "head: {bem_ico: 2}\n"
    (tmp_path / "mine.yaml").write_text(smaller, encoding="utf-8")
    done = simulate("--out", "data/mine", "--truth", "mine.yaml", "--seed", "4", "--cores", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 people done" in done.stderr
    assert "\x1b" not in done.stderr
    assert "painconn init data/mine --out study-mine.yaml" in done.stdout
    dataset, truth = tmp_path / "data" / "mine", json.loads((tmp_path / "data" / "mine-truth.json").read_text())
    assert sorted(path.name for path in dataset.glob("sub-*")) == ["sub-001", "sub-002", "sub-003", "sub-004"]
    assert truth["seed"] == 4
    assert truth["couplings"][0]["edges"] == [["insula-lh", "insula-rh"]]
    assert [one["trait"] for one in truth["effects"]] == ["coupling:insulae", "artefact:muscle_tone_uv"]
    assert sum(one["same_recording_as"] is not None for one in truth["people"]) == 1
    described = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \|", guide.partition("## The truth")[2], re.M)
    assert {name for names in described for name in names if name} == set(truth)
    told = set(re.findall(r"`(\w+)`", guide.partition("Of each person")[2]))
    assert set(truth["people"][0]) <= told
