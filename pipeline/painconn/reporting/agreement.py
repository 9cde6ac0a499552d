"""Whether the declared result of a target holds under another inverse: sentences and tables."""

from collections.abc import Mapping
from typing import Any

from painconn.reporting.citations import Citations
from painconn.reporting.effect_figures import ALPHA
from painconn.reporting.marks import dagger, note
from painconn.reporting.notation import column_words, count, interval, listing, number, p_cell, p_text, plural
from painconn.reporting.records import records
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.tables import Table

NOT_ASSESSED = "not assessed"


def agreement_verdict(target: TargetResults) -> str:
    """Return the verdict in plain words; empty when nothing was saved."""
    saved = target.agreement
    if not saved:
        return ""
    inverses = [str(saved["primary_inverse"]), *map(str, saved["others"])]
    every = "both inverses" if len(inverses) == 2 else f"all {len(inverses)} inverses"
    same = f"the same direction and size under {every} ({listing(inverses)}), significant under one only"
    told = {
        "holds": f"holds under {every} ({listing(inverses)})",
        "weaker": f"{same}{_told(saved)}",
        "depends": f"depends on the inverse ({listing(inverses)}){_told(saved)}",
        "nothing found": f"no finding under either inverse ({listing(inverses)})"
        if len(inverses) == 2
        else f"no finding under any inverse ({listing(inverses)})",
        NOT_ASSESSED: f"agreement of inverses {NOT_ASSESSED}: {saved['reason']}",
    }
    return told[saved["verdict"]]


def _told(saved: Mapping[str, Any]) -> str:
    """Return how many findings had which outcome; empty where there is one finding, or none."""
    told = []
    for name, other in saved["others"].items():
        tests = other["tests"]
        counts = {"holds": tests["n_holding"], "weaker": tests["n_weaker"], "depends": tests["n_depending"]}
        total = sum(counts.values())
        if total > 1:
            words = ", ".join(f"{word} {count(n)}" for word, n in counts.items())
            told.append(f"{count(total)} findings under {name}, {words}")
    return f": {'; '.join(told)}" if told else ""


def agreement_kind(target: TargetResults) -> str:
    """Return the colour of the verdict on the page: of a finding, a direction, a contradiction or none."""
    kinds = {"holds": "found", "weaker": "direction", "depends": "opposite"}
    return kinds.get((target.agreement or {}).get("verdict", ""), "not")


def agreement_sentences(target: TargetResults) -> tuple[str, ...]:
    """Say for each other inverse what became of the declared tests and of the model."""
    saved = target.agreement
    if not saved:
        return ()
    if not saved["others"]:
        return (f"The verdict is {NOT_ASSESSED}: {saved['reason']}. A second one in cortex.inverses would tell.",)
    first = str(saved["primary_inverse"])
    return tuple(
        " ".join(filter(None, (_findings(name, other["tests"]), _effects(other["tests"]), _scores(first, name, other))))
        for name, other in saved["others"].items()
    )


def _findings(name: str, tests: Mapping[str, Any]) -> str:
    found, of_other = tests["n_significant"], tests["n_significant_under_other"]
    if not found:
        said = (
            f"Under {name}: none of the {count(tests['n_declared'])} declared tests was significant, so none could be "
            f"lost; {count(of_other)} would be significant under {name}, each corrected over as many tests"
        )
        return f"{said}: {_short_of(tests, 'the declared inverse')}." if tests["deciding"] else f"{said}."
    again = (
        f"Under {name}: {count(tests['n_holding'])} of {plural(found, 'significant primary test')} "
        f"{'is' if tests['n_holding'] == 1 else 'are'} significant again, in the same direction and corrected over "
        f"as many tests ({count(of_other)} significant in all)"
    )
    rest = tests["n_weaker"] + tests["n_depending"]
    return f"{again}; of the others, {_short_of(tests, name)}." if rest else f"{again}."


def _short_of(tests: Mapping[str, Any], name: str) -> str:
    """Say what the inverse that does not find them shows of the findings."""
    return (
        f"{count(tests['n_weaker'])} {'has' if tests['n_weaker'] == 1 else 'have'} under {name} the same direction and "
        f"an effect that reaches the 95 % interval of the finding, {count(tests['n_depending'])} "
        f"{'does' if tests['n_depending'] == 1 else 'do'} not"
    )


def _effects(tests: Mapping[str, Any]) -> str:
    if not tests["n_compared"]:
        return "No test could be computed under both."
    nothing = tests["when_nothing_differs"]
    return (
        f"Effects point the same way in {count(tests['n_same_sign'])} of {count(tests['n_compared'])} tests "
        f"({number(100 * nothing['share_same_sign'], 0)} % when nothing differs); their rank correlation is "
        f"{number(tests['rank_correlation'])}, 95 % interval {interval(*tests['rank_correlation_ci'])}. Both inverses "
        f"see the same recordings and share their noise: when nothing differs the correlation is "
        f"{number(nothing['rank_correlation'])} on average and below {number(nothing['rank_correlation_q95'])} in 95 %."
    )


def _scores(first: str, name: str, other: Mapping[str, Any]) -> str:
    scores = other["classifier"]
    if scores is None:
        return "The model was not scored under both."
    key, model, symbol = ("r2", "Regression", "R²") if "r2" in scores["primary"] else ("auc", "Classifier", "AUC")
    told = [
        f"{inverse} {number(score[key])}, 95 % interval {interval(*score[f'{key}_ci'])}, "
        f"{p_text(score['p'], symbol='permutation p')}"
        for inverse, score in zip((first, name), (scores["primary"], scores["other"]), strict=True)
    ]
    return f"{model} on the same features, {symbol}: {'; '.join(told)}."


def agreement_table(target: TargetResults) -> Table | None:
    """Return a row per finding and other inverse, with what became of it; None without any."""
    saved = target.agreement
    tests = records(target.tests("primary"))
    marks = {str(test["test"]): test for test in tests}
    rows = [
        (
            f"{column_words(str(row['test']))}{dagger(marks.get(str(row['test']), {}))}",
            f"{number(row['effect'])} [{interval(*row['effect_ci'])}]",
            p_cell(row["p_fwe"]),
            name,
            f"{number(row['other_effect'])} [{interval(*row['other_effect_ci'])}]",
            p_cell(row["other_p_fwe"]),
            row["outcome"],
        )
        for name, other in (saved["others"] if saved else {}).items()
        for row in other["tests"]["deciding"]
    ]
    if not rows:
        return None
    assert saved is not None  # noqa: S101 — rows come from it
    first = str(saved["primary_inverse"])
    sizes = listing(sorted({count(other["tests"]["n_declared"]) for other in saved["others"].values()}))
    named = {row["test"] for other in saved["others"].values() for row in other["tests"]["deciding"]}
    return Table(
        caption=f"Findings, and the same tests under the other inverse: the primary tests that are significant under "
        f"{first} or, where none is, under the other inverse; every p is corrected over {sizes} tests. holds: "
        "significant under both, in the same direction. weaker: significant under one; the other effect has the same "
        "direction and reaches the 95 % interval of the finding. depends (bold): the other direction, or short of that "
        f"interval. A p that moves across {ALPHA:g} is no difference between inverses."
        + note(test for test in tests if test["test"] in named),
        header=(
            "test",
            f"effect, {first}",
            f"p (family-wise), {first}",
            "inverse",
            "effect",
            "p (family-wise)",
            "outcome",
        ),
        rows=tuple(rows),
        marked=frozenset(index for index, row in enumerate(rows) if row[-1] == "depends"),
    )


def agreement_method(results: StudyResults, cited: Citations) -> list[str]:
    """Say how the inverses were compared; nothing when a study has one."""
    assessed = [
        target.agreement for target in results.targets.values() if target.agreement and target.agreement["others"]
    ]
    if not assessed:
        return []
    others = dict.fromkeys(name for saved in assessed for name in saved["others"])
    n = next((other["tests"].get("n_resamples") for saved in assessed for other in saved["others"].values()), None)
    return [
        f"Every primary test and the declared feature set were repeated under {listing(list(others))}, as exploratory "
        "results corrected over as many tests; the primary family is not enlarged by it. Agreement of effect sizes "
        "over tests: Spearman's rank correlation, its interval by a Bayesian bootstrap of people "
        f"{cited.cite('rubin1981')} ({count(n)} weightings, each for all tests and inverses), beside its values when "
        "residuals change places between people or sides."
    ]
