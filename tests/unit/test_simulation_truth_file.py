import re

import pytest

from painconn.errors import ConfigError
from painconn.simulation.caps import CAP_32
from painconn.simulation.presets import PRESETS
from painconn.simulation.specification import Block
from painconn.simulation.truth_file import DEFAULT_PRESET, load_truth, preset_named


def loaded(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_truth(path)


def problems(folder, text):
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return [str(problem).replace(str(folder), "") for problem in caught.value.problems]


def test_an_empty_file_is_the_default_preset_under_the_files_name(tmp_path):
    spec = loaded(tmp_path, "")
    assert spec.name == "mine"
    assert vars(spec) | {"name": ""} == vars(PRESETS[DEFAULT_PRESET]) | {"name": ""}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_started_from(name, tmp_path):
    spec = loaded(tmp_path, f'preset: "{name}"\nname: other\n')
    assert vars(spec) == vars(preset_named(name, where="")) | {"name": "other"}


def test_a_mapping_refines_a_list_replaces_and_null_takes_away(tmp_path):
    text = """
preset: pain
n_per_group: {control: null, widespread: 3}
channels: cap_32
pain_now: {mean: 6}
protocol: {blocks: [{name: awake}], n_pinpricks: 8}
covariates: {pain_side: null, site: {shares: {"001": 0.5, north: 0.2, south: 0.3}}, amplifier: {"001": third}}
effects: []
psychophysics: {remote_in: []}
"""
    spec, base = loaded(tmp_path, text), PRESETS["pain"]
    assert spec.n_per_group == {"localized": 12, "widespread": 3}
    assert spec.channels == CAP_32
    assert (spec.pain_now.mean, spec.pain_now.sd) == (6.0, base.pain_now.sd)
    assert spec.protocol.blocks == (Block(name="awake"),)
    assert spec.protocol.sites == base.protocol.sites
    assert spec.covariates.pain_side is None
    assert list(spec.covariates.site.shares) == ["north", "south", "001"]
    assert spec.covariates.amplifier == {**base.covariates.amplifier, "001": "third"}
    assert spec.effects == ()
    assert spec.psychophysics.remote_in == ()
    assert spec.psychophysics.painful_in == base.psychophysics.painful_in
    assert spec.couplings == base.couplings


def test_all_problems_come_at_once_with_their_lines(tmp_path):
    text = """preset: tiny
protcol: {}
channels: cap_91
protocol: {blocks: [{name: open, duration: 3}], n_pinpricks: -1, n_pinpricks: 3}
couplings: [{name: a, rhythm: alpha, leaders: [insula-lh], followers: [insula-rh]}]
psychophysics: 5
pain_now: {mean: many}
"""
    told = problems(tmp_path, text)
    assert len(told) == 8
    for part in (
        "line 2, protcol · found: the unknown key protcol",
        "did you mean protocol?",
        "line 3, channels · found: cap_91 · wanted: a list, or one of: cap_19, cap_32, cap_64",
        "line 4, protocol.blocks.0.duration · found: the unknown key duration",
        "did you mean duration_s?",
        "line 4, protocol.n_pinpricks · found: -1",
        "the key n_pinpricks again",
        "line 5, couplings.0.strength · found: nothing",
        "line 6, psychophysics · found: 5 · wanted: a mapping with: reference_mn, log_rating",
        "line 7, pain_now.mean · found: many",
    ):
        assert any(part in one for one in told), part


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("preset: null\n", ["line 1, preset", 'in quotes: "null"']),
        ("preset: plnted\n", ["line 1, preset", "did you mean planted?"]),
        (
            "preset: tiny\neffects:\n  - {trait: pain_now, by: grup, d: 1}\n",
            ["line 3, effects.0", "an unknown covariate (effect on pain_now by grup)"],
        ),
        ("preset: tiny\nbookkeeping: {n_duplicated: 9}\n", ["line 2, bookkeeping.n_duplicated · found: 9"]),
        (
            "preset: tiny\ncovariates:\n  sex: {shares: {M: 0.9}}\n",
            ["line 3, covariates.sex", "shares that make 1"],
        ),
        ("preset: tiny\nchannels: [Cz, Pz, Cz, Oz]\n", ["line 2, channels", "Cz twice"]),
        ("preset: tiny\nchannels: [Cz, Pz, Nose]\n", ["line 2, channels", "Nose"]),
        (
            "preset: tiny\nevoked_regions: [insula, postcentrl]\n",
            ["line 2, evoked_regions", "did you mean postcentral?"],
        ),
        ("preset: tiny\nchannels: [Fz, Pz]\nreference: Pz\n", ["line 3, reference", "Pz, a channel"]),
        ("preset: tiny\nreference: average\n", ["line 2, reference", "no template position for average"]),
        ("preset: tiny\nprotocol: {blocks: [{name: Bad luck}]}\n", ["line 2, protocol.blocks", "Bad luck"]),
        ("preset: tiny\ncouplings: null\n", ["line 2, couplings", "wanted: a list"]),
        ("preset: tiny\neffects: [5]\n", ["line 2, effects.0", "change effects"]),
        (
            "preset: tiny\npain_now: {low: 9}\n",
            ["line 2, pain_now · found: mean 4.5, low 9, high 10 · wanted: low up to mean up to high"],
        ),
        ("preset: tiny\nartefacts: {line_uv: {low: -1}}\n", ["line 2, artefacts.line_uv", "low and high from 0"]),
        (
            "preset: tiny\nprotocol: {sfreq_hz: 30}\n",
            ["line 1, rhythms.2", "trait peak:beta", "line 2, protocol.line_hz"],
        ),
        (
            "preset: pain\ncovariates: {site: null, amplifier: {north: null, south: null}}\n",
            ["effects.4 · found: an unknown covariate (effect on artefact:sensor_noise_uv by site)"],
        ),
        ("preset: tiny\nhead: {source_spacing: ico4}\n", ["line 2, head.source_spacing", "'oct5'"]),
        ("preset: tiny\nprotocol: {task: my task}\n", ["line 2, protocol.task", "letters and digits only"]),
        ("preset: tiny\nprotocol: {blocks: [{name: a/b}]}\n", ["line 2, protocol.blocks", "'a/b'"]),
        ("preset: tiny\neffects: []\nn_per_group: {localized: 0, widespread: 0}\n", ["line 3, n_per_group", "nobody"]),
        ("preset: [tiny\n", ["valid YAML"]),
        ("- tiny\n", ["a mapping of sections"]),
    ],
)
def test_a_problem_is_told_where_it_is(text, parts, tmp_path):
    told = "\n".join(problems(tmp_path, text))
    for part in parts:
        assert part in told
    assert "do: " in told


def test_an_unknown_region_of_a_coupling_names_its_coupling(tmp_path):
    text = """
couplings:
  - name: a
    rhythm: alpha
    leaders: [insula-lh]
    followers: [insula-hr]
    strength: {mean: 0.4, sd: 0, low: 0, high: 1}
effects: []
"""
    (told,) = problems(tmp_path, text)
    assert "line 6, couplings.0.followers · found: the unknown region insula-hr" in told
    assert "did you mean insula-rh?" in told


def test_the_example_of_the_guide_is_a_sound_truth_file(repository, tmp_path):
    guide = (repository / "docs" / "guide" / "simulate.md").read_text(encoding="utf-8")
    spec = loaded(tmp_path, re.search(r"```yaml\n(preset:.*?)```", guide, re.S).group(1))
    assert spec.channels == CAP_32
    assert [one.name for one in spec.couplings] == ["insulae"]
    assert spec.effects[0].d == 1.5
    assert spec.bookkeeping.n_duplicated == 1
