"""How benchmarks measure: alternating runs, process CPU time, agreement, threads and the load of the machine."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import psutil
from numpy.typing import ArrayLike

OURS = "painconn"


@dataclass(frozen=True)
class Measured:
    """Median CPU and wall seconds of each function, and what it returned last."""

    cpu_s: dict[str, float]
    wall_s: dict[str, float]
    outputs: dict[str, Any]


@dataclass
class Load:
    """What other processes did meanwhile."""

    other_cores: float = float("nan")


def turns(repeats: Mapping[str, int]) -> Iterator[str]:
    """Yield names in alternating order; a name with few repeats comes in the middle of the rounds."""
    n_rounds = max(repeats.values())
    for number in range(n_rounds):
        for name, count in repeats.items():
            done, due = ((2 * step * count + n_rounds) // (2 * n_rounds) for step in (number, number + 1))
            if due > done:
                yield name


def alternate(functions: Mapping[str, Callable[[], Any]], repeats: Mapping[str, int]) -> Measured:
    """Time functions in turns in this process.

    Parameters
    ----------
    functions : mapping
        What to time, by name; already warm (compiled, imported).
    repeats : mapping
        How often each of them runs.

    Returns
    -------
    measured : Measured
        CPU seconds are those of the process (user and system, all its threads).
    """
    if set(functions) != set(repeats):
        raise ValueError(f"functions are {sorted(functions)}, repeats are given for {sorted(repeats)}")
    cpu_s: dict[str, list[float]] = {name: [] for name in functions}
    wall_s: dict[str, list[float]] = {name: [] for name in functions}
    outputs: dict[str, Any] = {}
    for name in turns(repeats):
        outputs.pop(name, None)
        gc.collect()
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        output = functions[name]()
        cpu_s[name].append(time.process_time() - cpu_start)
        wall_s[name].append(time.perf_counter() - wall_start)
        outputs[name] = output
        del output
    return Measured(
        cpu_s={name: statistics.median(values) for name, values in cpu_s.items()},
        wall_s={name: statistics.median(values) for name, values in wall_s.items()},
        outputs=outputs,
    )


def agreement(ours: ArrayLike, peer: ArrayLike) -> float:
    """Return the largest absolute difference; infinite where only one of the two is NaN or the shapes differ."""
    first, second = np.asarray(ours), np.asarray(peer)
    if first.shape != second.shape or not np.array_equal(np.isnan(first), np.isnan(second)):
        return float("inf")
    differences = np.abs(first - second)[~np.isnan(first)]
    return float(differences.max()) if differences.size else float("nan")


def agrees(differences: Mapping[str, float], limit: float | Mapping[str, float] | None) -> bool:
    """Whether every difference is within its limit; a difference without a number is not."""
    if limit is None:
        return True
    limits = limit if isinstance(limit, Mapping) else dict.fromkeys(differences, limit)
    return all(value <= limits[name] for name, value in differences.items())


def entry(
    workload: str,
    *,
    described: str,
    peer: str,
    cpu_s: Mapping[str, float],
    differences: Mapping[str, float],
    limit: float | Mapping[str, float],
    goal_ratio: float | None = None,
    note: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return the result of a workload with one peer: ratio of CPU seconds, and whether goal and agreement are met."""
    peer_s = next(value for name, value in cpu_s.items() if name != OURS)
    ratio = peer_s / cpu_s[OURS]
    return {
        "workload": workload,
        "input": described,
        "peer": peer,
        "cpu_s": dict(cpu_s),
        "ratio": ratio,
        "goal_ratio": goal_ratio,
        "met": (goal_ratio is None or ratio >= goal_ratio) and agrees(differences, limit),
        "agreement": dict(differences),
        "agreement_limit": limit,
        "extrapolated_from": None,
        "note": note,
        **more,
    }


def with_version(distribution: str) -> str:
    """Return the name of an installed distribution and its version."""
    return f"{distribution} {metadata.version(distribution)}"


def own_cpu_s() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def busy_cpu_s() -> float:
    """Return the CPU seconds that the machine has spent on anything."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


@contextmanager
def load_watched() -> Iterator[Load]:
    """Measure how many cores other processes kept busy inside the block."""
    load = Load()
    start = time.perf_counter(), busy_cpu_s(), own_cpu_s()
    yield load
    wall, busy, own = (
        now - then for now, then in zip((time.perf_counter(), busy_cpu_s(), own_cpu_s()), start, strict=True)
    )
    load.other_cores = max(0.0, (busy - own) / wall)


def two_threads(function: Callable[[], Any], *, rounds: int = 3) -> tuple[Measured, Load]:
    """Run a function with "1" and with "2" numba threads in turns; needs ``NUMBA_NUM_THREADS`` of at least 2."""
    import numba

    def threaded(count: int) -> Any:
        numba.set_num_threads(count)
        return function()

    functions = {str(count): lambda count=count: threaded(count) for count in (1, 2)}
    with load_watched() as load:
        measured = alternate(functions, dict.fromkeys(functions, rounds))
    return measured, load
