import sys
from importlib import metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from painconn.connectivity.registry import MEASURES
from painconn.provenance import canonical_json, code_closure, code_hash, environment, seed_for
from painconn.steps import STEPS

FORBIDDEN = ("GPL", "AGPL", "GENERAL PUBLIC LICENSE")


@given(seed=st.integers(0, 2**40), labels=st.lists(st.text(max_size=6), max_size=4))
def test_seeds_depend_on_seed_and_labels_only(seed, labels):
    first = seed_for(seed, *labels)
    assert first == seed_for(seed, *labels)
    assert 0 <= first < 2**63
    assert first != seed_for(seed, *labels, "more")


def test_labels_are_not_joined_by_accident():
    assert seed_for(1, "ab", "c") != seed_for(1, "a", "bc")


def test_equal_settings_give_equal_text():
    assert canonical_json({"b": 1, "a": [1.5, "x"]}) == canonical_json({"a": [1.5, "x"], "b": 1})


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_code_hash_over_its_own_closure(step):
    modules, _ = code_closure(f"painconn.steps.{step}")
    assert f"painconn.steps.{step}" in modules
    assert not {"painconn.cli", "painconn.errors", "painconn.provenance"} & set(modules)
    assert len(code_hash(f"painconn.steps.{step}")) == 16


def test_closures_hold_what_a_step_uses_and_nothing_else():
    clean, packages = code_closure("painconn.steps.clean")
    connect, _ = code_closure("painconn.steps.connect")
    assert "painconn.cleaning.session" in clean
    assert "mne" in packages
    assert "painconn.connectivity.phase" not in clean
    assert {"painconn.connectivity.phase", "painconn.cortex.minimum_norm"} <= set(connect)
    assert "painconn.inference.comparison" not in connect
    assert "painconn.prediction.ridge" in code_closure("painconn.steps.predict")[0]
    assert "painconn.prediction.ridge" not in code_closure("painconn.steps.compare")[0]
    drawn = code_closure("painconn.steps.quality_page")[0]
    assert "painconn.connectivity.registry" in drawn
    assert "painconn.connectivity.phase" not in drawn
    for step in ("clean", "connect"):
        assert not any(
            "reporting" in name or name == "painconn.config.targets"
            for name in code_closure(f"painconn.steps.{step}")[0]
        )


def test_the_closure_of_connect_holds_every_measure_its_kernels_and_the_compiler():
    modules, packages = code_closure("painconn.steps.connect")
    assert {measure.function.split(":")[0] for measure in MEASURES.values()} <= set(modules)
    assert "painconn.connectivity.spectral_kernels" in modules
    assert "numba" in packages
    assert "numba" in environment()["packages"]
    assert "painconn.store.connectivity" not in modules


def test_no_copyleft_package_is_installed():
    wrong = []
    for distribution in metadata.distributions():
        fields = [distribution.metadata.get("License-Expression") or ""]
        fields += [line for line in distribution.metadata.get_all("Classifier") or [] if line.startswith("License")]
        text = [field.upper() for field in fields if field]
        permissive = any(
            word in " ".join(text)
            for word in ("BSD", "MIT", "APACHE", "PUBLIC DOMAIN", "LGPL", "LESSER", "PYTHON SOFTWARE")
        )
        if any(word in field for field in text for word in FORBIDDEN) and not permissive:
            wrong.append(distribution.metadata["Name"])
    assert wrong == [], f"copyleft packages in {sys.prefix}: {wrong}"
