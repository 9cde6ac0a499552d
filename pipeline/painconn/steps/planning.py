"""How many people a target of a study needs: a pool of simulated people, studies drawn from it, and what they find."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from painconn.connectivity.reliability import split_half
from painconn.errors import DesignError, Problem
from painconn.provenance import environment, seed_for
from painconn.simulation.planning import (
    Kind,
    PowerCurve,
    SeenEffect,
    detectable,
    fit_curves,
    m_of,
    people_for,
    seen_effect,
)
from painconn.steps.drawn_studies import ALPHA, N_PERMUTATIONS, Counts, Planted, Pool, draw_studies
from painconn.steps.planned_cohort import STRENGTH, PlantedBlock
from painconn.steps.simulated_pool import Bench, Measured, measure_people, workers

Array = NDArray[np.float64]
Tell = Callable[..., None]

SIZES = (10, 15, 20, 30, 40, 60, 80, 120, 160)
"""People per group (or pairs) of the drawn studies."""

POWERS = (0.8, 0.9)
N_DRAWN = 100
_N_RESAMPLED = 2000


@dataclass(frozen=True)
class PowerPlan:
    """The outcome.

    Attributes
    ----------
    table : DataFrame
        A row per planted block, true effect and number of people.
    record : dict
        Everything else, ready for JSON.
    """

    table: pd.DataFrame
    record: dict[str, Any]


@dataclass(frozen=True)
class _Found:
    """One planted block: its effects as measured, and its power curves."""

    block: PlantedBlock
    position: int
    seen: list[SeenEffect]
    curves: list[PowerCurve]
    found: NDArray[np.intp]


def plan_study(
    bench: Bench,
    *,
    n_people: int,
    today: tuple[int, ...] | None,
    cores: int,
    tell: Tell,
    n_drawn: int = N_DRAWN,
    sizes: Sequence[int] = SIZES,
) -> PowerPlan:
    """Simulate the pool, draw studies from it, and say what they found.

    Parameters
    ----------
    bench : Bench
        Heads, analysis, effects and seed.
    n_people : int
        People in the pool.
    today : tuple of int, optional
        People of the study as it is: of both groups, or pairs.
    cores : int
        Processes at a time.
    tell : callable
        Told what is being done, how much of it is done, and (``total``) of how much.
    n_drawn : int
        Drawn studies for each effect and size.
    sizes : sequence of int
        People per group (or pairs) of the drawn studies.

    Returns
    -------
    plan : PowerPlan

    Raises
    ------
    DesignError
        Primary tests cannot be computed of the simulated people.
    """
    cohort, sizes = bench.cohort, sorted(sizes)
    with workers(bench, cores) as run:
        people = measure_people(bench, n_people, run, partial(tell, "simulated people", total=n_people))
        pool = gather(bench, people)
        planted = [_planted(pool, block) for block in cohort.planted]
        draw = partial(draw_studies, pool, planted, n_drawn=n_drawn, seed=bench.seed)
        counts = run(draw, sizes, partial(tell, "sizes of drawn studies", total=len(sizes)))
    found = list(_fitted(bench, pool, planted, counts))
    strengths = np.stack([one.strengths for one in people])
    record = {
        "kind": cohort.kind,
        "channels": list(cohort.spec.channels),
        "family_size": len(cohort.tests),
        "covariates": list(cohort.covariates),
        "coupling": {"mean": STRENGTH.mean, "sd": STRENGTH.sd},
        "n_people": n_people,
        "n_drawn": n_drawn,
        "n_permutations": N_PERMUTATIONS,
        "alpha": ALPHA,
        "seed": bench.seed,
        "largest_n": sizes[-1],
        "today": list(today) if today else None,
        "false_alarms": _share(sum(one.false_alarms for one in counts), n_drawn * len(counts)),
        "blocks": [_block_record(bench, pool, strengths[:, row], one, today, sizes) for row, one in enumerate(found)],
        "notes": list(cohort.notes),
        "environment": environment(),
    }
    return PowerPlan(_table(bench, found, counts), record)


def gather(bench: Bench, people: Sequence[Measured]) -> Pool:
    """Put the people of a pool together.

    Raises
    ------
    DesignError
        A planted test is missing for somebody.
    """
    cohort = bench.cohort
    values = np.stack([one.values for one in people], axis=1)
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=(0, 1, 2)))
    kept = [(test, band) for test, band, there in zip(cohort.tests, cohort.bands, whole, strict=True) if there]
    lacking = [block.test for block in cohort.planted if not whole[cohort.tests.index(block.test)]]
    if lacking:
        reasons = "; ".join(dict.fromkeys(reason for one in people for reason in one.not_computable))
        found = f"not computable of simulated people: {', '.join(lacking)} ({reasons or 'no reason was given'})"
        fix = "choose another primary measure or bands, or more epochs"
        raise DesignError(Problem("the primary family", found, "tests that can be computed", fix))
    return Pool(
        kind=cohort.kind,
        tests=tuple(test for test, _ in kept),
        bands=tuple(band for _, band in kept),
        effects=bench.effects,
        values=values[..., whole],
        halves=np.stack([one.halves for one in people], axis=1)[..., whole],
        covariates=np.stack([one.covariates for one in people]),
    )


def _planted(pool: Pool, block: PlantedBlock) -> Planted:
    """Return the test of a block, and the tests of its band: all that its coupling may move."""
    return Planted(pool.tests.index(block.test), np.array([band == block.band for band in pool.bands]))


def _fitted(bench: Bench, pool: Pool, planted: Sequence[Planted], counts: Sequence[Counts]) -> Iterator[_Found]:
    rng = np.random.default_rng(seed_for(bench.seed, "resampled pools"))
    resampled = rng.integers(pool.n_people, size=(_N_RESAMPLED, pool.n_people))
    kind = bench.cohort.kind
    sizes = np.array([m_of(one.n, kind) for one in counts])
    for row, (block, one) in enumerate(zip(bench.cohort.planted, planted, strict=True)):
        pairs = [pool.sides(effect, one.test) for effect in range(1, len(pool.effects))]
        seen = [seen_effect(*pair, resampled, kind=kind) for pair in pairs]
        # A measure may fall or rise with the coupling; what counts is the way in which the largest effect moves it.
        if seen[-1].value < 0:
            seen = [-effect for effect in seen]
        found = np.array([count.found[row] for count in counts]).T
        drawn = np.broadcast_to([count.n_drawn for count in counts], found.shape)
        curves = fit_curves(
            seen, sizes, found, drawn, family_size=len(bench.cohort.tests), alpha=ALPHA,
            rng=np.random.default_rng(seed_for(bench.seed, "power curves", block.test)),
        )  # fmt: skip
        yield _Found(block, one.test, seen, curves, found)


def _table(bench: Bench, found: Sequence[_Found], counts: Sequence[Counts]) -> pd.DataFrame:
    rows = []
    for one in found:
        for place, (d, curve) in enumerate(zip(bench.effects[1:], one.curves, strict=True)):
            for column, count in enumerate(counts):
                power, low, high = curve.power(m_of(count.n, bench.cohort.kind))
                rows.append(
                    {
                        "band": one.block.band,
                        "block": " with ".join(one.block.groups),
                        "d": d,
                        "d_measured": curve.effect.value,
                        "d_measured_low": curve.effect.interval[0],
                        "d_measured_high": curve.effect.interval[1],
                        "n": count.n,
                        "power": power,
                        "power_low": low,
                        "power_high": high,
                        "n_found": int(one.found[place, column]),
                        "n_drawn": count.n_drawn,
                    }
                )
    return pd.DataFrame(rows)


def _block_record(
    bench: Bench, pool: Pool, strengths: Array, one: _Found, today: tuple[int, ...] | None, sizes: Sequence[int]
) -> dict[str, Any]:
    kind = bench.cohort.kind
    return {
        "test": one.block.test,
        "band": one.block.band,
        "groups": list(one.block.groups),
        "reliability": _reliability(pool, one.position),
        "r_with_true_coupling": _correlation(strengths, pool.values[0, :, 0, one.position]),
        "slope": one.curves[0].slope,
        "critical": one.curves[0].critical,
        "effects": [
            {
                "d": d,
                "d_measured": _estimate(curve.effect.value, *curve.effect.interval),
                "attenuation": _estimate(*(value / d for value in (curve.effect.value, *curve.effect.interval))),
                "people": {f"{power:g}": _people(curve, power, kind, sizes[-1]) for power in POWERS},
                "power_today": _estimate(*curve.power(_m_today(today))) if today else None,
            }
            for d, curve in zip(bench.effects[1:], one.curves, strict=True)
        ],
        "detectable_today": _detectable_today(bench, one, today) if today else None,
    }


def _people(curve: PowerCurve, power: float, kind: Kind, largest: int) -> dict[str, float | int | None]:
    """Return the smallest number of people; None stands for more than were tried."""
    numbers = [people_for(m, kind) for m in curve.needed_m(power)]
    return dict(zip(("n", "low", "high"), [int(n) if n <= largest else None for n in numbers], strict=True))


def _m_today(today: tuple[int, ...]) -> float:
    return float(np.prod(today) / np.sum(today)) if len(today) > 1 else float(today[0])


def _detectable_today(bench: Bench, one: _Found, today: tuple[int, ...]) -> dict[str, dict[str, float | None]]:
    """Return the true effects that the study as it is finds with each power; None stands for more than were tried."""
    m, true = _m_today(today), np.array(bench.effects[1:])
    needed = {power: one.curves[0].needed_effect(m, power) for power in POWERS}
    return {f"{power:g}": _estimate(*detectable(true, one.seen, needed[power])) for power in POWERS}


def _reliability(pool: Pool, test: int) -> dict[str, float | None]:
    """Return the split-half reliability of what is tested, without an effect."""
    values = pool.halves[..., test]
    first, second = values[..., 0] if pool.kind == "between" else values[..., 1] - values[..., 0]
    agreement = split_half(first[:, None], second[:, None])
    return _estimate(float(agreement.reliability[0]), float(agreement.low[0]), float(agreement.high[0]))


def _correlation(first: Array, second: Array) -> dict[str, float | None]:
    from scipy.stats import pearsonr

    found = pearsonr(first, second)
    interval = found.confidence_interval()
    return _estimate(float(found.statistic), float(interval.low), float(interval.high))


def _share(found: int, n_drawn: int) -> Mapping[str, float | int]:
    low, high = proportion_confint(found, n_drawn, method="wilson")
    return {"found": found, "drawn": n_drawn, "share": found / n_drawn, "low": float(low), "high": float(high)}


def _estimate(value: float, low: float, high: float) -> dict[str, float | None]:
    """Return a number with its interval; what is not finite becomes None."""
    numbers = {"value": value, "low": low, "high": high}
    return {name: float(number) if np.isfinite(number) else None for name, number in numbers.items()}
