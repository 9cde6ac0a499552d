import json
from copy import deepcopy
from dataclasses import replace

import pytest

from painconn.errors import DesignError
from painconn.simulation.caps import CAP_64
from painconn.simulation.people import draw_person
from painconn.simulation.recovery_grid import read_grid

COUPLING = {
    "name": "bridge",
    "rhythm": "alpha",
    "leaders": ["postcentral-lh"],
    "followers": ["postcentral-rh"],
    "strength": {"mean": 0.5, "sd": 0.1, "low": 0.0, "high": 0.9},
}
PART = {
    "cohorts": ["null", "coupled"],
    "montages": ["cap_19", "cap_32"],
    "cleaning": ["artefact_free", "recommended"],
    "inverses": ["eloreta"],
    "measures": ["coh", "imcoh"],
    "bands": ["alpha"],
    "n_epochs": [20],
}
GRID = {
    "name": "try",
    "seed": 1,
    "cohorts": {
        "null": {"n_per_group": {"everybody": 4}},
        "coupled": {"n_per_group": {"everybody": 4}, "couplings": [COUPLING]},
        "pool": {"n_per_group": {"x": 9, "y": 9}, "couplings": [COUPLING]},
    },
    "parts": [PART, PART | {"cohorts": ["pool"], "measures": ["coh"]}],
    "studies": {"n_per_group": [4, 9]},
}


EFFECT = {"trait": "coupling:bridge", "by": "group", "level": "y", "d": 1}


def changed(change):
    grid = deepcopy(GRID)
    change(grid)
    return grid


def test_the_cells_are_all_combinations_of_every_part():
    cells = {(one.cohort, one.montage, one.cleaning) for one in read_grid(GRID).cells()}
    assert len(cells) == 12
    assert ("pool", "cap_32", "recommended") in cells


def test_a_cell_is_made_again_from_its_settings_alone_and_from_nothing_else_of_the_grid():
    cell = read_grid(GRID).cell("coupled", "cap_19", "recommended")
    settings = json.loads(json.dumps(cell.settings()))
    again = read_grid(settings["grid"]).cell(settings["cohort"], settings["montage"], settings["cleaning"])
    assert again.spec() == cell.spec()
    assert (again.part.measures, again.channels, again.bands_hz) == (cell.part.measures, cell.channels, cell.bands_hz)

    def elsewhere(grid):
        grid["studies"]["n_studies"] = 50
        grid["cohorts"]["pool"]["n_per_group"]["x"] = 20
        grid["parts"][1]["n_epochs"] = [30]
        grid["figures"] = [["one", "coupled", "alpha"]]

    def here(grid):
        grid["cohorts"]["coupled"]["couplings"][0]["delay_s"] = 0.01

    assert read_grid(changed(elsewhere)).cell("coupled", "cap_19", "recommended").settings() == cell.settings()
    assert read_grid(changed(here)).cell("coupled", "cap_19", "recommended").settings() != cell.settings()


def test_the_groups_of_a_pool_are_the_same_people_and_differ_by_the_effect_alone():
    grid = read_grid(changed(lambda grid: grid["cohorts"]["pool"].update(effects=[EFFECT])))
    cell = grid.cell("pool", "cap_19", "artefact_free")
    people = cell.roster()
    assert [label for label, _ in people[:9]] == [label for label, _ in people[9:]]
    assert [group for _, group in people] == ["x"] * 9 + ["y"] * 9
    for (label, x), (_, y) in zip(people[:9], people[9:], strict=True):
        first, second = (draw_person(cell.spec(), label, group, seed=1) for group in (x, y))
        assert second.coupling["bridge"] > first.coupling["bridge"]
        assert replace(second, group="x", coupling=first.coupling) == first
    assert len(read_grid(GRID).cell("pool", "cap_19", "artefact_free").roster()) == 18


def test_everybody_wears_the_whole_cap_and_only_a_cleaned_cell_has_artefacts():
    grid = read_grid(GRID)
    quiet, dirty = (grid.cell("coupled", "cap_19", cleaning).spec() for cleaning in ("artefact_free", "recommended"))
    assert quiet.channels == dirty.channels == CAP_64
    silent = [name for name, spread in vars(quiet.artefacts).items() if spread.high == 0]
    assert {"blink_uv", "heart_uv", "muscle_burst_uv", "muscle_tone_uv", "line_uv", "drift_uv"} <= set(silent)
    assert quiet.artefacts.sensor_noise_uv == dirty.artefacts.sensor_noise_uv
    assert dirty.artefacts.blink_uv.mean > 0
    assert (quiet.couplings, quiet.rhythms, quiet.protocol) == (dirty.couplings, dirty.rhythms, dirty.protocol)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda grid: grid["parts"][0]["measures"].append("wplu"), "wplu"),
        (lambda grid: grid["parts"][0]["inverses"].append("magic"), "magic"),
        (lambda grid: grid["parts"][0]["cohorts"].append("nobody"), "nobody"),
        (lambda grid: grid["parts"][0]["cohorts"].remove("null"), "sets the thresholds of coupled"),
        (lambda grid: grid["parts"].append(PART), "null x cap_19 x artefact_free twice"),
        (lambda grid: grid.update(cap="cap_19"), "cap_32, no part of cap_19"),
        (lambda grid: grid["cohorts"]["null"].update(n_per_group={"everybody": 5}), "people of null"),
        (lambda grid: grid["cohorts"]["coupled"].update(couplings=[]), "null is the one without"),
        (lambda grid: grid["cohorts"]["pool"]["n_per_group"].update(z=9), "at most 2"),
        (lambda grid: grid["cohorts"]["coupled"]["couplings"][0].update(leaders=["postcentral"]), "postcentral"),
        (lambda grid: grid["cohorts"]["coupled"]["couplings"][0].update(rhythm="alfa"), "coupled.*rhythm alfa"),
        (lambda grid: grid["cohorts"]["pool"].update(effects=[EFFECT | {"trait": "coupling:no"}]), "unknown trait"),
        (lambda grid: grid["cohorts"]["pool"].update(effects=[EFFECT], n_per_group={"x": 9, "y": 8}), "same people"),
        (lambda grid: grid["parts"][0].update(n_epochs=[500]), "500 epochs of 2 s in 250 s"),
        (lambda grid: grid["parts"][0].update(bands=[]), "parts.0.bands"),
        (lambda grid: grid.update(parts=[]), "parts"),
        (lambda grid: grid.update(name="../here"), "name"),
        (lambda grid: grid.update(figures=[["one", "coupled", "theta"]]), r"figures\.one .*coupled, theta"),
        (lambda grid: grid.update(figures=[["one", "pool", "alpha"]]), "a cohort of one group"),
        (lambda grid: grid.update(source_spacing="ico9"), "source_spacing"),
        (lambda grid: grid["parts"][1].update(measures=["imcoh"]), "symmetric measures"),
        (lambda grid: grid["cohorts"]["null"].update(couplings=[COUPLING]), "one group without coupling"),
        (lambda grid: grid.update(colour="red"), "colour"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(change, told):
    with pytest.raises(DesignError, match=told):
        read_grid(changed(change))


def test_all_problems_are_told_at_once():
    def many(grid):
        grid["parts"][0]["measures"].append("wplu")
        grid["parts"][1]["inverses"] = ["magic"]

    with pytest.raises(DesignError) as caught:
        read_grid(changed(many))
    assert {problem.found for problem in caught.value.problems} == {"wplu", "magic"}
