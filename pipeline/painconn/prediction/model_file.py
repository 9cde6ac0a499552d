"""A fitted linear model on disk: JSON and plain arrays, nothing that can run.

Conventions of this file: a model is a folder with ``model.json`` (what the numbers are about, and how recordings have
to be prepared) and ``coefficients.npz`` (numbers only, read without pickle). ``model.json`` holds the sha256 of the
arrays and of its own content, and its format says whether it is a classifier or a regression. What is read is
somebody else's: sizes, shapes and numbers are checked before use.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from painconn.errors import InputError, Problem
from painconn.prediction.calibration import PlattScaling
from painconn.prediction.linear import Draws, LinearClassifier, LinearModel
from painconn.prediction.number_linear import FoldModels
from painconn.prediction.saved_model import (
    CLASSIFIER_FORMAT,
    REGRESSION_FORMAT,
    ModelRecord,
    RegressionRecord,
    Saved,
    SavedModel,
    SavedRegression,
)
from painconn.provenance import canonical_json, file_hash, text_hash

MODEL_FILE = "model.json"
ARRAYS_FILE = "coefficients.npz"
CARD_FILE = "model_card.md"

_MOST_OTHERS = 10_000
_MOST_JSON_BYTES = 100_000_000
_MOST_ARRAY_BYTES = 4_000_000_000
_VECTORS = ("mean", "scale", "weights", "low", "high")
_OTHERS = {CLASSIFIER_FORMAT: "draw", REGRESSION_FORMAT: "fold"}
"""What the models of other people are called that lie beside the model."""

_FIX = "ask for the model again, or save it again by running its study"


def model_files(saved: Saved) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
    """Return the arrays and the record to write; :func:`sealed` adds the hashes."""
    others = saved.draws if isinstance(saved, SavedModel) else saved.folds
    name = _OTHERS[saved.record.format]
    arrays = {
        "mean": saved.model.mean,
        "scale": saved.model.scale,
        "weights": saved.model.weights,
        "low": saved.low,
        "high": saved.high,
        f"{name}_weights": others.weights,
        f"{name}_intercepts": others.intercepts,
    }
    return arrays, saved.record.model_dump(mode="json")


def sealed(record: Mapping[str, Any], arrays_file: Path) -> dict[str, Any]:
    """Return the content of ``model.json``: the record, and the sha256 of the arrays and of the record itself."""
    named = {**record, "arrays_sha256": file_hash(arrays_file)}
    return {**named, "content_sha256": text_hash(canonical_json(named))}


def read_model(folder: Path) -> Saved:
    """Read a model that may come from anywhere.

    Parameters
    ----------
    folder : Path
        A folder with ``model.json`` and ``coefficients.npz``, or that ``model.json``.

    Raises
    ------
    InputError
        When a file is missing, is not what its hash says, lacks something, or holds what no model holds.
    """
    folder = folder.parent if folder.name == MODEL_FILE else folder
    record = _read_record(folder / MODEL_FILE, folder / ARRAYS_FILE)
    others = _OTHERS[record.format]
    arrays = _read_arrays(folder / ARRAYS_FILE, len(record.features), others)
    weights, intercepts = arrays[f"{others}_weights"], arrays[f"{others}_intercepts"]
    numbers = (arrays["mean"], arrays["scale"], arrays["weights"], record.intercept, record.setting)
    if isinstance(record, RegressionRecord):
        if len(intercepts) != len(record.errors):
            raise _refusal(ARRAYS_FILE, f"{len(intercepts)} folds", f"{len(record.errors)}, as in {MODEL_FILE}")
        errors = tuple(np.array(own) for own in record.errors)
        folds = FoldModels(weights, intercepts, errors, record.n_participants)
        return SavedRegression(record, LinearModel(*numbers), folds, arrays["low"], arrays["high"])
    platt = PlattScaling(record.calibration.slope, record.calibration.intercept, record.calibration.threshold)
    draws = Draws(weights, intercepts)
    return SavedModel(record, LinearClassifier(*numbers, platt), draws, arrays["low"], arrays["high"])


def _read_record(path: Path, arrays_file: Path) -> ModelRecord | RegressionRecord:
    for needed in (path, arrays_file):
        if not needed.is_file():
            raise _refusal(needed.name, "no such file", f"a folder with {MODEL_FILE} and {ARRAYS_FILE}")
    if path.stat().st_size > _MOST_JSON_BYTES:
        raise _refusal(path.name, f"{path.stat().st_size} bytes", f"at most {_MOST_JSON_BYTES}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise _refusal(path.name, "not JSON", "a whole JSON file") from None
    if not isinstance(content, dict):
        raise _refusal(path.name, type(content).__name__, "an object with the fields of a model")
    seal, arrays_hash = content.pop("content_sha256", None), content.get("arrays_sha256")
    found = text_hash(canonical_json(content))
    if found != seal:
        raise _refusal(path.name, f"content with sha256 {found[:12]}", f"sha256 {str(seal)[:12]}: it was changed")
    found = file_hash(arrays_file)
    if found != arrays_hash:
        raise _refusal(arrays_file.name, f"sha256 {found[:12]}", f"sha256 {str(arrays_hash)[:12]}")
    content.pop("arrays_sha256")
    kind = content.get("format")
    if kind not in (CLASSIFIER_FORMAT, REGRESSION_FORMAT):
        known = f"{CLASSIFIER_FORMAT} or {REGRESSION_FORMAT}"
        raise _refusal(f"{path.name}, format", "another one" if kind else "none", known)
    try:
        return (RegressionRecord if kind == REGRESSION_FORMAT else ModelRecord).model_validate(content)
    except ValidationError as error:
        raise InputError(list(_record_problems(path.name, error))) from None


def _record_problems(name: str, error: ValidationError) -> Iterator[Problem]:
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        where = f"{name}, {'.'.join(map(str, one['loc'])) or 'content'}"
        if one["type"] == "value_error":
            yield Problem(where, "fields that do not fit each other", one["msg"].removeprefix("Value error, "), _FIX)
        else:
            yield Problem(where, one["type"], one["msg"], _FIX)


def _read_arrays(path: Path, n_features: int, others: str) -> dict[str, NDArray[np.float64]]:
    wanted = {*_VECTORS, f"{others}_weights", f"{others}_intercepts"}
    try:
        # The directory of the archive says how large each array will be: a small file can unpack to anything.
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            names = {member.filename.removesuffix(".npy") for member in archive.infolist()}
        if size > _MOST_ARRAY_BYTES or names != wanted:
            raise _refusal(path.name, f"{size} bytes: {', '.join(sorted(names))[:200]}", ", ".join(sorted(wanted)))
        with np.load(path, allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in sorted(wanted)}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError, MemoryError):
        raise _refusal(path.name, "not an archive of plain arrays", "arrays of numbers, without objects") from None
    problems = list(_misfits(path.name, arrays, n_features, others))
    if problems:
        raise InputError(problems)
    return arrays


def _misfits(name: str, arrays: Mapping[str, NDArray[Any]], n_features: int, others: str) -> list[Problem]:
    intercepts = arrays[f"{others}_intercepts"]
    n_others = intercepts.shape[0] if intercepts.ndim == 1 else -1
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_VECTORS, (n_features,))
    shapes |= {f"{others}_weights": (n_others, n_features), f"{others}_intercepts": (n_others,)}
    problems = []
    for key, wanted in shapes.items():
        values = arrays[key]
        if values.dtype != np.float64 or values.shape != wanted or not 0 < n_others <= _MOST_OTHERS:
            found = f"{values.dtype} {values.shape}"
            problems.append(Problem(f"{name}, {key}", found, f"float64 {wanted}, 1 to {_MOST_OTHERS} {others}s", _FIX))
        elif not np.isfinite(values).all() or (key == "scale" and not (values > 0).all()):
            problems.append(Problem(f"{name}, {key}", "numbers that no model has", "finite; scale above 0", _FIX))
    return problems


def _refusal(where: str, found: str, wanted: str) -> InputError:
    return InputError(Problem(where, found, wanted, _FIX))
