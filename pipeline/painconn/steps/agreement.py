"""Per target: whether what was declared under one inverse holds under the others of the study."""

from typing import Any

import numpy as np
import pandas as pd

from painconn.features.names import KEYS
from painconn.inference.agreement import LEVEL, Evidence, deciding, effect_agreement, outcome, verdict
from painconn.inference.families import Family
from painconn.inference.results import Comparison
from painconn.paths import Results
from painconn.provenance import seed_for
from painconn.steps.blinding import with_lots
from painconn.steps.compare import compare_again
from painconn.steps.declare import agreement_family, agreement_set, families, other_inverses
from painconn.steps.selection import read_features
from painconn.store import plain, read_json, read_tsv, write_json

N_RESAMPLES = 1000
CHANCE = {"auc": 0.5, "r2": 0.0}
"""What each headline is when nothing is known of the person tested."""

ONE_INVERSE = "one inverse"
NOT_COMPUTED = "a significant primary test, or everything, could not be computed under both inverses"


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Compare the primary result with the same tests and the same classifier (or regression) under every other inverse.

    The tests and scores themselves are in ``compare.tsv`` (role ``agreement``) and ``scores.json``; nothing of the
    primary result depends on this step.
    """
    settings = with_lots(results, settings)
    table = read_features(results)
    columns = [column for column in table.columns if column not in KEYS]
    others = other_inverses(settings, columns)
    record: dict[str, Any] = {"primary_inverse": settings["target"]["primary"]["inverse"], "others": {}}
    if not others:
        write_json(results.target(name, "agreement.json"), record | {"verdict": "not assessed", "reason": ONE_INVERSE})
        return
    declared = [family for family in families(settings, columns) if family.role in ("primary", "agreement")]
    _, compared = compare_again(declared, table, settings, name)
    rows = read_tsv(results.target(name, "compare.tsv"))
    scores = read_json(results.target(name, "scores.json"))
    primary = declared[0]
    for inverse in others:
        again = next(family for family in declared if family.name == agreement_family(inverse))
        tests, pairs = _tests(rows, primary, again)
        seed = seed_for(settings["seed"], "agreement", name, inverse)
        headline = "r2" if settings["target"]["contrast"]["kind"] == "association" else "auc"
        classifier = _classifier(scores, inverse, headline)
        known = None
        if classifier:
            known = _of_score(classifier["primary"], headline), _of_score(classifier["other"], headline)
        record["others"][inverse] = {
            "verdict": verdict(pairs, known) if _assessed(tests, pairs, known) else "not assessed",
            "tests": tests | _effects(compared, primary, again, seed),
            "classifier": classifier,
        }
    write_json(results.target(name, "agreement.json"), plain(record | _overall(record["others"])))


def _assessed(tests: dict[str, Any], pairs: list[tuple[Evidence, Evidence]], classifier: Any) -> bool:
    """Whether there is something to compare, and no finding is left out of it."""
    return bool(pairs or classifier) and tests["n_significant"] == sum(first.found for first, _ in pairs)


def _overall(others: dict[str, Any]) -> dict[str, str]:
    """Return the least favourable verdict of all inverses: a result holds when it holds under each of them."""
    given = [other["verdict"] for other in others.values()]
    order = ("depends", "not assessed", "weaker", "holds", "nothing found")
    found = next(word for word in order if word in given)
    return {"verdict": found, "reason": NOT_COMPUTED if found == "not assessed" else ""}


def _tests(
    rows: pd.DataFrame, primary: Family, again: Family
) -> tuple[dict[str, Any], list[tuple[Evidence, Evidence]]]:
    """Return what became of the declared findings, and what both inverses say of each test computed under both.

    A finding is a family-wise p below the level; the other inverse has its own correction, over as many tests.
    """
    numbers: dict[tuple[str, str], dict[str, float]] = rows.set_index(["family", "test"])[
        ["hedges_g", "ci_low", "ci_high", "p_fwe"]
    ].to_dict("index")  # type: ignore[assignment]
    computed = [
        (here, there)
        for here, there in zip(primary.tests, again.tests, strict=True)
        if np.isfinite([numbers[primary.name, here]["p_fwe"], numbers[again.name, there]["p_fwe"]]).all()
    ]
    pairs = {
        (here, there): (_of_test(numbers[primary.name, here]), _of_test(numbers[again.name, there]))
        for here, there in computed
    }
    decide = deciding([*pairs.values()])
    told = [
        {
            "test": here,
            "effect": first.size,
            "effect_ci": [first.low, first.high],
            "p_fwe": numbers[primary.name, here]["p_fwe"],
            "other_test": there,
            "other_effect": second.size,
            "other_effect_ci": [second.low, second.high],
            "other_p_fwe": numbers[again.name, there]["p_fwe"],
            "outcome": outcome(first, second),
        }
        for (here, there), (first, second) in pairs.items()
        if (first, second) in decide
    ]
    words = [row["outcome"] for row in told]
    counts = {
        "n_declared": len(primary.tests),
        "n_significant": sum(numbers[primary.name, test]["p_fwe"] < LEVEL for test in primary.tests),
        "n_significant_under_other": sum(numbers[again.name, test]["p_fwe"] < LEVEL for test in again.tests),
        "n_holding": words.count("holds"),
        "n_weaker": words.count("weaker"),
        "n_depending": words.count("depends"),
        "deciding": told,
    }
    return counts, [*pairs.values()]


def _of_test(row: dict[str, float]) -> Evidence:
    return Evidence(row["hedges_g"], row["ci_low"], row["ci_high"], bool(row["p_fwe"] < LEVEL))


def _of_score(score: dict[str, Any], headline: str) -> Evidence:
    low, high = score[f"{headline}_ci"]
    chance = CHANCE[headline]
    return Evidence(score[headline] - chance, low - chance, high - chance, score["found"])


def _effects(compared: Comparison, primary: Family, again: Family, seed: int) -> dict[str, Any]:
    """Compare the effects of all tests that were computed under both inverses."""
    values = compared.values
    usable = compared.table.set_index("test")["reason"].eq("")
    pairs = [pair for pair in zip(primary.tests, again.tests, strict=True) if usable[list(pair)].all()]
    if not pairs:
        return {"n_compared": 0}
    found = effect_agreement(
        compared.designs[primary.name],
        *(values[list(tests)].to_numpy(dtype=float) for tests in zip(*pairs, strict=True)),
        n_resamples=N_RESAMPLES,
        seed=seed,
    )
    return {
        "n_compared": found.n_tests,
        "n_same_sign": found.n_same_sign,
        "rank_correlation": found.rank_correlation,
        "rank_correlation_ci": [found.low, found.high],
        "when_nothing_differs": {
            "rank_correlation": found.chance_correlation,
            "rank_correlation_q95": found.chance_correlation_q95,
            "share_same_sign": found.chance_same_sign,
            "n_rearrangements": found.n_rearrangements,
        },
        "n_resamples": found.n_resamples,
    }


def _classifier(scores: dict[str, Any], inverse: str, headline: str) -> dict[str, Any] | None:
    """Return the headline score and that of the same features under another inverse; None unless both were scored.

    A score is found when it is better than chance. Shuffled scores give an R2 below 0, so that one may be better than
    they are and still worse than the mean: that is no finding.
    """
    primary = scores["primary_feature_set"]
    names = {"primary": primary, "other": agreement_set(inverse, primary)}
    sets = {side: scores["feature_sets"].get(name) for side, name in names.items()}
    if any(score is None or score.get(headline) is None for score in sets.values()):
        return None
    return {
        side: {
            "feature_set": names[side],
            headline: score[headline],
            f"{headline}_ci": score[f"{headline}_ci"],
            "p": score["permutation"]["p"],
            "found": bool(score["permutation"]["p"] < LEVEL and score[headline] > CHANCE[headline]),
        }
        for side, score in sets.items()
    }
