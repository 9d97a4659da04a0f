"""The drawing of the package's folders shows all imports, except those implied by a longer path."""

from __future__ import annotations

import graphlib
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_taskcluster"


@pytest.fixture
def picture(monkeypatch):
    """The extension, imported from where Sphinx finds it."""
    monkeypatch.syspath_prepend(str(ROOT / "docs/extensions"))
    import rooms_picture

    yield rooms_picture
    for name in ("rooms_picture", "layered_drawing", "rooms"):
        sys.modules.pop(name, None)


def package(folder, files):
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name("__init__.py").touch()
        file.write_text(text)


def test_imports_of_all_kinds_count(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "PACKAGE", tmp_path / "house")
    imports = (
        "import house.b.module\ndef later():\n    from house.c import x\n    from house import d\nfrom . import e\n"
    )
    package(
        tmp_path / "house",
        {"a/deep/x.py": imports, "a/x.py": "", "b/x.py": "", "c/x.py": "", "d/x.py": "", "e/x.py": ""},
    )
    found = picture.imports_of_folders(tmp_path / "house")
    assert found == {"a": {"b", "c", "d"}, "b": set(), "c": set(), "d": set(), "e": set()}


def test_an_arrow_is_left_out_where_a_longer_way_leads_there(picture):
    graph = {"top": {"middle", "low"}, "middle": {"low"}, "low": set(), "alone": set()}
    assert picture.reduced(graph) == {"top": {"middle"}, "middle": {"low"}, "low": set(), "alone": set()}


def test_a_circle_is_an_error(picture):
    with pytest.raises(graphlib.CycleError):
        picture.reduced({"a": {"b"}, "b": {"a"}})


def test_callers_stand_above_what_they_call(picture):
    import layered_drawing

    graph = picture.reduced(picture.imports_of_folders(PACKAGE))
    rows = layered_drawing.depths(graph)
    assert {"operators", "hooks", "services", "transfer", "emulator"} <= set(rows)
    assert [(name, callee) for name in graph for callee in graph[name] if rows[name] >= rows[callee]] == []


def test_no_two_boxes_overlap_and_all_are_within_the_drawing(picture):
    import layered_drawing

    graph = picture.reduced(picture.imports_of_folders(PACKAGE))
    rows = layered_drawing.depths(graph)
    width, centres = layered_drawing.centres_of(rows, layered_drawing.paths(graph, rows))
    for row in set(rows.values()):
        middles = sorted(x for (_, other), (x, _) in centres.items() if other == row)
        assert middles[0] > layered_drawing.BOX_WIDTH / 2
        assert middles[-1] < width - layered_drawing.BOX_WIDTH / 2
        assert all(right - left > layered_drawing.BOX_WIDTH for left, right in pairwise(middles))


def test_its_label_says_in_words_what_is_drawn(picture):
    drawn = picture.svg({"top": {"low"}, "low": set()})
    assert 'aria-label="top imports low"' in drawn
    assert drawn.count("<rect") == 2
    assert drawn.count("marker-end") == 1
