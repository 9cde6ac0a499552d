"""Rule ``pinprick``: hyperalgesia at the painful and at a remote site, against controls.

Ratings are log-transformed after adding a small constant, which keeps ratings of 0 (Rolke et al. 2006, Pain
123:231-243: 0.1 on a scale from 0 to 100; here a thousandth of the range, so that the scale does not matter),
averaged over the trials of a force, then over forces. A person's mean becomes z against the controls' mean at the
same site, adjusted for age and sex where that is possible (Magerl et al. 2010, 10.1016/j.pain.2010.07.026). Above the
cut at the painful and the remote site: *widespread*; at the painful site only: *localized*; at the remote site only,
at neither, or not known: unclassified.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.phenotype import Phenotype
from painconn.errors import Problem
from painconn.recordings.phenotype.adjustment import Adjustment, choose_adjustment
from painconn.recordings.phenotype.evidence import MISSING, Cut, Evidence, Outcome, Sitting, number_cuts
from painconn.recordings.phenotype.forces import Forces, choose_forces
from painconn.recordings.phenotype.reference import FEWEST_FREE, Reference
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.phenotype.trials import Trial, read_trials

CUT, NEIGHBOURS = 1.96, (1.5, 1.64, 2.5)
REMOTE_ONLY, NEITHER = "remote only", "neither"
SITES = ("painful", "remote")

Key = tuple[str, str]


@dataclass(frozen=True)
class _Site:
    """Means of one site, by person and session, and where they lie."""

    means: dict[Key, float]
    forces: Forces
    reference: Reference
    against: dict[Key, tuple[float, float]]
    n_controls_above: int


def score_ratings(rows: Rows, phenotype: Phenotype, people: pd.DataFrame, controls: frozenset[str]) -> Evidence:
    """Read ratings trial by trial (or a column per site) and turn each site into a distance from the controls."""
    from scipy.stats import norm

    chosen, cuts = number_cuts(phenotype, CUT, NEIGHBOURS, name="z {:g}", limit="z")
    widened = Cut(f"modified t, as rare as {chosen.name}", {"p": float(norm.sf(chosen.limits["z"]))})
    trials, notes = read_trials(rows, phenotype)
    if rows.problems:
        return Evidence((), _judge, cuts, chosen)
    low, high = phenotype.rating_range
    offset = phenotype.offset or (high - low) / 1000
    listed = sorted({trial.participant for trial in trials})
    rated = controls & {trial.participant for trial in trials if trial.rating is not None}
    adjustment = choose_adjustment(people.loc[listed], rated, phenotype.adjust_for, rows.problems)
    sites = {}
    for site in SITES:
        there = [trial for trial in trials if trial.site == site]
        forces = choose_forces(there, site, controls, rows)
        found = None
        if forces is not None:
            means = _means(there, forces, low - offset)
            found = _site(site, means, forces, adjustment, controls, chosen.limits["z"], rows)
        if found is not None:
            sites[site] = found
    if rows.problems:
        return Evidence((), _judge, cuts, chosen)
    facts = {
        "offset": offset,
        "adjusted_for": list(adjustment.names),
        "sites": {site: _facts(found, chosen) for site, found in sites.items()},
    }
    expected = {
        cut.name: max(found.reference.expected_false_positives(cut.limits["z"]) for found in sites.values())
        for cut in cuts
    }
    return Evidence(
        tuple(_sittings(trials, sites, adjustment)),
        _judge,
        (*cuts, widened),
        chosen,
        facts,
        (
            *notes,
            *_another_scale(trials, phenotype),
            *(note for found in sites.values() for note in found.forces.notes),
            *adjustment.notes,
            *_beyond(adjustment, controls),
        ),
        {**expected, widened.name: widened.limits["p"]},
    )


def _beyond(adjustment: Adjustment, controls: frozenset[str]) -> tuple[str, ...]:
    outside = adjustment.outside(controls) if adjustment.names else 0
    named = " or ".join(adjustment.names)
    return (f"{outside} people lie outside the controls' range of {named}: their z extrapolates",) if outside else ()


def _another_scale(trials: list[Trial], phenotype: Phenotype) -> Iterator[str]:
    """Say when ratings look as if the range had been left alone although the scale is another one."""
    low, high = phenotype.rating_range
    most = low + (high - low) / 10
    top = max((trial.rating for trial in trials if trial.rating is not None), default=low)
    if phenotype.rating_range == type(phenotype).model_fields["rating_range"].default and low < top <= most:
        yield (
            f"no rating is above {top:g}, of {high:g} possible: looks like a scale from {low:g} to {most:g} "
            "(set data.phenotype.rating_range)"
        )


def _means(trials: list[Trial], forces: Forces, zero: float) -> dict[Key, float]:
    """Return the mean log rating of each person and session: over trials, then over forces, all of them or none."""
    logs: dict[Key, dict[str, list[float]]] = {}
    for trial in trials:
        if trial.rating is not None:
            by_force = logs.setdefault((trial.participant, trial.session), {})
            by_force.setdefault(trial.force, []).append(float(np.log(trial.rating - zero)))
    return {
        key: float(np.mean([np.mean(by_force[force]) for force in forces.needed]))
        for key, by_force in logs.items()
        if forces.needed and by_force.keys() >= set(forces.needed)
    }


def _site(
    site: str,
    means: dict[Key, float],
    forces: Forces,
    adjustment: Adjustment,
    controls: frozenset[str],
    cut: float,
    rows: Rows,
) -> _Site | None:
    """Fit the controls of a site and place everybody; a control counts once, whatever the number of sessions."""
    own: dict[str, list[float]] = {}
    for (person, _), mean in means.items():
        if person in controls and adjustment.knows(person):
            own.setdefault(person, []).append(mean)
    names = sorted(own)
    design = adjustment.design(names)
    values = np.array([np.mean(own[name]) for name in names])
    wanted = adjustment.n_terms + FEWEST_FREE
    where = f"{rows.text.name}, {site} site"
    if len(names) < wanted:
        found = f"{len(names)} controls with ratings" + (" and covariates" if adjustment.names else "")
        fix = "add controls, or adjust for less (data.phenotype.adjust_for)"
        rows.problems.append(Problem(where, found, f"at least {wanted}", fix))
        return None
    if np.linalg.matrix_rank(design) < adjustment.n_terms:
        found = f"controls who do not differ in {', '.join(adjustment.names)}, or only together"
        fix = "leave it out of data.phenotype.adjust_for"
        rows.problems.append(Problem(where, found, "controls that tell these columns apart", fix))
        return None
    reference = Reference(design, values)
    if not reference.sd > 1e-9:
        fix = "check data.phenotype.columns and the ratings"
        rows.problems.append(Problem(where, "the same ratings in every control", "controls that differ", fix))
        return None
    others = [key for key in means if key[0] not in own]
    placed = reference.distance(
        adjustment.design([person for person, _ in others]), np.array([means[key] for key in others])
    )
    against = dict(zip(others, zip(placed.z.tolist(), placed.p.tolist(), strict=True), strict=True))
    among = reference.distance_of_controls()
    of_control = dict(zip(names, zip(among.z.tolist(), among.p.tolist(), strict=True), strict=True))
    against |= {key: of_control[key[0]] for key in means if key[0] in own}
    return _Site(means, forces, reference, against, int(np.sum(among.z > cut)))


def _facts(site: _Site, chosen: Cut) -> dict[str, Any]:
    expected = site.reference.expected_false_positives(chosen.limits["z"])
    return {
        "n_controls": site.reference.n,
        "forces": dict(site.forces.shares),
        "degrees_of_freedom": site.reference.n_free,
        "sd_log_rating": site.reference.sd,
        "controls_above_cut": site.n_controls_above,
        "expected_false_positive_rate": expected,
    }


def _sittings(trials: list[Trial], sites: Mapping[str, _Site], adjustment: Adjustment) -> Iterator[Sitting]:
    rows: dict[Key, list[int]] = {}
    counts: dict[tuple[Key, str], int] = {}
    for trial in trials:
        key = (trial.participant, trial.session)
        if trial.row not in rows.setdefault(key, []):
            rows[key].append(trial.row)
        counts[key, trial.site] = counts.get((key, trial.site), 0) + (trial.rating is not None)
    for key, numbers in rows.items():
        values: dict[str, Any] = {}
        missing = list(adjustment.lacking(key[0]))
        for site in SITES:
            z, p = sites[site].against.get(key, (None, None))
            known = z is not None and not np.isnan(z)
            values |= {f"z_{site}": z if known else None, f"p_{site}": p if known else None}
            values |= {f"log_rating_{site}": sites[site].means.get(key), f"n_{site}": counts.get((key, site), 0)}
            if key not in sites[site].means:
                missing.append(f"ratings at the {site} site")
        yield Sitting(key[0], tuple(numbers), values, tuple(missing))


def _judge(values: Mapping[str, Any], cut: Cut) -> Outcome:
    painful, remote = (_above(values, site, cut) for site in SITES)
    if painful is None or remote is None:
        return Outcome(None, MISSING)
    if painful:
        return Outcome("widespread" if remote else "localized")
    return Outcome(None, REMOTE_ONLY if remote else NEITHER)


def _above(values: Mapping[str, Any], site: str, cut: Cut) -> bool | None:
    if values[f"z_{site}"] is None:
        return None
    if "p" in cut.limits:
        return bool(values[f"p_{site}"] < cut.limits["p"])
    return bool(values[f"z_{site}"] > cut.limits["z"])
