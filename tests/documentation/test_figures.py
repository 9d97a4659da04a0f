"""The figures in README and on the pages are those of the results in the repository, which identify no machine."""

from __future__ import annotations

import copy
import json
import re

import pytest

from benchmarks import pages, publish

RESULTS = json.loads(publish.RESULTS.read_text())
GROWTH = json.loads(publish.GROWTH.read_text())


def test_the_pages_have_the_figures_of_the_results():
    """`make bench-table` writes them."""
    for page, text in publish.written(RESULTS, GROWTH).items():
        assert (publish.REPOSITORY / page).read_text() == text


def test_other_results_give_other_pages():
    other = copy.deepcopy(RESULTS)
    other["cases"]["download_object"]["contenders"]["ours.download_object"]["figure"] = 77.7
    assert "| 77.7 s |" in publish.written(other, GROWTH)[publish.README]


def test_what_it_was_measured_on_is_said():
    said = pages.speed(RESULTS)
    assert all(RESULTS["machine"][fact] in said for fact in ("date", "taskcluster", "python", "nginx", "cores"))


@pytest.mark.parametrize("file", [publish.RESULTS, publish.GROWTH])
def test_results_identify_no_machine(file):
    assert re.findall(r"/\w+/|://|localhost", file.read_text()) == []


def test_the_plots_are_of_the_same_run_as_the_figures():
    drawn = (publish.REPOSITORY / "docs" / "growth-files.svg").read_text()
    assert all(f">{label}<" in drawn for label in GROWTH["files"])


def test_a_case_that_is_measured_again_takes_the_place_of_the_old_one():
    again = {**RESULTS, "cases": {"upload_object": {**RESULTS["cases"]["upload_object"], "ours": 1.5}}}
    cases = publish.merged(RESULTS, again)["cases"]
    assert cases["upload_object"]["ours"] == 1.5
    assert cases.keys() == RESULTS["cases"].keys()


def test_results_of_another_machine_are_not_mixed_in():
    other = {**RESULTS, "machine": {**RESULTS["machine"], "cpu": "another"}, "cases": {}}
    with pytest.raises(SystemExit, match="--cases download_object"):
        publish.merged(RESULTS, other)
