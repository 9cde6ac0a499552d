import ast
import importlib
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
CIRCUMSTANCES = {
    "date": "2030-01-02 03:04 UTC",
    "command": "python benchmarks/run.py ONE",
    "machine": "a processor, 2 cores, 8 GiB, Linux x86_64",
    "numba_threads": 1,
    "other_busy_cores": 0.26,
    "versions": {"python": "3.11.1", "numpy": "2.0.0"},
}


@pytest.fixture(scope="module")
def modules():
    names = ("measuring", "page", "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name)


@pytest.fixture
def measuring(modules):
    return modules["measuring"]


@pytest.fixture
def page(modules):
    return modules["page"]


@pytest.fixture
def run(modules):
    return modules["run"]


def result(measuring, name="ONE", **changed):
    made = measuring.entry(
        name, described="4 regions | 2 epochs", peer="peer 1.2", cpu_s={"peer": 3.0, "painconn": 0.1},
        differences={"coh": 1e-12, "pli": 2e-4}, limit={"coh": 1e-9, "pli": 5e-3}, goal_ratio=20.0, note="A note.",
    )  # fmt: skip
    return {"group": name, "peak_mb": 123.4} | made | {"circumstances": CIRCUMSTANCES} | changed


def test_functions_run_in_turns_and_a_slow_peer_in_the_middle(measuring):
    assert list(measuring.turns({"a": 3, "b": 3})) == ["a", "b", "a", "b", "a", "b"]
    assert list(measuring.turns({"peer": 1, "ours": 5})) == ["ours", "ours", "peer", "ours", "ours", "ours"]
    assert list(measuring.turns({"peer": 2, "ours": 3})).count("peer") == 2


@pytest.mark.slow
def test_alternate_returns_medians_and_the_last_outputs(measuring, monkeypatch):
    cpu = iter([0.0, 1.0, 0.0, 5.0, 0.0, 2.0, 0.0, 9.0, 0.0, 3.0, 0.0, 6.0])
    monkeypatch.setattr(measuring.time, "process_time", lambda: next(cpu))
    called = []
    measured = measuring.alternate(
        {name: lambda name=name: called.append(name) or len(called) for name in ("peer", "painconn")},
        repeats={"peer": 3, "painconn": 3},
    )
    assert called == ["peer", "painconn"] * 3
    assert measured.outputs == {"peer": 5, "painconn": 6}
    assert measured.cpu_s == {"peer": 2.0, "painconn": 6.0}


def test_alternate_refuses_repeats_of_something_else(measuring):
    with pytest.raises(ValueError, match="repeats are given for"):
        measuring.alternate({"a": int}, repeats={"b": 1})


@pytest.mark.parametrize(
    ("ours", "peer", "expected"),
    [
        ([1.0, np.nan, 2.0], [1.0, np.nan, 2.5], 0.5),
        ([1.0, np.nan], [1.0, 0.0], np.inf),
        ([1.0, 0.0], [1.0, np.nan], np.inf),
        ([1.0], [1.0, 1.0], np.inf),
        ([1 + 1j], [1 + 0j], 1.0),
    ],
)
def test_agreement_is_the_largest_difference_and_a_lone_nan_is_none(measuring, ours, peer, expected):
    assert measuring.agreement(ours, peer) == expected


def test_nothing_compared_is_no_agreement(measuring):
    nothing = measuring.agreement([np.nan], [np.nan])
    assert math.isnan(nothing)
    assert not measuring.agrees({"coh": nothing}, 1e-9)


def test_limits_of_agreement_fail(measuring):
    assert measuring.agrees({"coh": 1e-10, "pli": 1e-3}, {"coh": 1e-9, "pli": 5e-3})
    assert not measuring.agrees({"coh": 1e-8, "pli": 1e-3}, {"coh": 1e-9, "pli": 5e-3})
    assert not measuring.agrees({"coh": 1e-8}, 1e-9)
    assert not measuring.agrees({"coh": np.inf}, 1e-9)
    with pytest.raises(KeyError):
        measuring.agrees({"coh": 0.0}, {"pli": 1.0})


@pytest.mark.parametrize(
    ("ours_s", "difference", "met"), [(0.1, 1e-12, True), (0.2, 1e-12, False), (0.1, 1e-6, False), (0.1, np.nan, False)]
)
def test_a_goal_is_met_by_ratio_and_agreement_together(measuring, ours_s, difference, met):
    made = measuring.entry(
        "W", described="", peer="", cpu_s={"peer": 3.0, "painconn": ours_s}, differences={"gc": difference}, limit=1e-9,
        goal_ratio=20.0,
    )  # fmt: skip
    assert made["met"] is met
    assert made["ratio"] == pytest.approx(3.0 / ours_s)


@pytest.mark.slow
def test_one_and_two_threads_take_turns(measuring, monkeypatch):
    threads = []
    monkeypatch.setitem(sys.modules, "numba", SimpleNamespace(set_num_threads=threads.append))
    measured, load = measuring.two_threads(lambda: threads[-1], rounds=2)
    assert threads == [1, 2, 1, 2]
    assert measured.outputs == {"1": 1, "2": 2}
    assert load.other_cores >= 0.0


def test_the_load_of_other_processes_is_a_number_of_cores(measuring):
    with measuring.load_watched() as load:
        sum(range(100_000))
    assert 0.0 <= load.other_cores < 4096


def test_the_page_shows_ratio_goal_limits_and_circumstances(measuring, page):
    without_peer = result(
        measuring, "TWO", ratio=None, goal="less than half", agreement={}, figures=[{"process": "first", "CPU s": 2.5}]
    )
    in_mb = result(measuring, "THREE", values={"painconn": 400.0, "peer": 800.0}, unit="MB", agreement={}, met=False)
    text = page.render({"workloads": [result(measuring), without_peer, in_mb]})
    assert (
        "| ONE | 4 regions \\| 2 epochs | peer 1.2 | 0.100 s | 3.00 s | 30.0x | >= 20x | yes | 2.0e-04 of 5e-03 (pli) |"
    ) in text
    assert "| THREE | 4 regions \\| 2 epochs | peer 1.2 | 400 MB | 800 MB | 30.0x | >= 20x | no | - |" in text
    assert "| TWO |" not in text
    assert "| first | 2.50 |" in text
    assert "Goal: less than half; met: yes." in text
    assert "peak memory of the process 123 MB, 0.3 cores busy with other processes." in text
    assert text.count("2 cores, 8 GiB, Linux x86_64; python 3.11.1, numpy 2.0.0") == 1


@pytest.mark.parametrize(
    ("found", "shown"),
    [({"a": 2e-10, "b": 1e-3}, "2.0e-10 of 1e-09 (a)"), ({"a": 1e-12, "b": 4e-3}, "4.0e-03 of 5e-03 (b)"),
     ({"a": 1e-12, "b": float("nan")}, "nan of 5e-03 (b)"), ({"a": float("inf"), "b": 0.0}, "inf of 1e-09 (a)")],
)  # fmt: skip
def test_the_difference_nearest_to_its_limit_is_shown(measuring, page, found, shown):
    assert page.worst(result(measuring, agreement=found, agreement_limit={"a": 1e-9, "b": 5e-3})) == shown


def test_a_limit_of_zero_is_a_limit(measuring, page):
    assert page.worst(result(measuring, agreement={"a": 0.0, "b": 1e-17}, agreement_limit=0.0)) == (
        "1.0e-17 of 0e+00 (b)"
    )


def test_an_extrapolated_peer_is_marked(measuring, page):
    text = page.render({"workloads": [result(measuring, extrapolated_from="20 of 9900 pairs")]})
    assert "| 3.00 s (extrapolated from 20 of 9900 pairs) |" in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0.0"), (7, "7"), (0.0123456, "0.0123"), (1234.5, "1234"), (1e-13, "1.0e-13"), (2.5e7, "2.5e+07"),
     (float("inf"), "inf"), (True, "yes"), ("text", "text")],
)  # fmt: skip
def test_figures_have_three_digits(page, value, expected):
    assert page.figure(value) == expected


def test_a_stale_page_is_found_and_repaired(measuring, page, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(page, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    page.RESULTS.write_text(json.dumps({"workloads": [result(measuring)]}))
    assert page.main(["--check"]) == 1
    assert "python benchmarks/page.py" in capsys.readouterr().out
    assert page.main([]) == 0
    assert page.main(["--check"]) == 0
    page.RESULTS.write_text(json.dumps({"workloads": [result(measuring, ratio=31.0)]}))
    assert page.main(["--check"]) == 1


def test_the_page_follows_the_saved_results(page):
    assert page.main(["--check"]) == 0


def test_no_saved_result_claims_more_than_its_figures(measuring, page):
    for saved in json.loads(page.RESULTS.read_text())["workloads"]:
        assert not saved["met"] or measuring.agrees(saved["agreement"], saved["agreement_limit"]), saved["workload"]
        if saved["ratio"] is not None:
            values = page.values_of(saved)
            peer = next(value for name, value in values.items() if name != "painconn")
            assert saved["ratio"] == pytest.approx(peer / values["painconn"]), saved["workload"]
            assert not saved["met"] or saved["ratio"] >= (saved["goal_ratio"] or 0.0), saved["workload"]


def test_names_select_workloads_by_their_beginning(run):
    assert run.selected([]) == list(run.WORKLOADS)
    assert run.selected(["GC", "MEM"]) == ["GC-ALL", "MEM"]
    with pytest.raises(SystemExit, match="no workload begins with NOTHING"):
        run.selected(["NOTHING", "GC"])


def test_every_workload_is_a_function_of_its_module(run):
    for workload in run.WORKLOADS.values():
        tree = ast.parse((BENCHMARKS / f"{workload.module}.py").read_text(encoding="utf-8"))
        assert workload.function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_new_result_replaces_only_its_own(measuring, run):
    old = [result(measuring, "GC-ALL", ratio=1.0), result(measuring, "MEM", ratio=1.0), result(measuring, "GONE")]
    new = [result(measuring, "GC-ALL", ratio=2.0), result(measuring, "GC-ALL", ratio=3.0)]
    found = run.merged(old, new, "GC-ALL")
    assert [(entry["group"], entry["ratio"]) for entry in found] == [("GC-ALL", 2.0), ("GC-ALL", 3.0), ("MEM", 1.0)]


def test_a_result_carries_its_circumstances(measuring, run, monkeypatch):
    class Module:
        @staticmethod
        def run():
            return [result(measuring, peak_mb=5.0)]

    monkeypatch.setattr(run, "import_module", {"spectral": Module}.__getitem__)
    monkeypatch.setitem(run.WORKLOADS, "MEM", run.Workload("spectral"))
    (entry,) = run.measure("MEM", 1)
    assert entry["peak_mb"] == 5.0
    assert entry["circumstances"]["command"] == "python benchmarks/run.py MEM"
    assert entry["circumstances"]["versions"]["numpy"] == np.__version__
    assert "ratio 30" in run.told(entry)
