import subprocess
import sys

import pytest
import yaml

from painconn.config.loader import load_study, study_from_mapping, with_data_root
from painconn.errors import ConfigError

MINIMAL = """\
name: tiny
data:
  sources:
    - {root: data, layout: bids}
  conditions:
    rest: {kind: rest, n_epochs: 30}
targets:
  pain:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
"""


@pytest.fixture
def study_file(tmp_path):
    def write(text):
        path = tmp_path / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems_of(path):
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    return caught.value.problems


def test_a_minimal_study_takes_every_default_and_resolves_paths(study_file):
    path = study_file(MINIMAL)
    study = load_study(path)
    assert study.cleaning.ica == "picard"
    assert study.data.sources[0].root == path.parent / "data"
    assert with_data_root(study, path.parent / "elsewhere").data.sources[0].root == path.parent / "elsewhere"


def test_the_shipped_studies_and_the_default_file_are_valid(repository):
    files = [*(repository / "configs" / "studies").glob("*.yaml"), repository / "configs" / "default.yaml"]
    assert len(files) >= 3
    for path in files:
        load_study(path)


def test_generated_files_are_in_sync(repository):
    command = [sys.executable, "tools/generate_config.py", "--check"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_default_file_holds_the_defaults_of_the_models(repository):
    study = load_study(repository / "configs" / "default.yaml")
    for section in (study.cleaning, study.cortex, study.connectivity, study.features):
        assert section == type(section)()


def test_labels_stay_text(study_file):
    text = MINIMAL.replace("a: localized, b: widespread", "a: 001, b: no").replace(
        "data:\n", "data:\n  participants: {exclude: [010, 1e3]}\n", 1
    )
    study = load_study(study_file(text))
    assert (study.targets["pain"].contrast.a, study.targets["pain"].contrast.b) == ("001", "no")
    assert study.data.participants.exclude == ("010", "1e3")


def test_every_problem_at_once_with_file_line_and_hint(study_file):
    text = (
        MINIMAL.replace("n_epochs: 30", "n_epoch: 30").replace("layout: bids", "layout: bidds")
        + "cleening: {}\nseed: soon\n"
    )
    path = study_file(text)
    found = problems_of(path)
    text_of = "\n".join(str(problem) for problem in found)
    assert "did you mean n_epochs?" in text_of
    assert "did you mean cleaning?" in text_of
    assert f"{path}, line 4, data.sources.0.layout" in text_of
    assert "line 11, seed" in text_of
    assert len(found) >= 5


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (MINIMAL + "name: again\n", "first in line 1"),
        (MINIMAL + "seed: !!python/object/apply:os.system ['true']\n", "without a tag"),
        (MINIMAL + "seed: [1\n", "valid YAML"),
        ("- just\n- a list\n", "mapping of sections"),
        ("", "data"),
        (MINIMAL.replace("condition: rest}", "condition: sleep}"), "condition sleep is not among"),
        (MINIMAL.replace("condition: rest}", "condition: rest, window: post}"), "window post does not exist"),
        (MINIMAL.replace("a: localized", "a: widespread"), "a and b are the same"),
        (MINIMAL + "connectivity: {measures: [wpli]}\n", "unknown measure wpli"),
        (MINIMAL + "cortex: {inverses: [magic]}\n", "unknown inverse magic"),
        (MINIMAL.replace("layout: bids", "layout: folder"), "needs a pattern"),
        (MINIMAL.replace("kind: rest", "kind: events"), "descriptions of its events"),
        (MINIMAL + "cleaning: {l_freq_hz: .nan}\n", "l_freq_hz"),
    ],
)
def test_a_bad_study_says_what_is_wrong(study_file, bad, expected):
    assert expected in "\n".join(str(problem) for problem in problems_of(study_file(bad)))


def test_a_band_of_muscle_cannot_be_primary(study_file):
    text = MINIMAL + "    primary: {bands: [low_gamma]}\n"
    assert "can only be exploratory" in str(problems_of(study_file(text))[0])


def test_a_preset_sets_several_options_and_a_written_key_wins(study_file):
    cleaning = load_study(study_file(MINIMAL + "cleaning: {preset: already_clean, notch: true}\n")).cleaning
    assert (cleaning.ica, cleaning.bad_channels, cleaning.notch) == ("none", "none", True)


def test_a_mapping_with_lost_labels_is_refused_and_one_without_is_taken(tmp_path):
    values = yaml.safe_load(MINIMAL)
    assert study_from_mapping(values, source="module", folder=tmp_path).name == "tiny"
    values["targets"]["pain"]["contrast"]["a"] = 1
    values["data"]["conditions"][7] = values["data"]["conditions"].pop("rest")
    with pytest.raises(ConfigError) as caught:
        study_from_mapping(values, source="module", folder=tmp_path)
    text = str(caught.value)
    assert "may have been 001" in text
    assert "quote the key" in text


def test_a_missing_study_file_names_it(tmp_path):
    assert "no such file" in str(problems_of(tmp_path / "absent.yaml")[0])
