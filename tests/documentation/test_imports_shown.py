"""Every page shows the imports for each class, in full, so that they can be copied."""

from __future__ import annotations

import ast
import importlib
import re
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = "airflow_provider_taskcluster"
GUIDES = sorted(path.stem for path in (DOCS / "guides").glob("*.md"))
# In a line on its own, with several names in brackets, too.
IMPORTS = re.compile(r"^ *((?:from [\w.]+ )?import (?:\([^)]*\)|[\w., ]+))$", re.MULTILINE)
LINKED = re.compile(rf"`(\w+) <({PACKAGE}[\w.]*)>`")
SIGNATURE = re.compile(r'<dt class="sig sig-object py" id="([\w.]+)">(.*?)</dt>', re.DOTALL)


def plain(html):
    return unescape(re.sub(r"<[^>]+>", "", html))


def code(site, page, element="pre"):
    """Return the blocks of code on a page; with ``code``, code within text and tables as well."""
    found = re.findall(rf"<{element}\b[^>]*>(.*?)</{element}>", (site[0] / page).read_text(), re.DOTALL)
    return [plain(each) for each in found]


def names_in(statements):
    """Return the full names that import statements bind."""
    nodes = [node for text in statements for node in ast.parse(text).body]
    froms = {
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return froms | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def shown(site, page):
    everything = code(site, page) + code(site, page, "code")
    return names_in(found for each in everything for found in IMPORTS.findall(each))


def can_be_imported(name):
    module, _, member = name.rpartition(".")
    return hasattr(importlib.import_module(module), member)


@pytest.fixture(scope="module")
def pages(site):
    return [str(path.relative_to(site[0])) for path in site[0].rglob("*.html")]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_first_python_of_every_guide_begins_with_an_import(site, guide):
    html = (site[0] / f"guides/{guide}.html").read_text()
    python = re.search(r'<div class="highlight-python .*?<pre>(.*?)</pre>', html, re.DOTALL)
    first = plain(python[1]).lstrip()
    assert re.match(r"(from|import) ", first), f"{guide}: {first[:80]}"


@pytest.mark.parametrize("guide", GUIDES)
def test_every_class_that_a_guide_is_about_is_imported_on_it(site, guide):
    head = (DOCS / f"guides/{guide}.md").read_text().split("```")[0]
    about = {full for name, full in LINKED.findall(head) if name.startswith("Taskcluster")}
    assert about - shown(site, f"guides/{guide}.html") == set()


def test_what_code_on_the_pages_uses_of_ours_is_imported_in_the_same_block(site, pages):
    """In the reference it stands below the full name of the class."""
    missing = [
        (page, name)
        for page in pages
        if not page.startswith("reference/api/")
        for block in code(site, page)
        for name in re.findall(r"\b(Taskcluster\w+(?:Operator|Sensor|Hook|Trigger))[(.]", block)
        if not re.search(rf"\bimport\b[^=]*\b{name}\b", block)
    ]
    assert missing == []


def test_every_import_that_is_shown_works(site, pages):
    ours = {name for page in pages for name in shown(site, page) if name.startswith(PACKAGE)}
    assert len(ours) > 20
    for name in ours:
        assert can_be_imported(name), name


def test_the_reference_shows_every_class_in_full_as_it_is_imported(site, pages):
    text = {}
    for page in pages:
        if page.startswith("reference/api/"):
            text |= {name: plain(shown) for name, shown in SIGNATURE.findall((site[0] / page).read_text())}
    classes = [name for name in text if name.rpartition(".")[2][0].isupper()]
    assert len(classes) > 100
    assert [name for name in classes if name not in text[name]] == []
    for name in classes:
        assert can_be_imported(name), name


def test_the_page_of_imports_has_every_operator_sensor_and_hook(site, documented):
    rooms = tuple(f"{PACKAGE}.{room}." for room in ("operators", "sensors", "hooks", "triggers.events"))
    wanted = {
        name for name in documented if name.startswith(rooms) and name.rpartition(".")[2].startswith("Taskcluster")
    }
    assert len(wanted) > 14
    bases = {f"{PACKAGE}.triggers.events.TaskclusterEventTrigger", f"{PACKAGE}.hooks.synchronous.TaskclusterHook"}
    assert (
        wanted - bases - {f"{PACKAGE}.hooks.synchronous.TaskclusterHook"} - shown(site, "reference/imports.html")
        == set()
    )


def test_the_tables_of_the_readme_name_the_module_of_each_class():
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"`(\w+)`", "\n".join(line for line in text.splitlines() if line.startswith("|")))
    classes = {name for name in named if name.startswith("Taskcluster")}
    told = {name: module for module, name in re.findall(r"`([\w.]+)`: `(Taskcluster\w+)`", text)}
    assert len(classes) > 13
    assert classes - set(told) == set()
    for name, module in told.items():
        assert hasattr(importlib.import_module(f"{PACKAGE}.{module}"), name)


@pytest.mark.parametrize("page", ["index", "quick-start", "reference/scopes", "reference/api/index"])
def test_pages_that_name_classes_alone_lead_to_the_page_of_imports(page):
    assert re.search(r"\{doc\}`(/?reference/)?imports`", (DOCS / f"{page}.md").read_text())
