"""Where a number comes from: seeds, hashes, versions and threads."""

import ast
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Any

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_CHUNK_BYTES = 1 << 20
_PACKAGE = Path(__file__).resolve().parent

SHIPPED = _PACKAGE if (_PACKAGE / "workflow").is_dir() else _PACKAGE.parents[1]
"""Folder that holds ``workflow/`` and ``configs/``: the package of an installed wheel, or the checkout."""

SCIENTIFIC_PACKAGES = (
    "autoreject", "matplotlib", "mne", "mne-bids", "mne-connectivity", "mne-icalabel", "numba", "numpy", "onnxruntime",
    "pandas", "pyarrow", "pyprep", "pyriemann", "python-picard", "scikit-learn", "scipy", "snakemake", "statsmodels",
)  # fmt: skip


def seed_for(seed: int, *labels: str) -> int:
    """Derive a seed from the study seed and labels, never from order of execution.

    Parameters
    ----------
    seed : int
        The study seed.
    *labels : str
        What the random numbers are for (step, participant, session, condition ...).

    Returns
    -------
    derived : int
        A number in [0, 2**63).
    """
    text = json.dumps([seed, *labels], ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def text_hash(text: str) -> str:
    """Return the sha256 of a text (UTF-8), as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces, so that equal settings give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def settings_json(value: Any) -> str:
    """Return JSON in the order of the study file (groups and bands have an order that people chose)."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def package_versions(names: Iterable[str] = SCIENTIFIC_PACKAGES) -> dict[str, str]:
    """Return the installed version of each distribution; those not installed are left out."""
    versions = {}
    for name in sorted(names):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def environment() -> dict[str, Any]:
    """Return what a rerun elsewhere needs to know: Python, platform family, versions and thread limits."""
    threads = {name: os.environ.get(name, "unset") for name in _THREAD_LIMITS}
    return {
        "painconn": metadata.version("painconn"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": package_versions(),
        "threads": threads,
    }


_NOT_HASHED = {"painconn.cli", "painconn.errors", "painconn.provenance"}
# Models and page take names and descriptions from a registry; whoever else imports one calls what it names.
_LOOK_NAMES_UP = ("painconn.config.", "painconn.reporting.")
_DISTRIBUTIONS = {
    "autoreject": "autoreject", "mne": "mne", "mne_bids": "mne-bids", "mne_icalabel": "mne-icalabel",
    "nibabel": "nibabel", "numba": "numba", "numpy": "numpy", "onnxruntime": "onnxruntime", "pandas": "pandas",
    "picard": "python-picard", "pyprep": "pyprep", "pyriemann": "pyriemann", "scipy": "scipy",
    "sklearn": "scikit-learn", "statsmodels": "statsmodels",
}  # fmt: skip


@cache
def _import_graph() -> Any:
    import grimp

    return grimp.build_graph("painconn", include_external_packages=True, cache_dir=None)


def code_closure(module: str) -> tuple[list[str], list[str]]:
    """Return the modules a step depends on and the scientific packages they import.

    The closure follows static imports and the ``"module:function"`` entries of registries; ``cli``, ``errors`` and
    ``provenance`` are left out because they cannot change a number.

    Parameters
    ----------
    module : str
        Full name of the step's module, e.g. ``painconn.steps.clean``.

    Returns
    -------
    modules, distributions : list of str
        Sorted names.
    """
    graph = _import_graph()
    seen: set[str] = set()
    pending = {module}
    packages: set[str] = set()
    while pending:
        current = pending.pop()
        if current in seen or current in _NOT_HASHED:
            continue
        seen.add(current)
        for imported in graph.find_modules_directly_imported_by(current):
            if imported.split(".")[0] == "painconn":
                pending.add(imported)
                if imported.endswith(".registry") and not current.startswith(_LOOK_NAMES_UP):
                    pending.update(_registered(imported))
            else:
                packages.add(imported.split(".")[0])
    return sorted(seen), sorted({_DISTRIBUTIONS[name] for name in packages if name in _DISTRIBUTIONS})


def code_hash(module: str) -> str:
    """Return a hash of a step's code closure and of the versions of the scientific packages it uses.

    Comments, layout and docstrings do not count: only what can change a number does.
    """
    modules, distributions = code_closure(module)
    sources = {name: _code_of(name) for name in modules}
    return text_hash(canonical_json({"sources": sources, "packages": package_versions(distributions)}))[:16]


@cache
def _registered(registry: str) -> frozenset[str]:
    """Return the modules that the entries of a registry name (``"module:function"``)."""
    found = set()
    for value in vars(import_module(registry)).values():
        for entry in value.values() if isinstance(value, Mapping) else ():
            module, separator, _ = str(getattr(entry, "function", "")).partition(":")
            if separator:
                found.add(module)
    return frozenset(found)


@cache
def _code_of(module: str) -> str:
    return text_hash(_meaning(_source(module)))


def _source(module: str) -> str:
    spec = util.find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    return Path(spec.origin).read_text(encoding="utf-8")


def _meaning(source: str) -> str:
    """Return the syntax tree of a source without docstrings, as text."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
