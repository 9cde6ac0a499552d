"""What `painconn check` says of classifiers that are refitted for every labelling."""

import pytest

from painconn.cli.refits import refit_warnings
from painconn.config.loader import load_study
from painconn.prediction.registry import CLASSIFIERS


def study(repository, **target):
    known = load_study(repository / "configs" / "studies" / "demo.yaml")
    (name,) = known.targets
    return known.model_copy(update={"targets": {name: known.targets[name].model_copy(update=target)}})


def test_every_classifier_that_is_refitted_has_a_cost_and_no_other():
    for definition in CLASSIFIERS.values():
        assert (definition.labelling_s > 0) == (definition.permutations == "one by one")


@pytest.mark.parametrize("classifier", ["ridge", "lda", "cpm", "majority"])
def test_nothing_is_said_of_those_that_solve_all_at_once(repository, classifier):
    assert list(refit_warnings(study(repository, classifier=classifier))) == []


def test_a_forest_is_told_with_its_refits_its_time_and_the_fast_ones(repository):
    settings = {"classifier": "random_forest", "n_permutations": 1000, "n_outer_folds": 5, "n_repeats": 10}
    (told,) = refit_warnings(study(repository, **settings))
    assert "1000 permutations x 50 folds = 50,000 refits" in told
    assert "about 15 hours of one core" in told
    assert "in seconds: ridge, lda, cpm; or lower n_permutations" in told
    (shorter,) = refit_warnings(study(repository, **settings | {"n_permutations": 100}))
    assert "about 2 hours" in shorter or "about 90 minutes" in shorter
