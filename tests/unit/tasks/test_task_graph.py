"""Graphs of tasks that depend on each other by label."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks.task_graph import TaskGraph

OUTSIDE = "fN1SbArXTPSVFNUvaOlinQ"


def test_each_level_depends_on_earlier_ones_only():
    graph = TaskGraph({"d": ["b", "c"], "b": ["a"], "c": ["a", OUTSIDE], "a": []})
    assert graph.levels() == [["a"], ["b", "c"], ["d"]]


def test_ids_of_other_tasks_are_kept_and_none_comes_twice():
    graph = TaskGraph({"a": [], "b": ["a", OUTSIDE, "a", OUTSIDE]})
    assert graph.ids_of("b", {"a": "id of a", "b": "id of b"}) == ["id of a", OUTSIDE]


def test_a_label_that_looks_like_an_id_is_a_label():
    graph = TaskGraph({OUTSIDE: [], "b": [OUTSIDE]})
    assert graph.levels() == [[OUTSIDE], ["b"]]
    assert graph.ids_of("b", {OUTSIDE: "its id", "b": ""}) == ["its id"]


@pytest.mark.parametrize("shape", ["chain", "star", "layers"])
def test_ten_thousand_tasks_are_sorted(shape):
    requires = {"chain": lambda n: [f"{n - 1}"], "star": lambda _: ["0"], "layers": lambda n: [f"{n // 10}"]}[shape]
    graph = TaskGraph({f"{n}": requires(n) if n else [] for n in range(10_000)})
    levels = graph.levels()
    assert sum(map(len, levels)) == 10_000
    assert len(levels) == {"chain": 10_000, "star": 2, "layers": 5}[shape]


def test_a_long_circle_is_shown_in_part():
    with pytest.raises(InvalidInput, match=r"in a circle: '\d+' -> .* -> \d+ more") as caught:
        TaskGraph({f"{n}": [f"{(n + 1) % 1000}"] for n in range(1000)}).levels()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["b", "A", "fN1SbArXTPSVFNUvaOlin", "", 1, None])
def test_what_is_neither_a_label_nor_an_id_is_refused(name):
    with pytest.raises(InvalidInput, match="neither a label of the graph nor the id of a task"):
        TaskGraph({"a": [name]})


def test_an_empty_graph_is_refused():
    with pytest.raises(InvalidInput, match="no tasks"):
        TaskGraph({})
