"""A saved model scores as the classifier itself does, and a file that is no model is refused before it is used."""

import json
import pickle
import zipfile

import numpy as np
import pytest
from classifier_data import design_of

from painconn.errors import InputError
from painconn.prediction.design import make_design
from painconn.prediction.folds import FeatureTable, Fold
from painconn.prediction.linear import Draws, _sample, draw_models, fit_linear
from painconn.prediction.model_file import ARRAYS_FILE, MODEL_FILE, model_files, read_model, sealed
from painconn.prediction.number_linear import fit_regression, guaranteed_level, leave_folds_out
from painconn.prediction.registry import CLASSIFIERS, names_of
from painconn.prediction.saved_model import ModelRecord, RegressionRecord, SavedModel, SavedRegression
from painconn.provenance import canonical_json, file_hash, text_hash

LINEAR = [name for name in names_of("classification") if CLASSIFIERS[name].linear]


@pytest.fixture
def data(rng):
    """24 people, 40 columns (one constant, gaps in another), and 6 new people."""
    design = design_of(24)
    values = 5 + 3 * rng.standard_normal((30, 40))
    values[:24, :4] += 2 * design.signs[:, None]
    values[:, 7] = 2.5
    values[rng.integers(0, 30, 5), 9] = np.nan
    return design, values[:24], values[24:]


def table_of(values):
    return FeatureTable(values, np.ones(values.shape[1]))


@pytest.mark.parametrize("classifier", LINEAR)
def test_weights_score_new_people_as_the_classifier_itself_does(classifier, data):
    design, values, new = data
    model = fit_linear(classifier, table_of(values), design.signs, design.folds[0])
    everybody = np.arange(24)
    inner = tuple((np.flatnonzero(design.folds[0] != k), np.flatnonzero(design.folds[0] == k)) for k in range(3))
    fold = Fold(0, 0, everybody, np.arange(24, 30), inner)
    labels = np.concatenate([design.signs, np.ones(6)])[:, None]
    (direct,) = CLASSIFIERS[classifier].load()(table_of(np.vstack([values, new])), labels, [fold])
    assert model.setting == direct.setting[0]
    np.testing.assert_allclose(model.scores(new), direct.test[:, 0], atol=1e-6)
    assert model.weights[7] == 0
    assert np.ptp(model.probability(new)) > 0


def test_draws_vary_around_the_model_and_the_same_people_give_the_model_itself(data, monkeypatch):
    design, values, new = data
    model = fit_linear("ridge", table_of(values), design.signs, design.folds[0])
    draws = draw_models("ridge", table_of(values), design, model, seed=3, n_draws=40)
    low, high = draws.interval(model.standardised(new))
    assert (low < high).all()
    inside = (low <= model.probability(new)) & (model.probability(new) <= high)
    assert inside.mean() > 0.6
    monkeypatch.setattr("painconn.prediction.linear._sample", lambda *_: (np.arange(24), design.folds[0]))
    same = draw_models("ridge", table_of(values), design, model, seed=3, n_draws=1)
    found = same.interval(model.standardised(np.nan_to_num(values, nan=5.0)))[0]
    np.testing.assert_allclose(found, model.probability(np.nan_to_num(values, nan=5.0)), atol=1e-9)


@pytest.mark.parametrize("kind", ["between", "within"])
def test_a_sample_of_few_people_keeps_copies_together_and_both_labels_in_every_fold(kind, rng):
    people = [f"{number}" for number in range(6)]
    rows, labels = (people, ["a", "b"] * 3) if kind == "between" else (people * 2, ["a"] * 6 + ["b"] * 6)
    design = make_design(rows, labels, a="a", b="b", kind=kind, n_outer=3, n_repeats=1)
    seen = set()
    for _ in range(50):
        drawn, folds = _sample(design, rng)
        signs, names = design.signs[drawn], design.participants[drawn]
        assert len(drawn) == len(rows)
        assert signs.sum() == 0
        assert all(set(signs[folds == fold]) == {-1, 1} for fold in set(folds))
        assert all(len(set(folds[names == name])) == 1 for name in set(names))
        seen.add(tuple(sorted(drawn)))
    assert len(seen) > 10


@pytest.fixture
def saved(data):
    design, values, _ = data
    model = fit_linear("ridge", table_of(values), design.signs, design.folds[0])
    record = ModelRecord(
        format="painconn-model-1", target="groups", classifier="ridge", setting=model.setting,
        intercept=model.intercept, calibration=vars(model.platt), kind="between", negative="a", positive="b",
        n_negative=12, n_positive=12, n_participants=24, feature_set="blocks",
        features=[f"column{place}" for place in range(40)], contract={}, performance={"auc": 0.8}, made_with={},
    )  # fmt: skip
    draws = Draws(np.ones((3, 40)), np.zeros(3))
    return SavedModel(record, model, draws, np.nanmin(values, axis=0), np.nanmax(values, axis=0))


@pytest.fixture
def regression(data):
    design, values, _ = data
    score = design.signs + np.nan_to_num(values[:, 0])
    given = "ridge_regression", table_of(values), score, design.folds[0]
    model = fit_regression(*given)
    folds = leave_folds_out(*given, model).deciding(0.95)
    record = RegressionRecord(
        format="painconn-regression-1", target="pain", classifier="ridge_regression", setting=model.setting,
        intercept=model.intercept, score="pain", lowest=score.min(), highest=score.max(), interval_level=0.95,
        guaranteed_level=guaranteed_level(24, 3, 0.95), errors=[errors.tolist() for errors in folds.errors],
        n_participants=24, feature_set="blocks", features=[f"column{place}" for place in range(40)], contract={},
        performance={"r2": 0.3}, made_with={},
    )  # fmt: skip
    return SavedRegression(record, model, folds, np.nanmin(values, axis=0), np.nanmax(values, axis=0))


def write(saved, folder, arrays=None, **changes):
    folder.mkdir(exist_ok=True)
    own, record = model_files(saved)
    np.savez(folder / ARRAYS_FILE, **(own | (arrays or {})))
    record = {key: value for key, value in (record | changes).items() if value is not ...}
    (folder / MODEL_FILE).write_text(json.dumps(sealed(record, folder / ARRAYS_FILE)))
    return folder


def reseal(folder):
    content = json.loads((folder / MODEL_FILE).read_text())
    content["arrays_sha256"] = file_hash(folder / ARRAYS_FILE)
    del content["content_sha256"]
    (folder / MODEL_FILE).write_text(json.dumps(content | {"content_sha256": text_hash(canonical_json(content))}))


def test_a_model_is_read_back_bit_for_bit(saved, data, tmp_path):
    again = read_model(write(saved, tmp_path / "model"))
    assert again.record == saved.record
    np.testing.assert_array_equal(again.model.probability(data[2]), saved.model.probability(data[2]))
    np.testing.assert_array_equal(again.draws.weights, saved.draws.weights)
    assert read_model(tmp_path / "model" / MODEL_FILE).record == saved.record


def test_a_regression_is_read_back_bit_for_bit_and_as_what_it_is(regression, saved, data, tmp_path):
    again = read_model(write(regression, tmp_path / "model"))
    assert isinstance(again, SavedRegression)
    assert isinstance(read_model(write(saved, tmp_path / "other")), SavedModel)
    assert again.record == regression.record
    for row in data[2]:
        assert again.answer(row) == regression.answer(row)
    assert "errors" not in (tmp_path / "other" / MODEL_FILE).read_text()


@pytest.mark.parametrize(
    ("arrays", "changes", "told"),
    [
        ({"fold_weights": np.zeros((3, 39))}, {}, r"fold_weights · found: float64 \(3, 39\)"),
        ({"fold_weights": np.zeros((4, 40)), "fold_intercepts": np.zeros(4)}, {}, "4 folds · wanted: 3"),
        ({"draw_weights": np.zeros((3, 40))}, {}, "draw_weights"),
        ({}, {"format": "painconn-model-1"}, "calibration · found: missing"),
        ({}, {"format": "painconn-regression-2"}, "format · found: another one · wanted: painconn-model-1 or"),
        ({}, {"format": ["painconn-regression-1"]}, "format · found: another one · wanted: painconn-model-1 or"),
        ({}, {"errors": [[1.0, 1.0], [1.0], [1.0]]}, "at most 1 errors of a fold"),
        ({}, {"errors": [[-1.0]] * 3}, "errors.0.0 · found: greater_than_equal"),
        ({}, {"interval_level": 0.99}, "do not fit each other · wanted: interval_level 0.95 with 24 participants"),
        ({}, {"interval_level": 1e-12, "lowest": 1e6}, "interval_level 0.95 .*; a lowest score that is not above"),
        ({}, {"guaranteed_level": 0.999}, "wanted: guaranteed_level 0.7.* with 24 participants and 3 folds"),
        ({}, {"score": "pain\x1b[2J"}, "score · found: string_pattern_mismatch"),
        ({}, {"score": ...}, "score · found: missing"),
    ],
)
def test_what_no_regression_holds_is_refused_even_with_right_hashes(regression, tmp_path, arrays, changes, told):
    with pytest.raises(InputError, match=told):
        read_model(write(regression, tmp_path / "model", arrays, **changes))


def test_a_changed_byte_is_seen_in_either_file(saved, tmp_path):
    folder = write(saved, tmp_path / "model")
    text = (folder / MODEL_FILE).read_text()
    (folder / MODEL_FILE).write_text(text.replace('"auc": 0.8', '"auc": 0.9'))
    with pytest.raises(InputError, match=r"model.json .*it was changed"):
        read_model(folder)
    (folder / MODEL_FILE).write_text(text)
    content = bytearray((folder / ARRAYS_FILE).read_bytes())
    content[200] ^= 1
    (folder / ARRAYS_FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"coefficients.npz .*sha256"):
        read_model(folder)


@pytest.mark.parametrize(
    ("arrays", "changes", "told"),
    [
        ({"weights": np.zeros(3)}, {}, r"weights · found: float64 \(3,\)"),
        ({"weights": np.full(40, np.nan)}, {}, "weights · found: numbers that no model has"),
        ({"scale": np.zeros(40)}, {}, "scale above 0"),
        ({"mean": np.array([{}] * 40)}, {}, "without objects"),
        ({"mean": np.array(["x"] * 40)}, {}, "mean · found: <U1"),
        ({"draw_weights": np.zeros((0, 40)), "draw_intercepts": np.zeros(0)}, {}, "1 to 10000 draws"),
        ({"extra": np.zeros(1)}, {}, "extra"),
        ({}, {"features": ["a"]}, r"wanted: float64 \(1,\)"),
        ({}, {"features": ...}, "features · found: missing"),
        ({}, {"run": "rm"}, "run · found: extra_forbidden"),
        ({}, {"format": "painconn-model-9"}, "format"),
        ({}, {"setting": "inf"}, "setting · found: finite_number"),
        ({}, {"calibration": {"slope": -1, "intercept": 0, "threshold": 0.5}}, "calibration.slope"),
    ],
)
def test_what_no_model_holds_is_refused_even_with_right_hashes(saved, tmp_path, arrays, changes, told):
    with pytest.raises(InputError, match=told):
        read_model(write(saved, tmp_path / "model", arrays, **changes))


def test_files_that_are_no_archive_and_promises_of_absurd_size_are_refused(saved, tmp_path):
    folder = write(saved, tmp_path / "model")
    (folder / ARRAYS_FILE).write_bytes(pickle.dumps(print))
    reseal(folder)
    with pytest.raises(InputError, match="not an archive of plain arrays"):
        read_model(folder)
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }"
    write(saved, folder)
    with zipfile.ZipFile(folder / ARRAYS_FILE) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(folder / ARRAYS_FILE, "w") as archive:
        for name, content in (members | {"weights.npy": header.ljust(127) + b"\n"}).items():
            archive.writestr(name, content)
    reseal(folder)
    with pytest.raises(InputError, match="not an archive of plain arrays"):
        read_model(folder)
    (folder / MODEL_FILE).write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        read_model(folder)
    (folder / MODEL_FILE).unlink()
    with pytest.raises(InputError, match="no such file"):
        read_model(folder)
