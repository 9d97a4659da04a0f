"""The README fits on one page, names every operator and sensor, and has no broken links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_taskcluster import get_provider_info

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
LINKS = sorted(set(re.findall(r"\]\(([^)]+)\)", README.replace("\n", " "))) - {""})


def headings(page):
    """Return the anchors of a page, as GitHub creates them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_it_is_one_page():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("link", [link for link in LINKS if "://" not in link])
def test_its_links_lead_to_what_is_there(link):
    path, _, anchor = link.partition("#")
    assert (ROOT / path).exists()
    assert not anchor or anchor in headings(ROOT / path)


@pytest.mark.parametrize("kind", ["operators", "sensors"])
def test_it_names_every_operator_and_sensor(kind):
    modules = [module for entry in get_provider_info()[kind] for module in entry["python-modules"]]
    sources = [ROOT / f"{module.replace('.', '/')}.py" for module in modules]
    text = "".join(source.read_text() for source in sources)
    names = re.findall(r"^class (Taskcluster\w+)", text, re.MULTILINE)
    assert len(names) > 4
    assert [name for name in names if f"`{name}`" not in README and not name.endswith("BaseSensor")] == []


@pytest.mark.parametrize("picture", ["connection-form.png", "growth.svg"])
def test_it_shows_the_form_and_how_cost_grows(picture):
    assert re.search(rf"!\[[^]]+\]\(docs/{picture}\)", README)
