"""Decisions by hand: understood with all problems at once, applied to what they were made about and nothing else."""

from dataclasses import replace

import mne
import numpy as np
import pytest

from painconn.cleaning.components import Component, Decomposition, decided_by_hand
from painconn.cleaning.decisions import COLUMNS, DECOMPOSITION, Decision, decisions_of
from painconn.cleaning.segments import bad_samples, bad_stretches, mark_by_hand, mark_stretches
from painconn.errors import InputError


def row(**cells: str) -> dict[str, str]:
    return dict.fromkeys((*COLUMNS, DECOMPOSITION), "") | {"participant": "01"} | cells


def component(index: int, *, removed: bool, seed: int = 0) -> Component:
    weights = np.random.default_rng([seed, index]).normal(size=6)
    reasons = ("eye blink 0.97",) if removed else ()
    return Component(index, "eye blink" if removed else "brain", 0.97, removed, weights, reasons)


def decomposition(seed: int = 0, n_components: int = 4) -> Decomposition:
    found = tuple(component(index, removed=index == 0, seed=seed) for index in range(n_components))
    return Decomposition(None, found, True, 0, (1,), ())


def about(index: int, decision: str, fingerprint: str) -> Decision:
    return Decision("row", "01", "", "", "component", str(index), 0.0, 0.0, decision, fingerprint)


def test_every_kind_of_decision_is_understood() -> None:
    found = decisions_of(
        [
            ("t row 2", row(kind="channel", item="Fp1", decision="good", session="n/a")),
            ("t row 3", row(kind="segment", recording="task-rest", onset_s="4.5", duration_s="2", decision="bad")),
            ("t row 4", row(kind="component", item="3", decision="keep", decomposition="0a1b2c3d")),
        ]
    )
    assert [(one.kind, one.item, one.takes_out) for one in found] == [
        ("channel", "Fp1", False), ("segment", "", True), ("component", "3", False),
    ]  # fmt: skip
    assert (found[0].session, found[1].onset_s, found[1].duration_s) == ("", 4.5, 2.0)
    assert found[2].decomposition == "0a1b2c3d"


def test_all_problems_of_all_rows_are_told_at_once() -> None:
    rows = [
        ("t row 2", row(kind="electrode", item="Fp1", decision="bad")),
        ("t row 3", row(kind="channel", item="Fp1", decision="remove")),
        ("t row 4", row(kind="segment", onset_s="-1", duration_s="soon", decision="bad")),
        ("t row 5", row(kind="component", item="first", decision="keep")),
        ("t row 6", row(kind="channel", item="Cz", decision="bad", recording="task-rest")),
        ("t row 7", row(kind="channel", item="Pz", decision="bad")),
        ("t row 8", row(kind="channel", item="Pz", decision="good")),
    ]
    with pytest.raises(InputError) as caught:
        decisions_of(rows)
    assert [problem.where for problem in caught.value.problems] == [
        "t row 2 column kind", "t row 3 column decision", "t row 4 column onset_s", "t row 4 column duration_s",
        "t row 5 column item", "t row 5 column decomposition", "t row 6 column recording", "t row 8",
    ]  # fmt: skip


def test_the_hand_wins_over_the_search_for_components() -> None:
    automatic = decomposition()
    decided, refused = decided_by_hand(
        automatic, [about(0, "keep", automatic.fingerprint), about(2, "remove", automatic.fingerprint)]
    )
    assert (automatic.removed, decided.removed, refused) == ([0], [2], [])
    assert decided.components[0].reasons == ("keep by hand",)
    assert decided.components[2].reasons == ("remove by hand",)
    assert decided.fingerprint == automatic.fingerprint


@pytest.mark.parametrize("other", [decomposition(seed=1), decomposition(n_components=5)])
def test_a_decision_about_another_decomposition_is_refused(other: Decomposition) -> None:
    seen = decomposition()
    decision = about(0, "keep", seen.fingerprint)
    decided, refused = decided_by_hand(other, [decision])
    assert decided.removed == other.removed
    assert refused[0][0] is decision
    assert other.fingerprint in refused[0][1]


def test_a_fingerprint_outlives_rounding_but_not_another_order() -> None:
    seen = decomposition()
    shaken = tuple(replace(one, weights=3.0 * one.weights * (1 + 1e-9)) for one in seen.components)
    assert replace(seen, components=shaken).fingerprint == seen.fingerprint
    assert replace(seen, components=seen.components[::-1]).fingerprint != seen.fingerprint


def test_stretches_by_hand() -> None:
    raw = mne.io.RawArray(np.zeros((1, 4000)), mne.create_info(1, 100.0, "eeg"), verbose="ERROR")
    raw.set_annotations(mne.Annotations([5.0, 30.0], [10.0, 2.0], ["BAD_recording"] * 2))
    raw = mark_stretches(raw, [(8.0, 1.0)], margin_s=0.0)
    marked = mark_by_hand(raw, bad_s=[(20.0, 3.0)], good_s=[(7.0, 4.0)])
    expected = np.zeros(4000, dtype=bool)
    # what the file said is good again between 7 and 11 s, but for the second that holds no signal
    for start, stop in ((500, 700), (800, 900), (1100, 1500), (2000, 2300), (3000, 3200)):
        expected[start:stop] = True
    np.testing.assert_array_equal(bad_samples(marked), expected)
    assert (20.0, 3.0, "BAD_manual") in bad_stretches(marked)
    assert len(raw.annotations) == 3
