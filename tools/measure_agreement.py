"""Measure the interval and the verdict of the agreement of inverses on simulated studies.

``python tools/measure_agreement.py`` prints how often the interval of the rank correlation covers the value that as
many people give on average, and what becomes of one finding when the effect under the other inverse is the same, half
of it, or none (tables of docs/method/comparison.md).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from painconn.inference.agreement import Evidence, effect_agreement, outcome
from painconn.inference.effects import hedges_correction, noncentrality_interval
from painconn.inference.model import linear_model
from painconn.inference.rearrangements import permutations, sign_flips
from painconn.inference.results import FamilyDesign

PEOPLE = (16, 24, 60)
N_TESTS, N_COVERED, N_FOUND = 63, 200, 1500
LEVEL = 0.0025
SHARED_NOISE = (0.6, 0.8, 0.95)
TRUE_EFFECT, OTHER_EFFECTS = 0.8, (0.8, 0.4, 0.0)
TRUTHS = ((0.8, 0.8, 0.3), (0.5, 0.9, 0.5), (0.8, 0.0, 0.0), (0.3, 0.3, 0.4))
"""Correlation of the noise under both inverses, correlation of the effects, standard deviation of the effects."""


def design_of(n_people: int, kind: str) -> FamilyDesign:
    """Return a design without covariates, within people (``dz``) or between two equal groups (``hedges_g``)."""
    everybody = np.ones(n_people, bool)
    if kind == "dz":
        model = linear_model(everybody.astype(float), np.empty((n_people, 0)), everybody[None].astype(float), where="")
        return FamilyDesign(model, (sign_flips(n_people, n_permutations=500, seed=1),), everybody, everybody, kind, ())
    in_b = np.arange(n_people) % 2 == 1
    model = linear_model(in_b.astype(float), np.ones((n_people, 1)), np.array([~in_b, in_b], float), where="")
    shuffles = permutations(np.zeros(n_people, int), n_permutations=500, seed=1, labels=in_b)
    return FamilyDesign(model, (shuffles,), ~in_b, in_b, kind, ())


def coverage(n_people: int, kind: str, shared: float, alike: float, spread: float) -> tuple[float, float, float]:
    """Return the average rank correlation, the share of intervals that cover it, and the average by chance."""
    design = design_of(n_people, kind)
    rng = np.random.default_rng(5)
    mixing = np.linalg.cholesky(0.4 + 0.6 * np.eye(N_TESTS)).T
    first = rng.normal(size=N_TESTS) * spread
    second = alike * first + np.sqrt(1 - alike**2) * rng.normal(size=N_TESTS) * spread
    treated = np.ones(n_people) if kind == "dz" else design.people_b.astype(float)
    rows = []
    for study in range(N_COVERED):
        noise = rng.normal(size=(n_people, N_TESTS)) @ mixing
        other = shared * noise + np.sqrt(1 - shared**2) * (rng.normal(size=(n_people, N_TESTS)) @ mixing)
        values = (noise + np.outer(treated, first), other + np.outer(treated, second))
        found = effect_agreement(design, *values, n_resamples=200, seed=study)
        rows.append((found.rank_correlation, found.low, found.high, found.chance_correlation))
    observed, low, high, chance = np.array(rows).T
    truth = float(np.tanh(np.arctanh(observed).mean()))
    return truth, float(np.mean((low <= truth) & (truth <= high))), float(chance.mean())


def evidence(values: NDArray[np.float64]) -> list[Evidence]:
    """Test the mean of every study within people; values (people, studies)."""
    n_people = len(values)
    t = values.mean(axis=0) / values.std(axis=0, ddof=1) * np.sqrt(n_people)
    low, high = (bound / np.sqrt(n_people) for bound in noncentrality_interval(t, n_people - 1))
    size = hedges_correction(n_people - 1) * t / np.sqrt(n_people)
    found = 2 * stats.t.sf(abs(t), n_people - 1) < LEVEL
    return [Evidence(*map(float, row[:3]), bool(row[3])) for row in zip(size, low, high, found, strict=True)]


def outcomes(n_people: int, shared: float, other_effect: float) -> dict[str, float]:
    """Return the share of each outcome among studies with a finding, and of 'not significant under both'."""
    rng = np.random.default_rng(1)
    noise, apart = rng.standard_normal((2, n_people, N_FOUND))
    first = evidence(noise + TRUE_EFFECT)
    second = evidence(shared * noise + np.sqrt(1 - shared**2) * apart + other_effect)
    pairs = [pair for pair in zip(first, second, strict=True) if pair[0].found]
    words = [outcome(*pair) for pair in pairs]
    shares = {word: words.count(word) / len(words) for word in ("holds", "weaker", "depends")}
    return shares | {"by significance": float(np.mean([not (b.found and a.size * b.size > 0) for a, b in pairs]))}


def main() -> None:
    """Print both tables."""
    print("| people | effect | noise shared | effects alike | spread | correlation | covered | when nothing differs |")
    print("|---" * 8 + "|")
    for kind in ("dz", "hedges_g"):
        for n_people in PEOPLE:
            for truth in TRUTHS:
                correlation, covered, chance = coverage(n_people, kind, *truth)
                told = " | ".join(f"{value:g}" for value in truth)
                print(
                    f"| {n_people} | {kind} | {told} | {correlation:.2f} | {covered:.1%} | {chance:.2f} |", flush=True
                )
    print("\n| people | effect under the other | holds | weaker | depends | by significance |\n" + "|---" * 6 + "|")
    for n_people in PEOPLE:
        for other in OTHER_EFFECTS:
            found = [outcomes(n_people, shared, other) for shared in SHARED_NOISE]
            ranges = [(min(one[word] for one in found), max(one[word] for one in found)) for word in found[0]]
            print(f"| {n_people} | {other:g} | " + " | ".join(f"{low:.0%}-{high:.0%}" for low, high in ranges) + " |")


if __name__ == "__main__":
    main()
